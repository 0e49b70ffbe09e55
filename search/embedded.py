"""The embedded index: SQLite with FTS5, for one machine. Many readers and one writer at a time, also as processes.

How it lies on disk
-------------------
- `words`: a contentless FTS5 table over the tokens of `search.tokens`.
- `documents`: what is filtered and counted; `policies`: the same for the field with many values; `records`: the whole
  record as JSON, compressed where that pays.
- The row id is the hour of publication and a number within the hour. So newest first, spans of time and counts over
  time need no sorting and, for a search without filters, not even a join; within an hour rows are sorted exactly.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from minsheng.errors import MinshengError, Unavailable
from minsheng.logs import get_logger
from minsheng.records import Grouped, decode
from search import analysis, buckets, cursors, tokens
from search.bodies import body
from search.highlight import hit
from search.index import Bucket, Facet, Filters, Hit, Page, Search, Written
from search.query import And, Node, Not, Or, Term, pruned

log = get_logger(__name__)

COLUMNS = 1
"""Raise with every change of the columns, and add how an older file gets them to `_add_columns`."""

_STEP = 100
LAYOUT = COLUMNS * _STEP + analysis.VERSION
"""Kept in the file. One with other columns is given today's; one with another analysis has its words indexed anew."""

SLOTS = 1 << 24
"""Row ids an hour: room for a large file without times, all of whose documents are of the hour of its import."""

RANKED = 2_000
"""Sorting by relevance ranks so many of the newest matches; older ones follow by time. Ranking all matches of a common
word would take half a second a million documents."""

_FIRST_HOUR = -17_259_888  # 0001-01-01, so that row ids are never negative

_SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(title, text, content='', tokenize="ascii tokenchars '_'");
CREATE TABLE IF NOT EXISTS documents (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    arrival INTEGER NOT NULL,
    published INTEGER NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    sentiment TEXT NOT NULL,
    topic TEXT NOT NULL,
    request TEXT NOT NULL,
    event TEXT NOT NULL,
    duplicate_group TEXT NOT NULL,
    region TEXT,
    stance TEXT
);
CREATE INDEX IF NOT EXISTS documents_event ON documents (event);
CREATE INDEX IF NOT EXISTS documents_group ON documents (duplicate_group);
CREATE INDEX IF NOT EXISTS documents_arrival ON documents (arrival);
CREATE TABLE IF NOT EXISTS policies (
    policy TEXT NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (policy, row)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS policies_row ON policies (row);
CREATE TABLE IF NOT EXISTS records (row INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""

_FACET_COLUMNS: dict[Facet, str] = {
    "policy": "p.policy",
    "source": "d.source",
    "kind": "d.kind",
    "sentiment": "d.sentiment",
    "topic": "d.topic",
    "request": "d.request",
    "stance": "d.stance",
    "event": "d.event",
    "region": "d.region",
}


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
        self._local = threading.local()
        self._open: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._ensured = False

    def ensure(self) -> None:
        with self._session():
            pass

    def write(self, records: Sequence[Grouped]) -> list[Written]:
        if not records:
            return []
        with self._session() as connection, _transaction(connection, write=True):
            known = _known(connection, [record.document.id for record in records])
            versions = {name: version for name, (version, _, _) in known.items()}
            chosen: dict[str, tuple[Grouped, bytes]] = {}
            answers = []
            for record in records:
                name = record.document.id
                if record.version <= versions.get(name, -1):
                    answers.append(Written(name, "conflict"))
                    continue
                chosen[name] = body(record)
                versions[name] = record.version
                answers.append(Written(name, "stored"))
            _remove(connection, [row for name, (_, row, _) in known.items() if name in chosen])
            _insert(connection, chosen.values(), known)
        return answers

    def search(self, search: Search) -> Page:
        query = pruned(search.query)
        chosen = _Selection(query, search.filters)
        with self._session() as connection, _transaction(connection):
            total = chosen.count(connection)
            rows, cursor = self._page(connection, chosen, search) if search.size else ([], None)
            bodies = _bodies(connection, [row for row, _ in rows])
            return Page(
                total=total,
                hits=tuple(_hit(bodies[row], score, query, search) for row, score in rows),
                cursor=cursor,
                facets={facet: chosen.facet(connection, facet, search.facet_size) for facet in search.facets},
                histogram=chosen.histogram(connection, search) if search.histogram else (),
            )

    def get(self, ids: Sequence[str]) -> dict[str, Grouped]:
        with self._session() as connection:
            rows = connection.execute(
                "SELECT r.body FROM documents d JOIN records r ON r.row = d.row"
                " WHERE d.id IN (SELECT value FROM json_each(?))",
                (_json(ids),),
            )
            found = [_unpack(kept) for (kept,) in rows]
        return {record.document.id: record for record in found}

    def count(self, filters: Filters) -> int:
        with self._session() as connection:
            return _Selection(None, filters).count(connection)

    def refresh(self) -> None:
        """Nothing to do: what is written is visible."""

    def drop_before(self, moment: datetime) -> int:
        limit = _first_row(buckets.month_start(moment))
        dropped = 0
        with self._session() as connection:
            while True:
                with _transaction(connection, write=True):
                    rows = [
                        row
                        for (row,) in connection.execute(
                            "SELECT row FROM documents WHERE row < ? ORDER BY row LIMIT 1000", (limit,)
                        )
                    ]
                    _remove(connection, rows)
                dropped += len(rows)
                if len(rows) < 1000:
                    return dropped

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
        with self._lock:
            for connection in list(self._open):
                connection.close()
            self._open.clear()
            self._local = threading.local()

    def _page(
        self, connection: sqlite3.Connection, chosen: _Selection, search: Search
    ) -> tuple[list[tuple[int, float]], str | None]:
        """The rows and scores of one page, and the cursor of the next one."""
        if search.sort == "relevance" and chosen.matched:
            return chosen.ranked(connection, search.size, search.after)
        return chosen.newest(connection, search.size, search.after)

    @contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, with SQLite's errors told as ours."""
        try:
            yield self._connection()
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
            raise
        except sqlite3.DatabaseError as error:
            raise Unavailable(
                "index", f"{self.path}: {error}", "check the disk's space and the file's rights: minsheng doctor"
            ) from error
        except OSError as error:
            raise Unavailable("index", f"{self.path}: {error.strerror}") from error

    def _connection(self) -> sqlite3.Connection:
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            return connection
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False, factory=_Connection
        )
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")
        with self._lock:
            if not self._ensured:
                _create(connection)
                self._ensured = True
            self._open.add(connection)
        self._local.connection = connection
        return connection


class _Connection(sqlite3.Connection):
    """A connection that can be held by a weak reference, so that it goes with its thread."""


@contextmanager
def _transaction(connection: sqlite3.Connection, *, write: bool = False) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _create(connection: sqlite3.Connection) -> None:
    def layout() -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    if layout() == LAYOUT:
        return
    with _transaction(connection, write=True):
        older = layout()  # again, as another process may have been quicker
        if older == LAYOUT:
            return
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        if older:
            _add_columns(connection, older // _STEP)
            if older % _STEP != analysis.VERSION:
                _index_anew(connection)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")


def _add_columns(connection: sqlite3.Connection, older: int) -> None:
    """Bring the tables from the columns of version `older` to today's. What is kept needs no change: 1 adds `stance`,
    which no record had before."""
    if older < 1:
        connection.execute("ALTER TABLE documents ADD COLUMN stance TEXT")


def _index_anew(connection: sqlite3.Connection) -> None:
    log.info("index_words_anew", reason="the analysis of text has changed")
    connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    for row, kept in connection.execute("SELECT row, body FROM records ORDER BY row"):
        document = _unpack(kept).document
        connection.execute(
            "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
            (row, tokens.of_text(document.title), tokens.of_text(document.text)),
        )


def _known(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """For those ids that are there: version, row and arrival."""
    return {
        name: (version, row, arrival)
        for name, version, row, arrival in connection.execute(
            "SELECT id, version, row, arrival FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            (_json(ids),),
        )
    }


def _remove(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    # A contentless table is told what to forget; the same tokens come from the kept record. In the order of rows,
    # because FTS5 writes its buffer to disk whenever the order breaks.
    for row, record in sorted(_bodies(connection, rows).items()):
        document = record.document
        connection.execute(
            "INSERT INTO words (words, rowid, title, text) VALUES ('delete', ?, ?, ?)",
            (row, tokens.of_text(document.title), tokens.of_text(document.text)),
        )
    numbers = [(row,) for row in rows]
    for table in ("documents", "policies", "records"):
        connection.executemany(f"DELETE FROM {table} WHERE row = ?", numbers)  # noqa: S608 - names from above


def _insert(
    connection: sqlite3.Connection,
    chosen: Iterable[tuple[Grouped, bytes]],
    known: Mapping[str, tuple[int, int, int]],
) -> None:
    (arrival,) = connection.execute("SELECT coalesce(max(arrival), 0) FROM documents").fetchone()
    free: dict[int, int] = {}
    placed = []
    for record, packed in chosen:
        first = _first_row(record.document.published_at)
        _, row, _ = known.get(record.document.id, (0, -1, 0))
        if not first <= row < first + SLOTS:
            row = free[first] if first in free else _free_row(connection, first)
            if row >= first + SLOTS:
                raise MinshengError(
                    f"index: more than {SLOTS:,} documents were published within one hour",
                    "so many need Elasticsearch: see the section [search]",
                )
            free[first] = row + 1
        placed.append((row, record, packed))
    placed.sort(key=lambda item: item[0])
    for row, record, packed in placed:
        document, assessed = record.document, record.assessed
        arrival += 1
        connection.execute(
            "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
            (row, tokens.of_text(document.title), tokens.of_text(document.text)),
        )
        connection.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                document.id,
                record.version,
                known[document.id][2] if document.id in known else arrival,
                buckets.milliseconds(document.published_at),
                document.source,
                document.kind,
                assessed.sentiment.label,
                assessed.topic.label,
                assessed.request.label,
                record.event.id,
                record.duplicate.group,
                assessed.region,
                assessed.stance.label if assessed.stance else None,
            ),
        )
        connection.execute("INSERT INTO records VALUES (?, ?)", (row, _pack(packed)))
        connection.executemany(
            "INSERT INTO policies VALUES (?, ?)",
            [(policy, row) for policy in assessed.filed_under],
        )


def _free_row(connection: sqlite3.Connection, first: int) -> int:
    (last,) = connection.execute(
        "SELECT max(row) FROM documents WHERE row >= ? AND row < ?", (first, first + SLOTS)
    ).fetchone()
    return first if last is None else int(last) + 1


class _Selection:
    """What a search selects, as parts of SQL.

    Attributes
    ----------
    matched:
        Whether `words` is searched; then its rows come in order and `documents` is joined only where needed.
    """

    def __init__(self, query: Node | None, filters: Filters) -> None:
        expression, negated = _compile(query) if query is not None else ("", False)
        self.matched = query is not None and not negated
        self.row = "words.rowid" if self.matched else "d.row"
        self._conditions: list[str] = []
        self._values: list[Any] = []
        self._joined = not self.matched
        if self.matched:
            self._add("words MATCH ?", expression)
        elif negated:
            self._add("d.row NOT IN (SELECT rowid FROM words WHERE words MATCH ?)", expression)
        self._filter(filters)

    def count(self, connection: sqlite3.Connection) -> int:
        (total,) = self._select(connection, "count(*)").fetchone()
        return int(total)

    def facet(self, connection: sqlite3.Connection, facet: Facet, size: int) -> tuple[Bucket, ...]:
        column = _FACET_COLUMNS[facet]
        rows = self._select(
            connection,
            f"{column}, count(*) AS n",
            join=True,
            policies=facet == "policy",
            extra=f" AND {column} IS NOT NULL GROUP BY {column} ORDER BY n DESC, {column} LIMIT ?",
            values=[size],
        )
        return tuple(Bucket(value=value, count=count) for value, count in rows)

    def histogram(self, connection: sqlite3.Connection, search: Search) -> tuple[Bucket, ...]:
        assert search.histogram is not None
        split = f"d.{search.histogram_split}" if search.histogram_split else "NULL"
        rows = self._select(
            connection,
            f"{self.row} / {SLOTS} + {_FIRST_HOUR} AS hour, {split} AS part, count(*)",
            join=search.histogram_split is not None,
            extra=" GROUP BY hour, part",
        )
        return buckets.histogram(rows, search.histogram)

    def newest(
        self, connection: sqlite3.Connection, size: int, after: str | None
    ) -> tuple[list[tuple[int, float]], str | None]:
        extra, values = "", []
        if after is not None:
            published, name = cursors.read(after, int, str)
            hour = _first_row_of_hour(published // buckets.HOUR_MS)
            extra = f" AND {self.row} < ? AND (d.published, d.id) < (?, ?)"
            values = [hour + SLOTS, published, name]
        # Rows come by the hour. Those down to the end of the hour that holds the page's last row are sorted exactly.
        last = self._select(
            connection,
            self.row,
            join=after is not None,
            extra=f"{extra} ORDER BY {self.row} DESC LIMIT 1 OFFSET ?",
            values=[*values, size],
        ).fetchone()
        lowest = last[0] // SLOTS * SLOTS if last else 0
        rows = self._select(
            connection,
            f"{self.row}, d.published, d.id",
            join=True,
            extra=f"{extra} AND {self.row} >= ? ORDER BY d.published DESC, d.id DESC LIMIT ?",
            values=[*values, lowest, size + 1],
        ).fetchall()
        cursor = cursors.write(rows[size - 1][1], rows[size - 1][2]) if len(rows) > size else None
        return [(row, 0.0) for row, _, _ in rows[:size]], cursor

    def ranked(
        self, connection: sqlite3.Connection, size: int, after: str | None
    ) -> tuple[list[tuple[int, float]], str | None]:
        """Best first. The cursor says how many came before, and which documents were there at the first page, so that
        later ones do not shift the order."""
        if after is not None:
            offset, arrival = cursors.read(after, int, int)
        else:
            (arrival,) = connection.execute("SELECT coalesce(max(arrival), 0) FROM documents").fetchone()
            offset = 0
        there = " AND d.arrival <= ?"
        if offset < RANKED:
            candidates = self._select(
                connection,
                f"{self.row}, bm25(words, 3.0, 1.0) AS cost, d.published, d.id",
                join=True,
                extra=f"{there} ORDER BY {self.row} DESC LIMIT ?",
                values=[arrival, RANKED],
            ).fetchall()
            candidates.sort(key=lambda item: (item[2], item[3]), reverse=True)
            candidates.sort(key=lambda item: item[1])
            rows = [(row, -cost) for row, cost, _, _ in candidates[offset : offset + size + 1]]
        else:
            rows = []
        if len(rows) <= size:
            older = self._select(
                connection,
                self.row,
                join=True,
                extra=f"{there} ORDER BY {self.row} DESC LIMIT ? OFFSET ?",
                values=[arrival, size + 1 - len(rows), max(RANKED, offset)],
            )
            rows += [(row, 0.0) for (row,) in older]
        cursor = cursors.write(offset + size, arrival) if len(rows) > size else None
        return rows[:size], cursor

    def _filter(self, filters: Filters) -> None:
        given = "IN (SELECT value FROM json_each(?))"
        for column, wanted in (
            ("d.source", filters.sources),
            ("d.kind", filters.kinds),
            ("d.sentiment", filters.sentiments),
            ("d.topic", filters.topics),
            ("d.request", filters.requests),
            ("d.stance", filters.stances),
            ("d.event", filters.events),
            ("d.region", filters.regions),
            ("d.duplicate_group", filters.duplicate_groups),
            ("d.id", filters.ids),
        ):
            if wanted is not None:
                self._add(f"{column} {given}", _json(wanted), join=True)
        if filters.policies is not None:
            of_policies = f"SELECT row FROM policies WHERE policy {given}"  # noqa: S608 - only our own words
            # With a plus, as otherwise the words would be looked up once for each row of the policies.
            self._add(f"{'+' if self.matched else ''}{self.row} IN ({of_policies})", _json(filters.policies))
        for moment, sign in ((filters.since, ">="), (filters.until, "<")):
            if moment is None:
                continue
            hour, rest = divmod(buckets.milliseconds(moment), buckets.HOUR_MS)
            first = _first_row_of_hour(hour)
            if rest == 0:
                self._add(f"{self.row} {sign} ?", first)
            else:
                self._add(f"{self.row} {sign} ?", first if sign == ">=" else first + SLOTS)
                self._add(f"d.published {sign} ?", buckets.milliseconds(moment), join=True)

    def _add(self, condition: str, value: Any, *, join: bool = False) -> None:
        self._conditions.append(condition)
        self._values.append(value)
        self._joined |= join

    def _select(
        self,
        connection: sqlite3.Connection,
        columns: str,
        *,
        join: bool = False,
        policies: bool = False,
        extra: str = "",
        values: Sequence[Any] = (),
    ) -> sqlite3.Cursor:
        """Run a query over the selection; `join`: it names columns of `documents` (`d`)."""
        tables = "words" if self.matched else "documents d"
        if self.matched and (join or self._joined):
            tables += " JOIN documents d ON d.row = words.rowid"
        if policies:
            tables += f" JOIN policies p ON p.row = {self.row}"
        where = " AND ".join(self._conditions) or "1"
        statement = f"SELECT {columns} FROM {tables} WHERE {where}{extra}"  # noqa: S608 - only our own words
        return connection.execute(statement, [*self._values, *values])


def _compile(node: Node) -> tuple[str, bool]:
    """The query as an FTS5 expression; the second part tells that everything but its matches is meant.

    FTS5 has no NOT that stands alone, so each part that is negated is carried as its positive and taken from its
    brothers, or, where there are none, from everything.
    """
    if isinstance(node, Term):
        return _phrase(node.text), False
    if isinstance(node, Not):
        expression, negated = _compile(node.part)
        return expression, not negated
    compiled = [_compile(part) for part in node.parts]
    # By De Morgan an OR is the negation of an AND over the negated parts.
    flip = isinstance(node, Or) and any(negated for _, negated in compiled)
    if isinstance(node, Or) and not flip:
        return _expression("OR", [expression for expression, _ in compiled]), False
    assert isinstance(node, And | Or)
    required = [expression for expression, negated in compiled if negated == flip]
    excluded = [expression for expression, negated in compiled if negated != flip]
    if not required:
        return _expression("OR", excluded), not flip
    expression = _expression("AND", required)
    return (f"({expression} NOT {_expression('OR', excluded)})" if excluded else expression), flip


def _expression(operator: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({f' {operator} '.join(parts)})"


def _phrase(text: str) -> str:
    asked = tokens.of_phrase(text)
    return f'"{" ".join(asked.tokens)}"' + (" *" if asked.open else "")


def _bodies(connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, Grouped]:
    found = connection.execute(
        "SELECT row, body FROM records WHERE row IN (SELECT value FROM json_each(?))", (_json(rows),)
    )
    return {row: _unpack(kept) for row, kept in found}


def _hit(record: Grouped, score: float, query: Node | None, search: Search) -> Hit:
    return hit(record, score, query, highlight=search.highlight)


def _pack(plain: bytes) -> bytes:
    packed = zlib.compress(plain, 1)
    return packed if len(packed) < len(plain) else plain


def _unpack(kept: bytes) -> Grouped:
    return decode(Grouped, kept if kept.startswith(b"{") else zlib.decompress(kept))


def _first_row(moment: datetime) -> int:
    return _first_row_of_hour(buckets.milliseconds(moment) // buckets.HOUR_MS)


def _first_row_of_hour(hour: int) -> int:
    return max(0, hour - _FIRST_HOUR) * SLOTS


def _json(values: Sequence[Any]) -> str:
    return json.dumps(list(values))
