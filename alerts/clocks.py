"""Which clocks a ticket of a level has: what is due, by when, counted in hours or in working time, and who sets it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from alerts.levels import Level
from minsheng.settings import AlertSettings, Settings
from minsheng.workdays import WorkCalendar

TITLES = {"information": "发布权威信息", "conference": "举行新闻发布会", "response": "作出回应"}
CONFERENCE = "conference"
APART = (CONFERENCE,)
"""Clocks that an answer does not meet: who has published information has not held a conference."""
WARNING = "-warning"
"""Ends the kind of a warning before a clock's end."""
_URGENT = "国办发〔2016〕61号"
_OTHER = "国办发〔2016〕80号"


def was_kept(due_at: datetime, met_at: datetime | None, ended_at: datetime | None) -> bool | None:
    """Whether a clock was met in time; None where it waits, or ended before its time with nothing done."""
    if met_at is not None:
        return met_at <= due_at
    return False if ended_at is not None and ended_at > due_at else None


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One clock: `kind` is its short name, `title` what people read; `working` counts working time only; `apart`: an
    answer alone does not meet it."""

    kind: str
    title: str
    time: timedelta
    working: bool
    source: str
    apart: bool = False

    def due(self, start: datetime, calendar: WorkCalendar, share: float = 1.0) -> datetime:
        """When it, or a share of its time, is over."""
        time = self.time * share
        return calendar.add_time(start, time) if self.working else start + time


def terms_of(level: Level, settings: AlertSettings) -> list[Term]:
    """The clocks of a level."""
    if level in ("orange", "red"):
        hours = {"information": settings.information_hours, "conference": settings.conference_hours}
        source = _URGENT
    else:
        hours, source = {"response": settings.response_hours}, _OTHER
    found = [
        Term(
            kind=kind,
            title=TITLES[kind],
            time=timedelta(hours=count),
            working=False,
            source=source,
            apart=kind in APART,
        )
        for kind, count in hours.items()
    ]
    found += [
        Term(
            kind=clock.kind,
            title=clock.title,
            time=timedelta(hours=clock.hours),
            working=clock.working,
            source=clock.source,
            apart=clock.apart,
        )
        for clock in settings.clocks
        if level in clock.levels
    ]
    return found


def first_deadline(level: Level, start: datetime, settings: Settings) -> tuple[str, datetime]:
    """What is due first at a level, in Chinese, and when."""
    calendar = WorkCalendar.from_settings(settings)
    return min(
        ((term.title, term.due(start, calendar)) for term in terms_of(level, settings.alert)), key=lambda one: one[1]
    )
