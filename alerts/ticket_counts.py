"""Figures over many tickets, counted by the database: none of them is read for it, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.clocks import TITLES
from alerts.tables import is_term, tickets, timers
from alerts.tickets import Deadline

Where = Sequence[sa.ColumnElement[bool]]
"""What must hold of the tickets' rows."""


class OpenCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many tickets that have not ended are of this kind."""

    level: str
    status: str
    historical: bool
    exercise: bool
    count: int


class OpenState(msgspec.Struct, frozen=True):
    """Another value whenever a ticket has opened, changed or ended; of what has ended already nothing is told.

    Attributes
    ----------
    newest:
        The highest id among the tickets that have not ended; 0 where there is none.
    versions, weighted:
        The sum of their versions, and of their versions times their ids: so that one that ends and one that opens
        meanwhile don't cancel out.
    alarming:
        How many orange and red ones nobody has acknowledged.
    """

    count: int
    newest: int
    versions: int
    weighted: int
    alarming: int


class Kept(msgspec.Struct, frozen=True):
    """How many clocks ended in a time, and of how many what they ask for was done before."""

    due: int
    kept: int


def open_counts(connection: Connection, where: Where = ()) -> list[OpenCount]:
    """Tickets that have not ended, by level, status, and whether they are historical or a drill."""
    kinds = (tickets.c.level, tickets.c.status, tickets.c.historical, tickets.c.exercise)
    query = sa.select(*kinds, sa.func.count().label("count")).where(tickets.c.closed_at.is_(None), *where)
    return [OpenCount(**row) for row in connection.execute(query.group_by(*kinds)).mappings()]


def open_state(connection: Connection, where: Where = ()) -> OpenState:
    """How the tickets that have not ended stand, in a few numbers to compare."""
    query = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.max(tickets.c.id), 0),
        sa.func.coalesce(sa.func.sum(tickets.c.version), 0),
        sa.func.coalesce(sa.func.sum(tickets.c.version * tickets.c.id), 0),
        sa.func.count().filter(tickets.c.level.in_(("orange", "red")), tickets.c.acknowledged_at.is_(None)),
    ).where(tickets.c.closed_at.is_(None), *where)
    return OpenState(*(int(value) for value in connection.execute(query).one()))


def overdue(connection: Connection, now: datetime, where: Where = ()) -> int:
    """How many tickets that have not ended have a clock that ran out; paused ones' and warnings don't count."""
    late = sa.exists().where(
        timers.c.ticket_id == tickets.c.id,
        timers.c.due_at <= now,
        timers.c.cancelled_at.is_(None),
        timers.c.paused_at.is_(None),
        is_term,
    )
    query = sa.select(sa.func.count()).select_from(tickets).where(tickets.c.closed_at.is_(None), late, *where)
    return connection.scalar(query) or 0


class EndedClock(msgspec.Struct, frozen=True, kw_only=True):
    """A clock that ended, and its ticket."""

    number: str
    title: str
    level: str
    clock: Deadline


def kept_in_time(connection: Connection, since: datetime, now: datetime, where: Where = ()) -> Kept:
    """Of the clocks of the State Council's rules that ended between two times: how many were met.

    One that ended before its time with nothing done, as the level brought others or the ticket was closed, is neither.
    """
    met = sa.case((_MET, 1), else_=0)
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(met), 0)).where(*_ended(since, now, where))
    return Kept(*(int(value) for value in connection.execute(query).one()))


def ended_clocks(
    connection: Connection, since: datetime, now: datetime, where: Where = (), *, kept: bool | None = None, limit: int
) -> list[EndedClock]:
    """The clocks that `kept_in_time` counts, the last to end first; `kept`: only those that were met, or were not."""
    clock = Deadline.__struct_fields__
    query = (
        sa.select(
            tickets.c.number, tickets.c.title.label("about"), tickets.c.level, *(timers.c[name] for name in clock)
        )
        .join(tickets, tickets.c.id == timers.c.ticket_id)
        .where(*_ended(since, now, where))
        .order_by(timers.c.due_at.desc(), timers.c.id.desc())
        .limit(limit)
    )
    if kept is not None:
        query = query.where(_MET if kept else sa.or_(timers.c.met_at.is_(None), ~_MET))
    return [
        EndedClock(
            number=row["number"], title=row["about"], level=row["level"],
            clock=Deadline(**{name: row[name] for name in clock}),
        )
        for row in connection.execute(query).mappings()
    ]  # fmt: skip


_MET = timers.c.met_at <= timers.c.due_at


def _ended(since: datetime, now: datetime, where: Where) -> Where:
    """What must hold of the clocks' rows."""
    found = [
        timers.c.due_at > since,
        timers.c.due_at <= now,
        timers.c.kind.in_(list(TITLES)),
        timers.c.replaced.is_(False),
        sa.or_(timers.c.met_at.is_not(None), timers.c.cancelled_at.is_(None), timers.c.cancelled_at > timers.c.due_at),
    ]
    if where:
        # `+ 0`: SQLite would else look up each ticket's clocks, one ticket after the other.
        found.append((timers.c.ticket_id + 0).in_(sa.select(tickets.c.id).where(*where)))
    return found
