"""How much a caller may ask: requests a minute, and bytes of a body."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict

import msgspec
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from minsheng.clock import Clock

BODY_BYTES = 1 << 20
_CALLERS = 10_000
"""Callers that are remembered; the one that has asked longest ago goes first."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What is left. `reset`, `wait`: seconds until all of it is there again, and until the next request is let in."""

    limit: int
    left: int
    reset: int
    wait: int = 0

    @property
    def headers(self) -> dict[str, str]:
        found = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.left),
            "RateLimit-Reset": str(self.reset),
        }
        return {**found, "Retry-After": str(self.wait)} if self.wait else found


class RateLimit:
    """A bucket a caller, filled evenly: short bursts pass, and in the long run `per_minute` requests. Of this process
    alone: several consoles let through as many each. Safe to use from several threads."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._size = per_minute
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, *, cost: int = 1) -> Allowance:
        """Count one request; `wait` above 0 where it is one too many. `cost` 0 only looks."""
        now = self._clock.monotonic()
        rate = self._size / 60
        with self._lock:
            level, at = self._buckets.pop(caller, (float(self._size), now))
            level = min(level + (now - at) * rate, float(self._size))
            let_in = level >= 1
            if let_in:
                level -= cost
            self._buckets[caller] = (level, now)
            if len(self._buckets) > _CALLERS:
                self._buckets.popitem(last=False)
        return Allowance(
            limit=self._size,
            left=int(level),
            reset=math.ceil((self._size - level) / rate),
            wait=0 if let_in else max(math.ceil((1 - level) / rate), 1),
        )


def limited(receive: Receive, most: int = BODY_BYTES) -> Receive:
    """Reads a body that is no longer than `most` bytes, whatever its header says. Raises 413."""
    count = 0

    async def read() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > most:
            raise HTTPException(413, f"a body has at most {most} bytes")
        return message

    return read
