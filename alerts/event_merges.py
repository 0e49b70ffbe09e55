"""What becomes of observations and tickets when two events turn out to be one, or one turns out to be two.

The older open ticket stays and is the ticket of the whole event; the other one is marked as merged, and both say so in
their timelines. Closed tickets stay as they are and belong to the whole event from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import timeline
from alerts.deadlines import cancel_timers
from alerts.tables import observations, tickets
from alerts.withdrawal import cancel_tasks, drop_notices

_CHUNK = 500


def merge_event(
    connection: Connection, event: str, into: str, now: datetime, *, actor: str = timeline.SYSTEM, reason: str = ""
) -> None:
    """Make `event` part of `into`. Harmless where that is done already."""
    if event == into:
        return
    connection.execute(observations.update().where(observations.c.event_id == event).values(event_id=into))
    found = connection.execute(
        sa.select(tickets.c.id, tickets.c.number, tickets.c.event_id, tickets.c.version, tickets.c.status)
        .where(tickets.c.event_id.in_([event, into]), tickets.c.closed_at.is_(None))
        .order_by(tickets.c.opened_at, tickets.c.id)
        .with_for_update(key_share=True)
    ).all()
    for ticket in found[1:]:
        staying = found[0]
        connection.execute(
            tickets.update()
            .where(tickets.c.id == ticket.id)
            .values(status="merged", closed_at=now, version=ticket.version + 1)
        )
        why = {"reason": reason} if reason else {}
        detail = {"from": ticket.status, "into": staying.number, "event": into, **why}
        timeline.add(connection, ticket.id, "merged", now, actor=actor, detail=detail)
        cancel_timers(connection, ticket.id, now)
        cancel_tasks(connection, ticket.id, now)
        drop_notices(connection, ticket.id, now, "its event became part of another one before it was sent")
        detail = {"took": ticket.number, "event": ticket.event_id, **why}
        timeline.add(connection, staying.id, "merged", now, actor=actor, detail=detail)
    connection.execute(tickets.update().where(tickets.c.event_id == event).values(event_id=into))


def move_documents(connection: Connection, documents: Sequence[str], event: str) -> None:
    """Let documents belong to another event from now on; tickets stay with the event that they were opened for."""
    for start in range(0, len(documents), _CHUNK):
        which = observations.c.document_id.in_(documents[start : start + _CHUNK])
        connection.execute(observations.update().where(which).values(event_id=event))
