"""Records in the file: put in, taken out, read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minsheng.errors import MinshengError
from minsheng.records import Grouped
from search import buckets
from search.embedded.file import SLOTS, first_row
from search.embedded.packing import add_words, forget_words, pack, unpack


def as_json(values: Sequence[Any]) -> str:
    """A list as one value of SQL, read there by `json_each`."""
    return json.dumps(list(values))


def known(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """For those ids that are there: version, row and arrival."""
    return {
        name: (version, row, arrival)
        for name, version, row, arrival in connection.execute(
            "SELECT id, version, row, arrival FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            (as_json(ids),),
        )
    }


def bodies(connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, Grouped]:
    """The records in these rows."""
    found = connection.execute(
        "SELECT row, body FROM records WHERE row IN (SELECT value FROM json_each(?))", (as_json(rows),)
    )
    return {row: unpack(kept) for row, kept in found}


def remove(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    # In the order of rows, because FTS5 writes its buffer to disk whenever the order breaks.
    anew = rebuilt_to(connection) if rows else None
    for row, record in sorted(bodies(connection, rows).items()):
        forget_words(connection, "words", row, record)
        if anew is not None and row <= anew:
            forget_words(connection, "words_anew", row, record)
    numbers = [(row,) for row in rows]
    for table in ("documents", "policies", "records"):
        connection.executemany(f"DELETE FROM {table} WHERE row = ?", numbers)  # noqa: S608 - names from above
    _loosen(connection, numbers)


def insert(
    connection: sqlite3.Connection,
    chosen: Iterable[tuple[Grouped, bytes]],
    known: Mapping[str, tuple[int, int, int]],
) -> None:
    """Put in records that are not there (any more); those that were keep their row and arrival where they can."""
    (arrival,) = connection.execute("SELECT coalesce(max(arrival), 0) FROM documents").fetchone()
    anew = rebuilt_to(connection)
    free: dict[int, int] = {}
    placed = []
    for record, packed in chosen:
        first = first_row(record.document.published_at)
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
        add_words(connection, "words", row, record)
        if anew is not None and row <= anew:
            add_words(connection, "words_anew", row, record)
        connection.execute(
            "INSERT INTO documents (row, id, version, arrival, published, source, kind, sentiment, topic, request,"
            " event, duplicate_group, region, stance, outlet, reach, fetched)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                document.outlet,
                document.engagement.total(),
                buckets.milliseconds(document.fetched_at),
            ),
        )
        connection.execute("INSERT INTO records VALUES (?, ?)", (row, pack(packed)))
        connection.executemany(
            "INSERT INTO policies VALUES (?, ?)",
            [(policy, row) for policy in assessed.filed_under],
        )
    _loosen(connection, [(row,) for row, _, _ in placed])


def _loosen(connection: sqlite3.Connection, rows: Sequence[tuple[int]]) -> None:
    """Tell that what blocks hold of these rows no longer counts. (A trigger would cost a tenth of all writing.)"""
    connection.executemany("INSERT OR IGNORE INTO loose VALUES (?)", rows)


def rebuilt_to(connection: sqlite3.Connection) -> int | None:
    """Up to which row the words are being indexed anew, see `search.embedded.rebuild`; None where nobody does."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'rebuilding'").fetchone()
    if there is None:
        return None
    (upto,) = connection.execute("SELECT upto FROM rebuilding").fetchone()
    return int(upto)


def _free_row(connection: sqlite3.Connection, first: int) -> int:
    (last,) = connection.execute(
        "SELECT max(row) FROM documents WHERE row >= ? AND row < ?", (first, first + SLOTS)
    ).fetchone()
    return first if last is None else int(last) + 1
