"""A search as Elasticsearch reads it, and its answers as the seam tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from minsheng.clock import CHINA
from minsheng.exercises import EXERCISE
from minsheng.records import Grouped, decode
from search import buckets, tokens
from search.exercises import left_out
from search.index import Bucket, Facet, Filters, Search
from search.query import NEAR_UNITS, And, Near, Node, Not, Or, Sources, Term

_FACET_FIELDS: dict[Facet, str] = {
    "policy": "policies",
    "source": "source",
    "outlet": "outlet",
    "kind": "kind",
    "sentiment": "sentiment",
    "topic": "topic",
    "request": "request",
    "stance": "stance",
    "event": "event",
    "region": "region",
}
FACET_CANDIDATES = 2_000
ALL_CANDIDATES = 60_000


TITLE_BOOST = 1.5
TIE_BREAKER = 1.0
"""What the field that matches less well adds to the score of the one that matches best: all of it, as the embedded
index adds title and text up."""

NEAR_BOOST = 6
"""What standing near each other counts: Elasticsearch scores it between 0 and 1, and words with up to ten or so."""

EXACT_GROUPS = 40_000
"""Up to so many groups of duplicates are counted one by one: the most that Elasticsearch offers."""

_encoder = msgspec.json.Encoder()


def compiled(node: Node) -> dict[str, Any]:
    if isinstance(node, Term):
        asked = tokens.of_phrase(node.text)
        phrase: dict[str, Any] = {
            "query": " ".join(asked.tokens),
            "fields": ["words.title"] if node.field == "title" else [f"words.title^{TITLE_BOOST}", "words.text"],
            "analyzer": "whitespace",
            "type": "phrase",
            "tie_breaker": TIE_BREAKER,
            # Lucene adds up how rare each pair is; those of a long word overlap, and tell less the more they are.
            "boost": len(asked.tokens) ** -0.5,
        }
        if asked.open:
            phrase |= {"type": "phrase_prefix", "max_expansions": 10_000}
        return {"multi_match": phrase}
    if isinstance(node, Near):
        fields = [_near(node, field) for field in ("words.title", "words.text")]
        return {"dis_max": {"queries": fields, "tie_breaker": TIE_BREAKER}}
    if isinstance(node, Sources):  # says nothing of how well a document matches
        return {"constant_score": {"filter": {"terms": {"source": list(node.ids)}}, "boost": 0}}
    if isinstance(node, Not):
        return {"bool": {"must_not": [compiled(node.part)]}}
    if isinstance(node, Or):
        return {"bool": {"should": [compiled(part) for part in node.parts], "minimum_should_match": 1}}
    assert isinstance(node, And)
    return {
        "bool": {
            "must": [compiled(part) for part in node.parts if not isinstance(part, Not)],
            "must_not": [compiled(part.part) for part in node.parts if isinstance(part, Not)],
        }
    }


def _near(node: Near, field: str) -> dict[str, Any]:
    intervals: list[dict[str, Any]] = []
    for asked in map(tokens.of_phrase, [term.text for term in node.terms]):
        if asked.open:
            intervals.append({"prefix": {"prefix": asked.tokens[0], "analyzer": "whitespace"}})
        else:
            words = " ".join(asked.tokens)
            intervals.append({"match": {"query": words, "max_gaps": 0, "ordered": True, "analyzer": "whitespace"}})
    together = {"all_of": {"intervals": intervals, "max_gaps": NEAR_UNITS, "ordered": False}}
    return {"intervals": {field: {**together, "boost": NEAR_BOOST}}}


def conditions(filters: Filters, query: Node | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"terms": {field: list(wanted)}}
        for field, wanted in (
            ("policies", filters.policies),
            ("source", filters.sources),
            ("outlet", filters.outlets),
            ("kind", filters.kinds),
            ("sentiment", filters.sentiments),
            ("topic", filters.topics),
            ("request", filters.requests),
            ("stance", filters.stances),
            ("event", filters.events),
            ("region", filters.regions),
            ("duplicate_group", filters.duplicate_groups),
            ("id", filters.ids),
        )
        if wanted is not None
    ]
    if filters.areas is not None:
        starts = [{"prefix": {"region": start}} for start in filters.areas]
        found.append({"bool": {"should": starts, "minimum_should_match": 1}} if starts else {"match_none": {}})
    found += _between("published_at", filters.since, filters.until)
    found += _between("fetched_at", filters.fetched_since, None)
    if left_out(query, filters):
        found.append({"bool": {"must_not": [{"term": {"source": EXERCISE}}]}})
    return found


def _between(field: str, since: datetime | None, until: datetime | None) -> list[dict[str, Any]]:
    bounds = {
        sign: buckets.milliseconds(moment) for sign, moment in (("gte", since), ("lt", until)) if moment is not None
    }
    return [{"range": {field: {**bounds, "format": "epoch_millis"}}}] if bounds else []


def aggregations(search: Search, candidates: int) -> dict[str, Any]:
    wanted: dict[str, Any] = {facet: _values(facet, search.facet_size, candidates) for facet in search.facets}
    if search.together:
        wanted["groups"] = {"cardinality": {"field": "duplicate_group", "precision_threshold": EXACT_GROUPS}}
    if search.histogram:
        steps: dict[str, Any] = {
            "date_histogram": {
                "field": "published_at",
                "calendar_interval": search.histogram,
                "time_zone": CHINA.key,
                "min_doc_count": 1,
            }
        }
        if search.histogram_split:
            steps["aggregations"] = {"split": {"terms": {"field": search.histogram_split, "size": 1_000}}}
        wanted["histogram"] = steps
    return wanted


def _values(facet: Facet, size: int, candidates: int) -> dict[str, Any]:
    return {
        "terms": {
            "field": _FACET_FIELDS[facet],
            "size": size,
            "shard_size": max(candidates, size),
            "order": [{"_count": "desc"}, {"_key": "asc"}],
        }
    }


def candidates(facet: Facet, size: int) -> dict[str, Any]:
    """Asks for more values than are wanted: a count that is too small may have put one behind."""
    return _values(facet, min(size + FACET_CANDIDATES, ALL_CANDIDATES), ALL_CANDIDATES)


def named(facet: Facet, found: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Asks for the counts of just these values."""
    values = [item["key"] for item in found["buckets"]]
    asked = _values(facet, size, len(values))
    asked["terms"]["include"] = values
    return asked


def facet(found: Mapping[str, Any] | None) -> tuple[Bucket, ...]:
    return tuple(Bucket(value=item["key"], count=item["doc_count"]) for item in (found or {}).get("buckets", ()))


def histogram(found: Mapping[str, Any] | None) -> tuple[Bucket, ...]:
    return tuple(
        Bucket(
            value=buckets.at(item["key"]).isoformat(),
            count=item["doc_count"],
            split={part["key"]: part["doc_count"] for part in item.get("split", {}).get("buckets", ())},
        )
        for item in (found or {}).get("buckets", ())
    )


def record(item: Mapping[str, Any]) -> Grouped:
    """The record of a hit."""
    found = item["_source"]["record"]
    return decode(Grouped, bytes(found) if isinstance(found, msgspec.Raw) else _encoder.encode(found))


def orders(sort: str) -> list[dict[str, Any]]:
    """How hits are sorted; the last field tells any two apart."""
    newest: list[dict[str, Any]] = [{"published_at": "desc"}, {"id": "desc"}]
    if sort == "reach":
        # Months of a program that did not count it yet have none.
        return [{"reach": {"order": "desc", "missing": 0, "unmapped_type": "long"}}, *newest]
    return [{"_score": "desc"}, *newest] if sort == "relevance" else newest


def first_of_groups(groups: Sequence[str], sort: str) -> dict[str, Any]:
    """Asks for the first match of each of these groups of duplicates and how many there are."""
    return {
        "copies": {
            "terms": {"field": "duplicate_group", "include": list(groups), "size": max(1, len(groups))},
            "aggregations": {"first": {"top_hits": {"size": 1, "sort": orders(sort), "_source": ["id"]}}},
        }
    }
