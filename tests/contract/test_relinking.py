"""Linking the past anew on every index and every log."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from classifiers import relinking
from classifiers.linking import PolicyLinker
from classifiers.relinking import Progress, Relinker
from minsheng.clock import SystemClock
from minsheng.policies import Policy
from minsheng.records import Grouped, decode
from search.embedded import EmbeddedIndex
from search.index import Filters, Index
from search.stage import IndexStage
from stream.embedded import EmbeddedLog
from stream.log import GROUPED, TOPICS, Log
from tests.contract.test_index import Opener, environ, opener  # noqa: F401 - fixtures
from tests.search.corpus import grouped

TAX = Policy(id="new-tax", title="云河省小微商户税费减免实施细则", aliases=("税费新政",))


def fill(index: Index, count: int = 25) -> None:
    texts = ("税费新政什么时候开始", "今天下雨", "税费新政，好")
    records = [grouped(number, texts[number % 3]) for number in range(count)]
    assert {written.outcome for written in index.write(records)} == {"stored"}


def relink(index: Index, log: Log) -> Progress:
    producer = log.producer()
    try:
        return Relinker(index, producer, PolicyLinker([TAX]), SystemClock()).run(
            Progress(register="r"), threading.Event(), after_page=lambda _: None
        )
    finally:
        producer.close()


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relinking, "PAGE", 7)


def test_every_index_is_read_through_and_takes_the_new_opinions(
    opener: Opener,  # noqa: F811
    tmp_path: Path,
) -> None:
    index = opener()
    index.ensure()
    fill(index)
    log = EmbeddedLog(tmp_path / "relink-log.db")
    log.ensure_topics(dict.fromkeys(TOPICS, 1))
    had = index.count(Filters(policies=("new-tax",)))
    result = relink(index, log)
    assert (had, result.seen, result.finished) == (0, 25, True)
    sent = [decode(Grouped, message.value) for message in log.read(GROUPED)]
    assert len(sent) == result.changed
    IndexStage(index).work(sent)
    index.refresh()
    assert index.count(Filters(policies=("new-tax",))) == sum(number % 3 != 1 for number in range(25))
    assert index.count(Filters()) == 25
    # The opinions they replace change nothing when they come late, and a second run finds nothing to do.
    first = [msgspec.structs.replace(record.assessed, opinion=1) for record in sent]
    late = [msgspec.structs.replace(record, assessed=old) for record, old in zip(sent, first, strict=True)]
    assert {written.outcome for written in index.write(late)} == {"conflict"}
    assert relink(index, log).changed == 0
    log.close()


def test_every_log_carries_the_new_opinions(log: Log, tmp_path: Path) -> None:
    log.ensure_topics(dict.fromkeys(TOPICS, 1))
    index = EmbeddedIndex(tmp_path / "index.db")
    fill(index)
    result = relink(index, log)
    sent = {message.key: decode(Grouped, message.value) for message in log.read(GROUPED)}
    assert len(sent) == result.changed > 0
    assert all(key == record.document.id and record.assessed.opinion == 2 for key, record in sent.items())
    index.close()
