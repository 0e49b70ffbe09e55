"""When each source is crawled: at its rhythm, with jitter, never twice at once, backing off while it fails.

The row's `next_run_at` decides, so a restart changes nothing, and runs that were missed meanwhile become one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from crawlers import tables
from crawlers.run import RunReport
from crawlers.sources import Source, load_sources, sync_folder
from minsheng.clock import Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.store import Store, upsert

log = get_logger(__name__)

AT_ONCE = 64
"""Sources crawled at a time. Well above the hosts that hang at a time, so that these hold up nobody."""
LOOK_AGAIN = 2.0
"""Seconds between two looks at the files and rows for changed sources."""
JITTER, MOST_JITTER = 0.1, 60.0
"""Runs are put off by up to this share of the rhythm, and this many seconds, so that sources do not march in step."""
LONGEST_BACKOFF = timedelta(hours=2)


class State(NamedTuple):
    """What the store says of a source's runs."""

    next_run_at: datetime | None = None
    failures: int = 0


def next_run(source: Source, started: datetime, failures: int, jitter: float) -> datetime:
    """When to crawl a source again.

    Parameters
    ----------
    started:
        When the last run began.
    failures:
        Failed runs in a row; each doubles the pause, up to two hours or the source's own rhythm.
    jitter:
        0 to 1.
    """
    every = timedelta(seconds=source.every_seconds)
    pause = min(every * 2 ** min(max(failures - 1, 0), 10), max(every, LONGEST_BACKOFF))
    return started + pause + jitter * min(every * JITTER, timedelta(seconds=MOST_JITTER))


def read_states(store: Store) -> dict[str, State]:
    table = tables.crawl_state
    with store.read() as connection:
        rows = connection.execute(sa.select(table.c.source_id, table.c.next_run_at, table.c.failures))
        return {row.source_id: State(row.next_run_at, row.failures) for row in rows}


def record_run(store: Store, source: Source, report: RunReport, started: datetime, now: datetime) -> datetime:
    """Write what came of a run, and when the next one is due. Returns that time."""
    rested = report.resting_until is not None and not report.blocked
    before = read_states(store).get(source.id, State()).failures
    # A host that is left alone by our own rule has not failed.
    failures = 0 if report.ok else before + (not rested)
    due = max(next_run(source, started, failures, random.random()), now)  # noqa: S311 - no secret
    if report.resting_until is not None and not report.ok:
        due = max(due, report.resting_until + timedelta(seconds=random.uniform(0.0, 30.0)))  # noqa: S311
    row = {
        "source_id": source.id,
        "next_run_at": due,
        "last_run_at": started,
        "failures": failures,
        "last_error": report.error.replace("\x00", "")[:2000],
        "items": report.items,
        "rejected": sum(report.rejected.values()),
        **({"last_ok_at": now} if report.ok else {}),
        **({"last_item_at": now} if report.new else {}),
    }
    with store.begin() as connection:
        upsert(store, tables.crawl_state, [row], keys=["source_id"], connection=connection)
    return due


class SourceScheduler:
    """Runs the enabled sources at their rhythms until told to stop. To be used in the crawl loop.

    Parameters
    ----------
    crawl:
        Crawls one source; returns when the source's next run is due.
    folder:
        Where the source files lie.
    """

    def __init__(
        self, crawl: Callable[[Source], Awaitable[datetime]], store: Store, clock: Clock, folder: Path
    ) -> None:
        self._crawl = crawl
        self._store = store
        self._clock = clock
        self._folder = folder
        self._sources: dict[str, Source] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._scheduler = AsyncIOScheduler(event_loop=asyncio.get_running_loop())
        self._signature: object = None
        self.problem = ""  # why sources can't be read now; empty while all is well

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Returns when `stopped()` is true and the crawls under way have ended or were left."""
        self._scheduler.start()
        look_at = 0.0
        loop = asyncio.get_running_loop()
        try:
            while not stopped():
                if loop.time() >= look_at:
                    await self._look()
                    look_at = loop.time() + LOOK_AGAIN
                await asyncio.sleep(0.1)
        finally:
            self._scheduler.shutdown(wait=False)
            running = list(self._running.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _look(self) -> None:
        """Take up new, changed and removed sources."""
        try:
            signature = await asyncio.to_thread(_signature, self._folder)
            if signature != self._signature:
                errors = await asyncio.to_thread(sync_folder, self._store, self._folder)
                for error in errors:
                    log.error("source_file_refused", reason=str(error))
                self._signature = signature
            found = {source.id: source for source in await asyncio.to_thread(load_sources, self._store)}
            wanted = {name: source for name, source in found.items() if source.enabled}
            changed = [source for name, source in wanted.items() if self._sources.get(name) != source]
            states = await asyncio.to_thread(read_states, self._store) if changed else {}
        except Unavailable as error:
            self.problem = str(error)
            log.warning("waiting", reason=self.problem)
            return
        self.problem = ""
        for name in self._sources.keys() - wanted.keys():
            if self._scheduler.get_job(name):
                self._scheduler.remove_job(name)
            log.info("source_off", source=name)
        for source in changed:
            edited = source.id in self._sources
            self._plan(source, self._due(source, State() if edited else states.get(source.id, State())))
        self._sources = wanted

    def _due(self, source: Source, state: State) -> datetime:
        now = self._clock.now()
        soon = now + random.random() * timedelta(seconds=min(source.every_seconds * JITTER, 2))  # noqa: S311
        if state.next_run_at is None or state.next_run_at <= now:
            return soon
        if state.failures:
            return state.next_run_at
        # A rhythm that was made shorter while nothing ran holds from now on.
        return min(state.next_run_at, now + timedelta(seconds=source.every_seconds))

    def _plan(self, source: Source, due: datetime) -> None:
        # The delay is measured by our clock and waited for by the scheduler's.
        wait = max(due - self._clock.now(), timedelta())
        self._scheduler.add_job(
            self._start,
            "date",
            run_date=datetime.now(due.tzinfo) + wait,
            args=[source.id],
            id=source.id,
            replace_existing=True,
            misfire_grace_time=None,
        )

    async def _start(self, name: str) -> None:
        if name in self._running:
            return
        task = asyncio.create_task(self._run_one(name))
        self._running[name] = task
        task.add_done_callback(lambda _: self._running.pop(name, None))

    async def _run_one(self, name: str) -> None:
        source = self._sources.get(name)
        if source is None:
            return
        async with self._slots:
            due = await self._crawl(source)
        # It may have been edited or switched off while it ran.
        if (known := self._sources.get(name)) is not None:
            self._plan(known, due)


def _signature(folder: Path) -> object:
    """Changes whenever a source file does."""
    return tuple(
        (path.name, status.st_mtime_ns, status.st_size)
        for path in sorted(folder.glob("*.toml"))
        for status in (path.stat(),)
    )
