"""Titles as words: the headline in them, and the names of sites, columns and programmes around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from crawlers import phrases

_NOT_WORDS = re.compile(r"[\W_]+")
_SEPARATORS = re.compile(
    r"\s*[_|｜丨]+\s*|\s+[-–—]+\s*|\s*[-–—]+\s+|--+|——+|-(?=[^-]*$)|—+(?=[^—]*$)|\s*[›»>]\s*| {2,}"
)
_MARKED = re.compile(r"\s*[\[【](?P<mark>[^\]】]{1,8})[\]】]\s*(?P<rest>.+)$")
CUT = re.compile(r"…|\.\.\.")
"""Where a title was cut by its length."""
_PAGE_COUNT = re.compile(r"\s*[（(]\s*(?:\d{1,2}\s*/\s*\d{1,2}|第?\d{1,2}页)\s*[)）]\s*$")
_PROGRAMME = re.compile(r"(?:新闻|联播|播报|报道|直播间|视界|视频)$")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The words without spaces and punctuation."""
    return _NOT_WORDS.sub("", text)


def columns(said: Sequence[str]) -> set[str]:
    """The short names in titles that are no site's."""
    parts = {part.strip() for text in said for part in _SEPARATORS.split(text) if part}
    return {plain(part) for part in parts if 2 <= len(part) < 6 and not phrases.SITE_ENDING.search(part)}


def spoken_parts(said: Sequence[str]) -> tuple[list[str], set[str], set[str]]:
    """Titles, also without a mark in brackets before them; the plain words of their parts, and of each as a whole."""
    spoken = [*said, *(match["rest"] for text in said if (match := _MARKED.match(text)))]
    parts = {plain(part) for text in spoken for part in _SEPARATORS.split(text) if part}
    return spoken, parts, {plain(text) for text in spoken}


def is_site_name(text: str) -> bool:
    """Whether a title names nothing but a site or a column."""
    parts = [part for part in _SEPARATORS.split(text) if part and part.strip()]
    return all(
        len(part) < 6 or phrases.NOT_TITLES.match(part) or (len(part) <= 16 and phrases.SITE_ENDING.search(part))
        for part in map(str.strip, parts)
    )


@lru_cache(maxsize=1024)
def without_site(title: str) -> str:
    """The title without the names of site and column around it."""
    parts = [part.strip() for part in _SEPARATORS.split(title) if part and part.strip()]
    if not parts:
        return title.strip()
    names = [part for part in parts if not (len(part) <= 16 and phrases.SITE_ENDING.search(part))]
    if len(parts[0]) >= 6 and parts[0] in names:
        return parts[0]
    return max(names, key=len, default=title.strip())


def _agrees(visible: str, said: str) -> bool:
    """Whether a visible line is the headline that the page's title begins with, or was cut from."""
    short, long = plain(visible), plain(said)
    if len(short) < 4 or len(visible) > 200 or (short not in long and long[:4] != short[:4]):
        return False
    if long.startswith(short):
        rest = said[len(visible) :] if said.startswith(visible) else ""
        if rest[:1] == " " and len(rest) <= 16 and phrases.SITE_ENDING.search(rest):
            return True
        return len(short) * 10 >= len(plain(without_site(said))) * 7
    # A title that was cut behind a question or a comma goes on in the headline.
    first = _SEPARATORS.split(said)[0].rstrip()
    if first.endswith(("？", "！", "，", "?", "!", ",")) and len(plain(first)) >= 6 and short.startswith(plain(first)):
        return True
    # So does one that was cut at a quotation mark or by its length.
    cut = plain(CUT.split(said)[0] if CUT.search(said) else said.rstrip(".· "))
    if len(cut) >= 8 and short.startswith(cut):
        return len(short) < 3 * len(cut)
    # Some sites put their own name, or that of a column, first.
    return any(part.endswith(short) and len(short) * 10 >= len(part) * 5 for part in (long, plain(without_site(said))))


def agreement(text: str, said: Sequence[str], exact: set[str], parts: set[str]) -> float:
    """How far a line is what the page calls itself elsewhere; the rest as of `spoken_parts`. 0 where it is not."""
    words = plain(text)
    if len(words) < 2:
        return 0.0
    if words in exact:
        return 6.5
    if len(words) >= 6 and any(_agrees(text, one) for one in said):
        return 6.0
    if words in parts:
        return 5.0 if len(words) >= 6 else 3.0
    return 0.0


def tidy_title(text: str, said: Sequence[str]) -> str:
    """The headline without a mark in brackets before it, where the page itself leaves that out or it is a programme's
    name, and without the count of its pages."""
    text = _PAGE_COUNT.sub("", text)
    match = _MARKED.match(text)
    if match and (any(one.startswith(match["rest"]) for one in said) or _PROGRAMME.search(match["mark"])):
        return match["rest"].strip()
    return text.strip()
