"""Consumer groups of the embedded log: members, leases on partitions, and who gets which.

Each partition of a group is leased to one member, a row in the file. Members agree on who should have what by the same
calculation over the same list of members; each gives up at its next `poll` what is no longer its own, and takes what
is free. So a partition changes hands only between two batches of its holder, unless that one has died.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Mapping, Sequence

from minsheng.clock import Clock
from minsheng.errors import MinshengError
from minsheng.logs import get_logger
from stream.embedded_file import SPAN, LogFile
from stream.log import Partition, Received, key_text

logger = get_logger(__name__)

_OTHER_PROCESSES_SECONDS = 0.05  # how often to look for what other processes wrote
_MAX_POLL_BYTES = 32_000_000  # so that 500 of the longest texts do not fill the memory


class EmbeddedConsumer:
    """One member of a group; made by `EmbeddedLog.consumer`."""

    def __init__(
        self,
        file: LogFile,
        clock: Clock,
        heartbeat: Heartbeat,
        topics: Sequence[str],
        group: str,
        lease_seconds: float,
        busy_seconds: float,
    ) -> None:
        self.group = group
        self.member = uuid.uuid4().hex
        self.closed = False
        self.polled_at = clock.monotonic()
        self._file = file
        self._clock = clock
        self._heartbeat = heartbeat
        self._topics = sorted(set(topics))
        self._lease_seconds = lease_seconds
        self._busy_seconds = busy_seconds
        self._connection: sqlite3.Connection | None = None
        self._ids: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}  # the partitions held, and where to read on
        self._seeks: dict[Partition, int] = {}
        self._paused = False
        self._generation = 0
        self._group_generation = -1
        self._tended_at = float("-inf")

    def poll(self, max_records: int = 500, timeout: float = 1.0) -> list[Received]:
        # Real time, not the injected clock: this bounds how long the caller is held up.
        deadline = time.monotonic() + timeout
        while True:
            changes = self._file.changes()
            self.polled_at = self._clock.monotonic()
            with self._file.errors_explained():
                connection = self._open()
                self._tend_if_due(connection)
                version = self._data_version(connection)
                received = [] if self._paused else self._fetch(connection, max_records)
                if received:
                    return received
                while (left := deadline - time.monotonic()) > 0:
                    self._file.wait(changes, min(_OTHER_PROCESSES_SECONDS, left))
                    changed = self._file.changes() != changes or self._data_version(connection) != version
                    if changed or self._tending_due():
                        break
                else:
                    return []

    def commit(self, positions: Mapping[Partition, int]) -> None:
        with self._file.errors_explained():
            connection = self._open()
            with self._file.transaction(connection):
                connection.executemany(
                    "INSERT INTO commits SELECT group_name, partition_id, ? FROM leases "
                    "WHERE group_name = ? AND partition_id = ? AND member = ? "
                    "ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
                    [
                        (offset, self.group, self._ids[partition], self.member)
                        for partition, offset in positions.items()
                        if partition in self._ids
                    ],
                )

    def seek(self, positions: Mapping[Partition, int]) -> None:
        for partition, offset in positions.items():
            if partition in self._next:
                with self._file.errors_explained():
                    self._next[partition] = self._within(self._open(), self._ids[partition], offset)
            else:
                self._seeks[partition] = offset

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def assignment(self) -> frozenset[Partition]:
        if not self._next:
            return frozenset()
        with self._file.errors_explained():
            held = {
                row[0]
                for row in self._open().execute(
                    "SELECT partition_id FROM leases WHERE group_name = ? AND member = ?", (self.group, self.member)
                )
            }
        return frozenset(partition for partition in self._next if self._ids[partition] in held)

    def generation(self) -> int:
        return self._generation

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._heartbeat.remove(self)
        if self._connection is None:
            return
        # A file that can't be written now must not keep the process from ending: the lease runs out by itself.
        with contextlib.suppress(MinshengError), self._file.transaction(self._connection):
            self._connection.execute("DELETE FROM members WHERE member = ?", (self.member,))
            self._connection.execute("DELETE FROM leases WHERE member = ?", (self.member,))
            self._new_generation(self._connection)
        self._connection.close()
        self._next.clear()
        self._file.announce()

    def _open(self) -> sqlite3.Connection:
        if self.closed:
            raise RuntimeError("the consumer is closed")
        if self._connection is None:
            self._connection = self._file.connect(busy_seconds=self._busy_seconds, durable=False)
            self._heartbeat.add(self)
        return self._connection

    @staticmethod
    def _data_version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def _fetch(self, connection: sqlite3.Connection, max_records: int) -> list[Received]:
        received: list[Received] = []
        size = 0
        for partition in list(self._next):
            base = self._ids[partition] * SPAN
            rows = connection.execute(
                "SELECT position, key, value, timestamp_ms FROM messages WHERE position >= ? AND position < ? "
                "ORDER BY position LIMIT ?",
                (base + self._next[partition], base + SPAN, max_records - len(received)),
            )
            offset = -1
            for position, key, value, timestamp in rows:
                offset = position - base
                received.append(Received(partition.topic, partition.number, offset, key_text(key), value, timestamp))
                size += len(value)
                if size >= _MAX_POLL_BYTES:
                    break
            rows.close()
            if offset >= 0:
                # To the end of the line, so that a busy partition does not keep the others waiting.
                del self._next[partition]
                self._next[partition] = offset + 1
            if len(received) >= max_records or size >= _MAX_POLL_BYTES:
                break
        return received

    def _tending_due(self) -> bool:
        return self._clock.monotonic() - self._tended_at >= self._lease_seconds / 3

    def _tend_if_due(self, connection: sqlite3.Connection) -> None:
        row = connection.execute("SELECT generation FROM groups WHERE name = ?", (self.group,)).fetchone()
        if row is None or row[0] != self._group_generation or self._tending_due():
            self._tend(connection)

    def _tend(self, connection: sqlite3.Connection) -> None:
        """Renew the membership, bury dead members, give up and take partitions."""
        with self._file.transaction(connection):
            # Read once nobody else writes: a heartbeat of another member must not lie in the future.
            now = self._clock.monotonic()
            changed = self._renew(connection, now)
            wanted = self._wanted(connection)
            leases = dict(
                connection.execute("SELECT partition_id, member FROM leases WHERE group_name = ?", (self.group,))
            )
            kept = {p for p in self._next if leases.get(self._ids[p]) == self.member and p in wanted}
            given_up = [
                partition_id
                for partition_id, member in leases.items()
                if member == self.member and partition_id not in {self._ids[p] for p in kept}
            ]
            connection.executemany(
                "DELETE FROM leases WHERE group_name = ? AND partition_id = ?",
                [(self.group, partition_id) for partition_id in given_up],
            )
            gained = {
                p: partition_id
                for p, partition_id in wanted.items()
                if p not in kept and (partition_id not in leases or partition_id in given_up)
            }
            connection.executemany(
                "INSERT INTO leases VALUES (?, ?, ?)",
                [(self.group, partition_id, self.member) for partition_id in gained.values()],
            )
            committed = dict(
                connection.execute("SELECT partition_id, next_offset FROM commits WHERE group_name = ?", (self.group,))
            )
            if changed or set(given_up) - set(gained.values()):
                self._new_generation(connection)
            row = connection.execute("SELECT generation FROM groups WHERE name = ?", (self.group,)).fetchone()
        if gained or len(kept) != len(self._next):
            self._generation += 1
        self._next = {p: offset for p, offset in self._next.items() if p in kept}
        for partition, partition_id in gained.items():
            self._ids[partition] = partition_id
            offset = self._seeks.pop(partition, committed.get(partition_id, 0))
            self._next[partition] = self._within(connection, partition_id, offset)
        self._group_generation = row[0]
        self._tended_at = now
        if changed or given_up:
            self._file.announce()

    def _within(self, connection: sqlite3.Connection, partition_id: int, offset: int) -> int:
        """The offset, or the oldest where the log ends before it: then the file is another one than the offset's."""
        end = connection.execute("SELECT next_offset FROM partitions WHERE id = ?", (partition_id,)).fetchone()[0]
        if offset <= end:
            return offset
        logger.warning("offset_beyond_end", file=str(self._file.path), group=self.group, offset=offset, end=end)
        return 0

    def _renew(self, connection: sqlite3.Connection, now: float) -> bool:
        """Write the own heartbeat and remove dead members. Returns whether the list of members changed."""
        # A heartbeat from far in the future was written before the machine was started anew.
        dead = connection.execute(
            "SELECT member FROM members WHERE group_name = ? AND member != ? AND seen NOT BETWEEN ? AND ?",
            (self.group, self.member, now - self._lease_seconds, now + self._lease_seconds),
        ).fetchall()
        connection.executemany("DELETE FROM leases WHERE member = ?", dead)
        connection.executemany("DELETE FROM members WHERE member = ?", dead)
        known = connection.execute("UPDATE members SET seen = ? WHERE member = ?", (now, self.member)).rowcount
        if not known:
            connection.execute(
                "INSERT INTO members (group_name, member, topics, seen) VALUES (?, ?, ?, ?)",
                (self.group, self.member, json.dumps(self._topics), now),
            )
        return bool(dead) or not known

    def _wanted(self, connection: sqlite3.Connection) -> dict[Partition, int]:
        """The partitions that are this member's fair share: all in turn over the members that read their topic."""
        members = [
            (member, json.loads(topics))
            for member, topics in connection.execute(
                "SELECT member, topics FROM members WHERE group_name = ? ORDER BY joined", (self.group,)
            )
        ]
        topics = sorted({topic for _, subscribed in members for topic in subscribed})
        marks = ",".join("?" * len(topics))
        partitions = connection.execute(
            f"SELECT topic, number, id FROM partitions WHERE topic IN ({marks}) ORDER BY topic, number",  # noqa: S608
            topics,
        ).fetchall()
        wanted = {}
        for turn, (topic, number, partition_id) in enumerate(partitions):
            readers = [member for member, subscribed in members if topic in subscribed]
            if readers[turn % len(readers)] == self.member:
                wanted[Partition(topic, number)] = partition_id
        return wanted

    def _new_generation(self, connection: sqlite3.Connection) -> None:
        """Tell the other members, also of other processes, to look at the leases again."""
        connection.execute(
            "INSERT INTO groups VALUES (?, 1) ON CONFLICT DO UPDATE SET generation = generation + 1", (self.group,)
        )


class Heartbeat:
    """Renews the membership of this process's consumers while they work on a long batch."""

    def __init__(
        self, file: LogFile, clock: Clock, lease_seconds: float, max_poll_seconds: float, busy_seconds: float
    ) -> None:
        self._file = file
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._max_poll_seconds = max_poll_seconds
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._consumers: set[EmbeddedConsumer] = set()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def add(self, consumer: EmbeddedConsumer) -> None:
        with self._lock:
            self._consumers.add(consumer)
            if self._thread is None:
                self._stop.clear()
                self._thread = threading.Thread(target=self._run, name="log-heartbeat", daemon=True)
                self._thread.start()

    def remove(self, consumer: EmbeddedConsumer) -> None:
        with self._lock:
            self._consumers.discard(consumer)

    def close(self) -> None:
        self._stop.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout=self._busy_seconds)
        self._thread = None

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while not self._stop.wait(self._lease_seconds / 4):
            now = self._clock.monotonic()
            with self._lock:
                alive = [c.member for c in self._consumers if now - c.polled_at < self._max_poll_seconds]
            if not alive:
                continue
            # Not written now: the next beat tries again, well before the lease runs out.
            with contextlib.suppress(MinshengError):
                if connection is None:
                    connection = self._file.connect(busy_seconds=self._busy_seconds, durable=False)
                with self._file.transaction(connection):
                    connection.executemany(
                        "UPDATE members SET seen = ? WHERE member = ?", [(now, member) for member in alive]
                    )
        if connection is not None:
            connection.close()
