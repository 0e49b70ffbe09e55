"""A member of a group that joins while its polls are short gets its partitions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from stream.kafka import KafkaLog
from stream.kafka_consumer import KafkaGroupConsumer
from stream.log import Message

pytestmark = pytest.mark.kafka


@pytest.fixture
def log(kafka_server: str, unique: str) -> Iterator[KafkaLog]:
    log = KafkaLog(kafka_server, prefix=f"{unique}.")
    log.ensure_topics({"t": 1})
    yield log
    log.close()


def poll_until(consumer: KafkaGroupConsumer, condition: Callable[[], bool], pause: float = 0.0) -> list[bytes]:
    """Poll as shortly as possible, with pauses between, until the condition holds. Returns what came."""
    got: list[bytes] = []
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        got += [message.value for message in consumer.poll(10, 0.0)]
        time.sleep(pause)
    return got


def test_a_member_whose_topics_change_and_change_back_while_it_joins_is_not_left_without_partitions(
    log: KafkaLog,
) -> None:
    consumer = log.consumer(["t"], "g")
    poll_until(consumer, lambda: bool(consumer.assignment()))
    assert consumer._consumer is not None
    coordinator = consumer._consumer._coordinator
    poll_until(consumer, lambda: not coordinator.need_rejoin())
    seen = coordinator._assignment_snapshot
    coordinator._assignment_snapshot = {"t": 99}
    assert coordinator.need_rejoin()
    coordinator.poll(timeout_ms=0)  # begins to join, and has no time to see it through
    assert coordinator.rejoining
    coordinator._assignment_snapshot = seen
    assert not coordinator.need_rejoin(), "the library has forgotten the join"
    log.producer().send([Message("t", "k", b"v")])
    got = poll_until(consumer, lambda: log.lag("t", "g").end == 1 and bool(consumer.assignment()))
    assert (got or [message.value for message in consumer.poll(10, 20.0)]) == [b"v"]


def test_members_that_poll_shortly_and_now_and_then_come_to_share_the_partitions(
    kafka_server: str, unique: str
) -> None:
    logs = [KafkaLog(kafka_server, prefix=f"{unique}.") for _ in range(2)]
    logs[0].ensure_topics({"t": 2})
    members = [log.consumer(["t"], "g") for log in logs]

    def shared() -> bool:
        return all(len(member.assignment()) == 1 for member in members)

    poll_until(members[0], lambda: len(members[0].assignment()) == 2)
    # As workers that wait for something else do, each at its own pace: no join is done within one poll.
    other = threading.Thread(target=poll_until, args=(members[1], shared, 0.31))
    other.start()
    poll_until(members[0], shared, 0.23)
    other.join()
    for log in logs:
        log.close()
