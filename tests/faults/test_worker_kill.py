"""Workers killed in mid-batch at random moments, and brokers that go away: nothing lost, nothing twice in effect."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from minsheng.clock import SystemClock
from minsheng.errors import Unavailable
from minsheng.records import Assessed as AssessedRecord
from minsheng.records import Document, decode, document_id
from stream.log import ASSESSED, DEAD_LETTERS, DOCUMENTS, Log
from stream.messages import DocumentSink
from stream.stage import Result
from stream.worker import Worker
from tests.faults.worker_process import CountingStage, WritingStage, open_effects, open_log

if TYPE_CHECKING:
    from deploy.servers import Server

PROCESS = Path(__file__).with_name("worker_process.py")
TOPICS = {DOCUMENTS: 2, ASSESSED: 1, DEAD_LETTERS: 1}
COUNT = 1500
PATIENCE = 90.0


def documents(count: int = COUNT) -> list[Document]:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        Document(
            id=document_id("bbs", str(number)), source=f"bbs{number % 5}", kind="post", text="路灯坏了没人修",
            published_at=at, fetched_at=at,
        )
        for number in range(count)
    ]  # fmt: skip


class Place:
    """Where one log is, for this process and for those that are killed."""

    def __init__(self, kind: str, place: str, prefix: str, folder: Path) -> None:
        self.arguments = [kind, place, prefix]
        self.folder = folder
        self.kind = kind

    def open(self) -> Log:
        kind, place, prefix = self.arguments
        return open_log(kind, place, prefix)

    @contextmanager
    def worker(self, stage: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([sys.executable, str(PROCESS), *self.arguments, stage, str(self.folder)])
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def place(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> Place:
    where = str(tmp_path / "log.db") if request.param == "embedded" else request.getfixturevalue("kafka_server")
    return Place(request.param, where, f"{unique}.", tmp_path)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def rows(folder: Path) -> dict[str, int]:
    effects = open_effects(folder)
    found = dict(effects.execute("SELECT id, times FROM documents"))
    effects.close()
    return found


def test_a_stage_killed_in_mid_batch_loses_nothing(place: Place) -> None:
    log = place.open()
    log.ensure_topics(TOPICS)
    sent = documents()
    DocumentSink(log).put(sent)
    kills = 4 if place.kind == "embedded" else 2
    for _ in range(kills):
        before = len(rows(place.folder))
        with place.worker("assess") as process:
            until(lambda: len(rows(place.folder)) > before, "a worker takes over from one that was killed")  # noqa: B023
            time.sleep(random.uniform(0.02, 0.3))
            assert process.poll() is None
    with place.worker("assess") as process:
        until(lambda: log.lag(DOCUMENTS, "assess").behind == 0, "the rest is handled")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    ids = {document.id for document in sent}
    done = rows(place.folder)
    assert done.keys() == ids, "every document has its row, and there is no other"
    outputs = [decode(AssessedRecord, message.value).document.id for message in log.read(ASSESSED)]
    assert set(outputs) == ids
    # At most the batch in hand at each kill was done again: one of 20 of each kill.
    assert len(outputs) - len(ids) <= kills * 20
    assert log.read(DEAD_LETTERS) == []
    log.close()


def test_a_stage_with_state_killed_between_its_checkpoints_counts_everything_once(place: Place) -> None:
    log = place.open()
    log.ensure_topics(TOPICS)
    sent = documents(800)
    stage = WritingStage(place.folder)
    DocumentSink(log).put(sent)
    producer = Worker(stage, log, clock=SystemClock(), batch=400, poll_seconds=0.1)  # type: ignore[type-var]
    assert producer.drain() == len(sent)
    producer.close()

    def saved() -> dict[str, int]:
        effects = open_effects(place.folder)
        row = effects.execute("SELECT value FROM state WHERE name = 'count'").fetchone()
        effects.close()
        return json.loads(row[0])["counts"] if row else {}

    for _ in range(3 if place.kind == "embedded" else 1):
        before = len(saved())
        with place.worker("count") as process:
            until(lambda: len(saved()) > before, "a worker goes on where the state was saved")  # noqa: B023
            time.sleep(random.uniform(0.01, 0.1))
            assert process.poll() is None
    with place.worker("count") as process:
        until(lambda: log.lag(ASSESSED, "count").behind < 100, "the rest is handled")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    counting = CountingStage(place.folder)
    last = Worker(counting, log, clock=SystemClock(), poll_seconds=0.1)  # type: ignore[type-var]
    last.drain()
    assert set(saved().values()) == {1}
    assert saved().keys() == {document.id for document in sent}
    last.close()
    log.close()


@pytest.mark.kafka
def test_a_broker_that_is_killed_and_comes_back(own_server: Callable[[str], Server], tmp_path: Path) -> None:
    server = own_server("kafka")
    log = open_log("kafka", server.address, "m.")
    log.ensure_topics(TOPICS)
    sent = documents(600)
    sink = DocumentSink(log)
    sink.put(sent[:300])

    class Slow(WritingStage):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            self.effects.close()

        def start(self) -> None:
            self.effects = open_effects(tmp_path)  # SQLite's connections stay in their thread

        def work(self, batch: Sequence[Document]) -> Result:
            time.sleep(0.1)
            return super().work(batch)

    worker = Worker(Slow(tmp_path), log, clock=SystemClock(), batch=20, poll_seconds=0.2)  # type: ignore[type-var]
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(lambda: worker.health.processed >= 40, "the worker works")
    server.kill()
    with pytest.raises(Unavailable, match=r"does not answer.*bootstrap_servers"):
        sink.put(sent[300:])
    until(lambda: worker.health.state == "waiting", "the worker says that it waits")
    assert server.address in worker.health.reason
    server.start()

    def put() -> bool:
        try:
            sink.put(sent[300:])
        except Unavailable:
            return False
        return True

    until(put, "the sender reaches the broker again")
    ids = {document.id for document in sent}
    until(lambda: rows(tmp_path).keys() == ids, "everything is handled")
    until(lambda: worker.health.state == "running", "the worker says that it runs again")
    stop.set()
    thread.join(timeout=PATIENCE)
    assert not thread.is_alive()
    assert {decode(AssessedRecord, message.value).document.id for message in log.read(ASSESSED)} == ids
    assert log.lag(DOCUMENTS, "assess").behind == 0
    assert log.read(DEAD_LETTERS) == []
    log.close()


@pytest.mark.kafka
def test_a_broker_that_is_not_there_at_the_start(own_server: Callable[[str], Server]) -> None:
    server = own_server("kafka")
    server.kill()
    from stream.kafka import KafkaLog

    log = KafkaLog(server.address, prefix="m.", timeout=2)
    consumer = log.consumer([DOCUMENTS], "assess")
    calls: list[Callable[[], object]] = [
        lambda: log.ensure_topics(TOPICS),
        log.check,
        lambda: log.lag(DOCUMENTS, "assess"),
        lambda: log.read(DOCUMENTS),
        lambda: DocumentSink(log).put(documents(1)),
        lambda: consumer.poll(1, 0.1),
    ]
    for call in calls:
        with pytest.raises(Unavailable, match=server.address):
            call()
    server.start()
    log.ensure_topics(TOPICS)
    DocumentSink(log).put(documents(1))
    deadline = time.monotonic() + PATIENCE
    while not consumer.poll(1, 0.2):
        assert time.monotonic() < deadline
    assert log.lag(DOCUMENTS, "assess").behind == 1
    server.pause()  # connected, and nothing answers
    began = time.monotonic()
    with pytest.raises(Unavailable, match=server.address):
        log.lag(DOCUMENTS, "assess")
    assert time.monotonic() - began < 2 + 3
    server.resume()
    assert log.lag(DOCUMENTS, "assess").behind == 1
    log.close()
