"""The two logs, for the tests that every log must pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.embedded import EmbeddedLog
from stream.log import Log


class Logs:
    """Opens the same log several times, as several processes would, in this one."""

    def __init__(self, kind: str, place: str, prefix: str) -> None:
        self.kind = kind
        self.place = place
        self.prefix = prefix
        self._opened: list[Log] = []

    def open(self) -> Log:
        log: Log
        if self.kind == "embedded":
            log = EmbeddedLog(Path(self.place), lease_seconds=2)
        else:
            from stream.kafka import KafkaLog

            log = KafkaLog(self.place, prefix=self.prefix)
        self._opened.append(log)
        return log

    def close(self) -> None:
        closing = [threading.Thread(target=log.close) for log in self._opened]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def logs(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> Iterator[Logs]:
    """One log, embedded or on Kafka, with names of its own."""
    place = str(tmp_path / "log.db") if request.param == "embedded" else request.getfixturevalue("kafka_server")
    logs = Logs(request.param, place, f"{unique}.")
    yield logs
    logs.close()
    if logs.kind == "kafka":
        from kafka import KafkaAdminClient

        admin = KafkaAdminClient(bootstrap_servers=place)
        own = [name for name in admin.list_topics() if name.startswith(logs.prefix)]
        if own:
            admin.delete_topics(own)
        admin.close()


@pytest.fixture
def log(logs: Logs) -> Log:
    return logs.open()
