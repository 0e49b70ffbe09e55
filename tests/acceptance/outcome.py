"""What came of a run, in a form that two runs can be compared by."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from alerts.notify.tables import notices as told_notices
from alerts.tables import ticket_timeline, tickets
from grouping.history import list_changes
from grouping.tables import events
from minsheng.road import Road
from search.index import Search


class Outcome(NamedTuple):
    """The index (document → version, event, duplicate group), events, tickets, counts of what was said, and which
    events became part of which."""

    indexed: dict[str, tuple[int, str, str]]
    events: dict[str, tuple[str, int]]
    tickets: list[tuple[Any, ...]]
    notices: int
    timeline: int
    merges: list[tuple[str, str]]


def outcome(road: Road) -> Outcome:
    """Everything a user would see, read from index and store."""
    road.index.refresh()
    indexed, cursor = {}, None
    while True:
        page = road.index.search(Search(size=1000, after=cursor, highlight=False))
        for hit in page.hits:
            record = hit.record
            assert record.document.id not in indexed, "a document is in the index twice"
            indexed[record.document.id] = (record.version, record.event.id, record.duplicate.group)
        cursor = page.cursor
        if cursor is None:
            break
    assert page.total == len(indexed)
    with road.store.read() as connection:
        told = connection.execute(sa.select(events.c.id, events.c.title, events.c.documents)).all()
        opened = connection.execute(
            sa.select(
                tickets.c.number, tickets.c.event_id, tickets.c.level, tickets.c.title, tickets.c.why,
                tickets.c.opened_at, tickets.c.historical,
            ).order_by(tickets.c.number)
        ).all()  # fmt: skip
        # Reminders of deadlines come with the clock, and one run takes longer than another.
        by_posts = told_notices.c.reason.in_(("new", "worse"))
        notices = connection.scalar(sa.select(sa.func.count()).select_from(told_notices).where(by_posts)) or 0
        timeline = connection.scalar(sa.select(sa.func.count()).select_from(ticket_timeline)) or 0
    merges = [(change.event, change.other) for change in list_changes(road.store, limit=10_000)]
    return Outcome(
        indexed,
        {row.id: (row.title, row.documents) for row in told},
        [tuple(row) for row in opened],
        notices,
        timeline,
        merges,
    )
