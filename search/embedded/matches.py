"""What a search matches, counted and put in order by columns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from search import buckets
from search.embedded.columns import Columns, Numbers, group_number
from search.embedded.file import FIRST_HOUR, SLOTS
from search.found import Copies
from search.index import Bucket, Facet, Search

ONCE_SORTED = 4_096
"""So many numbers are counted by sorting them."""
SPARSE = 8
"""Where codes are more than so many times the values, these are counted by sorting them, not by a counter a code."""


class Matches:
    """The places in some columns that a search matches.

    Parameters
    ----------
    places:
        In order.
    """

    def __init__(self, connection: sqlite3.Connection, columns: Columns, places: Numbers) -> None:
        self._connection = connection
        self._columns = columns
        self._places = places

    def count(self) -> int:
        return len(self._places)

    def groups(self) -> int:
        """How many groups of duplicates there are."""
        return distinct(self._of("group"))

    def without(self, groups: Sequence[str]) -> Matches:
        """All but what is in these groups of duplicates."""
        if not groups:
            return self
        kept = np.ones(len(self._places), np.bool_)
        kept[self._in_groups(groups)[0]] = False
        return Matches(self._connection, self._columns, self._places[kept])

    def rows(self, arrival: int | None = None) -> Numbers:
        """Their rows, newest hour first; of those that were there by then."""
        rows = self._of("row")
        if arrival is not None:
            rows = rows[self._of("arrival") <= arrival]
        found: Numbers = np.sort(rows)[::-1]
        return found

    # Counts

    def facet(self, facet: Facet, size: int) -> tuple[Bucket, ...]:
        """Values and how many matches have them, most frequent first, then in the order of values."""
        if facet == "policy":
            places, policies = self._columns.policies
            matched = np.zeros(len(self._columns.row), np.bool_)
            matched[self._places] = True
            given = policies[matched[places]]
        else:
            given = self._of(facet)
        codes, counts = _counted(given)
        if not len(codes):
            return ()
        least = int(np.partition(counts, -size)[-size]) if len(codes) > size else 0
        above = codes[counts > least]
        values = {value: code for code, value in self._columns.codes.names(facet, above).items()}
        if least:
            tied = codes[counts == least]
            values.update(self._columns.codes.first_names(facet, tied, size - len(above)))
        count_of = dict(zip(codes.tolist(), counts.tolist(), strict=True))
        found = sorted(((value, count_of[code]) for value, code in values.items()), key=lambda one: (-one[1], one[0]))
        return tuple(Bucket(value=value, count=count) for value, count in found)

    def histogram(self, search: Search) -> tuple[Bucket, ...]:
        """Counts over time."""
        assert search.histogram is not None
        hours = self._of("row") // SLOTS + FIRST_HOUR
        if not len(hours):
            return ()
        changes = np.flatnonzero(np.diff(hours)) + 1
        starts = np.concatenate([[0], changes])
        if search.histogram_split is None:
            lengths = np.diff(np.concatenate([starts, [len(hours)]]))
            return buckets.histogram(
                zip(hours[starts].tolist(), [None] * len(starts), lengths.tolist(), strict=True), search.histogram
            )
        parts = self._of(search.histogram_split).astype(np.int64)
        wide = int(parts.max()) + 1
        step = np.zeros(len(hours), np.int64)
        step[changes] = 1
        kinds, counts = _counted(np.cumsum(step) * wide + parts + 1)
        kinds -= 1
        names = self._columns.codes.names(search.histogram_split, np.unique(kinds % wide))
        return buckets.histogram(
            zip(
                hours[starts[kinds // wide]].tolist(),
                (names[part] for part in (kinds % wide).tolist()),
                counts.tolist(),
                strict=True,
            ),
            search.histogram,
        )

    # In order

    def first(
        self, keys: Sequence[str], size: int, after: Sequence[int | str] | None
    ) -> tuple[list[tuple[int, list[int], str]], bool]:
        """Those with the greatest keys, of equal ones with the greatest ids; and whether more follow.

        Parameters
        ----------
        keys:
            Columns, the first counts most.
        after:
            Keys and id of the last one before.

        Returns
        -------
        Row, keys and id of each.
        """
        rest = self._places
        if after is not None:
            *limits, name = after
            kept = []
            for key, limit in zip(keys, limits, strict=True):
                values = self._columns.column(key)[rest]
                kept.append(rest[values < limit])
                rest = rest[values == limit]
            ids = self._ids(rest)
            before = np.array([ids[row] < str(name) for row in self._columns.row[rest].tolist()], np.bool_)
            rest = np.concatenate([*kept, rest[before]])
        wanted = size + 1
        sure: list[Numbers] = []
        for key in keys:
            if len(rest) <= wanted:
                break
            values = self._columns.column(key)[rest]
            least = np.partition(values, len(rest) - wanted)[len(rest) - wanted]
            sure.append(rest[values > least])
            wanted -= len(sure[-1])
            rest = rest[values == least]
        places = np.concatenate([*sure, rest])
        ids = self._ids(places)
        rows = self._columns.row[places].tolist()
        values = np.stack([self._columns.column(key)[places] for key in keys], axis=1).tolist()
        ordered = sorted(zip(values, (ids[row] for row in rows), rows, strict=True), reverse=True)
        return [(row, value, name) for value, name, row in ordered[:size]], len(ordered) > size

    def copies(self, groups: Sequence[str], keys: Sequence[str]) -> dict[str, Copies]:
        """Of each of these groups of duplicates that has any, the first in the order of `first` and how many."""
        inside, which = self._in_groups(groups)
        places = self._places[inside]
        if not len(places):
            return {}
        counts = np.bincount(which, minlength=len(groups)).tolist()
        values = [self._columns.column(key)[places] for key in keys]
        order = np.lexsort([*reversed(values), which])
        # The last of each group is the first shown, but for those with the same keys and a greater id.
        sorted_groups = which[order]
        ends = np.flatnonzero(np.append(np.diff(sorted_groups), 1))
        best_at = np.empty(len(groups), np.int64)
        best_at[sorted_groups[ends]] = order[ends]
        tied = np.ones(len(places), np.bool_)
        for value in values:
            tied &= value == value[best_at[which]]
        ids = self._ids(places[tied])
        first: dict[int, str] = {}
        for group, row in zip(which[tied].tolist(), self._columns.row[places[tied]].tolist(), strict=True):
            first[group] = max(first.get(group, ""), ids[row])
        ordered = sorted(groups, key=group_number)
        return {ordered[group]: Copies(name, counts[group]) for group, name in first.items()}

    def _in_groups(self, groups: Sequence[str]) -> tuple[Numbers, Numbers]:
        """Which matches, by their order, are in one of these groups of duplicates, and in which one of them, by the
        order of the groups' numbers. They are looked up, as most groups are small."""
        rows = np.fromiter(
            chain.from_iterable(
                self._connection.execute(
                    "SELECT row FROM documents WHERE duplicate_group IN (SELECT value FROM json_each(?)) ORDER BY row",
                    (json.dumps(list(groups)),),
                )
            ),
            np.int64,
        )
        places = self._columns.places(rows)
        if not len(self._places):
            return self._places, self._places
        near = np.searchsorted(self._places, places)
        near[near == len(self._places)] = 0
        inside = near[self._places[near] == places]
        wanted = np.array(sorted(group_number(group) for group in groups), np.int64)
        return inside, np.searchsorted(wanted, self._columns.column("group")[self._places[inside]])

    def _of(self, field: str) -> npt.NDArray[np.int64]:
        column = self._columns.column(field)
        found: Numbers = column if len(self._places) == len(column) else column[self._places]
        return found

    def _ids(self, places: Numbers) -> dict[int, str]:
        """Row → id of the documents at these places."""
        rows = self._columns.row[places].tolist()
        return dict(
            self._connection.execute(
                "SELECT row, id FROM documents WHERE row IN (SELECT value FROM json_each(?))", (json.dumps(rows),)
            )
        )


def distinct(numbers: Numbers) -> int:
    """How many different numbers there are; they are evenly spread and not negative.

    To sort a million takes 50 ms, this 15 to 20: each is put into a table at the place that some bits name, where
    the last one stays; those that lost theirs to another number are tried again by other bits.
    """
    left, found, shift = ~numbers, 0, 0  # none of which is 0, which an empty place holds
    while len(left) > ONCE_SORTED:
        bits = min(20, len(left).bit_length() + 1)
        places = (left >> shift) & ((1 << bits) - 1)
        table = np.zeros(1 << bits, np.int64)
        table[places] = left
        found += int(np.count_nonzero(table))
        left = left[table[places] != left]
        shift = (shift + 7) % 42
    return found + len(np.unique(left))


def _counted(codes: npt.NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """The codes there are but 0, and how often each stands there."""
    if not len(codes) or int(codes.max()) > SPARSE * len(codes):
        found, counts = np.unique(codes[codes > 0], return_counts=True)
        return found.astype(np.int64), counts
    frequencies = np.bincount(codes)
    frequencies[0] = 0
    found = np.flatnonzero(frequencies)
    return found, frequencies[found]
