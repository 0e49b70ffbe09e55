"""The clock that tests hold in their hand, and the real one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from minsheng.clock import CHINA, ManualClock, SystemClock

START = datetime(2026, 5, 1, tzinfo=UTC)


def test_it_moves_only_when_told() -> None:
    clock = ManualClock(START)
    assert (clock.now(), clock.monotonic()) == (START, 0)
    clock.advance(days=1, hours=2, minutes=3, seconds=4)
    assert clock.now() - START == timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert clock.monotonic() == (clock.now() - START).total_seconds()


def test_sleeping_moves_it_and_returns_at_once() -> None:
    clock = ManualClock(START)
    clock.sleep(3600)
    clock.sleep(0)
    clock.sleep(-5)
    assert clock.now() == START + timedelta(hours=1)


def test_wall_time_can_jump_back_but_monotonic_time_does_not_move() -> None:
    clock = ManualClock(START)
    clock.advance(hours=1)
    clock.set(START - timedelta(days=1))
    assert clock.now() == START - timedelta(days=1)
    assert clock.monotonic() == 3600


def test_a_clock_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        ManualClock(datetime(2026, 5, 1))  # noqa: DTZ001


def test_the_machines_clock_is_aware_and_monotonic() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    before = clock.monotonic()
    clock.sleep(0.01)
    clock.sleep(-1)
    assert clock.monotonic() > before


def test_china_keeps_one_offset() -> None:
    assert START.astimezone(CHINA).utcoffset() == timedelta(hours=8)
