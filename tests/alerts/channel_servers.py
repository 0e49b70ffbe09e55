"""Local servers that answer as the other side of a channel does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Answers:
    """What the server is to answer, in order, the last one for ever; and what it was sent.

    An answer is (HTTP status, body, headers), or a number of seconds to keep silent.
    """

    def __init__(self, *answers: tuple[int, Any, dict[str, str]] | float) -> None:
        self.answers = list(answers)
        self.received: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.paths: list[str] = []
        self.url = ""

    def next(self) -> tuple[int, Any, dict[str, str]] | float:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def answering(*answers: tuple[int, Any, dict[str, str]] | float) -> Iterator[Answers]:
    """A real HTTP server on a free port."""
    state = Answers(*answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            self.answer()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.bodies.append(body)
            state.headers.append(dict(self.headers))
            if "json" in self.headers["Content-Type"]:
                state.received.append(json.loads(body))
            state.paths.append(self.path)
            self.answer()

        def answer(self) -> None:
            answer = state.next()
            if isinstance(answer, int | float):
                time.sleep(answer)
                return
            status, body, headers = answer
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
