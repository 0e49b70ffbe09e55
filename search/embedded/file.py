"""The file: its tables, how an older one is brought up to date, and transactions on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from minsheng.exercises import EXERCISE
from minsheng.logs import get_logger
from search import analysis, buckets, tokens
from search.embedded import packing, sealing

log = get_logger(__name__)

COLUMNS = 4
"""Raise with every change of the columns, and add how an older file gets them to `_add_columns`."""

_STEP = 100
LAYOUT = COLUMNS * _STEP + analysis.VERSION
"""Kept in the file. One with other columns is given today's; one with another analysis has its words indexed anew."""

SLOTS = 1 << 24
"""Row ids an hour: room for a large file without times, all of whose documents are of the hour of its import."""

FIRST_HOUR = -17_259_888
"""0001-01-01, so that row ids are never negative."""

WORDS = "USING fts5(title, text, content='', tokenize=\"ascii tokenchars '_'\")"

DRILLS = f"SELECT row FROM documents WHERE source = '{EXERCISE}'"  # noqa: S608 - only our own words
"""The rows of drills: as the index on them says it, so that this is used."""

_INDEXES = f"""
CREATE INDEX IF NOT EXISTS documents_event ON documents (event);
CREATE INDEX IF NOT EXISTS documents_group ON documents (duplicate_group);
CREATE INDEX IF NOT EXISTS documents_arrival ON documents (arrival);
CREATE INDEX IF NOT EXISTS documents_drills ON documents (source) WHERE source = '{EXERCISE}';
DROP INDEX IF EXISTS documents_reach;
DROP INDEX IF EXISTS documents_facets;
"""
_SCHEMA = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS words {WORDS};
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
    stance TEXT,
    outlet TEXT,
    reach INTEGER NOT NULL DEFAULT 0,
    fetched INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS policies (
    policy TEXT NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (policy, row)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS policies_row ON policies (row);
CREATE TABLE IF NOT EXISTS records (row INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    block INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS columns (place INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS codes (
    field INTEGER NOT NULL,
    code INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (field, value)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS codes_code ON codes (field, code);
CREATE TABLE IF NOT EXISTS characters (place INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS loose (row INTEGER PRIMARY KEY, characters BLOB);
"""


def first_row(moment: datetime) -> int:
    """The least row id of the hour that `moment` lies in."""
    return first_row_of_hour(buckets.milliseconds(moment) // buckets.HOUR_MS)


def first_row_of_hour(hour: int) -> int:
    """The same, for an hour counted since 1970."""
    return max(0, hour - FIRST_HOUR) * SLOTS


@contextmanager
def transaction(connection: sqlite3.Connection, *, write: bool = False) -> Iterator[None]:
    """All or nothing; a reader sees the file as it was at its first look."""
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an older program up to date."""

    def layout() -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    if layout() == LAYOUT:
        return
    with transaction(connection, write=True):
        older = layout()  # again, as another process may have been quicker
        if older == LAYOUT:
            return
        made_anew = bool(older) and (older // _STEP < COLUMNS or older % _STEP != analysis.VERSION)
        if made_anew:
            connection.execute("DROP TABLE IF EXISTS loose")
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        if older:
            _add_columns(connection, older // _STEP)
            if older % _STEP != analysis.VERSION:
                _index_anew(connection)
        for statement in _INDEXES.split(";\n"):
            connection.execute(statement)
        if made_anew:
            sealing.seal_anew(connection)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")


def _add_columns(connection: sqlite3.Connection, older: int) -> None:
    """Bring the tables from the columns of version `older` to today's.

    1 adds `stance`, which no record had before, so that what is kept needs no change. 2 adds outlet, reach and time of
    fetching, which are read from the records. 3 and 4, the blocks and their characters, change nothing here.
    """
    if older < 1:
        connection.execute("ALTER TABLE documents ADD COLUMN stance TEXT")
    if older < 2:
        connection.execute("ALTER TABLE documents ADD COLUMN outlet TEXT")
        connection.execute("ALTER TABLE documents ADD COLUMN reach INTEGER NOT NULL DEFAULT 0")
        connection.execute("ALTER TABLE documents ADD COLUMN fetched INTEGER NOT NULL DEFAULT 0")
        for row, kept in connection.execute("SELECT row, body FROM records ORDER BY row"):
            document = packing.unpack(kept).document
            connection.execute(
                "UPDATE documents SET outlet = ?, reach = ?, fetched = ? WHERE row = ?",
                (document.outlet, document.engagement.total(), buckets.milliseconds(document.fetched_at), row),
            )


def _index_anew(connection: sqlite3.Connection) -> None:
    log.info("index_words_anew", reason="the analysis of text has changed")
    for unfinished in ("words_anew", "rebuilding"):
        connection.execute(f"DROP TABLE IF EXISTS {unfinished}")
    connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    for row, kept in connection.execute("SELECT row, body FROM records ORDER BY row"):
        (words,) = tokens.of_records([packing.unpack(kept)])
        packing.add_words(connection, "words", row, words)
