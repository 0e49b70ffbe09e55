"""On which days a shift or a route applies."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache

from alerts.duty.model import WEEKDAYS, Day
from minsheng.workdays import WorkCalendar

NATIONAL = WorkCalendar()
"""The State Council's days off and make-up days, without a unit's own."""


def falls_on(day: date, days: Collection[Day], calendar: WorkCalendar = NATIONAL) -> bool:
    """Whether a day is one of these; of none: every day."""
    if not days or WEEKDAYS[day.weekday()] in days:
        return True
    if "workday" not in days and "holiday" not in days:
        return False
    return ("workday" if calendar.is_workday(day) else "holiday") in days


@lru_cache(maxsize=4096)
def count_between(first: date, last: date, days: tuple[Day, ...], calendar: WorkCalendar) -> int:
    """How many such days lie from `first` up to `last`, that not included; negative where `last` is the earlier one."""
    if last < first:
        return -count_between(last, first, days, calendar)
    return sum(falls_on(first + timedelta(days=number), days, calendar) for number in range((last - first).days))
