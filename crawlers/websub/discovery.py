"""Which hub a feed offers, and what that calls the feed: by the answer's Link header, else by the feed's own links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urljoin, urlsplit

import msgspec

from minsheng.redaction import redacted

LONGEST = 2000
"""Characters of an address."""
_LONGEST_HEADER = 8000
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A feed's hub.

    Attributes
    ----------
    hub:
        Its address.
    topic:
        What it calls the feed.
    own_network:
        The feed lies in a network of the operator's own, so the hub may, too.
    """

    hub: str
    topic: str
    own_network: bool = False


def offer_of(
    url: str, headers: Iterable[str], hubs: Sequence[str], topic: str | None, *, own_network: bool
) -> Offer | None:
    """What a feed offers; None where it names no hub, or what would have to be told to the hub is secret.

    Parameters
    ----------
    url:
        Where the feed was had.
    headers:
        The answer's `Link` headers; they count more than the feed itself (section 4 of the Recommendation).
    hubs, topic:
        Of the feed's own links those that are `hub` and `self`.
    """
    linked = [link for header in headers for link in _links(header[:_LONGEST_HEADER])]
    named = [target for target, relations in linked if "hub" in relations] or list(hubs)
    own = next((target for target, relations in linked if "self" in relations), topic)
    usable = [found for hub in named if (found := _address(hub, url))]
    # One is enough, and all of them tell the same: the one on the safer way.
    hub = next((one for one in usable if one.startswith("https://")), usable[0] if usable else None)
    called = _address(own, url) if own else url
    if hub is None or called is None or redacted(called) != called:
        return None
    return Offer(hub=hub, topic=called, own_network=own_network)


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    """The targets of a Link header (RFC 8288) and what each is."""
    for target, parameters in _LINK.findall(header):
        relation = _REL.search(parameters)
        if relation is not None:
            yield target, (relation[1] or relation[2] or "").lower().split()


def _address(link: str, base: str) -> str | None:
    """The whole address, letter for letter: a hub compares them so."""
    try:
        url = urljoin(base, link.strip())
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= LONGEST
    except ValueError:
        return None
    return url if usable and url.isprintable() and " " not in url else None
