"""What is taken back when a ticket ends: notices that nobody needs any more, tasks that nobody has done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from alerts.casework.tables import assignments, tasks
from alerts.notices import NEVER
from alerts.tables import outbox


def drop_notices(connection: Connection, ticket_id: int, now: datetime, why: str) -> None:
    """What was not sent before the ticket was closed is of no use any more."""
    connection.execute(
        outbox.update()
        .where(outbox.c.ticket_id == ticket_id, outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None))
        .values(dead_at=now, next_try_at=NEVER, last_error=why)
    )


def cancel_tasks(connection: Connection, ticket_id: int, now: datetime) -> None:
    """What was not done, and what a lower unit has not reported, is asked for no more."""
    connection.execute(
        tasks.update()
        .where(tasks.c.ticket_id == ticket_id, tasks.c.done_at.is_(None), tasks.c.cancelled_at.is_(None))
        .values(cancelled_at=now)
    )
    connection.execute(
        assignments.update()
        .where(assignments.c.ticket_id == ticket_id, assignments.c.settled_at.is_(None))
        .values(settled_at=now, state="withdrawn")
    )
