"""Reading that takes long, away from the event loop: in a thread, or, where it is much, in a process of its own.

A feed of ten megabytes takes a minute to read. In the loop it would hold up every other source; in a thread it would
still have a share of the interpreter, and hold it for as long as a single expression runs over the whole text. A
process of its own has neither, can be given limits, and can be ended. What it found comes back in parts, so that taking
it over is no long step either.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import resource
import struct
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from crawlers.charset import declared_charset, decode
from crawlers.inflate import inflated
from crawlers.sitemaps import Choice, MapEntry
from minsheng.errors import BadInput

INLINE = 8_000
"""Bytes; what holds no more is read at once, in some milliseconds."""
LARGE = 500_000
"""Bytes; what holds more, opened, is read in a process of its own, which takes half a second to start."""
PART = 500
"""Entries that come over at a time."""
AT_ONCE = 2
"""Such processes at a time; further sources wait for their turn."""
LONGEST = 300.0
"""Seconds, of the clock and of the processor, that reading one body may take."""
MOST_MEMORY = 4_000_000_000
"""Bytes that such a process may ask for."""
_LENGTH = struct.Struct("<I")
_GZIP = b"\x1f\x8b"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read: a body as it came, and all that its reading depends on."""

    reader: str
    url: str
    content_type: str = ""
    now: datetime
    kind: str = "news"
    choice: Choice = Choice()


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a body says of itself; its entries come after it.

    Attributes
    ----------
    error, hint:
        Why it can't be read; empty where it can.
    offered:
        Feeds that it names, where it is a page rather than a feed.
    older:
        Where a feed's older entries are.
    named:
        Things that it names, wanted or not.
    sitemaps:
        The sitemaps that it names.
    hubs, topic:
        As `crawlers.feeds.Feed` has them.
    """

    error: str = ""
    hint: str = ""
    title: str = ""
    offered: list[str] = []
    older: str | None = None
    named: int = 0
    sitemaps: list[MapEntry] = []
    robots: list[str] = []
    hubs: list[str] = []
    topic: str | None = None


class Read(NamedTuple):
    """A head, and its entries in parts, each of which is small."""

    head: Head
    parts: AsyncIterator[list[Any]]


_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def read_apart(asked: Asked, body: bytes) -> Read:
    """Read a body where it holds up nobody.

    Raises
    ------
    BadInput
        If it can't be read, or takes more time or memory than it may.
    """
    if len(body) > LARGE or (len(body) > LARGE // 20 and body.startswith(_GZIP)):
        head, parts = await _in_process(asked, body)
        return Read(head, _taken_over(parts))
    if len(body) <= INLINE and not body.startswith(_GZIP):
        head, entries = read_here(asked, body)
    else:
        head, entries = await asyncio.to_thread(read_here, asked, body)
    if head.error:
        raise Unread(head)
    return Read(head, _parted(entries))


class Unread(BadInput):
    """A body could not be read; `head` has what it says all the same."""

    def __init__(self, head: Head) -> None:
        super().__init__(head.error, head.hint)
        self.head = head


def read_here(asked: Asked, body: bytes) -> tuple[Head, list[Any]]:
    """Read a body in this thread; what can't be read gives a head that says why."""
    from crawlers import feeds, sitemaps

    try:
        opened = inflated(body, asked.url)
        if not opened.strip():
            raise BadInput(f"{asked.url} answered with an empty page")
        text = decode(opened, declared_charset(asked.content_type))
        if asked.reader == "sitemap":
            found = sitemaps.read_sitemap(text, asked.url)
            named = len(found.pages) + len(found.sitemaps)
            wanted = sitemaps.wanted(found.pages, asked.choice, asked.now)
            return Head(named=named, sitemaps=found.sitemaps), wanted
        try:
            feed = feeds.read_feed(text, asked.url, asked.now, asked.kind)  # type: ignore[arg-type]
        except BadInput as error:
            offered = feeds.offered_by(text, asked.url)
            return Head(error=error.message, hint=error.hint, offered=offered), []
        head = Head(title=feed.title, older=feed.older, named=len(feed.entries), hubs=feed.hubs[:10], topic=feed.topic)
        return head, feed.entries
    except BadInput as error:
        return Head(error=error.message, hint=error.hint), []


async def _parted(entries: Sequence[Any]) -> AsyncIterator[list[Any]]:
    for start in range(0, len(entries), PART):
        yield list(entries[start : start + PART])
        await asyncio.sleep(0)


async def _taken_over(parts: Sequence[bytes]) -> AsyncIterator[list[Any]]:
    for part in parts:
        yield pickle.loads(part)  # noqa: S301 - our own process wrote it
        await asyncio.sleep(0)


async def _in_process(asked: Asked, body: bytes) -> tuple[Head, list[bytes]]:
    loop = asyncio.get_running_loop()
    slots = _slots.setdefault(loop, asyncio.Semaphore(AT_ONCE))
    question = msgspec.msgpack.encode(asked)
    async with slots:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "crawlers.apart",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Wherever this process has its packages from.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            answer, _ = await asyncio.wait_for(
                process.communicate(b"".join((_LENGTH.pack(len(question)), question, body))), LONGEST
            )
        except TimeoutError:
            raise _too_much(asked.url, len(body)) from None
        finally:
            # Also where the crawl is told to stop.
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    frames = list(_frames(answer))
    if process.returncode != 0 or not frames:
        raise _too_much(asked.url, len(body))
    head = msgspec.msgpack.decode(frames[0], type=Head)
    if head.error:
        raise Unread(head)
    return head, frames[1:]


def _too_much(url: str, size: int) -> BadInput:
    return BadInput(
        f"{url}: {size:,} bytes are too much to read: they take more than {LONGEST:g} s or "
        f"{MOST_MEMORY // 1_000_000:,} MB",
        "ask the site for a part of it: a feed or sitemap of the newest, or lower crawl.max_body",
    )


def _frames(answer: bytes) -> Iterator[bytes]:
    place = 0
    while place + _LENGTH.size <= len(answer):
        (size,) = _LENGTH.unpack_from(answer, place)
        place += _LENGTH.size
        yield answer[place : place + size]
        place += size


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Read one body that comes in at `source`: the process's whole work."""
    (size,) = _LENGTH.unpack(source.read(_LENGTH.size))
    asked = msgspec.msgpack.decode(source.read(size), type=Asked)
    head, entries = read_here(asked, source.read())
    frames = (entries[start : start + PART] for start in range(0, len(entries), PART))
    for encoded in (msgspec.msgpack.encode(head), *map(pickle.dumps, frames)):
        sink.write(_LENGTH.pack(len(encoded)) + encoded)
    sink.flush()


def _limit() -> None:
    # The loop goes first, also on one processor.
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_CPU, (int(LONGEST), int(LONGEST)))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    _limit()
    serve(sys.stdin.buffer, sys.stdout.buffer)
