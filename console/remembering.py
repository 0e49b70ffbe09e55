"""Values that are dear to make, kept for some seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from minsheng.clock import Clock
from minsheng.logs import get_logger

log = get_logger(__name__)
T = TypeVar("T")


class Remembered(Generic[T]):
    """Values by key. Two who ask for the same at once wait for one making; who asks for another waits for nobody.

    Parameters
    ----------
    seconds:
        How long a value is given as it is.
    longer:
        For so many seconds more it is given, too, but a new one is then made beside it: who looks again has that. For
        what takes seconds to make, and says of when it is.

    Examples
    --------
    >>> from minsheng.clock import SystemClock
    >>> kept = Remembered[int](SystemClock(), 60.0)
    >>> kept.get("answer", lambda: 42), kept.get("answer", lambda: 43)
    (42, 42)
    """

    def __init__(self, clock: Clock, seconds: float, longer: float = 0.0) -> None:
        self._clock = clock
        self._seconds = seconds
        self._longer = longer
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Kept[T]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value kept for the key, or a new one. What `make` raises is raised, and nothing is kept then; where it
        was made beside an older value, it stands in the log, and the next who asks lets it be made again."""
        with self._lock:
            now = self._clock.monotonic()
            most = self._seconds + self._longer
            self._kept = {name: one for name, one in self._kept.items() if now - one.asked < most}
            kept = self._kept.setdefault(key, _Kept(now))
            old = bool(kept.made) and now - kept.asked >= self._seconds
            again = old and not kept.remaking
            kept.remaking |= again
        if again:
            threading.Thread(target=self._remake, args=(key, kept, make), name="remembering", daemon=True).start()
        if old:
            return kept.made[0]
        with kept.lock:
            if not kept.made:
                kept.made = [make()]
                kept.asked = self._clock.monotonic()
            return kept.made[0]

    def _remake(self, key: Hashable, kept: _Kept[T], make: Callable[[], T]) -> None:
        try:
            value = make()
        except Exception as error:  # whoever asked has an older value; the store or the index may be closed by now
            log.warning("not_made_anew", reason=f"{type(error).__name__}: {error}")
            kept.remaking = False
            return
        made = _Kept[T](self._clock.monotonic())
        made.made = [value]
        with self._lock:
            if self._kept.get(key) is kept:
                self._kept[key] = made


class _Kept(Generic[T]):
    """A value that is being made, or was: then `made` holds it. `asked`: when it was."""

    def __init__(self, now: float) -> None:
        self.lock = threading.Lock()
        self.asked = now
        self.made: list[T] = []
        self.remaking = False
