"""Who is on duty: any time's answer from the book's rotation and the changes made to it; and where nobody is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import msgspec

from alerts.duty.changes import Change
from alerts.duty.days import NATIONAL, count_between, falls_on
from alerts.duty.hours import span_of
from alerts.duty.model import DutyBook, Roster, Shift, Special
from minsheng.clock import CHINA
from minsheng.workdays import WorkCalendar


class Watcher(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on duty: the person's id and name, and whose place is taken, if any."""

    person: str
    name: str
    instead_of: str | None = None
    why: str = ""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which the same people are on duty: a shift, or the part of one between two changes.

    Attributes
    ----------
    missing:
        Ids of people who should be on duty, are away, and have nobody in their place.
    """

    roster: str
    shift: str
    start: datetime
    end: datetime
    watchers: tuple[Watcher, ...]
    missing: tuple[str, ...] = ()


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which nobody is on duty though somebody should be, and why."""

    roster: str
    start: datetime
    end: datetime
    why: str


def watches(
    book: DutyBook,
    roster: Roster,
    changes: Sequence[Change],
    since: datetime,
    until: datetime,
    calendar: WorkCalendar = NATIONAL,
) -> list[Watch]:
    """All watches of a roster that touch a span of time, by their beginning. They are whole, not cut to the span."""
    found: list[Watch] = []
    day = since.astimezone(CHINA).date() - timedelta(days=1)
    last = until.astimezone(CHINA).date()
    mine = [change for change in changes if change.roster in ("", roster.id)]
    while day <= last:
        for shift in roster.shifts:
            people = _people(roster, shift, day, calendar)
            if people is None:
                continue
            start, end = span_of(shift.hours).on(day)
            found += _pieces(book, roster, shift, start, end, people, mine)
        day += timedelta(days=1)
    return sorted((w for w in found if w.end > since and w.start < until), key=lambda w: (w.start, w.end, w.shift))


def on_duty(
    book: DutyBook,
    changes: Sequence[Change],
    at: datetime,
    roster_id: str | None = None,
    calendar: WorkCalendar = NATIONAL,
) -> list[Watch]:
    """The watches of one roster, or of all, at a moment."""
    found: list[Watch] = []
    for roster in book.rosters:
        if roster_id is None or roster.id == roster_id:
            near = watches(book, roster, changes, at, at + timedelta(seconds=1), calendar)
            found += [watch for watch in near if watch.start <= at < watch.end]
    return found


def gaps(
    book: DutyBook,
    roster: Roster,
    changes: Sequence[Change],
    since: datetime,
    until: datetime,
    calendar: WorkCalendar = NATIONAL,
) -> list[Gap]:
    """Where nobody is on duty within the hours that the roster is to cover; in China time, as watches are."""
    since, until = since.astimezone(CHINA), until.astimezone(CHINA)
    every = watches(book, roster, changes, since, until, calendar)
    found: list[Gap] = []
    for start, end in _to_cover(roster, since, until, calendar):
        at = start
        for watch in every:
            if watch.end <= at or watch.start >= end:
                continue
            if watch.start > at:
                found.append(Gap(roster=roster.id, start=at, end=watch.start, why="没有安排班次"))
            if not watch.watchers and not _covered(every, max(at, watch.start), min(watch.end, end)):
                names = "、".join(book.name_of(one) for one in watch.missing)
                why = f"{names}不在岗，无人顶班" if names else "班次没有人员"
                found.append(Gap(roster=roster.id, start=max(at, watch.start), end=min(watch.end, end), why=why))
            at = max(at, watch.end)
        if at < end:
            found.append(Gap(roster=roster.id, start=at, end=end, why="没有安排班次"))
    return _joined(found)


def _covered(every: Sequence[Watch], start: datetime, end: datetime) -> bool:
    """Whether watches with people cover a stretch, together."""
    at = start
    for watch in every:
        if watch.watchers and watch.start <= at < watch.end:
            at = watch.end
    return at >= end


def _to_cover(
    roster: Roster, since: datetime, until: datetime, calendar: WorkCalendar
) -> Iterator[tuple[datetime, datetime]]:
    span = span_of(roster.cover)
    day = since.astimezone(CHINA).date() - timedelta(days=1)
    while day <= until.astimezone(CHINA).date():
        if falls_on(day, roster.cover_days, calendar):
            start, end = span.on(day)
            if max(start, since) < min(end, until):
                yield max(start, since), min(end, until)
        day += timedelta(days=1)


def _joined(found: Sequence[Gap]) -> list[Gap]:
    """Gaps that touch and have one reason, as one."""
    joined: list[Gap] = []
    for gap in found:
        if joined and joined[-1].end == gap.start and joined[-1].why == gap.why:
            joined[-1] = msgspec.structs.replace(joined[-1], end=gap.end)
        else:
            joined.append(gap)
    return joined


def _people(roster: Roster, shift: Shift, day: date, calendar: WorkCalendar) -> tuple[str, ...] | None:
    """Whose turn it is on a day; None where the shift does not begin on it."""
    special = _special(roster, shift, day)
    if special is not None and (special.shift or falls_on(day, shift.days, calendar)):
        return special.people
    if not falls_on(day, shift.days, calendar):
        return None
    if shift.rotate == "week":
        turn = (_monday(day) - _monday(roster.starts)).days // 7
    elif shift.rotate == "day":
        turn = (day - roster.starts).days
    else:
        turn = count_between(roster.starts, day, shift.days, calendar)
    entry = shift.people[turn % len(shift.people)]
    return (entry,) if isinstance(entry, str) else entry


def _special(roster: Roster, shift: Shift, day: date) -> Special | None:
    fitting = [one for one in roster.specials if one.first <= day <= one.last and one.shift in ("", shift.name)]
    return max(fitting, key=lambda one: bool(one.shift), default=None)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _pieces(
    book: DutyBook,
    roster: Roster,
    shift: Shift,
    start: datetime,
    end: datetime,
    people: tuple[str, ...],
    changes: Sequence[Change],
) -> Iterator[Watch]:
    """A shift, cut where a change begins or ends within it."""
    touching = [change for change in changes if change.since < end and change.until > start]
    cuts = {start, end}
    cuts.update(at for change in touching for at in (change.since, change.until) if start < at < end)
    edges = sorted(cuts)
    for begin, finish in itertools.pairwise(edges):
        active = [change for change in touching if change.since <= begin < change.until]
        watchers, missing = _present(book, roster, people, active)
        yield Watch(
            roster=roster.id,
            shift=shift.name,
            start=begin.astimezone(CHINA),
            end=finish.astimezone(CHINA),
            watchers=watchers,
            missing=missing,
        )


def _present(
    book: DutyBook, roster: Roster, people: tuple[str, ...], active: Sequence[Change]
) -> tuple[tuple[Watcher, ...], tuple[str, ...]]:
    # Of two changes for one person the one made later holds.
    of = {change.person: change for change in sorted(active, key=lambda change: change.id)}
    watchers: dict[str, Watcher] = {}
    unfilled: list[tuple[str, Change]] = []
    for person in people:
        who, change = person, of.get(person)
        been = {person}
        while change is not None and change.by is not None:
            who = change.by
            been.add(who)
            change = of.get(who)
            if change is not None and change.by in been:
                change = None  # two who took each other's place, in shifts that overlap: this place is the second's
        if change is not None:
            unfilled.append((person, change))
        elif who not in watchers:
            instead = person if who != person else None
            why = of[person].reason if instead else ""
            watchers[who] = Watcher(person=who, name=book.name_of(who), instead_of=instead, why=why)
    missing: list[str] = []
    for person, change in unfilled:
        spare = next(
            (one for one in roster.backup if one not in of and one not in watchers and one not in people), None
        )
        if spare is None:
            missing.append(person)
        else:
            watchers[spare] = Watcher(person=spare, name=book.name_of(spare), instead_of=person, why=change.reason)
    return tuple(watchers.values()), tuple(missing)
