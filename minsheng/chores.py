"""Chores: work that is done again and again, whose next time is a row of the store.

A scheduler only calls `run_due`; the row decides. So of several schedulers one does it, one that was down does it at
its next look, and one that dies in the middle leaves it to another once its claim is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

import msgspec
import sqlalchemy as sa

from minsheng.clock import CHINA, Clock
from minsheng.store import Store, UtcDateTime, insert_or_ignore, metadata

CLAIM = timedelta(minutes=30)
"""For so long a chore belongs to the process that does it."""
RETRY = timedelta(minutes=5)
"""So long after a failure it is tried again, or at its own next time where that comes sooner."""

chores = sa.Table(
    "chores",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime, comment="somebody is at it"),
    sa.Column("done_at", UtcDateTime),
    sa.Column("error", sa.Text, comment="why the last try failed; null: it did not"),
    comment="work that is done again and again: when next, and how it went last",
)


class Chore(msgspec.Struct, frozen=True, kw_only=True):
    """One chore.

    Attributes
    ----------
    next_at:
        Now → when it is due again. What was never done is due at once.
    work:
        Does it; returns how much was done.
    """

    name: str
    next_at: Callable[[datetime], datetime]
    work: Callable[[], int]


def every(minutes: float) -> Callable[[datetime], datetime]:
    """Again so many minutes later."""
    return lambda now: now + timedelta(minutes=minutes)


def daily(at: str) -> Callable[[datetime], datetime]:
    """Each day at a time of day in China, e.g. 03:30."""
    moment = time.fromisoformat(at)

    def following(now: datetime) -> datetime:
        today = datetime.combine(now.astimezone(CHINA).date(), moment, CHINA)
        return today if today > now else today + timedelta(days=1)

    return following


def run_due(store: Store, clock: Clock, chore: Chore) -> int:
    """Do a chore if it is due and nobody is at it. Returns what `work` did; 0 where it was not done.

    What `work` raises is kept in the row and raised.
    """
    now = clock.now()
    with store.read() as connection:
        due = connection.scalar(sa.select(chores.c.due_at).where(chores.c.name == chore.name))
    if due is not None and due > now:
        return 0
    with store.begin() as connection:
        insert_or_ignore(store, chores, [{"name": chore.name, "due_at": now}], connection=connection)
        free = sa.or_(chores.c.claimed_until.is_(None), chores.c.claimed_until <= now)
        claim = chores.update().where(chores.c.name == chore.name, chores.c.due_at <= now, free)
        if not connection.execute(claim.values(claimed_until=now + CLAIM)).rowcount:
            return 0
    mine = sa.and_(chores.c.name == chore.name, chores.c.claimed_until == now + CLAIM)
    try:
        done = chore.work()
    except Exception as error:
        again = min(chore.next_at(clock.now()), clock.now() + RETRY)
        with store.begin() as connection:
            failed = chores.update().where(mine).values(claimed_until=None, due_at=again, error=str(error)[:1000])
            connection.execute(failed)
        raise
    with store.begin() as connection:
        values = {"claimed_until": None, "done_at": clock.now(), "due_at": chore.next_at(clock.now()), "error": None}
        connection.execute(chores.update().where(mine).values(**values))
    return done
