"""robots.txt (RFC 9309): asked for once an hour and host, whichever sources are on it, and obeyed.

There is no switch to pass it over. A host's owner may permit it in writing; the operator's note of that, in
`crawl.hosts`, goes to the log of each crawl.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawlers.failures import words_for
from crawlers.host_rules import HostResting, host_of
from minsheng.logs import get_logger

if TYPE_CHECKING:
    from crawlers.politeness import HostGate

log = get_logger(__name__)

KEPT, KEPT_FAILURE = 3600.0, 60.0
"""Seconds that a robots.txt holds, and that one is not asked for again that could not be had."""
MOST_BYTES = 512_000
MOST_HOSTS = 2000
"""Hosts whose robots.txt is kept; of others it is asked for again."""
OURS = "minsheng_robots"
NOT_CRAWLED = "minsheng_not_crawled"
"""A request's mark: it is no crawling, so robots.txt says nothing of it."""


class RobotsUnavailable(Exception):
    """A host's robots.txt can't be had, so nobody knows what may be asked (RFC 9309: then nothing may)."""


class _Kept(NamedTuple):
    rules: Protego | None  # None: nothing may be asked, for `reason`
    until: float
    reason: str = ""


class RobotsMemory:
    """The robots.txt of hosts, between crawls; those of the last `MOST_HOSTS`."""

    def __init__(self) -> None:
        self.kept: dict[str, _Kept] = {}
        self.locks: dict[str, asyncio.Lock] = {}

    def keep(self, host: str, kept: _Kept) -> None:
        self.kept.pop(host, None)
        self.kept[host] = kept
        while len(self.kept) > MOST_HOSTS:
            # Articles lead everywhere, and each file may be half a megabyte.
            oldest = next(iter(self.kept))
            del self.kept[oldest]
            if not self.locks[oldest].locked():
                del self.locks[oldest]


class RobotsMiddleware:
    """Refuses what robots.txt forbids, and hands its crawl-delay to the gate."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._gate: HostGate = crawler.settings["MINSHENG_HOST_GATE"]
        self._name: str = crawler.settings["ROBOTSTXT_USER_AGENT"]
        self._permitted: set[str] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if request.meta.get(OURS) or request.meta.get(NOT_CRAWLED):
            return
        host = host_of(request.url)
        if note := self._gate.rules[host].permission:
            if host not in self._permitted:
                self._permitted.add(host)
                source = self._crawler.spider.name if self._crawler.spider is not None else ""
                log.warning("robots_txt_passed_over", source=source, host=host, permission=note)
            return
        rules = await self._rules(request, host)
        if not rules.can_fetch(request.url, self._name):
            raise IgnoreRequest("Forbidden by robots.txt")

    async def _rules(self, request: Request, host: str) -> Protego:
        loop = asyncio.get_running_loop()
        memory = self._gate.robots
        async with memory.locks.setdefault(host, asyncio.Lock()):
            kept = memory.kept.get(host)
            if kept is None or kept.until <= loop.time():
                kept = await self._fetch(request, host)
                memory.keep(host, kept)
        if kept.rules is None:
            raise RobotsUnavailable(kept.reason)
        return kept.rules

    async def _fetch(self, request: Request, host: str) -> _Kept:
        parts = urlsplit(request.url)
        url = f"{parts.scheme}://{parts.netloc}/robots.txt"
        loop = asyncio.get_running_loop()
        assert self._crawler.engine is not None
        try:
            asked = Request(url, priority=1000, meta={OURS: True, "download_maxsize": MOST_BYTES}, callback=NO_CALLBACK)
            response = await self._crawler.engine.download_async(asked)
        except (HostResting, IgnoreRequest):
            raise
        except Exception as error:
            return _Kept(None, loop.time() + KEPT_FAILURE, f"{url}: {words_for(error)}")
        if response.status >= 500 or response.status == 429:
            return _Kept(None, loop.time() + KEPT_FAILURE, f"{url} answered {response.status}")
        rules = Protego.parse(_text(response) if response.status < 400 else "")
        delays = [float(delay) for delay in (rules.crawl_delay(self._name),) if delay]
        if rate := rules.request_rate(self._name):
            delays.append(rate.seconds / max(rate.requests, 1))
        if delays:
            self._gate.crawl_delay(host, max(delays))
        return _Kept(rules, loop.time() + KEPT)


def _text(response: Response) -> str:
    return response.body.decode("utf-8-sig", "replace")
