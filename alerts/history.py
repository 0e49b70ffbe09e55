"""An event's or a policy's observations in the order of event time, and what is usual."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate
from statistics import median

from alerts.observations import Observation
from minsheng.clock import CHINA

DAY = timedelta(days=1)
COLD_START_DAYS = 7
"""With fewer known days a baseline says that it is a cold start."""
EARLY = 1
"""Hours by which a peak of each week may come early."""
PEAK = 4
"""Voices that make a peak."""


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

    def every(self) -> list[Observation]:
        """All that is kept, messages first."""
        kept = {row.document_id: row for row in [*self.messages.rows(), *self.all.rows()]}
        return list(kept.values())

    def forget(self, before: datetime, messages_before: datetime) -> list[Observation]:
        """Let go of what was published before these times. Returns what is kept no more at all."""
        self.messages.forget(messages_before)
        return [row for row in self.all.forget(before) if not self.messages.has(row.document_id)]


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

    def rows(self) -> list[Observation]:
        """All of them, oldest first."""
        return [self._rows[document_id] for _, document_id in self._keys]

    def has(self, document_id: str) -> bool:
        return document_id in self._rows

    def forget(self, before: datetime) -> list[Observation]:
        """Let go of what was published before a time."""
        count = bisect_left(self._keys, (before, ""))
        gone = [self._rows.pop(document_id) for _, document_id in self._keys[:count]]
        del self._keys[:count]
        return gone

    def last_until(self, moment: datetime) -> datetime:
        """The time of the newest observation that is not after `moment`."""
        return self._keys[bisect_right(self._keys, (moment, "\U0010ffff")) - 1][0]

    def _bounds(self, after: datetime, until: datetime) -> tuple[int, int]:
        top = "\U0010ffff"
        return bisect_right(self._keys, (after, top)), bisect_right(self._keys, (until, top))


class WatchedDays:
    """Since when anything is watched at all, from how many documents there are of each day.

    A policy of which nobody ever complained has no past of its own; but where the system has been watching for weeks,
    that nobody did is known, and is no cold start. What sources give of their past on the first day doesn't count as
    having been watched: of such days there is far less.
    """

    def __init__(self, counts: Counter[date] | None = None) -> None:
        self.counts: Counter[date] = Counter() if counts is None else counts

    def add(self, day: date, step: int) -> None:
        self.counts[day] += step

    def before(self, moment: datetime, days: int) -> int:
        """How many days in a row before a time (UTC days; of the last `days`) have been watched."""
        past = [self.counts[(moment - day * DAY).date()] for day in range(1, days + 1)]
        least = max(_WATCHED_LEAST, _WATCHED_SHARE * max(past, default=0))
        return next((number for number, count in enumerate(past) if count < least), len(past))


_WATCHED_LEAST = 20
"""Fewer documents of a day don't show that it was watched."""

_WATCHED_SHARE = 0.1
"""Nor does less than this share of the busiest day's."""


class Baseline:
    """What is usual: concerned voices in a window, from the same hours of the days and weeks before.

    Parameters
    ----------
    counts:
        Hour (its begin, UTC) → concerned voices.
    moment:
        The end of the window that is judged; its last 24 hours don't count.
    days:
        How many days before that are looked at.
    is_workday:
        Tells working days from days off.
    watched:
        How many days before `moment` are known to have been watched, whether anything was said on them or not.

    Attributes
    ----------
    days:
        How many days are known.
    """

    def __init__(
        self,
        counts: Mapping[datetime, int],
        moment: datetime,
        days: int,
        is_workday: Callable[[date], bool] = lambda day: day.weekday() < 5,
        watched: int = 0,
    ) -> None:
        self._moment = moment
        self._is_workday = is_workday
        first = moment - days * DAY
        first -= DAY  # the oldest day's window begins a day before it
        known = sorted((at, count) for at, count in counts.items() if count and first <= at < moment)
        oldest = known[0][0] if known and known[0][0] <= moment - DAY else moment
        self.days = min(days, max((moment - oldest) // DAY, watched))
        self._hours = [int(at.timestamp()) // _HOUR for at, _ in known]
        self._counts = [count for _, count in known]
        self._sums = [0, *accumulate(self._counts)]

    @property
    def cold(self) -> bool:
        return self.days < COLD_START_DAYS

    def expected(self, hours: float) -> float:
        """Voices expected in the last so many hours: what they were on days like this one, or, where that is more, at
        this hour of the week.

        Of the days the busiest tenth is left out and of the weeks the middle is taken, so that a burst of last week
        does not hide that of today, while a peak of every Monday is no news; nor is one that begins `EARLY` hours
        before its time.
        """
        if not self.days:
            return 0.0
        end = self._moment.timestamp()
        daily = {day: self._count(end - day * 86_400, hours) for day in range(1, self.days + 1)}
        today = self._is_workday(self._moment.astimezone(CHINA).date())
        alike = [
            count
            for day, count in daily.items()
            if self._is_workday((self._moment - day * DAY).astimezone(CHINA).date()) == today
        ]
        usual = sorted(alike if len(alike) >= 3 else daily.values())
        if len(usual) >= 3:
            usual = usual[: max(1, len(usual) - (len(usual) + 9) // 10)]
        of_days = sum(usual) / len(usual)
        weeks = range(7, self.days + 1, 7)
        if len(weeks) < 2:
            return of_days
        of_weeks = median(daily[day] for day in weeks)
        to_come = median(self._count(end - day * 86_400 + EARLY * _HOUR, hours) for day in weeks)
        return max(of_days, of_weeks, to_come if to_come >= PEAK else 0.0)

    def _count(self, end: float, hours: float) -> float:
        """Voices in the `hours` before a time; of an hour that is cut, its share."""
        return self._until(end) - self._until(end - hours * _HOUR)

    def _until(self, time: float) -> float:
        hour, part = divmod(time / _HOUR, 1)
        place = bisect_left(self._hours, hour)
        cut = part * self._counts[place] if place < len(self._hours) and self._hours[place] == hour else 0.0
        return self._sums[place] + cut


_HOUR = 3_600
