"""Indexing and searching on both engines, beside the least that each could do.

    python -m benchmarks.search_speed [--documents 20000] [--engines embedded elasticsearch] [--no-bare] [--folder KEPT]

The documents are a mixed stream of real texts. Each kind of query is asked with words cut from them at random, most of
them frequent as words are. The peers hold no more than words and time: a bare FTS5 table over the same tokens, and an
Elasticsearch index with its standard analyser, asked directly; so they answer with ids alone, without records, exact
counts, marks or filters. Beside them stands the raw query: what somebody would ask Elasticsearch for the same page,
with the same client and in turn with ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from elasticsearch import Elasticsearch, helpers
from rich.console import Console
from rich.table import Table

from benchmarks.mixed import mixed_stream
from deploy.servers import cache_folder
from deploy.servers.elasticsearch import ElasticsearchServer
from deploy.servers.running import read_running
from minsheng.records import Assessed, Duplicate, EventRef, Grouped, PolicyLink, scores_of
from search import tokens
from search.elastic import ElasticsearchIndex, queries
from search.elastic.answers import Json
from search.embedded import EmbeddedIndex
from search.index import FACETS, Filters, Index, Search
from search.query import And, Not, Sources, Term

BATCH = 500
QUERIES = 200

SCOPE = Filters(policies=tuple(f"p{number}" for number in range(20)))
"""What a department sees: two in five of the documents that are linked to any policy."""

Asking = Callable[[str], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--engines", nargs="+", default=["embedded", "elasticsearch"])
    parser.add_argument("--no-bare", action="store_true", help="without the indices that hold words and time alone")
    parser.add_argument(
        "--folder", type=Path, help="keep the embedded index there, and search one that is there already"
    )
    chosen = parser.parse_args()
    records = list(grouped(chosen.documents))
    words = random_words(records)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        if "embedded" in chosen.engines:
            index = EmbeddedIndex((chosen.folder or Path(folder)) / "index.db")
            rows += measure("embedded", index, records, words)
            if not chosen.no_bare:
                rows.append(bare_fts5(Path(folder) / "bare.db", records, words))
        if "elasticsearch" in chosen.engines:
            address = server(opened, chosen.documents)
            prefix = f"bench{uuid4().hex[:8]}"
            client = Elasticsearch(address, request_timeout=60, serializer=Json())
            opened.callback(client.close)
            opened.callback(remove, client, prefix)
            raw = raw_questions(client, f"{prefix}-documents")
            rows += measure("elasticsearch", ElasticsearchIndex(client, prefix), records, words, raw)
            if not chosen.no_bare:
                rows.append(bare_elasticsearch(client, f"{prefix}-documents-bare", records, words))
    show(rows)
    print(json.dumps({"documents": chosen.documents, "processors": os.cpu_count(), "rows": rows}))


def grouped(count: int) -> Iterator[Grouped]:
    """Records as they come to the index, without having been judged."""
    pick = random.Random(5)
    for number, document in enumerate(mixed_stream(count, datetime.now(UTC))):
        yield Grouped(
            assessed=Assessed(
                document=document,
                sentiment=scores_of(pick.choice(("positive", "neutral", "negative")), {"x": 0.1}),
                emotion=scores_of("neutral", {"angry": 0.2}),
                topic=scores_of(pick.choice(("城乡建设", "交通运输", "卫生计生", "教育文体"))),
                request=scores_of(pick.choice(("complaint", "inquiry", "none"))),
                policies=tuple(
                    PolicyLink(policy_id=f"p{pick.randrange(50)}", reason="alias", confidence=0.9)
                    for _ in range(pick.random() < 0.1)
                ),
                assessed_at=document.fetched_at,
            ),
            duplicate=Duplicate(
                group=f"g{pick.randrange(count)}" if pick.random() < 0.7 else f"s{pick.randrange(200)}"
            ),
            event=EventRef(id=f"e{number // 20}"),
        )


def random_words(records: Sequence[Grouped]) -> list[str]:
    """Words of two to four characters, from random places: frequent ones come often."""
    pick = random.Random(9)
    found: list[str] = []
    while len(found) < QUERIES:
        text = pick.choice(records).document.text
        start = pick.randrange(len(text))
        word = text[start : start + pick.choice((2, 2, 2, 3, 4))]
        if len(word) > 1 and all("\u4e00" <= char <= "\u9fff" for char in word):
            found.append(word)
    return found


def measure(
    name: str,
    index: Index,
    records: Sequence[Grouped],
    words: Sequence[str],
    raw: Mapping[str, Asking] | None = None,
) -> list[dict[str, Any]]:
    """The row of an index and, where there are raw queries, theirs."""
    raw = raw or {}
    index.ensure()
    seconds = 0.0 if index.count(Filters()) == len(records) else written(index, records)
    other = random.Random(3)

    def ask(**options: Any) -> Asking:
        return lambda word: index.search(Search(**{"query": Term(word), **options}))

    asked: dict[str, Asking] = {
        "word": ask(),
        "character": lambda word: index.search(Search(query=Term(word[0]))),
        "and not": lambda word: index.search(Search(query=And((Term(word), Not(Term(other.choice(words))))))),
        "filtered": ask(filters=Filters(sentiments=("negative",), sources=("weibo-1",))),
        "title": lambda word: index.search(Search(query=Term(word, "title"))),
        "source and word": lambda word: index.search(Search(query=And((Term(word), Sources(("weibo-1",)))))),
        "relevance": ask(sort="relevance"),
        "reach": ask(sort="reach"),
        "copies together": ask(together=True),
        "facets": ask(size=0, facets=FACETS, histogram="hour", histogram_split="sentiment"),
        "all, facets": lambda _: index.search(Search(size=20, facets=FACETS, histogram="day")),
        "all, copies together": lambda _: index.search(Search(size=20, facets=FACETS, together=True)),
        "scope, facets": lambda _: index.search(Search(filters=SCOPE, size=20, facets=FACETS, histogram="day")),
    }
    spans = {
        kind: timed_in_turn([asking, *([raw[kind]] if kind in raw else [])], words) for kind, asking in asked.items()
    }
    own = {
        "engine": name,
        "documents_per_second": round(len(records) / seconds) if seconds else 0,
        "megabytes": round(int(index.statistics()["bytes"]) / 1e6),
        "milliseconds": {kind: both[0] for kind, both in spans.items()},
    }
    beside = {
        "engine": "  raw query",
        "documents_per_second": 0,
        "megabytes": 0,
        "milliseconds": {kind: both[1] for kind, both in spans.items() if len(both) > 1},
    }
    return [own, beside] if raw else [own]


def written(index: Index, records: Sequence[Grouped]) -> float:
    """Seconds that writing took."""
    started = time.perf_counter()
    for start in range(0, len(records), BATCH):
        index.write(records[start : start + BATCH])
    index.refresh()
    return time.perf_counter() - started


def bare_fts5(path: Path, records: Sequence[Grouped], words: Sequence[str]) -> dict[str, Any]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize=\"ascii tokenchars '_'\")")
    started = time.perf_counter()
    for start in range(0, len(records), BATCH):
        connection.execute("BEGIN")
        for record in records[start : start + BATCH]:
            text = f"{record.document.title} , {record.document.text}"
            connection.execute("INSERT INTO words (text) VALUES (?)", (tokens.of_text(text),))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started

    def ask(word: str) -> object:
        phrase = f'"{" ".join(tokens.of_phrase(word).tokens)}"'
        return connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT 20", (phrase,)
        ).fetchall()

    answer = {"word": timed(ask, words)}
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return {
        "engine": "  bare FTS5",
        "documents_per_second": round(len(records) / seconds),
        "megabytes": round(path.stat().st_size / 1e6),
        "milliseconds": answer,
    }


def raw_questions(client: Elasticsearch, name: str) -> dict[str, Asking]:
    """What somebody would ask Elasticsearch for the same pages, in one plain request: no records decoded, no marks, no
    place to turn the page from, nothing kept for later."""
    newest, relevance = queries.orders("newest"), queries.orders("relevance")
    hourly = queries.aggregations(
        Search(facets=FACETS, histogram="hour", histogram_split="sentiment"), queries.FACET_CANDIDATES
    )
    daily = queries.aggregations(Search(facets=FACETS, histogram="day"), queries.FACET_CANDIDATES)

    def ask(**options: Any) -> object:
        return client.search(index=name, source_includes="record", track_total_hits=True, **{"size": 20, **options})

    def holding(word: str) -> dict[str, Any]:
        return {"bool": {"filter": [queries.compiled(Term(word))]}}

    return {
        "word": lambda word: ask(query=holding(word), sort=newest),
        "character": lambda word: ask(query=holding(word[0]), sort=newest),
        "relevance": lambda word: ask(query=queries.compiled(Term(word)), sort=relevance),
        "reach": lambda word: ask(query=holding(word), sort=queries.orders("reach")),
        "facets": lambda word: ask(query=holding(word), size=0, aggregations=hourly),
        "all, facets": lambda _: ask(sort=newest, aggregations=daily),
        "scope, facets": lambda _: ask(
            query={"bool": {"filter": queries.conditions(SCOPE)}}, sort=newest, aggregations=daily
        ),
    }


def bare_elasticsearch(
    client: Elasticsearch, name: str, records: Sequence[Grouped], words: Sequence[str]
) -> dict[str, Any]:
    text = {"type": "text", "analyzer": "standard"}
    client.options(ignore_status=400).indices.delete_index_template(name=name.removesuffix("-bare"))
    client.indices.create(
        index=name, mappings={"properties": {"title": text, "text": text, "published_at": {"type": "date"}}}
    )
    started = time.perf_counter()
    actions = (
        {
            "_index": name,
            "_id": record.document.id,
            "_source": {
                "title": record.document.title,
                "text": record.document.text,
                "published_at": record.document.published_at,
            },
        }
        for record in records
    )
    helpers.bulk(client, actions, chunk_size=BATCH)
    client.indices.refresh(index=name)
    seconds = time.perf_counter() - started

    def ask(word: str) -> object:
        return client.search(
            index=name,
            query={"multi_match": {"query": word, "type": "phrase", "fields": ["title", "text"]}},
            sort=[{"published_at": "desc"}],
            size=20,
            source=False,
        )

    size = client.indices.stats(index=name)["_all"]["primaries"]["store"]["size_in_bytes"]
    return {
        "engine": "  bare Elasticsearch",
        "documents_per_second": round(len(records) / seconds),
        "megabytes": round(size / 1e6),
        "milliseconds": {"word": timed(ask, words)},
    }


def timed(ask: Asking, words: Sequence[str]) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds, after a few to warm up."""
    return timed_in_turn([ask], words)[0]


def timed_in_turn(asked: Sequence[Asking], words: Sequence[str]) -> list[tuple[float, float]]:
    """The same for several, each word asked of all of them, one after the other, each one first as often: so a server
    that is warm or busy is so for all."""
    for word in words[:10]:
        for ask in asked:
            ask(word)
    taken: list[list[float]] = [[] for _ in asked]
    for number, word in enumerate(words):
        for step in range(len(asked)):
            which = (number + step) % len(asked)
            started = time.perf_counter()
            asked[which](word)
            taken[which].append(1_000 * (time.perf_counter() - started))
    cuts = [statistics.quantiles(one, n=20) for one in taken]
    return [(round(cut[9], 1), round(cut[18], 1)) for cut in cuts]


def server(opened: ExitStack, documents: int) -> str:
    """The server of `MINSHENG_TEST_SERVERS`, or one started for this run with as much memory as so many need."""
    shared = os.environ.get("MINSHENG_TEST_SERVERS")
    running = read_running(Path(shared)) if shared else {}
    if "elasticsearch" in running:
        return running["elasticsearch"].address
    started = ElasticsearchServer(cache_folder())
    started.heap_mb = max(started.heap_mb, documents // 250)
    opened.callback(started.remove)
    started.start()
    return started.address


def remove(client: Elasticsearch, prefix: str) -> None:
    for index in client.indices.get(index=f"{prefix}-*").body:
        client.indices.delete(index=index)
    client.options(ignore_status=404).indices.delete_index_template(name=f"{prefix}-documents")


def show(rows: Sequence[dict[str, Any]]) -> None:
    kinds = list(dict.fromkeys(kind for row in rows for kind in row["milliseconds"]))
    table = Table(title="indexing; queries in milliseconds: median / 95th percentile")
    for column in ("engine", "documents/s", "MB", *kinds):
        table.add_column(column, justify="right")
    for row in rows:
        spans = (row["milliseconds"].get(kind) for kind in kinds)
        cells = (f"{span[0]} / {span[1]}" if span else "" for span in spans)
        measured = (f"{row[name]:,}" if row[name] else "" for name in ("documents_per_second", "megabytes"))
        table.add_row(row["engine"], *measured, *cells)
    Console(width=240).print(table)


if __name__ == "__main__":
    main()
