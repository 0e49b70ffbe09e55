"""What an officer does with a ticket as a whole: move it on, set its level, hand it over, stop its clocks, comment."""

from __future__ import annotations

import sqlalchemy as sa

from alerts import notices
from alerts.casework.tasks import add_plan_tasks
from alerts.deadlines import drop_timers, first_deadline, pause_timers, resume_timers, set_timers
from alerts.levels import LEVELS, Level, rank
from alerts.tables import tickets
from alerts.tickets import Ticket, TicketBook
from alerts.transitions import Change, changing, move
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store
from minsheng.workdays import WorkCalendar

LONGEST_COMMENT = 10_000
"""Characters."""


def reopen(
    store: Store, clock: Clock, settings: Settings, name: str, *, actor: str, reason: str, version: int | None = None
) -> Ticket:
    """Open an ended ticket again: with new clocks from now on, and the steps of its plan as tasks.

    Raises
    ------
    WrongUse
        It has not ended, was merged, or its event has another open ticket by now.
    """
    with changing(store, clock, name, actor=actor, version=version) as change:
        ticket = change.ticket
        other = change.connection.scalar(
            sa.select(tickets.c.number).where(
                tickets.c.event_id == ticket["event_id"], tickets.c.closed_at.is_(None), tickets.c.id != change.id
            )
        )
        if other is not None:
            raise WrongUse(Problem("event-has-ticket", number=ticket["number"], other=other), f"work {other}")
        turn = ticket["round"] + 1
        anew = {"closed_at": None, "acknowledged_at": None, "responded_at": None, "raised_at": change.now}
        move(change, "open", reason, round=turn, current_level=ticket["level"], **anew)
        _set_clocks(change, settings, turn)
        if ticket["plan"] is not None:
            add_plan_tasks(change.connection, change.id, ticket["plan"], change.now, change.now)
        deadline = first_deadline(ticket["level"], change.now, settings)
        what = f"{ticket['level']}/{turn}"
        notices.enqueue(store, change.connection, change.ticket, "new", what, settings, change.now, deadline=deadline)
    return TicketBook(store, clock).get(name)


def set_level(
    store: Store,
    clock: Clock,
    settings: Settings,
    name: str,
    level: Level,
    *,
    actor: str,
    reason: str,
    version: int | None = None,
) -> Ticket:
    """Set the level by judgement of a person, lower or higher; the clocks become those of that level.

    A level set lower rises again by itself only when something graver happens than what was known when it was set, or
    when the matter had calmed down and flares up again. A level set higher brings a notice.
    """
    if level not in LEVELS[1:]:
        raise WrongUse(Problem("level-unknown", level=level), f"use one of {', '.join(LEVELS[1:])}")
    if not reason.strip():
        raise WrongUse(Problem("level-reason"), "add --reason")
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("setting its level")
        ticket = change.ticket
        before: Level = ticket["level"]
        if level == before:
            raise WrongUse(Problem("level-same", number=ticket["number"], level=level), "choose another one")
        higher = rank(level) > rank(before)
        values: dict[str, object] = {"level": level, "peak_level": max(before, ticket["peak_level"], key=rank)}
        if higher:
            values["raised_at"] = change.now
        change.write("level-set", {"from": before, "to": level, "reason": reason.strip()}, **values)
        if not ticket["historical"] and ticket["responded_at"] is None:
            _set_clocks(change, settings, ticket["round"])
        elif not ticket["historical"]:
            drop_timers(change.connection, change.id, level, change.now, settings)
        if higher:
            deadline = first_deadline(level, change.now, settings)
            what = f"{level}/set-{ticket['version']}"
            notices.enqueue(store, change.connection, ticket, "worse", what, settings, change.now, deadline=deadline)
    return TicketBook(store, clock).get(name)


def transfer(
    store: Store,
    clock: Clock,
    settings: Settings,
    name: str,
    unit: str,
    *,
    actor: str,
    reason: str,
    version: int | None = None,
) -> Ticket:
    """Hand a ticket over to another unit, which has to acknowledge it anew. Its clocks go on running."""
    if not unit.strip() or not reason.strip():
        raise WrongUse(Problem("transfer-incomplete"), "give both")
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("transferring it")
        ticket = change.ticket
        if ticket["unit"] == unit.strip():
            raise WrongUse(Problem("transfer-same", number=ticket["number"], unit=unit.strip()), "choose another unit")
        detail = {"from": ticket["unit"], "to": unit.strip(), "status": ticket["status"], "reason": reason.strip()}
        values = {"status": "open", "acknowledged_at": None} if ticket["responded_at"] is None else {}
        change.write("transferred", detail, unit=unit.strip(), **values)
        what = f"transferred-{ticket['version']}"
        notices.enqueue(store, change.connection, ticket, "new", what, settings, change.now)
    return TicketBook(store, clock).get(name)


def pause(store: Store, clock: Clock, name: str, *, actor: str, reason: str, version: int | None = None) -> Ticket:
    """Let the clocks of a ticket stand still, e.g. while another authority decides. A rise of the level ends it."""
    if not reason.strip():
        raise WrongUse(Problem("pause-reason"), "add --reason")
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("pausing its clocks")
        if change.ticket["paused_at"] is not None:
            raise WrongUse(Problem("clocks-paused", number=change.ticket["number"]), "resume them first")
        pause_timers(change.connection, change.id, change.now)
        change.write("paused", {"reason": reason.strip()}, paused_at=change.now)
    return TicketBook(store, clock).get(name)


def resume(
    store: Store, clock: Clock, settings: Settings, name: str, *, actor: str, version: int | None = None
) -> Ticket:
    """Let the clocks run again, each with the time that it had left."""
    with changing(store, clock, name, actor=actor, version=version) as change:
        if change.ticket["paused_at"] is None:
            raise WrongUse(Problem("clocks-running", number=change.ticket["number"]), "nothing is to be resumed")
        resume_timers(change.connection, change.id, change.now, WorkCalendar.from_settings(settings))
        change.write("resumed", {"paused_at": change.ticket["paused_at"].isoformat()}, paused_at=None)
    return TicketBook(store, clock).get(name)


def comment(store: Store, clock: Clock, name: str, text: str, *, actor: str, version: int | None = None) -> Ticket:
    """Write a comment into the timeline, also of an ended ticket. It can't be changed; another one can follow."""
    if not text.strip():
        raise WrongUse(Problem("comment-empty"), "give its text")
    if len(text) > LONGEST_COMMENT:
        raise WrongUse(Problem("comment-long", most=LONGEST_COMMENT), "attach a file instead")
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.write("comment", {"text": text.strip()})
    return TicketBook(store, clock).get(name)


def _set_clocks(change: Change, settings: Settings, turn: int) -> None:
    set_timers(
        change.store,
        change.connection,
        change.id,
        change.ticket["level"],
        start=change.ticket["raised_at"],
        now=change.now,
        settings=settings,
        turn=turn,
    )
    if change.ticket["paused_at"] is not None:
        pause_timers(change.connection, change.id, change.now)
