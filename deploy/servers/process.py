"""One server process: started on a port of its own, waited for, paused, killed, started again, stopped."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from minsheng.errors import MinshengError

HOST = "127.0.0.1"
# Below the range that the system takes ports for outgoing connections from, so that a server which was stopped finds
# its port still free when it comes back.
PORTS = range(20_000, 32_000)


class ServerUnavailable(MinshengError):
    """A development server can't be started here: something is missing, or it did not come up."""


class Server(ABC):
    """A real server, on loopback, with its data in a folder of its own.

    It starts with `start` and ends with `stop`, at the end of this program at the latest (unless `detached`); ports and
    data stay the same from one start to the next.

    Parameters
    ----------
    cache:
        Where jars and other downloads are kept between runs.
    folder:
        Data, configuration and log; default: a new temporary folder, removed by `remove`.
    detached:
        Let the server outlive this program.
    """

    name: str
    startup_seconds = 90.0
    stop_seconds = 30.0
    stop_signal = signal.SIGTERM
    account: str | None = None  # whose rights it runs with; default: ours
    short_lived = False  # set before the start: a Java server starts in half the time and never works at its full speed

    def __init__(self, cache: Path, folder: Path | None = None, *, detached: bool = False) -> None:
        self.cache = cache
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"minsheng-{self.name}-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.detached = detached
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    @property
    @abstractmethod
    def address(self) -> str:
        """How a client reaches it."""

    @classmethod
    @abstractmethod
    def fetch(cls, cache: Path) -> None:
        """Fetch what it runs from into the cache, where it is not there yet."""

    @abstractmethod
    def prepare(self) -> None:
        """Lay out what the first start needs."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it does its work now. May raise while it does not."""

    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """The environment variables that point Minsheng at it."""

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises
        ------
        ServerUnavailable
            With the end of its log.
        """
        if self.pid is not None:
            return
        if not self._prepared:
            self.prepare()
            self._prepared = True
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_dies_with_us(self.detached), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
                user=self.account,
                group=self.account,
                extra_groups=[] if self.account else None,
            )
        if not self.detached:
            atexit.register(self.kill)
        self.wait()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it answers."""
        limit = seconds or self.startup_seconds
        deadline = time.monotonic() + limit
        why = "it does not work yet"
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise ServerUnavailable(f"{self.name} ended with code {self._process.returncode}:\n{self.log_tail()}")
            try:
                if self._listens() and self.answers():
                    return
            except Exception as error:  # each client has its own errors for "not yet"
                why = f"{type(error).__name__}: {error}"
            time.sleep(0.1)
        tail = self.log_tail()
        self.kill()
        raise ServerUnavailable(f"{self.name} did not answer within {limit:.0f} s ({why}):\n{tail}")

    def stop(self) -> None:
        """Ask it to end; kill it if it does not."""
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        self._signal(self.stop_signal)
        try:
            self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._ended()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._ended()

    def pause(self) -> None:
        """Stop it from running without ending it: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again after `pause`."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self, lines: int = 25) -> str:
        """The last lines that it wrote."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:]) or "(its log is empty)"

    def _listens(self) -> bool:
        with socket.create_connection((HOST, self.port), timeout=1):
            return True

    def _signal(self, number: int) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return

    def _ended(self) -> None:
        self._process = None
        atexit.unregister(self.kill)


def free_port() -> int:
    """A port of `PORTS` that nobody listens on."""
    for _ in range(200):
        port = random.choice(PORTS)  # noqa: S311
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise ServerUnavailable(f"no free port between {PORTS.start} and {PORTS.stop}")


def run_tool(command: Sequence[str], purpose: str, *, account: str | None = None, **options: object) -> str:
    """Run a program to its end and give what it printed. Raises `ServerUnavailable` with its output if it fails."""
    done = subprocess.run(  # type: ignore[call-overload]
        command,
        capture_output=True,
        text=True,
        user=account,
        group=account,
        extra_groups=[] if account else None,
        **options,
    )
    if done.returncode:
        output = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ServerUnavailable(f"{purpose} failed ({command[0]}, code {done.returncode}):\n{output}")
    return str(done.stdout)


def _dies_with_us(detached: bool) -> list[str]:
    """A prefix that has the system kill the server when this program is killed and can't clean up.

    The system watches the thread that started the process, so only the main thread, which lives to the end, may ask
    for it.
    """
    setpriv = shutil.which("setpriv")
    if detached or setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "KILL"]
