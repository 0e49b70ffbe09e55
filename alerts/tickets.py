"""Tickets: opened and raised by the alert stage, worked by officers. Every change leaves a line in the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import timeline
from alerts.deadlines import cancel_timers
from alerts.notices import NEVER
from alerts.tables import observations, outbox, ticket_timeline, tickets, timers
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.store import Store

Status = Literal["open", "acknowledged", "responding", "responded", "closed", "merged"]
STATUSES: tuple[Status, ...] = get_args(Status)
STATUS_WORDS: dict[str, str] = {
    "open": "待签收",
    "acknowledged": "已签收",
    "responding": "处置中",
    "responded": "已回应",
    "closed": "已办结",
    "merged": "已并案",
}
_NEXT: dict[Status, tuple[Status, ...]] = {
    "open": ("acknowledged", "responding", "responded", "closed"),
    "acknowledged": ("responding", "responded", "closed"),
    "responding": ("responded", "closed"),
    "responded": ("responding", "closed"),
    "closed": (),
    "merged": (),
}
"""From each status the ones that may follow: the only place that knows."""


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """One clock of a ticket."""

    kind: str
    due_at: datetime
    fired_at: datetime | None = None
    cancelled_at: datetime | None = None


class TimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ticket's timeline."""

    kind: str
    at: datetime
    event_time: datetime | None
    actor: str
    detail: dict[str, Any]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as programs get it (`--json`): the field names are stable.

    Attributes
    ----------
    policy, event:
        Ids; policy is None where the event is about none.
    level, current_level:
        The highest level so far, and where the risk stands now.
    parts:
        The parts of the risk when it was gravest: name, title, score, weight, value, documents.
    documents:
        Ids of the documents behind it; `show` gives all of the event's, lists only those behind the parts.
    plan:
        The plan as it was copied when the ticket opened, with its id and version.
    opened_at, raised_at:
        On event time: the post that opened it, and the one that gave it its level.
    created_at:
        When the row was written.
    """

    id: int
    number: str
    level: str
    current_level: str
    status: str
    policy: str | None
    event: str
    risk_kind: str
    title: str
    why: str
    score: float
    parts: list[dict[str, Any]]
    documents: list[str]
    plan: dict[str, Any] | None
    deadlines: list[Deadline]
    historical: bool
    opened_at: datetime
    raised_at: datetime
    created_at: datetime
    acknowledged_at: datetime | None
    closed_at: datetime | None
    version: int


class TicketBook:
    """The tickets in the store, for people and programs that read and work them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list(
        self,
        *,
        status: str | None = None,
        level: str | None = None,
        policy: str | None = None,
        historical: bool | None = None,
        limit: int = 100,
    ) -> list[Ticket]:
        """Tickets, newest first.

        Parameters
        ----------
        status:
            One of `STATUSES`, or `unclosed` for all but closed ones.
        """
        query = sa.select(tickets).order_by(tickets.c.opened_at.desc(), tickets.c.id.desc()).limit(limit)
        if status == "unclosed":
            query = query.where(tickets.c.closed_at.is_(None))
        elif status is not None:
            query = query.where(tickets.c.status == status)
        if level is not None:
            query = query.where(tickets.c.level == level)
        if policy is not None:
            query = query.where(tickets.c.policy_id == policy)
        if historical is not None:
            query = query.where(tickets.c.historical == historical)
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
            clocks = _deadlines(connection, [row["id"] for row in rows])
        return [_ticket(row, clocks.get(row["id"], [])) for row in rows]

    def get(self, name: str) -> Ticket:
        """The ticket with this number or id, with all documents of its event. Raises `WrongUse` where there is none."""
        with self._store.read() as connection:
            row = _find(connection, name)
            clocks = _deadlines(connection, [row["id"]])
            event = connection.scalars(
                sa.select(observations.c.document_id)
                .where(observations.c.event_id == row["event_id"])
                .order_by(observations.c.published_at.desc(), observations.c.document_id)
            ).all()
        ticket = _ticket(row, clocks.get(row["id"], []))
        # Evidence stays named, also where a new version of the document has moved to another event.
        every = dict.fromkeys([*event, *ticket.documents])
        return msgspec.structs.replace(ticket, documents=list(every))

    def timeline(self, ticket_id: int) -> Sequence[TimelineEvent]:
        """A ticket's timeline, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(ticket_timeline)
                .where(ticket_timeline.c.ticket_id == ticket_id)
                .order_by(ticket_timeline.c.id)
            ).mappings()
            return [
                TimelineEvent(
                    kind=row["kind"],
                    at=row["at"],
                    event_time=row["event_time"],
                    actor=row["actor"],
                    detail=row["detail"],
                )
                for row in rows
            ]

    def move(self, name: str, status: Status, *, actor: str, reason: str = "", version: int | None = None) -> Ticket:
        """Bring a ticket to another status.

        Parameters
        ----------
        actor:
            Who does it.
        reason:
            Why; required for closing.
        version:
            The version that the actor saw; if the ticket has changed since, the move is refused.

        Raises
        ------
        WrongUse
            Unknown ticket, a move that its status does not allow, a changed ticket, or no reason for closing.
        """
        if status == "closed" and not reason.strip():
            raise WrongUse("a ticket is closed with a reason", "add --reason")
        with self._store.begin() as connection:
            row = _find(connection, name)
            if status not in _NEXT[row["status"]]:
                raise WrongUse(
                    f"ticket {row['number']} is {row['status']} and can't become {status}",
                    f"possible: {', '.join(_NEXT[row['status']]) or 'nothing, it is closed'}",
                )
            self._write(connection, row, status, row["version"] if version is None else version)
            now = self._clock.now()
            kind: timeline.Kind = status if status in ("acknowledged", "closed") else "status-changed"
            detail = {"from": row["status"], "to": status, **({"reason": reason} if reason else {})}
            timeline.add(connection, row["id"], kind, now, actor=actor, detail=detail)
            if status in ("responded", "closed"):
                cancel_timers(connection, row["id"], now)
            if status == "closed":
                drop_notices(connection, row["id"], now, "ticket closed before it was sent")
        return self.get(row["number"])

    def _write(self, connection: Connection, row: sa.RowMapping, status: Status, version: int) -> None:
        now = self._clock.now()
        values: dict[str, Any] = {"status": status, "version": version + 1}
        if row["acknowledged_at"] is None and status != "closed":
            values["acknowledged_at"] = now
        if status == "closed":
            values["closed_at"] = now
        changed = connection.execute(
            tickets.update().where(tickets.c.id == row["id"], tickets.c.version == version).values(**values)
        ).rowcount
        if not changed:
            raise WrongUse(
                f"ticket {row['number']} was changed by somebody else meanwhile", "look at it again, then repeat"
            )


def next_number(connection: Connection, opened_at: datetime) -> str:
    """The number of the next ticket of that day, in China's time: T20261124-001."""
    prefix = f"T{opened_at.astimezone(CHINA):%Y%m%d}-"
    numbers = connection.scalars(sa.select(tickets.c.number).where(tickets.c.number.startswith(prefix))).all()
    last = max((int(number.removeprefix(prefix)) for number in numbers), default=0)
    return f"{prefix}{last + 1:03d}"


def _find(connection: Connection, name: str) -> sa.RowMapping:
    match = tickets.c.number == name.strip().upper()
    if name.strip().isdecimal():
        match = tickets.c.id == int(name)
    row = connection.execute(sa.select(tickets).where(match)).mappings().first()
    if row is None:
        raise WrongUse(f"there is no ticket {name}", "see minsheng tickets list")
    return row


def _deadlines(connection: Connection, ids: Sequence[int]) -> dict[int, list[Deadline]]:
    found: dict[int, list[Deadline]] = {}
    if not ids:
        return found
    query = sa.select(timers).where(timers.c.ticket_id.in_(ids)).order_by(timers.c.due_at, timers.c.kind)
    for row in connection.execute(query).mappings():
        found.setdefault(row["ticket_id"], []).append(
            Deadline(kind=row["kind"], due_at=row["due_at"], fired_at=row["fired_at"], cancelled_at=row["cancelled_at"])
        )
    return found


def drop_notices(connection: Connection, ticket_id: int, now: datetime, why: str) -> None:
    """What was not sent before the ticket was closed is of no use any more."""
    connection.execute(
        outbox.update()
        .where(outbox.c.ticket_id == ticket_id, outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None))
        .values(dead_at=now, next_try_at=NEVER, last_error=why)
    )


def _ticket(row: sa.RowMapping, clocks: list[Deadline]) -> Ticket:
    plain = {field: row[field] for field in Ticket.__struct_fields__ if field in row}
    return Ticket(**plain, policy=row["policy_id"], event=row["event_id"], deadlines=clocks)
