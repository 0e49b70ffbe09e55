"""One event in detail: what it is about, how it went over time, where it comes from. Bounded, however large it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np
import sqlalchemy as sa

from alerts.tables import observations
from grouping.history import History
from grouping.listing import get_events
from grouping.vectors import BINS, own_words, vectorise
from minsheng.exercises import is_exercise_event, marked
from minsheng.records import Grouped
from minsheng.store import Store
from search.index import Bucket, Filters, Index, Search

READ = 200
"""Documents read for the key sentence: the newest."""

SENTENCES = 8
"""Sentences looked at of each."""

SHORTEST, LONGEST = 8, 80
"""Characters of a sentence that can stand for an event."""

HOURLY = timedelta(days=3)
"""An event no longer than this is counted by the hour."""

_END = re.compile(r"(?<=[。！？!?；;])|\n")


class EventDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is today.

    Attributes
    ----------
    id, ids:
        Its id of today, and all ids that are part of it.
    title, key_sentence:
        The headline of its most typical text, and the sentence of its newest texts that is closest to all of them.
    documents, copies:
        How many, and how many of them repeat another one's text.
    authors:
        How many different authors; never which. None where none is known by a key.
    step, timeline:
        `hour` or `day`, and documents in each step of China time that has any.
    sources, kinds, regions, sentiments, requests:
        Documents by each; the regions are those that the documents are about, by their words or their sources.
    """

    id: str
    ids: tuple[str, ...]
    title: str
    key_sentence: str
    documents: int
    copies: int
    aggrieved: int | None
    authors: int | None
    first_at: datetime
    last_at: datetime
    policies: dict[str, int]
    step: str
    timeline: tuple[Bucket, ...]
    sources: tuple[Bucket, ...]
    kinds: tuple[Bucket, ...]
    regions: tuple[Bucket, ...]
    sentiments: tuple[Bucket, ...]
    requests: tuple[Bucket, ...]


def event_detail(store: Store, index: Index, event: str) -> EventDetail | None:
    """The event that this id means today; None where neither store nor index know it."""
    ids = History.read(store).family(event)
    listed = get_events(store, [ids[0]]).get(ids[0])
    filters = Filters(events=ids)
    newest = index.search(
        Search(
            filters=filters,
            size=READ,
            facets=("source", "kind", "region", "sentiment", "request", "policy"),
            highlight=False,
        )
    )
    if not newest.hits:
        return None
    records = [hit.record for hit in newest.hits]
    times = [record.document.published_at for record in records]
    first = listed.first_at if listed else min(times)
    last = listed.last_at if listed else max(times)
    step = "hour" if last - first <= HOURLY else "day"
    steps = index.search(Search(filters=filters, size=0, histogram="hour" if step == "hour" else "day")).histogram
    with store.read() as connection:
        which = observations.c.event_id.in_(ids)
        authors = connection.scalar(sa.select(sa.func.count(sa.distinct(observations.c.author_key))).where(which))
        texts = connection.scalar(
            sa.select(sa.func.count()).where(which, observations.c.duplicate_group == observations.c.document_id)
        )
    title = listed.title if listed else records[-1].document.title or own_words(records[-1].document.text)[:60]
    return EventDetail(
        id=ids[0],
        ids=ids,
        title=marked(title) if is_exercise_event(ids[0]) else title,
        key_sentence=key_sentence(records),
        documents=newest.total,
        copies=max(0, newest.total - texts) if texts else 0,
        aggrieved=listed.aggrieved if listed else None,
        authors=authors or None,
        first_at=first,
        last_at=last,
        policies={bucket.value: bucket.count for bucket in newest.facets.get("policy", ())},
        step=step,
        timeline=tuple(bucket for bucket in steps if bucket.count),
        sources=newest.facets.get("source", ()),
        kinds=newest.facets.get("kind", ()),
        regions=newest.facets.get("region", ()),
        sentiments=newest.facets.get("sentiment", ()),
        requests=newest.facets.get("request", ()),
    )


def key_sentence(records: Sequence[Grouped]) -> str:
    """The sentence of these texts that is closest to all of them; copies count once. Empty where there is none."""
    texts = {record.duplicate.group: record for record in reversed(records)}
    middle = np.zeros(BINS, np.float32)
    for record in texts.values():
        vector = vectorise(record.document.title, record.document.text)
        middle[vector.bins] += vector.weights
    best, found = 0.0, ""
    for record in texts.values():
        for sentence in sentences(record.document.text)[:SENTENCES]:
            vector = vectorise("", sentence)
            closeness = float(middle[vector.bins] @ vector.weights)
            if closeness > best:
                best, found = closeness, sentence
    return found or next((record.document.title for record in texts.values() if record.document.title), "")


def sentences(text: str) -> list[str]:
    """The sentences of a text that are neither too short nor too long to stand alone."""
    parts = (part.strip() for part in _END.split(own_words(text)))
    return [part for part in parts if SHORTEST <= len(part) <= LONGEST]
