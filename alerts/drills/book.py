"""The drills in the store: listed, shown as they stand, and kept with their report when they are over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.drills.report import PATIENCE, DrillReport, make_report
from alerts.drills.tables import drills
from alerts.tables import tickets
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.exercises import event_id
from minsheng.problems import Problem
from minsheng.store import Store


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """One drill in a list; `ticket` is empty where none has come."""

    number: str
    scenario: str
    title: str
    policy_id: str
    level: str
    actor: str
    started_at: datetime
    ended_at: datetime | None
    ticket: str


class DrillBook:
    """The drills of one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list(self, *, policies: Sequence[str] | None = None, limit: int = 50) -> list[Drill]:
        """Drills, the newest first; `policies`: only those of these."""
        query = sa.select(drills).order_by(drills.c.id.desc()).limit(limit)
        if policies is not None:
            query = query.where(drills.c.policy_id.in_(policies))
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
            events = {event_id(row["number"]): row["number"] for row in rows}
            found = sa.select(tickets.c.event_id, tickets.c.number).where(tickets.c.event_id.in_(events))
            of_drill = {
                events[row.event_id]: row.number for row in connection.execute(found.order_by(tickets.c.id.desc()))
            }
        return [_drill(row, of_drill.get(row["number"], "")) for row in rows]

    def whose(self, number: str) -> tuple[str, str] | None:
        """The policy of a drill and who started it; None where there is no such drill."""
        query = sa.select(drills.c.policy_id, drills.c.actor).where(drills.c.number == number.strip().upper())
        with self._store.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row.policy_id, row.actor)

    def report(self, number: str) -> DrillReport:
        """A drill's report: as it was kept, or as things stand. Raises `WrongUse` where there is no such drill."""
        with self._store.read() as connection:
            row = (
                connection.execute(sa.select(drills).where(drills.c.number == number.strip().upper()))
                .mappings()
                .first()
            )
            if row is None:
                raise WrongUse(Problem("drill-unknown", number=number), "see minsheng drill list")
            if row["report"] is not None:
                return msgspec.json.decode(row["report"], type=DrillReport)
            return make_report(connection, row, self._clock.now())

    def note_plan_opened(self, event: str, *, actor: str) -> None:
        """Somebody has opened a drill's ticket, on which its plan is; the first time counts."""
        first = sa.and_(drills.c.number == event.removeprefix(event_id("")), drills.c.plan_opened_at.is_(None))
        with self._store.read() as connection:
            if connection.scalar(sa.select(drills.c.id).where(first)) is None:
                return
        with self._store.begin() as connection:
            done = {"plan_opened_at": self._clock.now(), "plan_opened_by": actor}
            connection.execute(drills.update().where(first).values(**done))

    def keep_ended(self) -> int:
        """Keep the reports of the drills that are over: their ticket was closed, or none has come for an hour. Returns
        how many. Safe to call from several processes at once."""
        with self._store.read() as connection:
            running = connection.execute(sa.select(drills).where(drills.c.ended_at.is_(None))).mappings().all()
            over = [row["id"] for row in running if self._end_of(connection, row) is not None]
        for drill_id in over:
            with self._store.begin() as connection:
                still = sa.and_(drills.c.id == drill_id, drills.c.ended_at.is_(None))
                row = connection.execute(sa.select(drills).where(still).with_for_update()).mappings().first()
                end = self._end_of(connection, row) if row is not None else None
                if row is None or end is None:
                    continue
                report = make_report(connection, {**row, "ended_at": end}, self._clock.now())
                kept = {"ended_at": end, "report": msgspec.json.encode(report).decode()}
                connection.execute(drills.update().where(still).values(**kept))
        return len(over)

    def _end_of(self, connection: Connection, drill: sa.RowMapping) -> datetime | None:
        """When a drill ended; None while it runs."""
        query = sa.select(tickets.c.closed_at).where(tickets.c.event_id == event_id(drill["number"]))
        found = connection.execute(query.order_by(tickets.c.id).limit(1)).first()
        if found is not None:
            closed_at: datetime | None = found.closed_at
            return closed_at
        now = self._clock.now()
        return now if now - drill["started_at"] > PATIENCE else None


def _drill(row: sa.RowMapping, ticket: str) -> Drill:
    plain = {name: row[name] for name in Drill.__struct_fields__ if name != "ticket"}
    return Drill(**plain, ticket=ticket)
