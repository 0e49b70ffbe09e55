"""The log on Kafka, for more than one machine. Works with any Kafka from 2.5 on; made with kafka-python 3."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    GroupIdNotFoundError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from minsheng.errors import MinshengError, WrongSettings
from minsheng.settings import Settings
from stream import kafka_checksums
from stream.kafka_admin import KafkaAdmin
from stream.kafka_consumer import KafkaGroupConsumer, received
from stream.kafka_errors import errors_explained
from stream.kafka_producer import KafkaLogProducer
from stream.log import Received, TopicLag, size_limit

T = TypeVar("T")

kafka_checksums.install()

_FRAME_BYTES = 65_536  # what Kafka puts around a message, generously
_FETCH_BYTES = 50_000_000
_LAG_SECONDS = 3.0


class KafkaLog:
    """The log on a Kafka cluster; nothing is connected before the first use.

    Parameters
    ----------
    bootstrap_servers:
        `host:port`, several with commas.
    prefix:
        Put before the names of topics and groups.
    retention_days:
        For topics that are created here.
    timeout:
        Seconds that a call tries to reach the servers before `Unavailable`.
    security:
        kafka-python's settings for TLS and SASL.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        prefix: str = "",
        retention_days: float = 14,
        timeout: float = 10.0,
        security: Mapping[str, Any] | None = None,
    ) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.prefix = prefix
        self.timeout = timeout
        self._retention_days = retention_days
        self._security = dict(security or {})
        self._lock = threading.Lock()
        self._admin = KafkaAdmin(bootstrap_servers, self.client_config())
        self._partitions: dict[str, int] = {}
        self._open: list[KafkaGroupConsumer | KafkaLogProducer] = []
        # The library logs each failed attempt to connect; `Unavailable` says the same once.
        if not logging.getLogger("kafka").isEnabledFor(logging.DEBUG):
            logging.getLogger("kafka").setLevel(logging.CRITICAL)

    @classmethod
    def from_settings(cls, settings: Settings) -> KafkaLog:
        """The log that the settings name."""
        chosen = settings.stream
        security: dict[str, Any] = {"security_protocol": chosen.security_protocol}
        if chosen.security_protocol.startswith("SASL"):
            if chosen.username is None or chosen.password is None:
                raise WrongSettings(
                    f"stream.security_protocol {chosen.security_protocol} needs stream.username and stream.password"
                )
            security["sasl_mechanism"] = chosen.sasl_mechanism
            security["sasl_plain_username"] = chosen.username
            security["sasl_plain_password"] = chosen.password.reveal()
        if chosen.ca_file:
            security["ssl_cafile"] = chosen.ca_file
        return cls(
            chosen.bootstrap_servers,
            prefix=chosen.topic_prefix,
            retention_days=chosen.retention_days,
            security=security,
        )

    def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        """Create the topics that are missing; see `stream.log.Log`."""

        def create(admin: KafkaAdminClient) -> None:
            known = set(admin.list_topics())
            missing = {topic: count for topic, count in partitions.items() if self.prefix + topic not in known}
            for topic, count in missing.items():
                try:
                    admin.create_topics({self.prefix + topic: self._new_topic(topic, count)})
                except TopicAlreadyExistsError:
                    continue  # another process was quicker
            if missing:
                admin.wait_for_topics([self.prefix + topic for topic in missing])

        self._ask(create)

    def _new_topic(self, topic: str, partitions: int) -> dict[str, Any]:
        if partitions < 1:
            raise ValueError(f"topic {topic} needs at least one partition")
        configs = {
            "retention.ms": str(int(self._retention_days * 86_400_000)),
            "max.message.bytes": str(size_limit(topic) + _FRAME_BYTES),
        }
        return {"num_partitions": partitions, "replication_factor": -1, "configs": configs}

    def producer(self) -> KafkaLogProducer:
        return self._remember(KafkaLogProducer(self))

    def consumer(self, topics: Sequence[str], group: str) -> KafkaGroupConsumer:
        return self._remember(KafkaGroupConsumer(self, topics, group))

    def lag(self, topic: str, group: str) -> TopicLag:
        """How far the group is behind; `end` is the sum of the partitions' end offsets."""
        # Briefly: workers ask it for their health between two batches.
        parts = self._topic_partitions(topic, _LAG_SECONDS)
        if not parts:
            return TopicLag(topic, group, 0, 0)
        name = self.prefix + group

        def ask(admin: KafkaAdminClient) -> TopicLag:
            first = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.EARLIEST), timeout_ms=self.timeout_ms)
            last = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.LATEST), timeout_ms=self.timeout_ms)
            try:
                committed = admin.list_group_offsets({name: parts}).get(name, {})
            except GroupIdNotFoundError:
                committed = {}
            behind = end = 0
            for part in parts:
                position = committed[part].offset if part in committed else -1
                behind += max(0, last[part].offset - max(position, first[part].offset))
                end += last[part].offset
            return TopicLag(topic, group, behind, end)

        return self._ask(ask, _LAG_SECONDS)

    def reset(self, group: str, topics: Sequence[str]) -> None:
        """Let the group start again at the oldest messages.

        Raises
        ------
        MinshengError
            If consumers of the group are active. One that died counts for some seconds more.
        """
        parts = [part for topic in topics for part in self._topic_partitions(topic)]
        name = self.prefix + group

        def ask(admin: KafkaAdminClient) -> None:
            try:
                members = admin.describe_groups([name])[name]["members"]
            except GroupIdNotFoundError:
                return
            if members:
                raise MinshengError(
                    f"group {group} has {len(members)} active consumer(s), so it can't be set back",
                    f"stop the processes of stage {group}, then try again",
                )
            try:
                admin.delete_group_offsets(name, parts)
            except GroupIdNotFoundError:
                return

        self._ask(ask)

    def read(self, topic: str, limit: int | None = None) -> list[Received]:
        """The messages of a topic, oldest first."""
        parts = self._topic_partitions(topic)
        if not parts or limit == 0:
            return []
        with errors_explained(self.bootstrap_servers):
            reader = KafkaConsumer(**self.consumer_config(), group_id=None)
            try:
                return self._read(reader, topic, parts, limit)
            finally:
                reader.close(autocommit=False)

    def find(self, topic: str, numbers: Collection[int], keys: Collection[str], since_ms: int) -> list[Received]:
        """The messages under these keys in these partitions that were sent since then."""
        parts = [TopicPartition(self.prefix + topic, number) for number in sorted(numbers)]
        if not parts:
            return []
        with errors_explained(self.bootstrap_servers):
            reader = KafkaConsumer(**self.consumer_config(), group_id=None)
            try:
                return self._read(reader, topic, parts, None, since_ms, keys)
            finally:
                reader.close(autocommit=False)

    def _read(
        self,
        reader: KafkaConsumer,
        topic: str,
        parts: Sequence[TopicPartition],
        limit: int | None,
        since_ms: int | None = None,
        keys: Collection[str] | None = None,
    ) -> list[Received]:
        ends = reader.end_offsets(parts, timeout_ms=self.timeout_ms)
        if since_ms is None:
            begins = reader.beginning_offsets(parts, timeout_ms=self.timeout_ms)
        else:
            young = reader.offsets_for_times(dict.fromkeys(parts, since_ms))
            begins = {part: at.offset if (at := young.get(part)) else ends[part] for part in parts}
        reader.assign(parts)
        found: dict[TopicPartition, list[Received]] = {}
        for part in parts:
            reader.seek(part, begins[part])
            if begins[part] < ends[part]:
                found[part] = []
        open_parts = set(found)
        deadline = time.monotonic() + self.timeout
        while open_parts:
            batches = reader.poll(timeout_ms=500)
            if batches:
                deadline = time.monotonic() + self.timeout
            elif time.monotonic() > deadline:
                raise KafkaTimeoutError("no answer to a read")
            for part, records in batches.items():
                messages = (received(topic, record) for record in records)
                found.setdefault(part, []).extend(one for one in messages if keys is None or one.key in keys)
            for part in list(open_parts):
                enough = limit is not None and len(found[part]) >= limit
                if enough or reader.position(part, timeout_ms=self.timeout_ms) >= ends[part]:
                    open_parts.discard(part)
                    reader.pause(part)
        merged = heapq.merge(*found.values(), key=lambda message: message.timestamp_ms)
        return [*merged][:limit]

    def retain(self, topic: str, *, older_than_ms: int) -> int:
        """Remove the messages at the head of each partition that were stored before this time. Returns how many."""
        parts = self._topic_partitions(topic)

        def ask(admin: KafkaAdminClient) -> int:
            if not parts:
                return 0
            first = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.EARLIEST))
            last = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.LATEST))
            young = admin.list_partition_offsets(dict.fromkeys(parts, older_than_ms))
            until = {part: young[part].offset if young[part].offset >= 0 else last[part].offset for part in parts}
            until = {part: offset for part, offset in until.items() if offset > first[part].offset}
            if until:
                admin.delete_records(until, timeout_ms=self.timeout_ms)
            return int(sum(offset - first[part].offset for part, offset in until.items()))

        return self._ask(ask)

    def check(self) -> str:
        """One line on the cluster."""

        def ask(admin: KafkaAdminClient) -> str:
            brokers = len(admin.describe_cluster()["brokers"])
            topics = sorted(name for name in admin.list_topics() if name.startswith(self.prefix))
            return f"Kafka, {self.bootstrap_servers}: {brokers} broker(s), {len(topics)} topics '{self.prefix}*'"

        return self._ask(ask)

    def close(self) -> None:
        """Close everything that was opened here."""
        with self._lock:
            for each in self._open:
                each.close()
            self._open.clear()
        self._admin.close()

    @property
    def timeout_ms(self) -> int:
        return int(self.timeout * 1000)

    def client_config(self) -> dict[str, Any]:
        """What every client is opened with."""
        return {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "client_id": "minsheng",
            "bootstrap_timeout_ms": self.timeout_ms,
            "reconnect_backoff_max_ms": 1000,
            "request_timeout_ms": max(1000, self.timeout_ms // 2),
            **self._security,
        }

    def consumer_config(self) -> dict[str, Any]:
        """What every consumer is opened with."""
        return {
            **self.client_config(),
            # Longer than a join may take, which waits for the other members' batches.
            "request_timeout_ms": max(self.timeout_ms, 30_000),
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "max_partition_fetch_bytes": 8_000_000,
            "fetch_max_bytes": _FETCH_BYTES,
            "metrics_enabled": False,
        }

    def partitions(self, topic: str, timeout: float | None = None) -> int:
        """How many partitions the topic has; 0 where it does not exist."""
        if topic not in self._partitions:
            name = self.prefix + topic

            def ask(admin: KafkaAdminClient) -> int:
                (described,) = admin.describe_topics([name])
                error = for_code(described["error_code"])
                if error is UnknownTopicOrPartitionError:
                    return 0
                if described["error_code"]:
                    raise error(name)
                return len(described["partitions"])

            count = self._ask(ask, timeout)
            if count == 0:
                return 0
            self._partitions[topic] = count
        return self._partitions[topic]

    def _topic_partitions(self, topic: str, timeout: float | None = None) -> list[TopicPartition]:
        return [TopicPartition(self.prefix + topic, number) for number in range(self.partitions(topic, timeout))]

    def _ask(self, question: Callable[[KafkaAdminClient], T], timeout: float | None = None) -> T:
        return self._admin.ask(question, self.timeout if timeout is None else min(timeout, self.timeout))

    def _remember(self, each: T) -> T:
        with self._lock:
            self._open = [other for other in self._open if not other.closed]
            self._open.append(each)  # type: ignore[arg-type]
        return each
