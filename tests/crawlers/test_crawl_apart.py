"""Large feeds and sitemaps are read where they hold up nobody, and come to the same as small ones."""

from __future__ import annotations

import asyncio
import gzip
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from crawlers import apart
from crawlers.apart import Asked, Unread, read_apart
from crawlers.run import TOGETHER
from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import put_up

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
URL = "http://yunjiang.example/all.xml"


def feed(entries: int, words: int = 20) -> bytes:
    items = "".join(
        f"<item><title>第{n}号通知</title><link>/a/{n}.html</link>"
        f"<pubDate>Tue, 24 Nov 2026 0{n % 4}:00:00 +0000</pubDate>"
        f"<description>&lt;p&gt;{'供水恢复。' * words}&lt;/p&gt;</description></item>"
        for n in range(entries)
    )
    return f"<rss version='2.0'><channel><title>通知</title>{items}</channel></rss>".encode()


def sitemap(pages: int) -> bytes:
    rows = "".join(
        f"<url><loc>http://yunjiang.example/{n}.html</loc><lastmod>2026-11-24T0{n % 4}:00:00Z</lastmod></url>"
        for n in range(pages)
    )
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'.encode()


def asked(reader: str = "feed", **more: Any) -> Asked:
    return Asked(reader=reader, url=URL, now=NOW, **more)


def entries_of(question: Asked, body: bytes) -> list[Any]:
    async def read() -> list[Any]:
        return [entry async for part in (await read_apart(question, body)).parts for entry in part]

    return asyncio.run(read())


@pytest.mark.parametrize(("reader", "body"), [("feed", feed(1200)), ("sitemap", sitemap(1200))])
def test_all_ways_of_reading_come_to_the_same(reader: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for way, inline, large in (("here", 10**9, 10**9), ("thread", 0, 10**9), ("process", 0, 1000)):
        monkeypatch.setattr(apart, "INLINE", inline)
        monkeypatch.setattr(apart, "LARGE", large)
        found[way] = entries_of(asked(reader), body)
    assert len(found["here"]) == 1200
    assert found["here"] == found["thread"] == found["process"]


def test_what_is_large_is_read_in_another_process_and_the_rest_in_another_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[int] = []
    here = apart.read_here

    def noted(question: Asked, body: bytes) -> Any:
        threads.append(threading.get_ident())
        return here(question, body)

    monkeypatch.setattr(apart, "read_here", noted)
    entries_of(asked(), feed(5))
    assert threads == [threading.get_ident()]
    entries_of(asked(), feed(200))
    assert len(threads) == 2
    assert threads[1] != threading.get_ident()
    # How much it is shows only when it is opened.
    entries_of(asked(), gzip.compress(feed(5)))
    assert threads.pop() != threading.get_ident()
    large = feed(2000)
    assert len(large) > apart.LARGE
    assert len(entries_of(asked(), large)) == 2000
    assert len(threads) == 2


def test_the_loop_goes_on_while_a_process_reads() -> None:
    body, ticks = feed(2000), 0

    async def read() -> int:
        nonlocal ticks
        reading = asyncio.create_task(read_apart(asked(), body))
        while not reading.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return len([entry async for part in (await reading).parts for entry in part])

    assert asyncio.run(read()) == 2000
    # A loop that reads by itself comes round once or twice, whatever the machine does.
    assert ticks > 10


def test_what_takes_too_long_is_ended_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LONGEST", 0.01)
    with pytest.raises(apart.BadInput, match="are too much to read"):
        entries_of(asked(), feed(2000))


def test_a_large_page_that_is_no_feed_says_so_and_names_its_feeds() -> None:
    page = (
        "<html><head><link rel='alternate' type='application/rss+xml' href='/rss.xml'></head><body>" + "供水" * 100_000
    )
    with pytest.raises(Unread, match="is no feed") as caught:
        entries_of(asked(), page.encode())
    assert caught.value.head.offered == ["http://yunjiang.example/rss.xml"]


def test_a_huge_feed_among_fifty_holds_up_nobody(crawling: Crawling, site: LocalSite) -> None:
    """The others are done while it is still being read, and all of it is stored, in parts, in the order of time."""
    url, options = put_up("feed", site)
    huge, good = 2000, 20
    site.put("/huge.xml", feed(huge), media_type="text/xml")
    site.put("/map.xml", sitemap(8_000), media_type="text/xml")
    crawling.source("a-huge", "feed", f"{site.url}/huge.xml")
    crawling.source("b-map", "sitemap", f"{site.url}/map.xml", most=1)
    for n in range(good):
        crawling.source(f"good-{n:02}", "feed", url, **options)
    ended: list[str] = []
    stage = CrawlStage(
        crawling.settings, crawling.store, crawling.log, SystemClock(), on_report=lambda r: ended.append(r.source)
    )
    reports = {report.source: report for report in stage.run_once()}
    assert reports["a-huge"].new == huge
    # The large sitemap may take longer still.
    assert [name for name in ended if name != "b-map"][-1] == "a-huge"
    assert all(reports[f"good-{n:02}"].ok for n in range(good))
    times = [document.published_at for document in crawling.documents() if document.source == "a-huge"]
    assert times == sorted(times)
    assert huge > TOGETHER
