"""The places of terms on hot lists over time: each stay of a term on a list is kept with its whole way."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from crawlers import tables
from minsheng.store import Store, upsert

GAP = timedelta(hours=24)
"""A term that was away for longer comes back as a new stay."""
LONGEST = timedelta(days=30)
"""A term that stays longer, as pinned ones do, goes on as a new stay: the way of one is read and written as a whole."""
KEPT = timedelta(days=400)
"""Stays that ended longer ago are removed."""
GONE = 0
"""The place of a term that has left the list."""


class Seen(NamedTuple):
    """A term as a list shows it: its place from 1, and its heat."""

    word: str
    rank: int
    heat: int | None


class Step(NamedTuple):
    """Where a term stood from a moment on; rank 0 means that it had left the list."""

    at: datetime
    rank: int
    heat: int | None


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """One stay of a term on a list, with every change of its place."""

    source: str
    word: str
    since: datetime
    last_seen: datetime
    best: int
    steps: list[Step]

    @property
    def rank(self) -> int:
        """The place when the list was last seen; 0 where it had left."""
        return self.steps[-1].rank


def record(store: Store, source: str, seen: Sequence[Seen], at: datetime) -> dict[str, datetime]:
    """Write down a list as it stands at a moment.

    Returns
    -------
    Since when each of its terms has been on the list, short absences apart.
    """
    table = tables.hot_terms
    since: dict[str, datetime] = {}
    with store.begin() as connection:
        fresh = sa.select(table).where(table.c.source_id == source, table.c.last_seen > at - GAP)
        stays = {row.word: row for row in connection.execute(fresh.order_by(table.c.since))}
        rows = []
        for one in seen:
            if one.word in since:
                continue  # two terms may read alike once their names are masked: the upper one counts
            known = stays.get(one.word)
            if known is not None and known.since <= at - LONGEST:
                known = None
            begun = known.since if known else at
            since[one.word] = begun
            steps = list(known.steps) if known else []
            if not steps or steps[-1][1] != one.rank:
                steps.append([_minutes(begun, at), one.rank, one.heat])
            rows.append(_row(source, one.word, begun, at, min(one.rank, known.best if known else one.rank), steps))
        for word, known in stays.items():
            if word not in since and known.steps[-1][1] != GONE:
                steps = [*known.steps, [_minutes(known.since, at), GONE, None]]
                rows.append(_row(source, word, known.since, known.last_seen, known.best, steps))
        upsert(store, table, rows, keys=["source_id", "word_hash", "since"], connection=connection)
        connection.execute(sa.delete(table).where(table.c.last_seen < at - KEPT))
    return since


def record_unchanged(store: Store, source: str, at: datetime) -> None:
    """Write down that a list stands as it did."""
    table = tables.hot_terms
    with store.begin() as connection:
        fresh = sa.select(table).where(table.c.source_id == source, table.c.last_seen > at - GAP)
        latest = {row.word: row for row in connection.execute(fresh.order_by(table.c.since))}
        rows = [
            _row(source, row.word, row.since, at, row.best, row.steps)
            for row in latest.values()
            if row.steps[-1][1] != GONE
        ]
        upsert(store, table, rows, keys=["source_id", "word_hash", "since"], connection=connection)


def stays(store: Store, since: datetime, *, source: str | None = None, word: str | None = None) -> list[Stay]:
    """The stays that reach into the time since a moment, the best placed first.

    Parameters
    ----------
    source:
        Of this list only.
    word:
        Of terms that contain this only.
    """
    table = tables.hot_terms
    wanted = sa.select(table).where(table.c.last_seen >= since)
    if source is not None:
        wanted = wanted.where(table.c.source_id == source)
    if word:
        wanted = wanted.where(table.c.word.contains(word, autoescape=True))
    with store.read() as connection:
        rows = connection.execute(wanted.order_by(table.c.best, table.c.since.desc(), table.c.word)).all()
    return [
        Stay(
            source=row.source_id,
            word=row.word,
            since=row.since,
            last_seen=row.last_seen,
            best=row.best,
            steps=[Step(row.since + timedelta(minutes=after), rank, heat) for after, rank, heat in row.steps],
        )
        for row in rows
    ]


def _minutes(begun: datetime, at: datetime) -> float:
    return round((at - begun).total_seconds() / 60, 2)


def _row(
    source: str, word: str, since: datetime, last_seen: datetime, best: int, steps: Sequence[object]
) -> dict[str, object]:
    return {
        "source_id": source,
        "word_hash": hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "since": since,
        "word": word,
        "last_seen": last_seen,
        "best": best,
        "steps": list(steps),
    }
