"""The real servers of a test run, shared by all its processes.

The process that first needs a server starts it, and ends it when no other process of the run is left that may use it.
The run's processes know each other by a folder: what runs is written there, guarded by locks on files, which the system
gives back for a process that dies. Its servers die with it, and the next process that needs one starts it anew.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.servers import KINDS, Server, ServerUnavailable, cache_folder
from deploy.servers.running import Running, read_running, write_running


def required() -> bool:
    return os.environ.get("MINSHENG_REQUIRE_SERVERS") == "1"


def leave_out(reason: str) -> None:
    """Skip the test for want of something on the machine, or fail where nothing may be missing."""
    if required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Servers:
    """The servers of this run, started at first use.

    Parameters
    ----------
    folder:
        The same one for each process of the run, and for no other run.
    """

    def __init__(self, folder: Path) -> None:
        given = os.environ.get("MINSHENG_TEST_SERVERS")
        self._addresses = {name: one.address for name, one in read_running(Path(given)).items()} if given else {}
        self._folder = folder
        self._own: dict[str, Server] = {}
        self._missing: dict[str, str] = {}
        self._use = os.open(folder / "servers.use", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self._use, fcntl.LOCK_SH)

    def address(self, name: str) -> str:
        """Where the server answers."""
        if name not in self._addresses:
            with self._running(name) as running:
                if name not in running:
                    self._own[name] = self.start(name)
                    running[name] = Running.of(self._own[name])
                self._addresses[name] = running[name].address
        return self._addresses[name]

    def start(self, name: str) -> Server:
        """Another server of that kind, for the caller alone, who removes it."""
        # What is missing once stays missing: each test after the first says so at once.
        if name in self._missing:
            leave_out(self._missing[name])
        server = KINDS[name](cache_folder())
        server.short_lived = True
        try:
            server.start()
        except ServerUnavailable as error:
            server.remove()
            self._missing[name] = f"{name} is not to be had here: {error}"
            leave_out(self._missing[name])
        return server

    def close(self) -> None:
        """End the servers that this process started, as soon as no other process uses them."""
        if self._own:
            fcntl.flock(self._use, fcntl.LOCK_EX)
            for name, server in self._own.items():
                with self._running(name) as running:
                    running.pop(name, None)
                    server.remove()
        os.close(self._use)

    @contextmanager
    def _running(self, name: str) -> Iterator[dict[str, Running]]:
        """The run's server of this name, if it runs, for this process alone to read and change."""
        file = self._folder / f"{name}.json"
        with file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            running = read_running(file)
            before = dict(running)
            yield running
            if running != before:
                write_running(file, running)
