"""What runs beside the alert stage: deadlines, escalations and sources are looked at, notices sent, links answered, and
signs of life given, on APScheduler's clock.

All state is in the store's rows. A service that was down for an hour finds at its first look what became due meanwhile;
several services at once do nothing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from alerts.casework.reminders import note_overdue
from alerts.channels import Channel
from alerts.deadlines import fire_due
from alerts.drills.book import DrillBook
from alerts.notify.answer_server import AnswerServer
from alerts.notify.answering import Answers
from alerts.notify.escalation import fire_escalations
from alerts.notify.heartbeat import Heartbeat, feed_watchdog
from alerts.notify.links import Links
from alerts.notify.topics import Scopes, tell_topics
from alerts.operator_notices import tell
from alerts.outbox import Outbox
from alerts.release.watch import ReleaseWatch
from alerts.responses.evaluation import ResponseBook
from alerts.timeline import SYSTEM
from crawlers.health import watch
from minsheng.chores import Chore, daily, every, run_due
from minsheng.clock import Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.policies import PolicyRegister
from minsheng.settings import Settings
from minsheng.store import Store
from search.index import Index

log = get_logger(__name__)

OUTBOX_SECONDS = 1.0
DEADLINE_SECONDS = 5.0
SOURCE_SECONDS = 15.0
HEARTBEAT_SECONDS = 20.0
RELEASE_SECONDS = 30.0
CHORE_SECONDS = 60.0
STALE_SECONDS = 120.0
"""The watchdog is fed only while notices, deadlines and escalations were looked at, without trouble, no longer ago than
this."""


class AlertService:
    """Deadlines and notices, in threads of this process. A context manager: leaving it stops the threads.

    Parameters
    ----------
    channels:
        Name → channel, in place of those that the settings name.
    index:
        What reports and evaluations read; None: reports are made without, and nothing is evaluated, asked or told of
        topics.
    scopes:
        What owners of watch topics may see; None: nobody is told of topics.
    chores:
        What else is to be done on its clock.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        channels: Mapping[str, Channel] | None = None,
        index: Index | None = None,
        scopes: Scopes | None = None,
        chores: Iterable[Chore] = (),
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._outbox = Outbox(store, settings, clock, channels)
        self._scheduler: Any = None
        self._delivering = threading.Lock()
        self._problems: dict[str, str] = {}
        self._heartbeat = Heartbeat(store, settings, clock)
        self._drills = DrillBook(store, clock)
        self._releases = ReleaseWatch(store, settings, clock, index)
        self._chores = [*_chores(store, settings, clock, index, scopes), *chores]
        self._answers: AnswerServer | None = None
        self._looked: dict[str, float] = {}
        self._fed: datetime | None = None

    @classmethod
    def from_settings(cls, settings: Settings, store: Store, clock: Clock) -> AlertService:
        return cls(store, settings, clock)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin; returns at once."""
        from apscheduler.schedulers.background import BackgroundScheduler

        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._scheduler.add_job(self.begin_delivery, "interval", seconds=OUTBOX_SECONDS, id="outbox")
        self._scheduler.add_job(self.check_deadlines, "interval", seconds=DEADLINE_SECONDS, id="deadlines")
        self._scheduler.add_job(self.check_sources, "interval", seconds=SOURCE_SECONDS, id="sources")
        self._scheduler.add_job(self.beat, "interval", seconds=HEARTBEAT_SECONDS, id="heartbeat")
        self._scheduler.add_job(self.watch_releases, "interval", seconds=RELEASE_SECONDS, id="releases")
        for chore in self._chores:
            # Each a job of its own, so that a long one keeps no other waiting.
            self._scheduler.add_job(self.do, "interval", args=[chore], seconds=CHORE_SECONDS, id=f"chore-{chore.name}")
        if self._settings.notify.watchdog_url is not None:
            seconds = self._settings.notify.watchdog_seconds
            self._scheduler.add_job(self.feed_watchdog, "interval", seconds=seconds, id="watchdog")
        self._serve_answers()
        self._scheduler.start()

    def stop(self) -> None:
        """Stop, having sent what waits now."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
            self.deliver()
        self._outbox.close()
        if self._answers is not None:
            self._answers.close()
            self._answers = None

    def wake(self) -> None:
        """Send notices now instead of at the next look: `on_notice` of the alert stage."""
        if self._scheduler is not None:
            # A second one while the first is at work is no trouble: it finds the work taken.
            self._scheduler.add_job(self.begin_delivery, id="wake", replace_existing=True, max_instances=4)

    def deliver(self) -> None:
        """Send what waits in the outbox, and wait for the end of it."""
        with self._delivering:
            self._guarded("notices", self._outbox.deliver)

    def begin_delivery(self) -> None:
        """Begin to send what waits in the outbox; a channel that is slow holds up no other."""
        if not self._delivering.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._guarded("notices", lambda: len(self._outbox.begin()))
        finally:
            self._delivering.release()

    def check_deadlines(self) -> None:
        """Fire the timers that are due, of deadlines and of escalations; note which tasks are overdue, and which drills
        over."""
        fired = self._guarded("deadlines", lambda: fire_due(self._store, self._clock, self._settings))
        fired += self._guarded("escalations", lambda: fire_escalations(self._store, self._clock, self._settings))
        fired += self._guarded("tasks", lambda: note_overdue(self._store, self._clock, self._settings))
        self._guarded("drills", self._drills.keep_ended)
        if fired:
            self.wake()

    def beat(self) -> None:
        """Tell the people on duty that the watch goes on, and of gaps in their rosters."""
        if self._guarded("heartbeat", self._heartbeat.beat):
            self.wake()

    def watch_releases(self) -> None:
        """Remind of what is missing for releases to come, and make the first reports of those that were."""
        if self._guarded("releases", self._releases.look):
            self.wake()

    def do(self, chore: Chore) -> None:
        """Do a chore whose time has come."""
        if self._guarded(chore.name, lambda: run_due(self._store, self._clock, chore)):
            self.wake()

    def feed_watchdog(self) -> None:
        """Tell the outside watchdog that all is well; not where it isn't."""
        now = self._clock.monotonic()
        looks = ("notices", "deadlines", "escalations")
        late = [what for what in looks if now - self._looked.get(what, -1e9) > STALE_SECONDS]
        if late:
            log.warning("watchdog_not_fed", reason=f"no good look at {', '.join(late)} of late")
            return

        def feed() -> int:
            if feed_watchdog(self._settings):
                self._fed = self._clock.now()
            return 0

        self._guarded("watchdog", feed)

    def _serve_answers(self) -> None:
        listen = self._settings.notify.answer_listen
        if listen:
            answers = Answers(self._store, self._clock, Links.from_settings(self._settings))
            self._answers = AnswerServer(answers, listen)
            self._answers.start()

    def check_sources(self) -> None:
        """Tell operators of sources that need them; also of those that nobody crawls any more."""

        def look() -> int:
            watch(self._store, self._clock)
            return tell(self._store, self._settings, self._clock, self._outbox.channel)

        self._guarded("sources", look)

    def health(self) -> dict[str, Any]:
        """Whether it runs, what it last failed at, and how many notices wait, were sent and were given up."""
        fed = {"watchdog_fed_at": self._fed} if self._settings.notify.watchdog_url is not None else {}
        return {
            "running": self._scheduler is not None,
            "problems": dict(self._problems),
            **self._outbox.counts(),
            **fed,
        }

    def _guarded(self, what: str, work: Callable[[], int]) -> int:
        """A look that fails is said once and repeated at the next tick; the thread lives on."""
        try:
            done = work()
        except Exception as error:
            known = isinstance(error, Unavailable)
            if self._problems.get(what) != str(error):
                log.error("alert_service_failed", what=what, reason=str(error), exc_info=not known)
            self._problems[what] = str(error)
            return 0
        self._problems.pop(what, None)
        self._looked[what] = self._clock.monotonic()
        return done


def _chores(
    store: Store, settings: Settings, clock: Clock, index: Index | None, scopes: Scopes | None
) -> Iterator[Chore]:
    """What is done again and again beside the tickets."""
    schedule = settings.schedule

    def remind() -> int:
        from alerts.statutory.telling import tell_due  # with what reads letters, which is loaded when it is needed

        return tell_due(store, settings, clock)

    yield Chore(name="statutory", next_at=daily(schedule.statutory_at), work=remind)
    if index is None:
        return

    def evaluate() -> int:
        return len(ResponseBook(store, clock).refresh(index, PolicyRegister(store, clock), actor=SYSTEM))

    def ask() -> int:
        from answers.book import AnswerBook  # the encoder behind the questions is loaded when it is first needed
        from answers.mining import QuestionMine

        ended = AnswerBook(store, clock).expire_due()
        mined = QuestionMine(store, clock, index, keep_days=settings.search.retention_days).run()
        return len(ended) + mined.questions

    yield Chore(name="responses", next_at=every(schedule.responses_minutes), work=evaluate)
    yield Chore(name="questions", next_at=daily(schedule.questions_at), work=ask)
    if scopes is not None:

        def topics() -> int:
            return tell_topics(store, settings, clock, index, scopes)

        yield Chore(name="topics", next_at=every(schedule.topic_minutes), work=topics)
