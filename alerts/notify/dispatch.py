"""Brings waiting notices through the stages, a batch in one transaction: verdicts recorded, messages in the outbox.

Several processes may do so at once: on PostgreSQL each takes rows that no other has, on SQLite they take turns; and the
outbox's keys are unique. One that dies in the middle leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.duty.book import BookShelf
from alerts.duty.changes import DutyChanges
from alerts.duty.roster import on_duty
from alerts.levels import rank
from alerts.notices import NEVER
from alerts.notify.decisions import record
from alerts.notify.escalation import begin_chain, has_chain
from alerts.notify.holding import ended, inhibit, silence
from alerts.notify.routing import Target, route
from alerts.notify.scene import Case, OpenTicket, Scene, Verdict
from alerts.notify.silences import Silences
from alerts.notify.tables import notices
from alerts.notify.timing import moment_of
from alerts.tables import outbox, tickets
from crawlers.health import coverage_at
from minsheng.clock import Clock
from minsheng.policies import Policy, PolicyRegister
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore
from minsheng.workdays import WorkCalendar

_BATCH = 50
"""Notices of one transaction: on SQLite everybody else waits for its end."""
_POLICIES_AGE = 30.0
"""Seconds after which policies are read from the register again."""
_SEEN_WITHIN = timedelta(hours=1)
"""The stretch of time before a notice that must have been seen."""

_NEWS = ("new", "again")
"""Reasons for which somebody has to answer, whatever was answered before."""

_NOT_OF_OPINION = ("release", "duty")
"""Reasons of notices for which it does not matter what could not be seen."""

HOLDING: tuple[Callable[[Case, Scene], Verdict | None], ...] = (ended, inhibit, silence)
"""The stages that may keep a notice from everybody, in their order."""


class Dispatcher:
    """Decides about notices."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._shelf = BookShelf(store)
        self._calendar = WorkCalendar.from_settings(settings)
        self._policies: dict[str, Policy] = {}
        self._policies_read: float | None = None

    def dispatch(self) -> int:
        """Decide about every notice whose time has come. Returns how many messages were put into the outbox."""
        done = 0
        while True:
            put, more = self._batch()
            done += put
            if not more:
                return done

    def waiting(self) -> int:
        """How many notices nobody has decided about, those that are held included."""
        with self._store.read() as connection:
            count = sa.select(sa.func.count()).where(notices.c.decided_at.is_(None)).select_from(notices)
            return connection.scalar(count) or 0

    def _batch(self) -> tuple[int, bool]:
        now = self._clock.now()
        due = sa.and_(notices.c.look_at <= now, notices.c.decided_at.is_(None))
        with self._store.read() as connection:
            if connection.scalar(sa.select(notices.c.id).where(due).limit(1)) is None:
                return 0, False
        scene = self._scene(now)
        coverage = self._coverage(now)
        put = 0
        with self._store.begin() as connection:
            rows = connection.execute(
                sa.select(notices).where(due).order_by(notices.c.id).limit(_BATCH).with_for_update(skip_locked=True)
            ).mappings()
            cases = self._cases(connection, [dict(row) for row in rows])
            for case in cases:
                put += self._decide(connection, case, scene, coverage)
        return put, len(cases) == _BATCH

    def _scene(self, now: datetime) -> Scene:
        read = self._policies_read
        if read is None or self._clock.monotonic() - read > _POLICIES_AGE:
            self._policies = {policy.id: policy for policy in PolicyRegister(self._store).all()}
            self._policies_read = self._clock.monotonic()
        near = timedelta(days=2)
        book = self._shelf.current()
        changes = DutyChanges(self._store, self._clock).between(now - near, now + near)
        return Scene(
            now=now,
            settings=self._settings,
            book=book,
            calendar=self._calendar,
            watching=on_duty(book, changes, now, None, self._calendar),
            changes=changes,
            silences=Silences(self._store, self._clock).list(),
            open_tickets=self._open_tickets() if book.inhibitions else (),
        )

    def _open_tickets(self) -> list[OpenTicket]:
        """Those that may hide others: grave enough for a rule, not yet closed, neither historical nor an exercise."""
        levels = {level for rule in self._shelf.current().inhibitions for level in rule.where}
        query = sa.select(tickets.c.id, tickets.c.number, tickets.c.level, tickets.c.policy_id).where(
            tickets.c.closed_at.is_(None),
            tickets.c.level.in_(levels),
            tickets.c.historical.is_(False),
            tickets.c.exercise.is_(False),
        )
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(tickets.c.id)).all()
        return [
            OpenTicket(
                id=row.id,
                number=row.number,
                level=row.level,
                policy_id=row.policy_id,
                department=self._department(row.policy_id),
            )
            for row in rows
        ]

    def _department(self, policy_id: str | None) -> str:
        policy = self._policies.get(policy_id or "")
        return (policy.department if policy else None) or ""

    def _coverage(self, now: datetime) -> str:
        """What people should know of what could not be seen; empty where everything could."""
        seen = coverage_at(self._store, now, now - _SEEN_WITHIN, now)
        return seen.sentence(3) if seen.unseen else ""

    def _cases(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[Case]:
        ids = {row["ticket_id"] for row in rows if row["ticket_id"] is not None}
        columns = (
            tickets.c.id, tickets.c.number, tickets.c.policy_id, tickets.c.risk_kind, tickets.c.closed_at,
            tickets.c.acknowledged_at, tickets.c.exercise,
        )  # fmt: skip
        found = connection.execute(sa.select(*columns).where(tickets.c.id.in_(ids))).all()
        by_id = {row.id: row for row in found}
        book = self._shelf.current()
        cases: list[Case] = []
        for row in rows:
            ticket = by_id.get(row["ticket_id"])
            kind, _, name = (row["matter"] or "").partition(":")
            policy_id = ticket.policy_id if ticket is not None else name if kind == "policy" else None
            policy = self._policies.get(policy_id or "")
            named = name if kind == "department" else ""
            cases.append(
                Case(
                    id=row["id"],
                    key=row["key"],
                    reason=row["reason"],
                    level=row["level"],
                    receivers=tuple(row["receivers"]) if row["receivers"] is not None else None,
                    payload=row["payload"],
                    created_at=row["created_at"],
                    held=row["look_at"] != row["created_at"],
                    ticket_id=row["ticket_id"],
                    number=ticket.number if ticket is not None else "",
                    policy_id=policy_id,
                    risk_kind=ticket.risk_kind if ticket is not None else "",
                    closed=ticket is not None and ticket.closed_at is not None,
                    acknowledged=ticket is not None and ticket.acknowledged_at is not None,
                    exercise=ticket is not None and ticket.exercise,
                    matter=row["matter"] or "",
                    policy=policy,
                    unit=book.unit_of_department(policy.department if policy else named),
                    named=named,
                )
            )
        return cases

    def _decide(self, connection: Connection, case: Case, scene: Scene, coverage: str) -> int:
        verdict = next((found for stage in HOLDING if (found := stage(case, scene)) is not None), None)
        verdict = verdict or self._overtaken(connection, case)
        if verdict is not None:
            record(self._store, connection, case.id, case.ticket_id, [verdict], scene.now)
            if verdict.outcome == "held":
                look = notices.update().where(notices.c.id == case.id).values(look_at=verdict.until)
                connection.execute(look)
            else:
                self._decided(connection, case, scene.now)
            return 0
        routed = route(case, scene)
        verdicts = list(routed.verdicts)
        rows, told_at = [], []
        waits = self._waits(connection, case, scene.now)
        for target in routed.targets:
            moment = moment_of(case, target, scene)
            told_at.append(moment.at)
            if moment.verdict is not None:
                verdicts.append(moment.verdict)
            if waits:
                verdicts += self._supersede(connection, case, target, scene.now)
            rows.append(self._row(case, target, scene, coverage, moment.at, moment.bundle))
        insert_or_ignore(self._store, outbox, rows, connection=connection)
        if not routed.targets:
            verdicts.append(Verdict(stage="route", outcome="dropped", why="没有任何渠道可用，通知无处可发"))
        record(self._store, connection, case.id, case.ticket_id, verdicts, scene.now)
        chain = scene.book.escalation(routed.escalation)
        if chain is not None and case.ticket_id is not None and told_at and self._begins(connection, case):
            anew = case.reason in _NEWS  # told of as new once more: it was reopened, handed over, or flared up
            begin_chain(self._store, connection, case.ticket_id, chain, min(told_at), scene.now, anew=anew)
        self._decided(connection, case, scene.now)
        return len(rows)

    def _begins(self, connection: Connection, case: Case) -> bool:
        """Whether somebody has to answer from this notice on. The first one that goes out counts, also where it is of a
        clock, because the news of the ticket was held back and is overtaken by it."""
        if case.acknowledged or case.ticket_id is None:
            return False
        if case.reason in ("due", "overdue"):
            return not has_chain(connection, case.ticket_id)
        return case.reason in (*_NEWS, "worse")

    def _decided(self, connection: Connection, case: Case, now: datetime) -> None:
        done = notices.update().where(notices.c.id == case.id).values(decided_at=now, look_at=NEVER)
        connection.execute(done)

    def _overtaken(self, connection: Connection, case: Case) -> Verdict | None:
        """A notice that was held is of no use where a newer one on the same ticket exists; nor is the news of a ticket
        that has grown worse before anybody was told of it."""
        if case.ticket_id is None or case.reason == "escalated" or not (case.held or case.reason in _NEWS):
            return None
        newer = sa.and_(
            notices.c.ticket_id == case.ticket_id,
            notices.c.id > case.id,
            # One that was decided about went out in this one's place; one that waits will.
            notices.c.reason != "escalated",
        )
        if not case.held:
            newer = sa.and_(newer, notices.c.reason == "worse", notices.c.decided_at.is_(None))
        if connection.execute(sa.select(notices.c.id).where(newer).limit(1)).first() is None:
            return None
        why = "同一工单已有更新的通知，不再补发" if case.held else "同一工单等级随即上升，由上升的通知一并告知"
        return Verdict(stage="dedup", outcome="dropped", why=why)

    def _waits(self, connection: Connection, case: Case, now: datetime) -> bool:
        """Whether anything about the ticket waits for its time."""
        if case.ticket_id is None:
            return False
        query = sa.select(outbox.c.id).where(
            outbox.c.ticket_id == case.ticket_id,
            outbox.c.sent_at.is_(None),
            outbox.c.dead_at.is_(None),
            outbox.c.next_try_at > now,
        )
        return connection.scalar(query.limit(1)) is not None

    def _supersede(self, connection: Connection, case: Case, target: Target, now: datetime) -> list[Verdict]:
        """What waits for the same person on the same ticket says less than this one."""
        waiting = sa.and_(
            outbox.c.ticket_id == case.ticket_id,
            outbox.c.channel == target.channel,
            outbox.c.address.is_(None) if target.address is None else outbox.c.address == target.address,
            outbox.c.notice_id != case.id,
            outbox.c.reason != "escalated",
            outbox.c.sent_at.is_(None),
            outbox.c.dead_at.is_(None),
            outbox.c.attempts == 0,
            outbox.c.next_try_at > now,
        )
        done = (
            outbox.update()
            .where(waiting)
            .values(dead_at=now, next_try_at=NEVER, last_error="superseded by a newer one")
        )
        if not connection.execute(done).rowcount:
            return []
        why = "尚未发出的旧通知由本通知代替"
        return [Verdict(stage="dedup", outcome="dropped", why=why, receiver=target.receiver, cause=target.channel)]

    def _row(
        self, case: Case, target: Target, scene: Scene, coverage: str, at: datetime, bundle: str | None
    ) -> dict[str, Any]:
        seen = coverage if case.reason not in _NOT_OF_OPINION else ""
        payload = {**case.payload, "coverage": seen, "person": scene.book.name_of(target.person or "")}
        return {
            "key": f"{case.key}/{target.channel}" + (f"/{target.address}" if target.address else ""),
            "ticket_id": case.ticket_id,
            "notice_id": case.id,
            "reason": case.reason,
            "channel": target.channel,
            "person": target.person,
            "address": target.address,
            "urgency": rank(case.level),
            "bundle": bundle,
            "payload": {**payload, "to": target.address or ""},
            "created_at": scene.now,
            "attempts": 0,
            "next_try_at": at,
        }
