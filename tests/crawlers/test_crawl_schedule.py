"""The schedule: rhythms, restarts, edits while it runs, and sources that fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.health import states
from crawlers.leases import Claimed, Leases
from crawlers.recording import LONGEST_BACKOFF, next_run, record_run
from crawlers.run import RunReport
from crawlers.schedule import SourceScheduler
from crawlers.sources import Source
from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from minsheng.errors import WrongSettings
from minsheng.store import Store
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite, wait_until
from tests.crawlers.scenes import put_up

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@contextmanager
def running(crawling: Crawling) -> Iterator[list[RunReport]]:
    """The stage, serving in another thread."""
    reports: list[RunReport] = []
    stage = CrawlStage(crawling.settings, crawling.store, crawling.log, SystemClock(), on_report=reports.append)
    stop = threading.Event()
    thread = threading.Thread(target=stage.run, args=(stop,))
    thread.start()
    try:
        yield reports
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
        assert stage.health.state == "stopped"


def every(crawling: Crawling, name: str, rhythm: str) -> None:
    path = crawling.folder / "sources" / f"{name}.toml"
    path.write_text(f'every = "{rhythm}"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")


def test_runs_at_its_rhythm_and_takes_up_edits(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("feed", site)
    crawling.source("one", "feed", url, **options)
    every(crawling, "one", "1s")
    with running(crawling) as reports:
        wait_until(lambda: len(reports) >= 3)
        assert [report.new for report in reports[:3]] == [2, 0, 0]
        crawling.source("two", "feed", url, **options)
        wait_until(lambda: any(report.source == "two" for report in reports))
        (crawling.folder / "sources" / "one.toml").unlink()
        wait_until(lambda: _sources(crawling) == ["two"])


def _sources(crawling: Crawling) -> list[str]:
    with crawling.store.read() as connection:
        return list(connection.scalars(sa.select(tables.sources.c.id).order_by(tables.sources.c.id)))


def test_missed_runs_become_one_and_a_restart_keeps_the_plan(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("feed", site)
    for name in ("late", "early"):
        crawling.source(name, "feed", url, **options)
        every(crawling, name, "1h")
    now = datetime.now(UTC)
    due = {"late": now - timedelta(hours=7), "early": now + timedelta(minutes=30)}
    with crawling.store.begin() as connection:
        connection.execute(
            sa.insert(tables.crawl_state),
            [{"source_id": name, "next_run_at": at, "failures": 0} for name, at in due.items()],
        )
    with running(crawling) as reports:
        wait_until(lambda: reports)
        wait_until(lambda: _next(crawling, "late") > now)
    assert [report.source for report in reports] == ["late"]
    assert _next(crawling, "early") == due["early"]
    assert timedelta(minutes=55) < _next(crawling, "late") - now < timedelta(minutes=62)


def _next(crawling: Crawling, name: str) -> datetime:
    with crawling.store.read() as connection:
        at = connection.scalar(
            sa.select(tables.crawl_state.c.next_run_at).where(tables.crawl_state.c.source_id == name)
        )
    assert at is not None
    return at


def test_a_stuck_source_does_not_hold_up_the_others(crawling: Crawling, site: LocalSite) -> None:
    slow = LocalSite()
    try:
        slow.put("/robots.txt", "", media_type="text/plain")
        slow.put("/feed.xml", "", seconds=60)
        url, options = put_up("feed", site)
        crawling.source("stuck", "feed", f"{slow.url}/feed.xml")
        crawling.source("good", "feed", url, **options)
        every(crawling, "stuck", "1s")
        every(crawling, "good", "1s")
        crawling.crawl["source_timeout"] = 2.0
        with running(crawling) as reports:
            wait_until(lambda: any(report.source == "stuck" for report in reports))
        assert sum(report.source == "good" and report.ok for report in reports) >= 2
        assert "source_timeout" in next(report.error for report in reports if report.source == "stuck")
    finally:
        slow.close()


def test_stop_is_prompt_while_a_host_hangs(crawling: Crawling, site: LocalSite) -> None:
    site.put("/robots.txt", "", media_type="text/plain")
    site.put("/feed.xml", "", seconds=60)
    crawling.source("stuck", "feed", f"{site.url}/feed.xml")
    crawling.crawl["timeout"] = 60.0
    with running(crawling):
        wait_until(lambda: "/feed.xml" in site.paths())


def test_failures_back_off_and_success_ends_it() -> None:
    source = Source(id="one", kind="feed", url="http://h/", every="15m")
    pauses = [next_run(source, NOON, failures, 0.0) - NOON for failures in range(8)]
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (15, 15, 30, 60)]
    assert pauses[-1] == LONGEST_BACKOFF
    daily = Source(id="two", kind="feed", url="http://h/", every="1d")
    assert next_run(daily, NOON, 9, 0.0) - NOON == timedelta(days=1)


def test_jitter_is_small_and_never_early() -> None:
    source = Source(id="one", kind="feed", url="http://h/", every="1h")
    assert next_run(source, NOON, 0, 1.0) - NOON == timedelta(hours=1, seconds=60)
    assert next_run(source, NOON, 0, 0.0) - NOON == timedelta(hours=1)


def test_an_editors_lock_file_ends_nothing(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("feed", site)
    crawling.source("one", "feed", url, **options)
    every(crawling, "one", "1s")
    with running(crawling) as reports:
        wait_until(lambda: reports)
        (crawling.folder / "sources" / ".#one.toml").symlink_to("somebody@office.1234")
        (crawling.folder / "sources" / "gone.toml").symlink_to("nowhere.toml")
        crawling.source("two", "feed", url, **options)
        wait_until(lambda: any(report.source == "two" for report in reports))
    assert _sources(crawling) == ["one", "two"]


def test_a_run_that_breaks_is_a_failed_one_and_not_tried_at_once(
    crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, options = put_up("feed", site)
    crawling.source("bad", "feed", url, **options)
    crawling.source("good", "feed", url, **options)
    every(crawling, "good", "1s")
    tried: list[str] = []
    run_of = CrawlStage._run_of

    async def breaking(stage: CrawlStage, source: Source, *args: Any, **kwargs: Any) -> Any:
        tried.append(source.id)
        if source.id == "bad":
            raise WrongSettings("the author key can't be read")
        return await run_of(stage, source, *args, **kwargs)

    monkeypatch.setattr(CrawlStage, "_run_of", breaking)
    with running(crawling) as reports:
        wait_until(lambda: len(reports) >= 3)
    assert tried.count("bad") == 1
    found = {state.id: state for state in states(crawling.store, SystemClock())}
    assert found["bad"].failures == 1
    assert "author key" in found["bad"].last_error


def test_a_run_that_can_not_even_be_written_down_is_put_off(
    crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, options = put_up("feed", site)
    crawling.source("bad", "feed", url, **options)
    crawling.source("good", "feed", url, **options)
    every(crawling, "good", "1s")
    tried: list[str] = []

    def breaking(store: Store, source: Source, *args: Any, **kwargs: Any) -> Any:
        tried.append(source.id)
        if source.id == "bad":
            raise ValueError("what nobody thought of")
        return record_run(store, source, *args, **kwargs)

    monkeypatch.setattr("crawlers.stage.record_run", breaking)
    with running(crawling) as reports:
        wait_until(lambda: sum(report.source == "good" for report in reports) >= 3)
    assert tried.count("bad") == 2  # the run, and its failure
    assert _next(crawling, "bad") > datetime.now(UTC) + timedelta(seconds=30)


def test_a_watch_that_breaks_goes_on(crawling: Crawling, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def breaking(*_: object) -> None:
        looks.append(len(looks))
        raise ValueError("a row that can't be read")

    monkeypatch.setattr("crawlers.stage.WATCH", 0.05)
    monkeypatch.setattr("crawlers.stage.watch", breaking)
    with running(crawling):
        wait_until(lambda: len(looks) >= 3)


def test_a_sign_of_life_that_breaks_is_given_again(crawling: Crawling, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []
    beat = Leases.beat

    def breaking(leases: Leases) -> None:
        beats.append(len(beats))
        if len(beats) > 1:
            raise ValueError("a row that can't be read")
        beat(leases)

    monkeypatch.setattr("crawlers.stage.BEAT", 0.05)
    monkeypatch.setattr(Leases, "beat", breaking)
    with running(crawling):
        wait_until(lambda: len(beats) >= 4)


def test_a_source_that_is_claimed_again_before_its_task_has_gone_stays_known(crawling: Crawling) -> None:
    """One that takes longer than its rhythm is due at once."""

    async def scene() -> None:
        doors = [asyncio.Event(), asyncio.Event()]
        waiting = list(doors)

        async def crawl(source: Source) -> datetime:
            await waiting.pop(0).wait()
            return NOON

        leases = Leases(crawling.store, crawling.clock)
        leases.claim = lambda limit: Claimed(["one"], None)  # type: ignore[method-assign]
        scheduler = SourceScheduler(crawl, crawling.store, crawling.clock, crawling.folder, leases)
        scheduler._sources = {"one": Source(id="one", kind="feed", url="http://feeds.example/")}
        await scheduler._start()
        first = scheduler._running["one"]
        await scheduler._start()
        second = scheduler._running["one"]
        await asyncio.sleep(0)
        doors[0].set()
        await first
        await asyncio.sleep(0)
        assert scheduler._running == {"one": second}
        doors[1].set()
        await second

    asyncio.run(scene())
