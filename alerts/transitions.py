"""From which status a ticket may go to which, and the one way in which a person changes a ticket.

`changing` opens a transaction that holds the ticket's row and refuses a ticket that somebody else has changed since the
officer saw it; `Change.write` writes the new values together with their line of the timeline; `move` is the only code
that changes a status on behalf of a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import timeline
from alerts.deadlines import answer_timers, cancel_timers
from alerts.tables import ticket_timeline, tickets
from alerts.withdrawal import cancel_tasks, drop_notices
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

Status = Literal[
    "open", "acknowledged", "judging", "responding", "responded", "evaluated", "closed", "false-alarm", "merged"
]
STATUSES: tuple[Status, ...] = get_args(Status)
STATUS_WORDS: dict[str, str] = {
    "open": "待签收",
    "acknowledged": "已签收",
    "judging": "研判中",
    "responding": "处置中",
    "responded": "已回应",
    "evaluated": "已评估",
    "closed": "已办结",
    "false-alarm": "误报",
    "merged": "已并案",
}
ENDED: tuple[Status, ...] = ("closed", "false-alarm", "merged")
"""Statuses in which nothing runs any more."""

NEXT: Mapping[Status, tuple[Status, ...]] = {
    "open": ("acknowledged", "judging", "responding", "responded", "closed", "false-alarm"),
    "acknowledged": ("judging", "responding", "responded", "closed", "false-alarm"),
    "judging": ("responding", "responded", "closed", "false-alarm"),
    "responding": ("judging", "responded", "closed", "false-alarm"),
    "responded": ("responding", "evaluated", "closed"),
    "evaluated": ("responding", "closed"),
    "closed": ("open",),
    "false-alarm": ("open",),
    "merged": (),
}
"""From each status the ones that may follow: the only place that knows."""

_NEEDS_REASON: dict[Status, Problem] = {
    "closed": Problem("close-reason"),
    "false-alarm": Problem("false-alarm-reason"),
    "open": Problem("reopen-reason"),
}
_KINDS: dict[Status, timeline.Kind] = {
    "acknowledged": "acknowledged",
    "closed": "closed",
    "false-alarm": "false-alarm",
    "open": "reopened",
}


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did: for the message to one who came too late."""

    at: datetime
    actor: str
    kind: str
    detail: dict[str, Any]

    def __str__(self) -> str:
        who = "系统" if self.actor == timeline.SYSTEM else self.actor
        what = timeline.TITLES.get(self.kind, self.kind)
        if (target := self.detail.get("to")) in STATUS_WORDS:
            what = f"{what}（{STATUS_WORDS[target]}）"
        return f"{self.at.astimezone(CHINA):%m-%d %H:%M:%S} {who} {what}"


class TicketConflict(WrongUse):
    """The ticket was changed after the officer had seen it; nothing was written.

    Attributes
    ----------
    seen, version:
        The version that the officer saw, and the one that the ticket has.
    happened:
        What was done in between, oldest first.
    """

    def __init__(self, number: str, seen: int, version: int, happened: Sequence[Happened]) -> None:
        listed = "; ".join(map(str, happened)) or "nothing that is in its timeline"
        super().__init__(
            Problem("ticket-changed", number=number, seen=seen, version=version, happened=listed),
            f"look at it again, then repeat: minsheng tickets show {number}",
        )
        self.seen = seen
        self.version = version
        self.happened = tuple(happened)


class Change:
    """One change of one ticket by one person, in the transaction that holds its row.

    Attributes
    ----------
    ticket:
        The ticket's row, as it stands after what was written.
    """

    def __init__(self, store: Store, connection: Connection, ticket: dict[str, Any], actor: str, now: datetime) -> None:
        self.store = store
        self.connection = connection
        self.ticket = ticket
        self.actor = actor
        self.now = now
        self._version = ticket["version"] + 1

    @property
    def id(self) -> int:
        ticket_id: int = self.ticket["id"]
        return ticket_id

    def of(self, name: str) -> Change:
        """A change of another ticket in the same transaction; to be asked for in the order of the tickets' ids."""
        row = find(self.connection, name, held=True)
        return Change(self.store, self.connection, dict(row), self.actor, self.now)

    def write(self, kind: timeline.Kind, detail: Mapping[str, Any] | None = None, **values: Any) -> None:
        """Write values into the ticket and a line into its timeline. Several in one change make one new version."""
        values["version"] = self._version
        self.connection.execute(tickets.update().where(tickets.c.id == self.id).values(**values))
        self.ticket.update(values)
        timeline.add(
            self.connection, self.id, kind, self.now, actor=self.actor, detail=detail or {}, version=self._version
        )

    def require_open(self, what: str) -> None:
        """Raise `WrongUse` where the ticket has ended."""
        if self.ticket["closed_at"] is not None:
            words = STATUS_WORDS[self.ticket["status"]]
            raise WrongUse(
                Problem("ticket-ended", number=self.ticket["number"], ended=words, what=what),
                f"reopen it first: minsheng tickets reopen {self.ticket['number']}",
            )


@contextmanager
def changing(store: Store, clock: Clock, name: str, *, actor: str, version: int | None = None) -> Iterator[Change]:
    """Hold a ticket for a change; committed at the end of the block, undone if it raises.

    Parameters
    ----------
    name:
        The ticket's number or id.
    actor:
        Who acts; written into the timeline.
    version:
        The version that the actor saw. None: whatever it is, for actions that overwrite nothing.

    Raises
    ------
    WrongUse
        There is no such ticket, or nobody acts.
    TicketConflict
        It was changed since.
    """
    with store.begin() as connection:
        yield held(store, connection, clock, name, actor=actor, version=version)


def held(
    store: Store, connection: Connection, clock: Clock, name: str, *, actor: str, version: int | None = None
) -> Change:
    """As `changing`, within a transaction that is open already."""
    if not actor.strip():
        raise WrongUse(Problem("actor-missing"), "name the actor")
    row = find(connection, name, held=True)
    if version is not None and version != row["version"]:
        raise TicketConflict(row["number"], version, row["version"], _since(connection, row["id"], version))
    return Change(store, connection, dict(row), actor.strip(), clock.now())


def move(
    change: Change, status: Status, reason: str = "", *, answered_at: datetime | None = None, **values: Any
) -> None:
    """Bring a ticket to another status.

    Parameters
    ----------
    answered_at:
        When the answer was published, where the status is that it was; default: now.

    Raises
    ------
    WrongUse
        That status may not follow, or a reason is missing.
    """
    row = change.ticket
    before: Status = row["status"]
    if status in _NEEDS_REASON and not reason.strip():
        raise WrongUse(_NEEDS_REASON[status], "add --reason")
    if status not in NEXT[before]:
        raise WrongUse(
            Problem("ticket-step", number=row["number"], status=before, to=status),
            f"possible: {', '.join(NEXT[before]) or 'nothing, it is closed'}",
        )
    now = change.now
    values["status"] = status
    if row["acknowledged_at"] is None and status not in (*ENDED, "open"):
        values["acknowledged_at"] = now
    if status == "responded":
        values["responded_at"] = now
        if not answer_timers(change.connection, change.id, row["round"], min(answered_at or now, now), now):
            values["paused_at"] = None
    if status in ENDED:
        values["closed_at"] = now
    if status in ENDED:
        values["paused_at"] = None
        cancel_timers(change.connection, change.id, now)
        cancel_tasks(change.connection, change.id, now)
        drop_notices(change.connection, change.id, now, "ticket closed before it was sent")
    detail = {"from": before, "to": status, **({"reason": reason.strip()} if reason.strip() else {})}
    change.write(_KINDS.get(status, "status-changed"), detail, **values)


def find(connection: Connection, name: str, *, held: bool = False) -> sa.RowMapping:
    """The ticket with this number or id; `held`: until the transaction ends. Raises `WrongUse` where there is none."""
    match = tickets.c.number == name.strip().upper()
    if name.strip().isdecimal():
        match = tickets.c.id == int(name)
    query = sa.select(tickets).where(match)
    row = connection.execute(query.with_for_update(key_share=True) if held else query).mappings().first()
    if row is None:
        raise WrongUse(Problem("ticket-unknown", ticket=name), "see minsheng tickets list")
    return row


def _since(connection: Connection, ticket_id: int, version: int) -> list[Happened]:
    query = (
        sa.select(ticket_timeline)
        .where(ticket_timeline.c.ticket_id == ticket_id, ticket_timeline.c.version > version)
        .order_by(ticket_timeline.c.number)
    )
    return [
        Happened(at=row["at"], actor=row["actor"], kind=row["kind"], detail=row["detail"])
        for row in connection.execute(query).mappings()
    ]
