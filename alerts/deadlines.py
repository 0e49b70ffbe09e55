"""Deadlines of tickets: timers are rows, and whoever fires one has changed its row; so none fires twice.

A clock ends when what it asks for was done (`met_at`), when the ticket's level brings others (`replaced`), when
somebody says that it is not needed, or with its ticket. An answer meets all but those that ask for a deed of its own,
such as a press conference: these are met one by one.

A scheduler only calls `fire_due`; when it was down, or the clock jumped, the next call finds what became due meanwhile.
Whoever changes a ticket's timers holds the ticket's row (`alerts.timeline.lock`), so that no two wait for each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import notices, timeline
from alerts.clocks import TITLES, WARNING, Term, first_deadline, terms_of
from alerts.levels import Level
from alerts.tables import is_term, tickets, timers
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore
from minsheng.workdays import WorkCalendar

log = get_logger(__name__)

__all__ = [
    "answer_timers", "cancel_timers", "drop_timers", "end_timer", "fire_due", "first_deadline",
    "pause_timers", "replace_timers", "resume_timers", "round_of", "set_timers",
]  # fmt: skip


def set_timers(
    store: Store,
    connection: Connection,
    ticket_id: int,
    level: Level,
    *,
    start: datetime,
    now: datetime,
    settings: Settings,
    turn: int = 1,
) -> None:
    """Set a ticket's timers for its level. Called again when the level changes: what no longer applies is cancelled.

    Parameters
    ----------
    start:
        When the clocks begin: the time of the post that gave the ticket this level.
    turn:
        The ticket's round: a reopened ticket's clocks are new ones.
    """
    calendar = WorkCalendar.from_settings(settings)
    wanted: dict[str, tuple[Term, datetime]] = {}
    for term in terms_of(level, settings.alert):
        wanted[term.kind] = term, term.due(start, calendar)
        wanted[term.kind + WARNING] = term, term.due(start, calendar, settings.alert.warn_at)
    of_ticket = sa.and_(timers.c.ticket_id == ticket_id, timers.c.round == turn, timers.c.fired_at.is_(None))
    connection.execute(
        timers.update()
        .where(of_ticket, timers.c.cancelled_at.is_(None), timers.c.kind.not_in(wanted))
        .values(cancelled_at=now, replaced=True)
    )
    # One that was cancelled because another level had other clocks, or the answer seemed given, runs again.
    cancelled = sa.select(timers.c.id, timers.c.kind).where(of_ticket, timers.c.cancelled_at.is_not(None))
    for row in connection.execute(cancelled).all():
        if row.kind in wanted:
            again = {
                "cancelled_at": None, "met_at": None, "replaced": False, "paused_at": None,
                "due_at": wanted[row.kind][1],
            }  # fmt: skip
            connection.execute(timers.update().where(timers.c.id == row.id).values(**again))
    rows = [
        {
            "ticket_id": ticket_id,
            "kind": kind,
            "round": turn,
            "title": term.title,
            "working": term.working,
            "apart": term.apart,
            "due_at": due,
        }
        for kind, (term, due) in wanted.items()
    ]
    # A timer that is there already keeps its earlier time: a rising level never gives more time.
    insert_or_ignore(store, timers, rows, connection=connection)


def cancel_timers(connection: Connection, ticket_id: int, now: datetime) -> None:
    """The ticket has ended: nothing is due any more. What was not done by then is not counted as done."""
    connection.execute(timers.update().where(*_running(ticket_id)).values(cancelled_at=now))


def answer_timers(connection: Connection, ticket_id: int, turn: int, at: datetime, now: datetime) -> bool:
    """The matter was answered: all clocks of this round are met, also late, but those that stand apart. Returns whether
    one of these still waits.

    Parameters
    ----------
    at:
        When the answer was published; `now` is when that is recorded.
    """
    waiting = (*_waiting(ticket_id, turn), timers.c.apart.is_(False))
    connection.execute(timers.update().where(*waiting, is_term).values(met_at=at, cancelled_at=now))
    connection.execute(timers.update().where(*waiting, timers.c.fired_at.is_(None)).values(cancelled_at=now))
    left = sa.select(sa.func.count()).where(*_waiting(ticket_id, turn), is_term)
    return bool(connection.scalar(left))


def end_timer(
    connection: Connection, ticket_id: int, kind: str, turn: int, now: datetime, *, met_at: datetime | None = None
) -> None:
    """One clock that waits ends, with its warning: what it asks for was done at `met_at`, or is not needed; one
    that was missed already stays missed then."""
    waiting = (*_waiting(ticket_id, turn), timers.c.kind == kind)
    connection.execute(timers.update().where(*waiting).values(met_at=met_at, cancelled_at=now))
    warning = (*_running(ticket_id), timers.c.round == turn, timers.c.kind == kind + WARNING)
    connection.execute(timers.update().where(*warning).values(cancelled_at=now))


def drop_timers(connection: Connection, ticket_id: int, level: Level, now: datetime, settings: Settings) -> None:
    """Clocks that a level does not have run no longer; for a matter that is answered, and so gets no others."""
    kept = [name for term in terms_of(level, settings.alert) for name in (term.kind, term.kind + WARNING)]
    others = (*_running(ticket_id), timers.c.kind.not_in(kept))
    connection.execute(timers.update().where(*others).values(cancelled_at=now, replaced=True))


def replace_timers(connection: Connection, ticket_id: int, now: datetime) -> None:
    """New clocks are about to be set: what the old ones asked for was not done, and is asked by the new ones."""
    connection.execute(timers.update().where(*_running(ticket_id)).values(cancelled_at=now, replaced=True))


def pause_timers(connection: Connection, ticket_id: int, now: datetime) -> None:
    """Let a ticket's clocks stand still; what is over already stays so."""
    connection.execute(
        timers.update()
        .where(*_running(ticket_id), timers.c.paused_at.is_(None), timers.c.due_at > now)
        .values(paused_at=now)
    )


def resume_timers(connection: Connection, ticket_id: int, now: datetime, calendar: WorkCalendar) -> None:
    """Let them run again: each has the time, or the working time, that it had left when it was stopped."""
    query = sa.select(timers).where(*_running(ticket_id), timers.c.paused_at.is_not(None))
    for row in connection.execute(query).mappings().all():
        due: datetime = row["due_at"]
        if row["working"]:
            due = calendar.add_time(now, calendar.time_between(row["paused_at"], due))
        else:
            due = now + (due - row["paused_at"])
        connection.execute(timers.update().where(timers.c.id == row["id"]).values(due_at=due, paused_at=None))


def round_of(ticket: Any) -> str:
    """What tells a reopened ticket's notices from those of before; empty in the first round."""
    return f"/{ticket['round']}" if ticket["round"] > 1 else ""


def fire_due(store: Store, clock: Clock, settings: Settings, limit: int = 200) -> int:
    """Fire what is due: a line in the ticket's timeline and a notice, once each. Returns how many timers fired.

    Safe to call from several processes at once.
    """
    now = clock.now()
    due = (
        sa.select(timers.c.id, timers.c.ticket_id)
        .where(
            timers.c.fired_at.is_(None),
            timers.c.cancelled_at.is_(None),
            timers.c.paused_at.is_(None),
            timers.c.due_at <= now,
        )
        .order_by(timers.c.due_at, timers.c.id)
        .limit(limit)
    )
    with store.read() as connection:
        waiting = connection.execute(due).all()
    fired = 0
    for timer_id, ticket_id in waiting:
        with store.begin() as connection:
            timeline.lock(connection, ticket_id)
            fired += _fire(store, connection, timer_id, now, settings)
    return fired


def _waiting(ticket_id: int, turn: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Neither met nor ended otherwise; also when its time is over."""
    return timers.c.ticket_id == ticket_id, timers.c.round == turn, timers.c.cancelled_at.is_(None)


def _running(ticket_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return timers.c.ticket_id == ticket_id, timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None)


def _fire(store: Store, connection: Connection, timer_id: int, now: datetime, settings: Settings) -> bool:
    claimed = connection.execute(
        timers.update()
        .where(
            timers.c.id == timer_id,
            timers.c.fired_at.is_(None),
            timers.c.cancelled_at.is_(None),
            timers.c.paused_at.is_(None),
            timers.c.due_at <= now,
        )
        .values(fired_at=now)
    ).rowcount
    if not claimed:
        return False
    timer = connection.execute(sa.select(timers).where(timers.c.id == timer_id)).mappings().one()
    ticket = connection.execute(sa.select(tickets).where(tickets.c.id == timer["ticket_id"])).mappings().one()
    if ticket["closed_at"] is not None:
        return True
    kind = str(timer["kind"]).removesuffix(WARNING)
    is_warning = str(timer["kind"]).endswith(WARNING)
    deadline: datetime = timer["due_at"]
    if is_warning:
        end = _due(connection, ticket["id"], kind, timer["round"])
        if end is None or end <= now:
            return True  # the deadline itself is over: one notice says so, not two
        deadline = end
    title = timer["title"] or TITLES.get(kind, kind)
    detail: dict[str, Any] = {"deadline": kind, "title": title, "due_at": deadline.isoformat()}
    timeline.add(connection, ticket["id"], "deadline-warning" if is_warning else "deadline-missed", now, detail=detail)
    reason: notices.Reason = "due" if is_warning else "overdue"
    what = kind + round_of(ticket)
    notices.enqueue(store, connection, ticket, reason, what, settings, now, deadline=(title, deadline))
    log.info("deadline_fired", ticket=ticket["number"], kind=timer["kind"])
    return True


def _due(connection: Connection, ticket_id: int, kind: str, turn: int) -> datetime | None:
    return connection.scalar(
        sa.select(timers.c.due_at).where(
            timers.c.ticket_id == ticket_id,
            timers.c.kind == kind,
            timers.c.round == turn,
            timers.c.cancelled_at.is_(None),
        )
    )
