"""Reads what a briefing needs beside the index: tickets, events' titles, how the sources do, dead letters."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from alerts.deadlines import TITLES, WARNING
from alerts.tables import tickets, timers
from alerts.tickets import STATUS_WORDS
from briefings.facts import Coverage, DeadLetterFact, DeadlineFact, Facts, SourceFact, TicketFact
from crawlers.health import coverage
from crawlers.states import said
from crawlers.tables import sources
from grouping.history import History
from grouping.tables import events
from minsheng.clock import CHINA, Clock
from minsheng.store import Store
from stream.dead_letters import list_dead_letters
from stream.log import Log


def gather(store: Store, log: Log, day: date, clock: Clock) -> Facts:
    """Everything beside the index for the briefing of a day, China time. Tickets closed before it are left out."""
    since = datetime.combine(day, time(), CHINA)
    until = since + timedelta(days=1)
    with store.read() as connection:
        found = _tickets(connection, since, until)
        titles = connection.execute(sa.select(events.c.id, events.c.title).where(events.c.last_at >= since)).all()
    return Facts(
        tickets=found,
        coverage=_coverage(store, clock, since, until),
        dead_letters=tuple(
            DeadLetterFact(id=letter.id, stage=letter.stage, reason=letter.reason, at=letter.at)
            for letter in list_dead_letters(log)
        ),
        event_titles={row.id: row.title for row in titles},
        merged_events=History.read(store).into(),
    )


def _tickets(connection: sa.Connection, since: datetime, until: datetime) -> tuple[TicketFact, ...]:
    wanted = sa.select(tickets).where(
        tickets.c.opened_at < until, sa.or_(tickets.c.closed_at.is_(None), tickets.c.closed_at >= since)
    )
    rows = connection.execute(wanted.order_by(tickets.c.id)).all()
    clocks: dict[int, list[DeadlineFact]] = defaultdict(list)
    found = sa.select(timers).where(timers.c.ticket_id.in_([row.id for row in rows])).order_by(timers.c.due_at)
    for row in connection.execute(found):
        if not row.kind.endswith(WARNING):
            fact = DeadlineFact(
                name=row.title or TITLES.get(row.kind, row.kind), due_at=row.due_at, settled_at=row.cancelled_at
            )
            clocks[row.ticket_id].append(fact)
    return tuple(
        TicketFact(
            number=row.number,
            level=row.level,
            status=STATUS_WORDS.get(row.status, row.status),
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


def _coverage(store: Store, clock: Clock, since: datetime, until: datetime) -> Coverage:
    seen = coverage(store, clock, since, until)
    with store.read() as connection:
        names = {row.id: row.name or row.id for row in connection.execute(sa.select(sources.c.id, sources.c.name))}
    return Coverage(
        sources=seen.total,
        names=names,
        unseen=tuple(
            SourceFact(id=source.source, name=source.name, last_seen_at=source.since, reason=said(source.reason))
            for source in seen.unseen
        ),
    )
