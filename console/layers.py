"""How deep a matter has gone: what was said first, what answers or passes that on, what answers that. Of documents and
sources, not of persons."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from minsheng.records import Document
from search.index import Filters, Index, Search
from search.query import Node

MOST = 2_000
"""Matches read, the newest first."""
DEEPEST = 5
"""Layers told apart; what lies deeper counts as the last one."""
_AT_A_TIME = 500


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer: 0 for what answers nothing, 1 for what answers or passes on that. `first`: when it was reached."""

    depth: int
    documents: int
    sources: int
    first: datetime


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """The layers of the `read` newest of `total` matches, the first one first."""

    total: int
    read: int
    layers: tuple[Layer, ...]


class _Place(NamedTuple):
    parent: str | None
    source: str
    published_at: datetime


def layers_of(index: Index, query: Node | None, filters: Filters) -> Layers:
    """The layers of a search's matches. What they answer is followed where the index shows it, matched or not; what it
    does not show counts as a beginning. Raises `Unavailable`."""
    found: dict[str, _Place] = {}
    total, cursor = 0, None
    while len(found) < MOST:
        page = index.search(Search(query=query, filters=filters, size=_AT_A_TIME, after=cursor, highlight=False))
        total = total or page.total
        found |= _places(hit.record.document for hit in page.hits)
        if (cursor := page.cursor) is None:
            break
    matched = list(found)
    for _ in range(DEEPEST):
        missing = {one.parent for one in found.values() if one.parent} - found.keys()
        there = index.get(sorted(missing)) if missing else {}
        if not there:
            break
        found |= _places(record.document for record in there.values())
    by_depth: dict[int, list[_Place]] = {}
    for name in matched:
        by_depth.setdefault(_depth(name, found), []).append(found[name])
    layers = tuple(
        Layer(
            depth=depth,
            documents=len(places),
            sources=len({one.source for one in places}),
            first=min(one.published_at for one in places),
        )
        for depth, places in sorted(by_depth.items())
    )
    return Layers(total=total, read=len(matched), layers=layers)


def _places(documents: Iterable[Document]) -> dict[str, _Place]:
    return {one.id: _Place(one.parent_id, one.source, one.published_at) for one in documents}


def _depth(name: str, found: dict[str, _Place]) -> int:
    """At most `DEEPEST`, so that what answers itself in a circle comes to an end, too."""
    depth, parent = 0, found[name].parent
    while parent is not None and depth < DEEPEST:
        depth += 1
        parent = found[parent].parent if parent in found else None
    return depth
