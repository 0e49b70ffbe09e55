"""Working days and working hours in China: weekends, public holidays and the days that are worked to make up for them.

The State Council announces each year's days off and make-up days in the autumn before; `chinesecalendar` carries them.
For a year that is not announced yet there are only weekdays and weekends, and whoever counts over it is told so. Days
of a region's own (三月三, 泼水节), and a new year's before the library knows them, come from the settings `[work]`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Self

import chinese_calendar

from minsheng.clock import CHINA
from minsheng.logs import get_logger
from minsheng.settings import Settings, spans_of

log = get_logger(__name__)

Span = tuple[time, time]
OFFICE_HOURS: tuple[Span, ...] = ((time(9), time(12)), (time(13), time(17)))

_DAY = timedelta(days=1)
_FIRST = min(chinese_calendar.holidays).year
_LAST = max(chinese_calendar.holidays).year
_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}


class WorkCalendar:
    """When work is done. All days and hours are China's.

    Parameters
    ----------
    hours:
        The spans of a working day in which work is done, in their order.
    holidays, workdays:
        Days off and days of work beside, or in spite of, the national ones.

    Examples
    --------
    >>> calendar = WorkCalendar()
    >>> calendar.is_workday(date(2026, 2, 14)), calendar.is_workday(date(2026, 2, 17))
    (True, False)
    >>> calendar.add_workdays(date(2026, 9, 30), 1)
    datetime.date(2026, 10, 8)
    """

    def __init__(
        self,
        hours: Sequence[Span] = OFFICE_HOURS,
        holidays: Collection[date] = (),
        workdays: Collection[date] = (),
    ) -> None:
        if not hours or any(begin >= end for begin, end in hours):
            raise ValueError("a working day needs hours, each span beginning before it ends")
        if any(before[1] > after[0] for before, after in pairwise(hours)):
            raise ValueError("the spans of a working day must be in order and must not overlap")
        self._hours = tuple(hours)
        self._holidays = frozenset(holidays)
        self._workdays = frozenset(workdays)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        work = settings.work
        return cls(spans_of(work.hours), work.holidays, work.workdays)

    def is_workday(self, day: date) -> bool:
        """Whether work is done on a day. Of a year that is not announced, weekdays are; the log says so once."""
        if day in self._workdays:
            return True
        if day in self._holidays:
            return False
        if announced(day.year):
            return chinese_calendar.is_workday(day)
        _warn_of(day.year)
        return day.weekday() < 5

    def name_of(self, day: date) -> str:
        """What a day is, for people: the holiday's name, `调休上班`, `周末`, or empty on a plain working day."""
        if self.is_workday(day):
            return "调休上班" if day.weekday() >= 5 else ""
        if day in self._holidays:
            return "假日"
        if announced(day.year):
            off, name = chinese_calendar.get_holiday_detail(day)
            if off and name is not None:
                return _NAMES.get(name, name)
        return "周末"

    def unannounced(self, start: date, end: date) -> tuple[int, ...]:
        """The years from `start` to `end` of which only weekends are known. Empty: what is counted is certain."""
        return tuple(year for year in range(start.year, end.year + 1) if not announced(year))

    def next_workday(self, day: date) -> date:
        """The day itself where work is done on it, else the first one after."""
        while not self.is_workday(day):
            day += _DAY
        return day

    def add_workdays(self, day: date, count: int) -> date:
        """The working day `count` working days after a day; before it where `count` is below 0. A count from a day that
        is none begins at its next (last) working day: the day itself is never counted."""
        step = _DAY if count >= 0 else -_DAY
        for _ in range(abs(count)):
            day += step
            while not self.is_workday(day):
                day += step
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """How many working days there are after `start` up to and with `end`."""
        days = (end - start).days
        return sum(self.is_workday(start + timedelta(days=number)) for number in range(1, days + 1))

    def is_working(self, moment: datetime) -> bool:
        """Whether work is done at a moment."""
        local = moment.astimezone(CHINA)
        return self.is_workday(local.date()) and any(begin <= local.time() < end for begin, end in self._hours)

    def add_time(self, moment: datetime, work: timedelta) -> datetime:
        """The moment by which so much working time has passed since `moment`, with its zone.

        Raises
        ------
        ValueError
            If `work` is negative.
        """
        if work < timedelta(0):
            raise ValueError("working time can't be negative")
        for begin, end in self._spans(moment):
            start = max(begin, moment)
            if end - start >= work:
                return (start + work).astimezone(moment.tzinfo)
            work -= end - start
        raise AssertionError("there is always another working day")

    def time_between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two moments; 0 where `end` is not after `start`."""
        passed = timedelta(0)
        for opens, closes in self._spans(start):
            if opens >= end:
                break
            passed += max(min(closes, end) - max(opens, start), timedelta(0))
        return passed

    def _spans(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The spans of work that end after a moment."""
        day = since.astimezone(CHINA).date()
        while True:
            if self.is_workday(day):
                for begin, end in self._hours:
                    closes = datetime.combine(day, end, CHINA)
                    if closes > since:
                        yield datetime.combine(day, begin, CHINA), closes
            day += _DAY


def announced(year: int) -> bool:
    """Whether the days off and make-up days of a year are known."""
    return _FIRST <= year <= _LAST


@cache
def _warn_of(year: int) -> None:
    advice = (
        f"upgrade chinesecalendar when the State Council has announced {year}, or set holidays and workdays in [work]"
        if year > _LAST
        else "days that long ago are counted by weekday"
    )
    log.warning("holidays_not_announced", year=year, counted_as="weekdays and weekends only", advice=advice)
