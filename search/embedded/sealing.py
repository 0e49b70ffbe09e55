"""Loose rows taken into blocks, see `search.embedded.columns`.

New rows, which are mostly the newest, make small blocks at the end; two neighbours of about a size become one, until a
block is full. So each row is written a few times, however many there are. Blocks in which rows were changed are
written anew where that is worth it.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from typing import Any

import numpy as np
import numpy.typing as npt

from search import analysis
from search.embedded import characters, packing
from search.embedded.codes import CODED, CodeBook
from search.embedded.columns import FIELDS, NUMBERS, Numbers, Records, packed, place, unpacked

LOOSE = 1_024
"""From so many loose rows on they are taken into blocks; each search reads them from `documents`."""

WORTH = 64
"""Rows changed for which a block is written anew."""

MOST_LOOSE = 4 * LOOSE
"""From so many on, whatever they lie in is written anew."""

FULL = 16_384
"""Rows from which a block grows no further."""

Block = dict[str, npt.NDArray[Any]]
"""Field → values; `characters`: the signs of each row."""

_OF_ROWS = (*(field for field in FIELDS if not field.startswith("policy")), "characters")
"""What has one value a row."""


def seal(connection: sqlite3.Connection, *, everything: bool = False) -> None:
    """Take loose rows into blocks where there are enough; in a transaction that writes.

    Parameters
    ----------
    everything:
        However few there are.
    """
    (count,) = connection.execute("SELECT count(*) FROM loose").fetchone()
    if count < LOOSE and not (everything and count):
        return
    codes = CodeBook(connection)
    loose = np.array([row for (row,) in connection.execute("SELECT row FROM loose ORDER BY row")], np.int64)
    blocks = connection.execute("SELECT block, first FROM blocks ORDER BY first").fetchall()
    (last,) = connection.execute("SELECT coalesce(max(last), -1) FROM blocks").fetchone()
    behind = loose[loose > last]
    inside = loose[loose <= last]
    owners = np.maximum(np.searchsorted(np.array([first for _, first in blocks]), inside, side="right") - 1, 0)
    for owner in np.unique(owners):
        rows = inside[owners == owner]
        if everything or count >= MOST_LOOSE or len(rows) >= WORTH:
            block = blocks[owner][0]
            _replace(connection, [block], _changed(_read(connection, block), _taken(connection, codes, rows)))
    for start in range(0, len(behind), FULL):
        _replace(connection, [], _taken(connection, codes, behind[start : start + FULL]))
        _join_last(connection)


def seal_anew(connection: sqlite3.Connection) -> None:
    """Make all blocks from `documents`; in a transaction that writes."""
    for table in ("blocks", "columns", "characters", "codes"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
    connection.execute("INSERT OR IGNORE INTO loose (row) SELECT row FROM documents")
    seal(connection, everything=True)


def forget_unused_values(connection: sqlite3.Connection) -> None:
    """Take the codes away that no block holds any more; in a transaction that writes."""
    codes = CodeBook(connection)
    for field in CODED:
        used = np.empty(0, np.int64)
        for (block,) in connection.execute("SELECT block FROM blocks").fetchall():
            used = np.union1d(used, _column(connection, block, field))
        codes.forget_unused(field, used.astype(np.int64))


def _taken(connection: sqlite3.Connection, codes: CodeBook, rows: Numbers) -> Block:
    """What `documents` holds in these rows, which are loose no longer."""
    wanted = (json.dumps(rows.tolist()),)
    records = Records(
        connection, codes, "json_each(?) wanted CROSS JOIN documents d ON d.row = wanted.value", wanted, keep=True
    )
    block: Block = {field: records.column(field) for field in FIELDS}
    block["characters"] = characters.joined(_signs(connection, wanted))
    block["taken"] = rows
    connection.execute("DELETE FROM loose WHERE row IN (SELECT value FROM json_each(?))", wanted)
    return block


def _signs(connection: sqlite3.Connection, wanted: tuple[str]) -> list[bytes]:
    """Those of the loose rows that are there, in order. They are missing where all rows have been made loose."""
    found = connection.execute(
        "SELECT loose.row, loose.characters FROM json_each(?) wanted CROSS JOIN loose ON loose.row = wanted.value"
        " CROSS JOIN documents d ON d.row = loose.row ORDER BY loose.row",
        wanted,
    ).fetchall()
    return [signs if signs is not None else _signs_of_record(connection, row) for row, signs in found]


def _signs_of_record(connection: sqlite3.Connection, row: int) -> bytes:
    (kept,) = connection.execute("SELECT body FROM records WHERE row = ?", (row,)).fetchone()
    document = packing.unpack(kept).document
    return characters.signs_of(analysis.folded(document.title), analysis.folded(document.text))


def _changed(block: Block, taken: Block) -> Block:
    """A block with what was taken in place of what it holds in the same rows."""
    return _merged(_only(block, ~np.isin(block["row"], taken["taken"])), taken)


def _only(block: Block, kept: np.ndarray) -> Block:
    """The rows of a block that are to be kept."""
    places = np.cumsum(kept) - 1
    of_kept = kept[block["policy_at"]]
    found = {field: block[field][kept] for field in _OF_ROWS}
    return {
        **found,
        "policy": block["policy"][of_kept],
        "policy_at": places[block["policy_at"][of_kept]],
    }


def _merged(one: Block, other: Block) -> Block:
    """Two blocks of different rows as one, in the order of rows."""
    rows = np.concatenate([one["row"], other["row"]])
    order = np.argsort(rows, kind="stable")
    found = {field: np.concatenate([one[field], other[field]])[order] for field in _OF_ROWS}
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    places = rank[np.concatenate([one["policy_at"], other["policy_at"] + len(one["row"])])]
    order = np.argsort(places, kind="stable")
    policies = np.concatenate([one["policy"], other["policy"]])
    return {**found, "policy": policies[order], "policy_at": places[order]}


def _join_last(connection: sqlite3.Connection) -> None:
    """Make the last blocks one, as long as the one before is not twice as large."""
    while True:
        last = connection.execute("SELECT block, size FROM blocks ORDER BY first DESC LIMIT 2").fetchall()
        if len(last) < 2 or last[1][1] >= min(FULL, 2 * last[0][1]):
            return
        before, behind = last[1][0], last[0][0]
        _replace(connection, [before, behind], _merged(_read(connection, before), _read(connection, behind)))


def _replace(connection: sqlite3.Connection, blocks: list[int], made: Block) -> None:
    """Put one block in the place of some; two where it has become too large, none where nothing is left."""
    for block in blocks:
        connection.execute("DELETE FROM blocks WHERE block = ?", (block,))
        characters.forget(connection, block)
        connection.execute(
            "DELETE FROM columns WHERE place BETWEEN ? AND ?", (place(block, FIELDS[0]), place(block, FIELDS[-1]))
        )
    size = len(made["row"])
    parts = [made]
    if size > 2 * FULL:
        first_half = np.arange(size) < size // 2
        parts = [_only(made, first_half), _only(made, ~first_half)]
    for part in parts if size else ():
        block = secrets.randbits(48)
        rows = part["row"]
        connection.execute("INSERT INTO blocks VALUES (?, ?, ?, ?)", (block, int(rows[0]), int(rows[-1]), len(rows)))
        connection.executemany(
            "INSERT INTO columns VALUES (?, ?)",
            [(place(block, field), packed(part[field], relative=field in NUMBERS)) for field in FIELDS],
        )
        characters.keep(connection, block, part["characters"])


def _read(connection: sqlite3.Connection, block: int) -> Block:
    found: Block = {field: _column(connection, block, field) for field in FIELDS}
    found["characters"] = characters.kept(connection, block, len(found["row"]))
    return found


def _column(connection: sqlite3.Connection, block: int, field: str) -> Numbers:
    (body,) = connection.execute("SELECT body FROM columns WHERE place = ?", (place(block, field),)).fetchone()
    return unpacked(body).astype(np.int64)
