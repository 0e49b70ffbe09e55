"""Working days: what the State Council announced, what only weekends are known of, and hours counted over both."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from minsheng import workdays
from minsheng.clock import CHINA
from minsheng.errors import WrongSettings
from minsheng.settings import load_settings
from minsheng.workdays import WorkCalendar, announced

CALENDAR = WorkCalendar()


def china(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=CHINA)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("day", "work", "name"),
    [
        (date(2026, 1, 1), False, "元旦"),
        (date(2026, 1, 4), True, "调休上班"),
        (date(2026, 2, 14), True, "调休上班"),
        (date(2026, 2, 17), False, "春节"),
        (date(2026, 2, 23), False, "春节"),
        (date(2026, 9, 25), False, "中秋节"),
        (date(2026, 10, 7), False, "国庆节"),
        (date(2026, 10, 10), True, "调休上班"),
        (date(2026, 11, 28), False, "周末"),
        (date(2026, 11, 27), True, ""),
    ],
)
def test_days_as_the_state_council_announced_them(day: date, work: bool, name: str) -> None:
    assert (CALENDAR.is_workday(day), CALENDAR.name_of(day)) == (work, name)


def test_twenty_working_days_over_the_spring_festival() -> None:
    """The term of an answer to a disclosure request: 20 working days, the day of receipt not counted."""
    due = CALENDAR.add_workdays(date(2026, 2, 10), 20)
    assert due == date(2026, 3, 16)
    assert CALENDAR.workdays_between(date(2026, 2, 10), due) == 20
    assert CALENDAR.add_workdays(date(2026, 2, 24), -1) == date(2026, 2, 14)
    assert CALENDAR.next_workday(date(2026, 2, 15)) == date(2026, 2, 24)
    assert CALENDAR.workdays_between(due, date(2026, 2, 10)) == 0


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (china(2026, 11, 27, 10), 2, china(2026, 11, 27, 12)),
        (china(2026, 11, 27, 10), 3, china(2026, 11, 27, 14)),
        (china(2026, 11, 27, 3), 1, china(2026, 11, 27, 10)),
        (china(2026, 11, 27, 16), 2, china(2026, 11, 30, 10)),
        (china(2026, 11, 28, 12), 7, china(2026, 11, 30, 17)),
        (china(2026, 9, 30, 16, 30), 1, china(2026, 10, 8, 9, 30)),
        (china(2026, 11, 27, 12, 30), 0, china(2026, 11, 27, 13)),
    ],
)
def test_hours_of_work(start: datetime, hours: float, end: datetime) -> None:
    assert CALENDAR.add_time(start, timedelta(hours=hours)) == end
    assert CALENDAR.time_between(start, end) == timedelta(hours=hours)
    assert CALENDAR.add_time(start.astimezone(UTC), timedelta(hours=hours)).tzinfo is UTC


def test_a_moment_in_or_out_of_hours() -> None:
    assert CALENDAR.is_working(datetime(2026, 11, 27, 1, 0, tzinfo=UTC))
    assert not CALENDAR.is_working(china(2026, 11, 27, 12, 30))
    assert not CALENDAR.is_working(china(2026, 11, 28, 10))
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.add_time(china(2026, 11, 27, 10), timedelta(hours=-1))


def test_a_year_that_is_not_announced_is_said_once_and_counted_by_weekdays() -> None:
    unknown = 2097
    assert not announced(unknown)
    workdays._warn_of.cache_clear()
    with capture_logs() as logs:
        assert CALENDAR.is_workday(date(unknown, 10, 1))  # a Tuesday: nobody knows yet
        assert not CALENDAR.is_workday(date(unknown, 10, 5))
    assert [(line["event"], line["year"], line["log_level"]) for line in logs] == [
        ("holidays_not_announced", unknown, "warning")
    ]
    assert CALENDAR.unannounced(date(2026, 12, 1), date(2026, 12, 31)) == ()
    assert CALENDAR.unannounced(date(2026, 12, 1), date(2098, 1, 1))[-1] == 2098


def test_a_unit_has_days_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "minsheng.toml").write_text(
        '[work]\nhours = ["08:30-12:00", "14:30-18:00"]\nholidays = [2026-04-20]\nworkdays = ["2026-10-05"]\n',
        encoding="utf-8",
    )
    calendar = WorkCalendar.from_settings(load_settings(tmp_path, environ={}))
    assert not calendar.is_workday(date(2026, 4, 20)) and calendar.name_of(date(2026, 4, 20)) == "假日"
    assert calendar.is_workday(date(2026, 10, 5))
    assert calendar.is_working(china(2026, 11, 27, 8, 45)) and not calendar.is_working(china(2026, 11, 27, 13))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('hours = ["9 to 5"]', "write 09:00-12:00"),
        ('hours = ["12:00-09:00"]', "must begin before it ends"),
        ('hours = ["09:00-12:00", "11:00-17:00"]', "in order that don't overlap"),
        ("hours = []", "needs spans"),
        ("holidays = [2026-10-05]\nworkdays = [2026-10-05]", "as a day off and as a day of work"),
    ],
)
def test_hours_that_make_no_sense_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "minsheng.toml").write_text(f"[work]\n{text}\n", encoding="utf-8")
    with pytest.raises(WrongSettings) as error:
        load_settings(tmp_path, environ={})
    assert said in str(error.value)


def test_a_calendar_without_sensible_hours_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="beginning before it ends"):
        WorkCalendar(hours=[(time(9), time(9))])
    with pytest.raises(ValueError, match="must not overlap"):
        WorkCalendar(hours=[(time(13), time(17)), (time(9), time(12))])
