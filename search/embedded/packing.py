"""A record as it lies in the file: packed whole, and as words."""

from __future__ import annotations

import sqlite3
import zlib

from minsheng.records import Grouped, decode
from search import tokens


def pack(plain: bytes) -> bytes:
    """Compressed where that pays."""
    packed = zlib.compress(plain, 1)
    return packed if len(packed) < len(plain) else plain


def unpack(kept: bytes) -> Grouped:
    return decode(Grouped, kept if kept.startswith(b"{") else zlib.decompress(kept))


def add_words(connection: sqlite3.Connection, table: str, row: int, record: Grouped) -> None:
    document = record.document
    connection.execute(
        f"INSERT INTO {table} (rowid, title, text) VALUES (?, ?, ?)",  # noqa: S608 - one of our two tables
        (row, tokens.of_text(document.title), tokens.of_text(document.text)),
    )


def forget_words(connection: sqlite3.Connection, table: str, row: int, record: Grouped) -> None:
    """A contentless table is told what to forget; the same tokens come from the kept record."""
    document = record.document
    connection.execute(
        f"INSERT INTO {table} ({table}, rowid, title, text) VALUES ('delete', ?, ?, ?)",  # noqa: S608 - one of our two tables
        (row, tokens.of_text(document.title), tokens.of_text(document.text)),
    )
