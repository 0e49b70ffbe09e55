"""Exercises in searches: left out, unless a search asks for just them."""

from __future__ import annotations

from minsheng.exercises import EXERCISE
from search.index import Filters
from search.query import And, Node, Or, Sources


def left_out(query: Node | None, filters: Filters) -> bool:
    """Whether documents of drills are no matches.

    They are in what names documents, events, groups of duplicates or sources: such a search says itself what it wants.
    Whatever else is found, counted or compared is about what people really said.
    """
    named = (filters.ids, filters.events, filters.duplicate_groups, filters.sources)
    return all(one is None for one in named) and not _asks(query)


def _asks(query: Node | None) -> bool:
    if isinstance(query, Sources):
        return EXERCISE in query.ids
    return isinstance(query, And | Or) and any(map(_asks, query.parts))
