"""The worker around small real stages, on an embedded log."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from minsheng.clock import ManualClock
from minsheng.errors import Unavailable, WrongUse
from minsheng.records import SCHEMA, Assessed, Document, decode
from stream.dead_letters import list_dead_letters, resend
from stream.embedded import EmbeddedLog
from stream.limits import TooManyRejected
from stream.log import ASSESSED, DEAD_LETTERS, DOCUMENTS, MAX_VALUE_BYTES, Message, Partition, TopicLag
from stream.messages import DocumentSink, document_message
from stream.worker import Worker
from tests.stream.small_stages import AssessStage, CountingStage, make_document


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    log = EmbeddedLog(tmp_path / "log.db")
    log.ensure_topics({DOCUMENTS: 1, ASSESSED: 1, DEAD_LETTERS: 1})
    yield log
    log.close()


def worker(stage: AssessStage | CountingStage, log: EmbeddedLog, **options: object) -> Worker:
    options = {"clock": ManualClock(), "poll_seconds": 0.02, **options}
    return Worker(stage, log, **options)  # type: ignore[arg-type]


def fill(log: EmbeddedLog, numbers: range) -> None:
    DocumentSink(log).put(make_document(number) for number in numbers)


def assessed_numbers(log: EmbeddedLog) -> list[str]:
    return [str(decode(Assessed, message.value).document.native_id) for message in log.read(ASSESSED)]


def numbers(of: range) -> list[str]:
    return [str(number) for number in of]


def test_a_batch_goes_through_and_is_committed(log: EmbeddedLog) -> None:
    fill(log, range(25))
    stage = AssessStage()
    one = worker(stage, log, batch=10)
    assert [one.step() for _ in range(4)] == [10, 10, 5, 0]
    assert assessed_numbers(log) == numbers(range(25))
    assert log.lag(DOCUMENTS, "assess").behind == 0
    assert log.read(ASSESSED)[0].key == make_document(0).id
    health = one.health
    assert (health.state, health.processed, health.rejected) == ("running", 25, 0)
    one.close()
    assert stage.closed


def test_drain_handles_everything_and_a_second_one_nothing(log: EmbeddedLog) -> None:
    fill(log, range(12))
    first = worker(AssessStage(), log, batch=5)
    assert first.drain() == 12
    first.close()
    second = worker(AssessStage(), log, batch=5)
    assert second.drain() == 0
    second.close()


def test_unreadable_and_rejected_records_go_to_the_dead_letters(log: EmbeddedLog) -> None:
    producer = log.producer()
    future = document_message(make_document(3)).value.replace(f'"schema":{SCHEMA}'.encode(), b'"schema":99')
    assert b'"schema":99' in future
    producer.send(
        [
            document_message(make_document(0)),
            Message(DOCUMENTS, "broken", b"{"),
            document_message(make_document(2, text="")),
            Message(DOCUMENTS, "future", future),
            Message(DOCUMENTS, "bytes", b"\xff\xfe\x00"),
            document_message(make_document(5)),
        ]
    )
    one = worker(AssessStage(), log)
    one.drain()
    one.close()
    letters = list_dead_letters(log)
    assert [letter.offset for letter in letters] == [1, 2, 3, 4]
    assert letters[0].id == "assess-documents-0-1"
    assert "not a readable record" in letters[0].reason
    assert letters[1].reason == "空文"
    assert "schema version 99" in letters[2].reason
    assert letters[3].encoding == "base64"
    assert assessed_numbers(log) == ["0", "5"]
    assert one.health.rejected == 4


def test_a_record_that_makes_the_stage_fail_is_found_and_the_rest_goes_on(log: EmbeddedLog) -> None:
    fill(log, range(10))

    def fail(batch: Sequence[Document]) -> None:
        if any(document.native_id == "4" for document in batch):
            raise ZeroDivisionError("four")

    one = worker(AssessStage(fail), log)
    one.drain()
    one.close()
    (letter,) = list_dead_letters(log)
    assert letter.offset == 4
    assert letter.reason == "ZeroDivisionError: four"
    assert assessed_numbers(log) == [n for n in numbers(range(10)) if n != "4"]


def test_a_dead_letter_sent_again_after_the_fix_goes_through(log: EmbeddedLog) -> None:
    fill(log, range(3))

    def fail(batch: Sequence[Document]) -> None:
        if any(document.native_id == "1" for document in batch):
            raise KeyError("bug")

    broken = worker(AssessStage(fail), log)
    broken.drain()
    broken.close()
    clock = ManualClock()
    (sent,) = resend(log, None, clock)
    assert list_dead_letters(log) == []
    (marked,) = list_dead_letters(log, include_resent=True)
    assert marked.resent_at == clock.now()
    fixed = worker(AssessStage(), log)
    fixed.drain()
    fixed.close()
    assert sorted(assessed_numbers(log)) == ["0", "1", "2"]
    assert resend(log, None, clock) == []
    with pytest.raises(WrongUse, match="no dead letter x"):
        resend(log, [sent.id, "x"], clock)


def test_all_bad_input_stops_the_stage_and_commits_nothing(log: EmbeddedLog) -> None:
    log.producer().send(Message(DOCUMENTS, str(n), b"garbage") for n in range(60))
    one = worker(AssessStage(), log, dead_letter_run=50)
    with pytest.raises(TooManyRejected, match="50 records in a row"):
        one.run(threading.Event())
    assert one.health.state == "stopped"
    assert "in a row" in one.health.reason
    assert log.read(DEAD_LETTERS) == []
    assert log.lag(DOCUMENTS, "assess").behind == 60


def test_too_large_a_share_of_bad_input_stops_the_stage(log: EmbeddedLog) -> None:
    good = document_message(make_document(1))
    log.producer().send(Message(DOCUMENTS, "x", b"garbage") if n % 3 else good for n in range(1200))
    one = worker(AssessStage(), log, batch=100, dead_letter_ratio=0.5)
    with pytest.raises(TooManyRejected, match="of the last 1000"):
        one.drain()
    one.close()
    assert log.lag(DOCUMENTS, "assess").behind == 200, (
        "the first thousand were handled, the batch after was not committed"
    )


def test_few_bad_records_never_stop_the_stage(log: EmbeddedLog) -> None:
    good = document_message(make_document(1))
    log.producer().send(Message(DOCUMENTS, "x", b"garbage") if n % 3 == 0 else good for n in range(2400))
    one = worker(AssessStage(), log, batch=100, dead_letter_ratio=0.5)
    assert one.drain() == 2400
    one.close()


def test_what_is_away_is_waited_for_with_the_same_batch(log: EmbeddedLog) -> None:
    fill(log, range(5))
    states = []
    clock = ManualClock()

    def away(batch: Sequence[Document]) -> None:
        states.append(one.health.state)
        if len(states) < 6:
            raise Unavailable("index", "connection refused")

    stage = AssessStage(away)
    one = worker(stage, log, clock=clock)
    before = clock.monotonic()
    assert one.step() == 5
    assert stage.batches == [numbers(range(5))]
    assert states[1:] == ["waiting"] * 5
    assert clock.monotonic() - before > 0.5 + 0.5 + 1 + 2, "each pause is longer than the one before"
    assert one.health.state == "running"
    assert "connection refused" in one.health.last_error
    assert list_dead_letters(log) == []
    one.close()


def test_a_pause_is_never_longer_than_half_a_minute(log: EmbeddedLog) -> None:
    fill(log, range(1))
    clock = ManualClock()
    calls: list[float] = []

    def away(batch: Sequence[Document]) -> None:
        calls.append(clock.monotonic())
        if len(calls) < 12:
            raise Unavailable("index", "connection refused")

    one = worker(AssessStage(away), log, clock=clock)
    one.step()
    pauses = [later - earlier for earlier, later in pairwise(calls)]
    assert max(pauses) <= 30.5
    assert min(pauses[-3:]) >= 14
    one.close()


def test_a_stop_while_waiting_ends_the_wait_and_loses_nothing(log: EmbeddedLog) -> None:
    fill(log, range(5))
    stop = threading.Event()

    def away(batch: Sequence[Document]) -> None:
        stop.set()
        raise Unavailable("index", "connection refused")

    one = worker(AssessStage(away), log)
    one.run(stop)
    assert one.health.state == "stopped"
    assert log.lag(DOCUMENTS, "assess").behind == 5
    again = worker(AssessStage(), log)
    assert again.drain() == 5
    again.close()


def test_run_finishes_its_batch_and_returns_when_told_to_stop(log: EmbeddedLog) -> None:
    fill(log, range(50))
    stop = threading.Event()
    stage = AssessStage(lambda batch: stop.set())
    one = worker(stage, log, batch=10)
    one.run(stop)
    assert stage.closed
    assert len(assessed_numbers(log)) == 10
    assert log.lag(DOCUMENTS, "assess").behind == 40


def test_a_stage_with_state_goes_on_at_the_position_of_its_state(log: EmbeddedLog) -> None:
    saved: dict[str, object] = {}
    fill(log, range(100))
    first = worker(CountingStage(saved), log, batch=10)
    for _ in range(8):
        first.step()
    assert log.lag(DOCUMENTS, "count").behind == 40, "saved and committed after the third and the sixth batch"
    first._consumer.close()  # type: ignore[union-attr] - as a kill would end it: nothing saved, nothing committed
    stage = CountingStage(saved)
    second = worker(stage, log, batch=10)
    second.drain()
    second.close()
    assert set(stage.counts.values()) == {1}
    assert len(stage.counts) == 100


def test_state_wins_over_the_committed_offset(log: EmbeddedLog) -> None:
    """Killed between saving the state and the commit: the state's own position counts."""
    fill(log, range(20))
    stage = CountingStage({"counts": {}, "positions": {Partition(DOCUMENTS, 0): 15}})
    one = worker(stage, log)
    assert one.drain() == 5
    one.close()


def test_partitions_lost_in_mid_batch_drop_the_batch_and_start_the_stage_anew(tmp_path: Path) -> None:
    clock = ManualClock()
    path = tmp_path / "log.db"
    mine = EmbeddedLog(path, clock=clock, max_poll_seconds=5)
    mine.ensure_topics({DOCUMENTS: 1, ASSESSED: 1, DEAD_LETTERS: 1})
    other = mine.consumer([DOCUMENTS], "assess")
    fill(mine, range(3))

    def stuck(batch: Sequence[Document]) -> None:
        if len(stage.batches) == 0 and stage.starts == 1:
            clock.advance(minutes=10)
            assert len(other.poll(10, 1.0)) == 3, "another member takes over from a stuck one"

    stage = AssessStage(stuck)
    one = worker(stage, mine, clock=clock)
    assert one.step() == 0
    assert mine.read(ASSESSED) == []
    assert one.step() == 0
    other.commit({Partition(DOCUMENTS, 0): 2})
    other.close()
    assert one.step() == 1, "goes on where the other one committed"
    assert stage.starts == 2
    assert assessed_numbers(mine) == ["2"]
    one.close()
    mine.close()


def test_two_workers_share_the_partitions(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db")
    log.ensure_topics({DOCUMENTS: 4, ASSESSED: 1, DEAD_LETTERS: 1})
    stages = [AssessStage(), AssessStage()]
    workers = [worker(stage, log, batch=10) for stage in stages]
    for _ in range(3):
        for each in workers:
            each.step()
    DocumentSink(log).put(make_document(number, source=f"source{number % 40}") for number in range(400))
    while log.lag(DOCUMENTS, "assess").behind:
        for each in workers:
            each.step()
    done = [{number for batch in stage.batches for number in batch} for stage in stages]
    assert done[0] | done[1] == set(numbers(range(400)))
    assert not done[0] & done[1]
    assert all(done)
    for each in workers:
        each.close()
    log.close()


def test_a_lag_that_is_slow_to_answer_keeps_no_record_waiting(log: EmbeddedLog) -> None:
    fill(log, range(40))
    asked, answer, stop = threading.Event(), threading.Event(), threading.Event()
    real = log.lag

    def slow(topic: str, group: str) -> TopicLag:
        asked.set()
        assert answer.wait(20)
        return real(topic, group)

    log.lag = slow  # type: ignore[method-assign]
    stage = AssessStage()
    one = worker(stage, log, batch=10)
    running = threading.Thread(target=one.run, args=(stop,))
    running.start()
    try:
        assert asked.wait(20)
        fill(log, range(40, 80))
        while len(stage.batches) < 8 and running.is_alive():
            stop.wait(0.02)
        assert one.health.behind is None, "it has not been answered"
    finally:
        answer.set()
        stop.set()
        running.join(20)
    assert one.health.behind is not None, "told in the end"


def test_an_output_too_large_for_its_topic_sends_its_input_to_the_dead_letters(log: EmbeddedLog) -> None:
    large = make_document(1, text="长" * ((MAX_VALUE_BYTES - 600) // 3))
    log.producer().send([document_message(make_document(0)), document_message(large)])
    one = worker(AssessStage(), log)
    assert one.drain() == 2
    one.close()
    (letter,) = list_dead_letters(log)
    assert letter.offset == 1
    assert "bytes" in letter.reason
    assert assessed_numbers(log) == ["0"]


def test_wrong_settings_found_by_a_stage_stop_it_rather_than_reject_every_record(log: EmbeddedLog) -> None:
    fill(log, range(3))

    def wrong(batch: Sequence[Document]) -> None:
        raise WrongUse("no such model")

    one = worker(AssessStage(wrong), log)
    with pytest.raises(WrongUse):
        one.run(threading.Event())
    assert one.health.reason == "no such model"
    assert list_dead_letters(log) == []
