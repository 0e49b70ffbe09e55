"""Tasks passed down to lower units (督办) and what they report back (反馈).

The upper unit keeps the ticket; the lower one reports, and the upper one accepts the report or returns it with what is
missing. Every report stays in the timeline.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.casework.tables import assignments
from alerts.transitions import Change, changing, find
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

STATE_WORDS: dict[str, str] = {
    "passed": "办理中",
    "reported": "已反馈，待审核",
    "returned": "退回补办",
    "accepted": "审核通过",
    "withdrawn": "已撤回",
}


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One task of a lower unit. `state` is a key of `STATE_WORDS`; `report` the last one given."""

    number: int
    unit: str
    demand: str
    passed_at: datetime
    passed_by: str
    due_at: datetime | None
    state: str
    report: str
    reported_at: datetime | None
    settled_at: datetime | None
    overdue_at: datetime | None


def assignments_of(store: Store, name: str) -> list[Assignment]:
    """What was passed down from a ticket, by number."""
    with store.read() as connection:
        ticket_id = find(connection, name)["id"]
        query = sa.select(assignments).where(assignments.c.ticket_id == ticket_id).order_by(assignments.c.number)
        return [_assignment(row) for row in connection.execute(query).mappings()]


def pass_down(
    store: Store,
    clock: Clock,
    name: str,
    unit: str,
    demand: str,
    *,
    actor: str,
    due_at: datetime | None = None,
    version: int | None = None,
) -> Assignment:
    """Ask a lower unit to do something and report back."""
    if not unit.strip() or not demand.strip():
        raise WrongUse(Problem("assignment-incomplete"), "give both")
    if due_at is not None and due_at <= clock.now():
        raise WrongUse(Problem("report-due-past"), "give a later time")
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("passing a task down")
        highest = sa.select(sa.func.coalesce(sa.func.max(assignments.c.number), 0)).where(
            assignments.c.ticket_id == change.id
        )
        number = (change.connection.scalar(highest) or 0) + 1
        change.connection.execute(
            assignments.insert().values(
                ticket_id=change.id,
                number=number,
                unit=unit.strip(),
                demand=demand.strip(),
                passed_at=change.now,
                passed_by=change.actor,
                due_at=due_at,
                state="passed",
                report="",
            )
        )
        due = {"due_at": due_at.isoformat()} if due_at else {}
        change.write("passed-down", {"assignment": number, "unit": unit.strip(), "demand": demand.strip(), **due})
        return _get(change, number)


def report_back(
    store: Store, clock: Clock, name: str, number: int, report: str, *, actor: str, version: int | None = None
) -> Assignment:
    """What the lower unit has done. It may report again until its report is accepted."""
    if not report.strip():
        raise WrongUse(Problem("report-empty"), "give its text")
    with changing(store, clock, name, actor=actor, version=version) as change:
        found = _unsettled(change, number)
        _update(change, number, state="reported", report=report.strip(), reported_at=change.now)
        change.write("reported-back", {"assignment": number, "unit": found.unit, "report": report.strip()})
        return _get(change, number)


def settle(
    store: Store,
    clock: Clock,
    name: str,
    number: int,
    *,
    actor: str,
    accepted: bool,
    reason: str = "",
    due_at: datetime | None = None,
) -> Assignment:
    """Accept a report, or return it: then with the reason and, if wanted, a new time. Raises `WrongUse` where nothing
    was reported."""
    if not accepted and not reason.strip():
        raise WrongUse(Problem("return-reason"), "add --reason")
    with changing(store, clock, name, actor=actor) as change:
        found = _unsettled(change, number)
        if found.state != "reported":
            raise WrongUse(Problem("report-missing", unit=found.unit, task=number), "wait for the report")
        values: dict[str, Any] = {"state": "accepted", "settled_at": change.now} if accepted else {"state": "returned"}
        if not accepted and due_at is not None:
            values |= {"due_at": due_at, "overdue_at": None}
        _update(change, number, **values)
        detail = {"assignment": number, "unit": found.unit, "accepted": accepted}
        change.write("report-settled", {**detail, **({"reason": reason.strip()} if reason.strip() else {})})
        return _get(change, number)


def _update(change: Change, number: int, **values: Any) -> None:
    change.connection.execute(
        assignments.update()
        .where(assignments.c.ticket_id == change.id, assignments.c.number == number)
        .values(**values)
    )


def _get(change: Change, number: int) -> Assignment:
    query = sa.select(assignments).where(assignments.c.ticket_id == change.id, assignments.c.number == number)
    row = change.connection.execute(query).mappings().first()
    if row is None:
        name = change.ticket["number"]
        raise WrongUse(Problem("assignment-unknown", number=name, task=number), f"see minsheng tickets show {name}")
    return _assignment(row)


def _unsettled(change: Change, number: int) -> Assignment:
    found = _get(change, number)
    if found.settled_at is not None:
        raise WrongUse(
            Problem("assignment-settled", task=number, unit=found.unit, state=STATE_WORDS[found.state]),
            "pass down another one",
        )
    return found


def _assignment(row: sa.RowMapping) -> Assignment:
    return Assignment(**{name: row[name] for name in Assignment.__struct_fields__})
