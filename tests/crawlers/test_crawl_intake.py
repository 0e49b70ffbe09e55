"""What a batch may hold: more than a statement takes, and something that can't be stored."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from crawlers.admission import Admission, Found
from crawlers.intake import Intake, Outcome, PageMark
from crawlers.privacy import AuthorKeys
from crawlers.sink import LogSink
from minsheng.errors import Unavailable
from minsheng.records import Document, decode
from stream.embedded import EmbeddedLog
from stream.kafka import KafkaLog
from stream.log import DOCUMENTS
from tests.crawlers.conftest import NOW, Crawling
from tests.stores import made_store


def documents_of(source: str, count: int) -> list[Document]:
    return [
        Document(id=f"{source}-{n}", source=source, kind="post", published_at=NOW, fetched_at=NOW, text=f"第{n}条留言")
        for n in range(count)
    ]


@pytest.mark.postgresql
def test_one_answer_may_hold_more_than_a_statement_takes(crawling: Crawling, postgresql_url: str) -> None:
    crawling.store.close()
    crawling.store = made_store(postgresql_url)
    crawling.log.ensure_topics({"documents": 1})
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    many = documents_of("one", 70_000)
    assert set(intake.take(many)) == {"new"}
    assert set(intake.take(many)) == {"unchanged"}
    assert len(crawling.documents()) == 70_000


class _Slow(Intake):
    """Takes its time, so that the finds of several sources gather; can't store those of one."""

    batches: list[int]

    def take(self, documents: Sequence[Document], marks: Sequence[PageMark] = ()) -> list[Outcome]:
        self.batches.append(len({document.source for document in documents}))
        if any(document.source == "bad" for document in documents):
            raise ValueError("a value that no column takes")
        return super().take(documents, marks)


def test_what_cannot_be_stored_keeps_nobody_elses_finds_back(crawling: Crawling) -> None:
    crawling.log.ensure_topics({"documents": 1})
    intake = _Slow(crawling.store, crawling.log.producer(), crawling.clock)
    intake.batches = []
    sink = LogSink(intake, threading.Event())

    async def scene() -> list[object]:
        names = ("first", "good", "bad", "also-good")
        taken = [sink.take(documents_of(name, 2), []) for name in names]
        return await asyncio.gather(*taken, return_exceptions=True)

    first, good, bad, also_good = asyncio.run(scene())
    assert max(intake.batches) >= 3  # they were in one batch
    assert first == good == also_good == ["new", "new"]
    assert isinstance(bad, ValueError)
    assert {document.source for document in crawling.documents()} == {"first", "good", "also-good"}


def test_a_store_that_is_away_when_told_to_stop_fails_all(crawling: Crawling) -> None:
    class Away(Intake):
        def take(self, documents: Sequence[Document], marks: Sequence[PageMark] = ()) -> list[Outcome]:
            raise Unavailable("store", "gone")

    stop = threading.Event()
    stop.set()
    sink = LogSink(Away(crawling.store, crawling.log.producer(), crawling.clock), stop)

    async def scene() -> list[object]:
        return await asyncio.gather(*(sink.take(documents_of(name, 1), []) for name in "ab"), return_exceptions=True)

    assert all(isinstance(outcome, Unavailable) for outcome in asyncio.run(scene()))


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001])
def test_outcomes_are_in_order(count: int, crawling: Crawling) -> None:
    crawling.log.ensure_topics({"documents": 1})
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    many = documents_of("one", count)
    intake.take(many[::2])
    assert intake.take(many) == ["new" if n % 2 else "unchanged" for n in range(count)]


class _Killed(BaseException):
    """Nothing of what comes after it is done."""


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("dated", [False, True])
def test_what_was_being_sent_at_the_end_is_on_the_log_once(
    arrived: bool, changed: bool, dated: bool, crawling: Crawling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the log took it, or behind that and before it was remembered; the next run is in the next month."""
    log = EmbeddedLog(crawling.folder / "own.db", clock=crawling.clock)
    log.ensure_topics({DOCUMENTS: 3})
    intake = Intake(crawling.store, log.producer(), crawling.clock)
    admit = Admission("one", AuthorKeys(b"0123456789abcdef"))

    def found(key: str, text: str, now: datetime) -> Document:
        when = (NOW - timedelta(days=1)).isoformat() if dated else None
        document = admit(Found(key=key, kind="post", text=text, published=when), now)
        assert isinstance(document, Document)
        return document

    def killed(*_: object) -> None:
        raise _Killed

    # Enough others around it, of which some are older than what is looked at.
    intake.take([found("old", "更早的留言", crawling.clock.now())])
    crawling.clock.advance(hours=3)
    with monkeypatch.context() as patched:
        patched.setattr(intake, "_remember" if arrived else "producer", killed)
        with pytest.raises(_Killed if arrived else AttributeError):
            intake.take([found("1", "水费扣了两次", NOW)])
    crawling.clock.advance(days=20)
    again = found("1", "水费扣了三次" if changed else "水费扣了两次", crawling.clock.now())
    outcome = "new" if not arrived else "changed" if changed else "unchanged"
    assert intake.take([again]) == [outcome]
    assert intake.take([again]) == ["unchanged"]
    sent = [decode(Document, message.value) for message in log.read(DOCUMENTS) if message.key == again.id]
    assert [document.revision for document in sent] == ([1, 2] if arrived and changed else [1])
    assert sent[-1].text == again.text
    assert len({document.published_at for document in sent}) == 1
    assert sent[0].published_at == (NOW if not dated else NOW - timedelta(days=1))
    log.close()


def test_a_revision_that_never_arrived_is_sent_under_its_number(
    crawling: Crawling, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EmbeddedLog(crawling.folder / "own.db", clock=crawling.clock)
    log.ensure_topics({DOCUMENTS: 1})
    intake = Intake(crawling.store, log.producer(), crawling.clock)
    first = documents_of("one", 1)
    second = [msgspec.structs.replace(first[0], text="改了")]
    intake.take(first)
    with monkeypatch.context() as patched:
        patched.setattr(intake, "producer", None)
        with pytest.raises(AttributeError):
            intake.take(second)
    # The page was put back meanwhile: nobody can tell from the store, so that is said, too.
    assert intake.take(first) == ["changed"]
    assert intake.take(second) == ["changed"]
    sent = [decode(Document, message.value) for message in log.read(DOCUMENTS)]
    assert [(document.revision, document.text) for document in sent] == [
        (1, "第0条留言"), (2, "第0条留言"), (3, "改了"),
    ]  # fmt: skip
    log.close()


_KILLED_AT = """
import os, signal, sys, time
from datetime import UTC, datetime
from crawlers.intake import Intake, PageMark
from minsheng.clock import SystemClock
from minsheng.records import Document
from minsheng.store import Store
from stream.kafka import KafkaLog
from stream.kafka_producer import KafkaLogProducer
import kafka

server, prefix, url = sys.argv[1:]
NOW = datetime.now(UTC)
EACH = 40

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def behind(method):
    def call(*given, **named):
        method(*given, **named)
        kill()
    return call

def counted(method, calls):
    left = [calls]
    def call(*given, **named):
        left[0] -= 1
        if left[0] < 0:
            kill()
        return method(*given, **named)
    return call

send, flush = kafka.KafkaProducer.send, kafka.KafkaProducer.flush
def late(seconds):
    def call(self, timeout=None):
        import threading
        threading.Timer(seconds, kill).start()
        flush(self, timeout=timeout)
        time.sleep(5)
    return call

def sent_and(count):
    # A part of the batch goes out by itself, and the rest never does.
    def call(self, *given, **named):
        made = send(self, *given, **named)
        left[0] -= 1
        if left[0] == 0:
            flush(self, timeout=10)
            kill()
        return made
    left = [count]
    return call

POINTS = {
    "before it is announced": (Intake, "_announce", kill),
    "announced": (Intake, "_announce", behind(Intake._announce)),
    "before the first": (kafka.KafkaProducer, "send", kill),
    "some handed over": (kafka.KafkaProducer, "send", counted(send, 7)),
    "one there": (kafka.KafkaProducer, "send", sent_and(1)),
    "half there": (kafka.KafkaProducer, "send", sent_and(EACH // 2)),
    "all but one there": (kafka.KafkaProducer, "send", sent_and(EACH - 1)),
    "all handed over": (kafka.KafkaProducer, "flush", kill),
    "on the way": (kafka.KafkaProducer, "flush", late(0.0)),
    "a moment later": (kafka.KafkaProducer, "flush", late(0.004)),
    "and another": (kafka.KafkaProducer, "flush", late(0.02)),
    "confirmed": (KafkaLogProducer, "send", behind(KafkaLogProducer.send)),
    "before it is remembered": (Intake, "_remember", kill),
    "remembered": (Intake, "_remember", behind(Intake._remember)),
}

def run(number, documents, point):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        if point is not None:
            owner, name, instead = POINTS[point]
            setattr(owner, name, instead)
        log = KafkaLog(server, prefix=prefix)
        intake = Intake(Store(url), log.producer(), SystemClock())
        intake.take(documents, [PageMark(f"s{number}", "http://site/")])
        code = 0
    finally:
        os._exit(code)

for number, point in enumerate(POINTS):
    documents = [
        Document(id=f"s{number}-{n}", source=f"s{number}", kind="post", published_at=NOW, fetched_at=NOW, text=str(n))
        for n in range(EACH)
    ]
    assert run(number, documents, point) == -9, point
    assert run(number, documents, point if number % 2 else None) in (0, -9), point
    assert run(number, documents, None) == 0, point
print(len(POINTS), EACH)
"""


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_killed_anywhere_a_document_is_on_kafka_once(crawling: Crawling, kafka_server: str, unique: str) -> None:
    log = KafkaLog(kafka_server, prefix=unique)
    log.ensure_topics({DOCUMENTS: 2})
    url = f"sqlite:///{crawling.folder / 'store.db'}"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", _KILLED_AT, kafka_server, unique, url]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    points, each = map(int, done.stdout.split())
    assert points >= 10
    on_log = Counter(message.key for message in log.read(DOCUMENTS))
    log.close()
    assert on_log == {f"s{number}-{n}": 1 for number in range(points) for n in range(each)}
