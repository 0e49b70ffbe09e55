"""Quiet or blind? What was seen of the sources in a window of time, for alerts, briefings and operators."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from crawlers import tables
from minsheng.clock import Clock
from minsheng.store import Store

LEAST_GRACE = timedelta(hours=1)
"""A source that has answered within this time is never called unseen, however short its rhythm."""


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """A source that says nothing about a window, why, and since when (None: never seen)."""

    source: str
    name: str
    reason: str
    since: datetime | None = None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the enabled sources were seen in a window: their ids, and the others with the reason."""

    since: datetime
    until: datetime
    seen: list[str]
    unseen: list[Unseen]

    @property
    def total(self) -> int:
        return len(self.seen) + len(self.unseen)


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """A source's row in a list: what it is and how it is doing."""

    id: str
    name: str
    kind: str
    url: str
    every: int
    enabled: bool
    state: str
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_ok_at: datetime | None
    last_item_at: datetime | None
    failures: int
    items: int
    last_error: str
    quiet_after: int | None


def coverage(store: Store, clock: Clock, since: datetime, until: datetime) -> Coverage:
    """Which sources can speak for the window from `since` to `until`.

    A source is unseen when it never answered, or has not answered well within three of its rhythms (at least an hour)
    before the window's end; or when it answers, but has brought nothing new for longer than its `quiet_after`.
    """
    end = min(until, clock.now())
    seen: list[str] = []
    unseen: list[Unseen] = []
    for state in states(store, clock):
        if not state.enabled:
            continue
        reason, at = _blind(state, end)
        if reason:
            unseen.append(Unseen(source=state.id, name=state.name or state.id, reason=reason, since=at))
        else:
            seen.append(state.id)
    return Coverage(since=since, until=until, seen=seen, unseen=unseen)


def states(store: Store, clock: Clock) -> list[SourceState]:
    """All sources and how each is doing: `off`, `new`, `well`, `failing`, `late` or `quiet`."""
    joined = sa.outerjoin(tables.sources, tables.crawl_state, tables.sources.c.id == tables.crawl_state.c.source_id)
    with store.read() as connection:
        rows = connection.execute(sa.select(joined).order_by(tables.sources.c.id)).mappings().all()
    return [_state(row, clock.now()) for row in rows]


def _state(row: sa.RowMapping, now: datetime) -> SourceState:
    state = SourceState(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        url=row["url"],
        every=row["every"],
        enabled=row["enabled"],
        state="",
        next_run_at=row["next_run_at"],
        last_run_at=row["last_run_at"],
        last_ok_at=row["last_ok_at"],
        last_item_at=row["last_item_at"],
        failures=row["failures"] or 0,
        items=row["items"] or 0,
        last_error=row["last_error"] or "",
        quiet_after=row["quiet_after"],
    )
    return msgspec.structs.replace(state, state=_name(state, now))


def _name(state: SourceState, now: datetime) -> str:
    if not state.enabled:
        return "off"
    if state.last_run_at is None:
        return "new"
    if state.failures:
        return "failing"
    reason, _ = _blind(state, now)
    return "well" if not reason else "quiet" if reason.startswith("quiet") else "late"


def _blind(state: SourceState, end: datetime) -> tuple[str, datetime | None]:
    """Why the source says nothing about the time up to `end`, and since when; an empty reason where it does."""
    if state.last_ok_at is None:
        return (f"never answered: {state.last_error}" if state.last_error else "not crawled yet"), None
    if end - state.last_ok_at > max(timedelta(seconds=3 * state.every), LEAST_GRACE):
        return (f"failing: {state.last_error}" if state.failures else "late: not crawled"), state.last_ok_at
    if state.quiet_after and end - (state.last_item_at or state.last_ok_at) > timedelta(seconds=state.quiet_after):
        return "quiet: answers, but brought nothing new", state.last_item_at
    return "", None
