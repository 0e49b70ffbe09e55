"""Sitemaps: all pages of a site, the new and changed ones of which are articles."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from scrapy.http import Response

from crawlers.admission import Found
from crawlers.dates import day_in_url
from crawlers.linking import Link
from crawlers.sitemaps import MapEntry, Sitemap, named_in_robots, read_sitemap
from crawlers.sources import seconds
from crawlers.spiders.base import Options, SourceSpider, body_text
from crawlers.spiders.listing import read_article
from minsheng.errors import BadInput

DEPTH = 5
"""Sitemaps that lead to sitemaps are followed so far."""


class SitemapOptions(Options, frozen=True, kw_only=True):
    """Options of a sitemap."""

    since: str = "7d"  # pages that changed longer ago are left alone; empty: all pages of the site
    include: tuple[str, ...] = ()  # regular expressions; only addresses that one of them is found in
    exclude: tuple[str, ...] = ()  # regular expressions; no addresses that one of them is found in
    most: int = 500  # pages fetched in a run, the newest first; the next run goes on
    kind: Literal["news", "post", "message"] = "news"  # what its pages are
    javascript: Literal["no", "all"] = "no"  # all: the scripts of its pages are run in a browser

    def __post_init__(self) -> None:
        if self.since:
            seconds(self.since)
        if self.most < 1:
            raise ValueError("most must be at least 1")
        for expression in (*self.include, *self.exclude):
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"'{expression}' is no regular expression: {error}") from error


class SitemapSpider(SourceSpider):
    """Reads sitemaps, whatever they are nested in, and each page that is new or changed."""

    kind = "sitemap"
    summary = "sitemaps, and the site that they are of"
    Options = SitemapOptions
    index_scripts = ""

    def start_urls_of(self) -> Iterator[str]:
        # Where a site keeps its sitemaps stands in its robots.txt.
        at_home = urlsplit(self.source.url).path in ("", "/")
        yield urljoin(self.source.url, "/robots.txt") if at_home else self.source.url

    async def read(self, response: Response, depth: int = 0, **kwargs: Any) -> AsyncIterator[Any]:
        text = body_text(response)
        if urlsplit(response.url).path == "/robots.txt":
            for url in named_in_robots(text) or [urljoin(response.url, "/sitemap.xml")]:
                if self.run.claim_index(url):
                    yield await self.index(urljoin(response.url, url), depth=depth + 1)
            return
        found = read_sitemap(text, response.url)
        # Nothing new for long is no empty sitemap.
        self.run.report.named += len(found.pages) + len(found.sitemaps)
        for nested in self._nested(found, response, depth):
            yield await self.index(nested.url, depth=depth + 1)
        pages = list(self._pages(found))
        await self.run.know([entry.url for entry in pages])
        for entry in pages:
            self.run.lead(entry.url, entry.title, entry.time(self.run.now()))
            if self.run.fetched >= self.options.most:
                # The sitemap is not forgotten as done: the next run goes on with what is left.
                self.run.unfinished()
                return
            link = Link(entry.url, entry.title, entry.published)
            yield await self.page(entry.url, self.article, entry.changed or entry.title, link=link)

    def _nested(self, found: Sitemap, response: Response, depth: int) -> Iterator[MapEntry]:
        if found.sitemaps and depth >= DEPTH:
            raise BadInput(f"{response.url}: sitemaps lead to sitemaps more than {DEPTH} times")
        since = self._since()
        for nested in found.sitemaps:
            fresh = since is None or nested.changed_since(since, self.run.now())
            if fresh and self.run.claim_index(nested.url):
                yield nested

    def _pages(self, found: Sitemap) -> list[MapEntry]:
        """The pages that are wanted, the newest first; those of no known time after them, in the sitemap's order."""
        now, since, window = self.run.now(), self._since(), self.run.window
        wanted = [entry for entry in found.pages if self._named(entry.url)]
        if since is not None:
            wanted = [entry for entry in wanted if entry.changed_since(since, now)]
        if since is not None and window is None:
            # Without a last change, an old day in the address speaks as well.
            wanted = [entry for entry in wanted if entry.changed or (time := entry.time(now)) is None or time >= since]
        if window is not None:
            wanted = [entry for entry in wanted if self.run.wants(entry.published or day_in_url(entry.url))]

        def order(entry: MapEntry) -> tuple[bool, float]:
            time = entry.time(now)
            # What changed after a backfill's window may have been published in it: it comes last.
            return not self.run.wants(time), -time.timestamp() if time else 0.0

        return sorted(wanted, key=order)

    def _since(self) -> datetime | None:
        if self.run.window is not None:
            return self.run.window.since
        if not self.options.since:
            return None
        # Days in addresses begin at midnight.
        return self.run.now() - timedelta(seconds=seconds(self.options.since)) - timedelta(days=1)

    def _named(self, url: str) -> bool:
        options = self.options
        if options.include and not any(re.search(expression, url) for expression in options.include):
            return False
        return not any(re.search(expression, url) for expression in options.exclude)

    def article(self, response: Response, link: Link) -> tuple[list[Found], bool]:
        return [read_article(response, link, self.options.kind, self.run.now())], True
