"""The whole road, watched by the caller: each stage a thread, but for those that keep a processor busy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import msgspec

from alerts.service import AlertService
from alerts.tickets import Ticket, TicketBook
from briefings.schedule import chores as briefing_chores
from console.owners import Owners
from crawlers.health import states
from crawlers.run import RunReport
from crawlers.stage import CrawlStage
from minsheng.clock import CHINA
from minsheng.errors import MinshengError, Unavailable
from minsheng.live import Picture, TicketLine
from minsheng.logs import get_logger
from minsheng.metrics import MetricsServer
from minsheng.policies import PolicyRegister
from minsheng.retention import RetentionClock
from minsheng.road import WORKERS, Road
from minsheng.stage_process import StageProcess, runs_apart
from search.index import Search
from stream.worker import Worker

logger = get_logger(__name__)

QUIET_SECONDS = 0.3
"""Pause between two looks at whether every stage has caught up."""


class Running:
    """The stages of one road, running. A context manager: leaving it stops them and waits for their last batch.

    Attributes
    ----------
    failed:
        Stage → why it stopped though nobody asked it to.
    """

    def __init__(self, road: Road) -> None:
        self.road = road
        self.failed: dict[str, str] = {}
        self.crawl = CrawlStage(road.settings, road.store, road.log, road.clock)
        self._workers: list[Worker[Any] | StageProcess] = []
        self._threads: list[threading.Thread] = []
        self._workers_stop = threading.Event()
        self._open = ExitStack()
        self._waited = False

    def __enter__(self) -> Self:
        road = self.road
        owners = Owners(road.store, road.index, road.clock)
        service = AlertService(
            road.store, road.settings, road.clock, index=road.index, scopes=owners, chores=briefing_chores(road)
        )
        with ExitStack() as opening:  # which closes the ones before, where one can't be opened
            opening.enter_context(service)
            opening.enter_context(RetentionClock(self.road))
            opening.enter_context(MetricsServer(self.road.settings, self.road.store, self.road.clock))
            self._open = opening.pop_all()
        self.road.on_notice = service.wake
        for name in WORKERS:
            apart = runs_apart(name, road.settings)
            worker = StageProcess(name, road.settings, road.clock) if apart else road.worker(name)
            self._workers.append(worker)
            self._start(name, lambda worker=worker: worker.run(self._workers_stop))  # type: ignore[misc]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.road.stop.set()
        self._workers_stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
        self._open.close()

    def start_crawling(self) -> None:
        """Crawl every source at its rhythm, until the road is stopped."""
        self._start("crawl", lambda: self.crawl.run(self.road.stop))

    def crawl_once(self) -> list[RunReport]:
        """Crawl every source now, and return when all are done."""
        return self.crawl.run_once(stop=self.road.stop)

    def wait_until_done(self) -> None:
        """Return when every stage has handled everything, or one of them has failed, or the road is stopped."""
        quiet = 0
        while quiet < 2 and not self.failed and not self.road.stop.wait(QUIET_SECONDS):
            try:
                # Twice in a row: between two stages a record is on no topic for a moment.
                quiet = quiet + 1 if not any(self.road.behind().values()) else 0
            except Unavailable:
                quiet = 0
        self._waited = True

    def picture(self) -> Picture:
        """What to show now; parts that can't be read at this moment are left empty, and it says so."""
        road = self.road
        stages = [worker.health for worker in self._workers]
        try:
            if self._waited:
                # A stage looks only now and then how far it is behind: what ends at once would show what it saw first.
                behind: dict[str, int] = {str(stage): count for stage, count in road.behind().items()}
                stages = [msgspec.structs.replace(one, behind=behind.get(one.stage, one.behind)) for one in stages]
            page = road.index.search(Search(size=8, highlight=False))
            newest, documents = [hit.record for hit in page.hits], page.total
            sources = states(road.store, road.clock)
            book = TicketBook(road.store, road.clock)
            tickets = [_line(ticket) for ticket in book.whole(book.list(status="unclosed", limit=20))]
            register = PolicyRegister(road.store)
            names = {policy.id: _short_name(policy.aliases, policy.title) for policy in register.all()}
            names = {**register.titles().all(lambda name: name not in names), **names}
            problem = ""
        except MinshengError as error:
            newest, documents, sources, tickets, names, problem = [], 0, [], [], {}, str(error)
        for stage, reason in self.failed.items():
            problem = f"{problem}\n{stage}: {reason}".strip()
        return Picture(
            now=road.clock.now(), stages=[self.crawl.health, *stages],
            sources=sources, documents=documents, newest=newest, tickets=tickets, policies=names, problem=problem,
        )  # fmt: skip

    def _start(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:
                # The other stages live on; the run ends with exit code 1.
                self.failed[name] = str(error)
                logger.error(
                    "stage_failed", stage=name, reason=str(error), exc_info=not isinstance(error, MinshengError)
                )

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


def _line(ticket: Ticket) -> TicketLine:
    pending = sorted((clock.due_at, clock.name) for clock in ticket.deadlines if clock.running and not clock.is_warning)
    due = ""
    if pending:
        due = f"时限：{pending[0][0].astimezone(CHINA):%m-%d %H:%M} 前{pending[0][1]}"
    plan = (ticket.plan or {}).get("title") or "无匹配预案"
    return TicketLine(
        number=ticket.number, level=ticket.level, title=ticket.title, why=ticket.why, documents=len(ticket.documents),
        plan=plan, due=due,
    )  # fmt: skip


def _short_name(aliases: tuple[str, ...], title: str) -> str:
    return aliases[0] if aliases else title
