"""A WebSub hub on this machine: takes subscriptions, asks back whether they were meant, and pushes."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit


class LocalHub:
    """Keeps what was posted to it in `asked`, and the forms of the subscriptions that were confirmed in `subscribed`.

    `answer` is the status that requests get; `confirms`: it asks back, before it answers.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.subscribed: dict[str, dict[str, str]] = {}
        self.answer = 202
        self.lease = "86400"
        self.confirms = True
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                form = dict(parse_qsl(body.decode()))
                hub.asked.append(form)
                if hub.answer < 300 and hub.confirms:
                    hub.confirm(form)
                self.send_response(hub.answer)
                words = b"not today" if hub.answer >= 400 else b""
                self.send_header("Content-Length", str(len(words)))
                self.end_headers()
                self.wfile.write(words)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def confirm(self, form: dict[str, str], **changed: str) -> tuple[int, bytes]:
        """Ask back whether a request was meant; what is answered to that."""
        query = {
            "hub.mode": form["hub.mode"],
            "hub.topic": form["hub.topic"],
            "hub.challenge": "prove-it",
            "hub.lease_seconds": self.lease,
        }
        query |= {f"hub.{name}": value for name, value in changed.items()}
        status, body = call("GET", f"{form['hub.callback']}?{urlencode(query)}")
        if (status, body) == (200, b"prove-it"):
            if query["hub.mode"] == "subscribe":
                self.subscribed[form["hub.callback"]] = form
            else:
                self.subscribed.pop(form["hub.callback"], None)
        return status, body

    def push(self, body: bytes = b"<rss/>", method: str = "sha256", secret: str | None = None) -> list[int]:
        """Push to all that have subscribed; what each answered."""
        return [
            call(
                "POST",
                callback,
                body,
                {"X-Hub-Signature": f"{method}={signed(body, method, secret or form['hub.secret'])}"},
            )[0]
            for callback, form in self.subscribed.items()
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def signed(body: bytes, method: str, secret: str) -> str:
    known = method if method in hashlib.algorithms_available else "md5"
    return hmac.new(secret.encode(), body, known).hexdigest()


def call(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request(method, f"{parts.path}?{parts.query}", body or None, headers or {})
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found
