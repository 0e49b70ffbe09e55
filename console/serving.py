"""The console as a server, in a thread of `minsheng run` or as `minsheng console`."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

from console.parts import Console
from console.webhooks import run_once
from minsheng.clock import Clock
from minsheng.errors import MinshengError
from minsheng.logs import get_logger
from minsheng.parts import open_index, open_log, open_store
from minsheng.settings import ConsoleSettings, Settings

log = get_logger(__name__)

START_SECONDS = 30.0
STOP_SECONDS = 10.0
WEBHOOK_SECONDS = 5.0
"""Between two looks at what webhooks are to be told."""


def address_of(settings: ConsoleSettings, fallback: str) -> str:
    """How browsers reach the console, without a slash at its end."""
    return (settings.public_url or fallback).rstrip("/")


class ConsoleServer:
    """Serves the console on parts of its own until it is closed. The store's tables must be there.

    Raises
    ------
    MinshengError
        Where the port is taken.
    """

    def __init__(self, settings: Settings, clock: Clock, *, host: str | None = None, port: int | None = None) -> None:
        chosen = settings.console
        self._settings = settings
        self._socket = _listen(host or chosen.host, chosen.port if port is None else port)
        shown = self._socket.getsockname()
        name = f"[{shown[0]}]" if ":" in shown[0] else shown[0]
        self.url = address_of(chosen, f"http://{name}:{shown[1]}")
        self.console = Console(settings, open_store(settings), open_index(settings), open_log(settings), clock)
        self._thread: threading.Thread | None = None
        self._telling: threading.Thread | None = None
        self._server: object | None = None

    def first_link(self) -> str | None:
        """The address behind which the first administrator chooses name and password; None where there is one."""
        if not self.console.users.needs_first():
            return None
        return f"{self.url}/link/{self.console.users.make_link(None)}"

    def start(self) -> None:
        """Serve from a thread. Returns when browsers are answered."""
        import uvicorn

        from console.app import create_app

        proxies = list(self._settings.console.proxies)
        config = uvicorn.Config(
            create_app(self.console), log_config=None, access_log=False, server_header=False, date_header=True,
            proxy_headers=bool(proxies), forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=2, lifespan="off",
        )  # fmt: skip
        server = uvicorn.Server(config)
        self._server = server
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [self._socket]}, name="console", daemon=True
        )
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_SECONDS / 0.02)):
            if server.started or not self._thread.is_alive():
                break
            waited.wait(0.02)
        if not server.started:
            raise MinshengError("the console did not start", "the reason stands above")
        self._telling = threading.Thread(target=self._tell_webhooks, name="webhooks", daemon=True)
        self._telling.start()
        log.info("console_started", url=self.url)

    def _tell_webhooks(self) -> None:
        console = self.console
        rounds = 0
        while not console.stopping.wait(WEBHOOK_SECONDS):
            run_once(console.webhooks, console.view_of, tidy=rounds % 1_000 == 0)
            rounds += 1

    def close(self) -> None:
        self.console.stopping.set()
        if self._thread is not None:
            self._server.should_exit = True  # type: ignore[union-attr]
            self._thread.join(STOP_SECONDS)
        if self._telling is not None:
            self._telling.join(STOP_SECONDS)
        self._socket.close()
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
        opened = socket.socket(family, socket.SOCK_STREAM)
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
