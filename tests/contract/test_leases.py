"""Leases of sources and turns at hosts, on both stores."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.host_ledger import StoreLedger
from crawlers.host_rules import HostRule, Pause
from crawlers.leases import DEAD, Leases
from crawlers.recording import record_run
from crawlers.run import RunReport
from crawlers.sources import Source, save
from minsheng.clock import ManualClock, SystemClock
from minsheng.store import Store
from tests.stores import made_store

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
Open = Callable[[], Store]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same database again and again, as several processes would."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'store.db'}" if sqlite else request.getfixturevalue("postgresql_url")
    opened: list[Store] = []

    def open_one() -> Store:
        opened.append(Store(url))
        return opened[-1]

    made_store(url).close()
    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def crawler(open_store: Open, clock: ManualClock) -> Leases:
    leases = Leases(open_store(), clock)
    leases.beat()
    return leases


def source(name: str) -> Source:
    return Source(id=name, kind="feed", url=f"http://h/{name}", every="15m")


def put(store: Store, names: list[str]) -> None:
    with store.begin() as connection:
        save(store, [(source(name), None) for name in names], connection)
    Leases(store, ManualClock(NOW)).make_rows(names)


def test_the_longest_waiting_are_leased_first_and_no_one_twice(open_store: Open, clock: ManualClock) -> None:
    store = open_store()
    put(store, ["a", "b", "c", "d"])
    first, second = crawler(open_store, clock), crawler(open_store, clock)
    second.beat()
    first.beat()
    assert first.shared
    assert second.shared
    with store.begin() as connection:
        for name, minutes in (("a", -5), ("b", -10), ("c", 5)):
            row = tables.crawl_state.c.source_id == name
            due = NOW + timedelta(minutes=minutes)
            connection.execute(sa.update(tables.crawl_state).where(row).values(next_run_at=due))
    assert first.claim(2).sources == ["d", "b"]  # d was never crawled
    assert second.claim(9).sources == ["a"]
    assert first.claim(9) == ([], NOW + timedelta(minutes=5))
    clock.advance(minutes=5)
    assert second.claim(9).sources == ["c"]
    assert first.claim_named(["a", "c"]) == []
    second.give_back(["c"])
    assert first.claim_named(["a", "c"]) == ["c"]


def test_sources_that_are_off_are_left(open_store: Open, clock: ManualClock) -> None:
    store = open_store()
    put(store, ["a", "b"])
    with store.begin() as connection:
        connection.execute(sa.update(tables.sources).where(tables.sources.c.id == "a").values(enabled=False))
    assert crawler(open_store, clock).claim(9).sources == ["b"]


def test_many_at_once_lease_each_source_once(open_store: Open, clock: ManualClock) -> None:
    names = [f"s{n:03}" for n in range(120)]
    put(open_store(), names)
    crawlers = [crawler(open_store, clock) for _ in range(4)]

    def work(leases: Leases) -> list[str]:
        found: list[str] = []
        while claimed := leases.claim(7).sources:
            found += claimed
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [name for some in pool.map(work, crawlers) for name in some]
    assert sorted(taken) == names


def test_a_dead_crawlers_leases_are_taken_over(open_store: Open, clock: ManualClock) -> None:
    put(open_store(), ["a", "b"])
    dead, alive = crawler(open_store, clock), crawler(open_store, clock)
    assert dead.claim(9).sources == ["a", "b"]
    clock.advance(seconds=DEAD.total_seconds() - 1)
    alive.beat()
    assert alive.claim(9).sources == []
    clock.advance(seconds=2)
    alive.beat()
    assert not alive.shared
    assert alive.claim(9).sources == ["a", "b"]
    # The one that was only asleep finds its lease gone, and writes nothing.
    store = open_store()
    report = RunReport(source="a", ok=True, new=9, items=9)
    record_run(store, source("a"), report, NOW, clock.now(), worker=dead.worker)
    with store.read() as connection:
        row = connection.execute(sa.select(tables.crawl_state).where(tables.crawl_state.c.source_id == "a")).one()
    assert (row.leased_by, row.items, row.next_run_at) == (alive.worker, 0, None)


def test_a_killed_process_of_this_machine_is_known_at_once(open_store: Open, clock: ManualClock) -> None:
    store = open_store()
    put(store, ["a"])
    killed, alive = crawler(open_store, clock), crawler(open_store, clock)
    assert killed.claim(9).sources == ["a"]
    gone = _ended()
    with store.begin() as connection:
        mine = tables.crawl_workers.c.id == killed.worker
        connection.execute(sa.update(tables.crawl_workers).where(mine).values(pid=gone))
    alive.beat()
    assert alive.claim(9).sources == ["a"]


def _ended() -> int:
    pid = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(pid, 0)
    return pid


def test_a_crawler_that_leaves_gives_its_leases_back(open_store: Open, clock: ManualClock) -> None:
    put(open_store(), ["a"])
    first, second = crawler(open_store, clock), crawler(open_store, clock)
    assert first.claim(9).sources == ["a"]
    first.leave()
    second.beat()
    assert not second.shared
    assert second.claim(9).sources == ["a"]


def test_a_recorded_run_frees_the_source_for_its_next_time(open_store: Open, clock: ManualClock) -> None:
    store = open_store()
    put(store, ["a"])
    leases = crawler(open_store, clock)
    assert leases.claim(9).sources == ["a"]
    due = record_run(store, source("a"), RunReport(source="a", ok=True), clock.now(), clock.now(), worker=leases.worker)
    assert leases.claim(9) == ([], due)
    clock.set(due)
    assert leases.claim(9).sources == ["a"]


def ledgers(open_store: Open, clock: ManualClock | SystemClock, count: int) -> list[StoreLedger]:
    names = [f"crawler-{n}" for n in range(count)]
    return [
        StoreLedger(
            open_store(), clock, worker=name, others=lambda mine=name: [n for n in names if n != mine], longest=30.0
        )
        for name in names
    ]


def test_pace_holds_over_all_crawlers(open_store: Open) -> None:
    clock = SystemClock()
    rule = HostRule(delay=0.15, concurrency=2)
    starts: list[float] = []
    most = 0

    async def ask(ledger: StoreLedger, under_way: set[str]) -> None:
        nonlocal most
        turn = ledger.turn("h", rule)
        assert turn is not None
        token = await turn
        starts.append(asyncio.get_running_loop().time())
        under_way.add(token)
        most = max(most, len(under_way))
        await asyncio.sleep(0.25)
        under_way.discard(token)
        ledger.done("h", token)

    async def run() -> None:
        under_way: set[str] = set()
        both = ledgers(open_store, clock, 2)
        await asyncio.gather(*(ask(both[n % 2], under_way) for n in range(8)))
        for ledger in both:
            await ledger.close()

    asyncio.run(run())
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert min(pauses) > 0.05
    assert most <= 2


def test_a_lost_request_is_not_waited_for_for_ever(open_store: Open, clock: ManualClock) -> None:
    rule = HostRule(delay=0.0, concurrency=1)

    async def run() -> None:
        first, second = ledgers(open_store, clock, 2)
        lost = first.turn("h", rule)
        assert lost is not None
        await lost
        waiting = second.turn("h", rule)
        assert waiting is not None
        await asyncio.sleep(0.5)
        assert not waiting.done()
        clock.advance(seconds=31)
        await asyncio.wait_for(waiting, 30)

    asyncio.run(run())


def test_a_dead_crawlers_requests_hold_nobody_up(open_store: Open, clock: ManualClock) -> None:
    rule = HostRule(delay=0.0, concurrency=1)
    alive = ["dead"]

    async def run() -> None:
        dead = StoreLedger(open_store(), clock, worker="dead", others=lambda: ["mine"], longest=30.0)
        mine = StoreLedger(open_store(), clock, worker="mine", others=lambda: alive, longest=30.0)
        lost = dead.turn("h", rule)
        assert lost is not None
        await lost
        waiting = mine.turn("h", rule)
        assert waiting is not None
        await asyncio.sleep(0.5)
        assert not waiting.done()
        alive[:] = ["third"]
        await asyncio.wait_for(waiting, 30)

    asyncio.run(run())


def test_who_does_not_wait_any_longer_keeps_no_place(open_store: Open, clock: ManualClock) -> None:
    async def run() -> None:
        first, second = ledgers(open_store, clock, 2)
        turn = first.turn("h", HostRule(delay=20.0, concurrency=1))
        assert turn is not None
        first.done("h", await turn)
        await first.close()
        # The next one goes before its turn comes: while it takes its place, or while it waits for its start.
        for left_after in (0.0, 0.01, 0.3):
            waiting = first.turn("h", HostRule(delay=0.0, concurrency=1))
            assert waiting is not None
            await asyncio.sleep(left_after)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await first.close()
        clock.advance(seconds=21)
        following = second.turn("h", HostRule(delay=0.0, concurrency=1))
        assert following is not None
        await asyncio.wait_for(following, 10)

    asyncio.run(run())


@pytest.mark.postgresql
def test_one_that_comes_while_another_looks_who_lives_keeps_its_leases(postgresql_url: str, clock: ManualClock) -> None:
    """Each statement of a PostgreSQL transaction sees what has come meanwhile."""
    store = made_store(postgresql_url)
    put(store, ["a"])
    looking, coming = Leases(store, clock), Leases(Store(postgresql_url), clock)
    come: list[str] = []

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def between(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # After what it read first, and before what it reads next.
        if statement.lstrip().upper().startswith("SELECT"):
            come.append(statement)
            if len(come) == 2:
                coming.beat()
                assert coming.claim(9).sources == ["a"]

    looking.beat()
    sa.event.remove(store.engine, "before_cursor_execute", between)
    assert len(come) == 2
    with store.read() as connection:
        assert connection.scalar(sa.select(tables.crawl_state.c.leased_by)) == coming.worker
    coming._store.close()
    store.close()


def test_the_days_budget_is_one_for_all(open_store: Open, clock: ManualClock) -> None:
    async def run() -> list[bool]:
        both = ledgers(open_store, clock, 2)
        asked = [await both[n % 2].spend("h", 30) for n in range(40)]
        clock.advance(days=1)
        asked.append(await both[0].spend("h", 30))
        # What was taken of the new day and not used is given back.
        await both[0].close()
        return asked

    asked = asyncio.run(run())
    assert sum(asked[:-1]) == 30
    assert asked[-1]
    with open_store().read() as connection:
        assert connection.scalar(sa.select(tables.crawl_hosts.c.requests)) == 1


def test_a_pause_is_known_to_all_and_after_a_restart(open_store: Open, clock: ManualClock) -> None:
    pause = Pause(NOW + timedelta(hours=1), 3, "h answered 429")

    async def run() -> None:
        first, second = ledgers(open_store, clock, 2)
        first.paused("h", pause)
        await first.close()
        second.refresh()
        assert second.pause_of("h") == pause
        second.paused("h", None)
        await second.close()
        first.refresh()
        assert first.pause_of("h") is None

    asyncio.run(run())
