"""One crawl of one source with Scrapy: its settings, its pipeline, and an end to it whatever the site does."""

from __future__ import annotations

import asyncio
import copy
from typing import Any
from weakref import WeakKeyDictionary

from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings as ScrapySettings

from crawlers.politeness import ROBOTS_NAME, HostGate, user_agent
from crawlers.run import Run, RunReport
from crawlers.sources import Source, check_options
from crawlers.spiders import KINDS
from crawlers.spiders.base import Harvest, said
from minsheng.logs import get_logger
from minsheng.settings import CrawlSettings

log = get_logger(__name__)

RETRIES = 1
REDIRECTS = 5
GRACE = 5.0
"""Seconds that a crawl gets to end by itself after it was told to, before it is left behind."""


class HandOver:
    """The item pipeline: what a spider found goes through the run, which returns when it is stored."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> HandOver:
        return cls(crawler)

    async def process_item(self, item: Harvest) -> Harvest:
        run: Run = self._crawler.spider.run  # type: ignore[union-attr]
        try:
            await run.take(item.found, item.page)
            if item.reached is not None:
                await run.reached(*item.reached)
        except Exception as error:
            # Scrapy would only log it, and the page would count as done.
            run.not_stored(said(error))
        return item


class SharedSettings(ScrapySettings):
    """Settings whose copies share their values. Scrapy copies them deeply for each crawl, which took longer than most
    crawls themselves; nothing changes the values, only which of them counts."""

    def copy(self) -> SharedSettings:
        twin: SharedSettings = copy.copy(self)
        twin.attributes = {name: copy.copy(attribute) for name, attribute in self.attributes.items()}
        return twin


_made: WeakKeyDictionary[HostGate, tuple[CrawlSettings, SharedSettings, AsyncCrawlerRunner]] = WeakKeyDictionary()


def prepared(settings: CrawlSettings, gate: HostGate) -> tuple[SharedSettings, AsyncCrawlerRunner]:
    """Scrapy's settings, and what starts its crawls: made once for all crawls behind a gate."""
    known = _made.get(gate)
    if known is None or known[0] != settings:
        made = scrapy_settings(settings, gate)
        known = _made[gate] = (settings, made, AsyncCrawlerRunner(made))
    return known[1], known[2]


def scrapy_settings(settings: CrawlSettings, gate: HostGate) -> SharedSettings:
    """Scrapy's settings for ours."""
    # Each host's own pace is kept by the gate; Scrapy must only not be slower than the fastest of them.
    loosest = gate.rules.loosest
    return SharedSettings(
        {
            "USER_AGENT": user_agent(settings),
            # Obeyed by our own middleware: Scrapy's asks for it again at each crawl, and knows no crawl-delay.
            "ROBOTSTXT_OBEY": False,
            "ROBOTSTXT_USER_AGENT": ROBOTS_NAME,
            "DOWNLOADER_MIDDLEWARES": {
                "crawlers.robots.RobotsMiddleware": 100,
                # In its place: it knows refreshes by <meta> alone, and follows those of pages that hold something.
                "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
                "crawlers.forwarding.ForwardMiddleware": 580,
            },
            "MINSHENG_HOST_GATE": gate,
            "MINSHENG_ALLOWED_NETWORKS": settings.allowed_networks,
            "MINSHENG_CRAWL": settings,
            "DOWNLOAD_HANDLERS": {
                "http": "crawlers.politeness.PoliteHandler",
                "https": "crawlers.politeness.PoliteHandler",
                **dict.fromkeys(("data", "file", "ftp", "s3")),
            },
            "AUTOTHROTTLE_ENABLED": settings.per_host_delay > 0,
            "AUTOTHROTTLE_START_DELAY": loosest.delay,
            "AUTOTHROTTLE_TARGET_CONCURRENCY": float(loosest.concurrency),
            "DOWNLOAD_DELAY": loosest.delay,
            "CONCURRENT_REQUESTS": settings.concurrency,
            "CONCURRENT_REQUESTS_PER_DOMAIN": loosest.concurrency,
            # Scrapy starts so many tasks for each answer, of which most find nothing to do: its 100 cost a page more
            # than storing it. Several finds of one answer still wait for the store together.
            "CONCURRENT_ITEMS": 8,
            "DOWNLOAD_TIMEOUT": settings.timeout,
            "DOWNLOAD_MAXSIZE": settings.max_body,
            "DOWNLOAD_WARNSIZE": 0,
            "RETRY_TIMES": RETRIES,
            "RETRY_GIVE_UP_LOG_LEVEL": "INFO",  # the source's own error says it
            # "Too many requests" is answered by coming back later, not at once.
            "RETRY_HTTP_CODES": [500, 502, 504, 522, 524, 408],
            "REDIRECT_MAX_TIMES": REDIRECTS,
            "COOKIES_ENABLED": False,
            "HTTPPROXY_ENABLED": False,
            "DEFAULT_REQUEST_HEADERS": {
                "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                "Accept-Language": "zh-CN,zh;q=0.9",
            },
            "ITEM_PIPELINES": {"crawlers.crawl.HandOver": 1},
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "MEMUSAGE_ENABLED": False,
            "LOGSTATS_INTERVAL": 0,
            "STATS_DUMP": False,
            "LOG_ENABLED": False,
        }
    )


async def crawl_source(source: Source, run: Run, settings: CrawlSettings, gate: HostGate) -> RunReport:
    """Crawl one source once. To be run in the crawl loop (`crawlers.reactor`).

    Returns
    -------
    What came of it; a source that fails or hangs gives a report that says so, not an error.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        options = check_options(source)
        made, runner = prepared(settings, gate)
        crawler = Crawler(KINDS[source.kind], made)
        task = runner.crawl(crawler, source=source, options=options, run=run)
        broken = await ended(task, crawler, settings.source_timeout)
        report = await run.finish(broken)
    except Exception as error:
        # Whatever is wrong with one source must not reach the others.
        log.exception("crawl_broke", source=source.id)
        report = await run.finish(said(error))
    report.seconds = round(loop.time() - started, 3)
    (log.debug if run.looking else log.info)("crawled", **_plain(report))
    return report


_background: set[asyncio.Future[None]] = set()


async def ended(task: asyncio.Task[None], crawler: Crawler, limit: float) -> str:
    """Wait for the crawl; after `limit` seconds tell it to stop, and leave it behind if it does not."""
    try:
        done, _ = await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        # We are to stop: what is under way gets its chance to end, but nobody waits for it.
        _background.add(stopping := asyncio.ensure_future(crawler.stop_async()))
        stopping.add_done_callback(_background.discard)
        raise
    if done:
        task.result()
        return ""
    stopping = asyncio.ensure_future(crawler.stop_async())
    await asyncio.wait({task, stopping}, timeout=GRACE)
    return f"cut off after {limit:g} s (crawl.source_timeout)"


def _plain(report: RunReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in report.__struct_fields__}
