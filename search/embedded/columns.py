"""What is filtered, counted and sorted by, column by column.

A search that counts facets meets each of a million matches. To look each up in `documents` takes seconds; as columns
of small numbers they are read and counted in milliseconds. So `blocks` and `columns` hold the values of `documents`
once more, some ten thousand rows a block. Rows that were put in, changed or taken out since lie in `loose`, where
whoever writes puts them in the same transaction: they are read from `documents`, and what a block holds of them does
not count. `search.embedded.sealing` takes them into blocks, so that they stay few.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from search.embedded import characters
from search.embedded.codes import CODED, CodeBook
from search.query import Field

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NUMBERS = ("row", "published", "fetched", "arrival", "reach")
SINGLE = tuple(field for field in CODED if field != "policy")
FIELDS = (*NUMBERS, "group", *SINGLE, "policy", "policy_at")
"""The columns of a block; their places here are their numbers in the table, so new ones go to the end. `group` is a
hash of the group of duplicates, 63 bits long: among a million groups, two are taken for one once in 18 million indices.
`policy` holds all policies of all rows, `policy_at` the place in the block of the row that each is of."""

_COLUMNS_A_BLOCK = 32
_HEAD = struct.Struct("<qB7x")
"""The least number, and the bytes of each."""


def place(block: int, field: str) -> int:
    """The row of `columns` that holds a field of a block."""
    return block * _COLUMNS_A_BLOCK + FIELDS.index(field)


def packed(values: Numbers, *, relative: bool) -> bytes:
    """A column as it is kept: in the fewest bytes a number; `relative`: to the least of them."""
    least = int(values.min()) if relative and len(values) else 0
    shifted = values - least
    kind = np.min_scalar_type(int(shifted.max()) if len(shifted) else 0)
    return _HEAD.pack(least, kind.itemsize) + shifted.astype(kind.newbyteorder("<")).tobytes()


def unpacked(kept: bytes) -> npt.NDArray[Any]:
    """The column; its numbers are wider than a byte each where they must be."""
    least, width = _HEAD.unpack_from(kept)
    values = np.frombuffer(kept, f"<u{width}", offset=_HEAD.size)
    return values.astype(np.int64) + least if least else values


def group_number(group: str) -> int:
    """What stands for a group of duplicates in the column `group`."""
    digest = blake2b(group.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class Records:
    """The same columns, read from `documents` for some rows.

    Parameters
    ----------
    origin:
        SQL behind FROM that names `documents` as `d`, with its conditions.
    keep:
        Give new values their codes for good.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        codes: CodeBook,
        origin: str,
        given: Sequence[Any] = (),
        *,
        keep: bool = False,
    ) -> None:
        self._codes = codes
        self._keep = keep
        names = (*NUMBERS, "duplicate_group", *SINGLE)
        rows = connection.execute(
            f"SELECT {', '.join(f'd.{name}' for name in names)} FROM {origin} ORDER BY d.row",  # noqa: S608 - our words
            given,
        ).fetchall()
        self._kept: Mapping[str, Sequence[Any]] = dict(
            zip(names, zip(*rows, strict=True) if rows else ((),) * len(names), strict=True)
        )
        self.row = np.array(self._kept["row"], np.int64)
        self._policies = connection.execute(
            "SELECT row, policy FROM policies WHERE row IN (SELECT value FROM json_each(?)) ORDER BY row, policy",
            (json.dumps(self._kept["row"]),),
        ).fetchall()

    def column(self, field: str) -> Numbers:
        if field in NUMBERS:
            return np.array(self._kept[field], np.int64)
        if field == "group":
            return np.array([group_number(group) for group in self._kept["duplicate_group"]], np.int64)
        if field == "policy":
            return self._codes.codes(field, [policy for _, policy in self._policies], keep=self._keep)
        if field == "policy_at":
            return np.searchsorted(self.row, np.array([row for row, _ in self._policies], np.int64))
        return self._codes.codes(field, self._kept[field], keep=self._keep)


class Columns:
    """The columns as one transaction sees them, each read when it is asked for.

    Parameters
    ----------
    only:
        Rows to have, where they are few; else all in the blocks between `lowest` and `highest`.

    Attributes
    ----------
    row:
        The row of each place: those of the blocks in order, then those that are read from `documents` in order.
    alive:
        Whether what stands at a place still holds.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        only: Numbers | None = None,
        lowest: int = 0,
        highest: int = (1 << 63) - 1,
    ) -> None:
        self._connection = connection
        self.codes = CodeBook(connection)
        self._read: dict[str, npt.NDArray[Any]] = {}
        self._blocks: list[tuple[int, int]] = []
        if only is not None:
            self._records = Records(
                connection,
                self.codes,
                "json_each(?) wanted CROSS JOIN documents d ON d.row = wanted.value",
                (json.dumps(only.tolist()),),
            )
            loose = np.empty(0, np.int64)
        else:
            self._blocks = connection.execute(
                "SELECT block, size FROM blocks WHERE last >= ? AND first <= ? ORDER BY first", (lowest, highest)
            ).fetchall()
            self._records = Records(
                connection,
                self.codes,
                "loose CROSS JOIN documents d ON d.row = loose.row WHERE loose.row BETWEEN ? AND ?",
                (lowest, highest),
            )
            rows = connection.execute("SELECT row FROM loose WHERE row BETWEEN ? AND ?", (lowest, highest))
            loose = np.array([row for (row,) in rows], np.int64)
        self.row: Numbers = self.column("row")
        self._sealed = len(self.row) - len(self._records.row)
        self.alive: Mask = np.ones(len(self.row), np.bool_)
        stale = np.searchsorted(self.row[: self._sealed], loose)
        there = stale < self._sealed
        stale, loose = stale[there], loose[there]
        self.alive[stale[self.row[stale] == loose]] = False

    def column(self, field: str) -> npt.NDArray[Any]:
        """The numbers or codes of a field at each place."""
        found = self._read.get(field)
        if found is None:
            found = self._read[field] = self._joined(field)
        return found

    def add(self, field: str, values: Numbers) -> None:
        """A column that this search alone has."""
        self._read[field] = values

    @cached_property
    def policies(self) -> tuple[Numbers, npt.NDArray[Any]]:
        """Places, and the code of a policy of each: as often as it has policies."""
        places, start = [], 0
        for block, size in self._blocks:
            places.append(self._kept(block, "policy_at") + np.int64(start))
            start += size
        places.append(self._records.column("policy_at") + np.int64(start))
        return np.concatenate(places), self.column("policy")

    def places(self, rows: Numbers) -> Numbers:
        """The places of those of these rows that are here and hold; `rows` in order."""
        found = []
        for start, part in ((0, self.row[: self._sealed]), (self._sealed, self.row[self._sealed :])):
            if len(part):
                near = np.searchsorted(part, rows)
                near[near == len(part)] = 0
                found.append(near[part[near] == rows] + start)
        places = np.concatenate(found) if found else np.empty(0, np.int64)
        return places[self.alive[places]]

    def among(self, field: str, values: Sequence[str]) -> Mask:
        """Whether each place has one of these values in a field with codes."""
        if field == "policy":
            places, policies = self.policies
            found = np.zeros(len(self.row), np.bool_)
            found[places[_any_of(policies, self.codes.find(field, values))]] = True
            return found
        column = self.column(field)  # before the codes are looked for, as this gives new values theirs
        return _any_of(column, self.codes.find(field, values))

    def beginning(self, field: str, starts: Sequence[str]) -> Mask:
        """Whether each place has a value that begins with one of these, in a field with codes and one value."""
        column = self.column(field)
        return _any_of(column, self.codes.beginning(field, starts))

    def holding(self, char: str, field: Field) -> Mask:
        """Whether what is at each place holds one of the common characters; not of `only` some rows."""
        number = characters.sign(char, field)
        parts = [characters.holding(self._connection, block, size, number) for block, size in self._blocks]
        parts.append(characters.has(characters.joined(self._loose_signs), number))
        return np.concatenate(parts).astype(np.bool_)

    @cached_property
    def _loose_signs(self) -> list[bytes]:
        """Those of the places that are read from `documents`."""
        rows = self._connection.execute(
            "SELECT loose.characters FROM json_each(?) wanted CROSS JOIN loose ON loose.row = wanted.value"
            " ORDER BY loose.row",
            (json.dumps(self._records.row.tolist()),),
        )
        return [signs for (signs,) in rows]

    def _joined(self, field: str) -> npt.NDArray[Any]:
        parts = [self._kept(block, field) for block, _ in self._blocks]
        if field in CODED:
            return np.concatenate([*parts, _narrowed(self._records.column(field))])
        return np.concatenate([*(part.astype(np.int64) for part in parts), self._records.column(field)])

    def _kept(self, block: int, field: str) -> npt.NDArray[Any]:
        (body,) = self._connection.execute(
            "SELECT body FROM columns WHERE place = ?", (place(block, field),)
        ).fetchone()
        return unpacked(body)


def _narrowed(codes: Numbers) -> npt.NDArray[Any]:
    """In as few bytes as the columns that they are put beside, which then need not be widened."""
    return codes.astype(np.min_scalar_type(int(codes.max()) if len(codes) else 0))


def _any_of(column: npt.NDArray[Any], codes: Numbers) -> Mask:
    wanted = np.zeros(max(int(column.max()) if len(column) else 0, int(codes.max()) if len(codes) else 0) + 1, np.bool_)
    wanted[codes] = True
    found: Mask = wanted[column]
    return found
