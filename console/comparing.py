"""Two sets of documents beside each other, and how one spreads over sources and time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import msgspec

from grouping.hot_documents import HotWords, find_hot_words
from search.index import Facet, Filters, Index, Interval, Page, Search
from search.query import Node

COMPARED: tuple[Facet, ...] = ("sentiment", "request", "stance", "source", "region")
LISTED = 12
"""Values of a facet, and sources of a spread, that are shown."""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A source that a story came to: in which step first, as which one, and how many documents in all."""

    source: str
    place: int
    first: str
    documents: int


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A story over sources and time; nothing of persons.

    Attributes
    ----------
    step:
        `hour`, or `day` where it goes over more than three days.
    steps:
        Start of each step of China time that has documents, how many it has, and how many sources had been reached by
        its end.
    sources:
        The first to come first.
    """

    step: Interval
    steps: tuple[tuple[str, int, int], ...]
    sources: tuple[Reached, ...]


def spread_of(index: Index, query: Node | None, filters: Filters) -> Spread:
    """How the matches spread. Raises `Unavailable`."""
    page = _counted(index, query, filters, "day")
    step: Interval = "day"
    if 0 < len(page.histogram) <= 3:
        page, step = _counted(index, query, filters, "hour"), "hour"
    first: dict[str, str] = {}
    totals: dict[str, int] = {}
    steps = []
    for bucket in page.histogram:
        for source, count in sorted(bucket.split.items(), key=lambda item: (-item[1], item[0])):
            first.setdefault(source, bucket.value)
            totals[source] = totals.get(source, 0) + count
        if bucket.count:
            steps.append((bucket.value, bucket.count, len(first)))
    reached = tuple(
        Reached(source=source, place=place, first=moment, documents=totals[source])
        for place, (source, moment) in enumerate(first.items(), 1)
    )
    return Spread(step=step, steps=tuple(steps), sources=reached)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A region: how many documents, and how many of them are negative."""

    region: str
    documents: int
    negative: int


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The regions that most documents are of, and how many documents are of none or of others."""

    regions: tuple[Place, ...]
    others: int


def places_of(index: Index, query: Node | None, filters: Filters, most: int = 20) -> Places:
    """Where the matches are from, or about. Raises `Unavailable`."""

    def counted(filters: Filters) -> tuple[int, dict[str, int]]:
        page = index.search(
            Search(query=query, filters=filters, size=0, facets=("region",), facet_size=most, highlight=False)
        )
        return page.total, {bucket.value: bucket.count for bucket in page.facets.get("region", ())}

    total, found = counted(filters)
    negative: dict[str, int] = {}
    if found and (filters.sentiments is None or "negative" in filters.sentiments):
        worse = msgspec.structs.replace(filters, sentiments=("negative",), regions=tuple(found))
        negative = counted(worse)[1]
    regions = tuple(
        Place(region=region, documents=count, negative=negative.get(region, 0)) for region, count in found.items()
    )
    return Places(regions=regions, others=total - sum(found.values()))


def hot_words_of(index: Index, query: Node | None, filters: Filters) -> HotWords:
    """What the matches say now and matches of the four weeks before did not. Raises `Unavailable`."""
    return find_hot_words(cast(Index, _Asked(index, query)), filters)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of two sets: how many documents, how many a day, and facet → value → count."""

    total: int
    daily: float
    facets: dict[str, dict[str, int]]


def side_of(index: Index, query: Node | None, filters: Filters, since: datetime, until: datetime) -> Side:
    """One set, between two times. Raises `Unavailable`."""
    filters = msgspec.structs.replace(filters, since=since, until=until)
    page = index.search(
        Search(query=query, filters=filters, size=0, facets=COMPARED, facet_size=LISTED, highlight=False)
    )
    days = max((until - since).total_seconds() / 86_400, 1.0)
    facets = {facet: {one.value: one.count for one in buckets} for facet, buckets in page.facets.items()}
    return Side(total=page.total, daily=page.total / days, facets=facets)


def _counted(index: Index, query: Node | None, filters: Filters, step: Interval) -> Page:
    return index.search(
        Search(query=query, filters=filters, size=0, histogram=step, histogram_split="source", highlight=False)
    )


class _Asked:
    """An index of which only a query's matches are there."""

    def __init__(self, index: Index, query: Node | None) -> None:
        self._index = index
        self._query = query

    def search(self, search: Search) -> Any:
        return self._index.search(msgspec.structs.replace(search, query=self._query))
