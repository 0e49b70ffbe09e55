"""The crawl stage: sources onto the log, each at its rhythm, all in one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import msgspec

from crawlers.backfills import Window
from crawlers.chromium import close_browser
from crawlers.crawl import crawl_source
from crawlers.health import watch
from crawlers.host_ledger import StoreLedger
from crawlers.intake import Intake
from crawlers.leases import BEAT, Leases
from crawlers.logins import Logins
from crawlers.politeness import HostGate
from crawlers.privacy import author_keys
from crawlers.reactor import submit
from crawlers.recording import record_run
from crawlers.run import Run, RunReport
from crawlers.schedule import AT_ONCE, SourceScheduler
from crawlers.sink import LogSink
from crawlers.sources import FOLDER, Source, load_sources, nearest, sync_folder
from crawlers.spiders.base import said
from crawlers.websub.discovery import Offer
from crawlers.websub.hubs import keep_subscriptions
from crawlers.websub.subscriptions import note_offer
from minsheng.clock import Clock
from minsheng.errors import Unavailable, WrongSettings, WrongUse
from minsheng.logs import get_logger
from minsheng.parts import topic_partitions
from minsheng.policies import PolicyRegister
from minsheng.records import Document
from minsheng.settings import Settings
from minsheng.store import Store
from stream.health import Health, HealthRecord
from stream.log import Log

log = get_logger(__name__)

BACKFILL_TIMEOUT = 24 * 3600.0
"""Seconds that a backfill may take; it can be stopped and goes on the next time."""
WATCH = 60.0
"""Seconds between two looks for sources that are late or quiet."""
SUBSCRIBE = 10.0
"""Seconds between two looks for subscriptions at hubs that are due."""


class CrawlStage:
    """Crawls the sources of the data folder and the store onto the log.

    Parameters
    ----------
    on_report:
        Called after each run of a source, in the crawl's thread.
    """

    name = "crawl"

    def __init__(
        self,
        settings: Settings,
        store: Store,
        log: Log,
        clock: Clock,
        *,
        on_report: Callable[[RunReport], None] | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._log = log
        self._clock = clock
        self._on_report = on_report or (lambda report: None)
        self._folder = settings.path(FOLDER)
        self._leases = Leases(store, clock)
        self._ledger = StoreLedger(
            store,
            clock,
            worker=self._leases.worker,
            others=lambda: self._leases.others,
            longest=settings.crawl.timeout + 30.0,
        )
        self._gate = HostGate.from_settings(settings.crawl, clock, self._ledger)
        self._health = HealthRecord(self.name, clock)

    @property
    def health(self) -> Health:
        """How the stage is doing; may be read from any thread."""
        return self._health.snapshot()

    def run(self, stop: threading.Event) -> None:
        """Crawl at the sources' rhythms until `stop` is set. May be called in any thread."""
        if not self._settings.crawl.contact:
            log.warning("no_contact", hint="set crawl.contact, so that site owners can reach you")
        self._health.enter("running")
        try:
            submit(self._serve(stop)).result()
        except Exception as error:
            self._health.enter("stopped", str(error))
            raise
        self._health.enter("stopped")

    def run_once(self, source_ids: Sequence[str] | None = None, stop: threading.Event | None = None) -> list[RunReport]:
        """Crawl each enabled source once, or each of those named, all at the same time.

        Returns
        -------
        A report for each source, and one that failed for each source file that can't be used.

        Raises
        ------
        WrongUse
            If there is no such source.
        Unavailable
            If the store or the log can't be reached at the start.
        """
        errors = sync_folder(self._store, self._folder)
        found = {source.id: source for source in load_sources(self._store)}
        for name in source_ids or ():
            if name not in found:
                raise WrongUse(f"there is no source '{name}'", nearest(name, list(found)) if found else "")
        chosen = [found[name] for name in source_ids] if source_ids else [s for s in found.values() if s.enabled]
        self._log.ensure_topics(topic_partitions(self._settings))
        self._health.enter("running")
        reports = submit(self._crawl_all(chosen, stop or threading.Event())).result()
        self._health.enter("stopped")
        for error in errors:
            log.error("source_file_refused", reason=str(error))
        broken = [] if source_ids else errors
        return [*reports, *(RunReport(source=_file_of(error), error=str(error)) for error in broken)]

    def backfill(self, source_id: str, window: Window, *, limit: int | None = None) -> RunReport:
        """Fetch what a source published in a window of time, as far back as its own pages go.

        What is known is not fetched again: a backfill that was cut off goes on where it was. The source's rhythm and
        state stay as they are, and it goes on being watched meanwhile: a backfill has a lease of its own, so that there
        is one at a time of each source, and takes its turns at the hosts like every crawler.

        Parameters
        ----------
        limit:
            How many pages are fetched at most.

        Raises
        ------
        WrongUse
            If there is no such source.
        """
        sync_folder(self._store, self._folder)
        found = {source.id: source for source in load_sources(self._store)}
        if source_id not in found:
            raise WrongUse(f"there is no source '{source_id}'", nearest(source_id, list(found)) if found else "")
        self._log.ensure_topics(topic_partitions(self._settings))

        stop = threading.Event()

        async def crawl() -> RunReport:
            async with self._living(stop):
                lease = backfill_lease(source_id)
                if not await asyncio.to_thread(self._leases.claim_named, [lease]):
                    return RunReport(source=source_id, error="another backfill of it is under way")
                run = await self._run_of(found[source_id], self._sink(stop), limit=limit, window=window)
                patient = msgspec.structs.replace(self._settings.crawl, source_timeout=BACKFILL_TIMEOUT)
                return await crawl_source(found[source_id], run, patient, self._gate)

        return submit(crawl()).result()

    async def _run_of(
        self, source: Source, sink: LogSink, *, limit: int | None = None, window: Window | None = None
    ) -> Run:
        """A run of a source, with the keys, the login and the policies of this moment."""
        return Run(
            source,
            sink,
            self._store,
            self._clock,
            author_keys(self._settings, self._clock.now()),
            limit=limit,
            window=window,
            login=await asyncio.to_thread(self._login, source),
            policies=PolicyRegister(self._store).all,
        )

    async def _serve(self, stop: threading.Event) -> None:
        await self._ready(stop)
        sink = self._sink(stop)

        async def crawl(source: Source) -> datetime:
            started = self._clock.now()
            try:
                return await self._crawl(source, sink)
            except Exception as error:
                # Keys that can't be read, for one: a failed run like others, tried again later and told.
                log.exception("run_broke", source=source.id)
                self._health.error(f"{source.id}: {error}")
                return await self._record(source, RunReport(source=source.id, error=said(error)), started, sink)

        scheduler = SourceScheduler(crawl, self._store, self._clock, self._folder, self._leases)

        def stopped() -> bool:
            problem = scheduler.problem or sink.problem
            self._health.enter("waiting" if problem else "running", problem)
            return stop.is_set()

        async with self._living(stop):
            beside = [asyncio.create_task(self._watch()), asyncio.create_task(self._subscribe())]
            try:
                await scheduler.run(stopped)
            finally:
                for task in beside:
                    task.cancel()

    @asynccontextmanager
    async def _living(self, stop: threading.Event) -> AsyncIterator[None]:
        """Be one of the crawlers of this store while the block lasts."""
        # Of its own: behind a queue of large pages that are being read, a sign of life would come too late.
        with ThreadPoolExecutor(1, "crawl-beat") as thread:
            await self._beat(stop, thread)
            if self._leases.shared:
                # The others see at their next beat that hosts are shared now.
                await asyncio.to_thread(stop.wait, 1.5 * BEAT)
            beating = asyncio.create_task(self._beats(stop, thread))
            try:
                yield
            finally:
                beating.cancel()
                await close_browser()
                await self._ledger.close()
                with suppress(Unavailable):
                    # In the beats' own thread: a beat that is under way would write its row again behind it.
                    await asyncio.get_running_loop().run_in_executor(thread, self._leases.leave)

    async def _beat(self, stop: threading.Event, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        pause = 0.5
        while True:
            try:
                await loop.run_in_executor(thread, self._leases.beat)
                await loop.run_in_executor(thread, self._ledger.refresh)
            except Unavailable as error:
                if stop.is_set():
                    raise
                self._health.enter("waiting", str(error))
                log.warning("waiting", reason=str(error), seconds=pause)
                await asyncio.to_thread(stop.wait, pause)
                pause = min(pause * 2, 30.0)
            else:
                return

    async def _beats(self, stop: threading.Event, thread: ThreadPoolExecutor) -> None:
        """Say that this crawler lives, and follow what the others note of hosts."""
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._beat(stop, thread)
            except Unavailable:
                continue
            except Exception:
                # A crawler without a sign of life would be taken for dead while it works.
                log.exception("beat_broke")

    async def _watch(self) -> None:
        """Tell operators of sources that are late or quiet."""
        while True:
            await asyncio.sleep(WATCH)
            try:
                await asyncio.to_thread(watch, self._store, self._clock)
            except Unavailable:
                continue
            except Exception as error:
                # One row that can't be read must not end the watch over all sources.
                log.exception("watch_broke")
                self._health.error(f"watch: {error}")

    async def _subscribe(self) -> None:
        """Keep the subscriptions at feeds' hubs."""
        while True:
            await asyncio.sleep(SUBSCRIBE)
            try:
                await keep_subscriptions(self._store, self._settings, self._clock, self._gate)
            except Unavailable:
                continue
            except Exception as error:
                log.exception("subscriptions_broke")
                self._health.error(f"subscriptions: {error}")

    async def _ready(self, stop: threading.Event) -> None:
        """Wait for the log."""
        pause = 0.5
        while not stop.is_set():
            try:
                await asyncio.to_thread(self._log.ensure_topics, topic_partitions(self._settings))
            except Unavailable as error:
                self._health.enter("waiting", str(error))
                log.warning("waiting", reason=str(error), seconds=pause)
                await asyncio.to_thread(stop.wait, pause)
                pause = min(pause * 2, 30.0)
            else:
                return

    async def _crawl_all(self, chosen: Sequence[Source], stop: threading.Event) -> list[RunReport]:
        sink = self._sink(stop)
        slots = asyncio.Semaphore(AT_ONCE)
        reports: dict[str, RunReport] = {}

        async def one(source: Source) -> None:
            async with slots:
                await self._crawl(source, sink, reports)

        async with self._living(stop):
            mine = set(await asyncio.to_thread(self._leases.claim_named, [source.id for source in chosen]))
            for source in chosen:
                if source.id not in mine:
                    busy = "another crawler is at it now: see it in minsheng sources list in a moment"
                    reports[source.id] = RunReport(source=source.id, error=busy)
            await asyncio.gather(*(one(source) for source in chosen if source.id in mine))
        return [reports[source.id] for source in chosen]

    async def _crawl(self, source: Source, sink: LogSink, reports: dict[str, RunReport] | None = None) -> datetime:
        """Crawl one source and write down what came of it. Returns when it is due again."""
        started = self._clock.now()
        run = await self._run_of(source, sink)
        report = await crawl_source(source, run, self._settings.crawl, self._gate)
        if run.offers is not None:
            await self._note_offer(source, run.offers)
        self._health.count(report.items, sum(report.rejected.values()))
        if not report.ok:
            self._health.error(f"{source.id}: {report.error}")
        if reports is not None:
            reports[source.id] = report
        self._on_report(report)
        return await self._record(source, report, started, sink, run.new)

    async def _note_offer(self, source: Source, offers: Sequence[Offer]) -> None:
        offer = next(iter(offers), None)
        url = self._settings.receive.public_url
        with suppress(Unavailable):  # the next run that reads the feed notes it
            await asyncio.to_thread(note_offer, self._store, source, offer, url, self._clock.now())

    async def _record(
        self, source: Source, report: RunReport, started: datetime, sink: LogSink, new: Sequence[Document] = ()
    ) -> datetime:
        """Write down what came of a run. Returns when the source is due again."""
        pause = 0.5
        while True:
            try:
                return await asyncio.to_thread(
                    record_run,
                    self._store,
                    source,
                    report,
                    started,
                    self._clock.now(),
                    new=new,
                    worker=self._leases.worker,
                )
            except Unavailable as error:
                # As long as it is not written, nobody else may take the source: what it gave is stored.
                log.warning("state_not_written", source=source.id, reason=str(error), seconds=pause)
                if sink.stopping:
                    return self._clock.now()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)

    def _login(self, source: Source) -> str:
        """The source's cookie; empty where none was given or it can't be read, of which the log tells."""
        try:
            login = Logins.from_settings(self._settings, self._store).of(source.id)
        except (WrongSettings, Unavailable) as error:
            log.error("login_not_read", source=source.id, reason=str(error))
            return ""
        return login.cookie if login else ""

    def _sink(self, stop: threading.Event) -> LogSink:
        return LogSink(Intake(self._store, self._log.producer(), self._clock), stop)


def backfill_lease(source_id: str) -> str:
    """What the lease of a source's backfill is called. No source has such an id: none has a sign like this in it."""
    return f"{source_id[:90]}#backfill"


def _file_of(error: WrongUse) -> str:
    """A source file's error begins with its path."""
    return error.message.partition(".toml")[0].rpartition("/")[2]
