"""The embedded log: one SQLite file, for everything on one machine. Safe for many threads and processes."""

from __future__ import annotations

import heapq
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from minsheng.clock import Clock, SystemClock
from minsheng.errors import MinshengError
from stream.embedded_consumer import EmbeddedConsumer, Heartbeat
from stream.embedded_file import SPAN, LogFile
from stream.log import Message, Received, TopicLag, check_size, key_bytes, key_text, partition_key

T = TypeVar("T")

_RETAIN_CHUNK = 20_000


class EmbeddedLog:
    """The log in a SQLite file.

    Parameters
    ----------
    path:
        The file; made with its folder at first use.
    clock:
        Times messages and leases. All members of a group need the same monotonic clock, as on one machine they have.
    lease_seconds:
        A member whose process is silent for so long has died: others take over its partitions.
    max_poll_seconds:
        A member that lives, but has not polled for so long, is stuck: others take over its partitions.
    busy_seconds:
        How long to wait for another process that writes, before `Unavailable`.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock | None = None,
        lease_seconds: float = 10.0,
        max_poll_seconds: float = 300.0,
        busy_seconds: float = 10.0,
    ) -> None:
        self.path = path
        self.clock = clock or SystemClock()
        self.lease_seconds = lease_seconds
        self.busy_seconds = busy_seconds
        self.file = LogFile.at(path)
        self.heartbeat = Heartbeat(self.file, self.clock, lease_seconds, max_poll_seconds, busy_seconds)
        self._lock = threading.RLock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._consumers: list[EmbeddedConsumer] = []

    def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        """Create the topics that are missing; see `stream.log.Log`."""
        known = self._known_topics()
        missing = {topic: count for topic, count in partitions.items() if topic not in known}
        if not missing:
            return
        writer = self.writer()
        with self.file.transaction(writer):
            for topic, count in missing.items():
                if count < 1:
                    raise ValueError(f"topic {topic} needs at least one partition")
                if writer.execute("SELECT 1 FROM partitions WHERE topic = ?", (topic,)).fetchone() is None:
                    writer.executemany(
                        "INSERT INTO partitions (topic, number) VALUES (?, ?)", [(topic, n) for n in range(count)]
                    )
            writer.execute("UPDATE groups SET generation = generation + 1")
        self.file.announce()

    def producer(self) -> EmbeddedProducer:
        return EmbeddedProducer(self)

    def consumer(self, topics: Sequence[str], group: str) -> EmbeddedConsumer:
        consumer = EmbeddedConsumer(
            self.file, self.clock, self.heartbeat, topics, group, self.lease_seconds, self.busy_seconds
        )
        with self._lock:
            self._consumers = [other for other in self._consumers if not other.closed]
            self._consumers.append(consumer)
        return consumer

    def lag(self, topic: str, group: str) -> TopicLag:
        """How far the group is behind; `end` is the sum of the partitions' end offsets."""

        def ask(reader: sqlite3.Connection) -> TopicLag:
            behind = end = 0
            rows = reader.execute(
                "SELECT p.id, p.next_offset, c.next_offset FROM partitions p "
                "LEFT JOIN commits c ON c.partition_id = p.id AND c.group_name = ? WHERE p.topic = ?",
                (group, topic),
            ).fetchall()
            for partition, last, committed in rows:
                first = reader.execute(
                    "SELECT position FROM messages WHERE position >= ? AND position < ? ORDER BY position LIMIT 1",
                    (partition * SPAN, (partition + 1) * SPAN),
                ).fetchone()
                oldest = first[0] - partition * SPAN if first else last
                behind += max(0, last - max(committed or 0, oldest))
                end += last
            return TopicLag(topic, group, behind, end)

        return self._ask(ask)

    def reset(self, group: str, topics: Sequence[str]) -> None:
        """Let the group start again at the oldest messages.

        Raises
        ------
        MinshengError
            If consumers of the group are active.
        """
        writer = self.writer()
        with self.file.transaction(writer):
            now = self.clock.monotonic()
            live = writer.execute(
                "SELECT count(*) FROM members WHERE group_name = ? AND seen BETWEEN ? AND ?",
                (group, now - self.lease_seconds, now + self.lease_seconds),
            ).fetchone()[0]
            if live:
                raise MinshengError(
                    f"group {group} has {live} active consumer(s), so it can't be set back",
                    f"stop the processes of stage {group}, then try again",
                )
            marks = ",".join("?" * len(topics))
            writer.execute(
                f"DELETE FROM commits WHERE group_name = ? AND partition_id IN "  # noqa: S608 - only question marks
                f"(SELECT id FROM partitions WHERE topic IN ({marks}))",
                (group, *topics),
            )

    def read(self, topic: str, limit: int | None = None) -> list[Received]:
        """The messages of a topic, oldest first."""

        def messages(reader: sqlite3.Connection, partition: int, number: int) -> Iterator[Received]:
            base = partition * SPAN
            rows = reader.execute(
                "SELECT position, key, value, timestamp_ms FROM messages WHERE position >= ? AND position < ? "
                "ORDER BY position LIMIT ?",
                (base, base + SPAN, -1 if limit is None else limit),
            )
            for position, key, value, timestamp in rows:
                yield Received(topic, number, position - base, key_text(key), value, timestamp)

        def ask(reader: sqlite3.Connection) -> list[Received]:
            partitions = reader.execute(
                "SELECT id, number FROM partitions WHERE topic = ? ORDER BY number", (topic,)
            ).fetchall()
            merged = heapq.merge(*(messages(reader, *row) for row in partitions), key=lambda m: m.timestamp_ms)
            return (
                [message for _, message in zip(range(limit), merged, strict=False)] if limit is not None else [*merged]
            )

        return self._ask(ask)

    def find(self, topic: str, keys: Mapping[str, str], since_ms: int) -> list[Received]:
        """The messages under these keys that were sent since then; see `stream.log.Producer.find`."""

        def ask(reader: sqlite3.Connection) -> list[Received]:
            partitions = reader.execute(
                "SELECT id FROM partitions WHERE topic = ? ORDER BY number", (topic,)
            ).fetchall()
            found: list[Received] = []
            for number in {_hash(key) % len(partitions) for key in keys.values()} if partitions else ():
                base = partitions[number][0] * SPAN
                # Backwards, because what is looked for is young.
                rows = reader.execute(
                    "SELECT position, key, value, timestamp_ms FROM messages WHERE position >= ? AND position < ? "
                    "ORDER BY position DESC",
                    (base, base + SPAN),
                )
                for position, key, value, timestamp in rows:
                    if timestamp < since_ms:
                        break
                    if (name := key_text(key)) in keys:
                        found.append(Received(topic, number, position - base, name, value, timestamp))
            return found[::-1]

        return self._ask(ask)

    def retain(self, topic: str, *, older_than_ms: int) -> int:
        """Remove the messages at the head of each partition that were stored before this time. Returns how many."""
        removed = 0
        writer = self.writer()
        for partition, _ in self._partitions(topic):
            base = partition * SPAN
            while True:
                # In small transactions, so that producers are not held up.
                with self.file.transaction(writer):
                    head = writer.execute(
                        "SELECT position, timestamp_ms FROM messages WHERE position >= ? AND position < ? "
                        "ORDER BY position LIMIT ?",
                        (base, base + SPAN, _RETAIN_CHUNK),
                    )
                    last = None
                    for position, timestamp in head:
                        if timestamp >= older_than_ms:
                            break
                        last = position
                    head.close()
                    if last is None:
                        break
                    removed += writer.execute(
                        "DELETE FROM messages WHERE position >= ? AND position <= ?", (base, last)
                    ).rowcount
        return removed

    def check(self) -> str:
        """One line on the file."""

        def ask(reader: sqlite3.Connection) -> str:
            topics, end = reader.execute(
                "SELECT count(DISTINCT topic), coalesce(sum(next_offset), 0) FROM partitions"
            ).fetchone()
            return f"SQLite {sqlite3.sqlite_version}, {self.path}: {topics} topics, {end} messages written"

        return self._ask(ask)

    def close(self) -> None:
        """Close all consumers that are still open, and the file."""
        with self._lock:
            for consumer in self._consumers:
                consumer.close()
            self._consumers.clear()
            self.heartbeat.close()
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def writer(self) -> sqlite3.Connection:
        """The connection that producers share; used inside `LogFile.transaction` only."""
        with self._lock:
            if self._writer is None:
                self._writer = self.file.connect(busy_seconds=self.busy_seconds, durable=True)
            return self._writer

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock, self.file.errors_explained():
            if self._reader is None:
                self._reader = self.file.connect(busy_seconds=self.busy_seconds, durable=False)
            self._reader.execute("BEGIN")
            try:
                return question(self._reader)
            finally:
                self._reader.execute("COMMIT")

    def _known_topics(self) -> set[str]:
        return self._ask(lambda reader: {row[0] for row in reader.execute("SELECT DISTINCT topic FROM partitions")})

    def _partitions(self, topic: str) -> list[tuple[int, int]]:
        return self._ask(
            lambda reader: reader.execute(
                "SELECT id, number FROM partitions WHERE topic = ? ORDER BY number", (topic,)
            ).fetchall()
        )


class EmbeddedProducer:
    """Writes messages, each `send` in one transaction that is on the disk when it returns."""

    def __init__(self, log: EmbeddedLog) -> None:
        self._log = log

    def send(self, messages: Iterable[Message]) -> None:
        batch = list(messages)
        if not batch:
            return
        for message in batch:
            check_size(message)
        writer = self._log.writer()
        timestamp = int(self._log.clock.now().timestamp() * 1000)
        with self._log.file.transaction(writer):
            ends: dict[str, list[list[int]]] = {}
            rows = []
            for message in batch:
                partitions = ends.get(message.topic)
                if partitions is None:
                    partitions = ends[message.topic] = self._ends(writer, message.topic)
                chosen = partitions[_hash(partition_key(message)) % len(partitions)]
                rows.append((chosen[0] * SPAN + chosen[1], key_bytes(message.key), message.value, timestamp))
                chosen[1] += 1
            writer.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)
            writer.executemany(
                "UPDATE partitions SET next_offset = ? WHERE id = ?",
                [(end, partition) for partitions in ends.values() for partition, end in partitions],
            )
        self._log.file.announce()

    def find(self, topic: str, keys: Mapping[str, str], *, since_ms: int) -> list[Received]:
        """The messages under these keys; see `stream.log.Producer`."""
        return self._log.find(topic, keys, since_ms)

    @staticmethod
    def _ends(writer: sqlite3.Connection, topic: str) -> list[list[int]]:
        rows = writer.execute(
            "SELECT id, next_offset FROM partitions WHERE topic = ? ORDER BY number", (topic,)
        ).fetchall()
        if not rows:
            raise MinshengError(f"the log has no topic {topic}", "create it first: ensure_topics")
        return [list(row) for row in rows]

    def close(self) -> None:
        """Nothing to do: what `send` took is stored."""


@lru_cache(maxsize=65_536)
def _hash(key: str) -> int:
    return zlib.crc32(key_bytes(key) or b"")
