"""Deadlines of tickets: timers are rows, and whoever fires one has changed its row; so none fires twice.

A scheduler only calls `fire_due`; when it was down, or the clock jumped, the next call finds what became due meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import notices, timeline
from alerts.levels import Level
from alerts.tables import tickets, timers
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.settings import AlertSettings, Settings
from minsheng.store import Store, insert_or_ignore

log = get_logger(__name__)

TITLES = {"information": "发布权威信息", "conference": "举行新闻发布会", "response": "作出回应"}
WARNING = "-warning"


def hours_of(level: Level, settings: AlertSettings) -> dict[str, float]:
    """The deadlines of a level: kind → hours."""
    if level in ("orange", "red"):
        return {"information": settings.information_hours, "conference": settings.conference_hours}
    return {"response": settings.response_hours}


def first_deadline(level: Level, start: datetime, settings: AlertSettings) -> tuple[str, datetime]:
    """What is due first at a level, in Chinese, and when."""
    kind, hours = min(hours_of(level, settings).items(), key=lambda item: item[1])
    return TITLES[kind], start + timedelta(hours=hours)


def set_timers(
    store: Store,
    connection: Connection,
    ticket_id: int,
    level: Level,
    *,
    start: datetime,
    now: datetime,
    settings: AlertSettings,
) -> None:
    """Set a ticket's timers for its level. Called again when the level rises: what no longer applies is cancelled.

    Parameters
    ----------
    start:
        When the clocks begin: the time of the post that gave the ticket this level.
    """
    wanted: dict[str, datetime] = {}
    for kind, hours in hours_of(level, settings).items():
        wanted[kind] = start + timedelta(hours=hours)
        wanted[kind + WARNING] = start + timedelta(hours=hours * settings.warn_at)
    connection.execute(
        timers.update()
        .where(
            timers.c.ticket_id == ticket_id,
            timers.c.fired_at.is_(None),
            timers.c.cancelled_at.is_(None),
            timers.c.kind.not_in(wanted),
        )
        .values(cancelled_at=now)
    )
    rows = [{"ticket_id": ticket_id, "kind": kind, "due_at": due} for kind, due in wanted.items()]
    # A timer that is there already keeps its earlier time: a rising level never gives more time.
    insert_or_ignore(store, timers, rows, connection=connection)


def cancel_timers(connection: Connection, ticket_id: int, now: datetime) -> None:
    """The ticket is closed or answered: nothing is due any more."""
    connection.execute(
        timers.update()
        .where(timers.c.ticket_id == ticket_id, timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None))
        .values(cancelled_at=now)
    )


def fire_due(store: Store, clock: Clock, settings: Settings, limit: int = 200) -> int:
    """Fire what is due: a line in the ticket's timeline and a notice, once each. Returns how many timers fired.

    Safe to call from several processes at once.
    """
    now = clock.now()
    with store.read() as connection:
        due = connection.execute(
            sa.select(timers.c.id)
            .where(timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None), timers.c.due_at <= now)
            .order_by(timers.c.due_at, timers.c.id)
            .limit(limit)
        ).scalars()
        waiting = list(due)
    fired = 0
    for timer_id in waiting:
        with store.begin() as connection:
            fired += _fire(store, connection, timer_id, now, settings)
    return fired


def _fire(store: Store, connection: Connection, timer_id: int, now: datetime, settings: Settings) -> bool:
    claimed = connection.execute(
        timers.update()
        .where(
            timers.c.id == timer_id,
            timers.c.fired_at.is_(None),
            timers.c.cancelled_at.is_(None),
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
        end = _due(connection, ticket["id"], kind)
        if end is None or end <= now:
            return True  # the deadline itself is over: one notice says so, not two
        deadline = end
    detail: dict[str, Any] = {"deadline": kind, "title": TITLES[kind], "due_at": deadline.isoformat()}
    timeline.add(connection, ticket["id"], "deadline-warning" if is_warning else "deadline-missed", now, detail=detail)
    reason: notices.Reason = "due" if is_warning else "overdue"
    notices.enqueue(store, connection, ticket, reason, kind, settings, now, deadline=(TITLES[kind], deadline))
    log.info("deadline_fired", ticket=ticket["number"], kind=timer["kind"])
    return True


def _due(connection: Connection, ticket_id: int, kind: str) -> datetime | None:
    return connection.scalar(
        sa.select(timers.c.due_at).where(
            timers.c.ticket_id == ticket_id, timers.c.kind == kind, timers.c.cancelled_at.is_(None)
        )
    )
