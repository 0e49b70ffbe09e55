"""Scores searching by relevance on real texts: nDCG@10 of the index's answers against judgements made by reading.

    python -m training.search_scores [DATA_FOLDER] [--elasticsearch ADDRESS]

The queries (`training/labels/search_queries.txt`) are written as duty officers and departments type them. For each, the
first ten of both engines, by every ranking that was tried, and of a search for any pair of its characters were read
together and graded: 2 says what was looked for, 1 touches it, 0 does not. `training/labels/search.csv` holds the
grades by the hash of the text. A text that nobody has read counts as 0, so that a change of ranking can only seem worse
than it is.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from classifiers.model import Text
from minsheng.records import Assessed, Document, Duplicate, EventRef, Grouped, document_id, scores_of
from sample.content import load_world
from search.embedded import EmbeddedIndex
from search.index import Index, Search
from search.query import Node, parse
from search.understanding import Vocabulary, chosen, understood
from training.data import FOLDER
from training.labels.reading import LABELS, text_hash

MESSAGES = ("messages_with_replies.csv.gz", "messages_unlabelled.csv.gz", "messages_topic_train.csv.gz")
POSTS = "text_weibo_2020.txt.gz"
POSTS_READ = 6_000
DEPTH = 10
START = datetime(2026, 1, 1, tzinfo=UTC)


def queries() -> list[str]:
    """The queries, as typed."""
    return (LABELS / "search_queries.txt").read_text(encoding="utf-8").splitlines()


def judgements() -> dict[str, dict[str, int]]:
    """Query → hash of the text → grade."""
    found: dict[str, dict[str, int]] = {}
    with (LABELS / "search.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["query"], {})[row["hash"]] = int(row["grade"])
    return found


def documents(folder: Path = FOLDER) -> Iterator[Grouped]:
    """Citizens' messages, posts, and what the sample world says, each text once, a minute apart."""
    seen = set()
    for number, text in enumerate(_texts(folder)):
        key = text_hash(text)
        if key in seen:
            continue
        seen.add(key)
        at = START + timedelta(minutes=number)
        document = Document(
            id=document_id("relevance", str(number)),
            source="relevance",
            kind="message" if text.title else "post",
            native_id=key,
            published_at=at,
            fetched_at=at,
            title=text.title,
            text=text.text,
        )
        yield Grouped(
            assessed=Assessed(
                document=document,
                sentiment=scores_of("neutral"),
                emotion=scores_of("neutral"),
                topic=scores_of("none"),
                request=scores_of("none"),
                assessed_at=at,
            ),
            duplicate=Duplicate(group=document.id),
            event=EventRef(id=document.id),
        )


def _texts(folder: Path) -> Iterator[Text]:
    world = load_world()
    yield from (Text(article.title, article.text) for article in world.articles)
    yield from (Text(message.title, message.text) for message in world.messages)
    yield from (Text("", post.text) for post in world.posts)
    with gzip.open(folder / POSTS, "rt", encoding="utf-8") as lines:
        for _, line in zip(range(POSTS_READ), lines, strict=False):
            yield Text("", line.strip())
    for name in MESSAGES:
        with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                yield Text(row["title"], row["text"])


def fill(index: Index, folder: Path = FOLDER) -> None:
    index.ensure()
    records = list(documents(folder))
    for start in range(0, len(records), 1_000):
        index.write(records[start : start + 1_000])
    index.refresh()


def answer(index: Index, typed: str, vocabulary: Vocabulary, size: int = DEPTH) -> list[Grouped]:
    """The first documents, as the search page gives them."""

    def count(query: Node) -> int:
        return index.search(Search(query=query, size=0)).total

    query, _ = chosen(understood(parse(typed), vocabulary), count)
    page = index.search(Search(query=query, sort="relevance", size=size, highlight=False))
    return [hit.record for hit in page.hits]


def ndcg(grades: Sequence[int], best: Sequence[int]) -> float:
    """Normalised discounted cumulative gain of the first `DEPTH` grades, with gains of 2^grade - 1."""

    def gain(found: Sequence[int]) -> float:
        return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(found[:DEPTH]))

    ideal = gain(sorted(best, reverse=True))
    return gain(grades) / ideal if ideal else 1.0


def score_search(index: Index) -> dict[str, float]:
    """Query → nDCG@10, over the queries for which anything was judged to be what was looked for."""
    vocabulary = Vocabulary.of()
    scores = {}
    for typed, graded in judgements().items():
        if any(graded.values()):
            found = answer(index, typed, vocabulary)
            scores[typed] = ndcg([graded.get(one.document.native_id or "", 0) for one in found], list(graded.values()))
    return scores


def score_embedded(folder: Path = FOLDER) -> dict[str, float]:
    """`score_search` on an embedded index made for it."""
    with tempfile.TemporaryDirectory() as place:
        index = EmbeddedIndex(Path(place) / "index.db")
        fill(index, folder)
        scores = score_search(index)
        index.close()
    return scores


def mean(scores: dict[str, float]) -> float:
    return sum(scores.values()) / len(scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--elasticsearch", metavar="ADDRESS", help="also score a server, in an index of its own")
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {"embedded": score_embedded(options.data)}
    if options.elasticsearch:
        found["elasticsearch"] = _score_elasticsearch(options.elasticsearch, options.data)
    print(f"| query | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
    for typed in found["embedded"]:
        print(f"| {typed} | {' | '.join(f'{scores[typed]:.3f}' for scores in found.values())} |")
    means = " | ".join(f"{mean(scores):.3f}" for scores in found.values())
    print(f"| **mean of {len(found['embedded'])}** | {means} |")


def _score_elasticsearch(address: str, folder: Path) -> dict[str, float]:
    from elasticsearch import Elasticsearch

    from search.elastic import ElasticsearchIndex

    client: Any = Elasticsearch(address, request_timeout=60)
    index = ElasticsearchIndex(client, "relevance")
    try:
        fill(index, folder)
        return score_search(index)
    finally:
        for name in client.indices.get(index="relevance-*").body:
            client.indices.delete(index=name)
        client.options(ignore_status=404).indices.delete_index_template(name="relevance-documents")
        index.close()


if __name__ == "__main__":
    main()
