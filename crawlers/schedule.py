"""When each source is crawled: at its rhythm, never twice at once, by whichever crawler leases it first.

The row's `next_run_at` decides, so a restart changes nothing, and runs that were missed meanwhile become one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from crawlers.leases import Leases
from crawlers.sources import Source, load_sources, source_files, sync_folder
from minsheng.clock import Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.store import Store

log = get_logger(__name__)

AT_ONCE = 64
"""Sources crawled at a time. Well above the hosts that hang at a time, so that these hold up nobody."""
LOOK_AGAIN = 2.0
"""Seconds between two looks at the files and rows for changed sources."""
TICK, LONGEST_TICK = 0.1, 0.5
"""Seconds between two looks at what is due: at least, and at most."""
AT_A_TIME = 16
"""Sources started at one look, so that a crowd of them does not hold up the loop."""
BROKEN = timedelta(minutes=1)
"""How long a source is left alone of which not even a failed run could be written down."""


class SourceScheduler:
    """Runs the enabled sources at their rhythms until told to stop. To be used in the crawl loop.

    Parameters
    ----------
    crawl:
        Crawls one source; returns when the source's next run is due.
    folder:
        Where the source files lie.
    leases:
        This crawler's; it must have given its first sign of life.
    """

    def __init__(
        self,
        crawl: Callable[[Source], Awaitable[datetime]],
        store: Store,
        clock: Clock,
        folder: Path,
        leases: Leases,
    ) -> None:
        self._crawl = crawl
        self._store = store
        self._clock = clock
        self._folder = folder
        self._leases = leases
        self._sources: dict[str, Source] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._signature: object = None
        self.problem = ""  # why sources can't be read now; empty while all is well

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Returns when `stopped()` is true and the crawls under way have ended or were left."""
        look_at = start_at = 0.0
        loop = asyncio.get_running_loop()
        try:
            while not stopped():
                if loop.time() >= look_at:
                    await self._look()
                    look_at = loop.time() + LOOK_AGAIN
                if loop.time() >= start_at:
                    start_at = loop.time() + await self._start()
                await asyncio.sleep(TICK)
        finally:
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
            if changed:
                await asyncio.to_thread(self._leases.make_rows, [source.id for source in changed])
                await asyncio.to_thread(self._leases.bring_forward, {s.id: self._latest(s) for s in changed})
        except Unavailable as error:
            self.problem = str(error)
            log.warning("waiting", reason=self.problem)
            return
        self.problem = ""
        for name in self._sources.keys() - wanted.keys():
            log.info("source_off", source=name)
        self._sources = wanted

    def _latest(self, source: Source) -> datetime:
        """When a source is due at the latest: now where it was edited; a rhythm that was made shorter holds at once."""
        now = self._clock.now()
        return now if source.id in self._sources else now + source.longest_pause

    async def _start(self) -> float:
        """Start what is due. Returns the seconds after which to look again."""
        free = AT_ONCE - len(self._running)
        if free <= 0:
            return TICK
        try:
            claimed = await asyncio.to_thread(self._leases.claim, min(free, AT_A_TIME))
        except Unavailable as error:
            self.problem = str(error)
            log.warning("waiting", reason=self.problem)
            return LOOK_AGAIN
        for name in claimed.sources:
            task = asyncio.create_task(self._run_one(name))
            self._running[name] = task
            task.add_done_callback(lambda ended, name=name: self._ended(name, ended))  # type: ignore[misc]
        if claimed.sources or claimed.next_due is None:
            return TICK if claimed.sources else LONGEST_TICK
        wait = (claimed.next_due - self._clock.now()).total_seconds()
        return min(max(wait, TICK), LONGEST_TICK)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        # One that takes longer than its rhythm is due at once, and may be claimed again before its task has gone.
        if self._running.get(name) is task:
            del self._running[name]

    async def _run_one(self, name: str) -> None:
        source = self._sources.get(name)
        if source is None:
            # Another process knows of it already; this one does at its next look.
            await asyncio.sleep(LOOK_AGAIN)
            source = self._sources.get(name)
        if source is None:
            await self._give_back(name)
            return
        try:
            await self._crawl(source)
        except Exception:
            # What nobody thought of must not leave the source leased for ever, nor let it be claimed again at once.
            log.exception("run_broke", source=name)
            await self._give_back(name, self._clock.now() + BROKEN)

    async def _give_back(self, name: str, due: datetime | None = None) -> None:
        pause = 0.5
        while True:
            try:
                await asyncio.to_thread(self._leases.give_back, [name], due)
            except Unavailable as error:
                log.warning("lease_not_given_back", source=name, reason=str(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)
            else:
                return


def _signature(folder: Path) -> object:
    """Changes whenever a source file does."""
    return tuple((path.name, _status(path)) for path in source_files(folder))


def _status(path: Path) -> tuple[int, int] | None:
    """None where the file has just gone, or leads nowhere."""
    with suppress(OSError):
        status = path.stat()
        return status.st_mtime_ns, status.st_size
    return None
