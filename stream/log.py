"""The log seam: topics that many write to, and that consumer groups read, each at its own pace.

Two implementations: `stream.embedded` (SQLite) and `stream.kafka`. Both go through `tests/contract/test_log.py`.

Contract
--------
- A topic has a fixed number of partitions. Messages with the same `partition_key` (the key, where none is given) go to
  the same partition and keep their order there.
- `Producer.send` returns when every message is stored durably; what it raised for may be stored or not, so senders send
  again (at least once).
- A group's consumers share the partitions: each partition has at most one consumer at a time, and passes to another one
  when its consumer closes or dies. A new group starts at the oldest message.
- Nothing is committed but by `commit`. A consumer that takes over a partition starts at the committed offset.
- A commit for a partition that the consumer has lost meanwhile is silently dropped: the new owner reads again.
- A message larger than `MAX_VALUE_BYTES` is refused with `BadInput` before anything of its batch is sent; dead letters,
  which hold another message, may be three times as large.
- A topic that does not exist reads as empty; sending to it is an error.
- Every method raises `minsheng.errors.Unavailable` when the server behind it can't be reached, having tried no longer
  than `timeout`; the caller may simply call again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from minsheng.errors import BadInput

DOCUMENTS = "documents"
ASSESSED = "assessed"
GROUPED = "grouped"
DEAD_LETTERS = "dead-letters"
DELIVERIES = "deliveries"
"""What other collectors deliver; made where deliveries are taken."""
ANSWERS = "delivery-answers"
TOPICS = (DOCUMENTS, ASSESSED, GROUPED, DEAD_LETTERS)

MAX_VALUE_BYTES = 4_000_000
"""Room for a text of `records.MAX_TEXT` characters with everything around it, several times over."""


class Partition(NamedTuple):
    """A part of a topic that keeps its order."""

    topic: str
    number: int


class Message(NamedTuple):
    """What a producer sends.

    `key` names the record (its id). `partition_key` decides the partition; documents of one source share it, so that
    their order survives.
    """

    topic: str
    key: str
    value: bytes
    partition_key: str | None = None


class Received(NamedTuple):
    """What a consumer gets; `offset` counts up within the partition, with gaps where messages were removed."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes
    timestamp_ms: int


class Producer(Protocol):
    """Writes messages. Safe to use from several threads."""

    def send(self, messages: Iterable[Message]) -> None:
        """Store all messages durably, in order within each partition, or raise `Unavailable`."""
        ...

    def find(self, topic: str, keys: Mapping[str, str], *, since_ms: int) -> list[Received]:
        """The messages under some keys that a topic holds: what became of messages whose sender ended.

        Parameters
        ----------
        keys:
            The keys looked for, each with its partition key.
        since_ms:
            When the oldest of them may have been sent (epoch milliseconds); nothing older is read. Older ones may be
            among what is found.
        """
        ...

    def close(self) -> None: ...


class Consumer(Protocol):
    """One member of a consumer group. To be used from one thread."""

    def poll(self, max_records: int = 500, timeout: float = 1.0) -> list[Received]:
        """The next messages of the partitions held, or an empty list after `timeout` seconds.

        Also keeps the membership alive: poll even when paused (a paused consumer gets an empty list).
        """
        ...

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Store, for each partition, the offset of the next message to read. Returns when stored."""
        ...

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Continue each partition from the given offset, also where it is assigned only later. An offset that the
        partition does not have, because it ends before it or was removed, means the oldest message there is."""
        ...

    def pause(self) -> None:
        """Get no more messages until `resume`, but stay in the group."""
        ...

    def resume(self) -> None: ...

    def assignment(self) -> frozenset[Partition]:
        """The partitions held now."""
        ...

    def generation(self) -> int:
        """Rises each time that partitions were given to or taken from this consumer (during `poll`), so that also one
        that was lost and regained in between is seen."""
        ...

    def close(self) -> None:
        """Leave the group at once, committing nothing."""
        ...


class TopicLag(NamedTuple):
    """How far a group is behind on a topic, in messages."""

    topic: str
    group: str
    behind: int
    end: int


class Log(Protocol):
    """The log: makes producers and consumers, and looks after topics. Safe to use from several threads."""

    def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        """Create the topics that are missing, with so many partitions; existing ones keep theirs."""
        ...

    def producer(self) -> Producer: ...

    def consumer(self, topics: Sequence[str], group: str) -> Consumer: ...

    def lag(self, topic: str, group: str) -> TopicLag: ...

    def reset(self, group: str, topics: Sequence[str]) -> None:
        """Let a group without active consumers read the topics again from their oldest message (replay)."""
        ...

    def read(self, topic: str, limit: int | None = None) -> list[Received]:
        """The messages of a topic from the oldest, outside any group: for lists and checks, not for stages."""
        ...

    def retain(self, topic: str, *, older_than_ms: int) -> int:
        """Remove messages stored before this time (epoch milliseconds). Returns how many, -1 where unknown."""
        ...

    def check(self) -> str:
        """One line on the state of the server behind, for `minsheng doctor`. Raises `Unavailable`."""
        ...

    def close(self) -> None: ...


def partition_key(message: Message) -> str:
    """What decides the message's partition."""
    return message.key if message.partition_key is None else message.partition_key


def size_limit(topic: str) -> int:
    """The largest value, in bytes, that a topic takes."""
    return MAX_VALUE_BYTES * 3 if topic == DEAD_LETTERS else MAX_VALUE_BYTES


def check_size(message: Message) -> None:
    """Raise `BadInput` where the message is larger than its topic takes."""
    if len(message.value) > size_limit(message.topic):
        raise BadInput(
            f"message {message.key!r} has {len(message.value):,} bytes, topic {message.topic} takes "
            f"{size_limit(message.topic):,}",
            "cut its text",
        )


def key_bytes(key: str | None) -> bytes | None:
    """A key as it is stored. Any `str` survives, also one with lone surrogates."""
    return None if key is None else key.encode("utf-8", "surrogatepass")


def key_text(key: bytes | None) -> str | None:
    """The opposite of `key_bytes`; bytes that another program wrote and that are no UTF-8 are shown with U+FFFD."""
    if key is None:
        return None
    try:
        return key.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return key.decode("utf-8", "replace")
