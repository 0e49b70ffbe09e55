"""Feeds to entries: RSS of every version, Atom, JSON Feed, whatever services make of them; and which a page names."""

from __future__ import annotations

import re
from calendar import timegm
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import lxml.html
import msgspec

from crawlers.admission import Found, canonical_url
from crawlers.dates import day_in_url, parse_time
from crawlers.markup import base_of, html_text, parse_html
from crawlers.walls import wall_instead
from minsheng.errors import BadInput
from minsheng.records import Attachment

FeedKind = Literal["news", "post", "message"]

_ROOT = re.compile(r"<\?xml|<(?:\w+:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_PAGE = re.compile(r"\s*+(?:<!--.*?-->\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MEDIA_TYPES = ("rss+xml", "atom+xml", "rdf+xml", "feed+json")
_FEED_PATH = re.compile(
    r"\.(?:rss|atom|rdf)$|(?:^|[/_.-])(?:rss|feeds?|atom)\d*(?:[/_.-].*)?\.(?:xml|json)$|/(?:rss|feed|atom)/?$",
    re.IGNORECASE,
)
_FEED_WORDS = ("rss", "atom", "feed", "xml", "rss订阅", "订阅", "rss feed")
_TRACKING = re.compile(r"utm_\w+|spm|fbclid|gclid|share_token", re.IGNORECASE)
_RSSHUB = re.compile(r"RSSHub.{0,2000}?(?:Error Message|错误信息)[:：]?\s*(.{1,300})", re.IGNORECASE | re.DOTALL)
LEAST_ID = 8
"""Ids with fewer characters are places in a list rather than names, and are used again for the next thing there."""


class Feed(msgspec.Struct, kw_only=True):
    """What a feed holds: its title, its entries in its own order, and where older ones are.

    Attributes
    ----------
    hubs, topic:
        Who tells of news (WebSub), and what they call the feed; as the feed writes them.
    """

    title: str = ""
    entries: list[Found]
    older: str | None = None
    hubs: list[str] = []
    topic: str | None = None


def read_feed(text: str, url: str, now: datetime, kind: FeedKind = "news") -> Feed:
    """Read a feed, also a broken one as far as it goes.

    Parameters
    ----------
    text:
        The decoded feed.
    url:
        Where it lies: the base of relative links, where the feed names no site of its own.
    now:
        What relative times count from.
    kind:
        What its entries are.

    Raises
    ------
    BadInput
        If it is no feed; where it is a page that names its feeds, the hint says which.
    """
    text = _CONTROLS.sub("", text)
    if text.lstrip("\ufeff \t\r\n")[:1] == "{":
        feed = _json_feed(text, url, now, kind)
    else:
        feed = _xml_feed(text, url, now, kind)
    _keep_apart(feed.entries)
    return feed


def offered_by(text: str, base: str) -> list[str]:
    """The feeds that a text names, where it is a page; see `feed_links`."""
    tree = parse_html(text)
    return feed_links(tree, base) if tree is not None else []


def feed_links(tree: lxml.html.HtmlElement, base: str) -> list[str]:
    """The feeds that a page names: its `<link>`s first, then links that look like feeds. Each once."""
    found: list[str] = []
    origin = base_of(tree, base)
    for element in tree.iter("link"):
        media_type = (element.get("type") or "").lower()
        if "alternate" in (element.get("rel") or "").lower() and any(name in media_type for name in _MEDIA_TYPES):
            found.append(element.get("href") or "")
    for anchor in tree.iter("a"):
        words = anchor.text_content().strip().lower()
        path = urlsplit(anchor.get("href") or "").path
        if path and (words in _FEED_WORDS or _FEED_PATH.search(path)):
            found.append(anchor.get("href") or "")
    return list(
        dict.fromkeys(link for href in found if (link := _absolute(href, origin)) and link != canonical_url(base))
    )


def _xml_feed(text: str, url: str, now: datetime, kind: FeedKind) -> Feed:
    import feedparser

    if _PAGE.match(text):
        raise _no_feed(text, url)
    root = _ROOT.search(text)
    # Some servers put warnings or empty lines before the feed.
    text = _DECLARATION.sub("", text[root.start() :] if root else text, count=1)
    parsed = feedparser.parse(
        text.encode("utf-8", "replace"),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        # Only words are taken of what is HTML in it; cleaning that takes half as long again.
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if (parsed.bozo or not parsed.version) and not any(e.get("title") or e.get("summary") for e in parsed.entries):
        cause = parsed.get("bozo_exception")
        raise _no_feed(text, url, f": {cause}" if cause else "")
    # Relative links count from the site that the feed is of: it may lie at another host.
    site = _absolute(parsed.feed.get("link", ""), url)
    base = site or url
    linked = [(link.get("rel"), link.get("href") or "") for link in parsed.feed.get("links", ())]
    older = next((href for relation, href in linked if relation == "next"), None)
    return Feed(
        title=html_text(parsed.feed.get("title", "")),
        entries=[_entry(entry, base, (site, canonical_url(url)), now, kind) for entry in parsed.entries],
        older=_absolute(older or "", url),
        hubs=[href for relation, href in linked if relation == "hub" and href],
        topic=next((href for relation, href in linked if relation == "self" and href), None),
    )


def _no_feed(text: str, url: str, cause: str = "") -> BadInput:
    said = _RSSHUB.search(html_text(text[:100_000]))
    if said:
        return BadInput(f"{url}: RSSHub answers with an error: {' '.join(said[1].split())}")
    if wall := wall_instead(text):
        return BadInput(f"{url}: {wall}")
    tree = parse_html(text) if "<" in text else None
    named = feed_links(tree, url) if tree is not None else []
    hint = f"the page names: {', '.join(named[:5])}" if named else "give the address of the feed itself, not of a page"
    return BadInput(f"{url} is no feed{cause}", hint)


def _entry(entry: Any, base: str, homes: tuple[str | None, str], now: datetime, kind: FeedKind) -> Found:
    url = _absolute(entry.get("link", ""), base)
    contents = [content.get("value", "") for content in entry.get("content", ())]
    body = max((*contents, entry.get("summary", "")), key=len)
    title = html_text(entry.get("title", ""))
    native = entry.get("id") or None
    source = entry.get("source") or {}
    return Found(
        key=_key(url, native, title, homes),
        kind=kind,
        title=title,
        text=html_text(body),
        url=url,
        native_id=native,
        author=entry.get("author") or None,
        published=_time(entry, url, now),
        outlet=source.get("title") if hasattr(source, "get") else None,
        attachments=tuple(
            Attachment(url=link, media_type=file.get("type") or "")
            for file in entry.get("enclosures", ())
            if (link := _absolute(file.get("href") or "", base))
        ),
    )


def _time(entry: dict[str, Any], url: str | None, now: datetime) -> datetime | str | None:
    """When an entry was published: as it says, in words; else the day in its address, as a time."""
    # Past feedparser's own look-up, which gives one time for another.
    said = [text for name in ("published", "created", "updated") if (text := dict.get(entry, name))]
    for text in said:
        if parse_time(text, now) is not None:
            return str(text)
    for name in ("published_parsed", "created_parsed", "updated_parsed"):
        if parsed := dict.get(entry, name):
            return datetime.fromtimestamp(timegm(parsed), UTC).isoformat()
    return (day_in_url(url) if url else None) or (said[0] if said else None)


def _json_feed(text: str, url: str, now: datetime, kind: FeedKind) -> Feed:
    try:
        value = msgspec.json.decode(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"{url} is no JSON: {error}", "give the address of a feed") from error
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list) or not ("jsonfeed" in str(value.get("version", "")) or any(map(_is_item, items))):
        raise BadInput(f"{url} is JSON, but no JSON Feed", "for other JSON use the kind json_api")
    site = _absolute(_words(value, "home_page_url"), url)
    homes = (site, canonical_url(url))
    hubs = value["hubs"] if isinstance(value.get("hubs"), list) else []
    return Feed(
        title=_words(value, "title"),
        entries=[_item(item, site or url, homes, now, kind) for item in items if isinstance(item, dict)],
        older=_absolute(_words(value, "next_url"), url),
        hubs=[_words(hub, "url") for hub in hubs if isinstance(hub, dict) and _words(hub, "type").lower() == "websub"],
        topic=_words(value, "feed_url") or None,
    )


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and any(
        item.get(name) for name in ("content_html", "content_text", "date_published", "external_url")
    )


def _item(item: Mapping[str, Any], base: str, homes: tuple[str | None, str], now: datetime, kind: FeedKind) -> Found:
    url = _absolute(_words(item, "url") or _words(item, "external_url"), base)
    native = _words(item, "id") or None
    if url is None and native:
        url = _absolute(native, base) if native.startswith(("http://", "https://")) else None
    title = html_text(_words(item, "title"))
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_words(author, "name") for author in authors or () if isinstance(author, dict)]
    time = {"published": _words(item, "date_published"), "updated": _words(item, "date_modified")}
    files = item.get("attachments")
    return Found(
        key=_key(url, native, title, homes),
        kind=kind,
        title=title,
        text=html_text(_words(item, "content_html")) or _words(item, "content_text") or _words(item, "summary"),
        url=url,
        native_id=native,
        author=next(filter(None, names), None),
        published=_time(time, url, now),
        attachments=tuple(
            Attachment(url=link, name=_words(file, "title"), media_type=_words(file, "mime_type"))
            for file in (files if isinstance(files, list) else ())
            if isinstance(file, dict) and (link := _absolute(_words(file, "url"), base))
        ),
    )


def _words(value: Mapping[str, Any], name: str) -> str:
    """A member as text: ids of JSON feeds are numbers often enough."""
    found = value.get(name)
    return str(found).strip() if isinstance(found, (str, int, float)) and not isinstance(found, bool) else ""


def _key(url: str | None, native: str | None, title: str, homes: tuple[str | None, str]) -> str:
    """What makes an entry itself: its address, where that is its own; else its id; an id that may come again, with
    its title."""
    if url and url not in homes and urlsplit(url).path + urlsplit(url).query != "/":
        return _without_tracking(url)
    if native and len(native) >= LEAST_ID and canonical_or_same(native) not in homes:
        return native
    return f"{native or url or ''}#{title}" if title else native or url or ""


def canonical_or_same(text: str) -> str:
    """An address in its canonical form; what is none as it is."""
    try:
        return canonical_url(text) if text.startswith(("http://", "https://")) else text
    except ValueError:
        return text


def _without_tracking(url: str) -> str:
    """Without the parameters that say where a reader came from: they change, the article does not."""
    parts = urlsplit(url)
    if not parts.query:
        return url
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _TRACKING.fullmatch(name)]
    return url if len(kept) == len(pairs) else urlunsplit(parts._replace(query=urlencode(kept)))


def _keep_apart(entries: list[Found]) -> None:
    """Entries that share an address or an id, as some feeds give all of theirs, are told apart by their titles."""
    shared = {key for key, times in Counter(one.key for one in entries).items() if times > 1}
    for one in entries:
        if one.key in shared:
            one.key = f"{one.key}#{one.title or one.text[:80]}"


def _absolute(link: str, base: str) -> str | None:
    try:
        url = urljoin(base, link.strip())
        return canonical_url(url) if link.strip() and url.startswith(("http://", "https://")) else None
    except ValueError:
        return None
