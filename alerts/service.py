"""What runs beside the alert stage: deadlines and sources are looked at and notices sent, on APScheduler's clock.

All state is in the store's rows. A service that was down for an hour finds at its first look what became due meanwhile;
several services at once do nothing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from alerts.casework.reminders import note_overdue
from alerts.channels import Channel
from alerts.deadlines import fire_due
from alerts.operator_notices import tell
from alerts.outbox import Outbox
from crawlers.health import watch
from minsheng.clock import Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.store import Store

log = get_logger(__name__)

OUTBOX_SECONDS = 1.0
DEADLINE_SECONDS = 5.0
SOURCE_SECONDS = 15.0


class AlertService:
    """Deadlines and notices, in threads of this process. A context manager: leaving it stops the threads.

    Parameters
    ----------
    channels:
        Name → channel, in place of those that the settings name.
    """

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, channels: Mapping[str, Channel] | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._outbox = Outbox(store, settings, clock, channels)
        self._scheduler: Any = None
        self._delivering = threading.Lock()
        self._problems: dict[str, str] = {}

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
        self._scheduler.add_job(self.deliver, "interval", seconds=OUTBOX_SECONDS, id="outbox")
        self._scheduler.add_job(self.check_deadlines, "interval", seconds=DEADLINE_SECONDS, id="deadlines")
        self._scheduler.add_job(self.check_sources, "interval", seconds=SOURCE_SECONDS, id="sources")
        self._scheduler.start()

    def stop(self) -> None:
        """Stop, having sent what waits now."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
            self.deliver()

    def wake(self) -> None:
        """Send notices now instead of at the next look: `on_notice` of the alert stage."""
        if self._scheduler is not None:
            self._scheduler.add_job(self.deliver, id="wake", replace_existing=True)

    def deliver(self) -> None:
        """Send what waits in the outbox."""
        if not self._delivering.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._guarded("notices", self._outbox.deliver)
        finally:
            self._delivering.release()

    def check_deadlines(self) -> None:
        """Fire the timers that are due, and note which tasks are overdue."""
        fired = self._guarded("deadlines", lambda: fire_due(self._store, self._clock, self._settings))
        fired += self._guarded("tasks", lambda: note_overdue(self._store, self._clock, self._settings))
        if fired:
            self.wake()

    def check_sources(self) -> None:
        """Tell operators of sources that need them; also of those that nobody crawls any more."""

        def look() -> int:
            watch(self._store, self._clock)
            return tell(self._store, self._settings, self._clock, self._outbox.channel)

        self._guarded("sources", look)

    def health(self) -> dict[str, Any]:
        """Whether it runs, what it last failed at, and how many notices wait, were sent and were given up."""
        return {"running": self._scheduler is not None, "problems": dict(self._problems), **self._outbox.counts()}

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
        return done
