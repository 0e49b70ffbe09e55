"""What a search selects: by the words alone where they are all that it asks for, else by columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cached_property
from itertools import chain, islice
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np

from search import buckets, cursors
from search.embedded.columns import Columns, Mask, Numbers
from search.embedded.expressions import (
    PREFIX,
    common_character,
    compiled_words,
    parted,
    told_by_columns,
)
from search.embedded.file import DRILLS, SLOTS, first_row_of_hour
from search.embedded.matches import Matches
from search.embedded.rows import as_json
from search.exercises import left_out
from search.found import Copies
from search.index import Bucket, Facet, Filters, Search, Sort
from search.query import And, Node, Not, Or, Sources, Term, wanted

RANKED = 2_000
"""Sorting by relevance ranks so many of the newest matches; older ones follow by time. Ranking all matches of a common
word would take half a second a million documents."""

FEW = 2_000
"""Up to so many rows are read from `documents` rather than whole columns."""

RELEVANCE = "bm25(words, 3.0, 0.0) + bm25(words, 0.0, 0.5)"
"""A word's count in the title and its count in the text each saturate by themselves and are added, as a weight within
one bm25 hardly tells. Weights there make a count saturate sooner (title) or later (text), like k1."""

_GIVEN = "IN (SELECT value FROM json_each(?))"
_LAST_ROW = (1 << 63) - 1
_Natural = Annotated[int, msgspec.Meta(ge=0)]

_KEYS: dict[str, tuple[str, ...]] = {
    "newest": ("published",),
    "reach": ("reach", "published"),
    "relevance": ("row",),
    "titles": ("titles", "published"),
}
"""The columns by which matches are ordered, ids aside; by relevance: those that are not ranked. `titles`: how many of
the common characters that are asked for stand in the title, all that tells which are more relevant where no other word
does."""


class Row(NamedTuple):
    """A match: its row, its score, and the cursor that leads on from it."""

    row: int
    score: float
    cursor: str


class _Ranked(NamedTuple):
    """One of the newest matches: what it costs to be put first is the less, the better it matches."""

    row: int
    cost: float
    published: int
    id: str
    group: str


class Selection:
    """What a search selects, within one transaction.

    Attributes
    ----------
    matched:
        Whether there are words that matches hold, by which they can be ranked.
    """

    def __init__(self, connection: sqlite3.Connection, query: Node | None, filters: Filters) -> None:
        self._connection = connection
        words, self._others = parted(query)
        self._expression, self._excluding = compiled_words(words) if words is not None else ("", False)
        self.matched = words is not None and not self._excluding
        self._filters = filters
        self._drills = left_out(query, filters)
        self._lowest, self._highest, whole_hours = _hours(filters)
        # Whether words and hours are all that is asked for: then the table of words can tell by itself.
        self._plain = (
            whole_hours
            and not self._excluding
            and not self._others
            and not _indexed(filters)
            and not _coded(filters)
            and filters.areas is None
            and filters.fetched_since is None
            and PREFIX not in self._expression  # dear to look up, so that once must do
        )

    def count(self) -> int:
        if not (self._plain and self.matched):
            return self._matches.count()
        (total,) = self._select("count(*)").fetchone()
        return int(total)

    def groups(self) -> int:
        """How many groups of duplicates there are among the matches."""
        return self._matches.groups()

    def facets(self, facets: Sequence[Facet], size: int) -> dict[str, tuple[Bucket, ...]]:
        return {facet: self._matches.facet(facet, size) for facet in facets}

    def histogram(self, search: Search) -> tuple[Bucket, ...]:
        return self._matches.histogram(search)

    # In order

    def page(self, sort: Sort, size: int, after: str | None, without: Sequence[str] = ()) -> tuple[list[Row], bool]:
        """Matches in this order, but for those in some groups of duplicates; and whether more follow."""
        if sort == "relevance" and self.matched:
            return self._ranked(size, after, without)
        if sort == "reach" or (sort == "relevance" and self._characters):
            return self._by_number("reach" if sort == "reach" else "titles", size, after, without)
        if self._plain and not without and self.matched:
            return self._newest_by_words(size, after)
        place = cursors.read(after, int, str) if after is not None else None
        matches = self._matches.without(without) if without or not self._plain else self._newest_hours(size, place)
        found, more = matches.first(_KEYS["newest"], size, place)
        return [Row(row, 0.0, cursors.write(published, name)) for row, (published,), name in found], more

    def copies(self, groups: Sequence[str], sort: Sort, after: str | None) -> dict[str, Copies]:
        """For each of these groups of duplicates its first match in this order and how many there are."""
        if not groups:
            return {}
        by_rank = sort == "relevance" and self.matched
        order: str = sort
        if sort == "relevance" and not by_rank:
            order = "titles" if self._characters else "newest"
        found = self._matches.copies(groups, _KEYS[order])
        if by_rank:
            first: dict[str, str] = {}
            for ranked in self._best(self._arrival(after)):
                first.setdefault(ranked.group, ranked.id)
            found |= {group: Copies(first[group], copies.matches) for group, copies in found.items() if group in first}
        return found

    def _newest_hours(self, size: int, after: Sequence[Any] | None) -> Matches:
        """Of everything between two hours the newest hours that hold a page and more, those after the place aside."""
        behind = highest = self._highest
        if after is not None:
            hour = first_row_of_hour(after[0] // buckets.HOUR_MS)
            behind, highest = min(behind, hour - 1), min(highest, hour + SLOTS - 1)
        last = self._connection.execute(
            f"SELECT d.row FROM documents d WHERE d.row BETWEEN ? AND ? AND d.row NOT IN ({DRILLS})"  # noqa: S608 - ours
            " ORDER BY d.row DESC LIMIT 1 OFFSET ?",
            (self._lowest, behind, size),
        ).fetchone()
        lowest = max(self._lowest, last[0] // SLOTS * SLOTS) if last else self._lowest
        columns = Columns(self._connection, lowest=lowest, highest=highest)
        chosen = columns.alive & (columns.row >= lowest) & (columns.row <= highest)
        chosen[columns.places(self._read(f"{DRILLS} ORDER BY row"))] = False
        return Matches(self._connection, columns, np.flatnonzero(chosen))

    def _newest_by_words(self, size: int, after: str | None) -> tuple[list[Row], bool]:
        extra, values = "", []
        row = "words.rowid"
        if after is not None:
            published, name = cursors.read(after, int, str)
            hour = first_row_of_hour(published // buckets.HOUR_MS)
            extra = f" AND {row} < ? AND (d.published, d.id) < (?, ?)"
            values = [hour + SLOTS, published, name]
        # Rows come by the hour. Those down to the end of the hour that holds the page's last row are sorted exactly.
        last = self._select(
            row, join=after is not None, extra=f"{extra} ORDER BY {row} DESC LIMIT 1 OFFSET ?", values=[*values, size]
        ).fetchone()
        lowest = last[0] // SLOTS * SLOTS if last else 0
        rows = self._select(
            f"{row}, d.published, d.id",
            join=True,
            extra=f"{extra} AND {row} >= ? ORDER BY d.published DESC, d.id DESC LIMIT ?",
            values=[*values, lowest, size + 1],
        ).fetchall()
        found = [Row(row, 0.0, cursors.write(published, name)) for row, published, name in rows[:size]]
        return found, len(rows) > size

    def _by_number(self, order: str, size: int, after: str | None, without: Sequence[str]) -> tuple[list[Row], bool]:
        """Greatest numbers of a column first, then the newest."""
        place = cursors.read(after, int, int, str) if after is not None else None
        found, more = self._matches.without(without).first(_KEYS[order], size, place)
        return [
            Row(row, float(number), cursors.write(number, published, name)) for row, (number, published), name in found
        ], more

    def _ranked(self, size: int, after: str | None, without: Sequence[str]) -> tuple[list[Row], bool]:
        """Best first; and whether more follow. The cursor says how many came before, with those in the groups that are
        left out, and which documents were there at the first page, so that later ones do not shift the order."""
        offset = cursors.read(after, _Natural, _Natural)[0] if after is not None else 0
        arrival = self._arrival(after)
        rows: list[tuple[int, int, float]] = []
        if offset < RANKED:
            left_out = frozenset(without)
            best = enumerate(self._best(arrival)[offset:], start=offset + 1)
            kept = ((place, ranked.row, -ranked.cost) for place, ranked in best if ranked.group not in left_out)
            rows = list(islice(kept, size + 1))
        if len(rows) <= size:
            start = max(RANKED, offset)
            further = self._by_row(arrival, start, size + 1 - len(rows), without)
            rows += [(place, row, 0.0) for place, row in further]
        found = [Row(row, score, cursors.write(place, arrival)) for place, row, score in rows[:size]]
        return found, len(rows) > size

    def _arrival(self, after: str | None) -> int:
        """Which documents were there at the first page: those that had arrived by then."""
        if after is not None:
            return int(cursors.read(after, _Natural, _Natural)[1])
        (arrival,) = self._connection.execute("SELECT coalesce(max(arrival), 0) FROM documents").fetchone()
        return int(arrival)

    def _by_row(self, arrival: int, start: int, count: int, without: Sequence[str]) -> list[tuple[int, int]]:
        """Place, counted from 1, and row of the matches that were there by then, newest hour first, after `start`."""
        if without or not self._plain:
            rows = self._matches.rows(arrival)
            kept = self._matches.without(without).rows(arrival) if without else rows
            places = len(rows) - np.searchsorted(rows[::-1], kept)
            behind = np.searchsorted(places, start, side="right")
            chosen = slice(behind, behind + count)
            return list(zip(places[chosen].tolist(), kept[chosen].tolist(), strict=True))
        extra = " AND d.arrival <= ? ORDER BY words.rowid DESC LIMIT ? OFFSET ?"
        found = self._select("words.rowid", join=True, extra=extra, values=[arrival, count, start])
        return [(place, row) for place, (row,) in enumerate(found, start=start + 1)]

    def _best(self, arrival: int) -> list[_Ranked]:
        """The newest matches that were there by then, best first."""
        found = self._best_by.get(arrival)
        if found is None:
            columns = f"words.rowid, {RELEVANCE}, d.published, d.id, d.duplicate_group"
            if self._plain:
                extra = " AND d.arrival <= ? ORDER BY words.rowid DESC LIMIT ?"
                rows = self._select(columns, join=True, extra=extra, values=[arrival, RANKED])
            else:
                newest = [int(row) for row in self._matches.rows(arrival)[:RANKED]]
                # With a plus, as otherwise the words would be looked up once for each row.
                extra = f" AND words.rowid BETWEEN ? AND ? AND +words.rowid {_GIVEN}"
                bounds = [newest[-1], newest[0]] if newest else [0, -1]
                rows = self._select(columns, join=True, extra=extra, values=[*bounds, as_json(newest)])
            found = [_Ranked(*row) for row in rows]
            found.sort(key=lambda one: (one.published, one.id), reverse=True)
            found.sort(key=lambda one: one.cost)
            self._best_by[arrival] = found
        return found

    @cached_property
    def _best_by(self) -> dict[int, list[_Ranked]]:
        return {}

    # By columns

    @cached_property
    def _matches(self) -> Matches:
        rows = self._rows()
        few = rows is not None and len(rows) <= FEW and not any(map(_asks_for_character, self._others))
        columns = Columns(self._connection, only=rows if few else None, lowest=self._lowest, highest=self._highest)
        chosen = columns.alive.copy()
        if rows is not None and not few:
            chosen &= _at(columns, rows)
        if self._excluding:
            chosen &= ~_at(columns, self._rows_of_words(self._expression))
        for other in self._others:
            chosen &= self._holding(columns, other)
        for field, values in _coded(self._filters):
            chosen &= columns.among(field, values)
        if self._filters.areas is not None:
            chosen &= columns.beginning("region", self._filters.areas)
        for moment, later in ((self._filters.since, True), (self._filters.until, False)):
            if moment is not None:
                limit = buckets.milliseconds(moment)
                whole = limit % buckets.HOUR_MS == 0
                given, bound = (
                    (columns.row, first_row_of_hour(limit // buckets.HOUR_MS))
                    if whole
                    else (columns.column("published"), limit)
                )
                chosen &= given >= bound if later else given < bound
        if self._filters.fetched_since is not None:
            chosen &= columns.column("fetched") >= buckets.milliseconds(self._filters.fetched_since)
        if self._drills:
            chosen[columns.places(self._read(f"{DRILLS} ORDER BY row"))] = False
        if self._characters:
            titles = [columns.holding(char, "title") for char in self._characters]
            columns.add("titles", np.sum(titles, axis=0, dtype=np.int64))
        return Matches(self._connection, columns, np.flatnonzero(chosen))

    @cached_property
    def _characters(self) -> list[str]:
        """The common characters asked for, where there are no other words."""
        if self.matched:
            return []
        terms = {term for part in self._others for term in wanted(part)}
        return sorted({char for char in map(common_character, terms) if char is not None})

    def _rows(self) -> Numbers | None:
        """Rows in order among which all matches are, by what can be looked up; None where nothing can."""
        found: Numbers | None = None
        for column, values in _indexed(self._filters):
            rows = self._read(f"SELECT row FROM documents WHERE {column} {_GIVEN} ORDER BY row", as_json(values))  # noqa: S608 - only our own words
            found = rows if found is None else np.intersect1d(found, rows, assume_unique=True)
        if found is None and self._filters.policies is not None:
            rows = self._read(
                f"SELECT row FROM policies WHERE policy {_GIVEN} LIMIT ?",  # noqa: S608 - only our own words
                as_json(self._filters.policies),
                FEW + 1,
            )
            found = np.unique(rows) if len(rows) <= FEW else None
        if self.matched:
            lowest, highest = (
                (self._lowest, self._highest)
                if found is None or not len(found)
                else (max(self._lowest, int(found[0])), min(self._highest, int(found[-1])))
            )
            rows = self._rows_of_words(self._expression, lowest, highest)
            found = rows if found is None else np.intersect1d(found, rows, assume_unique=True)
        return found

    def _rows_of_words(self, expression: str, lowest: int = 0, highest: int = _LAST_ROW) -> Numbers:
        return self._read(
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid",
            expression, lowest, highest,
        )  # fmt: skip

    def _holding(self, columns: Columns, node: Node) -> Mask:
        """Where a part holds that names sources."""
        if isinstance(node, Sources):
            return columns.among("source", node.ids)
        char = common_character(node) if isinstance(node, Term) else None
        if char is not None:
            assert isinstance(node, Term)
            return columns.holding(char, node.field)
        if not told_by_columns(node):
            expression, excluding = compiled_words(node)
            found = _at(columns, self._rows_of_words(expression, self._lowest, self._highest))
            return ~found if excluding else found
        if isinstance(node, Not):
            return ~self._holding(columns, node.part)
        assert isinstance(node, And | Or)
        masks = [self._holding(columns, part) for part in node.parts]
        whole: Mask = np.logical_and.reduce(masks) if isinstance(node, And) else np.logical_or.reduce(masks)
        return whole

    def _read(self, statement: str, *values: Any) -> Numbers:
        return np.fromiter(chain.from_iterable(self._connection.execute(statement, values)), np.int64)

    # By the words alone

    def _select(
        self, columns: str, *, join: bool = False, extra: str = "", values: Sequence[Any] = ()
    ) -> sqlite3.Cursor:
        """Run a query over words and hours; `join`: it names columns of `documents` (`d`)."""
        tables = "words JOIN documents d ON d.row = words.rowid" if join else "words"
        conditions = ["words MATCH ?", "words.rowid BETWEEN ? AND ?"]
        if self._drills:
            # They are few: looked up once, by their own index, not joined to each match.
            conditions.append(f"words.rowid NOT IN ({DRILLS})")
        where = " AND ".join(conditions)
        statement = f"SELECT {columns} FROM {tables} WHERE {where}{extra}"  # noqa: S608 - only our own words
        return self._connection.execute(statement, [self._expression, self._lowest, self._highest, *values])


def _asks_for_character(node: Node) -> bool:
    if isinstance(node, Not):
        return _asks_for_character(node.part)
    if isinstance(node, And | Or):
        return any(map(_asks_for_character, node.parts))
    return isinstance(node, Term) and common_character(node) is not None


def _coded(filters: Filters) -> list[tuple[str, Sequence[str]]]:
    """The fields of the columns that are asked for, with their values."""
    wanted = {
        "source": filters.sources,
        "outlet": filters.outlets,
        "kind": filters.kinds,
        "sentiment": filters.sentiments,
        "topic": filters.topics,
        "request": filters.requests,
        "stance": filters.stances,
        "region": filters.regions,
        "policy": filters.policies,
    }
    return [(field, values) for field, values in wanted.items() if values is not None]


def _indexed(filters: Filters) -> list[tuple[str, Sequence[str]]]:
    """The columns of `documents` that are asked for and have an index, with their values."""
    wanted = {"id": filters.ids, "event": filters.events, "duplicate_group": filters.duplicate_groups}
    return [(column, values) for column, values in wanted.items() if values is not None]


def _hours(filters: Filters) -> tuple[int, int, bool]:
    """The first and last row that can match by time, and whether all rows between them do."""
    lowest, highest, whole = 0, _LAST_ROW, True
    if filters.since is not None:
        hour, rest = divmod(buckets.milliseconds(filters.since), buckets.HOUR_MS)
        lowest, whole = first_row_of_hour(hour), rest == 0
    if filters.until is not None:
        hour, rest = divmod(buckets.milliseconds(filters.until), buckets.HOUR_MS)
        highest = first_row_of_hour(hour) - 1 + (SLOTS if rest else 0)
        whole = whole and rest == 0
    return lowest, highest, whole


def _at(columns: Columns, rows: Numbers) -> Mask:
    """Whether each place is one of these rows'."""
    found = np.zeros(len(columns.row), np.bool_)
    found[columns.places(rows)] = True
    return found
