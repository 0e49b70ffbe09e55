"""Crawling: pages a second beside bare Scrapy, many sources in one process, and known pages that are left alone.

    python -m benchmarks.crawl_speed [pages] [sources] [known] [huge] [--pages 400] [--sources 2000] [--minutes 3]
                                     [--known 100000] [--entries 50000]

`pages`: the articles of one list, each read by the same extraction, in processes of their own, by turns, on the same
local site; bare Scrapy at its defaults writes what it found to a file, ours masks it, puts it on the log and remembers
the page. Bare Scrapy that only fetches stands beside them. By CPU time the two are also compared where the machine has
other work. `sources`: feeds with rhythms from a minute to an hour, each due at a random moment of its rhythm; how long
after its time each run begins, and the memory. `known`: a list of known articles is read again, and none of them is to
be fetched. `huge`: one feed of very many entries, read to the last of them in the event loop (as it once was) and apart
from it; how long the loop, which all other sources depend on, stood still at the longest.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from benchmarks.crawl_site import page_of, served

ROUNDS = 3
AT_ONCE = 8
RHYTHMS = ((60, 0.1), (300, 0.3), (900, 0.4), (3600, 0.2))
"""Seconds, and the share of sources with that rhythm."""


def _stage(folder: Path) -> Any:
    from crawlers.stage import CrawlStage
    from minsheng.clock import SystemClock
    from minsheng.settings import CrawlSettings, Settings
    from minsheng.store import Store
    from stream.embedded import EmbeddedLog

    crawl = CrawlSettings(
        per_host_delay=0.0, per_host_concurrency=AT_ONCE, per_host_daily=0, allowed_networks=("127.0.0.1",)
    )
    store = Store(f"sqlite:///{folder / 'store.db'}")
    store.create_all()
    return CrawlStage(Settings(data_dir=folder, crawl=crawl), store, EmbeddedLog(folder / "log.db"), SystemClock())


def _put(stage: Any, sources: list[Any]) -> None:
    from crawlers.sources import save

    with stage._store.begin() as connection:
        save(stage._store, [(source, None) for source in sources], connection)


def ours(url: str, pages: int, folder: Path) -> tuple[float, float]:
    """Pages a second of our crawl, and of its CPU time."""
    from crawlers.sources import Source

    stage = _stage(folder)
    _put(stage, [Source(id="warm", kind="listing", url=f"{url}/list/5/9999/"),
                 Source(id="one", kind="listing", url=f"{url}/list/{pages}/1/")])  # fmt: skip
    stage.run_once(["warm"])
    began, used = time.perf_counter(), time.process_time()
    report = stage.run_once(["one"])[0]
    seconds, used = time.perf_counter() - began, time.process_time() - used
    assert report.new == pages, report
    return pages / seconds, pages / used


def bare(url: str, pages: int, folder: Path, *, extracting: bool) -> tuple[float, float]:
    """Pages a second of Scrapy alone, and of its CPU time, with the same extraction or with none."""
    import scrapy
    from scrapy.crawler import CrawlerProcess

    from crawlers.extraction import extract

    extract(page_of("/a/1.html") or "", url, datetime.now(UTC))
    took: list[float] = []

    class Bare(scrapy.Spider):
        name = "bare"
        start_urls = [f"{url}/list/{pages}/1/"]  # noqa: RUF012 - Scrapy's own form

        def parse(self, response: Any) -> Any:
            for link in response.css("li a::attr(href)").getall():
                yield response.follow(link, self.article)

        def article(self, response: Any) -> Any:
            if not extracting:
                yield {"url": response.url, "text": response.text}
                return
            page = extract(response.text, response.url, datetime.now(UTC))
            yield {"url": page.url, "title": page.title, "text": page.text, "at": str(page.published_at)}

        def closed(self, reason: str) -> None:
            took.extend((time.perf_counter() - began, time.process_time() - used))

    process = CrawlerProcess({
        "CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE, "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": True, "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False,
        "FEEDS": {str(folder / "out.jsonl"): {"format": "jsonlines", "encoding": "utf-8"}},
    })  # fmt: skip
    process.crawl(Bare)
    began, used = time.perf_counter(), time.process_time()
    process.start()
    found = len((folder / "out.jsonl").read_text(encoding="utf-8").splitlines())
    assert found == pages, found
    return pages / took[0], pages / took[1]


def pages_a_second(pages: int) -> None:
    rates: dict[str, list[tuple[float, float]]] = {"fetch": [], "bare": [], "ours": []}
    with served() as url:
        for _ in range(ROUNDS):
            for name, found in rates.items():
                command = [sys.executable, "-m", "benchmarks.crawl_speed", f"--only={name}", f"--url={url}"]
                done = subprocess.run([*command, f"--pages={pages}"], capture_output=True, text=True, check=True)
                rate, by_cpu = json.loads(done.stdout.splitlines()[-1])
                found.append((rate, by_cpu))
    medians = {name: statistics.median(rate for rate, _ in found) for name, found in rates.items()}
    print(f"bare Scrapy that only fetches         {medians['fetch']:7.1f} pages/s")
    print(f"bare Scrapy with the same extraction  {medians['bare']:7.1f} pages/s")
    print(f"ours                                  {medians['ours']:7.1f} pages/s")
    # Round by round: what else the machine does changes from one to the next.
    for place, of in enumerate(("pages a second", "pages a CPU second")):
        ratios = sorted(ours[place] / bare[place] for ours, bare in zip(rates["ours"], rates["bare"], strict=True))
        print(f"ratio by {of:18}, median of {ROUNDS} rounds {statistics.median(ratios):5.2f}  (goal: 0.70 or more; "
              f"{ratios[0]:.2f} to {ratios[-1]:.2f})")  # fmt: skip


def many_sources(count: int, minutes: float) -> None:
    import sqlalchemy as sa

    from crawlers import tables
    from crawlers.leases import Claimed, Leases
    from crawlers.sources import Source, period

    random.seed(11)
    lags: list[float] = []
    reports: list[Any] = []

    class Watched(Leases):
        def claim(self, limit: int) -> Claimed:
            claimed = super().claim(limit)
            if claimed.sources:
                state = tables.crawl_state
                wanted = sa.select(state.c.next_run_at).where(state.c.source_id.in_(claimed.sources))
                now = datetime.now(UTC)
                with self._store.read() as connection:
                    lags.extend((now - due).total_seconds() for due in connection.scalars(wanted))
            return claimed

    with served() as url, tempfile.TemporaryDirectory() as name:
        stage = _stage(Path(name))
        stage._leases = Watched(stage._store, stage._clock)
        stage._on_report = reports.append
        seconds = [s for s, share in RHYTHMS for _ in range(round(count * share))]
        _put(stage, [
            Source(id=f"s{n:04}", kind="feed", url=f"{url}/feed/{n}.xml", every=period(every))
            for n, every in enumerate(seconds)
        ])  # fmt: skip
        stage._leases.make_rows([f"s{n:04}" for n in range(len(seconds))])
        with stage._store.begin() as connection:
            for n, every in enumerate(seconds):
                due = datetime.now(UTC) + timedelta(seconds=10 + random.uniform(0, every))
                row = tables.crawl_state.c.source_id == f"s{n:04}"
                connection.execute(sa.update(tables.crawl_state).where(row).values(next_run_at=due))
        stop = threading.Event()
        threading.Timer(10 + minutes * 60, stop.set).start()
        began = time.process_time()
        stage.run(stop)
        used = time.process_time() - began
    lags.sort()
    failed = sum(not report.ok for report in reports)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = len(reports) / minutes / 60
    print(f"{len(seconds)} sources, {len(reports)} runs in {minutes:g} min ({rate:.1f}/s), {failed} failed")
    print(f"lag p50 {lags[len(lags) // 2]:.2f} s, p95 {lags[int(len(lags) * 0.95)]:.2f} s, most {lags[-1]:.2f} s"
          "  (goal: p95 under 2 s)")  # fmt: skip
    print(f"memory at most {memory:.0f} MB  (goal: under 600 MB); CPU {used / (minutes * 60):.0%} of one core")


def known_pages(count: int) -> None:
    from crawlers import tables
    from crawlers.intake import url_hash
    from crawlers.sources import Source
    from crawlers.spiders.base import hint_of
    from minsheng.store import upsert

    links = 1000
    with served() as url, tempfile.TemporaryDirectory() as name:
        stage = _stage(Path(name))
        pages = count // links
        _put(stage, [Source(id="one", kind="listing", url=f"{url}/list/{links}/1/", options={"pages": pages})])
        now = datetime.now(UTC)
        with stage._store.begin() as connection:
            for start in range(0, count, links):
                rows = [
                    {
                        "source_id": "one", "url": f"{url}/a/{n}.html", "url_hash": url_hash(f"{url}/a/{n}.html"),
                        "etag": None, "last_modified": None, "hint": hint_of(f"第{n}号关于供水工作的通知公告"),
                        "settled": True, "fetched_at": now,
                    }
                    for n in range(start, start + links)
                ]  # fmt: skip
                upsert(stage._store, tables.crawl_pages, rows, keys=["source_id", "url_hash"], connection=connection)
        began = time.perf_counter()
        report = stage.run_once()[0]
        took = time.perf_counter() - began
        assert report.ok, report
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{report.unchanged} known pages looked up in {pages} lists: {took:.1f} s ({count / took:.0f}/s), "
              f"{report.new + report.failed} fetched, memory at most {memory:.0f} MB")  # fmt: skip


def huge_feed(entries: int) -> None:
    import asyncio

    from crawlers import apart, run
    from crawlers.reactor import submit
    from crawlers.sources import Source

    async def longest_stall(ended: threading.Event) -> float:
        loop, longest = asyncio.get_running_loop(), 0.0
        while not ended.is_set():
            before = loop.time()
            await asyncio.sleep(0.005)
            longest = max(longest, loop.time() - before - 0.005)
        return longest

    usual = apart.INLINE, apart.LARGE, run.TOGETHER, run.AT_ONCE
    for way, limits in (("in the loop", (1 << 40,) * 4), ("apart from it", usual)):
        apart.INLINE, apart.LARGE, run.TOGETHER, run.AT_ONCE = limits
        with served() as url, tempfile.TemporaryDirectory() as name:
            stage = _stage(Path(name))
            _put(stage, [Source(id="huge", kind="feed", url=f"{url}/huge/{entries}.xml")])
            ended = threading.Event()
            stall = submit(longest_stall(ended))
            began = time.perf_counter()
            report = stage.run_once()[0]
            took = time.perf_counter() - began
            ended.set()
            assert report.new == entries, report
            print(f"{entries} entries read {way:13}: {took:.1f} s; the loop stood still for at most "
                  f"{stall.result():.2f} s")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=["pages", "sources", "known", "huge"])
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--sources", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--known", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--only", choices=("fetch", "bare", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if chosen.only:
        with tempfile.TemporaryDirectory() as name:
            if chosen.only == "ours":
                rate = ours(chosen.url, chosen.pages, Path(name))
            else:
                rate = bare(chosen.url, chosen.pages, Path(name), extracting=chosen.only == "bare")
            print(json.dumps(rate))
        return
    for part, work in (
        ("pages", lambda: pages_a_second(chosen.pages)),
        ("sources", lambda: many_sources(chosen.sources, chosen.minutes)),
        ("known", lambda: known_pages(chosen.known)),
        ("huge", lambda: huge_feed(chosen.entries)),
    ):
        if part in chosen.parts:
            work()


if __name__ == "__main__":
    main()
