"""Several crawler processes on one store, one of them killed; and bad hosts among many good ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.leases import BEAT
from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite, wait_until
from tests.crawlers.scenes import BODY, article, put_up
from tests.stores import made_store

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
        crawling.store = made_store(request.getfixturevalue("postgresql_url"))
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


def many_feeds(crawling: Crawling, site: LocalSite, count: int) -> None:
    """Feeds of one host that are due once in this test, when `let_go` says so; their answers take a moment."""
    for n in range(count):
        item = (
            f"<item><title>第{n}号信源的消息</title><link>/{n}/1.html</link><description>{BODY[0]}</description></item>"
        )
        site.put(f"/{n}.xml", f"<rss version='2.0'><channel>{item}</channel></rss>", seconds=0.15)
        crawling.source(f"s{n:02}", "feed", f"{site.url}/{n}.xml")
        path = crawling.folder / "sources" / f"s{n:02}.toml"
        path.write_text('every = "1h"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")


def let_go(crawling: Crawling, crawlers: int) -> None:
    """Make all sources due, once so many crawlers live and know of each other."""
    state, workers = tables.crawl_state, tables.crawl_workers

    def living() -> bool:
        with crawling.store.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(workers)) == crawlers

    wait_until(living, 60)
    time.sleep(2 * BEAT)
    with crawling.store.begin() as connection:
        connection.execute(sa.update(state).values(next_run_at=datetime.now(UTC)))


def held_by(crawling: Crawling, pid: int) -> set[str]:
    """The sources that a crawler process is at."""
    state, workers = tables.crawl_state, tables.crawl_workers
    joined = sa.select(state.c.source_id).join(workers, workers.c.id == state.c.leased_by).where(workers.c.pid == pid)
    with crawling.store.read() as connection:
        return set(connection.scalars(joined))


@pytest.mark.parametrize("killed", [False, True])
def test_three_crawlers_share_sixty_sources_of_one_host(killed: bool, shared: Crawling, site: LocalSite) -> None:
    crawling, delay = shared, 0.12
    site.put("/robots.txt", "", media_type="text/plain")
    many_feeds(crawling, site, 60)
    later = datetime.now(UTC) + timedelta(minutes=50)
    rows = [{"source_id": f"s{n:02}", "next_run_at": later} for n in range(60)]
    with crawling.store.begin() as connection:
        connection.execute(sa.insert(tables.crawl_state), rows)
    lost: set[str] = set()
    with crawlers(crawling, 3, delay=delay) as processes:
        let_go(crawling, 3)
        if killed:
            wait_until(lambda: len(crawling.documents()) >= 12, 120)
            victim = next(one for one in processes if held_by(crawling, one.pid))
            lost = held_by(crawling, victim.pid)
            os.kill(victim.pid, signal.SIGSTOP)
            lost |= held_by(crawling, victim.pid)
            victim.kill()
            victim.wait()
        wait_until(lambda: len({document.source for document in crawling.documents()}) == 60, 180)
    feeds = Counter(path for path in site.paths() if path.endswith(".xml"))
    assert len(feeds) == 60
    twice = {f"s{int(path[1:-4]):02}" for path, times in feeds.items() if times > 1}
    # Only what the killed one was at is asked for again.
    assert twice <= lost
    assert max(feeds.values()) <= 2
    assert {document.revision for document in crawling.documents()} == {1}
    # More than one took part, and together they kept the pace of one: no request came before its turn.
    assert [asked.path for asked in site.asked].count("/robots.txt") >= 2
    times = sorted(asked.at for asked in site.asked)
    assert min(at - times[0] - place * delay for place, at in enumerate(times)) > -0.5
    assert site.most_at_once <= 2


_BACKFILL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from crawlers.run import Window
from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from minsheng.settings import CrawlSettings, Settings
from minsheng.store import Store
from stream.embedded import EmbeddedLog
folder = Path(sys.argv[1])
crawl = CrawlSettings(per_host_delay=0.0, per_host_concurrency=1, allowed_networks=("127.0.0.1",))
settings = Settings(data_dir=folder, crawl=crawl)
stage = CrawlStage(settings, Store(sys.argv[2]), EmbeddedLog(folder / "log.db"), SystemClock())
report = stage.backfill("one", Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)))
print(report.ok, report.new, report.error)
"""


def backfilling(crawling: Crawling) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _BACKFILL, str(crawling.folder), store_url(crawling)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def test_a_backfill_is_one_process_and_another_goes_on_where_it_was_killed(shared: Crawling, site: LocalSite) -> None:
    crawling, pages, links = shared, 3, 10
    for page in range(1, pages + 1):
        rows = "".join(
            f'<li><a href="/a/{n}.html">第{n}号关于供水工作的通知公告</a><span>2026-11-{28 - page}</span></li>'
            for n in range((page - 1) * links, page * links)
        )
        more = f'<a href="/list/{page + 1}/">下一页</a>' if page < pages else ""
        site.put(f"/list/{page}/", f"<html><body><ul>{rows}</ul>{more}</body></html>")
    for n in range(pages * links):
        words = (*BODY, f"编号为{n}的通知到此结束。")
        page = article(f"第{n}号关于供水工作的通知公告", "2026-11-23 12:30", body=words)
        site.put(f"/a/{n}.html", page, seconds=0.7)
    crawling.source("one", "listing", f"{site.url}/list/1/")
    first = backfilling(crawling)
    try:
        wait_until(lambda: len(crawling.documents()) >= 3, 120)
        second = backfilling(crawling)
        said, _ = second.communicate(timeout=120)
        assert "another backfill of it is under way" in said
        assert first.poll() is None, "it was done before the other one asked"
    finally:
        first.kill()
        first.wait()
    stored = {document.url for document in crawling.documents()}
    before = len(site.asked)
    third = backfilling(crawling)
    said, _ = third.communicate(timeout=120)
    assert said.splitlines()[-1].startswith("True")
    assert {document.url for document in crawling.documents()} == {
        f"{site.url}/a/{n}.html" for n in range(pages * links)
    }
    again = {path for path in site.paths(since=before) if path.startswith("/a/")}
    # The one page that was being stored or fetched at the kill.
    assert len(again & {(url or "").removeprefix(site.url) for url in stored}) <= 1
    assert {f"{site.url}{path}" for path in again} | stored == {document.url for document in crawling.documents()}


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
