"""A record as it lies in the file: packed whole, and as words."""

from __future__ import annotations

import sqlite3
import threading
import zlib

import zstandard

from minsheng.records import Grouped, decode
from search.tokens import Words


class _Codec(threading.local):
    """What packs and unpacks; each thread has its own, as zstandard's may not be shared."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=3)
        self.decompressor = zstandard.ZstdDecompressor()


_codec = _Codec()


def pack(plain: bytes) -> bytes:
    """Compressed where that pays."""
    packed = _codec.compressor.compress(plain)
    return packed if len(packed) < len(plain) else plain


def unpack(kept: bytes) -> Grouped:
    """The record again, however it was packed: files of before have it as zlib packs."""
    if kept.startswith(b"{"):
        return decode(Grouped, kept)
    if kept.startswith(zstandard.FRAME_HEADER):
        return decode(Grouped, _codec.decompressor.decompress(kept))
    return decode(Grouped, zlib.decompress(kept))


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
