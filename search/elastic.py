"""The index on Elasticsearch 8.19 or 9, also on a server without any modules beyond the core.

Shape
-----
- One index a month, `<prefix>-documents-2026.11`, made by a template, behind the alias `<prefix>-documents`.
- `title` and `text` are analysed by Elasticsearch's standard analyser, which takes each Chinese character as a word, so
  that anybody's own `match_phrase` finds a Chinese phrase. (Pairs beside the characters would slow indexing down by a
  third for nothing that a phrase needs.) `words.title` and `words.text` hold the tokens of `search.analysis`; our own
  searches use these alone, so they find exactly what the embedded index finds. The whole record lies under `record`,
  kept but not indexed: nothing can search or count authors.

One id, one place
-----------------
Elasticsearch compares versions within one index, so each id must stay in one month's index. A document goes to the
month (in China) of `published_at`, which only another revision can change, and rarely does. So a first revision is
simply written. A later one is looked up by id in all months, which sees what was written a moment ago. Where its month
is not the one of the copy found, or no copy is found, `<prefix>-homes` first remembers the new month for that id: a
replay of the first revision is then sent there too, and conflicts, as it must. Then the new copy is written and the old
one deleted; a stop in between is mended when the record is written again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, NotFoundError, UnsupportedProductError

from minsheng.clock import CHINA, Clock, SystemClock
from minsheng.errors import MinshengError, Unavailable, WrongSettings
from minsheng.logs import get_logger
from minsheng.records import Engagement, Grouped, Kind, decode
from minsheng.settings import Settings
from search import buckets, cursors, tokens
from search.bodies import body
from search.highlight import hit
from search.index import Bucket, Facet, Filters, Page, Search, Written
from search.query import And, Node, Not, Or, Term, pruned

log = get_logger(__name__)

TEMPLATE_VERSION = 2
"""Raise with every change of `_template`; an older program leaves a newer template alone."""

CHUNK_BYTES = 5_000_000
CHUNK_RECORDS = 1_000
LONGEST_ID = 512
NEW_INDEX_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
KEEP_RANKING = "10m"
"""How long the pages of one search by relevance can be turned with nothing moving."""

_FACET_FIELDS: dict[Facet, str] = {
    "policy": "policies",
    "source": "source",
    "kind": "kind",
    "sentiment": "sentiment",
    "topic": "topic",
    "request": "request",
    "stance": "stance",
    "event": "event",
    "region": "region",
}
_KEYWORDS = (
    *("id", "source", "kind", "sentiment", "emotion", "topic", "request", "stance", "policies", "event"),
    *("duplicate_group", "region", "outlet", "native_id", "parent_id", "language"),
)
_FACET_CANDIDATES = 2_000
_ALL_CANDIDATES = 60_000


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
    stance: str | None = None
    region: str | None = None
    outlet: str | None = None
    url: str | None = None
    native_id: str | None = None
    parent_id: str | None = None
    language: str | None = None
    engagement: Engagement = Engagement()


class _Item(NamedTuple):
    """One action of a bulk request: where the record stands in the batch, and the two lines."""

    place: int
    lines: tuple[Any, ...]


class ElasticsearchIndex:
    """An index on an Elasticsearch cluster.

    Parameters
    ----------
    client:
        Connects at first use.
    prefix:
        Put before the names of indices, alias and template.
    shards, replicas:
        Of each month's index.
    clock:
        Used to wait for a new month's index.
    """

    def __init__(
        self, client: Elasticsearch, prefix: str, *, shards: int = 1, replicas: int = 0, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._clock = clock or SystemClock()
        self._alias = f"{prefix}-documents"
        self._homes = f"{prefix}-homes"
        self._shards = shards
        self._replicas = replicas
        self._ensured = False
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> ElasticsearchIndex:
        """The index that the settings name."""
        chosen = settings.search
        options: dict[str, Any] = {}
        if chosen.username is not None:
            options["basic_auth"] = (chosen.username, chosen.password.reveal() if chosen.password else "")
        if chosen.ca_file is not None:
            if not Path(chosen.ca_file).is_file():  # the client would find out at its first connection only
                raise WrongSettings(f"search: there is no file {chosen.ca_file}", "see ca_file in the section [search]")
            options["ca_certs"] = chosen.ca_file
        try:
            client = Elasticsearch(
                list(chosen.urls),
                request_timeout=chosen.timeout,
                max_retries=len(chosen.urls) - 1,
                retry_on_timeout=False,
                http_compress=False,
                **options,
            )
        except ValueError as error:
            raise WrongSettings(f"search: {error}", "see urls in the section [search]") from error
        return cls(client, chosen.index_prefix, shards=chosen.shards, replicas=chosen.replicas)

    def ensure(self) -> None:
        with self._reached():
            self._create()

    def write(self, records: Sequence[Grouped]) -> list[Written]:
        if not records:
            return []
        with self._reached():
            self._create_once()
            answers: list[Written | None] = [None] * len(records)
            items = self._items(records, answers)
            for chunk in _chunks(items):
                self._send(chunk, records, answers)
            self._delete_moved(records, answers)
        assert all(answer is not None for answer in answers)
        return [answer for answer in answers if answer is not None]

    def search(self, search: Search) -> Page:
        query = pruned(search.query)
        by_relevance = search.sort == "relevance" and query is not None and search.size > 0
        with self._reached():
            if by_relevance:
                found, cursor = self._ranked(query, search)
            else:
                found, cursor = self._newest(query, search)
        hits = found["hits"]["hits"][: search.size]
        aggregations = found.get("aggregations", {})
        return Page(
            total=found["hits"]["total"]["value"],
            hits=tuple(
                hit(_record(item), float(item["sort"][0]) if by_relevance else 0.0, query, highlight=search.highlight)
                for item in hits
            ),
            cursor=cursor,
            facets={facet: _facet(aggregations.get(facet)) for facet in search.facets},
            histogram=_histogram(aggregations.get("histogram")),
        )

    def get(self, ids: Sequence[str]) -> dict[str, Grouped]:
        found: dict[str, Grouped] = {}
        with self._reached():
            for start in range(0, len(ids), 500):
                part = list(ids[start : start + 500])
                answer = self._ask(
                    index=self._alias,
                    ignore_unavailable=True,
                    query={"terms": {"id": part}},
                    size=len(part),
                    source_includes="record",
                )
                for item in answer["hits"]["hits"]:
                    record = _record(item)
                    found[record.document.id] = record
        return found

    def count(self, filters: Filters) -> int:
        with self._reached():
            answer = self._ask(
                index=self._alias,
                ignore_unavailable=True,
                query={"bool": {"filter": _filters(filters)}},
                size=0,
                track_total_hits=True,
            )
        return int(answer["hits"]["total"]["value"])

    def refresh(self) -> None:
        with self._reached():
            self._client.indices.refresh(index=self._alias, ignore_unavailable=True)

    def drop_before(self, moment: datetime) -> int:
        limit = _month(moment)
        dropped = 0
        with self._reached():
            for index in sorted(self._months()):
                if index.removeprefix(f"{self._alias}-") >= limit:
                    continue
                self._client.indices.refresh(index=index)
                dropped += int(self._client.count(index=index)["count"])
                self._client.indices.delete(index=index, ignore_unavailable=True)
                self._forget_homes(index)
                log.info("index_month_dropped", index=index)
        return dropped

    def statistics(self) -> Mapping[str, int | str]:
        with self._reached():
            nodes = self._client.nodes.info(filter_path="nodes.*.version")["nodes"]
            stats = self._client.indices.stats(index=f"{self._alias}*", metric=["docs", "store"])["_all"]
        versions = sorted({node["version"] for node in nodes.values()})
        primaries = stats.get("primaries", {})
        return {
            "engine": f"Elasticsearch {', '.join(versions)}",
            "documents": primaries.get("docs", {}).get("count", 0),
            "bytes": primaries.get("store", {}).get("size_in_bytes", 0),
            "where": f"{self._address()}/{self._alias}",
        }

    def close(self) -> None:
        self._client.close()

    # Making and naming

    def _create_once(self) -> None:
        with self._lock:
            if not self._ensured:
                self._create()

    def _create(self) -> None:
        name = self._alias
        there = self._client.options(ignore_status=404).indices.get_index_template(name=name)
        versions = [item["index_template"].get("version", 0) for item in there.get("index_templates", [])]
        if not versions or versions[0] < TEMPLATE_VERSION:
            template = _template(name, self._shards, self._replicas)
            if versions:  # the months that are there already get the fields that are new
                properties = template["template"]["mappings"]["properties"]
                self._client.indices.put_mapping(index=f"{name}-*", allow_no_indices=True, properties=properties)
            self._client.indices.put_index_template(name=name, **template)
        if not self._client.indices.exists(index=self._homes):
            self._client.options(ignore_status=400).indices.create(  # 400: another process was quicker
                index=self._homes,
                settings={"number_of_shards": 1, "number_of_replicas": self._replicas},
                mappings={"dynamic": False, "properties": {"index": {"type": "keyword"}}},
            )
        self._ensured = True

    def _index(self, record: Grouped) -> str:
        return f"{self._alias}-{_month(record.document.published_at)}"

    def _months(self) -> list[str]:
        answer = self._client.options(ignore_status=404).indices.get_alias(name=self._alias)
        return [index for index in answer.body if index.startswith(f"{self._alias}-")]

    # Writing

    def _items(self, records: Sequence[Grouped], answers: list[Written | None]) -> list[_Item]:
        """The actions of those records that can be sent; the others get their answers."""
        homes = self._home_of(records)
        copies = self._copies([record for record in records if record.document.revision > 1])
        items = []
        for place, record in enumerate(records):
            name = record.document.id
            if len(name.encode("utf-8", "replace")) > LONGEST_ID:
                answers[place] = Written(name, "rejected", f"an id longer than {LONGEST_ID} bytes")
                continue
            index = homes.get(name, self._index(record))
            if record.document.revision > 1:
                index = self._index(record)
                elsewhere = {other: version for other, version in copies.get(name, {}).items() if other != index}
                if any(version >= record.version for version in elsewhere.values()):
                    answers[place] = Written(name, "conflict")
                    continue
                if index not in copies.get(name, {}):
                    self._remember_home(name, index, record.version)
            source = _encoder.encode(_source(*body(record)))
            items.append(_Item(place, (_action("index", index, name, record.version), source)))
        return items

    def _home_of(self, records: Sequence[Grouped]) -> dict[str, str]:
        """The months remembered for ids whose month has changed: a handful, read in one request."""
        ids = [record.document.id for record in records if record.document.revision == 1]
        if not ids:
            return {}
        answer = self._client.mget(index=self._homes, ids=ids)
        return {item["_id"]: item["_source"]["index"] for item in answer["docs"] if item.get("found")}

    def _remember_home(self, name: str, index: str, version: int) -> None:
        self._client.options(ignore_status=409).index(
            index=self._homes, id=name, document={"index": index}, version=version, version_type="external_gte"
        )

    def _forget_homes(self, index: str) -> None:
        self._client.indices.refresh(index=self._homes)
        while True:
            found = self._client.search(index=self._homes, query={"term": {"index": index}}, size=1_000, source=False)
            actions = [{"delete": {"_index": self._homes, "_id": item["_id"]}} for item in found["hits"]["hits"]]
            if not actions:
                return
            self._client.bulk(operations=actions, refresh=True)

    def _copies(self, records: Sequence[Grouped]) -> dict[str, dict[str, int]]:
        """For each id, the months that hold it and the version there; read in real time, not from the last refresh."""
        found: dict[str, dict[str, int]] = {}
        months = self._months() if records else []
        ids = sorted({record.document.id for record in records})
        wanted = [{"_index": index, "_id": name, "_source": False} for index in months for name in ids]
        for start in range(0, len(wanted), 5_000):
            answer = self._client.mget(docs=wanted[start : start + 5_000])
            for item in answer["docs"]:
                if item.get("found"):
                    found.setdefault(item["_id"], {})[item["_index"]] = item["_version"]
        return found

    def _delete_moved(self, records: Sequence[Grouped], answers: list[Written | None]) -> None:
        """Remove what an earlier revision has left in another month; where that fails, the record is to be retried."""
        later = {
            record.document.id: place
            for place, (record, answer) in enumerate(zip(records, answers, strict=True))
            if record.document.revision > 1 and answer is not None and answer.outcome in ("stored", "conflict")
        }
        copies = self._copies([records[place] for place in later.values()])
        actions: list[Any] = []
        for name, versions in copies.items():
            newest = max(versions.values())
            actions += [
                _action("delete", index, name, newest) for index, version in versions.items() if version < newest
            ]
        if not actions:
            return
        for item in self._client.bulk(operations=actions)["items"]:
            result = item["delete"]
            if result["status"] not in (200, 404, 409):  # 404, 409: somebody else was quicker
                answers[later[result["_id"]]] = Written(result["_id"], "retry", _reason(result))

    def _send(self, items: Sequence[_Item], records: Sequence[Grouped], answers: list[Written | None]) -> None:
        """Write a chunk. Where the server refuses it as a whole, halves are sent, down to the record it dislikes."""
        try:
            answer = self._client.bulk(operations=[line for item in items for line in item.lines])
        except ApiError as error:
            if error.status_code in (429, 502, 503, 504):
                for item in items:
                    answers[item.place] = Written(records[item.place].document.id, "retry", _reason(error.body))
                return
            if error.status_code not in (400, 413):
                raise
            if len(items) == 1:
                place = items[0].place
                answers[place] = Written(records[place].document.id, "rejected", _reason(error.body))
                return
            middle = len(items) // 2
            self._send(items[:middle], records, answers)
            self._send(items[middle:], records, answers)
            return
        for item, result in zip(items, answer["items"], strict=True):
            answers[item.place] = _written(records[item.place].document.id, result["index"])

    # Searching

    def _newest(self, query: Node | None, search: Search) -> tuple[Any, str | None]:
        condition: dict[str, Any] = {"filter": _filters(search.filters)}
        if query is not None:
            condition["filter"].append(_compile(query))
        after = None if search.after is None else cursors.read(search.after, int, str)
        found = self._find(
            {"bool": condition},
            search,
            index=self._alias,
            ignore_unavailable=True,
            sort=[{"published_at": "desc"}, {"id": "desc"}],
            search_after=after,
        )
        more = len(found["hits"]["hits"]) > search.size > 0
        return found, cursors.write(*found["hits"]["hits"][search.size - 1]["sort"]) if more else None

    def _ranked(self, query: Node | None, search: Search) -> tuple[Any, str | None]:
        """Best first, over a point in time, so that what is indexed meanwhile does not change scores and order."""
        assert query is not None
        ranking, after = None, None
        if search.after is not None:
            after, ranking = cursors.read(search.after, list, str)
        options: dict[str, Any] = {
            "query": {"bool": {"must": [_compile(query)], "filter": _filters(search.filters)}},
            "search": search,
            "sort": [{"_score": "desc"}, {"published_at": "desc"}, {"id": "desc"}],
            "search_after": after,
        }
        if ranking is None:
            ranking = self._open_ranking()
        try:
            found = self._find(pit={"id": ranking, "keep_alive": KEEP_RANKING}, **options)
        except NotFoundError:
            # It was kept for its time; the place is found again by the score, in what is there now.
            ranking = self._open_ranking()
            found = self._find(pit={"id": ranking, "keep_alive": KEEP_RANKING}, **options)
        ranking = found.get("pit_id", ranking)
        if len(found["hits"]["hits"]) > search.size:
            return found, cursors.write(found["hits"]["hits"][search.size - 1]["sort"], ranking)
        self._client.options(ignore_status=404).close_point_in_time(id=ranking)
        return found, None

    def _open_ranking(self) -> str:
        opened = self._client.open_point_in_time(index=self._alias, keep_alive=KEEP_RANKING, ignore_unavailable=True)
        return str(opened["id"])

    def _find(self, query: dict[str, Any], search: Search, **options: Any) -> Any:
        def find(candidates: int) -> Any:
            return self._ask(
                query=query,
                size=search.size + 1 if search.size else 0,
                source_includes="record",
                track_total_hits=True,
                aggregations=_aggregations(search, candidates) or None,
                **options,
            )

        found = find(_FACET_CANDIDATES)
        # A term may be frequent in all months together without being among the first of any: then ask for all.
        if any(
            found.get("aggregations", {}).get(facet, {}).get("doc_count_error_upper_bound") for facet in search.facets
        ):
            found = find(_ALL_CANDIDATES)
        return found

    def _ask(self, **options: Any) -> Any:
        """Search in all shards or not at all. The shard of a new month takes a moment until it answers."""
        for pause in NEW_INDEX_PAUSES:
            try:
                return self._client.search(allow_partial_search_results=False, **options).body
            except ApiError as error:
                if error.status_code != 503:
                    raise
            self._clock.sleep(pause)
        return self._client.search(allow_partial_search_results=False, **options).body

    # Telling what is wrong

    def _address(self) -> str:
        return ", ".join(sorted(node.base_url for node in self._client.transport.node_pool.all()))

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except UnsupportedProductError as error:
            raise WrongSettings(f"{self._address()} is no Elasticsearch", "see urls in the section [search]") from error
        except TlsError as error:
            raise Unavailable("index", f"{self._address()}: {error.message}", "see ca_file in [search]") from error
        except ConnectionTimeout as error:
            raise Unavailable("index", f"{self._address()} does not answer in time") from error
        except TransportError as error:
            raise Unavailable(
                "index", f"{self._address()} can't be reached", "check that Elasticsearch runs: minsheng doctor"
            ) from error
        except ApiError as error:
            reason = f"{self._address()}: {_reason(error.body)}"
            if error.status_code in (401, 403):
                raise Unavailable("index", reason, "check username and password in [search]") from error
            if error.status_code == 429 or error.status_code >= 500:
                raise Unavailable("index", reason) from error
            raise MinshengError(f"index: {reason}") from error


def _template(alias: str, shards: int, replicas: int) -> dict[str, Any]:
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
            },
            "mappings": {
                "dynamic": False,
                "_source": {"excludes": ["words"]},
                "properties": {
                    **dict.fromkeys(_KEYWORDS, keyword),
                    "version": number,
                    "title": read,
                    "text": read,
                    "words": {"properties": {"title": words, "text": words}},
                    "published_at": {"type": "date"},
                    "fetched_at": {"type": "date"},
                    "url": kept,
                    "engagement": {
                        "properties": dict.fromkeys(("likes", "dislikes", "comments", "reposts", "views"), number)
                    },
                    "record": {"type": "object", "enabled": False},
                },
            },
        },
    }


def _source(record: Grouped, encoded: bytes) -> _Source:
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
        words=_Words(tokens.of_text(document.title), tokens.of_text(document.text)),
        record=msgspec.Raw(encoded),
        stance=assessed.stance.label if assessed.stance else None,
        region=assessed.region,
        outlet=document.outlet,
        url=document.url,
        native_id=document.native_id,
        parent_id=document.parent_id,
        language=document.language,
        engagement=document.engagement,
    )


_encoder = msgspec.json.Encoder()


def _action(kind: str, index: str, name: str, version: int) -> bytes:
    return _encoder.encode({kind: {"_index": index, "_id": name, "version": version, "version_type": "external"}})


def _chunks(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    chunk: list[_Item] = []
    size = 0
    for item in items:
        length = sum(len(line) for line in item.lines)
        if chunk and (size + length > CHUNK_BYTES or len(chunk) >= CHUNK_RECORDS):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += length
    if chunk:
        yield chunk


def _written(name: str, result: Mapping[str, Any]) -> Written:
    status = result["status"]
    if status < 300:
        return Written(name, "stored")
    if status == 409:
        return Written(name, "conflict")
    # 403 and 404 are an index that is closed, blocked or just being removed: nothing the record could help.
    outcome: Any = "retry" if status in (403, 404, 429) or status >= 500 else "rejected"
    return Written(name, outcome, _reason(result))


def _reason(answer: Any) -> str:
    """What Elasticsearch says of an error, with its first cause."""
    error = answer.get("error", answer) if isinstance(answer, Mapping) else answer
    if isinstance(error, Mapping):
        failures = error.get("_shards", {}).get("failures") or [{}]
        error = failures[0].get("reason", error)  # where shards fail one by one, there is no error of the whole
    if not isinstance(error, Mapping):
        return str(error)
    text = f"{error.get('type', 'error')}: {error.get('reason', '')}"
    cause = error.get("caused_by") or next(iter(error.get("root_cause") or ()), None)
    if isinstance(cause, Mapping) and cause.get("reason") and cause["reason"] not in text:
        text += f" ({cause['reason']})"
    return text


def _compile(node: Node) -> dict[str, Any]:
    if isinstance(node, Term):
        asked = tokens.of_phrase(node.text)
        phrase: dict[str, Any] = {
            "query": " ".join(asked.tokens),
            "fields": ["words.title^3", "words.text"],
            "analyzer": "whitespace",
            "type": "phrase",
        }
        if asked.open:
            phrase |= {"type": "phrase_prefix", "max_expansions": 10_000}
        return {"multi_match": phrase}
    if isinstance(node, Not):
        return {"bool": {"must_not": [_compile(node.part)]}}
    if isinstance(node, Or):
        return {"bool": {"should": [_compile(part) for part in node.parts], "minimum_should_match": 1}}
    assert isinstance(node, And)
    return {
        "bool": {
            "must": [_compile(part) for part in node.parts if not isinstance(part, Not)],
            "must_not": [_compile(part.part) for part in node.parts if isinstance(part, Not)],
        }
    }


def _filters(filters: Filters) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"terms": {field: list(wanted)}}
        for field, wanted in (
            ("policies", filters.policies),
            ("source", filters.sources),
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
    bounds = {
        sign: buckets.milliseconds(moment)
        for sign, moment in (("gte", filters.since), ("lt", filters.until))
        if moment is not None
    }
    if bounds:
        found.append({"range": {"published_at": {**bounds, "format": "epoch_millis"}}})
    return found


def _aggregations(search: Search, candidates: int) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        facet: {
            "terms": {
                "field": _FACET_FIELDS[facet],
                "size": search.facet_size,
                "shard_size": max(candidates, search.facet_size),
                "order": [{"_count": "desc"}, {"_key": "asc"}],
            }
        }
        for facet in search.facets
    }
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


def _facet(found: Mapping[str, Any] | None) -> tuple[Bucket, ...]:
    return tuple(Bucket(value=item["key"], count=item["doc_count"]) for item in (found or {}).get("buckets", ()))


def _histogram(found: Mapping[str, Any] | None) -> tuple[Bucket, ...]:
    return tuple(
        Bucket(
            value=buckets.at(item["key"]).isoformat(),
            count=item["doc_count"],
            split={part["key"]: part["doc_count"] for part in item.get("split", {}).get("buckets", ())},
        )
        for item in (found or {}).get("buckets", ())
    )


def _record(item: Mapping[str, Any]) -> Grouped:
    return decode(Grouped, _encoder.encode(item["_source"]["record"]))


def _month(moment: datetime) -> str:
    return moment.astimezone(CHINA).strftime("%Y.%m")
