"""The servers that outlive the command that started them: a file that tells who runs, where."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import msgspec
import psutil

from deploy.servers.process import Server


class Running(msgspec.Struct, frozen=True):
    """A server that was started detached."""

    name: str
    address: str
    pid: int
    started: float  # as the system tells it: with `pid` it names the process beyond doubt
    folder: str
    settings: dict[str, str]

    @classmethod
    def of(cls, server: Server) -> Running:
        assert server.pid is not None
        return cls(
            name=server.name,
            address=server.address,
            pid=server.pid,
            started=psutil.Process(server.pid).create_time(),
            folder=str(server.folder),
            settings=dict(server.settings()),
        )

    @property
    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def stop(self, seconds: float = 30.0) -> None:
        """End it and remove its data."""
        if self.alive:
            os.killpg(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + seconds
            while self.alive and time.monotonic() < deadline:
                time.sleep(0.1)
            if self.alive:
                os.killpg(self.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def read_running(file: Path) -> dict[str, Running]:
    """The servers of a file that are alive, by name. Empty where there is no file."""
    try:
        servers = msgspec.json.decode(file.read_bytes(), type=list[Running])
    except FileNotFoundError:
        return {}
    return {server.name: server for server in servers if server.alive}


def write_running(file: Path, servers: dict[str, Running]) -> None:
    """Replace the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(list(servers.values())), indent=2) + b"\n")
    temporary.replace(file)
