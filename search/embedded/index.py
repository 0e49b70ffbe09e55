"""The methods of the seam."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from minsheng.errors import Unavailable
from minsheng.records import Grouped
from search import buckets
from search.bodies import body, objection
from search.duplicates import page_of_groups
from search.embedded.file import create, first_row, transaction
from search.embedded.packing import unpack
from search.embedded.rebuild import rebuild
from search.embedded.rows import as_json, bodies, insert, known, remove
from search.embedded.sealing import forget_unused_values, seal
from search.embedded.selection import Row, Selection
from search.found import Copies, Found
from search.highlight import hit
from search.index import Filters, Page, Progress, Search, Written
from search.query import pruned

AT_ONCE = max(4, os.cpu_count() or 1)
"""Searches that run at a time in one process; others wait their turn, as they would for a processor. Each takes up to
some 50 MB at a million documents: what a web server's forty threads search at once would fill two gigabytes."""

CACHE = 16_384
"""KiB of the file that each connection keeps in memory; behind it is the system's own cache. Four times as much saves a
tenth of the time."""


class EmbeddedIndex:
    """An index in one SQLite file.

    Parameters
    ----------
    path:
        The file; it and its folder are made at first use.
    timeout:
        Seconds to wait for another writer.
    """

    def __init__(self, path: Path, *, timeout: float = 30.0) -> None:
        self.path = Path(path)
        self._timeout = timeout
        self._idle: list[sqlite3.Connection] = []
        self._era = 0  # one more with each `close`: what was opened before is not used again
        self._lock = threading.Lock()
        self._ensured = False
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def ensure(self) -> None:
        with self._session():
            pass

    def write(self, records: Sequence[Grouped]) -> list[Written]:
        if not records:
            return []
        with self._session() as connection, transaction(connection, write=True):
            there = known(connection, [record.document.id for record in records])
            versions = {name: version for name, (version, _, _) in there.items()}
            chosen: dict[str, tuple[Grouped, bytes]] = {}
            answers = []
            for record in records:
                name = record.document.id
                if reason := objection(record):
                    answers.append(Written(name, "rejected", reason))
                    continue
                if record.version <= versions.get(name, -1):
                    answers.append(Written(name, "conflict"))
                    continue
                chosen[name] = body(record)
                versions[name] = record.version
                answers.append(Written(name, "stored"))
            remove(connection, [row for name, (_, row, _) in there.items() if name in chosen])
            insert(connection, chosen.values(), there)
            seal(connection)
        return answers

    def search(self, search: Search) -> Page:
        query = pruned(search.query)
        with self._turns, self._session() as connection, transaction(connection):
            chosen = Selection(connection, query, search.filters)
            total = chosen.count()
            shown: list[tuple[Found, int]] = []
            cursor = None
            if search.size and search.together:
                shown, cursor = _groups(connection, chosen, search)
            elif search.size:
                rows, more = chosen.page(search.sort, search.size, search.after)
                shown = [(match, 1) for match in _matches(connection, rows)]
                cursor = rows[-1].cursor if more else None
            return Page(
                total=total,
                hits=tuple(
                    hit(match.record, match.score, query, highlight=search.highlight, copies=copies)
                    for match, copies in shown
                ),
                cursor=cursor,
                groups=chosen.groups() if search.together and search.size else None,
                facets=chosen.facets(search.facets, search.facet_size),
                histogram=chosen.histogram(search) if search.histogram else (),
            )

    def get(self, ids: Sequence[str]) -> dict[str, Grouped]:
        with self._session() as connection:
            rows = connection.execute(
                "SELECT r.body FROM documents d JOIN records r ON r.row = d.row"
                " WHERE d.id IN (SELECT value FROM json_each(?))",
                (as_json(ids),),
            )
            found = [unpack(kept) for (kept,) in rows]
        return {record.document.id: record for record in found}

    def count(self, filters: Filters) -> int:
        with self._turns, self._session() as connection, transaction(connection):
            return Selection(connection, None, filters).count()

    def refresh(self) -> None:
        """Nothing to do: what is written is visible."""

    def drop_before(self, moment: datetime) -> int:
        limit = first_row(buckets.month_start(moment))
        dropped = 0
        with self._session() as connection:
            while True:
                with transaction(connection, write=True):
                    rows = [
                        row
                        for (row,) in connection.execute(
                            "SELECT row FROM documents WHERE row < ? ORDER BY row LIMIT 1000", (limit,)
                        )
                    ]
                    remove(connection, rows)
                    seal(connection, everything=len(rows) < 1000)
                dropped += len(rows)
                if len(rows) < 1000:
                    break
            if dropped:
                with transaction(connection, write=True):
                    forget_unused_values(connection)
        return dropped

    def rebuild(self, progress: Progress) -> int:
        with self._session() as connection:
            return rebuild(connection, lambda done, total: progress("words", done, total))

    def statistics(self) -> Mapping[str, int | str]:
        with self._session() as connection:
            (documents,) = connection.execute("SELECT count(*) FROM documents").fetchone()
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return {
            "engine": f"SQLite {sqlite3.sqlite_version} FTS5",
            "documents": documents,
            "bytes": sum(file.stat().st_size for file in files if file.exists()),
            "where": str(self.path),
        }

    def close(self) -> None:
        """Close what nobody uses at the moment; the rest is closed by who uses it."""
        with self._lock:
            self._era += 1
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses, with SQLite's errors told as ours."""
        try:
            era, connection = self._taken()
            try:
                yield connection
            finally:
                self._give_back(era, connection)
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
            raise
        except sqlite3.DatabaseError as error:
            raise Unavailable(
                "index", f"{self.path}: {error}", "check the disk's space and the file's rights: minsheng doctor"
            ) from error
        except OSError as error:
            raise Unavailable("index", f"{self.path}: {error.strerror}") from error

    def _taken(self) -> tuple[int, sqlite3.Connection]:
        """A connection out of those that are idle, or a new one; and the era it is of."""
        with self._lock:
            era = self._era
            if self._idle:
                return era, self._idle.pop()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        try:
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",  # the log goes on behind what is written: a power cut must not take it back
                f"cache_size=-{CACHE}",
                "journal_size_limit=67108864",
            ):
                connection.execute(f"PRAGMA {pragma}")
            with self._lock:
                if not self._ensured:
                    create(connection)
                    self._ensured = True
        except BaseException:
            connection.close()
            raise
        return era, connection

    def _give_back(self, era: int, connection: sqlite3.Connection) -> None:
        with self._lock:
            if era == self._era and len(self._idle) < AT_ONCE and not connection.in_transaction:
                self._idle.append(connection)
                return
        connection.close()


def _matches(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[Found]:
    records = bodies(connection, [row.row for row in rows])
    return [Found(records[row.row], row.score, row.cursor) for row in rows]


def _groups(
    connection: sqlite3.Connection, chosen: Selection, search: Search
) -> tuple[list[tuple[Found, int]], str | None]:
    def fetch(after: str | None, without: Sequence[str], size: int) -> tuple[list[Found], bool]:
        rows, more = chosen.page(search.sort, size, after, without)
        return _matches(connection, rows), more

    def first_of(groups: Sequence[str]) -> Mapping[str, Copies]:
        return chosen.copies(groups, search.sort, search.after)

    return page_of_groups(fetch, first_of, size=search.size, after=search.after)
