"""The stage in a process of its own: killed, left behind by its parent, unable to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing.context import SpawnProcess
from pathlib import Path

import psutil
import pytest

from minsheng import stage_process
from minsheng.clock import SystemClock
from minsheng.errors import MinshengError
from minsheng.records import Document
from minsheng.road import WORKERS, Road
from minsheng.running import Running
from minsheng.settings import Settings, load_settings
from minsheng.stage_process import StageProcess, runs_apart
from stream.log import ASSESSED
from stream.worker import DocumentSink

PARENT = """
import sys, threading
from minsheng.clock import SystemClock
from minsheng.settings import load_settings
from minsheng.stage_process import StageProcess
StageProcess("assess", load_settings(), SystemClock()).run(threading.Event())
"""


def document(number: int) -> Document:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return Document(
        id=f"d{number:04}", source="s", kind="post", title="", text=f"窗口排队三小时没人管 {number}", url="",
        published_at=at, fetched_at=at,
    )  # fmt: skip


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    road = Road(settings_in(tmp_path), SystemClock())
    road.prepare()
    yield road
    road.close()


def settings_in(folder: Path, **environ: str) -> Settings:
    return load_settings(environ={"MINSHENG_DATA_DIR": str(folder), "MINSHENG_CLASSIFY__MODEL": "ngram", **environ})


def put(road: Road, numbers: range) -> None:
    with DocumentSink(road.log) as sink:
        sink.put([document(number) for number in numbers])


def assessed(road: Road) -> list[str]:
    return [message.key for message in road.log.read(ASSESSED)]


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def stage_of(parent: int) -> psutil.Process | None:
    """The child that runs the stage: the one that was told the other end of the pipe, not Python's own helper."""
    children = psutil.Process(parent).children()
    found = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    return found[0] if found else None


@pytest.fixture
def running(road: Road) -> Iterator[tuple[StageProcess, list[BaseException], threading.Event]]:
    stage, raised, stop = StageProcess("assess", road.settings, road.clock), [], threading.Event()

    def run() -> None:
        try:
            stage.run(stop)
        except MinshengError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield stage, raised, stop
    stop.set()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert stage.health.state == "stopped"
    assert stage_of(os.getpid()) is None


def test_it_says_how_it_is_and_goes_on_where_it_was_killed(
    road: Road, running: tuple[StageProcess, list[BaseException], threading.Event]
) -> None:
    stage, raised, _ = running
    put(road, range(40))
    eventually(lambda: stage.health.processed == 40)
    assert stage.health.stage == "assess"
    assert stage.health.state == "running"
    killed = stage_of(os.getpid())
    assert killed is not None
    killed.kill()
    put(road, range(40, 80))
    eventually(lambda: len(set(assessed(road))) == 80)
    assert raised == []
    again = stage_of(os.getpid())
    assert again is not None and again.pid != killed.pid
    # What it had done before it was killed still counts, and why it began anew is not forgotten.
    eventually(lambda: stage.health.state == "running" and stage.health.processed >= 80)
    assert stage.health.last_error == "its process ended (exit code -9); it is started again"


def test_one_that_does_not_stop_is_killed_and_that_is_told_once(
    road: Road, running: tuple[StageProcess, list[BaseException], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_process, "STOP_SECONDS", 0.2)
    killed: list[str] = []
    monkeypatch.setattr(stage_process.logger, "error", lambda event, **_: killed.append(event))
    stage, raised, stop = running
    eventually(lambda: stage.health.state == "running")
    child = stage_of(os.getpid())
    assert child is not None
    kill = SpawnProcess.kill
    late: list[threading.Timer] = []

    def kill_late(process: SpawnProcess) -> None:
        late.append(threading.Timer(2, kill, (process,)))
        late[-1].start()

    monkeypatch.setattr(SpawnProcess, "kill", kill_late)
    child.suspend()  # it hears nothing
    stop.set()
    eventually(lambda: stage.health.state == "stopped")
    assert killed == ["stage_process_killed"]
    assert len(late) == 1
    assert raised == []


def test_signals_for_all_do_not_end_it_before_its_parent_says_so(
    road: Road, running: tuple[StageProcess, list[BaseException], threading.Event]
) -> None:
    stage, _, _ = running
    eventually(lambda: stage.health.state == "running")
    child = stage_of(os.getpid())
    assert child is not None
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    put(road, range(5))
    eventually(lambda: stage.health.processed == 5)
    assert child.is_running()


def test_it_ends_with_a_parent_that_is_killed(road: Road, tmp_path: Path) -> None:
    environ = {**os.environ, "MINSHENG_DATA_DIR": str(tmp_path), "MINSHENG_CLASSIFY__MODEL": "ngram"}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=environ)
    put(road, range(3))
    eventually(lambda: len(assessed(road)) == 3)
    child = stage_of(parent.pid)
    assert child is not None
    parent.kill()
    parent.wait()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 15)


def test_a_stage_that_can_not_go_on_says_why(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("no log" * 1_000)
    stage = StageProcess("assess", settings_in(tmp_path, MINSHENG_STREAM__PATH="log.txt"), SystemClock())
    with pytest.raises(MinshengError, match=r"is damaged, or no log file: .* — put it aside"):
        stage.run(threading.Event())
    assert stage.health.state == "stopped"
    assert "is damaged" in stage.health.reason


def test_one_processor_is_shared_by_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def apart(**variables: str) -> list[str]:
        return [stage for stage in WORKERS if runs_apart(stage, settings_in(tmp_path, **variables))]

    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert apart() == []
    assert apart(MINSHENG_CLASSIFY__OWN_PROCESS="true") == ["assess"]
    assert apart(MINSHENG_GROUP__OWN_PROCESS="true") == ["group"]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert apart() == ["assess", "group"]
    assert apart(MINSHENG_CLASSIFY__OWN_PROCESS="false") == ["group"]
    assert apart(MINSHENG_GROUP__OWN_PROCESS="false") == ["assess"]


def test_when_all_is_done_nothing_is_shown_as_behind(tmp_path: Path) -> None:
    road = Road(settings_in(tmp_path, MINSHENG_CLASSIFY__OWN_PROCESS="true"), SystemClock())
    road.prepare()
    put(road, range(600))  # some batches: after the first one it is seen how many are left, and for seconds not again
    with Running(road) as running:
        running.wait_until_done()
        stages = {one.stage: one.behind for one in running.picture().stages if one.stage != "crawl"}
    road.close()
    assert set(stages) > {"assess", "group"}
    assert set(stages.values()) == {0}
