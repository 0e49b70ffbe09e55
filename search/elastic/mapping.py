"""What lies in Elasticsearch for a document, and the template that says how it is indexed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from minsheng.records import Engagement, Grouped, Kind
from search import analysis, tokens
from search.bodies import body

TEMPLATE_VERSION = 4
"""Raise with every change of `template`; an older program leaves a newer template alone."""

KEYWORDS = (
    *("id", "source", "kind", "sentiment", "emotion", "topic", "request", "stance", "policies", "event"),
    *("duplicate_group", "region", "outlet", "native_id", "parent_id", "language"),
)


class _Words(msgspec.Struct):
    title: str
    text: str


class _Source(msgspec.Struct, omit_defaults=True):
    """What lies in Elasticsearch, with names that a person who searches there by hand understands."""

    id: str
    version: int
    source: str
    kind: Kind
    title: str
    text: str
    published_at: datetime
    fetched_at: datetime
    sentiment: str
    emotion: str
    topic: str
    request: str
    policies: list[str]
    event: str
    duplicate_group: str
    words: _Words
    record: msgspec.Raw
    reach: int = 0
    stance: str | None = None
    region: str | None = None
    outlet: str | None = None
    url: str | None = None
    native_id: str | None = None
    parent_id: str | None = None
    language: str | None = None
    engagement: Engagement = Engagement()


def template(alias: str, shards: int, replicas: int) -> dict[str, Any]:
    keyword = {"type": "keyword"}
    kept = {"type": "keyword", "index": False, "doc_values": False}
    words = {"type": "text", "analyzer": "whitespace", "index_prefixes": {"min_chars": 1, "max_chars": 1}}
    read = {"type": "text", "analyzer": "standard"}
    number = {"type": "long"}
    return {
        "index_patterns": [f"{alias}-*"],
        "priority": 500,
        "version": TEMPLATE_VERSION,
        "meta": {"description": "Minsheng: documents"},
        "template": {
            "aliases": {alias: {}},
            "settings": {
                "number_of_shards": shards,
                "number_of_replicas": replicas,
                "refresh_interval": "1s",
                # The newest stand first on disk: looking for them stops there, and, where all matches are counted, the
                # id that tells any two apart is not read for each.
                "index.sort.field": ["published_at", "id"],
                "index.sort.order": ["desc", "desc"],
            },
            "mappings": {
                "dynamic": False,
                "_meta": {"analysis": analysis.VERSION},
                "_source": {"excludes": ["words"]},
                "properties": {
                    **dict.fromkeys(KEYWORDS, keyword),
                    "version": number,
                    "title": read,
                    "text": read,
                    "words": {"properties": {"title": words, "text": words}},
                    "published_at": {"type": "date"},
                    "fetched_at": {"type": "date"},
                    "reach": number,
                    "url": kept,
                    "engagement": {
                        "properties": dict.fromkeys(("likes", "dislikes", "comments", "reposts", "views"), number)
                    },
                    "record": {"type": "object", "enabled": False},
                },
            },
        },
    }


def sources_of(records: Sequence[Grouped]) -> list[_Source]:
    """What is sent of each, in order."""
    kept = [body(record) for record in records]
    words = tokens.of_records([record for record, _ in kept])
    return [_source(record, encoded, one) for (record, encoded), one in zip(kept, words, strict=True)]


def _source(record: Grouped, encoded: bytes, words: tokens.Words) -> _Source:
    document, assessed = record.document, record.assessed
    return _Source(
        id=document.id,
        version=record.version,
        source=document.source,
        kind=document.kind,
        title=document.title,
        text=document.text,
        published_at=document.published_at,
        fetched_at=document.fetched_at,
        sentiment=assessed.sentiment.label,
        emotion=assessed.emotion.label,
        topic=assessed.topic.label,
        request=assessed.request.label,
        policies=sorted(assessed.filed_under),
        event=record.event.id,
        duplicate_group=record.duplicate.group,
        words=_Words(*words),
        record=msgspec.Raw(encoded),
        stance=assessed.stance.label if assessed.stance else None,
        region=assessed.region,
        outlet=document.outlet,
        reach=document.engagement.total(),
        url=document.url,
        native_id=document.native_id,
        parent_id=document.parent_id,
        language=document.language,
        engagement=document.engagement,
    )
