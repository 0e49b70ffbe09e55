"""The console as a server: in a thread of `minsheng run`, or as `minsheng console`, there also in several processes.

Whatever several of them must agree on lies in the store: sessions, tries to sign in, repeated requests, webhooks, the
audit log. Only how much a caller of the API may ask, and the numbers for Prometheus, are in memory: the processes of
one machine share them by files in a folder that lives as long as they do.
"""

from __future__ import annotations

import gc
import http.client
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from console.parts import Console
from console.webhooks import run_once
from minsheng.clock import Clock
from minsheng.errors import MinshengError
from minsheng.logs import get_logger
from minsheng.parts import open_index, open_log, open_store
from minsheng.settings import ConsoleSettings, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

log = get_logger(__name__)

START_SECONDS = 120.0
STOP_SECONDS = 10.0
DEAF_SECONDS = 60
"""A process that says nothing for so long is ended, and another one begun; one that begins may take half of it."""
LINE_SECONDS = 75
"""A line on which nothing is asked is closed after it. Longer than proxies keep theirs (nginx: 60 seconds): who closes
first must be who asks, or a form is lost that was sent at that moment."""
WARM_AFTER = 3.0
"""Seconds after the start: the first pages come first."""
WEBHOOK_SECONDS = 5.0
"""Between two looks at what webhooks are to be told."""
MOST_BY_ITSELF = 4
"""Processes that `console.workers = 0` starts at most: each takes some 250 MB."""


def address_of(settings: ConsoleSettings, fallback: str) -> str:
    """How browsers reach the console, without a slash at its end."""
    return (settings.public_url or fallback).rstrip("/")


def workers_of(settings: ConsoleSettings) -> int:
    """How many processes serve the console: by itself one for two processors, which leaves room for the stages."""
    return settings.workers or max(1, min((os.cpu_count() or 1) // 2, MOST_BY_ITSELF))


def worker(settings: Settings, shared: Path) -> FastAPI:
    """The application of one process among several, on parts of its own."""
    from console.app import create_app
    from minsheng.clock import SystemClock
    from minsheng.logs import configure_logs

    configure_logs(settings.logs.level, settings.logs.format)
    clock = SystemClock()
    parts = (open_store(settings), open_index(settings), open_log(settings))
    app = create_app(Console(settings, *parts, clock, shared=shared))
    warm_later(app)
    return app


def warm_later(app: FastAPI) -> threading.Thread:
    """Read in what only some pages need and what takes long: beside the serving, once this has begun, so that nobody
    waits for it, neither at the start nor at the first of these pages.

    What is there then stays for good. The garbage collector went through all of it (250,000 objects, 120 ms) whenever
    pages had left enough behind, and whoever asked for one at that moment waited: it is told to leave that out.
    """

    console: Console = app.state.console

    def warm() -> None:
        if console.stopping.wait(WARM_AFTER):
            return
        began = console.clock.monotonic()
        try:
            app.state.rendering.warm(console.stopping)
            console.answers.warm()
        except MinshengError as error:  # the page itself will say so
            log.warning("console_not_warmed", reason=str(error))
        else:
            log.info("console_warmed", seconds=round(console.clock.monotonic() - began, 2))
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=warm, name="warming", daemon=True)
    thread.start()
    return thread


class ConsoleServer:
    """Serves the console on parts of its own until it is closed. The store's tables must be there.

    Parameters
    ----------
    workers:
        Above 1 as many processes serve it, all on one socket; to be started from the main thread then.

    Raises
    ------
    MinshengError
        Where the port is taken.
    """

    def __init__(
        self, settings: Settings, clock: Clock, *, host: str | None = None, port: int | None = None, workers: int = 1
    ) -> None:
        chosen = settings.console
        self._settings = settings
        self._workers = workers
        self._socket = _listen(host or chosen.host, chosen.port if port is None else port)
        shown = self._socket.getsockname()
        name = f"[{shown[0]}]" if ":" in shown[0] else shown[0]
        self.url = address_of(chosen, f"http://{name}:{shown[1]}")
        self.console = Console(settings, open_store(settings), open_index(settings), open_log(settings), clock)
        self._thread: threading.Thread | None = None
        self._telling: threading.Thread | None = None
        self._warming: threading.Thread | None = None
        self._server: Any = None
        self._shared = tempfile.TemporaryDirectory(prefix="minsheng-console-") if workers > 1 else None

    def first_link(self) -> str | None:
        """The address behind which the first administrator chooses name and password; None where there is one."""
        if not self.console.users.needs_first():
            return None
        return f"{self.url}/link/{self.console.users.make_link(None)}"

    def start(self) -> None:
        """Serve from a thread, or from processes. Returns when browsers are answered."""
        if self._shared is None:
            self._start_thread()
        else:
            self._start_workers(Path(self._shared.name))
        self._telling = threading.Thread(target=self._tell_webhooks, name="webhooks", daemon=True)
        self._telling.start()
        log.info("console_started", url=self.url, workers=self._workers)

    @property
    def serves(self) -> bool:
        """Whether it does; false where every process has ended, which it says in the log."""
        return self._thread is not None and self._thread.is_alive()

    def _options(self) -> dict[str, Any]:
        proxies = list(self._settings.console.proxies)
        return {
            "log_config": None, "access_log": False, "server_header": False, "date_header": True,
            "proxy_headers": bool(proxies), "forwarded_allow_ips": proxies, "timeout_graceful_shutdown": 2,
            "timeout_keep_alive": LINE_SECONDS, "lifespan": "off",
        }  # fmt: skip

    def _start_thread(self) -> None:
        import uvicorn

        from console.app import create_app

        app = create_app(self.console)
        server = uvicorn.Server(uvicorn.Config(app, **self._options()))
        self._server = server
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [self._socket]}, name="console", daemon=True
        )
        self._thread.start()
        self._wait(lambda: bool(server.started), 0.02)
        self._warming = warm_later(app)

    def _start_workers(self, shared: Path) -> None:
        import uvicorn
        from uvicorn.supervisors.multiprocess import SIGNALS, Multiprocess

        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)  # read by the processes when they start
        config = uvicorn.Config(
            partial(worker, self._settings, shared), factory=True, workers=self._workers,
            timeout_worker_healthcheck=DEAF_SECONDS, **self._options(),
        )  # fmt: skip
        # It would take the signals for itself; who started the console decides when it ends.
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        supervisor = Multiprocess(config, [self._socket])
        for number, handler in handlers.items():
            signal.signal(number, handler)
        self._server = supervisor
        self._thread = threading.Thread(target=supervisor.run, name="console", daemon=True)
        self._thread.start()
        self._wait(self._answers, 0.2)

    def _answers(self) -> bool:
        """Whether a process answers yet: the socket takes calls before."""
        host, port = self._socket.getsockname()[:2]
        line = http.client.HTTPConnection(host, port, timeout=2)
        try:
            line.request("GET", "/favicon.ico")
            return line.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def _wait(self, ready: Callable[[], bool], pause: float) -> None:
        assert self._thread is not None
        waited = threading.Event()
        for _ in range(int(START_SECONDS / pause)):
            if ready():
                return
            if not self._thread.is_alive():
                break
            waited.wait(pause)
        raise MinshengError("the console did not start", "the reason stands above")

    def _tell_webhooks(self) -> None:
        console = self.console
        rounds = 0
        while not console.stopping.wait(WEBHOOK_SECONDS):
            run_once(console.webhooks, console.view_of, tidy=rounds % 1_000 == 0)
            rounds += 1

    def close(self) -> None:
        self.console.stopping.set()
        if self._thread is not None:
            if self._shared is None:
                self._server.should_exit = True
            else:
                self._server.should_exit.set()
            self._thread.join(STOP_SECONDS)
        for one in (self._telling, self._warming):
            if one is not None:
                one.join(STOP_SECONDS)
        gc.unfreeze()  # who goes on without a console gets back what it held
        self._socket.close()
        if self._shared is not None:
            os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # what is served next here has no such folder
            self._shared.cleanup()
        self.console.log.close()
        self.console.index.close()
        self.console.store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # Named, or asyncio does not switch Nagle's algorithm off: small pages would wait 40 ms for the browser's ACK.
        opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(place)
            opened.listen(128)
        except OSError:
            opened.close()
            raise
    except OSError as error:
        raise MinshengError(
            f"the console can't listen on {host}:{port}: {error.strerror or error}",
            "choose another port: console.port in the settings, or minsheng console --port",
        ) from error
    return opened
