"""Steps of time in China time, and counts over them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from minsheng.clock import CHINA
from search.index import Bucket, Interval

HOUR_MS = 3_600_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Since 1970, rounded down: the precision that both engines compare and sort with."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def at(milliseconds: int) -> datetime:
    """A moment since 1970 in China time."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).astimezone(CHINA)


def month_start(moment: datetime) -> datetime:
    """Midnight in China of the first day of the month that `moment` lies in."""
    return moment.astimezone(CHINA).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def step_start(hour: int, interval: Interval) -> datetime:
    """The start in China time of the step that an hour (counted since 1970) lies in."""
    # Until 1901 China's clocks were not a whole number of hours ahead.
    moment = at(hour * HOUR_MS).replace(minute=0, second=0)
    if interval == "hour":
        return moment
    day = moment.replace(hour=0)
    if interval == "day":
        return day
    return day - timedelta(days=day.weekday()) if interval == "week" else day.replace(day=1)


def histogram(rows: Iterable[tuple[int, str | None, int]], interval: Interval) -> tuple[Bucket, ...]:
    """Add up counts by the hour.

    Parameters
    ----------
    rows:
        Hour since 1970, the value that counts are split by or None, count.
    interval:
        The step wanted.

    Returns
    -------
    The steps that hold anything, in order.
    """
    counts: dict[datetime, int] = {}
    splits: dict[datetime, dict[str, int]] = {}
    for hour, part, count in rows:
        start = step_start(hour, interval)
        counts[start] = counts.get(start, 0) + count
        if part is not None:
            split = splits.setdefault(start, {})
            split[part] = split.get(part, 0) + count
    return tuple(
        Bucket(value=start.isoformat(), count=counts[start], split=splits.get(start, {})) for start in sorted(counts)
    )
