"""Values that are dear to make, kept for some seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from minsheng.clock import Clock

T = TypeVar("T")


class Remembered(Generic[T]):
    """Values by key. Two who ask for the same at once wait for one making; who asks for another waits for nobody.

    Examples
    --------
    >>> from minsheng.clock import SystemClock
    >>> kept = Remembered[int](SystemClock(), 60.0)
    >>> kept.get("answer", lambda: 42), kept.get("answer", lambda: 43)
    (42, 42)
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Kept[T]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value kept for the key, or a new one. What `make` raises is raised, and nothing is kept then."""
        with self._lock:
            now = self._clock.monotonic()
            self._kept = {name: one for name, one in self._kept.items() if now - one.asked < self._seconds}
            kept = self._kept.setdefault(key, _Kept(now))
        with kept.lock:
            if not kept.made:
                kept.made = [make()]
                kept.asked = self._clock.monotonic()
            return kept.made[0]


class _Kept(Generic[T]):
    """A value that is being made, or was: then `made` holds it."""

    def __init__(self, now: float) -> None:
        self.lock = threading.Lock()
        self.asked = now
        self.made: list[T] = []
