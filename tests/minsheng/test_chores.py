"""Chores: the row decides, whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from minsheng.chores import CLAIM, Chore, chores, daily, every, run_due
from minsheng.clock import ManualClock
from minsheng.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(f"sqlite:///{tmp_path / 'store.db'}")
    with found.begin() as connection:
        chores.create(connection)
    yield found
    found.close()


def test_done_once_at_its_time_also_after_a_standstill(store: Store) -> None:
    clock = ManualClock(datetime(2026, 3, 10, tzinfo=UTC))
    done: list[datetime] = []
    chore = Chore(name="c", next_at=every(15), work=lambda: done.append(clock.now()) or 1)
    other = Chore(name="c", next_at=every(15), work=chore.work)
    assert (run_due(store, clock, chore), run_due(store, clock, other)) == (1, 0)
    clock.advance(minutes=14)
    assert run_due(store, clock, chore) == 0
    clock.advance(hours=5)
    assert [run_due(store, clock, one) for one in (other, chore)] == [1, 0], "once, however long nobody looked"
    assert len(done) == 2


def test_one_that_fails_is_tried_again_soon_and_says_why(store: Store) -> None:
    clock = ManualClock(datetime(2026, 3, 10, tzinfo=UTC))

    def fail() -> int:
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError):
        run_due(store, clock, Chore(name="c", next_at=daily("03:30"), work=fail))
    with store.read() as connection:
        assert connection.scalar(sa.select(chores.c.error)) == "no disk"
    fine = Chore(name="c", next_at=daily("03:30"), work=lambda: 7)
    assert run_due(store, clock, fine) == 0
    clock.advance(minutes=5)
    assert run_due(store, clock, fine) == 7
    with store.read() as connection:
        row = connection.execute(sa.select(chores)).one()
    assert row.error is None and row.due_at == datetime(2026, 3, 10, 19, 30, tzinfo=UTC)


def test_nobody_does_what_somebody_is_at_until_that_one_is_dead(store: Store) -> None:
    clock = ManualClock(datetime(2026, 3, 10, tzinfo=UTC))
    inner: list[int] = []
    again = Chore(name="c", next_at=every(1), work=lambda: 1)

    def work() -> int:
        clock.advance(minutes=5)
        inner.append(run_due(store, clock, again))
        clock.advance(seconds=CLAIM.total_seconds())
        inner.append(run_due(store, clock, again))
        return 2

    assert run_due(store, clock, Chore(name="c", next_at=every(60), work=work)) == 2
    assert inner == [0, 1]
