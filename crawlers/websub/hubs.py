"""Asking hubs: subscribing, renewing and unsubscribing, by the same road as all that is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlencode

import scrapy
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from crawlers.addresses import PUBLIC_ONLY
from crawlers.charset import decode
from crawlers.crawl import ended, prepared
from crawlers.politeness import HostGate
from crawlers.robots import NOT_CRAWLED
from crawlers.spiders.base import reason_of, said
from crawlers.websub.subscriptions import LEASE, Ask, due, end_unwanted, not_asked
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.settings import CrawlSettings, Settings
from minsheng.store import Store

log = get_logger(__name__)

LONGEST = 120.0
"""Seconds that asking the hubs which are due may take together."""


class HubSpider(scrapy.Spider):
    """Posts what hubs are asked; `wrong` says what came of those that did not take it.

    The rules for hosts hold as for every request: pauses, budgets, and which addresses may be asked. robots.txt does
    not: it is about crawling, and the feed names its hub to be asked.
    """

    name = "websub"

    def __init__(self, asks: Sequence[Ask], wrong: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._asks = asks
        self._wrong = wrong

    async def start(self) -> AsyncIterator[Any]:
        for ask in self._asks:
            yield Request(
                ask.hub,
                method="POST",
                body=urlencode(_form(ask)),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                callback=self._answered,
                errback=self._failed,
                cb_kwargs={"token": ask.token},
                meta={NOT_CRAWLED: True, PUBLIC_ONLY: not ask.own_network},
                dont_filter=True,
            )

    def _answered(self, response: Response, token: str) -> None:
        # A redirect that turned it into something else asked for a page.
        if response.request is not None and response.request.method == "POST":
            self._wrong.pop(token, None)
        else:
            self._wrong[token] = f"{response.url}: the hub sends requests on to a page"

    def _failed(self, failure: Failure) -> None:
        request: Request = failure.request  # type: ignore[attr-defined]
        words = reason_of(failure)
        if isinstance(failure.value, HttpError):
            answer = " ".join(decode(failure.value.response.body[:2000]).split())
            words = f"{words}{f' ({answer[:200]})' if answer else ''}"
        self._wrong[request.cb_kwargs["token"]] = words


def _form(ask: Ask) -> dict[str, str]:
    form = {
        "hub.mode": ask.mode,
        "hub.topic": ask.topic,
        "hub.callback": ask.callback,
        "hub.verify": "async",  # hubs of PubSubHubbub 0.3 want it said
    }
    if ask.mode == "subscribe":
        form |= {"hub.lease_seconds": str(int(LEASE.total_seconds())), "hub.secret": ask.secret}
    return form


async def ask_hubs(asks: Sequence[Ask], settings: CrawlSettings, gate: HostGate) -> dict[str, str]:
    """Ask hubs. To be run in the crawl loop.

    Returns
    -------
    Token → why it was not taken, of those that were not. What was taken is confirmed by the hub's call.
    """
    wrong = {ask.token: "no answer in time" for ask in asks}
    made, runner = prepared(settings, gate)
    crawler = Crawler(HubSpider, made)
    task = runner.crawl(crawler, asks=asks, wrong=wrong)
    try:
        await ended(task, crawler, LONGEST)
    except Exception as error:
        log.exception("hubs_not_asked")
        wrong = {token: said(error) for token in wrong}
    return wrong


async def keep_subscriptions(store: Store, settings: Settings, clock: Clock, gate: HostGate) -> int:
    """End, renew and begin subscriptions that are due. Returns how many hubs were asked."""
    await asyncio.to_thread(end_unwanted, store, settings.receive.public_url, clock.now())
    asks = await asyncio.to_thread(due, store, clock.now())
    if asks:
        for token, error in (await ask_hubs(asks, settings.crawl, gate)).items():
            await asyncio.to_thread(not_asked, store, token, error)
    return len(asks)
