"""How much a caller may ask: requests a minute, and bytes of a body."""

from __future__ import annotations

import fcntl
import hashlib
import math
import mmap
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from minsheng.clock import Clock

BODY_BYTES = 1 << 20
_CALLERS = 10_000
"""Callers that are remembered; the one that has asked longest ago goes first."""
_SLOTS, _NEAR = 1 << 13, 8
"""Places for callers in a file that processes share, and among how many of them one caller's is looked for."""
_SLOT = struct.Struct("=8sdd")


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


class Buckets(Protocol):
    """Where callers' buckets are kept: what was left in each, and when."""

    @contextmanager
    def held(self, caller: str) -> Iterator[list[float]]:
        """A caller's level and its moment, to be changed in place while nobody else does; empty for a new caller."""
        ...


class OwnBuckets:
    """Those of one process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, list[float]] = OrderedDict()

    @contextmanager
    def held(self, caller: str) -> Iterator[list[float]]:
        with self._lock:
            bucket = self._kept.pop(caller, [])
            yield bucket
            self._kept[caller] = bucket
            if len(self._kept) > _CALLERS:
                self._kept.popitem(last=False)


class SharedBuckets:
    """Those of all processes of one machine that were given the same file. Callers are told apart by a keyed hash of 8
    bytes; where many meet in one place, the one that has asked longest ago goes."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a+b")
        with self._alone():
            self._file.truncate(_SLOTS * _SLOT.size)
        self._memory = mmap.mmap(self._file.fileno(), _SLOTS * _SLOT.size)

    @contextmanager
    def held(self, caller: str) -> Iterator[list[float]]:
        name = hashlib.blake2b(caller.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        first = int.from_bytes(name, "big")
        places = [(first + step) % _SLOTS * _SLOT.size for step in range(_NEAR)]
        with self._alone():
            slots = [(place, *_SLOT.unpack_from(self._memory, place)) for place in places]
            mine = next((slot for slot in slots if slot[1] == name), None)
            place = mine[0] if mine else min(slots, key=lambda slot: slot[3])[0]
            bucket = [mine[2], mine[3]] if mine else []
            yield bucket
            _SLOT.pack_into(self._memory, place, name, *bucket)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # The file's lock is the process's, so threads need one of their own.
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


class RateLimit:
    """A bucket a caller, filled evenly: short bursts pass, and in the long run `per_minute` requests. Safe to use from
    several threads.

    Parameters
    ----------
    buckets:
        Where they are kept; default: in this process, and consoles elsewhere let through as many each.
    """

    def __init__(self, clock: Clock, per_minute: int, buckets: Buckets | None = None) -> None:
        self._clock = clock
        self._size = per_minute
        self._buckets = buckets or OwnBuckets()

    def take(self, caller: str, *, cost: int = 1) -> Allowance:
        """Count one request; `wait` above 0 where it is one too many. `cost` 0 only looks."""
        now = self._clock.monotonic()
        rate = self._size / 60
        with self._buckets.held(caller) as bucket:
            level, at = bucket or (float(self._size), now)
            level = min(level + max(0.0, now - at) * rate, float(self._size))
            let_in = level >= 1
            if let_in:
                level -= cost
            bucket[:] = level, now
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
