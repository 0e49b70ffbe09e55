"""Deliveries of other collectors: by HTTP and by the topic, item by item."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crawlers.delivery import Item, Receiver
from crawlers.intake import Intake
from crawlers.privacy import AuthorKeys
from crawlers.privacy.named_accounts import FILE
from crawlers.receiving import DeliveryServer, Door, TopicReader, keys_of_the_moment
from minsheng.errors import Unavailable, WrongSettings
from minsheng.records import Document, Engagement, decode, document_id
from minsheng.settings import CollectorSettings, ReceiveSettings, Secret
from stream.dead_letters import list_dead_letters
from stream.kafka import KafkaLog
from stream.log import ANSWERS, DELIVERIES, Message
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import wait_until

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "deliver-documents.md"
TOKEN = "0123456789abcdef-partner"
POST = {
    "id": "1",
    "kind": "post",
    "published_at": "2026-11-23 12:30",
    "text": "水费又扣了两次，电话13800138000",
    "author": "老周",
}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> ReceiveSettings:
    monkeypatch.setenv("PARTNER_TOKEN", TOKEN)
    partner = CollectorSettings(source="partner", token=Secret(env="PARTNER_TOKEN"))
    return ReceiveSettings(port=0, collectors=(partner,), max_items=5, max_body=50_000)


@pytest.fixture
def receiver(crawling: Crawling) -> Receiver:
    crawling.log.ensure_topics({"documents": 1, "dead-letters": 1})
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    return Receiver(intake, lambda: AuthorKeys(b"0123456789abcdef"), crawling.clock)


@pytest.fixture
def server(receiver: Receiver, settings: ReceiveSettings) -> Iterator[DeliveryServer]:
    opened = DeliveryServer(receiver, settings)
    opened.start()
    yield opened
    opened.close()


def deliver(server: DeliveryServer, body: Any, token: str = TOKEN, path: str = "/v1/documents", **headers: str) -> Any:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, raw, {"Authorization": f"Bearer {token}", **headers})
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


def test_good_items_are_stored_and_bad_ones_answered(server: DeliveryServer, crawling: Crawling) -> None:
    items = [POST, {**POST, "id": "2", "txt": "x"}, {"id": "3", "kind": "gossip"}, {**POST, "id": "4", "text": ""}, 7]
    status, said = deliver(server, items)
    assert (status, said["source"]) == (200, "partner")
    assert [answer["status"] for answer in said["answers"]] == ["new", "refused", "refused", "refused", "refused"]
    assert [answer["place"] for answer in said["answers"]] == [0, 1, 2, 3, 4]
    assert said["answers"][0]["document"] == document_id("partner", "1")
    reasons = [answer["reason"] for answer in said["answers"][1:]]
    assert "unknown field `txt`" in reasons[0]
    assert "gossip" in reasons[1] or "published_at" in reasons[1]
    assert reasons[2] == "neither title nor text"
    (document,) = crawling.documents()
    assert (document.source, document.kind) == ("partner", "post")
    assert "13800138000" not in document.text
    assert "老周" not in str(document)


def test_the_same_again_changes_nothing(server: DeliveryServer, crawling: Crawling) -> None:
    assert [deliver(server, [POST])[1]["answers"][0]["status"] for _ in range(2)] == ["new", "unchanged"]
    changed = {**POST, "text": "水费又扣了三次"}
    assert deliver(server, {"items": [changed, changed]})[1]["answers"][0]["status"] == "changed"
    assert [document.revision for document in crawling.documents()] == [1, 2]
    reply = {**POST, "id": "2", "kind": "reply", "parent_id": "1"}
    deliver(server, gzip.compress(json.dumps([reply]).encode()))
    assert crawling.documents()[-1].parent_id == document_id("partner", "1")


@pytest.mark.parametrize(
    ("body", "token", "path", "status", "words"),
    [
        ([POST], "wrong", "/v1/documents", 401, "no known token"),
        ([POST], TOKEN, "/v2/documents", 404, "/v1/documents"),
        (b"{", TOKEN, "/v1/documents", 400, "no JSON"),
        ({"a": 1}, TOKEN, "/v1/documents", 400, "no list of items"),
        ([POST] * 6, TOKEN, "/v1/documents", 400, "at most 5"),
        (b"x" * 50_001, TOKEN, "/v1/documents", 413, "50,000 bytes"),
        (gzip.compress(b"[" + b" " * 60_000 + b"]", mtime=0), TOKEN, "/v1/documents", 400, "holds more than 50,000"),
        (b"\x1f\x8bnonsense", TOKEN, "/v1/documents", 400, "broken gzip"),
    ],
)
def test_what_is_no_delivery_is_refused(
    body: Any, token: str, path: str, status: int, words: str, server: DeliveryServer, crawling: Crawling
) -> None:
    answered, said = deliver(server, body, token, path)
    assert (answered, words in said["error"]) == (status, True)
    assert crawling.documents() == []


def told(server: DeliveryServer, headers: str, token: str = TOKEN) -> bytes:
    """What is answered to the head of a request, before its body is sent."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        lines = ("POST /v1/documents HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", headers, "", "")
        connection.sendall("\r\n".join(lines).encode())
        return connection.recv(1000)


def test_without_a_length_nothing_is_read(server: DeliveryServer) -> None:
    assert b" 411 " in told(server, "Transfer-Encoding: chunked")
    assert b" 413 " in told(server, f"Content-Length: {'9' * 5000}")


def test_without_a_token_nothing_is_read(server: DeliveryServer) -> None:
    assert b" 401 " in told(server, "Content-Length: 50000", token="nobody's")


def test_slow_hubs_take_no_places_of_deliveries(server: DeliveryServer) -> None:
    while server.hub_slots.acquire(blocking=False):
        pass
    assert deliver(server, [POST])[0] == 200


def test_a_client_for_whom_no_thread_is_had_keeps_no_place(
    server: DeliveryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(server._server, "_clients", places)
    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(RuntimeError, match="new thread"):
        server._server.process_request(None, ("127.0.0.1", 1))
    assert places.acquire(blocking=False)


def test_clients_that_only_hold_on_are_limited(server: DeliveryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server._server, "_clients", threading.BoundedSemaphore(3))
    host, _, port = server.url.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
        late = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
        assert late.recv(10) == b""
    wait_until(lambda: server._server._clients._value == 3)  # type: ignore[attr-defined]
    assert deliver(server, [POST])[0] == 200


def test_counts_that_can_be_none_and_links_that_lead_to_no_web_page(server: DeliveryServer, crawling: Crawling) -> None:
    items = [
        {**POST, "engagement": {"likes": 10**30, "comments": -3, "reposts": 7}},
        {**POST, "id": "2", "engagement": {"likes": 10**11}},
        {**POST, "id": "3", "attachments": [{"url": "javascript:alert(1)"}]},
    ]
    answers = deliver(server, items)[1]["answers"]
    assert [answer["status"] for answer in answers] == ["new", "new", "refused"]
    assert deliver(server, items[:2])[1]["answers"][0]["status"] == "unchanged"
    stored = {document.native_id: document.engagement for document in crawling.documents()}
    assert stored["1"] == Engagement(reposts=7)
    assert stored["2"] == Engagement(likes=10**11)


def test_a_log_that_is_away_is_said_and_nothing_remembered(
    server: DeliveryServer, receiver: Receiver, crawling: Crawling, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("log", "gone")

    with monkeypatch.context() as patched:
        patched.setattr(receiver._intake.producer, "send", away)
        assert deliver(server, [POST])[0] == 503
    assert deliver(server, [POST])[1]["answers"][0]["status"] == "new"


def test_many_deliver_at_once(server: DeliveryServer, crawling: Crawling) -> None:
    statuses: list[int] = []

    def one(number: int) -> None:
        while (answer := deliver(server, [{**POST, "id": f"{number}-{n}"} for n in range(5)]))[0] == 503:
            pass
        statuses.append(answer[0])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 12
    assert len({document.id for document in crawling.documents()}) == len(crawling.documents()) == 60


def test_weak_or_shared_tokens_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "short")
    monkeypatch.setenv("B", "0123456789abcdef")
    with pytest.raises(WrongSettings, match="too short"):
        Door(ReceiveSettings(collectors=(CollectorSettings(source="a", token=Secret(env="A")),)))
    shared = tuple(CollectorSettings(source=name, token=Secret(env="B")) for name in "ab")
    with pytest.raises(WrongSettings, match="one token"):
        Door(ReceiveSettings(collectors=shared))


def test_the_topic_is_read_answered_and_its_bad_ones_kept_without_persons(
    receiver: Receiver, settings: ReceiveSettings, crawling: Crawling
) -> None:
    crawling.log.ensure_topics({DELIVERIES: 1})
    values: list[Any] = [
        {**POST, "source": "partner"},
        {**POST, "source": "stranger"},
        {**POST, "source": ["partner"]},
        {**POST, "source": "partner", "id": "2", "kind": "gossip"},
    ]
    raws = [json.dumps(value, ensure_ascii=False).encode() for value in values]
    crawling.log.producer().send([Message(DELIVERIES, str(n), raw) for n, raw in enumerate([*raws, b"{no"])])
    reader = TopicReader(receiver, settings, crawling.log, crawling.clock)
    assert reader.run(threading.Event(), until_empty=True) == 5
    answers = [json.loads(message.value) for message in crawling.log.read(ANSWERS)]
    assert sorted(answer["status"] for answer in answers) == ["new", *["refused"] * 4]
    assert len(crawling.documents()) == 1
    letters = list_dead_letters(crawling.log)
    assert len(letters) == 4
    assert {letter.stage for letter in letters} == {"receive"}
    assert not any("老周" in letter.value or "13800138000" in letter.value for letter in letters)
    # What was read is not kept: it names persons.
    crawling.clock.advance(days=400)
    assert reader.run(threading.Event(), until_empty=True) == 0
    assert crawling.log.read(DELIVERIES) == []
    # Sent again, nothing new comes of it.
    crawling.log.producer().send([Message(DELIVERIES, "0", raws[0])])
    reader.run(threading.Event(), until_empty=True)
    assert len(crawling.documents()) == 1


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_collector_delivers_on_kafka(
    settings: ReceiveSettings, crawling: Crawling, kafka_server: str, unique: str
) -> None:
    log = KafkaLog(kafka_server, prefix=unique)
    log.ensure_topics({DELIVERIES: 2, "documents": 1, "dead-letters": 1})
    intake = Intake(crawling.store, log.producer(), crawling.clock)
    receiver = Receiver(intake, lambda: AuthorKeys(b"0123456789abcdef"), crawling.clock)
    values: list[Any] = [
        {**POST, "source": "partner"},
        {**POST, "source": "partner", "id": "2", "text": "停水三天了"},
        {**POST, "source": "partner"},
        {**POST, "source": "partner", "id": "3", "kind": "gossip"},
        {**POST, "source": "partner", "id": "4", "likes": 3},
        {**POST, "source": "partner", "id": ""},
        {**POST, "source": "stranger", "id": "5"},
    ]
    collector = log.producer()

    def deliver_again() -> None:
        raws = [json.dumps(value, ensure_ascii=False).encode() for value in values]
        collector.send(Message(DELIVERIES, str(n), raw) for n, raw in enumerate([*raws, b"{no", b"\xff\xfe"]))

    deliver_again()
    reader = TopicReader(receiver, settings, log, crawling.clock)

    def answered() -> Counter[tuple[str, str]]:
        found = (json.loads(message.value) for message in log.read(ANSWERS))
        return Counter((answer.get("id", ""), answer["status"]) for answer in found)

    def stored() -> list[Document]:
        return [decode(Document, message.value) for message in log.read("documents")]

    # A group joins within seconds: "until empty" may come before its first message.
    wait_until(lambda: reader.run(threading.Event(), until_empty=True) > 0 or answered().total() >= 9, 120)
    wait_until(lambda: reader.run(threading.Event(), until_empty=True) == 0 and answered().total() >= 9, 60)
    assert answered() == {
        ("1", "new"): 1, ("1", "unchanged"): 1, ("2", "new"): 1, ("3", "refused"): 1, ("4", "refused"): 1,
        ("", "refused"): 4,
    }  # fmt: skip
    assert sorted(document.text for document in stored()) == ["停水三天了", "水费又扣了两次，电话[电话]"]
    letters = list_dead_letters(log)
    assert {letter.stage for letter in letters} == {"receive"}
    assert len(letters) == 6
    assert not any("老周" in letter.value or "13800138000" in letter.value for letter in letters)
    # The whole delivery once more, as by a collector that never saw an answer: answered again, and nothing new.
    deliver_again()
    wait_until(lambda: reader.run(threading.Event(), until_empty=True) >= 0 and answered().total() >= 18, 120)
    assert answered()["1", "new"] == 1
    assert len(stored()) == 2
    log.close()


def test_dead_letters_keep_the_named_accounts_and_stay_whole(settings: ReceiveSettings, crawling: Crawling) -> None:
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    crawling.settings.path(FILE).write_text("云江发布\n", encoding="utf-8")
    receiver = Receiver(intake, keys_of_the_moment(crawling.settings, crawling.clock), crawling.clock)
    value = {"source": "partner", "kind": "gossip", "text": "@云江发布 @张三丰：", "more": [13800138000, 7, True]}
    crawling.log.ensure_topics({DELIVERIES: 1, "dead-letters": 1})
    crawling.log.producer().send([Message(DELIVERIES, "0", json.dumps(value).encode())])
    TopicReader(receiver, settings, crawling.log, crawling.clock).run(threading.Event(), until_empty=True)
    (letter,) = list_dead_letters(crawling.log)
    assert json.loads(letter.value) == {**value, "text": "@云江发布 @用户：", "more": ["[电话]", 7, True]}


def test_keys_and_named_accounts_are_those_of_the_moment(crawling: Crawling) -> None:
    crawling.log.ensure_topics({"documents": 1})
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    receiver = Receiver(intake, keys_of_the_moment(crawling.settings, crawling.clock), crawling.clock)
    item = {**POST, "text": "@云江发布 水费又扣了两次"}
    receiver.deliver("partner", [item])
    accounts = crawling.settings.path(FILE)
    accounts.write_text("云江发布\n", encoding="utf-8")
    receiver.deliver("partner", [{**item, "id": "2"}])
    assert [document.text.split()[0] for document in crawling.documents()] == ["@用户", "@云江发布"]
    accounts.write_bytes("云江发布\n".encode("gbk"))
    with pytest.raises(Unavailable, match="not UTF-8"):
        receiver.deliver("partner", [{**item, "id": "3"}])
    assert len(crawling.documents()) == 2


def test_the_guides_example_is_answered_as_it_says(server: DeliveryServer) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [name for name in Item.__struct_fields__ if f"`{name}`" not in text] == []
    items, answers = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL))
    status, said = deliver(server, items)
    assert status == 200
    for expected, answer in zip(answers["answers"], said["answers"], strict=True):
        assert {**answer, "document": "…"} == {**expected, "document": "…"}
