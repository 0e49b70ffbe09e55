"""The processes of one test run share its servers, and the last one to leave ends them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.servers.running import read_running
from tests.servers import Servers

PROJECT = Path(__file__).parents[2]
OTHER = """
import sys
from pathlib import Path
from tests.servers import Servers
servers = Servers(Path(sys.argv[1]))
print(servers.address("smtp"), flush=True)
sys.stdin.readline()
servers.close()
"""


@contextmanager
def other_process(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Another process of the run that has asked for the mail server: the address it was told, and the process."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", OTHER, str(folder)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=PROJECT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def _none_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINSHENG_TEST_SERVERS", raising=False)


def running(folder: Path) -> psutil.Process | None:
    found = read_running(folder / "smtp.json").get("smtp")
    return psutil.Process(found.pid) if found else None


def await_end(process: psutil.Process) -> None:
    """Where nobody collects what is left of orphans, as in a bare container, it stays as a zombie, which `wait` waits
    for in vain."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.02)
    raise AssertionError(f"{process} was killed and goes on")


def test_a_server_is_started_once_and_outlives_the_process_that_started_it_for_the_others(tmp_path: Path) -> None:
    mine = Servers(tmp_path)
    address = mine.address("smtp")
    server = running(tmp_path)
    assert server is not None
    with other_process(tmp_path) as (told, process):
        assert told == address
        closing = threading.Thread(target=mine.close)
        closing.start()
        closing.join(0.5)
        assert closing.is_alive(), "the other process may still use it"
        assert server.is_running()
        process.communicate("\n")
        closing.join(10)
        assert not closing.is_alive()
    assert running(tmp_path) is None


def test_a_server_whose_process_was_killed_is_started_anew(tmp_path: Path) -> None:
    mine = Servers(tmp_path)
    with other_process(tmp_path) as (_, process):
        server = running(tmp_path)
        assert server is not None
        process.kill()
        process.wait()
        server.kill()  # as the system does where it can
        await_end(server)
    mine.address("smtp")
    again = running(tmp_path)
    assert again is not None and again.pid != server.pid
    mine.close()
    assert running(tmp_path) is None
