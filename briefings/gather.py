"""Reads what a briefing needs beside the index: tickets, events' titles, how the sources do, dead letters."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from alerts.tables import tickets, timers
from briefings.facts import Coverage, DeadLetterFact, DeadlineFact, Facts, SourceFact, TicketFact
from crawlers.tables import crawl_state, sources
from grouping.tables import events
from minsheng.clock import CHINA
from minsheng.store import Store
from stream.dead_letters import list_dead_letters
from stream.log import Log


def gather(store: Store, log: Log, day: date) -> Facts:
    """Everything beside the index for the briefing of a day, China time. Tickets closed before it are left out."""
    since = datetime.combine(day, time(), CHINA)
    until = since + timedelta(days=1)
    with store.read() as connection:
        return Facts(
            tickets=_tickets(connection, since, until),
            coverage=_coverage(connection, since),
            dead_letters=tuple(
                DeadLetterFact(id=letter.id, stage=letter.stage, reason=letter.reason, at=letter.at)
                for letter in list_dead_letters(log)
            ),
            event_titles={
                row.id: row.title
                for row in connection.execute(sa.select(events.c.id, events.c.title).where(events.c.last_at >= since))
            },
        )


def _tickets(connection: sa.Connection, since: datetime, until: datetime) -> tuple[TicketFact, ...]:
    wanted = sa.select(tickets).where(
        tickets.c.opened_at < until, sa.or_(tickets.c.closed_at.is_(None), tickets.c.closed_at >= since)
    )
    rows = connection.execute(wanted.order_by(tickets.c.id)).all()
    clocks: dict[int, list[DeadlineFact]] = defaultdict(list)
    found = sa.select(timers).where(timers.c.ticket_id.in_([row.id for row in rows])).order_by(timers.c.due_at)
    for row in connection.execute(found):
        clocks[row.ticket_id].append(DeadlineFact(name=row.kind, due_at=row.due_at, settled_at=row.cancelled_at))
    return tuple(
        TicketFact(
            number=row.number,
            level=row.level,
            status=row.status,
            title=row.title,
            why=row.why,
            event=row.event_id,
            policy=row.policy_id,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            historical=row.historical,
            deadlines=tuple(clocks[row.id]),
        )
        for row in rows
    )


def _coverage(connection: sa.Connection, since: datetime) -> Coverage:
    """A source counts as seen when it answered at least once since the briefing's time began."""
    joined = sources.outerjoin(crawl_state, crawl_state.c.source_id == sources.c.id)
    rows = connection.execute(
        sa.select(sources.c.id, sources.c.name, crawl_state.c.last_ok_at, crawl_state.c.last_error)
        .select_from(joined)
        .where(sources.c.enabled)
        .order_by(sources.c.id)
    ).all()
    return Coverage(
        sources=len(rows),
        names={row.id: row.name for row in rows},
        unseen=tuple(
            SourceFact(
                id=row.id, name=row.name, last_seen_at=row.last_ok_at, reason=row.last_error or "当日没有成功采集"
            )
            for row in rows
            if row.last_ok_at is None or row.last_ok_at < since
        ),
    )
