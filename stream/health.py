"""How a worker says how it is: for `minsheng run`'s display, the console, and whoever reads the logs."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from typing import Literal

import msgspec

from minsheng.clock import Clock

State = Literal["starting", "running", "waiting", "stopped"]

_RATE_SECONDS = 30.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one worker at one moment.

    Attributes
    ----------
    reason:
        Why it waits or stopped; empty while it runs, and after a stop that was asked for.
    since:
        Since when it is in this state.
    processed, rejected:
        Records handled since the start, and how many of them went to the dead letters.
    poll_seconds, work_seconds, send_seconds:
        Where its time went: asking the log, the stage's own work, storing outputs and positions.
    behind:
        Records in the input that the group has not committed; None where not known yet.
    rate:
        Records a second over the last half minute.
    last_error:
        The newest trouble of any kind, also one that is over.
    """

    stage: str
    state: State
    reason: str
    since: datetime
    processed: int
    rejected: int
    poll_seconds: float
    work_seconds: float
    send_seconds: float
    behind: int | None
    rate: float
    last_error: str


class HealthRecord:
    """What a worker writes its health into; any thread may read it by `snapshot`."""

    def __init__(self, stage: str, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stage = stage
        self._state: State = "starting"
        self._reason = ""
        self._since = clock.now()
        self._processed = 0
        self._rejected = 0
        self._seconds = {"poll": 0.0, "work": 0.0, "send": 0.0}
        self._behind: int | None = None
        self._last_error = ""
        self._recent: deque[tuple[float, int]] = deque()
        self._started = clock.monotonic()

    @property
    def state(self) -> State:
        return self._state

    def enter(self, state: State, reason: str = "") -> None:
        """Change the state; staying in the same one keeps its `since`."""
        with self._lock:
            if state != self._state:
                self._state, self._since = state, self._clock.now()
            self._reason = reason
            if reason:
                self._last_error = reason

    def error(self, text: str) -> None:
        with self._lock:
            self._last_error = text

    def spend(self, on: Literal["poll", "work", "send"], seconds: float) -> None:
        with self._lock:
            self._seconds[on] += seconds

    def count(self, processed: int, rejected: int) -> None:
        now = self._clock.monotonic()
        with self._lock:
            self._processed += processed
            self._rejected += rejected
            self._recent.append((now, processed))
            self._forget(now)

    def behind(self, messages: int) -> None:
        with self._lock:
            self._behind = messages

    def snapshot(self) -> Health:
        """The health now."""
        now = self._clock.monotonic()
        with self._lock:
            self._forget(now)
            window = min(_RATE_SECONDS, max(now - self._started, 1.0))
            return Health(
                stage=self._stage,
                state=self._state,
                reason=self._reason,
                since=self._since,
                processed=self._processed,
                rejected=self._rejected,
                poll_seconds=self._seconds["poll"],
                work_seconds=self._seconds["work"],
                send_seconds=self._seconds["send"],
                behind=self._behind,
                rate=sum(count for _, count in self._recent) / window,
                last_error=self._last_error,
            )

    def _forget(self, now: float) -> None:
        while self._recent and now - self._recent[0][0] > _RATE_SECONDS:
            self._recent.popleft()
