"""Spans of the day, as duty rooms write them: `08:00-20:00`, `22:00-07:00`, in China time."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

import msgspec

from alerts.duty.model import Person
from minsheng.clock import CHINA

_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Span(msgspec.Struct, frozen=True):
    """From one minute of the day to another, not included; past midnight where the end is not after the beginning."""

    begin: int
    end: int

    @property
    def minutes(self) -> int:
        """How long it is; a whole day where both ends are the same."""
        return (self.end - self.begin - 1) % 1440 + 1

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Beginning and end of the span that begins on a day."""
        start = datetime.combine(day, time(), CHINA) + timedelta(minutes=self.begin)
        return start, start + timedelta(minutes=self.minutes)

    def around(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """The span that holds a moment; None where the moment lies outside."""
        today = moment.astimezone(CHINA).date()
        for day in (today - timedelta(days=1), today):
            start, end = self.on(day)
            if start <= moment < end:
                return start, end
        return None


def span_of(text: str) -> Span:
    """`22:00-07:00` as a span. Raises `ValueError`."""
    found = _SPAN.fullmatch(text.strip().replace("：", ":").replace("–", "-").replace("—", "-"))
    values = [int(part) for part in found.groups()] if found else []
    if not values or values[0] * 60 + values[1] >= 1440 or values[2] * 60 + values[3] > 1440:
        raise ValueError(f"'{text}' are no hours: write 08:00-20:00, or 22:00-07:00 for a night")
    return Span(values[0] * 60 + values[1], (values[2] * 60 + values[3]) % 1440)


def time_of(text: str) -> time:
    """`08:30` as a time of day. Raises `ValueError`."""
    try:
        if not re.fullmatch(r"\d\d:\d\d", text):
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no time of day: write 08:30") from None


def next_of(times: tuple[str, ...], moment: datetime) -> datetime:
    """The first of these times of day after a moment."""
    today = moment.astimezone(CHINA).date()
    every = (
        datetime.combine(today + timedelta(days=later), time_of(text), CHINA) for later in (0, 1) for text in times
    )
    return min(one for one in every if one > moment)


def quiet_until(person: Person | None, at: datetime) -> datetime | None:
    """When the quiet hours that a moment falls into end for a person; None where it falls into none."""
    if person is None or not person.quiet:
        return None
    span = span_of(person.quiet).around(at)
    return span[1] if span is not None else None
