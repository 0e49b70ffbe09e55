"""When tickets first came to each state, told from their timelines: a ticket's row knows of its last round alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import ticket_timeline
from alerts.transitions import Status

_CHUNK = 500
_KINDS = ("acknowledged", "status-changed", "closed", "false-alarm")
_STEPS: tuple[Status, ...] = ("acknowledged", "judging", "responding", "responded")
"""Whoever takes a later one of these steps has acknowledged the ticket, too."""
ENDS: tuple[Status, ...] = ("closed", "false-alarm")


def first_reached(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, datetime]]:
    """Ticket id → status → when it was first reached; `closed` stands for a false alarm as well. A status that was
    never reached is not in it."""
    found: dict[int, dict[str, datetime]] = {}
    for start in range(0, len(ids), _CHUNK):
        query = (
            sa.select(ticket_timeline.c.ticket_id, ticket_timeline.c.at, ticket_timeline.c.detail)
            .where(ticket_timeline.c.ticket_id.in_(ids[start : start + _CHUNK]), ticket_timeline.c.kind.in_(_KINDS))
            .order_by(ticket_timeline.c.ticket_id, ticket_timeline.c.number)
        )
        for ticket_id, at, detail in connection.execute(query):
            reached = found.setdefault(ticket_id, {})
            status = detail.get("to", "")
            reached.setdefault("closed" if status in ENDS else status, at)
            if status in _STEPS:
                reached.setdefault("acknowledged", at)
    return found
