"""A search as SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from minsheng.exercises import EXERCISE
from search import buckets, cursors, tokens
from search.embedded.file import FIRST_HOUR, SLOTS, first_row_of_hour
from search.embedded.rows import as_json
from search.exercises import left_out
from search.found import Copies
from search.index import Bucket, Facet, Filters, Search
from search.query import NEAR_UNITS, And, Near, Node, Not, Or, Sources, Term, joined

RANKED = 2_000
"""Sorting by relevance ranks so many of the newest matches; older ones follow by time. Ranking all matches of a common
word would take half a second a million documents."""


_FACET_COLUMNS: dict[Facet, str] = {
    "policy": "p.policy",
    "source": "d.source",
    "outlet": "d.outlet",
    "kind": "d.kind",
    "sentiment": "d.sentiment",
    "topic": "d.topic",
    "request": "d.request",
    "stance": "d.stance",
    "event": "d.event",
    "region": "d.region",
}
_FEW_VALUES: tuple[Facet, ...] = ("source", "kind", "sentiment", "topic", "request", "stance", "region")
"""Facets that are counted together, in one pass: what they hold together are far fewer values than documents."""

RELEVANCE = "bm25(words, 3.0, 0.0) + bm25(words, 0.0, 0.5)"
"""A word's count in the title and its count in the text each saturate by themselves and are added, as a weight within
one bm25 hardly tells. Weights there make a count saturate sooner (title) or later (text), like k1."""

_GIVEN = "IN (SELECT value FROM json_each(?))"


class Row(NamedTuple):
    """A match: its row, its score, and the cursor that leads on from it."""

    row: int
    score: float
    cursor: str


class Selection:
    """What a search selects, as parts of SQL.

    Parameters
    ----------
    without:
        Groups of duplicates that are left out.

    Attributes
    ----------
    matched:
        Whether `words` is searched; then its rows come in order and `documents` is joined only where needed.
    """

    def __init__(self, query: Node | None, filters: Filters, without: Sequence[str] = ()) -> None:
        words, others = _parted(query)
        expression, negated = _compile(words) if words is not None else ("", False)
        self.matched = words is not None and not negated
        self.row = "words.rowid" if self.matched else "d.row"
        self._conditions: list[str] = []
        self._values: list[Any] = []
        self._joined = not self.matched
        if self.matched:
            self._add("words MATCH ?", expression)
        elif negated:
            self._add("d.row NOT IN (SELECT rowid FROM words WHERE words MATCH ?)", expression)
        for other in others:
            condition, values = self._condition(other)
            self._conditions.append(condition)
            self._values += values
            self._joined = True
        self._filter(filters)
        if left_out(query, filters):
            # They are few: looked up once, by the index on sources, not joined to each match.
            drills = "SELECT row FROM documents WHERE source = ?"
            self._add(f"{self.row} NOT IN ({drills})", EXERCISE)
        if without:
            self._add(f"d.duplicate_group NOT {_GIVEN}", as_json(without), join=True)

    def count(self, connection: sqlite3.Connection) -> int:
        (total,) = self._select(connection, "count(*)").fetchone()
        return int(total)

    def groups(self, connection: sqlite3.Connection) -> int:
        """How many groups of duplicates there are among the matches."""
        (total,) = self._select(connection, "count(DISTINCT d.duplicate_group)", join=True).fetchone()
        return int(total)

    def facets(
        self, connection: sqlite3.Connection, facets: Sequence[Facet], size: int
    ) -> dict[str, tuple[Bucket, ...]]:
        together = [facet for facet in _FEW_VALUES if facet in facets]
        counts: dict[str, dict[str, int]] = {facet: {} for facet in together}
        if len(together) > 1:
            columns = ", ".join(_FACET_COLUMNS[facet] for facet in together)
            rows = self._select(connection, f"{columns}, count(*)", join=True, extra=f" GROUP BY {columns}")
            for *values, count in rows:
                for facet, value in zip(together, values, strict=True):
                    if value is not None:
                        counts[facet][value] = counts[facet].get(value, 0) + count
        found: dict[str, tuple[Bucket, ...]] = {}
        for facet in facets:
            if len(together) > 1 and facet in counts:
                ordered = sorted(counts[facet].items(), key=lambda item: (-item[1], item[0]))[:size]
                found[facet] = tuple(Bucket(value=value, count=count) for value, count in ordered)
            else:
                found[facet] = self._facet(connection, facet, size)
        return found

    def _facet(self, connection: sqlite3.Connection, facet: Facet, size: int) -> tuple[Bucket, ...]:
        column = _FACET_COLUMNS[facet]
        rows = self._select(
            connection,
            f"{column}, count(*) AS n",
            join=True,
            policies=facet == "policy",
            extra=f" AND {column} IS NOT NULL GROUP BY {column} ORDER BY n DESC, {column} LIMIT ?",
            values=[size],
        )
        return tuple(Bucket(value=value, count=count) for value, count in rows)

    def histogram(self, connection: sqlite3.Connection, search: Search) -> tuple[Bucket, ...]:
        assert search.histogram is not None
        split = f"d.{search.histogram_split}" if search.histogram_split else "NULL"
        rows = self._select(
            connection,
            f"{self.row} / {SLOTS} + {FIRST_HOUR} AS hour, {split} AS part, count(*)",
            join=search.histogram_split is not None,
            extra=" GROUP BY hour, part",
        )
        return buckets.histogram(rows, search.histogram)

    # In order

    def newest(self, connection: sqlite3.Connection, size: int, after: str | None) -> tuple[list[Row], bool]:
        """Newest first; and whether more follow."""
        extra, values = "", []
        if after is not None:
            published, name = cursors.read(after, int, str)
            hour = first_row_of_hour(published // buckets.HOUR_MS)
            extra = f" AND {self.row} < ? AND (d.published, d.id) < (?, ?)"
            values = [hour + SLOTS, published, name]
        # Rows come by the hour. Those down to the end of the hour that holds the page's last row are sorted exactly.
        last = self._select(
            connection,
            self.row,
            join=after is not None,
            extra=f"{extra} ORDER BY {self.row} DESC LIMIT 1 OFFSET ?",
            values=[*values, size],
        ).fetchone()
        lowest = last[0] // SLOTS * SLOTS if last else 0
        rows = self._select(
            connection,
            f"{self.row}, d.published, d.id",
            join=True,
            extra=f"{extra} AND {self.row} >= ? ORDER BY d.published DESC, d.id DESC LIMIT ?",
            values=[*values, lowest, size + 1],
        ).fetchall()
        found = [Row(row, 0.0, cursors.write(published, name)) for row, published, name in rows[:size]]
        return found, len(rows) > size

    def farthest(self, connection: sqlite3.Connection, size: int, after: str | None) -> tuple[list[Row], bool]:
        """Greatest reach first; and whether more follow."""
        extra, values = "", []
        if after is not None:
            extra, values = " AND (d.reach, d.published, d.id) < (?, ?, ?)", cursors.read(after, int, int, str)
        rows = self._select(
            connection,
            f"{self.row}, d.reach, d.published, d.id",
            join=True,
            extra=f"{extra} ORDER BY d.reach DESC, d.published DESC, d.id DESC LIMIT ?",
            values=[*values, size + 1],
        ).fetchall()
        found = [Row(row, float(reach), cursors.write(reach, at, name)) for row, reach, at, name in rows[:size]]
        return found, len(rows) > size

    def ranked(self, connection: sqlite3.Connection, size: int, after: str | None) -> tuple[list[Row], bool]:
        """Best first; and whether more follow. The cursor says how many came before, and which documents were there at
        the first page, so that later ones do not shift the order."""
        if after is not None:
            offset, arrival = cursors.read(after, int, int)
        else:
            (arrival,) = connection.execute("SELECT coalesce(max(arrival), 0) FROM documents").fetchone()
            offset = 0
        rows = []
        if offset < RANKED:
            best = self._best(connection, arrival)
            rows = [(row, -cost) for row, cost, _, _, _ in best[offset : offset + size + 1]]
        if len(rows) <= size:
            older = self._select(
                connection,
                self.row,
                join=True,
                extra=f" AND d.arrival <= ? ORDER BY {self.row} DESC LIMIT ? OFFSET ?",
                values=[arrival, size + 1 - len(rows), max(RANKED, offset)],
            )
            rows += [(row, 0.0) for (row,) in older]
        found = [
            Row(row, score, cursors.write(offset + place, arrival))
            for place, (row, score) in enumerate(rows[:size], start=1)
        ]
        return found, len(rows) > size

    def _best(self, connection: sqlite3.Connection, arrival: int) -> list[tuple[int, float, int, str, str]]:
        """The newest matches that were there by then, best first: row, cost, published, id, group of duplicates."""
        found = self._select(
            connection,
            f"{self.row}, {RELEVANCE} AS cost, d.published, d.id, d.duplicate_group",
            join=True,
            extra=f" AND d.arrival <= ? ORDER BY {self.row} DESC LIMIT ?",
            values=[arrival, RANKED],
        ).fetchall()
        found.sort(key=lambda item: (item[2], item[3]), reverse=True)
        found.sort(key=lambda item: item[1])
        return found

    def copies(
        self, connection: sqlite3.Connection, groups: Sequence[str], sort: str, after: str | None
    ) -> dict[str, Copies]:
        """For each of these groups of duplicates its first match in this order and how many there are."""
        if not groups:
            return {}
        order = "d.reach DESC, d.published DESC, d.id DESC" if sort == "reach" else f"{self.row} DESC"
        if sort == "newest":
            order = "d.published DESC, d.id DESC"
        rows = self._select(
            connection,
            f"d.duplicate_group AS g, d.id AS id, count(*) OVER (PARTITION BY d.duplicate_group) AS n,"
            f" row_number() OVER (PARTITION BY d.duplicate_group ORDER BY {order}) AS place",
            join=True,
            extra=f" AND +d.duplicate_group {_GIVEN}" if self.matched else f" AND d.duplicate_group {_GIVEN}",
            values=[as_json(groups)],
            around="SELECT g, id, n FROM ({}) WHERE place = 1",
        )
        found = {group: Copies(name, count) for group, name, count in rows}
        if sort == "relevance" and self.matched:
            arrival = cursors.read(after, int, int)[1] if after is not None else 1 << 62
            first: dict[str, str] = {}
            for _, _, _, name, group in self._best(connection, arrival):
                first.setdefault(group, name)
            found |= {group: Copies(first[group], copies.matches) for group, copies in found.items() if group in first}
        return found

    # Conditions

    def _condition(self, node: Node) -> tuple[str, list[Any]]:
        """A part that names sources, as a condition on a row of `documents`."""
        if isinstance(node, Sources):
            return f"d.source {_GIVEN}", [as_json(node.ids)]
        words, others = _parted(node) if isinstance(node, And) else (None if _names_sources(node) else node, [])
        if words is not None and not others:
            expression, negated = _compile(words)
            found = "IN (SELECT rowid FROM words WHERE words MATCH ?)"
            return f"d.row {'NOT ' * negated}{found}", [expression]
        if isinstance(node, Not):
            condition, values = self._condition(node.part)
            return f"NOT ({condition})", values
        assert isinstance(node, And | Or)
        parts = [self._condition(part) for part in node.parts]
        operator = " AND " if isinstance(node, And) else " OR "
        return f"({operator.join(part for part, _ in parts)})", [value for _, values in parts for value in values]

    def _filter(self, filters: Filters) -> None:
        for column, wanted in (
            ("d.source", filters.sources),
            ("d.outlet", filters.outlets),
            ("d.kind", filters.kinds),
            ("d.sentiment", filters.sentiments),
            ("d.topic", filters.topics),
            ("d.request", filters.requests),
            ("d.stance", filters.stances),
            ("d.event", filters.events),
            ("d.region", filters.regions),
            ("d.duplicate_group", filters.duplicate_groups),
            ("d.id", filters.ids),
        ):
            if wanted is not None:
                self._add(f"{column} {_GIVEN}", as_json(wanted), join=True)
        if filters.policies is not None:
            of_policies = f"SELECT row FROM policies WHERE policy {_GIVEN}"  # noqa: S608 - only our own words
            # With a plus, as otherwise the words would be looked up once for each row of the policies.
            self._add(f"{'+' if self.matched else ''}{self.row} IN ({of_policies})", as_json(filters.policies))
        for moment, sign in ((filters.since, ">="), (filters.until, "<")):
            if moment is None:
                continue
            hour, rest = divmod(buckets.milliseconds(moment), buckets.HOUR_MS)
            first = first_row_of_hour(hour)
            if rest == 0:
                self._add(f"{self.row} {sign} ?", first)
            else:
                self._add(f"{self.row} {sign} ?", first if sign == ">=" else first + SLOTS)
                self._add(f"d.published {sign} ?", buckets.milliseconds(moment), join=True)
        if filters.fetched_since is not None:
            self._add("d.fetched >= ?", buckets.milliseconds(filters.fetched_since), join=True)

    def _add(self, condition: str, value: Any, *, join: bool = False) -> None:
        self._conditions.append(condition)
        self._values.append(value)
        self._joined |= join

    def _select(
        self,
        connection: sqlite3.Connection,
        columns: str,
        *,
        join: bool = False,
        policies: bool = False,
        extra: str = "",
        values: Sequence[Any] = (),
        around: str = "{}",
    ) -> sqlite3.Cursor:
        """Run a query over the selection; `join`: it names columns of `documents` (`d`)."""
        tables = "words" if self.matched else "documents d"
        if self.matched and (join or self._joined):
            tables += " JOIN documents d ON d.row = words.rowid"
        if policies:
            tables += f" JOIN policies p ON p.row = {self.row}"
        where = " AND ".join(self._conditions) or "1"
        statement = f"SELECT {columns} FROM {tables} WHERE {where}{extra}"  # noqa: S608 - only our own words
        return connection.execute(around.format(statement), [*self._values, *values])


def _names_sources(node: Node) -> bool:
    if isinstance(node, Sources):
        return True
    if isinstance(node, Not):
        return _names_sources(node.part)
    return isinstance(node, And | Or) and any(map(_names_sources, node.parts))


def _parted(query: Node | None) -> tuple[Node | None, list[Node]]:
    """What the table of words can answer by itself, and the parts beside it that name sources."""
    if query is None or not _names_sources(query):
        return query, []
    if not isinstance(query, And):
        return None, [query]
    others = [part for part in query.parts if _names_sources(part)]
    return joined(And, [part for part in query.parts if part not in others]), others


def _compile(node: Node) -> tuple[str, bool]:
    """The query as an FTS5 expression; the second part tells that everything but its matches is meant.

    FTS5 has no NOT that stands alone, so each part that is negated is carried as its positive and taken from its
    brothers, or, where there are none, from everything.
    """
    if isinstance(node, Term):
        return _phrase(node), False
    if isinstance(node, Not):
        expression, negated = _compile(node.part)
        return expression, not negated
    if isinstance(node, Near):
        return f"NEAR({' '.join(_phrase(Term(term.text)) for term in node.terms)}, {NEAR_UNITS})", False
    assert isinstance(node, And | Or)
    compiled = [_compile(part) for part in node.parts]
    # By De Morgan an OR is the negation of an AND over the negated parts.
    flip = isinstance(node, Or) and any(negated for _, negated in compiled)
    if isinstance(node, Or) and not flip:
        return _expression("OR", [expression for expression, _ in compiled]), False
    required = [expression for expression, negated in compiled if negated == flip]
    excluded = [expression for expression, negated in compiled if negated != flip]
    if not required:
        return _expression("OR", excluded), not flip
    expression = _expression("AND", required)
    return (f"({expression} NOT {_expression('OR', excluded)})" if excluded else expression), flip


def _expression(operator: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({f' {operator} '.join(parts)})"


def _phrase(term: Term) -> str:
    asked = tokens.of_phrase(term.text)
    field = "title : " if term.field == "title" else ""
    return f'{field}"{" ".join(asked.tokens)}"' + (" *" if asked.open else "")
