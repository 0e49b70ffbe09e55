"""How requests are made: who we say we are, how often a host is asked, and when it is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawlers.addresses import PUBLIC_ONLY, AddressRule, judged
from crawlers.host_rules import HostResting, HostRule, HostRules, Pause, host_of
from crawlers.robots import RobotsMemory
from minsheng import __version__
from minsheng.clock import CHINA, Clock, SystemClock
from minsheng.logs import get_logger
from minsheng.settings import CrawlSettings

log = get_logger(__name__)

ROBOTS_NAME = "Minsheng"

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
"""A host that refuses us is left alone for the first, then for twice as long each time, up to the second."""
LONGEST_RETRY_AFTER = timedelta(days=7)
FORBIDDEN_RUN = 3
"""So many 403 in a row, with no good answer between, are meant for us and not for a page."""
LONGEST_WAIT = 300.0
"""Seconds that a request waits for its turn; where it would be longer, it is left to a later run."""


def user_agent(settings: CrawlSettings) -> str:
    """An honest one, with the operator's contact."""
    contact = f" (+{settings.contact})" if settings.contact else ""
    return f"{ROBOTS_NAME}/{__version__}{contact}"


class HostLedger(Protocol):
    """What is known of hosts beyond this process; `crawlers.host_ledger` keeps it in the store."""

    def pause_of(self, host: str) -> Pause | None:
        """The last pause that any process has set, also one that is over."""
        ...

    def paused(self, host: str, pause: Pause | None) -> None:
        """Tell the others of a pause, or that the host answers again."""
        ...

    async def spend(self, host: str, daily: int) -> bool:
        """Count a request. False where the day's requests are used up."""
        ...

    def turn(self, host: str, rule: HostRule) -> asyncio.Future[str] | None:
        """A place in the row of all processes; None where there is no other."""
        ...

    def done(self, host: str, token: str) -> None:
        """The request of a turn has ended."""
        ...


class HostGate:
    """Lets requests to one host through with a pause between their starts, and only so many at a time.

    One gate serves all crawls of a process. It also keeps what is known of hosts between crawls: their robots.txt, how
    long they want to be left alone, and how much they were asked today.

    Parameters
    ----------
    delay, concurrency:
        The general rule: seconds between the starts of two requests to one host, and requests under way at a time.
    rules:
        The rules of all hosts, in place of these two.
    ledger:
        What other processes do; None: there are none.
    """

    def __init__(
        self,
        delay: float = 0.0,
        concurrency: int = 1,
        *,
        rules: HostRules | None = None,
        clock: Clock | None = None,
        ledger: HostLedger | None = None,
    ) -> None:
        self.rules = rules or HostRules(HostRule(delay, concurrency))
        self.clock = clock or SystemClock()
        self.robots = RobotsMemory()
        self._ledger = ledger
        self._under_way: dict[str, asyncio.Semaphore] = {}
        self._free_at: dict[str, float] = {}
        self._crawl_delay: dict[str, float] = {}
        self._pauses: dict[str, Pause] = {}
        self._forbidden: dict[str, int] = {}
        self._spent: dict[str, tuple[str, int]] = {}

    @classmethod
    def from_settings(cls, settings: CrawlSettings, clock: Clock, ledger: HostLedger | None = None) -> Self:
        return cls(rules=HostRules.from_settings(settings), clock=clock, ledger=ledger)

    def __deepcopy__(self, memo: object) -> HostGate:
        # Scrapy copies its settings for each crawl; there is one gate for all of them.
        return self

    def crawl_delay(self, host: str, seconds: float) -> None:
        """What a host's robots.txt asks for; the longer of that and our own pause counts."""
        self._crawl_delay[host] = seconds

    @asynccontextmanager
    async def pass_through(self, url: str) -> AsyncIterator[None]:
        """Wait for a request's turn.

        Raises
        ------
        HostResting
            If the host is not to be asked now.
        """
        host = host_of(url)
        rule = self.rules[host]
        self._refuse_at_rest(host, rule)
        async with self._under_way.setdefault(host, asyncio.Semaphore(rule.concurrency)):
            now = asyncio.get_running_loop().time()
            start = max(now, self._free_at.get(host, now))
            if start - now > LONGEST_WAIT:
                until = self.clock.now() + timedelta(seconds=start - now)
                raise HostResting(f"{host} wants long pauses between requests", until, refused=False)
            rule = rule._replace(delay=max(rule.delay, self._crawl_delay.get(host, 0.0)))
            self._free_at[host] = start + rule.delay
            await asyncio.sleep(start - now)
            # It may have refused others while this one waited.
            self._refuse_at_rest(host, rule)
            await self._spend(host, rule)
            turn = self._ledger.turn(host, rule) if self._ledger is not None else None
            if turn is None:
                yield
                return
            token = await turn
            try:
                yield
            finally:
                assert self._ledger is not None
                self._ledger.done(host, token)

    def answered(self, url: str, status: int, retry_after: str = "") -> None:
        """Note how a host answered; where it refuses us, it is left alone for a while."""
        host = host_of(url)
        self._forbidden[host] = self._forbidden.get(host, 0) + 1 if status == 403 else 0
        asked = _retry_after(retry_after, self.clock.now()) if status in (403, 429, 503) else None
        if status == 429 or asked is not None or self._forbidden[host] >= FORBIDDEN_RUN:
            self._pause(host, f"{host} answered {status}", asked or timedelta())
        elif status < 400 and (known := self._pause_of(host)) is not None and known.until <= self.clock.now():
            self._pauses.pop(host, None)
            if self._ledger is not None:
                self._ledger.paused(host, None)

    def _pause(self, host: str, reason: str, asked: timedelta) -> None:
        now = self.clock.now()
        before = self._pause_of(host)
        if before is not None and before.until > now and before.until >= now + asked:
            return  # an answer to a request that was under way when the pause began
        count = before.times + 1 if before is not None else 1
        own = min(FIRST_PAUSE * 2 ** min(count - 1, 20), LONGEST_PAUSE)
        pause = Pause(now + max(own, min(asked, LONGEST_RETRY_AFTER)), count, reason)
        self._pauses[host] = pause
        self._forbidden[host] = 0
        if self._ledger is not None:
            self._ledger.paused(host, pause)
        log.warning("host_paused", host=host, reason=reason, until=pause.until.isoformat(), times=count)

    def _pause_of(self, host: str) -> Pause | None:
        own = self._pauses.get(host)
        others = self._ledger.pause_of(host) if self._ledger is not None else None
        return max((one for one in (own, others) if one is not None), key=lambda one: one.until, default=None)

    def _refuse_at_rest(self, host: str, rule: HostRule) -> None:
        now = self.clock.now()
        pause = self._pause_of(host)
        if pause is not None and pause.until > now:
            raise HostResting(pause.reason, pause.until, refused=True)
        opens = rule.opens_at(now)
        if opens > now:
            raise HostResting(f"{host} is asked only in its hours (crawl.hosts)", opens, refused=False)

    async def _spend(self, host: str, rule: HostRule) -> None:
        if not rule.daily:
            return
        local = self.clock.now().astimezone(CHINA)
        if self._ledger is not None:
            left = await self._ledger.spend(host, rule.daily)
        else:
            today = local.date().isoformat()
            day, spent = self._spent.get(host, (today, 0))
            spent = spent if day == today else 0
            left = spent < rule.daily
            self._spent[host] = (today, spent + left)
        if not left:
            tomorrow = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), CHINA)
            reason = f"{host} was asked {rule.daily} times today, all that its budget allows"
            raise HostResting(reason, tomorrow, refused=False)


def _retry_after(header: str, now: datetime) -> timedelta | None:
    """Seconds, or a date (RFC 9110); None where the host names neither."""
    if header.strip().isdecimal():
        # Not more digits than Python reads: a host may send any.
        return timedelta(seconds=min(int(header.strip()[:12]), int(LONGEST_RETRY_AFTER.total_seconds())))
    try:
        return max(parsedate_to_datetime(header) - now, timedelta())
    except (TypeError, ValueError):
        return None


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
            rule = AddressRule() if request.meta.get(PUBLIC_ONLY) else self._rule
            with judged(rule, urlsplit(request.url).hostname or ""):
                response = await super().download_request(request)
            retry_after = response.headers.get("Retry-After") or b""
            self._gate.answered(request.url, response.status, retry_after.decode("latin-1"))
            return response
