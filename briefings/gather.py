"""Reads what a briefing needs beside the index: tickets, events' titles, how the sources do, dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alerts.casework.tables import tasks
from alerts.planning.shelf import book_of
from alerts.release.readiness import readiness_of
from alerts.responses.evaluation import Kept, kept_by_ticket
from alerts.responses.grade import CHINESE as GRADE_WORDS
from alerts.tables import is_term, ticket_timeline, tickets, timers
from alerts.tickets import STATUS_WORDS, Deadline, read_deadlines
from briefings.facts import (
    Coverage,
    DeadLetterFact,
    DeadlineFact,
    Facts,
    ReadinessFact,
    SourceFact,
    StepFact,
    TicketFact,
)
from briefings.spans import span
from crawlers.health import coverage
from crawlers.source_history import source_names
from crawlers.states import said
from grouping.history import History
from grouping.tables import events
from minsheng.clock import Clock
from minsheng.errors import BadInput, WrongUse
from minsheng.logs import get_logger
from minsheng.policies import PolicyRegister
from minsheng.store import Store
from stream.dead_letters import list_dead_letters
from stream.log import Log

logger = get_logger(__name__)

_CHUNK = 500


def gather(store: Store, log: Log, day: date, clock: Clock, plans: Path | None = None) -> Facts:
    """Everything beside the index for the briefing of a day, China time; `plans` as of `gather_between`."""
    period = span("daily", day)
    return gather_between(store, log, period.since, period.end, clock, plans)


def gather_between(
    store: Store, log: Log, since: datetime, until: datetime, clock: Clock, plans: Path | None = None
) -> Facts:
    """Everything beside the index for a stretch of time. Tickets closed before it are left out, and exercises.

    Parameters
    ----------
    plans:
        The folder of plan files that count beside the shipped plans and the store's.
    """
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
        readiness=_readiness(store, clock, plans),
        gone_policies=PolicyRegister(store, clock).gone(),
    )


def _tickets(connection: sa.Connection, since: datetime, until: datetime) -> tuple[TicketFact, ...]:
    wanted = sa.select(tickets).where(
        tickets.c.opened_at < until,
        tickets.c.exercise.is_(False),
        sa.or_(tickets.c.closed_at.is_(None), tickets.c.closed_at >= since),
    )
    rows = connection.execute(wanted.order_by(tickets.c.id)).all()
    ids = [row.id for row in rows]
    # Those that run or ran to their end, not those that another level's replaced.
    clocks = read_deadlines(connection, ids, (is_term, timers.c.replaced.is_(False)))
    steps: dict[int, list[StepFact]] = defaultdict(list)
    levels: dict[int, Any] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        _read_steps(connection, chunk, steps)
        _read_levels(connection, chunk, until, levels)
    judged = kept_by_ticket(connection, ids)
    return tuple(_fact(row, levels, clocks.get(row.id, ()), steps[row.id], judged.get(row.id)) for row in rows)


def _fact(
    row: Any, levels: dict[int, Any], clocks: Sequence[Deadline], steps: Sequence[StepFact], kept: Kept | None
) -> TicketFact:
    plan = row.plan or {}
    return TicketFact(
        number=row.number,
        level=levels.get(row.id, row.level),
        status=STATUS_WORDS.get(row.status, row.status),
        title=row.title,
        why=row.why,
        event=row.event_id,
        policy=row.policy_id,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        historical=row.historical,
        deadlines=tuple(
            DeadlineFact(
                name=one.name, due_at=one.due_at, settled_at=one.cancelled_at, met_at=one.met_at, apart=one.apart
            )
            for one in clocks
        ),
        unit=row.unit,
        responded_at=row.responded_at,
        graded=GRADE_WORDS.get(kept.grade, kept.grade) if kept else None,
        well=kept.well if kept else None,
        reply=kept.reply if kept else "",
        unanswered=bool(kept and kept.evaluation.unanswered),
        steps=tuple(steps),
        plan=plan.get("title", ""),
    )


def _read_steps(connection: sa.Connection, ids: Sequence[int], found: dict[int, list[StepFact]]) -> None:
    """The tasks that came from a plan and wait."""
    query = sa.select(tasks).where(
        tasks.c.ticket_id.in_(ids),
        tasks.c.origin == "plan",
        tasks.c.done_at.is_(None),
        tasks.c.cancelled_at.is_(None),
    )
    for row in connection.execute(query.order_by(tasks.c.ticket_id, tasks.c.number)):
        found[row.ticket_id].append(StepFact(title=row.title, who=row.owner, due_at=row.due_at))


def _read_levels(connection: sa.Connection, ids: Sequence[int], until: datetime, found: dict[int, str]) -> None:
    """The level before the first rise after the briefing's time: what rose at five past midnight was not red the day
    before."""
    when = sa.func.coalesce(ticket_timeline.c.event_time, ticket_timeline.c.at)
    query = sa.select(ticket_timeline.c.ticket_id, ticket_timeline.c.detail).where(
        ticket_timeline.c.ticket_id.in_(ids), ticket_timeline.c.kind == "level-rose", when >= until
    )
    for row in connection.execute(query.order_by(ticket_timeline.c.id)):
        if "from" in row.detail:
            found.setdefault(row.ticket_id, row.detail["from"])


def _readiness(store: Store, clock: Clock, folder: Path | None) -> tuple[ReadinessFact, ...]:
    """The same that the release watch says."""
    try:
        plans = book_of(store, folder)
    except (BadInput, WrongUse) as error:
        # A plan file that was spoilt in the night is no reason for a morning without a briefing.
        logger.warning("plan_files_left_out", reason=error.message)
        plans = book_of(store, None)
    found = readiness_of(store, clock, plans, PolicyRegister(store, clock).all())
    return tuple(
        ReadinessFact(policy=policy, plans=len(one.plans), answers=one.answers, materials=len(one.interpretations))
        for policy, one in found.items()
    )


def _coverage(store: Store, clock: Clock, since: datetime, until: datetime) -> Coverage:
    seen = coverage(store, clock, since, until)
    with store.read() as connection:
        names = source_names(connection)
    return Coverage(
        sources=seen.total,
        names=names,
        unseen=tuple(
            SourceFact(id=source.source, name=source.name, last_seen_at=source.since, reason=said(source.reason))
            for source in seen.unseen
        ),
    )
