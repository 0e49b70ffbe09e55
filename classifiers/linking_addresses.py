"""Links to a policy's own page."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

from classifiers.linking_field import ADDRESS

_TRACKING = re.compile(r"utm_\w+|from|isappinstalled|spm|share\w*|scene|wx\w*|src|ref", re.IGNORECASE)
"""Parameters that sharing adds; the page is the same."""


class AddressIndex:
    """The pages of a register's policies.

    Examples
    --------
    >>> index = AddressIndex()
    >>> index.add("https://www.example.gov.cn/a/7.html", 0)
    >>> list(index.find("见 example.gov.cn/a/7.html?from=timeline。"))
    [('example.gov.cn/a/7.html?from=timeline', 0)]
    """

    def __init__(self) -> None:
        self._places: dict[str, set[int]] = defaultdict(set)

    def add(self, url: str, place: int) -> None:
        """Add the page of the policy at this place of the register."""
        self._places[_same_page(url)].add(place)

    def find(self, words: str, url: str | None = None) -> Iterator[tuple[str, int]]:
        """The pages that a text links to, and the document's own, each as written with its policy's place."""
        if not self._places:
            return
        found = ADDRESS.findall(words) if "/" in words else []
        for address in ([url] if url else []) + found:
            for place in sorted(self._places.get(_same_page(address), ())):
                yield address, place


def _same_page(url: str) -> str:
    """An address without what does not change the page: scheme, www., fragment, slash at the end, tracking."""
    url = url.strip()
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return url
    host = parts.netloc.lower().removeprefix("www.")
    asked = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(key, value) for key, value in asked if not _TRACKING.fullmatch(key)]
    return f"{host}{parts.path.rstrip('/')}" + (f"?{urlencode(kept)}" if kept else "")
