"""Timers are rows: nothing is skipped over a restart or a jump of the clock, nothing fires twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.deadlines import fire_due
from alerts.notify.tables import notices
from minsheng.store import Store
from tests.alerts.conftest import NOW, World, burst
from tests.stores import made_store

MakeWorld = Callable[..., World]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )
    opened = made_store(url)
    yield opened
    opened.close()


def events(world: World) -> list[tuple[str, str]]:
    (ticket,) = world.tickets()
    return [
        (event.kind, event.detail["deadline"])
        for event in world.book.timeline(ticket.id)
        if event.kind in ("deadline-warning", "deadline-missed")
    ]


def reasons(world: World) -> list[str]:
    with world.store.read() as connection:
        return list(connection.scalars(sa.select(notices.c.reason).order_by(notices.c.id)))


def test_a_blue_ticket_is_due_after_48_hours_with_a_warning_before(world: World) -> None:
    world.take(burst(12))
    (ticket,) = world.tickets()
    assert {clock.kind: clock.due_at - ticket.opened_at for clock in ticket.deadlines} == {
        "response": timedelta(hours=48),
        "response-warning": timedelta(hours=38.4),
    }
    world.clock.set(ticket.opened_at + timedelta(hours=38))
    assert fire_due(world.store, world.clock, world.settings) == 0
    world.clock.advance(hours=1)
    assert fire_due(world.store, world.clock, world.settings) == 1
    assert fire_due(world.store, world.clock, world.settings) == 0
    world.clock.advance(hours=10)
    fire_due(world.store, world.clock, world.settings)
    fire_due(world.store, world.clock, world.settings)
    assert events(world) == [("deadline-warning", "response"), ("deadline-missed", "response")]
    assert reasons(world) == ["new", "due", "overdue"]


def test_orange_brings_five_and_twenty_four_hours_and_drops_the_forty_eight(world: World) -> None:
    world.take(burst(12))
    world.take(burst(100, minutes=0.3, prefix="more"))
    (ticket,) = world.tickets()
    assert ticket.level == "orange"
    due = {clock.kind: clock for clock in ticket.deadlines}
    assert due["response"].cancelled_at is not None
    assert due["information"].due_at == ticket.raised_at + timedelta(hours=5)
    assert due["conference"].due_at == ticket.raised_at + timedelta(hours=24)


def test_a_scheduler_that_was_down_says_once_that_the_time_is_over(world: World) -> None:
    world.take(burst(12))
    world.clock.advance(days=30)
    assert fire_due(world.store, world.clock, world.settings) == 2
    assert events(world) == [("deadline-missed", "response")]
    assert reasons(world) == ["new", "overdue"]


def test_a_clock_that_jumps_back_fires_nothing_again(world: World) -> None:
    world.take(burst(12))
    world.clock.set(NOW + timedelta(days=3))
    fire_due(world.store, world.clock, world.settings)
    world.clock.set(NOW)
    assert fire_due(world.store, world.clock, world.settings) == 0
    world.clock.set(NOW + timedelta(days=4))
    assert fire_due(world.store, world.clock, world.settings) == 0


def test_nothing_is_due_for_a_closed_or_answered_ticket(world: World) -> None:
    world.take(burst(12))
    (ticket,) = world.tickets()
    world.book.move(ticket.number, "responded", actor="officer")
    world.clock.advance(days=10)
    assert fire_due(world.store, world.clock, world.settings) == 0


def test_several_schedulers_fire_each_timer_once(make_world: MakeWorld, store: Store) -> None:
    world = make_world(store)
    world.take([one for n in range(8) for one in burst(12, event=f"e{n}", prefix=f"p{n}-")])
    world.clock.advance(days=10)
    fired: list[int] = []
    start = threading.Barrier(4)

    def run() -> None:
        own = Store(store.url)
        start.wait()
        fired.append(fire_due(own, world.clock, world.settings))
        own.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fired) == 16
    assert sorted(reasons(world)) == ["new"] * 8 + ["overdue"] * 8
