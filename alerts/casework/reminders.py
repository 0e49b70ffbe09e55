"""Tasks and passed-down tasks whose time is over: noted once in the timeline, with a notice for grave tickets.

A row's `overdue_at` says that it was noted; who sets it has noted it. So several schedulers at once note nothing twice,
and one that was down finds everything at its next look.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import notices, timeline
from alerts.casework.tables import assignments, tasks
from alerts.deadlines import round_of
from alerts.tables import tickets
from minsheng.clock import Clock
from minsheng.settings import Settings
from minsheng.store import Store


def note_overdue(store: Store, clock: Clock, settings: Settings, limit: int = 200) -> int:
    """Note what is overdue. Returns how many were. Safe to call from several processes at once."""
    now = clock.now()
    found = 0
    for table, waiting in (
        (tasks, (tasks.c.done_at.is_(None), tasks.c.cancelled_at.is_(None))),
        (assignments, (assignments.c.state.in_(("passed", "returned")), assignments.c.settled_at.is_(None))),
    ):
        late = (*waiting, table.c.overdue_at.is_(None), table.c.due_at <= now)
        query = sa.select(table.c.id, table.c.ticket_id).where(*late).order_by(table.c.due_at, table.c.id).limit(limit)
        with store.read() as connection:
            rows = connection.execute(query).all()
        for row_id, ticket_id in rows:
            with store.begin() as connection:
                timeline.lock(connection, ticket_id)
                claim = table.update().where(table.c.id == row_id, *late).values(overdue_at=now)
                if connection.execute(claim).rowcount:
                    _note(store, connection, table, row_id, settings, now)
                    found += 1
    return found


def _note(
    store: Store, connection: Connection, table: sa.Table, row_id: int, settings: Settings, now: datetime
) -> None:
    row = connection.execute(sa.select(table).where(table.c.id == row_id)).mappings().one()
    ticket = connection.execute(sa.select(tickets).where(tickets.c.id == row["ticket_id"])).mappings().one()
    detail: dict[str, Any] = {"due_at": row["due_at"].isoformat()}
    kind: timeline.Kind
    if table is tasks:
        kind, title, what = "task-overdue", row["title"], f"task-{row['number']}"
        detail |= {"task": row["number"], "title": title, "owner": row["owner"]}
    else:
        kind, title, what = "assignment-overdue", f"{row['unit']}反馈：{row['demand']}", f"assignment-{row['number']}"
        detail |= {"assignment": row["number"], "unit": row["unit"], "title": title}
    timeline.add(connection, ticket["id"], kind, now, detail=detail)
    if ticket["level"] in settings.alert.task_notice_levels:
        # A task that got another time may become overdue again.
        what = f"{what}/{row['due_at']:%m%d%H%M}{round_of(ticket)}"
        notices.enqueue(store, connection, ticket, "overdue", what, settings, now, deadline=(title, row["due_at"]))
