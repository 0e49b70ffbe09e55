"""What a batch may hold: more than a statement takes, and something that can't be stored."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

import pytest

from crawlers.admission import Admission, Found
from crawlers.intake import Intake, Outcome, PageMark
from crawlers.privacy import AuthorKeys
from crawlers.sink import LogSink
from minsheng.errors import Unavailable
from minsheng.records import Document
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


@pytest.mark.parametrize("changed", [False, True])
def test_what_has_no_time_keeps_the_one_it_got_when_it_is_sent_again(
    changed: bool, crawling: Crawling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the log took it and before that was remembered; the next run is in the next month."""
    crawling.log.ensure_topics({"documents": 1})
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    admit = Admission("one", AuthorKeys(b"0123456789abcdef"))

    def found(text: str, now: datetime) -> Document:
        document = admit(Found(key="1", kind="post", text=text), now)
        assert isinstance(document, Document)
        return document

    remember = intake._remember

    def killed(documents: Iterable[Document], marks: Iterable[PageMark], *, revision: int | None = None) -> None:
        if revision is None:
            raise _Killed
        remember(documents, marks, revision=revision)

    with monkeypatch.context() as patched:
        patched.setattr(intake, "_remember", killed)
        with pytest.raises(_Killed):
            intake.take([found("水费扣了两次", NOW)])
    crawling.clock.advance(days=20)
    again = found("水费扣了三次" if changed else "水费扣了两次", crawling.clock.now())
    assert intake.take([again]) == ["new"]
    assert intake.take([again]) == ["unchanged"]
    sent = crawling.documents()
    assert [document.revision for document in sent] == [1, 2 if changed else 1]
    assert {document.published_at for document in sent} == {NOW}
