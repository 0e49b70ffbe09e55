"""Tickets: opened and raised by the alert stage, worked by officers. Every change leaves a line in the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.clocks import TITLES, WARNING, was_kept
from alerts.evidence import observed
from alerts.levels import LEVELS, rank
from alerts.tables import is_term, observations, ticket_timeline, tickets, timers
from alerts.transitions import STATUS_WORDS, STATUSES, Status, changing, find, move
from alerts.withdrawal import drop_notices
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

__all__ = [
    "STATUSES", "STATUS_WORDS", "Deadline", "Status", "Ticket", "TicketBook", "TicketLine", "TimelineEvent",
    "drop_notices", "next_number", "read_deadlines",
]  # fmt: skip

_CHUNK = 500
"""Ids that one statement names."""


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """One clock of a ticket.

    Attributes
    ----------
    met_at:
        When what it asks for was done; None: it was not, so far.
    cancelled_at:
        Since when it waits for nothing: it was met, replaced, waived, or its ticket ended.
    replaced:
        It ended only because the ticket's level brought others.
    apart:
        An answer alone does not meet it.
    """

    kind: str
    due_at: datetime
    fired_at: datetime | None = None
    cancelled_at: datetime | None = None
    met_at: datetime | None = None
    paused_at: datetime | None = None
    title: str = ""
    round: int = 1
    replaced: bool = False
    apart: bool = False

    @property
    def running(self) -> bool:
        """Whether it can still fire: not fired, not cancelled, not paused."""
        return self.fired_at is None and self.cancelled_at is None and self.paused_at is None

    @property
    def waiting(self) -> bool:
        """Whether what it asks for is still to be done, in time or late."""
        return self.cancelled_at is None

    @property
    def kept(self) -> bool | None:
        """Whether it was met in time; None where it waits, or ended before its time with nothing done."""
        return was_kept(self.due_at, self.met_at, self.cancelled_at)

    @property
    def is_warning(self) -> bool:
        """Whether it only warns before another one's end."""
        return self.kind.endswith(WARNING)

    @property
    def name(self) -> str:
        """What is due, as its own title says or that of its kind; a warning is said to be one."""
        title = self.title or TITLES.get(self.kind.removesuffix(WARNING), self.kind)
        return f"{title}（预警）" if self.is_warning else title


class TimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ticket's timeline; `version` is the ticket's after it."""

    kind: str
    at: datetime
    event_time: datetime | None
    actor: str
    detail: dict[str, Any]
    version: int


class TicketLine(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as lists have it: all but what is large, which only its own page needs.

    Attributes
    ----------
    policy, event:
        Ids; policy is None where the event is about none.
    level, current_level:
        The highest level so far, and where the risk stands now.
    opened_at, raised_at:
        On event time: the post that opened it, and the one that gave it its level.
    created_at:
        When the row was written.
    unit:
        Who is to deal with it; empty where nobody has said.
    exercise:
        A drill: nothing of it is real.
    round:
        1, and one more with each reopening.
    posts, last_post_at:
        How many documents belong to it by now (`alerts.evidence`), and when the newest was published.
    paused_at:
        Its clocks stand still since then.
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
    deadlines: list[Deadline]
    historical: bool
    opened_at: datetime
    raised_at: datetime
    created_at: datetime
    acknowledged_at: datetime | None
    closed_at: datetime | None
    version: int
    unit: str
    exercise: bool
    round: int
    posts: int
    last_post_at: datetime | None
    responded_at: datetime | None
    paused_at: datetime | None


class Ticket(TicketLine, frozen=True, kw_only=True):
    """A whole ticket as programs get it (`--json`): the field names are stable.

    Attributes
    ----------
    parts:
        The parts of the risk when it was gravest: name, title, score, weight, value, documents.
    documents:
        Ids of the documents behind it; `get` gives all that belong to it, `whole` only those behind the parts.
    plan:
        The plan as it was copied when the ticket opened, with its id and version.
    """

    parts: list[dict[str, Any]]
    documents: list[str]
    plan: dict[str, Any] | None


_LARGE = ("parts", "documents", "plan")
"""JSON of many kilobytes a ticket: reading it for a list takes twenty times as long as the rest."""
_KIND = (tickets.c.historical, tickets.c.level, tickets.c.exercise, tickets.c.acknowledged_at.is_not(None))
_GRAVITY = (
    tickets.c.historical,
    sa.case({level: rank(level) for level in LEVELS}, value=tickets.c.level).desc(),
    *_KIND[2:],
)
"""What comes before the clocks in the order in which tickets want to be looked at."""
_FIELDS = [field for field in TicketLine.__struct_fields__ if field in tickets.c]
_LISTED = [column for column in tickets.c if column.name not in _LARGE]


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
        unit: str | None = None,
        before: tuple[datetime, int] | None = None,
        where: Sequence[sa.ColumnElement[bool]] = (),
        limit: int = 100,
    ) -> list[TicketLine]:
        """Tickets, newest first, without what is large: `whole` reads that.

        Parameters
        ----------
        status:
            One of `STATUSES`, or `unclosed` for all but closed ones.
        before:
            Only those that come after a ticket in this order: its `opened_at` and `id`.
        where:
            What else must hold of their rows.
        """
        query = sa.select(*_LISTED).order_by(tickets.c.opened_at.desc(), tickets.c.id.desc()).limit(limit)
        query = query.where(*where)
        if before is not None:
            at, number = before
            query = query.where(tickets.c.opened_at <= at, sa.or_(tickets.c.opened_at < at, tickets.c.id < number))
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
        if unit is not None:
            query = query.where(tickets.c.unit == unit)
        with self._store.read() as connection:
            return _lines(connection, query)

    def pressing(self, *, where: Sequence[sa.ColumnElement[bool]] = (), limit: int = 100) -> Sequence[TicketLine]:
        """Tickets that have not ended, in the order in which they want to be looked at.

        Historical ones come last, and the gravest first; of a level drills last, unacknowledged ones first, and then
        the one first whose clock ends first.
        """
        due = (
            sa.select(sa.func.min(timers.c.due_at))
            .where(timers.c.ticket_id == tickets.c.id, timers.c.cancelled_at.is_(None), is_term)
            .scalar_subquery()
        )
        mine = (tickets.c.closed_at.is_(None), *where)
        with self._store.read() as connection:
            # First which, from the index of open tickets alone: their rows are read for those only that are shown. And
            # of these the clocks of those only that may be among them.
            which = sa.select(tickets.c.id).where(*mine, _gravest(connection, mine, limit))
            ids = connection.scalars(which.order_by(*_GRAVITY, due.nulls_last(), tickets.c.id).limit(limit)).all()
            found = {line.id: line for line in _lines(connection, sa.select(*_LISTED).where(tickets.c.id.in_(ids)))}
        return [found[name] for name in ids if name in found]

    def whole(self, lines: Sequence[TicketLine]) -> Sequence[Ticket]:
        """The tickets of a list with all that belongs to them; one that is gone by now is left out."""
        found: dict[int, sa.RowMapping] = {}
        with self._store.read() as connection:
            for start in range(0, len(lines), _CHUNK):
                ids = [line.id for line in lines[start : start + _CHUNK]]
                query = sa.select(tickets.c.id, *(tickets.c[name] for name in _LARGE)).where(tickets.c.id.in_(ids))
                found |= {row["id"]: row for row in connection.execute(query).mappings()}
        return [
            Ticket(**msgspec.structs.asdict(line), **{name: found[line.id][name] for name in _LARGE})
            for line in lines
            if line.id in found
        ]

    def get(self, name: str) -> Ticket:
        """The ticket with this number or id and all its documents. Raises `WrongUse` where there is none."""
        with self._store.read() as connection:
            row = find(connection, name)
            clocks = read_deadlines(connection, [row["id"]])
            event = connection.scalars(
                sa.select(observations.c.document_id)
                .where(observed(row["event_id"], row["policy_id"], row["opened_at"], row["closed_at"]))
                .order_by(observations.c.published_at.desc(), observations.c.document_id)
            ).all()
        ticket = Ticket(**_plain(row, clocks.get(row["id"], [])), **{name: row[name] for name in _LARGE})
        # Evidence stays named, also where a new version of the document has moved to another event.
        every = dict.fromkeys([*event, *ticket.documents])
        return msgspec.structs.replace(ticket, documents=list(every))

    def timeline(self, ticket_id: int) -> Sequence[TimelineEvent]:
        """A ticket's timeline, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(ticket_timeline)
                .where(ticket_timeline.c.ticket_id == ticket_id)
                .order_by(ticket_timeline.c.number)
            ).mappings()
            return [TimelineEvent(**{name: row[name] for name in TimelineEvent.__struct_fields__}) for row in rows]

    def move(
        self,
        name: str,
        status: Status,
        *,
        actor: str,
        reason: str = "",
        version: int | None = None,
        answered_at: datetime | None = None,
    ) -> Ticket:
        """Bring a ticket to another status.

        Parameters
        ----------
        actor:
            Who does it.
        reason:
            Why; required for closing.
        version:
            The version that the actor saw; if the ticket has changed since, the move is refused.
        answered_at:
            When the answer was published; default: now.

        Raises
        ------
        WrongUse
            Unknown ticket, a move that its status does not allow, or no reason where one is needed.
        TicketConflict
            The ticket has changed since; a `WrongUse` that says what was done.
        """
        if status == "open":
            raise WrongUse(Problem("reopen-apart"), "minsheng tickets reopen")
        with changing(self._store, self._clock, name, actor=actor, version=version) as change:
            move(change, status, reason, answered_at=answered_at)
        return self.get(change.ticket["number"])


def next_number(connection: Connection, opened_at: datetime) -> str:
    """The number of the next ticket of that day, in China's time: T20261124-001."""
    prefix = f"T{opened_at.astimezone(CHINA):%Y%m%d}-"
    last = connection.scalar(
        sa.select(tickets.c.number)
        # A colon comes after every digit: a range that the index on numbers serves, as LIKE would not.
        .where(tickets.c.number >= prefix, tickets.c.number < f"{prefix}:")
        .order_by(sa.func.length(tickets.c.number).desc(), tickets.c.number.desc())
        .limit(1)
    )
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:03d}"


def _gravest(connection: Connection, where: Sequence[sa.ColumnElement[bool]], limit: int) -> sa.ColumnElement[bool]:
    """What holds of the tickets that come first by gravity, whole groups of equal ones, at least `limit` of them."""
    groups = sa.select(*_KIND, sa.func.count()).where(*where).group_by(*_KIND).order_by(*_GRAVITY)
    chosen: list[Sequence[Any]] = []
    found = 0
    for *kind, count in connection.execute(groups):
        chosen.append(kind)
        found += count
        if found >= limit:
            break
    if not chosen:
        return sa.false()
    return sa.or_(*(sa.and_(*(of == value for of, value in zip(_KIND, kind, strict=True))) for kind in chosen))


def _lines(connection: Connection, query: sa.Select[Any]) -> list[TicketLine]:
    rows = connection.execute(query).mappings().all()
    clocks = read_deadlines(connection, [row["id"] for row in rows])
    return [TicketLine(**_plain(row, clocks.get(row["id"], []))) for row in rows]


def read_deadlines(
    connection: Connection, ids: Sequence[int], where: Sequence[sa.ColumnElement[bool]] = ()
) -> dict[int, list[Deadline]]:
    """Id of a ticket → its clocks, the first to end first; `where`: what must hold of their rows."""
    found: dict[int, list[Deadline]] = {}
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(timers.c.ticket_id, *(timers.c[name] for name in Deadline.__struct_fields__)).where(
            timers.c.ticket_id.in_(ids[start : start + _CHUNK]), *where
        )
        for row in connection.execute(query.order_by(timers.c.due_at, timers.c.kind)):
            found.setdefault(row[0], []).append(Deadline(**dict(zip(Deadline.__struct_fields__, row[1:], strict=True))))
    return found


def _plain(row: sa.RowMapping, clocks: list[Deadline]) -> dict[str, Any]:
    plain = {field: row[field] for field in _FIELDS}
    return {**plain, "policy": row["policy_id"], "event": row["event_id"], "deadlines": clocks}
