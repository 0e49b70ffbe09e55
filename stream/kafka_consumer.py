"""One member of a Kafka consumer group."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from stream.kafka_errors import errors_explained
from stream.log import Partition, Received, key_text

if TYPE_CHECKING:
    from stream.kafka import KafkaLog

_SESSION_SECONDS = 10  # a member that is silent for so long has died
_HEARTBEAT_SECONDS = 2
_MAX_POLL_SECONDS = 300
_MIN_POLL_MS = 20  # with none, the library takes no part in a rebalance, and the whole group waits for it
_JOIN_MS = 1000
_PROOF_SECONDS = 3.0  # after so long without messages, ask the broker for a sign of life
_PROOF_TIMEOUT_MS = 2000
_LOST = (CommitFailedError, IllegalGenerationError, UnknownMemberIdError, RebalanceInProgressError)


class KafkaGroupConsumer:
    """Made by `KafkaLog.consumer`."""

    def __init__(self, log: KafkaLog, topics: Sequence[str], group: str) -> None:
        self.closed = False
        self._log = log
        self._topics = list(topics)
        self._group = group
        self._consumer: KafkaConsumer | None = None
        self._changes = _Changes()
        self._settled = 0  # the generation that seeks and pauses were applied for
        self._seeks: dict[Partition, int] = {}
        self._paused = False
        self._alive_at = 0.0

    def poll(self, max_records: int = 500, timeout: float = 1.0) -> list[Received]:
        with errors_explained(self._log.bootstrap_servers):
            consumer = self._open()
            shortest = _JOIN_MS if self._joining(consumer) else _MIN_POLL_MS
            milliseconds = max(shortest, int(timeout * 1000))
            batches = consumer.poll(timeout_ms=milliseconds, max_records=max_records)
            if self._settled != self._changes.count:
                batches = self._settle(consumer, batches)
            if batches:
                self._alive_at = time.monotonic()
            elif time.monotonic() - self._alive_at > _PROOF_SECONDS:
                self._prove_alive(consumer)
        messages = [
            received(self._partition(part).topic, record) for part, records in batches.items() for record in records
        ]
        if self._paused and messages:
            # Fetched for a partition that came while paused: later.
            self.seek({Partition(m.topic, m.partition): m.offset for m in reversed(messages)})
            return []
        return messages

    def commit(self, positions: Mapping[Partition, int]) -> None:
        if self._consumer is None:
            return
        held = self.assignment()
        # Kafka itself checks only that the member is up to date, not that a partition is its own.
        offsets = {self._kafka(p): OffsetAndMetadata(offset, "", -1) for p, offset in positions.items() if p in held}
        if not offsets:
            return
        with errors_explained(self._log.bootstrap_servers), contextlib.suppress(*_LOST):
            self._consumer.commit(offsets, timeout_ms=self._log.timeout_ms)

    def seek(self, positions: Mapping[Partition, int]) -> None:
        held = self.assignment()
        for partition, offset in positions.items():
            if partition in held and self._consumer is not None:
                self._consumer.seek(self._kafka(partition), offset)
            else:
                self._seeks[partition] = offset

    def pause(self) -> None:
        self._paused = True
        if self._consumer is not None:
            self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        self._paused = False
        if self._consumer is not None:
            self._consumer.resume(*self._consumer.paused())

    def assignment(self) -> frozenset[Partition]:
        if self._consumer is None or not self._consumer.group_metadata().member_id:
            return frozenset()
        return frozenset(self._partition(part) for part in self._consumer.assignment() or ())

    def generation(self) -> int:
        return self._changes.count

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if self._consumer is not None:
            # Without a broker to say goodbye to, the session runs out by itself.
            with contextlib.suppress(KafkaError, OSError):
                self._consumer.close(autocommit=False, timeout_ms=2000)
            self._consumer = None

    def _open(self) -> KafkaConsumer:
        if self.closed:
            raise RuntimeError("the consumer is closed")
        if self._consumer is None:
            consumer = KafkaConsumer(
                **self._log.consumer_config(),
                group_id=self._log.prefix + self._group,
                session_timeout_ms=_SESSION_SECONDS * 1000,
                heartbeat_interval_ms=_HEARTBEAT_SECONDS * 1000,
                max_poll_interval_ms=_MAX_POLL_SECONDS * 1000,
                partition_assignment_strategy=[RoundRobinPartitionAssignor],
                metadata_max_age_ms=5_000,  # a topic that is made later is seen after so long
            )
            consumer.subscribe([self._log.prefix + topic for topic in self._topics], listener=self._changes)
            self._consumer = consumer
            self._alive_at = time.monotonic()
        return self._consumer

    @staticmethod
    def _joining(consumer: KafkaConsumer) -> bool:
        """Whether an earlier poll ended while the member was joining its group.

        The library then counts on the next polls, in two ways that can fail. A join that comes to its end between two
        polls is thrown away, so the next one must be long enough to see it through. And a join begun because the
        topics' metadata had changed is forgotten if they change back before its end: the member then waits without
        partitions for ever (Kafka's own client had the same fault, KAFKA-9815), unless it is told to join again.
        """
        coordinator = consumer._coordinator
        if not getattr(coordinator, "rejoining", False):
            return False
        if not coordinator.need_rejoin():
            coordinator.request_rejoin()
        return True

    def _settle(self, consumer: KafkaConsumer, batches: dict[Any, list[Any]]) -> dict[Any, list[Any]]:
        """Apply what was asked for before these partitions came: seeks and the pause."""
        self._settled = self._changes.count
        for part in consumer.assignment() or ():
            offset = self._seeks.pop(self._partition(part), None)
            if offset is not None:
                consumer.seek(part, offset)
                batches.pop(part, None)
        if self._paused:
            consumer.pause(*(consumer.assignment() or ()))
        return batches

    def _prove_alive(self, consumer: KafkaConsumer) -> None:
        """A poll without a broker behind it just returns nothing: ask something that must be answered."""
        for topic in self._topics:
            if self._log.partitions(topic):
                part = TopicPartition(self._log.prefix + topic, 0)
                consumer.end_offsets([part], timeout_ms=_PROOF_TIMEOUT_MS)
                break
        else:
            self._log.check()
        self._alive_at = time.monotonic()

    def _kafka(self, partition: Partition) -> TopicPartition:
        return TopicPartition(self._log.prefix + partition.topic, partition.number)

    def _partition(self, part: Any) -> Partition:
        return Partition(part.topic.removeprefix(self._log.prefix), part.partition)


def received(topic: str, record: Any) -> Received:
    """A record of kafka-python's as a message of the log; one without a value has an empty one."""
    return Received(topic, record.partition, record.offset, key_text(record.key), record.value or b"", record.timestamp)


class _Changes(ConsumerRebalanceListener):
    """Counts changes of the assignment. Runs on the library's own thread, where nothing else may be done."""

    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, revoked: Any) -> None:
        if revoked:
            self.count += 1

    def on_partitions_assigned(self, assigned: Any) -> None:
        if assigned:
            self.count += 1

    def on_partitions_lost(self, lost: Any) -> None:
        if lost:
            self.count += 1
