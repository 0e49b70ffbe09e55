"""How requests are made: who we say we are, and how often a host is asked, whichever sources ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawlers.addresses import AddressRule, judged
from minsheng import __version__
from minsheng.settings import CrawlSettings

ROBOTS_NAME = "Minsheng"


def user_agent(settings: CrawlSettings) -> str:
    """An honest one, with the operator's contact."""
    contact = f" (+{settings.contact})" if settings.contact else ""
    return f"{ROBOTS_NAME}/{__version__}{contact}"


class HostGate:
    """Lets requests to one host through with a pause between their starts, and only so many at a time.

    Parameters
    ----------
    delay:
        Seconds between the starts of two requests to one host.
    concurrency:
        Requests to one host under way at a time.
    """

    def __init__(self, delay: float, concurrency: int) -> None:
        self.delay = delay
        self._concurrency = concurrency
        self._under_way: dict[str, asyncio.Semaphore] = {}
        self._free_at: dict[str, float] = {}

    def __deepcopy__(self, memo: object) -> HostGate:
        # Scrapy copies its settings for each crawl; there is one gate for all of them.
        return self

    @asynccontextmanager
    async def pass_through(self, url: str) -> AsyncIterator[None]:
        host = urlsplit(url).netloc.lower()
        async with self._under_way.setdefault(host, asyncio.Semaphore(self._concurrency)):
            now = asyncio.get_running_loop().time()
            start = max(now, self._free_at.get(host, now))
            self._free_at[host] = start + self.delay
            await asyncio.sleep(start - now)
            yield


class PoliteHandler(HTTP11DownloadHandler):
    """Scrapy's own HTTP handler behind the gate that all sources share.

    Scrapy limits each crawl by itself; two sources on one host would ask it twice as often. Every request passes here,
    also those for robots.txt and after redirects; so here it is also said which addresses may be connected to.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._gate: HostGate = crawler.settings["MINSHENG_HOST_GATE"]
        self._rule = AddressRule(crawler.settings["MINSHENG_ALLOWED_NETWORKS"])

    async def download_request(self, request: Request) -> Response:
        async with self._gate.pass_through(request.url):
            with judged(self._rule, urlsplit(request.url).hostname or ""):
                return await super().download_request(request)
