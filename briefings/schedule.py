"""Which briefings are due when, by working day and hour, and what happens at the hour: a draft lies ready, or who is on
duty has been told that it does not.

The chores' rows decide when it is looked (`minsheng.chores`); what was made is seen on the shelf. So it does not matter
how often, or by how many processes, it is looked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from alerts.notices import Notice, enqueue_matter
from alerts.timeline import SYSTEM
from briefings.report import NAMES
from briefings.spans import Kind, Span, span
from minsheng.chores import Chore, every
from minsheng.clock import CHINA
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.workdays import WorkCalendar

if TYPE_CHECKING:
    from briefings.making import Parts

log = get_logger(__name__)

LAST_WORD = timedelta(minutes=10)
"""So long before the hour a briefing that is not there is told of, whatever is the matter with its making."""
_MOST = 12
"""Days back that dailies are made of: the longest holiday, and a little."""
LOOK_MINUTES = 2.0


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A briefing that is to lie ready by a moment of today."""

    span: Span
    ready_by: datetime


def dues(settings: Settings, now: datetime) -> list[Due]:
    """What is to lie ready by some hour of today, China time."""
    calendar = WorkCalendar.from_settings(settings)
    briefing = settings.briefing
    today = now.astimezone(CHINA).date()
    found: list[Due] = []
    if briefing.daily_at and (briefing.days == "every" or calendar.is_workday(today)):
        days = [today - timedelta(days=1)]
        while briefing.days == "working" and not calendar.is_workday(days[-1]) and len(days) < _MOST:
            days.append(days[-1] - timedelta(days=1))
        found += [_due("daily", day, today, briefing.daily_at) for day in reversed(days)]
    if briefing.weekly_at and calendar.is_workday(today):
        found += [_due("weekly", day, today, briefing.weekly_at) for day in _weeks(calendar, today)]
    first = today.replace(day=1)
    if briefing.monthly_at and calendar.next_workday(first) == today:
        found.append(_due("monthly", first - timedelta(days=1), today, briefing.monthly_at))
    return found


def _due(kind: Kind, day: date, today: date, at: str) -> Due:
    return Due(span=span(kind, day), ready_by=datetime.combine(today, time.fromisoformat(at), CHINA))


def _weeks(calendar: WorkCalendar, today: date) -> Iterator[date]:
    """A day of each week that ended since the last working day, where today is the first one since."""
    day = today - timedelta(days=1)
    while not calendar.is_workday(day) and (today - day).days < _MOST:
        day -= timedelta(days=1)
    # `day` is the last working day: weeks that were not over then are over now.
    sunday = day + timedelta(days=6 - day.weekday())
    while sunday < today:
        yield sunday
        sunday += timedelta(days=7)


def make_due(parts: Parts) -> int:
    """Make the drafts whose time has come. Returns how many. Where one fails, who is on duty is told at once, the
    others are made, and the error is raised: the chore tries again."""
    from briefings.making import make_and_keep
    from briefings.shelf import BriefingShelf

    now = parts.clock.now()
    shelf = BriefingShelf(parts.store, parts.settings, parts.clock)
    made = 0
    failed: Exception | None = None
    for due in dues(parts.settings, now):
        ahead = timedelta(minutes=parts.settings.briefing.ahead_minutes)
        if now < due.ready_by - ahead or shelf.newest(due.span.kind, due.span.code) is not None:
            continue
        try:
            kept = make_and_keep(parts, due.span.kind, due.span.first, actor=SYSTEM, unless_there=True)
        except Exception as error:
            _tell(parts, due, str(error) or type(error).__name__)
            failed = error
            continue
        log.info("briefing_made", number=kept.number, seconds=(parts.clock.now() - now).total_seconds())
        made += 1
    if failed is not None:
        raise failed
    return made


def tell_missing(parts: Parts) -> int:
    """Shortly before the hour: tell who is on duty of what is not there. Returns of how many."""
    from briefings.shelf import BriefingShelf

    now = parts.clock.now()
    shelf = BriefingShelf(parts.store, parts.settings, parts.clock)
    missing = [
        due
        for due in dues(parts.settings, now)
        if now >= due.ready_by - LAST_WORD and shelf.newest(due.span.kind, due.span.code) is None
    ]
    for due in missing:
        _tell(parts, due, "至今没有生成，生成任务可能停住了")
    return len(missing)


def chores(parts: Parts) -> list[Chore]:
    """For the service's clock. They are two, so that one that hangs does not keep the other from saying so."""
    return [
        Chore(name="briefings", next_at=every(LOOK_MINUTES), work=lambda: make_due(parts)),
        Chore(name="briefings-missing", next_at=every(LOOK_MINUTES), work=lambda: tell_missing(parts)),
    ]


def _tell(parts: Parts, due: Due, why: str) -> None:
    """Once for each briefing: the notice's key is the same however often this is called."""
    kind, code = due.span.kind, due.span.code
    notice = Notice(
        reason="briefing-missing",
        level="orange",
        ticket="",
        subject=f"【简报未成】{NAMES[kind]}（{due.span.words}）未能生成，应于 {due.ready_by:%H:%M} 前备好",
        why=f"{why}。系统每两分钟重试；仍不成时请人工编报。",
        command=f"minsheng briefing make {kind} --date {due.span.first}",
    )
    with parts.store.begin() as connection:
        # Nobody is named: the duty book's routes lead to whoever is on duty.
        enqueue_matter(parts.store, connection, f"briefing-due:{kind}", code, notice, None, parts.clock.now())
    log.error("briefing_missing", kind=kind, code=code, reason=why)
