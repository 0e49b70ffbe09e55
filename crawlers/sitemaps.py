"""Sitemaps to pages: XML, with the news extension, indices, plain text; and the sitemaps that robots.txt names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from lxml import etree

from crawlers.admission import canonical_url
from crawlers.dates import day_in_url, parse_time
from crawlers.walls import wall_instead
from minsheng.errors import BadInput

MOST_PAGES = 50_000
"""Pages of one sitemap that are read; the format's own limit."""
_NAMED = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


class MapEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A page, or another sitemap, that a sitemap names.

    Attributes
    ----------
    changed:
        When it last changed (`lastmod`), in words; a sitemap's own is that of the newest page in it.
    title, published:
        What the news extension says.
    """

    url: str
    changed: str = ""
    title: str = ""
    published: str = ""

    def time(self, now: datetime) -> datetime | None:
        """The best guess at when the page was published: by the news extension, its address, its last change."""
        said = parse_time(self.published, now)
        return said or day_in_url(self.url) or parse_time(self.changed, now)

    def changed_since(self, since: datetime, now: datetime) -> bool:
        """False only where it is sure that nothing has changed since. A day without a clock counts to its end."""
        changed = parse_time(self.changed, now)
        if changed is None:
            return True
        return (
            changed + (timedelta(days=1) if re.fullmatch(r"\s*\d{4}-\d\d-\d\d\s*", self.changed) else timedelta())
            > since
        )


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which pages of a sitemap are wanted.

    Attributes
    ----------
    since:
        Pages that surely changed before are left alone; None: none are.
    include, exclude:
        Regular expressions for addresses: one of the first, if there are any, and none of the others must be found.
    window_since, window_until:
        The time that a backfill is for.
    """

    since: datetime | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    window_since: datetime | None = None
    window_until: datetime | None = None

    def names(self, url: str) -> bool:
        """Whether an address is wanted."""
        if self.include and not any(re.search(expression, url) for expression in self.include):
            return False
        return not any(re.search(expression, url) for expression in self.exclude)

    def in_window(self, time: datetime | None) -> bool:
        """False where something was surely published outside the window."""
        if time is None or self.window_since is None or self.window_until is None:
            return True
        return self.window_since <= time < self.window_until


class Sitemap(msgspec.Struct, kw_only=True):
    """What a sitemap names."""

    pages: list[MapEntry] = []
    sitemaps: list[MapEntry] = []


def named_in_robots(text: str) -> list[str]:
    """The sitemaps that a robots.txt names, each once."""
    return list(dict.fromkeys(_NAMED.findall(text)))


def read_sitemap(text: str, url: str) -> Sitemap:
    """Read a sitemap of any form, also a broken one as far as it goes.

    Raises
    ------
    BadInput
        If it is none.
    """
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        pages = [MapEntry(url=link) for line in text.splitlines()[:MOST_PAGES] if (link := _address(line))]
        if not pages:
            raise BadInput(
                f"{url} is no sitemap", "give a sitemap's address, or the site's: its robots.txt may name one"
            )
        return Sitemap(pages=pages)
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(_DECLARATION.sub("", text.lstrip("\ufeff"), count=1).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(f"{url} is no sitemap: {error}") from error
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        if wall := wall_instead(text):
            raise BadInput(f"{url}: {wall}")
        raise BadInput(
            f"{url} is no sitemap{'' if root is None else f', but <{_name(root)}>'}",
            "give a sitemap's address, or the site's: its robots.txt may name one",
        )
    found = Sitemap()
    for element in root:
        if _name(element) == "url" and len(found.pages) < MOST_PAGES:
            found.pages += _entry(element)
        elif _name(element) == "sitemap":
            found.sitemaps += _entry(element)
    return found


def wanted(pages: Sequence[MapEntry], choice: Choice, now: datetime) -> list[MapEntry]:
    """The pages that are wanted, the newest first; those of no known time after them, in the sitemap's order."""
    found = [entry for entry in pages if choice.names(entry.url)]
    since, backfill = choice.since, choice.window_since is not None
    if since is not None:
        found = [entry for entry in found if entry.changed_since(since, now)]
    if since is not None and not backfill:
        # Without a last change, an old day in the address speaks as well.
        found = [entry for entry in found if entry.changed or (time := entry.time(now)) is None or time >= since]
    if backfill:
        found = [
            entry
            for entry in found
            if choice.in_window(parse_time(entry.published, now) if entry.published else day_in_url(entry.url))
        ]

    def order(entry: MapEntry) -> tuple[bool, float]:
        time = entry.time(now)
        # What changed after a backfill's window may have been published in it: it comes last.
        return not choice.in_window(time), -time.timestamp() if time else 0.0

    return sorted(found, key=order)


def _entry(element: etree._Element) -> Iterator[MapEntry]:
    values: dict[str, str] = {}
    for child in element.iter():
        if child is not element and child.text and child.text.strip():
            values.setdefault(_name(child), " ".join(child.text.split()))
    # `loc` and `title` also stand in the extensions for pictures and videos, after the page's own.
    url = _address(values.get("loc", ""))
    if url:
        yield MapEntry(
            url=url,
            changed=values.get("lastmod", ""),
            title=values.get("title", "") if "publication_date" in values else "",
            published=values.get("publication_date", ""),
        )


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def _address(text: str) -> str | None:
    text = text.strip()
    try:
        return canonical_url(text) if text.startswith(("http://", "https://")) else None
    except ValueError:
        return None
