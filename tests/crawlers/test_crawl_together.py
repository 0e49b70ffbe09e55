"""Several crawler processes on one store, one of them killed; and bad hosts among many good ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from minsheng.store import Store
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite, wait_until
from tests.crawlers.scenes import BODY, article, put_up

_CRAWLER = """
import signal, sys, threading
from pathlib import Path
from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from minsheng.settings import CrawlSettings, Settings
from minsheng.store import Store
from stream.embedded import EmbeddedLog
folder = Path(sys.argv[1])
crawl = CrawlSettings(
    per_host_delay=float(sys.argv[2]), per_host_concurrency=int(sys.argv[3]), allowed_networks=("127.0.0.1",)
)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
store = Store(sys.argv[4])
settings = Settings(data_dir=folder, crawl=crawl)
CrawlStage(settings, store, EmbeddedLog(folder / "log.db"), SystemClock()).run(stop)
"""


def store_url(crawling: Crawling) -> str:
    return crawling.store.url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def shared(request: pytest.FixtureRequest, crawling: Crawling) -> Crawling:
    """A data folder whose store is in a file, or on a server."""
    if request.param == "postgresql":
        crawling.store.close()
        crawling.store = Store(request.getfixturevalue("postgresql_url"))
        crawling.store.create_all()
    return crawling


@contextmanager
def crawlers(
    crawling: Crawling, count: int, *, delay: float = 0.0, concurrency: int = 2
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many processes that crawl on one data folder."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _CRAWLER, str(crawling.folder), str(delay), str(concurrency), store_url(crawling)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(30)


def slow_lists(crawling: Crawling, site: LocalSite, sources: int, articles: int) -> None:
    """Sources with articles of their own, each of which takes a while."""
    for s in range(sources):
        rows = "".join(f'<li><a href="/{s}/{n}.html">第{s}号栏目第{n}号通知公告</a></li>' for n in range(articles))
        site.put(f"/{s}/", f"<html><body><ul>{rows}</ul></body></html>")
        for n in range(articles):
            words = (*BODY, f"第{s}号栏目编号为{n}的通知到此结束。")
            page = article(f"第{s}号栏目第{n}号通知公告", "2026-11-23 12:30", body=words)
            site.put(f"/{s}/{n}.html", page, seconds=0.1)
        crawling.source(f"s{s}", "listing", f"{site.url}/{s}/")
        path = crawling.folder / "sources" / f"s{s}.toml"
        path.write_text('every = "1h"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")


def articles_asked(site: LocalSite) -> Counter[str]:
    return Counter(path for path in site.paths() if path.endswith(".html"))


def test_two_crawlers_share_the_sources_and_each_is_crawled_once(shared: Crawling, site: LocalSite) -> None:
    crawling = shared
    slow_lists(crawling, site, sources=6, articles=8)
    with crawlers(crawling, 2):
        wait_until(lambda: len(crawling.documents()) >= 48, 120)
    assert len({document.id for document in crawling.documents()}) == len(crawling.documents()) == 48
    assert set(articles_asked(site).values()) == {1}
    assert Counter(site.paths())["/0/"] == 1
    # Each of the two may ask twice at a time; together they may, too.
    assert site.most_at_once <= 2


def test_a_killed_crawlers_sources_are_taken_over_and_nothing_is_there_twice(shared: Crawling, site: LocalSite) -> None:
    crawling = shared
    slow_lists(crawling, site, sources=4, articles=15)
    with crawlers(crawling, 2) as processes:
        wait_until(lambda: len(crawling.documents()) >= 12, 120)
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        wait_until(lambda: len({document.id for document in crawling.documents()}) == 60, 120)
    documents = crawling.documents()
    assert {document.revision for document in documents} == {1}
    # Only the batch that was being written at the moment of the kill may be there twice, with the same id and revision.
    assert len(documents) - 60 <= 20


def test_bad_hosts_among_fifty_hold_up_nobody(crawling: Crawling, site: LocalSite) -> None:
    """A host that hangs, a page without end, one that breaks, and one that sends a byte a second."""
    url, options = put_up("feed", site)
    bad = LocalSite()
    dripping = Dripping()
    try:
        bad.put("/robots.txt", "", media_type="text/plain")
        bad.put("/hanging.xml", "", seconds=120)
        bad.put("/broken.xml", "oops", status=500)
        for n in range(46):
            crawling.source(f"good-{n:02}", "feed", url, **options)
        crawling.source("bad-hanging", "feed", f"{bad.url}/hanging.xml")
        crawling.source("bad-broken", "feed", f"{bad.url}/broken.xml")
        crawling.source("bad-endless", "feed", f"{dripping.url}/endless")
        crawling.source("bad-loris", "feed", f"{dripping.url}/loris")
        crawling.crawl |= {"timeout": 20.0, "source_timeout": 90.0, "max_body": 2_000_000}
        ended: list[str] = []
        stage = CrawlStage(
            crawling.settings, crawling.store, crawling.log, SystemClock(), on_report=lambda r: ended.append(r.source)
        )
        reports = {report.source: report for report in stage.run_once()}
    finally:
        dripping.close()
        bad.close()
    waiting = {"bad-hanging", "bad-loris"}
    good = [report for name, report in reports.items() if name.startswith("good")]
    assert all(report.ok and report.new == 2 for report in good)
    # None of them waited for the bad ones, however busy the machine is.
    assert max(report.seconds for report in good) < min(reports[name].seconds for name in waiting)
    assert set(ended[-2:]) == waiting
    assert "no answer in time" in reports["bad-hanging"].error
    assert "no answer in time" in reports["bad-loris"].error
    assert "larger than crawl.max_body" in reports["bad-endless"].error
    assert "answered 500" in reports["bad-broken"].error


class Dripping:
    """A server that never comes to an end: as fast as it can, or a byte a second."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._closing = threading.Event()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                asked = connection.recv(4096).split(b" ")[1]
                if asked == b"/robots.txt":
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n<rss>")
                while not self._closing.is_set():
                    connection.sendall(b" " if asked == b"/loris" else b"<item></item>" * 1000)
                    if asked == b"/loris":
                        self._closing.wait(1.0)
            except OSError:
                pass  # the crawler hung up, as it should

    def close(self) -> None:
        self._closing.set()
        self._socket.close()
