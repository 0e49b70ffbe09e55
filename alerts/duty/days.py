"""On which days a shift or a route applies."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache

from alerts.duty.model import WEEKDAYS, Day


def falls_on(day: date, days: Collection[Day]) -> bool:
    """Whether a day is one of these; of none: every day."""
    return not days or WEEKDAYS[day.weekday()] in days


@lru_cache(maxsize=4096)
def count_between(first: date, last: date, days: tuple[Day, ...]) -> int:
    """How many such days lie from `first` up to `last`, that not included; negative where `last` is the earlier one."""
    if last < first:
        return -count_between(last, first, days)
    return sum(falls_on(first + timedelta(days=number), days) for number in range((last - first).days))
