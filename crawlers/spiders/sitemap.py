"""Sitemaps: all pages of a site, the new and changed ones of which are articles."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from scrapy.http import Response

from crawlers.admission import Found
from crawlers.linking import Link
from crawlers.sitemaps import Choice, MapEntry, named_in_robots
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
        if urlsplit(response.url).path == "/robots.txt":
            for url in named_in_robots(body_text(response)) or [urljoin(response.url, "/sitemap.xml")]:
                if self.run.claim_index(url):
                    yield await self.index(urljoin(response.url, url), depth=depth + 1)
            return
        head, parts = await self.read_apart("sitemap", response, choice=self._choice())
        # Nothing new for long is no empty sitemap.
        self.run.report.named += head.named
        for nested in self._nested(head.sitemaps, response, depth):
            yield await self.index(nested.url, depth=depth + 1)
        async for entries in parts:
            await self.run.know([entry.url for entry in entries])
            for entry in entries:
                if self.run.looking:
                    self.run.lead(entry.url, entry.title, entry.time(self.run.now()))
                if self.run.fetched >= self.options.most:
                    # The sitemap is not forgotten as done: the next run goes on with what is left.
                    self.run.unfinished()
                    return
                link = Link(entry.url, entry.title, entry.published)
                yield await self.page(entry.url, self.article, entry.changed or entry.title, link=link)

    def _nested(self, sitemaps: Sequence[MapEntry], response: Response, depth: int) -> Iterator[MapEntry]:
        if sitemaps and depth >= DEPTH:
            raise BadInput(f"{response.url}: sitemaps lead to sitemaps more than {DEPTH} times")
        since = self._since()
        for nested in sitemaps:
            fresh = since is None or nested.changed_since(since, self.run.now())
            if fresh and self.run.claim_index(nested.url):
                yield nested

    def _choice(self) -> Choice:
        window = self.run.window
        return Choice(
            since=self._since(),
            include=self.options.include,
            exclude=self.options.exclude,
            window_since=window.since if window else None,
            window_until=window.until if window else None,
        )

    def _since(self) -> datetime | None:
        if self.run.window is not None:
            return self.run.window.since
        if not self.options.since:
            return None
        # Days in addresses begin at midnight.
        return self.run.now() - timedelta(seconds=seconds(self.options.since)) - timedelta(days=1)

    def article(self, response: Response, link: Link) -> tuple[list[Found], bool]:
        return [read_article(response, link, self.options.kind, self.run.now())], True
