"""Questions to Kafka end in time, whatever becomes of the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient

from minsheng.errors import Unavailable
from stream.kafka import KafkaLog
from stream.log import Message

pytestmark = pytest.mark.kafka


@pytest.fixture
def log(kafka_server: str, unique: str) -> Iterator[KafkaLog]:
    log = KafkaLog(kafka_server, prefix=f"{unique}.")
    log.ensure_topics({"t": 1})
    yield log
    log.close()


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The library's question for a group's offsets, which takes no timeout, waits until the event is set."""
    answered = threading.Event()
    real = KafkaAdminClient.list_group_offsets

    def waiting(admin: KafkaAdminClient, specs: object) -> object:
        answered.wait()
        return real(admin, specs)

    monkeypatch.setattr(KafkaAdminClient, "list_group_offsets", waiting)
    yield answered
    answered.set()


def ask_in_vain(log: KafkaLog) -> threading.Thread:
    """Another thread's question that is not answered."""

    def ask() -> None:
        with pytest.raises(Unavailable):
            log.lag("t", "g")

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.2)
    return thread


def test_a_lag_that_is_not_answered_is_given_up(log: KafkaLog, silence: threading.Event) -> None:
    log.producer().send([Message("t", "k", b"v")])
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no answer in time"):
        log.lag("t", "g")
    assert time.monotonic() - began < 6
    silence.set()
    assert log.lag("t", "g").behind == 1, "the next question is asked afresh"


def test_questions_do_not_wait_for_ever_behind_one_that_is_not_answered(
    log: KafkaLog, silence: threading.Event
) -> None:
    first = ask_in_vain(log)
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"no answer in time|earlier questions"):
        log.lag("t", "g")
    assert time.monotonic() - began < 9
    first.join()
    log.check()


def test_a_log_is_closed_while_a_question_is_not_answered(log: KafkaLog, silence: threading.Event) -> None:
    asking = ask_in_vain(log)
    began = time.monotonic()
    log.close()
    assert time.monotonic() - began < 9
    asking.join(timeout=9)
    assert not asking.is_alive()
