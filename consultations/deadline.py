"""The clock: what was taken up is made public within a month of the closing day (`[consultation]` in the settings)."""

from __future__ import annotations

import calendar
from datetime import date

import msgspec

from consultations.model import Consultation, State
from minsheng.duedays import press_of, words_of
from minsheng.settings import ConsultationSettings


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a consultation stands on a day.

    Attributes
    ----------
    due_on:
        The last day for making public what was taken up.
    days:
        Days that are left until then; below 0: late by so many. Once it is published: as it was on that day.
    """

    state: State
    due_on: date
    days: int

    @property
    def pressing(self) -> bool:
        return self.state in ("soon", "late")

    @property
    def missed(self) -> bool:
        """Whether it was not made public in time, or is not public and late."""
        return self.state in ("late", "published-late")

    @property
    def words(self) -> str:
        """The days as people say them."""
        if self.state in ("published", "coming", "open"):
            return ""
        return words_of(self.days)


def months_after(day: date, months: int) -> date:
    """The same day so many months later; a month's last day where that month has no such day.

    Examples
    --------
    >>> months_after(date(2026, 1, 31), 1), months_after(date(2026, 12, 15), 1)
    (datetime.date(2026, 2, 28), datetime.date(2027, 1, 15))
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def standing(one: Consultation, today: date, settings: ConsultationSettings) -> Standing:
    """Where a consultation stands today, a day of China."""
    due = months_after(one.closes_on, settings.publish_months)
    if one.published_on is not None:
        days = (due - one.published_on).days
        return Standing(state="published" if days >= 0 else "published-late", due_on=due, days=days)
    days = (due - today).days
    state: State
    if today < one.opens_on:
        state = "coming"
    elif today <= one.closes_on:
        state = "open"
    else:
        state = press_of(days, settings.warn_days) or "waiting"
    return Standing(state=state, due_on=due, days=days)
