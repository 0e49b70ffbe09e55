"""The documents that hot words are read from: those of a time or an event, and those of the weeks before.

Nothing is counted ahead. The index is asked when somebody asks, so that words can be had for any time, event, policy or
scope, also of documents that came late; and what is read is bounded: `MOST` documents of the time asked for, and of the
weeks before a page of each of `SLICES` spans of time, however many documents there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from grouping.hot_words import HotWord, hot_words
from minsheng.records import Document, Grouped
from search.index import Filters, Index, Search

MOST = 5_000
"""Documents read of the time asked for, newest first."""

SLICES = 28
"""Spans that the weeks before are cut into."""

PAGE = 250
"""Documents read of each of them."""


class HotWords(msgspec.Struct, frozen=True, kw_only=True):
    """Hot words with what they were told from: `documents` read of `total` found, copies once, and `before` of the
    weeks before."""

    words: list[HotWord]
    total: int
    documents: int
    before: int
    since: datetime
    until: datetime


def find_hot_words(index: Index, filters: Filters, *, weeks: int = 4, limit: int = 20) -> HotWords:
    """The hot words of the documents that `filters` names, against those of the `weeks` before the first of them.

    With `filters.events`, the event's own words: against all documents around it too, the event's left out.

    Raises
    ------
    Unavailable
        Where the index can't be reached.
    """
    found, total = _newest(index, filters, MOST)
    times = [one.document.published_at for one in found]
    if not times:
        empty = filters.since or filters.until or datetime.now().astimezone()
        return HotWords(words=[], total=0, documents=0, before=0, since=empty, until=filters.until or empty)
    since, until = filters.since or min(times), filters.until or max(times)
    events = set(filters.events or ())
    # An event's documents stand apart from those of the same days; a time's only from what was before it.
    others = msgspec.structs.replace(filters, events=None, ids=None, duplicate_groups=None, since=None, until=None)
    start, end = since - timedelta(weeks=weeks), until if events else since
    before = [one for one in _spread(index, others, start, end) if one.event.id not in events]
    now = [_text(one.document) for one in _once(found)]
    words = hot_words(now, [_text(one.document) for one in _once(before)], limit=limit)
    return HotWords(words=words, total=total, documents=len(now), before=len(before), since=since, until=until)


def _newest(index: Index, filters: Filters, most: int) -> tuple[list[Grouped], int]:
    found: list[Grouped] = []
    cursor, total = None, 0
    while len(found) < most:
        page = index.search(Search(filters=filters, size=min(500, most - len(found)), after=cursor, highlight=False))
        total = total or page.total
        found += [hit.record for hit in page.hits]
        cursor = page.cursor
        if cursor is None:
            break
    return found, total


def _spread(index: Index, filters: Filters, start: datetime, end: datetime) -> Iterator[Grouped]:
    """A page of each span between the two times."""
    step = (end - start) / SLICES
    for number in range(SLICES):
        span = msgspec.structs.replace(filters, since=start + number * step, until=start + (number + 1) * step)
        for hit in index.search(Search(filters=span, size=PAGE, highlight=False)).hits:
            yield hit.record


def _once(records: list[Grouped]) -> list[Grouped]:
    """One of each group of copies: what is said, not how often it is passed on."""
    return list({one.duplicate.group: one for one in records}.values())


def _text(document: Document) -> str:
    return f"{document.title}\n{document.text}" if document.title else document.text
