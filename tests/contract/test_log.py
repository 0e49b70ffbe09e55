"""What every log promises (`stream.log`), on SQLite and on Kafka."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

import pytest

from minsheng.errors import BadInput, MinshengError
from stream.log import DEAD_LETTERS, MAX_VALUE_BYTES, Consumer, Log, Message, Partition, Received

PATIENCE = 40.0  # seconds until a test gives up; nothing is measured


def messages(topic: str, numbers: Iterable[int], partition_key: str | None = None) -> list[Message]:
    return [Message(topic, f"k{number}", str(number).encode(), partition_key) for number in numbers]


def collect(consumer: Consumer, count: int, timeout: float = PATIENCE) -> list[Received]:
    """Poll until so many messages have come."""
    got: list[Received] = []
    deadline = time.monotonic() + timeout
    while len(got) < count:
        assert time.monotonic() < deadline, f"{len(got)} of {count} messages came"
        got += consumer.poll(500, 0.2)
    return got


def nothing_comes(consumer: Consumer) -> bool:
    return not [message for _ in range(4) for message in consumer.poll(500, 0.3)]


def after(received: Iterable[Received]) -> dict[Partition, int]:
    """The positions behind these messages."""
    positions: dict[Partition, int] = {}
    for message in received:
        partition = Partition(message.topic, message.partition)
        positions[partition] = max(positions.get(partition, 0), message.offset + 1)
    return positions


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"


def poll_both(first: Consumer, second: Consumer, condition: Callable[[], bool]) -> list[Received]:
    """Poll two members in turn, as two processes would, until the condition holds. Returns what came meanwhile."""
    got: list[Received] = []
    stop = threading.Event()

    def run(consumer: Consumer) -> None:
        while not stop.is_set():
            got.extend(consumer.poll(100, 0.1))

    other = threading.Thread(target=run, args=(second,))
    other.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "it did not come about"
            got.extend(first.poll(100, 0.1))
    finally:
        stop.set()
        other.join()
    return got


def values(received: Iterable[Received]) -> list[int]:
    return [int(message.value) for message in received]


# Topics


def test_existing_topics_keep_their_partitions(log: Log) -> None:
    log.ensure_topics({"t": 3})
    log.ensure_topics({"t": 5, "u": 1})
    log.producer().send(messages("t", range(200)))
    assert {message.partition for message in log.read("t")} == {0, 1, 2}


def test_a_topic_that_does_not_exist_reads_as_empty_and_takes_nothing(log: Log) -> None:
    assert log.read("none") == []
    assert log.lag("none", "g").behind == 0
    assert log.retain("none", older_than_ms=1) == 0
    with pytest.raises(MinshengError, match="no topic none"):
        log.producer().send(messages("none", [1]))


def test_an_empty_topic(log: Log) -> None:
    log.ensure_topics({"t": 2})
    assert log.read("t") == []
    assert log.lag("t", "g") == ("t", "g", 0, 0)
    consumer = log.consumer(["t"], "g")
    until(lambda: consumer.poll(10, 0.1) == [] and len(consumer.assignment()) == 2)
    log.producer().send([])
    assert log.read("t") == []


# Sending


def test_what_was_sent_is_there_for_others_at_once(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(1000)))
    assert values(logs.open().read("t")) == list(range(1000))


def test_what_a_sender_that_ended_had_sent_is_found(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 3})
    begun = int(time.time() * 1000) - 1000
    log.producer().send(message for source in "abc" for message in messages("t", range(20), source))
    producer = logs.open().producer()
    found = producer.find("t", {"k3": "a", "k7": "a", "k99": "a"}, since_ms=begun)
    # The key alone tells; where others use the same one, whoever looks tells them apart.
    assert {message.key for message in found} == {"k3", "k7"}
    assert {int(message.value) for message in found} == {3, 7}
    by_place: dict[int, list[int]] = defaultdict(list)
    for message in found:
        by_place[message.partition].append(message.offset)
    assert all(offsets == sorted(offsets) for offsets in by_place.values())
    assert producer.find("t", {"k3": "a"}, since_ms=int(time.time() * 1000) + 60_000) == []
    assert producer.find("t", {}, since_ms=begun) == []


def test_messages_with_one_partition_key_keep_their_order(log: Log) -> None:
    log.ensure_topics({"t": 4})
    producer = log.producer()
    for start in range(0, 400, 50):
        producer.send(
            Message("t", f"k{number}", str(number).encode(), f"source{number % 7}")
            for number in range(start, start + 50)
        )
    by_source = defaultdict(list)
    places = defaultdict(set)
    for message in log.read("t"):
        by_source[int(message.value) % 7].append(int(message.value))
        places[int(message.value) % 7].add(message.partition)
    assert all(numbers == sorted(numbers) for numbers in by_source.values())
    assert all(len(partitions) == 1 for partitions in places.values())
    assert len(set().union(*places.values())) > 1


def test_without_a_partition_key_the_key_decides(log: Log) -> None:
    log.ensure_topics({"t": 8})
    for _ in range(3):
        log.producer().send(messages("t", range(20)))
    places = defaultdict(set)
    for message in log.read("t"):
        places[message.key].add(message.partition)
    assert all(len(partitions) == 1 for partitions in places.values())


def test_offsets_count_up_in_each_partition(log: Log) -> None:
    log.ensure_topics({"t": 3})
    log.producer().send(messages("t", range(50)))
    offsets = defaultdict(list)
    for message in log.read("t"):
        offsets[message.partition].append(message.offset)
    assert all(found == list(range(len(found))) for found in offsets.values())


def test_a_message_comes_back_as_it_was_sent(log: Log) -> None:
    log.ensure_topics({"t": 1})
    before = int(time.time() * 1000)
    sent = [
        Message("t", "", b"empty key"),
        Message("t", "民声\n\x00'\"; DROP", "值🙂".encode()),
        Message("t", "lone \ud83d surrogate", b""),
        Message("t", "k" * 3000, bytes(range(256))),
    ]
    log.producer().send(sent)
    got = log.read("t")
    assert [(m.key, m.value) for m in got] == [(m.key, m.value) for m in sent]
    assert all(before - 1000 <= message.timestamp_ms <= time.time() * 1000 + 1000 for message in got)


def test_the_longest_texts_pass(log: Log) -> None:
    log.ensure_topics({"t": 1, DEAD_LETTERS: 1})
    # Not compressible, so that no compression hides a limit.
    large = [os.urandom(1_000_000), os.urandom(MAX_VALUE_BYTES), b"small"]
    log.producer().send(Message("t", str(place), value) for place, value in enumerate(large))
    assert [message.value for message in log.read("t")] == large
    consumer = log.consumer(["t"], "g")
    assert [message.value for message in collect(consumer, 3)] == large
    letter = os.urandom(MAX_VALUE_BYTES * 3)
    log.producer().send([Message(DEAD_LETTERS, "x", letter)])
    assert log.read(DEAD_LETTERS)[0].value == letter


def test_a_message_too_large_is_refused_and_so_is_its_batch(log: Log) -> None:
    log.ensure_topics({"t": 1})
    producer = log.producer()
    with pytest.raises(BadInput, match="'big'"):
        producer.send([Message("t", "small", b"x"), Message("t", "big", b"x" * (MAX_VALUE_BYTES + 1))])
    assert log.read("t") == []
    producer.send([Message("t", "small", b"x")])
    assert len(log.read("t")) == 1


def test_several_threads_share_a_producer(log: Log) -> None:
    log.ensure_topics({"t": 2})
    producer = log.producer()

    def send(thread: int) -> None:
        for start in range(5):
            producer.send(messages("t", range(thread * 1000 + start * 20, thread * 1000 + start * 20 + 20)))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(values(log.read("t"))) == sorted(t * 1000 + n for t in range(4) for n in range(100))


# Consuming


def test_a_new_group_starts_at_the_oldest_message(log: Log) -> None:
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    assert values(collect(log.consumer(["t"], "g"), 10)) == list(range(10))
    assert values(collect(log.consumer(["t"], "other"), 10)) == list(range(10)), "each group at its own pace"


def test_a_poll_gives_no_more_than_asked_for(log: Log) -> None:
    log.ensure_topics({"t": 2})
    log.producer().send(messages("t", range(100)))
    consumer = log.consumer(["t"], "g")
    got: list[Received] = []
    while len(got) < 100:
        polled = consumer.poll(7, 0.5)
        assert len(polled) <= 7
        got += polled
    assert sorted(values(got)) == list(range(100))


def test_a_poll_waits_for_messages(log: Log) -> None:
    log.ensure_topics({"t": 1})
    consumer = log.consumer(["t"], "g")
    until(lambda: not consumer.poll(10, 0.1) and bool(consumer.assignment()))
    producer = log.producer()
    threading.Timer(0.3, lambda: producer.send(messages("t", [1]))).start()
    assert values(consumer.poll(10, PATIENCE)) == [1]


def test_one_consumer_reads_several_topics(log: Log) -> None:
    log.ensure_topics({"t": 1, "u": 2})
    log.producer().send([*messages("t", range(5)), *messages("u", range(5, 15))])
    got = collect(log.consumer(["t", "u"], "g"), 15)
    assert {message.topic for message in got} == {"t", "u"}
    assert sorted(values(got)) == list(range(15))


def test_a_topic_made_later_is_read(log: Log) -> None:
    consumer = log.consumer(["later"], "g")
    assert nothing_comes(consumer)
    log.ensure_topics({"later": 1})
    log.producer().send(messages("later", [1]))
    assert values(collect(consumer, 1)) == [1]


# Committing


def test_nothing_is_committed_but_by_commit(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    first = log.consumer(["t"], "g")
    got = collect(first, 10)
    first.close()
    second = logs.open().consumer(["t"], "g")
    again = collect(second, 10)
    assert values(again) == list(range(10))
    second.commit(after(got[:4]))
    second.close()
    third = log.consumer(["t"], "g")
    assert values(collect(third, 6)) == list(range(4, 10))
    third.commit(after(got))
    third.close()
    assert nothing_comes(log.consumer(["t"], "g"))


def test_lag(log: Log) -> None:
    log.ensure_topics({"t": 2})
    log.producer().send(messages("t", range(30)))
    assert log.lag("t", "g") == ("t", "g", 30, 30)
    consumer = log.consumer(["t"], "g")
    got = collect(consumer, 30)
    assert log.lag("t", "g").behind == 30, "what is read and not committed is still behind"
    consumer.commit(after(got))
    assert log.lag("t", "g") == ("t", "g", 0, 30)
    log.producer().send(messages("t", range(5)))
    assert log.lag("t", "g") == ("t", "g", 5, 35)


def test_a_closed_members_partitions_pass_to_another(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 1})
    first = log.consumer(["t"], "g")
    until(lambda: not first.poll(10, 0.1) and bool(first.assignment()))
    second = logs.open().consumer(["t"], "g")
    poll_both(first, second, lambda: len(first.assignment()) + len(second.assignment()) == 1)
    log.producer().send(messages("t", range(3)))
    both = [first, second]
    holder = next(each for each in both if each.assignment())
    spare = next(each for each in both if each is not holder)
    got = collect(holder, 3)
    holder.commit(after(got[:1]))
    holder.close()
    assert values(collect(spare, 2)) == [1, 2], "it goes on at the committed offset"
    assert spare.assignment() == {Partition("t", 0)}


def test_two_members_share_the_partitions(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 4})
    first, second = log.consumer(["t"], "g"), logs.open().consumer(["t"], "g")
    until(lambda: not first.poll(10, 0.1) and len(first.assignment()) == 4)
    poll_both(first, second, lambda: len(first.assignment()) == len(second.assignment()) == 2)
    assert not first.assignment() & second.assignment()
    log.producer().send(messages("t", range(100)))
    done: dict[Consumer, list[Received]] = {first: [], second: []}
    deadline = time.monotonic() + PATIENCE
    while sum(map(len, done.values())) < 100:
        assert time.monotonic() < deadline
        for each, got in done.items():
            got += each.poll(100, 0.1)
    for each, got in done.items():
        assert {Partition("t", message.partition) for message in got} <= each.assignment()
    assert sorted(values(done[first] + done[second])) == list(range(100))


def test_a_commit_after_the_partition_was_lost_is_dropped(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 2})
    log.producer().send(messages("t", range(40)))
    first = log.consumer(["t"], "g")
    stale = collect(first, 40)
    second = logs.open().consumer(["t"], "g")
    poll_both(first, second, lambda: len(first.assignment()) == len(second.assignment()) == 1)
    (lost,) = second.assignment()
    first.commit(after(message for message in stale if message.partition == lost.number))
    mine = len([message for message in stale if message.partition == lost.number])
    assert mine
    assert log.lag("t", "g").behind == 40
    second.close()
    first.close()
    again = collect(log.consumer(["t"], "g"), 40)
    assert len(again) == 40


def test_generation_rises_when_partitions_come_and_go(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 2})
    first = log.consumer(["t"], "g")
    assert first.generation() == 0
    until(lambda: not first.poll(10, 0.1) and len(first.assignment()) == 2)
    alone = first.generation()
    assert alone > 0
    first.poll(10, 0.1)
    assert first.generation() == alone
    second = logs.open().consumer(["t"], "g")
    poll_both(first, second, lambda: len(first.assignment()) == len(second.assignment()) == 1)
    shared = first.generation()
    assert shared > alone
    second.close()
    until(lambda: not first.poll(10, 0.1) and len(first.assignment()) == 2)
    assert first.generation() > shared


MEMBER = """
import sys, time
from pathlib import Path
from stream.log import Partition

kind, place, prefix = sys.argv[1:]
if kind == "embedded":
    from stream.embedded import EmbeddedLog
    log = EmbeddedLog(Path(place), lease_seconds=2)
else:
    from stream.kafka import KafkaLog
    log = KafkaLog(place, prefix=prefix)
consumer = log.consumer(["t"], "g")
got = []
while len(got) < 10:
    got += consumer.poll(5, 0.2)
consumer.commit({Partition("t", 0): 5})
print("ready", flush=True)
time.sleep(600)
"""


def test_a_killed_members_partitions_pass_to_another(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    command = [sys.executable, "-c", textwrap.dedent(MEMBER), logs.kind, logs.place, logs.prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as member:
        assert member.stdout is not None
        assert member.stdout.readline() == "ready\n"
        consumer = log.consumer(["t"], "g")
        if logs.kind == "embedded":
            # On Kafka the newcomer starts a rebalance, in which a member that does not poll for so long may lose.
            assert nothing_comes(consumer), "the other one lives, though it does not poll"
        member.send_signal(signal.SIGKILL)
        member.wait()
        assert values(collect(consumer, 5)) == list(range(5, 10))


# Seeking, pausing


def test_seek(log: Log) -> None:
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    consumer = log.consumer(["t"], "g")
    consumer.seek({Partition("t", 0): 4})
    assert values(collect(consumer, 6)) == list(range(4, 10)), "also for a partition that is assigned only later"
    consumer.seek({Partition("t", 0): 8})
    assert values(collect(consumer, 2)) == [8, 9]
    consumer.seek({Partition("t", 0): 0})
    assert values(collect(consumer, 10)) == list(range(10))


@pytest.mark.parametrize("when", ["before", "after"])
def test_seek_behind_the_end_starts_at_the_oldest(log: Log, when: str) -> None:
    """So goes on a stage whose saved state is older than a new, empty log."""
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    consumer = log.consumer(["t"], "g")
    if when == "after":
        collect(consumer, 10)
    consumer.seek({Partition("t", 0): 5000})
    assert values(collect(consumer, 10)) == list(range(10))


def test_seek_to_the_end_waits_for_what_comes(log: Log) -> None:
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    consumer = log.consumer(["t"], "g")
    consumer.seek({Partition("t", 0): 10})
    assert nothing_comes(consumer)
    log.producer().send(messages("t", [10]))
    assert values(collect(consumer, 1)) == [10]


def test_a_paused_member_gets_nothing_and_keeps_its_partitions(log: Log) -> None:
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    consumer = log.consumer(["t"], "g")
    first = consumer.poll(3, PATIENCE)
    consumer.pause()
    assert nothing_comes(consumer)
    assert consumer.assignment() == {Partition("t", 0)}
    consumer.resume()
    assert values(first + collect(consumer, 10 - len(first))) == list(range(10))


def test_a_member_paused_before_it_has_partitions_gets_nothing(log: Log) -> None:
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(10)))
    consumer = log.consumer(["t"], "g")
    consumer.pause()
    until(lambda: consumer.poll(10, 0.2) == [] and bool(consumer.assignment()))
    assert nothing_comes(consumer)
    consumer.resume()
    assert values(collect(consumer, 10)) == list(range(10))


def test_a_paused_member_gives_up_what_is_anothers_share(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 4})
    first, second = log.consumer(["t"], "g"), logs.open().consumer(["t"], "g")
    until(lambda: not first.poll(10, 0.1) and len(first.assignment()) == 4)
    first.pause()
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            second.poll(10, 0.1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        # Without waiting in the poll, as a worker does that waits for something else.
        until(lambda: not first.poll(10, 0.0) and len(first.assignment()) == len(second.assignment()) == 2)
    finally:
        stop.set()
        thread.join()


# Replay, retention, reading


def test_replay(log: Log) -> None:
    log.ensure_topics({"t": 2, "u": 1})
    log.producer().send([*messages("t", range(20)), *messages("u", range(5))])
    consumer = log.consumer(["t", "u"], "g")
    consumer.commit(after(collect(consumer, 25)))
    with pytest.raises(MinshengError, match="1 active consumer"):
        log.reset("g", ["t"])
    assert log.lag("t", "g").behind == 0
    consumer.close()
    log.reset("g", ["t"])
    assert log.lag("t", "g").behind == 20
    assert log.lag("u", "g").behind == 0, "only the topics named"
    assert sorted(values(collect(log.consumer(["t"], "g"), 20))) == list(range(20))


def test_a_group_that_never_was_can_be_reset(log: Log) -> None:
    log.ensure_topics({"t": 1})
    log.reset("never", ["t", "none"])


def test_retention(log: Log) -> None:
    log.ensure_topics({"t": 2})
    log.producer().send(messages("t", range(50)))
    time.sleep(0.05)
    middle = int(time.time() * 1000)
    time.sleep(0.05)
    log.producer().send(messages("t", range(50, 80)))
    assert log.retain("t", older_than_ms=0) == 0
    assert log.retain("t", older_than_ms=middle) == 50
    assert sorted(values(log.read("t"))) == list(range(50, 80))
    assert log.lag("t", "g") == ("t", "g", 30, 80), "what was removed is not behind"
    consumer = log.consumer(["t"], "g")
    assert sorted(values(collect(consumer, 30))) == list(range(50, 80))
    assert log.retain("t", older_than_ms=int(time.time() * 1000) + 60_000) == 30
    assert log.read("t") == []
    log.producer().send(messages("t", [99]))
    assert min(message.offset for message in log.read("t")) > 0, "offsets go on counting"


def test_read_with_a_limit_is_outside_any_group(log: Log) -> None:
    log.ensure_topics({"t": 3})
    producer = log.producer()
    for number in range(20):
        producer.send(messages("t", [number]))
    assert values(log.read("t", limit=0)) == []
    assert len(log.read("t", limit=7)) == 7
    assert sorted(values(log.read("t"))) == list(range(20))
    assert log.lag("t", "g").behind == 20


def test_check_says_where_the_log_is(logs, log: Log) -> None:  # type: ignore[no-untyped-def]
    log.ensure_topics({"t": 1})
    line = log.check()
    assert logs.place in line
    assert "\n" not in line


def test_close_leaves_the_group_at_once(logs) -> None:  # type: ignore[no-untyped-def]
    log = logs.open()
    log.ensure_topics({"t": 1})
    log.producer().send(messages("t", range(3)))
    collect(log.consumer(["t"], "g"), 3)
    log.close()
    other = logs.open()
    other.reset("g", ["t"])
    assert len(collect(other.consumer(["t"], "g"), 3)) == 3
