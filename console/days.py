"""Days as forms and addresses give them: 2026-05-01, a day of China."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.problems import Problem

EARLIEST, LATEST = 1900, 2900
"""Years: at the ends of the calendar no day can be added."""


def china_day(text: str) -> date | None:
    """A day; None for an empty text. Raises `WrongUse` for what is none, or lies out of all time."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not EARLIEST <= day.year <= LATEST:
        raise WrongUse(Problem("day-wrong", text=text), "write it as 2026-05-01")
    return day


def begin_of(text: str) -> datetime | None:
    """The moment at which a day begins; None for an empty text. Raises `WrongUse` as `china_day`."""
    day = china_day(text)
    return None if day is None else datetime.combine(day, time(), CHINA).astimezone(UTC)
