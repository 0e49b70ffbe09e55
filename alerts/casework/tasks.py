"""Tasks of a ticket: the plan's steps, and what officers add; each with an owner and, mostly, a time it is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.casework.tables import tasks
from alerts.transitions import Change, changing, find
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task. `number` counts within the ticket; `origin` is `plan`, `officer` or `release`."""

    number: int
    origin: str
    title: str
    detail: str
    owner: str
    due_at: datetime | None
    created_at: datetime
    created_by: str
    done_at: datetime | None
    done_by: str | None
    note: str
    cancelled_at: datetime | None
    overdue_at: datetime | None

    @property
    def waiting(self) -> bool:
        """Whether it is still to be done."""
        return self.done_at is None and self.cancelled_at is None


def tasks_of(store: Store, name: str) -> list[Task]:
    """A ticket's tasks, by number."""
    with store.read() as connection:
        ticket_id = find(connection, name)["id"]
        rows = connection.execute(sa.select(tasks).where(tasks.c.ticket_id == ticket_id).order_by(tasks.c.number))
        return [_task(row) for row in rows.mappings()]


def add_task(
    store: Store,
    clock: Clock,
    name: str,
    title: str,
    *,
    actor: str,
    owner: str = "",
    due_at: datetime | None = None,
    detail: str = "",
    version: int | None = None,
) -> Task:
    """Add a task to an open ticket. Raises `WrongUse` where it says nothing or would be overdue at once."""
    if not title.strip():
        raise WrongUse(Problem("task-untitled"), "say what is to be done")
    if due_at is not None and due_at <= clock.now():
        raise WrongUse(Problem("task-due-past"), "give a later time")
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("adding a task")
        number = _insert(
            change.connection,
            change.id,
            [{"title": title.strip(), "detail": detail, "owner": owner.strip(), "due_at": due_at, "origin": "officer"}],
            change.now,
            change.actor,
        )
        due = {"due_at": due_at.isoformat()} if due_at else {}
        change.write("task-added", {"task": number, "title": title.strip(), "owner": owner.strip(), **due})
        return _get(change, number)


def finish_task(store: Store, clock: Clock, name: str, number: int, *, actor: str, note: str = "") -> Task:
    """Mark a task as done. Raises `WrongUse` where there is none, or it is done or cancelled already."""
    with changing(store, clock, name, actor=actor) as change:
        task = _waiting(change, number)
        _update(change, number, done_at=change.now, done_by=change.actor, note=note.strip())
        detail = {"task": number, "title": task.title, **({"note": note.strip()} if note.strip() else {})}
        change.write("task-done", detail)
        return _get(change, number)


def change_task(
    store: Store,
    clock: Clock,
    name: str,
    number: int,
    *,
    actor: str,
    owner: str | None = None,
    due_at: datetime | None = None,
    cancel: bool = False,
    reason: str = "",
    version: int | None = None,
) -> Task:
    """Give a task to somebody else or another time, or cancel it. A task of a plan changes in this ticket only."""
    with changing(store, clock, name, actor=actor, version=version) as change:
        task = _waiting(change, number)
        detail: dict[str, Any] = {"task": number, "title": task.title}
        values: dict[str, Any] = {}
        if cancel:
            if not reason.strip():
                raise WrongUse(Problem("task-cancel-reason"), "add --reason")
            values["cancelled_at"] = change.now
            detail["cancelled"] = True
        if owner is not None:
            values["owner"] = owner.strip()
            detail["owner"] = owner.strip()
        if due_at is not None:
            if due_at <= change.now:
                raise WrongUse(Problem("task-due-past"), "give a later time")
            values |= {"due_at": due_at, "overdue_at": None}
            detail["due_at"] = due_at.isoformat()
        if not values:
            raise WrongUse(Problem("task-unchanged"), "give an owner, a time, or cancel it")
        _update(change, number, **values)
        change.write("task-changed", {**detail, **({"reason": reason.strip()} if reason.strip() else {})})
        return _get(change, number)


def add_plan_tasks(
    connection: Connection, ticket_id: int, plan: Mapping[str, Any], start: datetime, now: datetime
) -> None:
    """Make tasks of a copied plan's steps; their time counts from `start`, when the ticket opened."""
    rows = [
        {
            "title": step["title"],
            "detail": step["detail"],
            "owner": step["who"],
            "due_at": start + timedelta(minutes=step["within_minutes"]) if step["within_minutes"] else None,
            "origin": "plan",
        }
        for step in plan["steps"]
    ]
    if rows:
        _insert(connection, ticket_id, rows, now, "system")


def _insert(
    connection: Connection, ticket_id: int, rows: Sequence[Mapping[str, Any]], now: datetime, actor: str
) -> int:
    """Returns the number of the last one."""
    highest = sa.select(sa.func.coalesce(sa.func.max(tasks.c.number), 0)).where(tasks.c.ticket_id == ticket_id)
    last = connection.scalar(highest) or 0
    more = {"ticket_id": ticket_id, "created_at": now, "created_by": actor, "note": ""}
    values = [{**more, **row, "number": last + place} for place, row in enumerate(rows, 1)]
    connection.execute(tasks.insert(), values)
    return last + len(rows)


def _of(change: Change, number: int) -> sa.ColumnElement[bool]:
    return sa.and_(tasks.c.ticket_id == change.id, tasks.c.number == number)


def _update(change: Change, number: int, **values: Any) -> None:
    change.connection.execute(tasks.update().where(_of(change, number)).values(**values))


def _get(change: Change, number: int) -> Task:
    row = change.connection.execute(sa.select(tasks).where(_of(change, number))).mappings().first()
    if row is None:
        name = change.ticket["number"]
        raise WrongUse(Problem("task-unknown", number=name, task=number), f"see minsheng tickets show {name}")
    return _task(row)


def _waiting(change: Change, number: int) -> Task:
    task = _get(change, number)
    if not task.waiting:
        raise WrongUse(Problem("task-done" if task.done_at else "task-cancelled", task=number), "add another one")
    return task


def _task(row: sa.RowMapping) -> Task:
    return Task(**{name: row[name] for name in Task.__struct_fields__})
