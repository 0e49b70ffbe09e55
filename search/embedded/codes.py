"""Numbers in place of values: each distinct value of a field (a source, an event) has one, kept in the table `codes`.

No document has the code 0: it stands for no value.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

CODED = ("source", "outlet", "kind", "sentiment", "topic", "request", "stance", "event", "region", "policy")
"""The fields; their places here are their numbers in the table, so new ones go to the end."""

FEW_NAMES = 5_000
"""Up to so many codes are named one by one to tell which name comes first; of more, all names are gone through."""

Codes = npt.NDArray[np.int64]


class CodeBook:
    """The codes as one transaction sees them.

    Values that nobody has given a code yet are given one for as long as this object lives, or for good (`keep`, in a
    transaction that writes).
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, dict[str, int]] = {field: {} for field in CODED}

    def codes(self, field: str, values: Sequence[str | None], *, keep: bool = False) -> Codes:
        """The code of each value, 0 for None."""
        known = self._known[field]
        self._look_up(field, values)
        new = sorted({value for value in values if value is not None and value not in known})
        if new:
            (last,) = self._connection.execute(
                "SELECT coalesce(max(code), 0) FROM codes WHERE field = ?", (CODED.index(field),)
            ).fetchone()
            given = {value: code for code, value in enumerate(new, max(last, *known.values(), 0) + 1)}
            known.update(given)
            if keep:
                self._connection.executemany(
                    "INSERT INTO codes VALUES (?, ?, ?)",
                    [(CODED.index(field), code, value) for value, code in given.items()],
                )
        return np.array([0 if value is None else known[value] for value in values], np.int64)

    def find(self, field: str, values: Sequence[str]) -> Codes:
        """The codes of those values that have one."""
        self._look_up(field, values)
        known = self._known[field]
        return np.array(sorted({known[value] for value in values if value in known}), np.int64)

    def beginning(self, field: str, starts: Sequence[str]) -> Codes:
        """The codes of the values that begin with any of these."""
        rows = self._connection.execute("SELECT value, code FROM codes WHERE field = ?", (CODED.index(field),))
        known = dict(rows) | self._known[field]
        return np.array(sorted({code for value, code in known.items() if value.startswith(tuple(starts))}), np.int64)

    def names(self, field: str, codes: Codes) -> dict[int, str]:
        """Code → value."""
        wanted = set(codes.tolist())
        found = {code: value for value, code in self._known[field].items() if code in wanted}
        missing = sorted(wanted - found.keys())
        if missing:
            rows = self._connection.execute(
                "SELECT code, value FROM codes WHERE field = ? AND code IN (SELECT value FROM json_each(?))",
                (CODED.index(field), json.dumps(missing)),
            )
            found.update(rows)
        return found

    def first_names(self, field: str, codes: Codes, count: int) -> list[tuple[str, int]]:
        """Value and code of those `codes` whose values come first, in the order of values."""
        if len(codes) <= FEW_NAMES:
            return sorted((value, code) for code, value in self.names(field, codes).items())[:count]
        wanted = set(codes.tolist())
        own = [(value, code) for value, code in self._known[field].items() if code in wanted]
        rows = self._connection.execute(
            "SELECT value, code FROM codes WHERE field = ? ORDER BY value", (CODED.index(field),)
        )
        kept = islice(((value, code) for value, code in rows if code in wanted), count)
        return sorted({*kept, *own})[:count]

    def forget_unused(self, field: str, used: Codes) -> None:
        """Take away the codes that no block holds. One that is given again later stands in none of them."""
        connection, number = self._connection, CODED.index(field)
        (there,) = connection.execute("SELECT count(*) FROM codes WHERE field = ?", (number,)).fetchone()
        if there > len(used):
            connection.execute(
                "DELETE FROM codes WHERE field = ? AND code NOT IN (SELECT value FROM json_each(?))",
                (number, json.dumps(used.tolist())),
            )

    def _look_up(self, field: str, values: Iterable[str | None]) -> None:
        known = self._known[field]
        wanted = sorted({value for value in values if value is not None and value not in known})
        if wanted:
            known.update(
                self._connection.execute(
                    "SELECT value, code FROM codes WHERE field = ? AND value IN (SELECT value FROM json_each(?))",
                    (CODED.index(field), json.dumps(wanted)),
                )
            )
