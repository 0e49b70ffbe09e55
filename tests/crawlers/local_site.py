"""A small web server for crawls: pages by path, what was asked for, and bad manners on request."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote


class Asked(NamedTuple):
    path: str
    headers: dict[str, str]
    status: int
    body: bytes = b""
    at: float = 0.0  # of the monotonic clock


class Served(NamedTuple):
    body: bytes
    media_type: str = "text/html; charset=utf-8"
    status: int = 200
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()


class LocalSite:
    """Serves `pages`, each with an ETag of its body; keeps every request in `asked`."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.pages: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.answer(self)

            do_POST = do_GET  # noqa: N815 - the base class's name

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, port), Handler)
        self._server.daemon_threads = True
        self._closing = threading.Event()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.port = self._server.server_address[1]
        self.url = f"http://{address}:{self._server.server_address[1]}"

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._counting:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._counting:
                self._at_once -= 1

    def put(self, path: str, body: str | bytes, **served: object) -> None:
        raw = body.encode() if isinstance(body, str) else body
        self.pages[path] = Served(raw, **served)  # type: ignore[arg-type]

    def paths(self, *, since: int = 0, status: int | None = None) -> list[str]:
        """What was asked for, robots.txt apart."""
        return [
            asked.path
            for asked in self.asked[since:]
            if asked.path != "/robots.txt" and (status is None or asked.status == status)
        ]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        served = self.pages.get(unquote(handler.path), Served(b"not here", status=404))
        tag = f'"{hashlib.sha256(served.body).hexdigest()[:16]}"'
        known = served.status == 200 and handler.headers.get("If-None-Match") == tag
        status = 304 if known else served.status
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.asked.append(Asked(unquote(handler.path), dict(handler.headers), status, body, time.monotonic()))
        # Counted until the answer begins: its reader may ask again before this thread is done.
        with self.counted():
            self._closing.wait(served.seconds)
        try:
            handler.send_response(status)
            handler.send_header("ETag", tag)
            for name, value in served.headers:
                handler.send_header(name, value)
            if not known:
                handler.send_header("Content-Type", served.media_type)
                handler.send_header("Content-Length", str(len(served.body)))
            handler.end_headers()
            if not known:
                handler.wfile.write(served.body)
        except OSError:
            pass  # the crawler hung up, as it should on what is too large or too slow

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


def wait_until(condition: object, seconds: float = 90.0) -> None:
    """Wait for a condition of another thread or process; fail where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
