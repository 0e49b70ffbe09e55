"""One Kafka broker that is its own controller (KRaft)."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.servers.process import HOST, Server, free_port, run_tool
from deploy.servers.tools import find_java, java_options, resolve_jars


def cluster_id(identity: uuid.UUID) -> str:
    """`identity` as Kafka writes a cluster's id: 22 characters of URL-safe base64.

    One that would begin with "-" begins with "A" instead: the storage tool takes it for an option, and Kafka's own
    generator draws again in that case.
    """
    text = base64.urlsafe_b64encode(identity.bytes).decode().rstrip("=")
    return f"A{text[1:]}" if text.startswith("-") else text


class KafkaServer(Server):
    """Kafka 4, one node. `address` is its bootstrap server."""

    name = "kafka"

    def __init__(self, cache: Path, folder: Path | None = None, *, detached: bool = False) -> None:
        super().__init__(cache, folder, detached=detached)
        self.controller_port = free_port()

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @classmethod
    def fetch(cls, cache: Path) -> None:
        resolve_jars(cache, "kafka")

    def prepare(self) -> None:
        self._java = find_java(self.cache, 17)
        self._jars = resolve_jars(self.cache, "kafka")
        lines = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.folder / "data",
            # A topic that somebody forgot to create is an error here, as on a production cluster.
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
        }
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")
        cluster = cluster_id(uuid.uuid4())
        command = [*self._run("kafka.tools.StorageTool"), "format", "-t", cluster, "-c", str(self._properties)]
        run_tool(command, "formatting Kafka's storage")

    def command(self) -> Sequence[str]:
        return [*self._run("kafka.Kafka", "-Xms128m", "-Xmx384m"), str(self._properties)]

    def _run(self, main: str, *options: str) -> list[str]:
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        java = [str(self._java), *java_options(short_lived=self.short_lived)]
        return [*java, *options, quiet, "-cp", f"{self._jars}/*", main]

    def answers(self) -> bool:
        from kafka import KafkaAdminClient

        admin = KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=3_000, bootstrap_timeout_ms=2_000)
        try:
            return bool(admin.describe_cluster()["brokers"])
        finally:
            admin.close()

    def settings(self) -> Mapping[str, str]:
        return {"MINSHENG_STREAM__KIND": "kafka", "MINSHENG_STREAM__BOOTSTRAP_SERVERS": self.address}
