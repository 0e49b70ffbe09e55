"""A record as it lies in the file: packed whole, and as words."""

from __future__ import annotations

import sqlite3
import zlib
from typing import NamedTuple

from minsheng.records import Grouped, decode
from search import tokens


class Words(NamedTuple):
    """A record as tokens."""

    title: str
    text: str


def words_of(record: Grouped) -> Words:
    return Words(tokens.of_text(record.document.title), tokens.of_text(record.document.text))


def pack(plain: bytes) -> bytes:
    """Compressed where that pays."""
    packed = zlib.compress(plain, 1)
    return packed if len(packed) < len(plain) else plain


def unpack(kept: bytes) -> Grouped:
    return decode(Grouped, kept if kept.startswith(b"{") else zlib.decompress(kept))


def add_words(connection: sqlite3.Connection, table: str, row: int, words: Words) -> None:
    connection.execute(
        f"INSERT INTO {table} (rowid, title, text) VALUES (?, ?, ?)",  # noqa: S608 - one of our two tables
        (row, *words),
    )


def forget_words(connection: sqlite3.Connection, table: str, row: int, words: Words) -> None:
    """A contentless table is told what to forget; the same tokens come from the kept record."""
    connection.execute(
        f"INSERT INTO {table} ({table}, rowid, title, text) VALUES ('delete', ?, ?, ?)",  # noqa: S608 - one of our two tables
        (row, *words),
    )
