"""值班: change of shift, the roster, the wall."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from alerts.duty.book import BookShelf
from alerts.duty.changes import DutyChanges
from alerts.duty.ics import calendar
from alerts.duty.model import DutyBook
from alerts.duty.roster import Watch, gaps, watches
from console.access import Visit, needs
from console.casework import people_names
from console.duty import now_on_duty
from console.handovers import PARTS, HandoverBook
from console.problems import in_words
from console.rendering import attachment, show
from minsheng.cli.times import parse_moment
from minsheng.errors import WrongUse
from minsheng.workdays import WorkCalendar

router = APIRouter()
Desk = Annotated[Visit, needs("desk")]
Reader = Annotated[Visit, needs("roster")]
Changer = Annotated[Visit, needs("roster.change")]
DAYS = 14
"""Days of shifts that the roster shows."""
NEAR = timedelta(days=2)


# Change of shift


@router.get("/handover")
def handover(visit: Desk) -> Response:
    return _handover(visit)


@router.post("/handover")
def write_handover(visit: Desk) -> Response:
    """Keep the draft; `sign`: and sign it as who goes."""
    parts = {name: visit.field(name) for name in PARTS}
    book = HandoverBook(visit.console.store, visit.console.clock)
    try:
        unit = _unit(visit)
        kept = book.write(unit, parts, actor=visit.actor, version=visit.number("version") or 0)
        if visit.field("sign") == "1":
            listed = [
                {"number": one.number, "level": one.level, "title": one.title}
                for one in visit.console.boards.board(visit).tickets[:200]
            ]
            book.sign(unit, kept.id, listed, actor=visit.actor)
            visit.record("handover-signed", str(kept.id))
    except WrongUse as error:
        return _handover(visit, problem=in_words(error), typed=parts)
    return RedirectResponse("/handover", 303)


@router.post("/handover/{handover_id}/take")
def take_over(visit: Desk, handover_id: int) -> Response:
    """Sign as who comes."""
    book = HandoverBook(visit.console.store, visit.console.clock)
    try:
        unit = _unit(visit)
        mine = next((one for one in book.list(unit) if one.id == handover_id), None)
        if mine is None or mine.taken_by != visit.actor:  # not only pressed twice
            book.take(unit, handover_id, actor=visit.actor)
            visit.record("handover-taken", str(handover_id))
    except WrongUse as error:
        return _handover(visit, problem=in_words(error))
    return RedirectResponse("/handover", 303)


def _unit(visit: Visit) -> int:
    if visit.user.unit_id is None:
        raise WrongUse("您还没有单位，不能写交接。请管理员设置。")
    return visit.user.unit_id


def _handover(visit: Visit, *, problem: str = "", typed: dict[str, str] | None = None) -> Response:
    unit = visit.user.unit_id
    found = HandoverBook(visit.console.store, visit.console.clock).list(unit) if unit is not None else []
    draft = next((one for one in found if one.signed_at is None), None)
    listed = visit.console.boards.board(visit).tickets
    start = {name: getattr(draft, name) if draft else "" for name in PARTS}
    if draft is None:
        start["open"] = "\n".join(f"{one.number} {one.title}：" for one in listed[:20])
    return show(
        visit, "handover.html.j2", code=409 if problem else 200, logs=[one for one in found if one.signed_at],
        draft=draft, values=typed or start, problem=problem, parts=PARTS, tickets=listed, display=people_names(visit),
        now_on_duty=now_on_duty(visit),
    )  # fmt: skip


# Roster


@router.get("/roster")
def roster(visit: Reader) -> Response:
    return _roster(visit)


@router.get("/roster/shifts.ics")
def ics(visit: Reader, person: str = "") -> Response:
    """The shifts of half a year, for people's calendars."""
    book, now = _book(visit), visit.console.clock.now()
    found = _watches(visit, book, now, now + timedelta(days=183))
    if person:
        found = [watch for watch in found if any(one.person == person for one in watch.watchers)]
    headers = {"Content-Disposition": attachment("值班表.ics")}
    return Response(
        calendar(book, found, now, person or None), media_type="text/calendar; charset=utf-8", headers=headers
    )


@router.post("/roster/changes")
def change(visit: Changer) -> Response:
    """`do`: `stand-in`, `away`, `swap` or `withdraw`."""
    do, changes, book = visit.field("do"), DutyChanges(visit.console.store, visit.console.clock), _book(visit)
    reason, person = visit.field("reason"), visit.field("person")
    try:
        if do == "withdraw":
            changes.withdraw(visit.number("change") or 0, actor=visit.actor)
        elif do == "swap":
            first, second = parse_moment(visit.field("first_at")), parse_moment(visit.field("second_at"))
            changes.swap(book, person, first, visit.field("by"), second, actor=visit.actor, reason=reason)
        else:
            since, until = parse_moment(visit.field("since")), parse_moment(visit.field("until"))
            by = visit.field("by") or None
            if do == "stand-in" and by is None:
                raise WrongUse("请选择由谁顶班。")
            same = [
                one for one in changes.between(since, until)
                if (one.person, one.by, one.since, one.until, one.actor) == (person, by, since, until, visit.actor)
            ]  # fmt: skip
            if not same:  # not only sent twice
                changes.stand_in(book, person, by, since, until, actor=visit.actor, reason=reason)
    except WrongUse as error:
        return _roster(visit, problem=in_words(error), typed=dict(visit.items()))
    visit.record("roster-changed", person, {"do": do, "reason": reason})
    return RedirectResponse("/roster", 303)


@router.post("/roster/book")
def put_book(visit: Changer) -> Response:
    """A new revision of the duty book; refused with every mistake, and then the old one stays."""
    shelf, text = BookShelf(visit.console.store), visit.field("content")
    newest = next(iter(shelf.revisions()), None)
    try:
        if newest is not None and visit.number("revision") != newest.revision and shelf.text() != text:
            raise WrongUse(f"您编辑期间，{newest.actor} 已更新过值守手册。您写的还在下面，请对照后再保存。")
        done = shelf.put(text + "\n", visit.console.settings, visit.console.clock, visit.actor)
    except WrongUse as error:
        return _roster(visit, problem=in_words(error), typed={"do": "book", "content": text})
    visit.record("roster-changed", f"revision {done.revision}")
    return RedirectResponse("/roster", 303)


def _roster(visit: Visit, *, problem: str = "", typed: dict[str, str] | None = None) -> Response:
    console, now, book = visit.console, visit.console.clock.now(), _book(visit)
    shelf = BookShelf(console.store)
    end = now + timedelta(days=DAYS)
    changes = DutyChanges(console.store, console.clock).between(now - NEAR, end + timedelta(days=366))
    calendar_ = WorkCalendar.from_settings(console.settings)
    return show(
        visit, "roster.html.j2", code=400 if problem else 200, book=book, problem=problem, typed=typed or {},
        now_on_duty=now_on_duty(visit), shifts=_watches(visit, book, now, end),
        holes=[gap for one in book.rosters for gap in gaps(book, one, changes, now, end, calendar_)],
        changes=[one for one in changes if one.until > now], revisions=shelf.revisions(), text=shelf.text(),
        may_change=visit.may("roster.change"), days=DAYS, display=people_names(visit),
    )  # fmt: skip


def _book(visit: Visit) -> DutyBook:
    return BookShelf(visit.console.store).current()


def _watches(visit: Visit, book: DutyBook, begin: datetime, end: datetime) -> list[Watch]:
    changes = DutyChanges(visit.console.store, visit.console.clock).between(begin - NEAR, end + NEAR)
    days = WorkCalendar.from_settings(visit.console.settings)
    found = [watch for one in book.rosters for watch in watches(book, one, changes, begin, end, days)]
    return sorted(found, key=lambda watch: (watch.start, watch.roster))


# The wall


@router.get("/wall")
def wall(visit: Desk) -> Response:
    """大屏: for the wall of the duty room, read from three metres, without anything to press."""
    return show(visit, "wall.html.j2", on_duty=now_on_duty(visit), **visit.console.boards.board(visit).values())
