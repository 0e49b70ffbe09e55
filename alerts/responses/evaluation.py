"""Evaluates the response to a ticket, keeps every evaluation, and takes the supervisor's sheet in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.clocks import CONFERENCE
from alerts.evidence import indexed, observed
from alerts.observations import Observation
from alerts.responses import sheet
from alerts.responses.aftermath import REPEAT_WITHIN, WINDOW, aftermath_of
from alerts.responses.aftermath import parts_of as aftermath_parts
from alerts.responses.demands import Asked
from alerts.responses.grade import WELL, Evaluation, Part, combine, evaluate_text, grade_of
from alerts.responses.tables import response_evaluations as evaluations
from alerts.responses.tables import response_sheets as sheets
from alerts.responses.wording import copied_share
from alerts.tables import observations, tickets
from alerts.tickets import Ticket, TicketBook
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.policies import Policy, PolicyRegister
from minsheng.problems import Problem
from minsheng.store import Store
from search.index import Filters, Index, Search

POSTS = 200
"""Posts read for their demands: the newest concerned ones of the matter before the response."""
SHORTEST_REPLY = 10
_CHUNK = 500
_CARRIED = 0.3
"""A document whose text stands to this share in the response carries it on."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation as it was kept, with the sheet that counts today.

    `score` and `grade` are those with the sheet; `evaluation` is what was found without it.
    """

    ticket: str
    at: datetime
    actor: str
    reply: str
    replied_at: datetime
    evaluation: Evaluation
    sheet: dict[str, int] | None
    sheet_by: str | None
    sheet_note: str
    score: float
    grade: str

    @property
    def well(self) -> bool:
        """Well or not, the sheet counted in."""
        return self.grade in WELL

    @property
    def sheet_share(self) -> float | None:
        """The sheet's score from 0 to 1."""
        return sheet.share(self.sheet) if self.sheet else None

    @property
    def repeats(self) -> int:
        """How many people asked again, as far as was known."""
        return next((part.detail.get("people", 0) for part in self.evaluation.parts if part.name == "repeats"), 0)


class ResponseBook:
    """The evaluations in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tickets = TicketBook(store, clock)

    def evaluate(
        self,
        name: str,
        index: Index,
        policy: Policy | None,
        *,
        actor: str,
        reply: str | None = None,
        replied_at: datetime | None = None,
        documents: Sequence[str] = (),
        at_conference: bool = False,
    ) -> Kept:
        """Evaluate the response to a ticket as things stand now, and keep it.

        Parameters
        ----------
        name:
            The ticket's number or id.
        index:
            Holds the posts' texts.
        policy:
            The ticket's policy, to find what was copied from its text.
        reply:
            What was published; None: what was evaluated last time, looked at again.
        replied_at:
            When; None: last time's, or when the ticket was said to be responded to, or now.
        documents:
            More texts it may have copied.
        at_conference:
            It was given at a press conference, which is to be marked as held then.

        Raises
        ------
        WrongUse
            There is no such ticket, no reply, or it is older than the ticket's first post or in the future.
        """
        ticket = self._tickets.get(name)
        now = self._clock.now()
        reply, replied_at = self._given(ticket, reply, replied_at, now)
        rows = self._rows(ticket)
        concerned = [row for row in rows if row.concerned and row.published_at <= replied_at]
        posts = _posts(index, [row.document_id for row in concerned[-POSTS:]])
        sources = [*documents, *policy_texts(index, policy)]
        parts, answers = evaluate_text(posts, reply, sources)
        parts.append(_timely(ticket, replied_at, replied_at if at_conference else None, now))
        parts.extend(aftermath_parts(aftermath_of(rows, replied_at, now)))
        parts.append(_reach(index, ticket, reply, replied_at))
        found = combine(parts, answers)
        with self._store.begin() as connection:
            connection.execute(
                evaluations.insert().values(
                    ticket_id=ticket.id,
                    at=now,
                    actor=actor,
                    reply=reply,
                    replied_at=replied_at,
                    score=found.score,
                    grade=found.grade,
                    parts=[msgspec.to_builtins(part) for part in found.parts],
                    unanswered=list(found.unanswered),
                    method=found.method,
                )
            )
        kept = self.latest(name)
        assert kept is not None
        return kept

    def score(self, name: str, items: Mapping[str, int], *, actor: str, note: str = "") -> Kept:
        """Keep a supervisor's sheet. Raises `WrongUse` where it is incomplete, or nothing was evaluated yet."""
        ticket = self._tickets.get(name)
        complete = sheet.checked(items)
        with self._store.begin() as connection:
            if _last(connection, evaluations, ticket.id) is None:
                raise WrongUse(
                    Problem("reply-missing", number=ticket.number), "evaluate it first: minsheng responses evaluate"
                )
            connection.execute(
                sheets.insert().values(
                    ticket_id=ticket.id, at=self._clock.now(), actor=actor, items=complete, note=note
                )
            )
        kept = self.latest(name)
        assert kept is not None
        return kept

    def latest(self, name: str) -> Kept | None:
        """The evaluation of a ticket that counts; None where there is none."""
        ticket = self._tickets.get(name)
        with self._store.read() as connection:
            row = _last(connection, evaluations, ticket.id)
            scored = _last(connection, sheets, ticket.id)
        return _kept(ticket.number, row, scored) if row is not None else None

    def due_again(self) -> list[str]:
        """Numbers of tickets whose evaluation would know more now: 48 hours and 30 days after the response."""
        newest = sa.select(sa.func.max(evaluations.c.id)).group_by(evaluations.c.ticket_id)
        now = self._clock.now()
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(tickets.c.number, evaluations.c.at, evaluations.c.replied_at)
                .join(tickets, tickets.c.id == evaluations.c.ticket_id)
                .where(evaluations.c.id.in_(newest))
                .order_by(tickets.c.number)
            ).all()
        return [
            row.number
            for row in rows
            if any(row.at < row.replied_at + wait <= now for wait in (WINDOW + timedelta(hours=1), REPEAT_WITHIN))
        ]

    def refresh(self, index: Index, register: PolicyRegister, *, actor: str) -> list[Kept]:
        """Evaluate again what `due_again` names."""
        found = []
        for name in self.due_again():
            policy_id = self._tickets.get(name).policy
            policy = register.get(policy_id) if policy_id else None
            found.append(self.evaluate(name, index, policy, actor=actor))
        return found

    def _given(
        self, ticket: Ticket, reply: str | None, replied_at: datetime | None, now: datetime
    ) -> tuple[str, datetime]:
        if reply is None:
            with self._store.read() as connection:
                last = _last(connection, evaluations, ticket.id)
            if last is None:
                raise WrongUse(Problem("reply-unknown", number=ticket.number), "give its text: --text or --file")
            reply, replied_at = last["reply"], replied_at or last["replied_at"]
        replied_at = replied_at or ticket.responded_at or now
        if len(reply.strip()) < SHORTEST_REPLY:
            raise WrongUse(Problem("reply-short"), f"give at least {SHORTEST_REPLY} characters")
        if replied_at > now:
            raise WrongUse(Problem("reply-ahead", at=replied_at), "give a time that has come")
        return reply, replied_at

    def _rows(self, ticket: Ticket) -> list[Observation]:
        query = (
            sa.select(*[observations.c[name] for name in Observation._fields])
            .where(observed(ticket.event, ticket.policy, ticket.opened_at))
            .order_by(observations.c.published_at, observations.c.document_id)
        )
        with self._store.read() as connection:
            return [Observation(*row) for row in connection.execute(query)]


def _timely(ticket: Ticket, replied_at: datetime, conference_at: datetime | None, now: datetime) -> Part:
    """Whether the clocks that ran when it was answered were kept; to record the answer is what stops them.

    One that stands apart, such as the press conference, counts once it was held or its time is over.
    """
    answered_at = min(replied_at, ticket.responded_at or replied_at)
    kept: list[str] = []
    late: list[str] = []
    for clock in ticket.deadlines:
        if clock.round != ticket.round or clock.is_warning or clock.replaced:
            continue
        done_at = clock.met_at
        if clock.apart:
            if clock.kind == CONFERENCE and clock.waiting:
                done_at = conference_at
            if done_at is None and clock.waiting and now > clock.due_at:
                late.append(f"{clock.name}超时未办")
        elif clock.waiting or (clock.cancelled_at and clock.cancelled_at >= answered_at):
            done_at = min(done_at or answered_at, answered_at)
        if done_at is None:
            continue
        if done_at <= clock.due_at:
            kept.append(f"{clock.name}按时")
        else:
            late.append(f"{clock.name}超时 {_hours(done_at - clock.due_at)}")
    if not kept and not late:
        return Part(name="timely", title="回应及时", score=None, value="回应时没有时限")
    score = round(len(kept) / (len(kept) + len(late)), 3)
    return Part(name="timely", title="回应及时", score=score, value="，".join(kept + late))


def _posts(index: Index, ids: Sequence[str]) -> list[Asked]:
    """The posts with these ids that the index still has, in their order."""
    texts = index.get(ids)
    documents = [texts[one].document for one in ids if one in texts]
    return [Asked(title=one.title, text=one.text, document_id=one.id) for one in documents]


def policy_texts(index: Index, policy: Policy | None) -> list[str]:
    """The texts of a policy's own page, where a crawler has seen it."""
    if policy is None or not policy.url:
        return []
    page = index.search(Search(filters=Filters(policies=(policy.id,), kinds=("news",)), size=100, highlight=False))
    return [hit.record.document.text for hit in page.hits if hit.record.document.url == policy.url]


def _reach(index: Index, ticket: Ticket, reply: str, replied_at: datetime) -> Part:
    """Which sources carried the response. Told, but counted for nothing: how far it goes is not the unit's doing."""
    said = msgspec.structs.replace(indexed(ticket.event, ticket.policy, ticket.opened_at), since=replied_at)
    page = index.search(Search(filters=said, size=100, highlight=False))
    carried = {
        hit.record.document.source for hit in page.hits if copied_share(hit.record.document.text, [reply]) >= _CARRIED
    }
    value = f"{len(carried)} 个来源转载了回应" if carried else "监测范围内未见转载"
    return Part(name="reach", title="传播范围", score=None, value=value, detail={"sources": sorted(carried)})


def kept_by_ticket(connection: Connection, ids: Sequence[int]) -> dict[int, Kept]:
    """Ticket id → the evaluation that counts, of those that have one."""
    found: dict[int, Kept] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        scored = {row["ticket_id"]: row for row in _newest(connection, sheets, chunk)}
        for row in _newest(connection, evaluations, chunk):
            found[row["ticket_id"]] = _kept(row["number"], row, scored.get(row["ticket_id"]))
    return found


def _newest(connection: Connection, table: sa.Table, ids: Sequence[int]) -> Sequence[sa.RowMapping]:
    last = sa.select(sa.func.max(table.c.id)).where(table.c.ticket_id.in_(ids)).group_by(table.c.ticket_id)
    query = sa.select(table, tickets.c.number).join(tickets, tickets.c.id == table.c.ticket_id)
    return connection.execute(query.where(table.c.id.in_(last))).mappings().all()


def _last(connection: Connection, table: sa.Table, ticket_id: int) -> sa.RowMapping | None:
    query = sa.select(table).where(table.c.ticket_id == ticket_id).order_by(table.c.id.desc()).limit(1)
    return connection.execute(query).mappings().first()


def _kept(number: str, row: sa.RowMapping, scored: sa.RowMapping | None) -> Kept:
    parts = tuple(msgspec.convert(part, Part) for part in row["parts"])
    found = Evaluation(
        score=row["score"],
        grade=row["grade"],
        parts=parts,
        unanswered=tuple(row["unanswered"]),
        method=row["method"],
    )
    items: dict[str, Any] | None = scored["items"] if scored else None
    score = combine(parts, sheet=sheet.share(items)).score if items else found.score
    return Kept(
        ticket=number,
        at=row["at"],
        actor=row["actor"],
        reply=row["reply"],
        replied_at=row["replied_at"],
        evaluation=found,
        sheet=items,
        sheet_by=scored["actor"] if scored else None,
        sheet_note=scored["note"] if scored else "",
        score=score,
        grade=grade_of(score),
    )


def _hours(late: timedelta) -> str:
    hours = late.total_seconds() / 3600
    return f"{hours:.0f} 小时" if hours >= 1 else f"{max(1, round(hours * 60))} 分钟"
