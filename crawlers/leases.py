"""Leases: of all crawlers of a store one at a time is at a source, and a dead one's sources go to the others.

A crawler says every few seconds that it lives. A lease holds for as long as its crawler does, so there is nothing to
renew for each source. On one machine a crawler that was killed is known at once, by its process; on another, after
`DEAD`.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from crawlers import tables
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.store import Store, insert_or_ignore, upsert

log = get_logger(__name__)

BEAT = 2.0
"""Seconds between two signs of life."""
DEAD = timedelta(seconds=30)
"""A crawler that has given no sign of life for so long is dead. The machines' clocks must agree better than that."""


PATIENCE = timedelta(seconds=2)
"""How long a source that is due waits for the crawler whose share it is."""


class Claimed(NamedTuple):
    """Sources that this crawler is to crawl now, and when the next one is due (None: none is waiting)."""

    sources: list[str]
    next_due: datetime | None


class Leases:
    """One crawler's leases. All methods block; use them from one thread at a time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._machine = _machine()
        self.worker = f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.others: list[str] = []  # the other crawlers that lived at the last beat

    @property
    def shared(self) -> bool:
        """Whether other crawlers work on this store."""
        return bool(self.others)

    def beat(self) -> None:
        """Say that this crawler lives, and see who else does. Leases of the dead become free."""
        now = self._clock.now()
        table = tables.crawl_workers
        with self._store.begin() as connection:
            row = {"id": self.worker, "machine": self._machine, "pid": os.getpid(), "seen_at": now}
            upsert(self._store, table, [row], keys=["id"], connection=connection)
            # Who holds leases first, and who lives then: one that comes between the two has said so before it leased.
            state = tables.crawl_state
            holders = set(
                connection.scalars(sa.select(state.c.leased_by).where(state.c.leased_by.is_not(None)).distinct())
            )
            rows = connection.execute(sa.select(table).where(table.c.id != self.worker)).all()
            dead = [row.id for row in rows if not self._lives(row.machine, row.pid, row.seen_at, now)]
            if dead:
                connection.execute(sa.delete(table).where(table.c.id.in_(dead)))
                log.warning("crawler_dead", crawlers=dead)
            self.others = [row.id for row in rows if row.id not in dead]
            lost = holders - {self.worker, *self.others}
            if lost:
                self._free(connection, lost)

    def leave(self) -> None:
        """Give back all leases, and be no crawler any more."""
        table = tables.crawl_workers
        with self._store.begin() as connection:
            self._free(connection, [self.worker])
            connection.execute(sa.delete(table).where(table.c.id == self.worker))

    def claim(self, limit: int) -> Claimed:
        """Lease up to `limit` enabled sources that are due, the longest waiting first.

        Where several crawlers live, each takes no more than its share of what is due or under way, so that the one that
        looks first does not take all; what has waited for `PATIENCE` is anybody's.
        """
        now = self._clock.now()
        state, sources = tables.crawl_state, tables.sources
        due = sa.func.coalesce(state.c.next_run_at, now)
        waiting = (
            sa.select(state.c.source_id)
            .join(sources, sources.c.id == state.c.source_id)
            .where(sources.c.enabled.is_(sa.true()), state.c.leased_by.is_(None))
        )
        ready = sa.or_(state.c.next_run_at.is_(None), state.c.next_run_at <= now)
        with self._store.read() as connection:
            next_due = connection.scalar(waiting.with_only_columns(sa.func.min(due)))
        if next_due is None or next_due > now or limit < 1:
            return Claimed([], next_due)
        with self._store.begin() as connection:
            found = self._lease(
                connection, waiting.where(ready), min(limit, self._share(connection, waiting, ready)), now
            )
            if len(found) < limit and self.shared:
                patient = waiting.where(state.c.next_run_at <= now - PATIENCE)
                found += self._lease(connection, patient, limit - len(found), now)
        return Claimed(found, now)

    def _share(self, connection: sa.Connection, waiting: sa.Select[Any], ready: sa.ColumnElement[bool]) -> int:
        """How many more sources are this crawler's by rights, of those that are due or under way."""
        state, sources = tables.crawl_state, tables.sources
        if not self.shared:
            return sys.maxsize
        due = connection.scalar(waiting.where(ready).with_only_columns(sa.func.count())) or 0
        held = (
            sa.select(state.c.leased_by, sa.func.count())
            .join(sources, sources.c.id == state.c.source_id)
            .where(state.c.leased_by.is_not(None))
            .group_by(state.c.leased_by)
        )
        by_worker: dict[str, int] = {row[0]: row[1] for row in connection.execute(held)}
        share = -(-(due + sum(by_worker.values())) // (1 + len(self.others)))
        return max(share - by_worker.get(self.worker, 0), 0)

    def _lease(self, connection: sa.Connection, wanted: sa.Select[Any], limit: int, now: datetime) -> list[str]:
        """Take up to `limit` of the sources that a query names."""
        # Rows that another crawler is taking now are passed over; SQLite lets one write at a time anyway.
        state = tables.crawl_state
        chosen = wanted.order_by(state.c.next_run_at.nulls_first()).limit(limit)
        found = list(connection.scalars(chosen.with_for_update(skip_locked=True, of=state))) if limit else []
        self._take(connection, found, now)
        return found

    def give_back(self, names: Sequence[str], due: datetime | None = None) -> None:
        """Let others have these sources, from `due` on where it is given."""
        state = tables.crawl_state
        mine = sa.and_(state.c.leased_by == self.worker, state.c.source_id.in_(list(names)))
        later = {"next_run_at": due} if due is not None else {}
        with self._store.begin() as connection:
            connection.execute(sa.update(state).where(mine).values(leased_by=None, leased_at=None, **later))

    def claim_named(self, names: Sequence[str]) -> list[str]:
        """Lease these sources, due or not. Returns those that nobody else is at."""
        now = self._clock.now()
        state = tables.crawl_state
        with self._store.begin() as connection:
            self._make_rows(connection, names)
            free = sa.select(state.c.source_id).where(state.c.source_id.in_(list(names)), state.c.leased_by.is_(None))
            found = set(connection.scalars(free.with_for_update(skip_locked=True)))
            self._take(connection, sorted(found), now)
        return [name for name in names if name in found]

    def make_rows(self, names: Collection[str]) -> None:
        """Let sources that have never been crawled be due."""
        with self._store.begin() as connection:
            self._make_rows(connection, names)

    def bring_forward(self, due: dict[str, datetime]) -> None:
        """Let sources be due at these times, where that is earlier than planned."""
        state = tables.crawl_state
        with self._store.begin() as connection:
            for name, at in due.items():
                later = sa.and_(state.c.source_id == name, state.c.next_run_at > at)
                connection.execute(sa.update(state).where(later).values(next_run_at=at))

    def _make_rows(self, connection: sa.Connection, names: Collection[str]) -> None:
        empty = {"failures": 0, "last_error": "", "items": 0, "rejected": 0, "state": "", "empty_runs": 0}
        rows = [{"source_id": name, **empty} for name in names]
        insert_or_ignore(self._store, tables.crawl_state, rows, connection=connection)

    def _take(self, connection: sa.Connection, names: Sequence[str], now: datetime) -> None:
        if names:
            state = tables.crawl_state
            mine = state.c.source_id.in_(list(names))
            connection.execute(sa.update(state).where(mine).values(leased_by=self.worker, leased_at=now))

    def _free(self, connection: sa.Connection, holders: Collection[str]) -> None:
        state = tables.crawl_state
        held = state.c.leased_by.in_(list(holders))
        connection.execute(sa.update(state).where(held).values(leased_by=None, leased_at=None))

    def _lives(self, machine: str, pid: int, seen_at: datetime, now: datetime) -> bool:
        return now - seen_at < DEAD and (machine != self._machine or _runs(pid))


def _machine() -> str:
    """This machine until it is started again, and this container: where process numbers mean something."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path
    except OSError:
        boot, space = "", ""
    return f"{socket.gethostname()} {boot} {space}"[:200]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
