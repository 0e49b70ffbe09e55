"""Records in the file: put in, taken out, read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minsheng.errors import MinshengError
from minsheng.records import Grouped
from search import buckets, tokens
from search.embedded.characters import signs_of
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
    found = dict(sorted(bodies(connection, rows).items()))
    for row, words in zip(found, tokens.of_records(list(found.values())), strict=True):
        forget_words(connection, "words", row, words)
        if anew is not None and row <= anew:
            forget_words(connection, "words_anew", row, words)
    numbers = [(row,) for row in rows]
    for table in ("documents", "policies", "records"):
        connection.executemany(f"DELETE FROM {table} WHERE row = ?", numbers)  # noqa: S608 - names from above
    _loosen(connection, [(row, None) for row in rows])


def insert(
    connection: sqlite3.Connection,
    chosen: Iterable[tuple[Grouped, bytes]],
    known: Mapping[str, tuple[int, int, int]],
) -> None:
    """Put in records that are not there (any more); those that were keep their row and arrival where they can."""
    (arrival,) = connection.execute("SELECT coalesce(max(arrival), 0) FROM documents").fetchone()
    anew = rebuilt_to(connection)
    placed = []
    new = []
    behind: dict[int, int] = {}  # by hour: the row after the last one that is kept, which may be free at the moment
    for record, packed in chosen:
        first = first_row(record.document.published_at)
        _, row, _ = known.get(record.document.id, (0, -1, 0))
        if first <= row < first + SLOTS:
            placed.append((row, record, packed))
            behind[first] = max(behind.get(first, first), row + 1)
        else:
            new.append((first, record, packed))
    free: dict[int, int] = {}
    for first, record, packed in new:
        row = free[first] if first in free else max(_free_row(connection, first), behind.get(first, first))
        if row >= first + SLOTS:
            raise MinshengError(
                f"index: more than {SLOTS:,} documents were published within one hour",
                "so many need Elasticsearch: see the section [search]",
            )
        free[first] = row + 1
        placed.append((row, record, packed))
    placed.sort(key=lambda item: item[0])
    loosened: list[tuple[int, bytes | None]] = []
    all_words = tokens.of_records([record for _, record, _ in placed])
    for (row, record, packed), words in zip(placed, all_words, strict=True):
        document, assessed = record.document, record.assessed
        arrival += 1
        add_words(connection, "words", row, words)
        if anew is not None and row <= anew:
            add_words(connection, "words_anew", row, words)
        loosened.append((row, signs_of(*words)))
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
    _loosen(connection, loosened)


def _loosen(connection: sqlite3.Connection, rows: Sequence[tuple[int, bytes | None]]) -> None:
    """Tell that what blocks hold of these rows no longer counts, and the signs of what is there now. (A trigger would
    cost a tenth of all writing.)"""
    connection.executemany("INSERT OR REPLACE INTO loose VALUES (?, ?)", rows)


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
