"""Reading events: lists and one event, for the command line, alerts and briefings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from grouping import tables
from grouping.history import History
from minsheng.store import Store

_CHUNK = 500


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
    """Events with a document published since `since`, largest first. Merged events are one, by their id of today."""
    table = tables.events
    statement = sa.select(table)
    if since is not None:
        statement = statement.where(table.c.last_at >= since)
    statement = statement.order_by(table.c.documents.desc(), table.c.last_at.desc(), table.c.id)
    history = History.read(store)
    waiting = _waiting(store)
    found: list[EventSummary] = []
    with store.read() as connection:
        if not waiting:
            statement = statement.where(table.c.documents >= at_least)
            for row in connection.execute(statement):
                if policy is None or policy in row.policies:
                    found.append(_summary(row))
                if len(found) == limit:
                    break
            return found
        # Merges by hand that grouping has not taken in yet: their events' rows are still apart.
        rows = connection.execute(statement)
        found = list(_folded(history, map(_summary, rows)).values())
    found = [one for one in found if one.documents >= at_least and (policy is None or policy in one.policies)]
    found.sort(key=lambda one: (-one.documents, -one.last_at.timestamp(), one.id))
    return found[:limit]


def get_events(store: Store, ids: Sequence[str]) -> dict[str, EventSummary]:
    """The events that these ids mean today, where they are listed."""
    history = History.read(store)
    families = {name: history.family(name) for name in ids}
    every = sorted({name for family in families.values() for name in family})
    found: list[EventSummary] = []
    with store.read() as connection:
        for start in range(0, len(every), _CHUNK):
            which = tables.events.c.id.in_(every[start : start + _CHUNK])
            found += map(_summary, connection.execute(sa.select(tables.events).where(which)))
    folded = _folded(history, found)
    return {name: folded[family[0]] for name, family in families.items() if family[0] in folded}


def _waiting(store: Store) -> bool:
    with store.read() as connection:
        which = sa.select(tables.history.c.id).where(sa.not_(tables.history.c.applied)).limit(1)
        return connection.execute(which).first() is not None


def _folded(history: History, events: Iterable[EventSummary]) -> dict[str, EventSummary]:
    """The events with those added that are part of them today."""
    folded: dict[str, EventSummary] = {}
    for one in events:
        name = history.today(one.id)
        other = folded.get(name)
        folded[name] = replace(one, id=name) if other is None else _both(other, one, larger_title=one.id == name)
    return folded


def _both(one: EventSummary, other: EventSummary, *, larger_title: bool) -> EventSummary:
    first = min(one, other, key=lambda event: event.first_at)
    return replace(
        one,
        title=other.title if larger_title else one.title,
        first_document=first.first_document,
        first_at=first.first_at,
        last_at=max(one.last_at, other.last_at),
        documents=one.documents + other.documents,
        aggrieved=one.aggrieved + other.aggrieved,
        policies=dict(Counter(one.policies) + Counter(other.policies)),
    )


def _summary(row: sa.Row[tuple[object, ...]]) -> EventSummary:
    return EventSummary(**row._mapping)
