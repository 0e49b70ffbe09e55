"""The file behind the embedded log: its tables, its connections, and what SQLite's errors mean to a person."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from minsheng.errors import MinshengError, Unavailable

SCHEMA_VERSION = 1

SPAN = 1 << 40
"""Positions reserved for each partition: a message lies at `partition id * SPAN + offset`, so that one integer primary
key keeps each partition together and in order."""

_TABLES = """
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL, next_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number));
CREATE TABLE messages (
    position INTEGER PRIMARY KEY, key BLOB, value BLOB NOT NULL, timestamp_ms INTEGER NOT NULL);
CREATE TABLE groups (name TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE members (
    joined INTEGER PRIMARY KEY, group_name TEXT NOT NULL, member TEXT NOT NULL UNIQUE, topics TEXT NOT NULL,
    seen REAL NOT NULL);
CREATE TABLE leases (
    group_name TEXT NOT NULL, partition_id INTEGER NOT NULL, member TEXT NOT NULL,
    PRIMARY KEY (group_name, partition_id)) WITHOUT ROWID;
CREATE TABLE commits (
    group_name TEXT NOT NULL, partition_id INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (group_name, partition_id)) WITHOUT ROWID;
"""


class LogFile:
    """One log file as all threads of this process share it: get it by `LogFile.at`, not by the constructor.

    Attributes
    ----------
    writing:
        Held while writing. SQLite's own lock would do, but its waiters sleep for up to 100 ms at a time.
    """

    _open: ClassVar[weakref.WeakValueDictionary[Path, LogFile]] = weakref.WeakValueDictionary()
    _opening = threading.Lock()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writing = threading.RLock()
        self._changed = threading.Condition()
        self._changes = 0

    @classmethod
    def at(cls, path: Path) -> LogFile:
        resolved = path.expanduser().resolve()
        with cls._opening:
            found = cls._open.get(resolved)
            if found is None:
                found = cls._open[resolved] = cls(resolved)
            return found

    def connect(self, *, busy_seconds: float, durable: bool) -> sqlite3.Connection:
        """A connection, with the tables there.

        Parameters
        ----------
        busy_seconds:
            How long to wait for another process that writes.
        durable:
            Whether each transaction is on the disk when it returns. Without, a power cut (not a kill) may take back
            the last ones: enough for offsets, where that only means to read again.
        """
        with self.errors_explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self.path, timeout=busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=64
            )
            try:
                self._set_up(connection, busy_seconds)
                connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            except BaseException:
                connection.close()
                raise
            return connection

    def _set_up(self, connection: sqlite3.Connection, busy_seconds: float) -> None:
        deadline = time.monotonic() + busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                # Several processes that open a new file at once: the change to WAL does not wait by itself.
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA journal_size_limit=67108864")
        if self._version(connection) == SCHEMA_VERSION:
            return
        with self.transaction(connection):
            version = self._version(connection)
            if version > SCHEMA_VERSION:
                raise MinshengError(
                    f"{self.path} was written by a newer version of this program (schema {version})",
                    "upgrade, or use another stream.path",
                )
            if version == 0:
                for statement in _TABLES.split(";"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    @staticmethod
    def _version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def transaction(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Write: committed at the end of the block, rolled back if it raises."""
        with self.errors_explained(), self.writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def errors_explained(self) -> Iterator[None]:
        """Turn SQLite's errors into those of this project."""
        try:
            yield
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error
        except OSError as error:
            raise MinshengError(f"{self.path}: {error.strerror or error}", "check stream.path") from error

    def changes(self) -> int:
        """A number that rises with each change that this process made."""
        return self._changes

    def announce(self) -> None:
        """Wake all consumers of this process that wait for messages."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait(self, known: int, seconds: float) -> None:
        """Wait for a change of this process after `known`."""
        with self._changed:
            if self._changes == known:
                self._changed.wait(seconds)


def _is_busy(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: sqlite3.Error) -> int:
    """The primary result code: extended codes keep it in their low byte."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _explained(path: Path, error: sqlite3.Error) -> MinshengError:
    code = _code(error)
    if _is_busy(error):
        return Unavailable("log", f"{path} is locked by another process", "find out which: fuser -v, or wait")
    if code == sqlite3.SQLITE_FULL:
        return Unavailable("log", f"the disk of {path} is full", "free some space, or shorten stream.retention_days")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return Unavailable("log", f"{path}: {error}", "check the disk, and that the folder is there and writable")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return MinshengError(f"{path} can't be written: {error}", "check the rights on the file and its folder")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return MinshengError(
            f"{path} is damaged, or no log file: {error}", "put it aside, and restore the newest backup"
        )
    return MinshengError(f"{path}: {error}")
