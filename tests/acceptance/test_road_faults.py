"""The road under real faults: stages killed in mid-batch, servers that are away at the start or go away."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.servers import Server
from deploy.servers.variables import server_variables
from minsheng.errors import Unavailable
from minsheng.records import Document, document_id
from minsheng.road import WORKERS, Road
from stream.worker import DocumentSink
from tests.acceptance.conftest import BOTH, Variables, drain, minsheng, opened
from tests.acceptance.outcome import outcome
from tests.acceptance.written import write_messages, write_posts

pytestmark = pytest.mark.timeout(400)


class StageProcess:
    """`minsheng stage NAME` as a process that can be killed and started again."""

    def __init__(self, name: str, variables: dict[str, str], log: Path) -> None:
        self.name = name
        self._variables = variables
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._began = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "minsheng.cli.app", "stage", self.name],
                env={**os.environ, **self._variables}, stderr=log, stdout=log,
            )  # fmt: skip

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """Whether it works by now, or waits for a server; before that, a signal ends it as it ends any program."""
        said = self.said().encode()[self._began :]
        return b"worker_started" in said or b"waiting" in said

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to stop, as an operator or systemd does. Returns its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=60)

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def stages(variables: dict[str, str], folder: Path) -> Iterator[dict[str, StageProcess]]:
    started = {name: StageProcess(name, variables, folder / f"{name}.log") for name in WORKERS}
    try:
        yield started
    finally:
        for process in started.values():
            if process.running:
                process.kill()


def wait_for(
    condition: Callable[[], bool], what: str, processes: dict[str, StageProcess], seconds: float = 150
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.1)
    said = "\n".join(f"--- {name}\n{process.said()[-1500:]}" for name, process in processes.items())
    raise AssertionError(f"not within {seconds} s: {what}\n{said}")


def caught_up(road: Road, handled: int) -> Callable[[], bool]:
    """Every stage has handled everything, and the last topic holds at least `handled` records."""

    def check() -> bool:
        try:
            return not any(road.behind().values()) and road.log.lag("grouped", "index").end >= handled
        except Unavailable:
            return False

    return check


@pytest.mark.parametrize("parts", BOTH)
def test_every_stage_killed_in_mid_batch_loses_nothing_and_doubles_nothing(
    variables: Variables, parts: str, tmp_path: Path
) -> None:
    count = 1_200
    posts, letters = tmp_path / "posts.jsonl", tmp_path / "letters.jsonl"
    write_posts(posts, count - 300)
    write_messages(letters, 300)
    calm = {**variables("embedded"), "MINSHENG_DATA_DIR": str(tmp_path / "calm")}
    shaken = variables(parts) | {"MINSHENG_STREAM__BATCH": "25"}
    for variables_of in (calm, shaken):
        minsheng(variables_of, "import", posts, "--source", "board")
        minsheng(variables_of, "import", letters, "--source", "board")
    with opened(calm) as road:
        drain(road)
        expected = outcome(road)
    assert len(expected.indexed) == count
    assert expected.events
    assert expected.merges, "some events are made one on the way"

    pick = random.Random(1)
    with opened(shaken) as road, stages(shaken, tmp_path) as running:
        for _ in range(8):
            time.sleep(pick.uniform(0.8, 2.5))
            victim = running[pick.choice(WORKERS)]
            victim.kill()
            victim.start()
        for name in WORKERS:
            running[name].kill()
            running[name].start()
        wait_for(caught_up(road, count), "all stages caught up", running)
        wait_for(lambda: all(process.ready() for process in running.values()), "all stages work again", running)
        assert {name: process.stop() for name, process in running.items()} == dict.fromkeys(WORKERS, 0)
        found = outcome(road)
    assert found.indexed == expected.indexed
    assert found.events == expected.events
    assert found.tickets == expected.tickets
    assert found.notices == expected.notices
    assert found.merges == expected.merges


@pytest.mark.kafka
@pytest.mark.elasticsearch
@pytest.mark.postgresql
def test_servers_that_are_away_are_waited_for_while_the_other_stages_live_on(
    own_server: Callable[[str], Server], tmp_path: Path, unique: str
) -> None:
    kafka, search, store = own_server("kafka"), own_server("elasticsearch"), own_server("postgresql")
    chosen = server_variables(kafka.address, search.address, store.address, unique) | {
        "MINSHENG_DATA_DIR": str(tmp_path / "data"),
        "MINSHENG_NOTIFY__TERMINAL": "false",
    }
    posts = Posts(tmp_path / "posts.jsonl")
    kafka.kill()
    with stages(chosen, tmp_path) as running:
        wait_for(
            lambda: all("Kafka" in process.said() and "waiting" in process.said() for process in running.values()),
            "each stage says that it waits for Kafka", running,
        )  # fmt: skip
        assert all(process.running for process in running.values())
        kafka.start()
        with opened(chosen) as road:
            minsheng(chosen, "import", posts.more(), "--source", "board")
            wait_for(caught_up(road, posts.count), "all stages caught up after Kafka came", running)

            search.kill()
            minsheng(chosen, "import", posts.more(), "--source", "board")
            wait_for(
                lambda: road.behind()["alert"] == 0 and road.log.lag("grouped", "alert").end >= posts.count,
                "the alert stage goes on without the index", running,
            )  # fmt: skip
            wait_for(lambda: "index" in running["index"].said(), "the index stage says what it waits for", running)
            assert road.behind()["index"] > 0
            search.start()
            wait_for(caught_up(road, posts.count), "the index stage caught up after Elasticsearch came back", running)

            store.kill()
            with DocumentSink(road.log) as sink:
                sink.put(posts.documents())
            wait_for(
                lambda: road.behind()["assess"] == 0 and road.log.lag("assessed", "group").end >= posts.count,
                "the assess stage goes on without the store", running,
            )  # fmt: skip
            wait_for(lambda: "store" in running["group"].said(), "the group stage says what it waits for", running)
            assert road.behind()["group"] > 0
            assert all(process.running for process in running.values())
            store.start()
            wait_for(caught_up(road, posts.count), "all stages caught up after PostgreSQL came back", running)
            assert len(outcome(road).indexed) == posts.count
        assert {name: process.stop() for name, process in running.items()} == dict.fromkeys(WORKERS, 0)


class Posts:
    """Files of posts, each with ids of its own. `count`: how many were written so far."""

    def __init__(self, file: Path, size: int = 200) -> None:
        self._file = file
        self._size = size
        self.count = 0

    def more(self) -> Path:
        """The next posts as a file to import."""
        write_posts(self._file, self._size, seed=self.count, first=self.count)
        self.count += self._size
        return self._file

    def documents(self) -> list[Document]:
        """The next posts as documents."""
        rows = [json.loads(line) for line in self.more().read_text(encoding="utf-8").splitlines()]
        return [
            Document(
                id=document_id("board", row["id"]), source="board", kind="message", native_id=row["id"],
                text=row["text"], published_at=datetime.fromisoformat(row["published_at"]),
                fetched_at=datetime.now(UTC),
            )
            for row in rows
        ]  # fmt: skip
