"""Alert stage and scheduler as two processes that work at the same time, each killed (SIGKILL) at twenty random moments
under load: no ticket lost or doubled, each notice at least once, none after its ticket was closed.

`test_alert_kill_points` kills between chosen statements of one process; here nobody chooses, and what one process had
claimed or half done is met by the other one while it works.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import timeline
from alerts.deadlines import fire_due
from alerts.notify.tables import notice_decisions, notices
from alerts.outbox import Outbox
from alerts.plans import PlanBook
from alerts.stage import AlertStage
from alerts.tables import observations, outbox, ticket_timeline, tickets
from alerts.tickets import TicketBook
from minsheng.clock import ManualClock
from minsheng.policies import PolicyRegister
from minsheng.records import Grouped
from minsheng.store import Store
from tests.alerts.conftest import NOW, burst, shipped_plans
from tests.faults.test_alert_kill_points import ToFile, prepare, settings_in

KILLS = 20
"""Of each of the two."""
MATTERS = 40
BATCH = 5
CLOSED = 4
LONGEST = 0.3
"""Seconds that a process lives at most before one of the two is killed."""
FORK = multiprocessing.get_context("fork")
ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def stream() -> list[Grouped]:
    """Matters that begin one after the other, each while some others go on."""
    found = [
        one
        for n in range(MATTERS)
        for one in burst(
            16, NOW + timedelta(minutes=10 * n), minutes=3, event=f"e{n}", prefix=f"p{n}-", policy=None,
            sentiment="negative",
        )
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.document.published_at, one.document.id))


RECORDS = stream()


class Shared:
    """A clock of several processes: the machine's, and what the test has put on top of it. No lock to die with."""

    def __init__(self) -> None:
        self.ahead = FORK.RawValue("d", (NOW + timedelta(hours=80) - ZERO).total_seconds() - time.time())

    def now(self) -> datetime:
        return ZERO + timedelta(seconds=time.time() + self.ahead.value)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead.value

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class World:
    """What all processes of a run share."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.clock = url, folder, Shared()
        self.done = FORK.RawValue("b", 0)
        self.arrived = FORK.RawValue("i", 0)
        self.position = folder / "position"

    @property
    def at(self) -> int:
        return int(self.position.read_text()) if self.position.exists() else 0

    def start(self, work: Callable[[World], None]) -> Any:
        process = FORK.Process(target=work, args=(self,), daemon=True)
        process.start()
        return process


def stage(world: World) -> None:
    """The alert stage, from the position that was committed; it commits what it has done as a worker does."""
    store = Store(world.url)
    settings = settings_in(world.folder)
    register = PolicyRegister(store, world.clock)
    alert = AlertStage(store, PlanBook(shipped_plans()), register, settings, world.clock)
    alert.start()
    at = world.at
    while at < len(RECORDS):
        if at >= world.arrived.value:
            time.sleep(0.002)
            continue
        alert.work(RECORDS[at : at + BATCH])
        at += BATCH
        world.position.with_suffix(".new").write_text(str(at))
        world.position.with_suffix(".new").replace(world.position)
    store.close()


def scheduler(world: World) -> None:
    """Deadlines and notices, again and again, until the stage is done and nothing is left."""
    store = Store(world.url)
    settings = settings_in(world.folder)
    box = Outbox(store, settings, world.clock, {"duty": ToFile(world.folder / "sent")})
    while True:
        done = world.done.value
        fired = fire_due(store, world.clock, settings, limit=20)
        sent = box.deliver()
        if done and not fired and not sent and box.counts()["waiting"] == 0:
            break
        time.sleep(0.002)
    box.close()
    store.close()


def finish(world: World, working: dict[Any, Any]) -> None:
    for process in working.values():
        process.join(timeout=90)
        assert process.exitcode == 0, "it hangs" if process.exitcode is None else "it failed"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )


def undisturbed(tmp_path: Path) -> Store:
    """The store of a run in which nothing happened."""
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    world = World(f"sqlite:///{folder / 'store.db'}", folder)
    world.arrived.value = len(RECORDS)
    prepare(world.url, folder)
    stage_process, scheduler_process = world.start(stage), world.start(scheduler)
    finish(world, {stage: stage_process})
    world.done.value = 1
    finish(world, {scheduler: scheduler_process})
    return Store(world.url)


def test_both_killed_at_twenty_moments_under_load(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    world = World(url, folder)
    prepare(url, folder)
    chance = random.Random(20)
    victims = [stage, scheduler] * KILLS
    chance.shuffle(victims)
    working = {one: world.start(one) for one in (stage, scheduler)}
    store, closed = Store(url), list[str]()
    try:
        for number, victim in enumerate(victims):
            # Something new arrives before each death, and some is left: there is work until the last on any machine.
            world.arrived.value = len(RECORDS) * (number + 1) // (len(victims) + 1)
            time.sleep(chance.uniform(0.005, LONGEST))
            os.kill(working[victim].pid, signal.SIGKILL)
            working[victim].join()
            assert working[victim].exitcode == -signal.SIGKILL, "it failed before it was killed"
            if victim is scheduler and number >= KILLS and not closed:
                closed = close_some(store, world)
                told_before = Counter(lines(folder))
            # What the dead one had claimed is free again.
            world.clock.ahead.value += 120
            working[victim] = world.start(victim)
        world.arrived.value = len(RECORDS)
        finish(world, {stage: working[stage]})
        world.done.value = 1
        world.clock.ahead.value += 120
        finish(world, {scheduler: working[scheduler]})
    finally:
        # One that is left would keep the servers of the tests from ending.
        for process in working.values():
            process.kill()

    calm = undisturbed(tmp_path)
    now, then = found_in(store), found_in(calm)
    assert now["events"] == then["events"] and len(set(now["events"])) == len(now["events"]) == MATTERS
    assert now["documents"] == then["documents"]
    kept = [key for key in then["notices"] if key.split("/")[0] not in closed]
    assert [key for key in now["notices"] if key.split("/")[0] not in closed] == kept
    told = Counter(lines(folder))
    assert len(closed) == CLOSED
    for line, count in told.items():
        if line.split()[0] in closed:
            assert count == told_before[line], "nothing after it was closed"
    assert set(now["sent"]) <= set(told), "each message that counts as sent was received"
    assert sum(told.values()) <= len(now["sent"]) + KILLS, "and a death repeats at most one"
    assert now["undecided"] == now["waiting"] == now["given up"] == 0
    # Each notice reached somebody, or its record says what took its place.
    assert now["silent"] == then["silent"] == 0
    assert now["missed twice"] == 0
    assert not [chain for chain in timeline.verify(store) if chain.problems]
    store.close()
    calm.close()


def close_some(store: Store, world: World) -> list[str]:
    """Close tickets, once there are some, while the scheduler is dead and nothing is on its way; what it had claimed is
    met later."""
    book = TicketBook(store, ManualClock(world.clock.now()))
    waited = 0.0
    while len(found := book.list(status="unclosed")) < CLOSED:
        assert waited < 60, "the stage opens no tickets"
        time.sleep(0.05)
        waited += 0.05
    chosen = [ticket.number for ticket in found[-CLOSED:]]
    for number in chosen:
        book.move(number, "closed", actor="a", reason="已处理")
    return chosen


def lines(folder: Path) -> list[str]:
    path = folder / "sent"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def found_in(store: Store) -> dict[str, Any]:
    with store.read() as connection:
        query = sa.select(ticket_timeline).where(ticket_timeline.c.kind == "deadline-missed")
        missed = [(row.ticket_id, row.detail["deadline"]) for row in connection.execute(query)]
        number = {row.id: row.number for row in connection.execute(sa.select(tickets.c.id, tickets.c.number))}
        sent = connection.execute(
            sa.select(outbox.c.ticket_id, outbox.c.reason, outbox.c.notice_id).where(outbox.c.sent_at.is_not(None))
        ).all()
        spoken = {row.notice_id for row in sent}
        dropped = set(
            connection.scalars(sa.select(notice_decisions.c.notice_id).where(notice_decisions.c.outcome == "dropped"))
        )
        withdrawn = set(connection.scalars(sa.select(outbox.c.notice_id).where(outbox.c.last_error.like("%closed%"))))
        every = set(connection.scalars(sa.select(notices.c.id)))

        def count(*where: sa.ColumnElement[bool]) -> int:
            return connection.scalar(sa.select(sa.func.count()).where(*where)) or 0

        return {
            "events": sorted(connection.scalars(sa.select(tickets.c.event_id))),
            "documents": sorted(connection.scalars(sa.select(observations.c.document_id))),
            "notices": sorted(connection.scalars(sa.select(notices.c.key))),
            "sent": [f"{number[row.ticket_id]} {row.reason}" for row in sent],
            "undecided": count(notices.c.decided_at.is_(None)),
            "waiting": count(outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None)),
            "given up": count(outbox.c.dead_at.is_not(None), ~outbox.c.last_error.like("%closed%")),
            "silent": len(every - spoken - dropped - withdrawn),
            "missed twice": len(missed) - len(set(missed)),
        }
