"""An event's observations in the order of event time, and a policy's usual volume."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.observations import Observation

DAY = timedelta(days=1)
COLD_START_DAYS = 7
"""With fewer known days a baseline says that it is a cold start."""


class EventHistory:
    """One event's observations: `all` of the last weeks, and the `messages` to the government of the last months."""

    def __init__(self) -> None:
        self.all = DatedRows()
        self.messages = DatedRows()

    def add(self, row: Observation) -> None:
        """Add an observation, in place of an older version of the same document."""
        self.remove(row.document_id)
        self.all.add(row)
        if row.kind == "message" and row.concerned:
            self.messages.add(row)

    def remove(self, document_id: str) -> None:
        self.all.remove(document_id)
        self.messages.remove(document_id)


class DatedRows:
    """Observations, sorted by time and then by id, so that the order of arrival leaves no trace."""

    def __init__(self) -> None:
        self._keys: list[tuple[datetime, str]] = []
        self._rows: dict[str, Observation] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, row: Observation) -> None:
        self._rows[row.document_id] = row
        key = (row.published_at, row.document_id)
        if not self._keys or self._keys[-1] < key:
            self._keys.append(key)
        else:
            insort(self._keys, key)

    def remove(self, document_id: str) -> None:
        old = self._rows.pop(document_id, None)
        if old is not None:
            del self._keys[bisect_left(self._keys, (old.published_at, document_id))]

    def between(self, after: datetime, until: datetime) -> list[Observation]:
        """Observations with after < published_at ≤ until, oldest first."""
        rows = self._rows
        start, end = self._bounds(after, until)
        return [rows[key[1]] for key in self._keys[start:end]]

    def count(self, after: datetime, until: datetime) -> int:
        start, end = self._bounds(after, until)
        return end - start

    def last_until(self, moment: datetime) -> datetime:
        """The time of the newest observation that is not after `moment`."""
        return self._keys[bisect_right(self._keys, (moment, "\U0010ffff")) - 1][0]

    def _bounds(self, after: datetime, until: datetime) -> tuple[int, int]:
        top = "\U0010ffff"
        return bisect_right(self._keys, (after, top)), bisect_right(self._keys, (until, top))


class Baseline(NamedTuple):
    """What is usual: concerned voices a day, and how many days are known."""

    per_day: float = 0.0
    days: int = 0

    @property
    def cold(self) -> bool:
        return self.days < COLD_START_DAYS

    def expected(self, hours: float) -> float:
        """Voices expected in so many hours."""
        return self.per_day * hours / 24


def baseline(counts: Iterable[tuple[datetime, int]], moment: datetime, days: int) -> Baseline:
    """The usual volume before the last day.

    The busiest tenth of the days is left out, so that a burst of last week does not hide that of today.

    Parameters
    ----------
    counts:
        (time, concerned voices at that time), in any order.
    moment:
        The end of the window that is judged; its last 24 hours don't count.
    days:
        How many days before that are looked at.
    """
    by_day: dict[int, int] = {}
    for at, count in counts:
        day = int((moment - at) / DAY)
        if 1 <= day <= days:
            by_day[day] = by_day.get(day, 0) + count
    if not by_day:
        return Baseline()
    known = max(by_day)
    daily = sorted(by_day.get(day, 0) for day in range(1, known + 1))
    kept = daily[: max(1, len(daily) - (len(daily) + 9) // 10)] if known >= COLD_START_DAYS else daily
    return Baseline(sum(kept) / len(kept), known)
