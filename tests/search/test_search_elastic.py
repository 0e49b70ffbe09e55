"""What only Elasticsearch has: other people's searches, bulk answers, a server that goes away."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from deploy.servers import Server
from minsheng.clock import ManualClock
from minsheng.errors import MinshengError, Unavailable, WrongSettings
from minsheng.settings import load_settings
from search.elastic import ElasticsearchIndex, mapping, queries
from search.elastic.answers import Json
from search.index import Filters, Search
from search.query import parse
from search.stage import IndexStage
from tests.search.corpus import START, corpus, grouped, numbers


def opened(address: str, prefix: str = "minsheng", **environ: str) -> ElasticsearchIndex:
    settings = {"MINSHENG_SEARCH__URLS": f'["{address}"]', "MINSHENG_SEARCH__INDEX_PREFIX": prefix, **environ}
    return ElasticsearchIndex.from_settings(load_settings(environ=settings))


@pytest.fixture
def index(elasticsearch_server: str, unique: str) -> Iterator[ElasticsearchIndex]:
    index = opened(elasticsearch_server, unique)
    yield index
    client = Elasticsearch(elasticsearch_server)
    for name in client.indices.get(index=f"{unique}-*").body:
        client.indices.delete(index=name)
    client.options(ignore_status=404).indices.delete_index_template(name=f"{unique}-documents")
    client.close()
    index.close()


@pytest.mark.elasticsearch
def test_anybody_finds_a_chinese_phrase(index: ElasticsearchIndex, elasticsearch_server: str, unique: str) -> None:
    index.write(corpus())
    index.refresh()
    client = Elasticsearch(elasticsearch_server)

    def numbers_of(query: dict[str, Any]) -> set[str]:
        hits = client.search(index=f"{unique}-documents", query=query, size=100)["hits"]["hits"]
        return {hit["_source"]["native_id"] for hit in hits}

    assert numbers_of({"match_phrase": {"text": "医保报销"}}) == {"1", "2", "59"}
    assert numbers_of({"match_phrase": {"title": "门诊医保"}}) == {"0"}
    assert numbers_of({"bool": {"filter": [{"term": {"policies": "housing-fund"}}, {"term": {"kind": "news"}}]}}) == {
        "10"
    }
    found = client.search(index=f"{unique}-documents", query={"term": {"native_id": "7"}})["hits"]["hits"][0]
    assert found["_index"] == f"{unique}-documents-2026.11"
    source = found["_source"]
    assert source["text"].startswith("云岭府办发")
    assert source["published_at"] == "2026-11-01T13:00:00Z"
    assert source["record"]["assessed"]["document"]["author_key"] == "0f3a"
    assert "words" not in source
    # Authors are kept, and that is all.
    assert numbers_of({"multi_match": {"query": "0f3a", "fields": ["*"], "lenient": True}}) == set()
    assert numbers_of({"term": {"record.assessed.document.author_key": "0f3a"}}) == set()
    client.close()


@pytest.mark.elasticsearch
def test_a_refused_record_is_rejected_with_its_reason_amid_good_ones(index: ElasticsearchIndex) -> None:
    records = [
        grouped(1, "好"),
        grouped(2, "坏", region="区" * 20_000),  # longer than a keyword may be
        grouped(3, "好"),
        grouped(4, "坏", source="源" * 20_000),
    ]
    answers = index.write(records)
    assert [answer.outcome for answer in answers] == ["stored", "rejected", "stored", "rejected"]
    assert "region" in answers[1].reason
    assert "source" in answers[3].reason
    result = IndexStage(index, ManualClock()).work(records)
    assert [rejected.position for rejected in result.rejected] == [1, 3]
    index.refresh()
    assert index.count(Filters()) == 2


@pytest.mark.elasticsearch
def test_an_older_program_leaves_a_newer_template_alone(
    index: ElasticsearchIndex, elasticsearch_server: str, unique: str
) -> None:
    index.ensure()
    client = Elasticsearch(elasticsearch_server)
    name = f"{unique}-documents"

    def version() -> int:
        found = client.indices.get_index_template(name=name)["index_templates"][0]["index_template"]
        return int(found["version"])

    client.indices.put_index_template(name=name, index_patterns=[f"{name}-*"], version=99, priority=500)
    index.ensure()
    assert version() == 99
    client.indices.put_index_template(name=name, index_patterns=[f"{name}-*"], version=0, priority=500)
    index.ensure()
    assert version() >= 1
    client.close()


@pytest.mark.elasticsearch
def test_the_months_of_an_older_program_get_the_stance(
    index: ElasticsearchIndex, elasticsearch_server: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index made before a field was there goes on: its records have none, and new ones are found by it."""
    with monkeypatch.context() as older:
        older.setattr(mapping, "TEMPLATE_VERSION", 1)
        older.setattr(mapping, "KEYWORDS", tuple(name for name in mapping.KEYWORDS if name != "stance"))
        index.write([grouped(1, "医保"), grouped(2, "医保")])
        index.refresh()
        assert index.search(Search(facets=("stance",))).facets == {"stance": ()}
        assert index.count(Filters(stances=("support",))) == 0
    newer = opened(elasticsearch_server, unique)
    newer.write([grouped(2, "医保", stance="support", opinion=2), grouped(3, "医保", stance="against")])
    newer.refresh()
    page = newer.search(Search(filters=Filters(stances=("support", "against")), facets=("stance",)))
    assert sorted(numbers([hit.record for hit in page.hits])) == [2, 3]
    assert [bucket.value for bucket in page.facets["stance"]] == ["against", "support"]
    newer.close()


@pytest.mark.elasticsearch
def test_a_ranking_that_was_forgotten_is_made_again(index: ElasticsearchIndex, elasticsearch_server: str) -> None:
    index.write(corpus())
    index.refresh()
    search = Search(query=parse("了"), sort="relevance", size=5)
    first = index.search(search)
    everything = numbers(
        [hit.record for hit in index.search(Search(query=parse("了"), sort="relevance", size=100)).hits]
    )
    client = Elasticsearch(elasticsearch_server)
    assert first.cursor is not None
    ranking = json.loads(base64.urlsafe_b64decode(first.cursor + "=" * (-len(first.cursor) % 4)))[1]
    client.close_point_in_time(id=ranking)
    client.close()
    second = index.search(Search(query=parse("了"), sort="relevance", size=5, after=first.cursor))
    assert numbers([hit.record for hit in second.hits]) == everything[5:10]


@pytest.mark.elasticsearch
def test_facets_are_exact_where_a_month_has_more_values_than_can_be_asked_for(
    index: ElasticsearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "FACET_CANDIDATES", 3)
    monkeypatch.setattr(queries, "ALL_CANDIDATES", 5)
    records = []
    for month, times in enumerate((3, 1)):
        events = [f"{month}-{number}" for number in range(30)] * 2 + ["both"] * times
        at = START + timedelta(days=40 * month)
        records += [grouped(1_000 * month + number, "税", at=at, event=event) for number, event in enumerate(events)]
    index.write(records)
    index.refresh()
    for query in (None, parse("税")):
        page = index.search(Search(query=query, facets=("event", "kind"), facet_size=2))
        assert page.total == len(records)
        assert [(bucket.value, bucket.count) for bucket in page.facets["event"]] == [("both", 4), ("0-0", 2)]
        assert [(bucket.value, bucket.count) for bucket in page.facets["kind"]] == [("post", len(records))]


@pytest.mark.elasticsearch
def test_rankings_of_one_second_begin_at_one_moment(
    index: ElasticsearchIndex, elasticsearch_server: str, unique: str
) -> None:
    """Searches that come together share a point in time; what is written since is found a second later."""
    clock = ManualClock(START)
    own = ElasticsearchIndex(Elasticsearch(elasticsearch_server, serializer=Json()), unique, clock=clock)
    search = Search(query=parse("医保"), sort="relevance", size=1)
    own.write([grouped(1, "医保"), grouped(2, "医保")])
    own.refresh()

    def ranking() -> str:
        cursor = own.search(search).cursor
        assert cursor is not None
        return str(json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[1])

    first = ranking()
    assert ranking() == first
    index.write([grouped(3, "医保")])
    index.refresh()
    assert own.search(search).total == 2
    clock.advance(seconds=1.1)
    assert own.search(search).total == 3
    own.write([grouped(4, "医保")])
    own.refresh()
    assert own.search(search).total == 4  # what it has written itself, at once
    own.close()


@pytest.mark.elasticsearch
def test_homes_are_forgotten_with_their_month(
    index: ElasticsearchIndex, elasticsearch_server: str, unique: str
) -> None:
    moved = [grouped(number, "搬", at=START, revision=2) for number in range(5)]
    index.write([grouped(number, "搬", at=START + timedelta(days=60)) for number in range(5)])
    index.write(moved)
    client = Elasticsearch(elasticsearch_server)
    client.indices.refresh(index=f"{unique}-homes")
    assert client.count(index=f"{unique}-homes")["count"] == 5
    assert index.drop_before(START + timedelta(days=40)) == 5
    assert client.count(index=f"{unique}-homes")["count"] == 0
    client.close()


@pytest.mark.elasticsearch
def test_a_server_that_goes_away_and_comes_back(own_server: Callable[[str], Server]) -> None:
    server = own_server("elasticsearch")
    index = opened(server.address, MINSHENG_SEARCH__TIMEOUT="3")
    index.ensure()
    assert index.write([grouped(1, "医保")])[0].outcome == "stored"
    server.kill()
    for use in (
        lambda: index.write([grouped(2, "医保")]),
        lambda: index.search(Search()),
        lambda: index.get(["a"]),
        lambda: index.count(Filters()),
        index.refresh,
        index.statistics,
        lambda: opened(server.address).ensure(),
        lambda: IndexStage(index, ManualClock()).work([grouped(2, "医保")]),
    ):
        with pytest.raises(Unavailable) as raised:
            use()
        assert server.address in raised.value.message
    server.start()
    _eventually(lambda: index.write([grouped(2, "医保"), grouped(1, "医保")]))
    index.refresh()
    assert sorted(numbers([hit.record for hit in index.search(Search(query=parse("医保"))).hits])) == [1, 2]
    index.close()


def _eventually(use: Callable[[], object]) -> None:
    """A server that has just started may need a moment for its old shards."""
    import time

    for _ in range(100):
        try:
            use()
            return
        except Unavailable:
            time.sleep(0.2)
    use()


def test_no_server_there() -> None:
    index = opened("http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="can't be reached"):
        index.search(Search())


def test_wrong_settings_are_told() -> None:
    with pytest.raises(WrongSettings, match="search"):
        opened("no url at all")
    with pytest.raises(WrongSettings, match="nowhere"):
        opened("https://127.0.0.1:9", MINSHENG_SEARCH__CA_FILE="/nowhere.pem")


class Answers(ThreadingHTTPServer):
    """A server that speaks just enough for bulk requests, and can be told to refuse them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.largest = 10_000_000
        self.status = 200
        self.product = True
        self.bulks: list[int] = []
        self.searches: list[dict[str, Any]] = []
        self.asked: list[list[Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.startswith("/_msearch"):
            lines = [json.loads(line) for line in body.splitlines()]
            self.server.asked.append(lines)
            return self._answer(200, {"responses": [self.server.searches.pop(0) for _ in lines[::2]]})
        if not self.path.startswith("/_bulk"):
            return self._answer(200, {"docs": []})
        lines = body.splitlines()
        self.server.bulks.append(len(body))
        if len(body) > self.server.largest:
            return self._answer(413, {"error": {"type": "too_large", "reason": "too large"}, "status": 413})
        if self.server.status != 200:
            return self._answer(self.server.status, {"error": {"type": "busy", "reason": "queue is full"}})
        items = [{"index": {"_id": json.loads(line)["index"]["_id"], "status": 201}} for line in lines[::2]]
        return self._answer(200, {"errors": False, "items": items})

    def do_PUT(self) -> None:
        self.do_POST()

    def do_HEAD(self) -> None:
        self._answer(200, {})

    def do_GET(self) -> None:
        self._answer(200, {})

    def _answer(self, status: int, answer: object) -> None:
        body = b"" if self.command == "HEAD" else json.dumps(answer).encode()
        self.send_response(status)
        if self.server.product:
            self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answers() -> Iterator[Answers]:
    server = Answers()
    yield server
    server.shutdown()
    server.server_close()


def test_a_request_too_large_is_halved_down_to_the_record(answers: Answers) -> None:
    answers.largest = 60_000
    records = [grouped(number, "好") for number in range(20)]
    records[13] = grouped(13, "长" * 30_000)
    outcomes = [answer.outcome for answer in opened(answers.address).write(records)]
    assert outcomes == ["stored"] * 13 + ["rejected"] + ["stored"] * 6


def test_requests_are_bounded(answers: Answers) -> None:
    written = opened(answers.address).write([grouped(number, "长" * 100_000) for number in range(30)])
    assert {answer.outcome for answer in written} == {"stored"}
    assert len(answers.bulks) > 3
    assert max(answers.bulks) <= 5_000_000


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_full_queue_is_waited_for_and_then_told(answers: Answers, status: int) -> None:
    index = opened(answers.address)
    answers.status = status
    assert index.write([grouped(1, "好")])[0].outcome == "retry"
    clock = ManualClock()
    started = clock.now()
    with pytest.raises(Unavailable, match="queue is full"):
        IndexStage(index, clock).work([grouped(1, "好"), grouped(2, "好")])
    assert clock.now() - started < timedelta(minutes=1)
    answers.status = 200
    assert not IndexStage(index, clock).work([grouped(1, "好")]).rejected


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_server_that_refuses_all_is_unavailable(answers: Answers, status: int) -> None:
    index = opened(answers.address)
    index.ensure()
    answers.status = status
    with pytest.raises(Unavailable):
        index.write([grouped(1, "好")])


def test_something_that_is_no_elasticsearch_is_told(answers: Answers) -> None:
    answers.product = False
    with pytest.raises(WrongSettings, match="no Elasticsearch"):
        opened(answers.address).ensure()


def _matched(total: int) -> dict[str, Any]:
    return {"hits": {"total": {"value": total, "relation": "eq"}, "hits": []}, "aggregations": {}, "status": 200}


def test_a_page_with_facets_is_one_request_of_two_searches(answers: Answers) -> None:
    """The one that counts can be kept by the server, and the one for the page need not count."""
    answers.searches = [_matched(3), _matched(0)]
    page = opened(answers.address).search(Search(query=parse("医保"), facets=("topic",)))
    assert page.total == 3
    ((_, counting, _, shown),) = answers.asked
    assert (counting["size"], counting["track_total_hits"], [*counting["aggregations"]]) == (0, True, ["topic"])
    assert (shown["size"], shown["track_total_hits"], shown.get("aggregations")) == (21, False, None)


def test_a_page_of_words_is_one_search(answers: Answers) -> None:
    answers.searches = [_matched(7)]
    assert opened(answers.address).search(Search(query=parse("医保"))).total == 7
    ((header, asked),) = answers.asked
    assert header["allow_partial_search_results"] is False
    assert (asked["size"], asked["track_total_hits"]) == (21, True)


def test_the_shard_of_a_new_month_is_waited_for(answers: Answers) -> None:
    missing = {"error": {"type": "search_phase_execution_exception", "reason": "all shards failed"}, "status": 503}
    answers.searches = [missing, missing, _matched(1)]
    assert opened(answers.address).search(Search(query=parse("医保"))).total == 1
    answers.searches = [missing] * 10
    with pytest.raises(Unavailable, match="all shards failed"):
        opened(answers.address).search(Search(query=parse("医保")))


def test_a_search_that_is_refused_is_told_with_its_reason(answers: Answers) -> None:
    answers.searches = [{"error": {"type": "parsing_exception", "reason": "unknown field"}, "status": 400}]
    with pytest.raises(MinshengError, match="unknown field"):
        opened(answers.address).search(Search(query=parse("医保")))


@pytest.mark.elasticsearch
def test_the_newest_stand_first_on_disk(index: ElasticsearchIndex, elasticsearch_server: str, unique: str) -> None:
    index.write([grouped(1, "医保")])
    client = Elasticsearch(elasticsearch_server)
    settings = client.indices.get_settings(index=f"{unique}-documents", flat_settings=True).body
    client.close()
    (found,) = (one["settings"] for one in settings.values())
    assert (found["index.sort.field"], found["index.sort.order"]) == (["published_at", "id"], ["desc", "desc"])
