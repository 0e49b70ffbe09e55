"""What only the embedded log has: its file, and leases on a clock that tests hold."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from minsheng.clock import ManualClock
from minsheng.errors import MinshengError, Unavailable
from stream.embedded import EmbeddedLog
from stream.log import Message, Partition


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "log.db"


@pytest.fixture
def clock() -> ManualClock:
    clock = ManualClock()
    clock.advance(hours=1)
    return clock


@pytest.fixture
def log(path: Path, clock: ManualClock) -> Iterator[EmbeddedLog]:
    log = EmbeddedLog(path, clock=clock, lease_seconds=10, max_poll_seconds=60, busy_seconds=0.2)
    log.ensure_topics({"t": 2})
    yield log
    log.close()


def test_the_file_is_made_at_the_first_use(path: Path) -> None:
    log = EmbeddedLog(path)
    assert not path.exists()
    log.ensure_topics({"t": 1})
    assert path.exists()
    log.close()


def test_a_file_locked_by_another_process_is_unavailable_and_then_works(log: EmbeddedLog, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked by another process"):
        log.producer().send([Message("t", "k", b"v")])
    assert log.read("t") == [], "reading goes on"
    other.execute("ROLLBACK")
    other.close()
    log.producer().send([Message("t", "k", b"v")])
    assert len(log.read("t")) == 1


def test_a_file_that_is_no_log_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes("这不是日志".encode() * 1000)
    with pytest.raises(MinshengError, match="damaged, or no log file") as caught:
        EmbeddedLog(path).ensure_topics({"t": 1})
    assert str(path) in str(caught.value)
    assert not isinstance(caught.value, Unavailable), "waiting does not help"


def test_a_folder_in_the_way_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(MinshengError, match=r"log\.db"):
        EmbeddedLog(path).check()


def test_a_file_of_a_newer_version_is_refused(log: EmbeddedLog, path: Path) -> None:
    log.close()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version=99")
    with pytest.raises(MinshengError, match="newer version of this program"):
        EmbeddedLog(path).check()


def test_a_full_disk_is_waited_for_and_loses_nothing(log: EmbeddedLog) -> None:
    log.producer().send([Message("t", "k", b"first")])
    writer = log.writer()
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Unavailable, match=r"disk of .* is full"):
        log.producer().send([Message("t", "k", b"x" * 100_000)])
    writer.execute("PRAGMA max_page_count=1000000")
    log.producer().send([Message("t", "k", b"second")])
    assert [message.value for message in log.read("t")] == [b"first", b"second"]


def test_a_silent_members_partitions_are_taken_over_after_the_lease(log: EmbeddedLog, clock: ManualClock) -> None:
    first, second = log.consumer(["t"], "g"), log.consumer(["t"], "g")
    first.poll(1, 0)
    clock.advance(seconds=9)
    second.poll(1, 0)
    assert len(first.assignment()) == 2
    assert not second.assignment(), "the first one still has its lease"
    clock.advance(seconds=62)
    second.poll(1, 0)
    assert len(second.assignment()) == 2
    assert not first.assignment(), "and knows it"
    before = first.generation()
    first.poll(1, 0)
    assert first.generation() > before


def test_a_stale_commit_changes_nothing_for_the_new_owner(log: EmbeddedLog, clock: ManualClock) -> None:
    log.producer().send([Message("t", str(n), b"v", "one") for n in range(10)])
    (number,) = {message.partition for message in log.read("t")}
    stale, owner = log.consumer(["t"], "g"), log.consumer(["t"], "g")
    assert len(stale.poll(10, 0)) == 10
    clock.advance(seconds=62)
    assert len(owner.poll(10, 0)) == 10
    owner.commit({Partition("t", number): 3})
    stale.commit({Partition("t", number): 10})
    assert log.lag("t", "g").behind == 7


def test_leases_from_before_a_restart_of_the_machine_are_void(path: Path, clock: ManualClock) -> None:
    """The monotonic clock begins anew, so that old heartbeats lie in the future."""
    before = EmbeddedLog(path, clock=clock)
    before.ensure_topics({"t": 1})
    before.consumer(["t"], "g").poll(1, 0)
    fresh = ManualClock()
    fresh.advance(seconds=5)
    after = EmbeddedLog(path, clock=fresh)
    after.reset("g", ["t"])
    consumer = after.consumer(["t"], "g")
    consumer.poll(1, 0)
    assert consumer.assignment() == {Partition("t", 0)}
    after.close()
    before.close()


def test_members_of_one_group_with_different_topics(log: EmbeddedLog) -> None:
    log.ensure_topics({"u": 1})
    first, second = log.consumer(["t"], "g"), log.consumer(["u", "t"], "g")
    for _ in range(3):
        first.poll(1, 0)
        second.poll(1, 0)
    assert first.assignment() | second.assignment() == {Partition("t", 0), Partition("t", 1), Partition("u", 0)}
    assert not first.assignment() & second.assignment()
    assert Partition("u", 0) in second.assignment()


SENDER = """
import sys
from pathlib import Path
from stream.embedded import EmbeddedLog
from stream.log import Message

log = EmbeddedLog(Path(sys.argv[1]))
log.ensure_topics({"t": 2})
producer = log.producer()
for batch in range(50):
    producer.send(Message("t", sys.argv[2], f"{batch} {n}".encode()) for n in range(20))
"""


def test_several_processes_write_at_once_from_the_first_moment(path: Path) -> None:
    senders = [subprocess.Popen([sys.executable, "-c", SENDER, str(path), f"sender{n}"]) for n in range(4)]
    assert [sender.wait(timeout=60) for sender in senders] == [0] * 4
    log = EmbeddedLog(path)
    messages = log.read("t")
    assert len(messages) == 4 * 50 * 20
    for sender in range(4):
        mine = [tuple(map(int, m.value.split())) for m in messages if m.key == f"sender{sender}"]
        assert mine == [(batch, n) for batch in range(50) for n in range(20)]
    assert len({(message.partition, message.offset) for message in messages}) == len(messages)
    log.close()
