"""The commonest characters, and which documents hold them.

A search for one character meets every pair that begins with it: of a common one, thousands of tokens, whose rows FTS5
puts together one by one; half a second a million documents. So for each of the `COMMON` characters there is a bit a
document that tells whether the document holds it, and one that tells whether its title does. New and changed documents
have theirs in `loose`, large blocks have theirs sign by sign, so that a search reads those of its characters alone.
(Small blocks, which are few and soon become one, have them document by document, as turning them costs the most.)
Where pairs are rare, because the character is, they are quick enough.
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from search.query import Field

COMMON = (
    "的一人在不有了是为发大个中要我上国年家新全生以出到多来时和地现行能会工日用作开民好月关部这对天市重成业进实视下政方加长理区经公动"
    "同主高等前面建合就过体定平领力今于员通保心事近道次消自网们强化将导入分务设息展提文总联产正后本情门问局期持还法点共表已央闻机都向"
    "十当也安可应各与制推目代量续学间交播利系外度得增起明示社两更活三第西小资万统场习基相规特题记调内最从水位造美议之北解报路二者求治"
    "至程式数施收举及性元意确深质计电打里其并书任快运指组信际取委立布办院无管据他南所此项称战流达级护党口决首没台步结带济接四比支创坚"
    "想放果色着府海科改完省说域常名金处转受回去请世物广复源做城超费标升望军线育见界子型防商企品引华如给集席致斯断五医服技义县山百协感"
    "东策境老别精准原团参未构而周京件供反话车户积种众效严希态由亿传把落病备查列极势空被教条单专群号江稳因么让届气责环投优风再看击手干"
)
"""The characters that most documents hold: of posts, letters to offices and news, each a third. With other ones, blocks
must be made anew: raise `search.embedded.file.COLUMNS`."""

SIGNS = 2 * len(COMMON)
"""The characters anywhere, then the characters in titles."""

BYTES = SIGNS // 8
"""Of the signs of one document."""

_TOGETHER = 16
"""Signs in one row of the table: few enough to be read for one of them, and enough to leave little space unused."""

TURNED = 16_384
"""Documents in a block from which it has them sign by sign."""

_ROWS_A_BLOCK = 64
_CHARACTERS = frozenset(COMMON)
_NUMBER = np.zeros(1 << 16, np.intp)
"""By code point: the number of the sign after; 0 for what has none."""
_NUMBER[[ord(char) for char in COMMON]] = np.arange(1, len(COMMON) + 1)
_NUMBER_IN_TITLE = np.where(_NUMBER > 0, _NUMBER + len(COMMON), 0)

Packed = npt.NDArray[np.uint8]
"""(documents, `BYTES`): the signs of each."""


def sign(char: str, field: Field) -> int:
    """The number of the sign that tells whether a document holds one of the `COMMON` characters."""
    return COMMON.index(char) + (len(COMMON) if field == "title" else 0)


def is_common(token: str) -> bool:
    return token in _CHARACTERS


def signs_of(title: str, text: str) -> bytes:
    """The signs of a document.

    Parameters
    ----------
    title, text:
        Folded, or as tokens (`search.tokens.of_text`): a character stands there only where it is a unit.
    """
    held = np.zeros(SIGNS + 1, np.uint8)
    held[_NUMBER[_codes(text)]] = 1
    if title:
        codes = _codes(title)
        held[_NUMBER[codes]] = 1
        held[_NUMBER_IN_TITLE[codes]] = 1
    return np.packbits(held[1:], bitorder="little").tobytes()


def _codes(text: str) -> npt.NDArray[np.uint16]:
    """Code points; halves of those that are wider, which have no sign."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")


def joined(signs: list[bytes]) -> Packed:
    return np.frombuffer(b"".join(signs), np.uint8).reshape(len(signs), BYTES)


def keep(connection: sqlite3.Connection, block: int, signs: Packed) -> None:
    """Write those of a block."""
    if len(signs) < TURNED:
        connection.execute(
            "INSERT INTO characters VALUES (?, ?)", (block * _ROWS_A_BLOCK, np.ascontiguousarray(signs).tobytes())
        )
        return
    bits = np.unpackbits(signs, axis=1, bitorder="little").T
    columns = np.packbits(bits, axis=1, bitorder="little")
    connection.executemany(
        "INSERT INTO characters VALUES (?, ?)",
        [
            (block * _ROWS_A_BLOCK + row, _packed(columns[start : start + _TOGETHER].tobytes()))
            for row, start in enumerate(range(0, SIGNS, _TOGETHER))
        ],
    )


def kept(connection: sqlite3.Connection, block: int, size: int) -> Packed:
    """Those of a block of this size."""
    if size < TURNED:
        return _in_small(connection, block)
    rows = connection.execute("SELECT body FROM characters WHERE place BETWEEN ? AND ? ORDER BY place", _places(block))
    columns = b"".join(_unpacked(body) for (body,) in rows)
    bits = np.unpackbits(np.frombuffer(columns, np.uint8).reshape(SIGNS, -1), axis=1, count=size, bitorder="little")
    return np.packbits(bits.T, axis=1, bitorder="little")


def forget(connection: sqlite3.Connection, block: int) -> None:
    connection.execute("DELETE FROM characters WHERE place BETWEEN ? AND ?", _places(block))


def holding(connection: sqlite3.Connection, block: int, size: int, number: int) -> npt.NDArray[Any]:
    """Whether each row of a block has a sign: 0 or 1."""
    if size < TURNED:
        return has(_in_small(connection, block), number)
    row, place = divmod(number, _TOGETHER)
    (body,) = connection.execute(
        "SELECT body FROM characters WHERE place = ?", (block * _ROWS_A_BLOCK + row,)
    ).fetchone()
    width = (size + 7) // 8
    bits = np.frombuffer(_unpacked(body), np.uint8, width, offset=place * width)
    return np.unpackbits(bits, count=size, bitorder="little")


def has(signs: Packed, number: int) -> npt.NDArray[Any]:
    """Whether each document has a sign: 0 or 1."""
    return signs[:, number // 8] >> number % 8 & 1


def _in_small(connection: sqlite3.Connection, block: int) -> Packed:
    (body,) = connection.execute("SELECT body FROM characters WHERE place = ?", (block * _ROWS_A_BLOCK,)).fetchone()
    return np.frombuffer(body, np.uint8).reshape(-1, BYTES)


def _places(block: int) -> tuple[int, int]:
    return block * _ROWS_A_BLOCK, block * _ROWS_A_BLOCK + _ROWS_A_BLOCK - 1


# Titles hold few of the characters, which is worth packing.


def _packed(plain: bytes) -> bytes:
    packed = zlib.compress(plain, 1)
    return b"z" + packed if 2 * len(packed) < len(plain) else b" " + plain


def _unpacked(body: bytes) -> bytes:
    return zlib.decompress(body[1:]) if body[:1] == b"z" else body[1:]
