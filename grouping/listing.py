"""Reading events: lists and one event, for the command line, alerts and briefings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from grouping import tables
from minsheng.store import Store


class EventSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An event of two documents or more. `documents` counts copies too; `aggrieved` those that grieve or ask for
    something; `policies` those linked to each."""

    id: str
    title: str
    first_document: str
    first_at: datetime
    last_at: datetime
    documents: int
    aggrieved: int
    policies: dict[str, int]


def list_events(
    store: Store, *, since: datetime | None = None, at_least: int = 2, policy: str | None = None, limit: int = 50
) -> list[EventSummary]:
    """Events with a document published since `since`, largest first."""
    table = tables.events
    statement = sa.select(table).where(table.c.documents >= at_least)
    if since is not None:
        statement = statement.where(table.c.last_at >= since)
    statement = statement.order_by(table.c.documents.desc(), table.c.last_at.desc(), table.c.id)
    found = []
    with store.read() as connection:
        for row in connection.execute(statement):
            if policy is None or policy in row.policies:
                found.append(_summary(row))
            if len(found) == limit:
                break
    return found


def get_events(store: Store, ids: Sequence[str]) -> dict[str, EventSummary]:
    """The events with these ids that are listed."""
    with store.read() as connection:
        rows = connection.execute(sa.select(tables.events).where(tables.events.c.id.in_(ids)))
        return {row.id: _summary(row) for row in rows}


def _summary(row: sa.Row[tuple[object, ...]]) -> EventSummary:
    return EventSummary(**row._mapping)
