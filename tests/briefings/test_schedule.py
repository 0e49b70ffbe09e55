"""Briefings by working day and hour, and what is told where one fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts.notify.tables import notices
from briefings.schedule import chores, dues, make_due, tell_missing
from briefings.shelf import BriefingShelf
from minsheng.chores import run_due
from minsheng.clock import CHINA
from minsheng.errors import Unavailable, WrongSettings
from minsheng.settings import BriefingSettings, Settings, load_settings
from tests.briefings.small_world import World


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def codes(text: str, **changes: str) -> list[str]:
    return [one.span.code for one in dues(Settings(briefing=BriefingSettings(**changes)), at(text))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-25T08:00", ["20261124"]),  # a Wednesday
        ("2026-11-23T08:00", ["20261120", "20261121", "20261122", "2026W47"]),  # a Monday
        ("2026-11-22T08:00", []),  # a Sunday
        ("2026-05-09T08:00", ["20260508"]),  # a Saturday that is worked
        ("2026-02-02T08:00", ["20260130", "20260131", "20260201", "2026W05", "202601"]),
    ],
)
def test_what_is_due_by_working_day(now: str, expected: list[str]) -> None:
    assert codes(now) == expected


def test_after_a_long_holiday_each_day_since_is_due() -> None:
    """The Spring Festival of 2026: the last day of work is Saturday the 14th, the next one Tuesday the 24th."""
    days = [f"202602{day}" for day in range(14, 24)]
    assert codes("2026-02-24T08:00") == [*days, "2026W07", "2026W08"]


def test_every_day_and_never() -> None:
    assert codes("2026-11-22T08:00", days="every") == ["20261121"]
    assert codes("2026-11-23T08:00", daily_at="", weekly_at="") == []


def test_a_wrong_hour_is_named(tmp_path: Path) -> None:
    (tmp_path / "minsheng.toml").write_text('[briefing]\ndaily_at = "half past"\n', encoding="utf-8")
    with pytest.raises(WrongSettings, match=r"briefing\.daily_at"):
        load_settings(tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.fill()
    briefing = msgspec.structs.replace(made.settings.briefing, weekly_at="", monthly_at="")
    made.settings = msgspec.structs.replace(made.settings, briefing=briefing)
    yield made
    made.close()


def told(world: World) -> list[tuple[str, str]]:
    with world.store.read() as connection:
        rows = connection.execute(sa.select(notices).order_by(notices.c.id)).mappings().all()
    return [(row["reason"], row["payload"]["subject"]) for row in rows]


def test_it_is_made_once_before_its_hour(world: World) -> None:
    make, _ = chores(world)
    assert run_due(world.store, world.clock, make) == 0, "07:00 is too early"
    world.clock.advance(minutes=45)
    assert run_due(world.store, world.clock, make) == 1
    world.clock.advance(minutes=3)
    assert (run_due(world.store, world.clock, make), make_due(world), tell_missing(world)) == (0, 0, 0)
    (kept,) = BriefingShelf(world.store, world.settings, world.clock).all()
    assert (kept.number, kept.status, kept.made_by) == ("RB-20260508", "draft", "system")
    world.clock.advance(hours=4)
    assert (make_due(world), told(world)) == (0, [])


def test_where_it_fails_the_duty_officer_is_told_before_the_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("index", "the index can't be reached")

    make, _ = chores(world)
    world.clock.advance(minutes=46)
    with monkeypatch.context() as broken:
        broken.setattr("briefings.making.make", away)
        for _ in range(3):
            with pytest.raises(Unavailable):
                run_due(world.store, world.clock, make)
            world.clock.advance(minutes=3)
    ((reason, subject),) = told(world)
    assert reason == "briefing-missing"
    assert "舆情风险日报（2026年5月8日（星期五））未能生成，应于 08:30 前备好" in subject
    assert run_due(world.store, world.clock, make) == 1, "and it is tried again until it is there"


def test_where_nothing_makes_it_the_duty_officer_is_told_too(world: World) -> None:
    world.clock.advance(minutes=79)
    assert tell_missing(world) == 0
    world.clock.advance(minutes=2)
    assert (tell_missing(world), tell_missing(world)) == (1, 1)
    assert [reason for reason, _ in told(world)] == ["briefing-missing"]
