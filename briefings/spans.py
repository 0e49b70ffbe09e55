"""The stretches of China time that briefings tell of, and the earlier ones that they are compared with."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal

import msgspec

from briefings.words import day_words
from minsheng.clock import CHINA

Kind = Literal["daily", "weekly", "monthly"]

EARLIER: dict[Kind, int] = {"daily": 7, "weekly": 4, "monthly": 3}
"""With how many earlier ones of its kind each is compared."""
BEFORE: dict[Kind, str] = {"daily": "昨日", "weekly": "上周", "monthly": "上月"}
UNIT: dict[Kind, str] = {"daily": "日", "weekly": "周", "monthly": "个月"}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From midnight to midnight: a day, a week from Monday, or a month."""

    kind: Kind
    first: date
    last: date

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), CHINA)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), CHINA)

    @property
    def words(self) -> str:
        """2026年5月8日（星期五）; 2026年5月4日至10日; 2026年5月"""
        if self.kind == "daily":
            return day_words(self.first)
        if self.kind == "monthly":
            return f"{self.first.year}年{self.first.month}月"
        month = "" if self.last.month == self.first.month else f"{self.last.month}月"
        year = "" if self.last.year == self.first.year else f"{self.last.year}年"
        return f"{self.first.year}年{self.first.month}月{self.first.day}日至{year}{month}{self.last.day}日"

    @property
    def code(self) -> str:
        """20260508; 2026W19; 202605"""
        if self.kind == "daily":
            return f"{self.first:%Y%m%d}"
        if self.kind == "monthly":
            return f"{self.first:%Y%m}"
        year, week, _ = self.first.isocalendar()
        return f"{year}W{week:02}"

    def before(self) -> Span:
        """The one just before it."""
        return span(self.kind, self.first - timedelta(days=1))

    def earlier(self) -> list[Span]:
        """Those that it is compared with, oldest first."""
        found = [self.before()]
        while len(found) < EARLIER[self.kind]:
            found.append(found[-1].before())
        return found[::-1]


def span(kind: Kind, day: date) -> Span:
    """The one of a kind that a day lies in."""
    if kind == "daily":
        return Span(kind=kind, first=day, last=day)
    if kind == "weekly":
        monday = day - timedelta(days=day.weekday())
        return Span(kind=kind, first=monday, last=monday + timedelta(days=6))
    first = day.replace(day=1)
    return Span(kind=kind, first=first, last=(first + timedelta(days=32)).replace(day=1) - timedelta(days=1))
