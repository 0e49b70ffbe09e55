"""The small endpoint behind links in notices, served by the alert service: a page to read, and one button.

Reading a link acknowledges nothing: chat services fetch links by themselves to show a preview. Only the button does.
"""

from __future__ import annotations

import html
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from alerts.levels import CHINESE
from alerts.notify.answering import OUTDATED, Answers, Shown
from alerts.notify.links import PATH
from minsheng.clock import CHINA
from minsheng.errors import BadInput, Unavailable, WrongSettings
from minsheng.logs import get_logger

log = get_logger(__name__)

_LONGEST_FORM = 2_000
_PATIENCE = 15.0
"""Seconds that a client may take to send the next part of a request."""
_AT_ONCE = 16
"""Requests under way at a time; more are asked to wait."""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_STYLE = (
    "body{font:18px/1.6 sans-serif;margin:0 auto;max-width:40em;padding:1em;color:#111;background:#fff}"
    "h1{font-size:1.2em}button{font-size:1.2em;padding:.6em 2em;width:100%;background:#0b57d0;color:#fff;border:0;"
    "border-radius:.3em}input{font-size:1em;padding:.5em;width:100%;box-sizing:border-box;margin:.5em 0}"
    ".done{border-left:.3em solid #146c2e;padding-left:.8em}.wrong{border-left:.3em solid #b3261e;padding-left:.8em}"
)


class AnswerServer:
    """Serves links from threads of this process until closed.

    Parameters
    ----------
    listen:
        Address and port, e.g. `127.0.0.1:8646`; port 0 takes any free one.

    Raises
    ------
    WrongSettings
        If the address can't be used.
    """

    def __init__(self, answers: Answers, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        try:
            self._server = _Server((host.strip("[]") or "127.0.0.1", int(port)), answers)
        except (OSError, OverflowError) as error:
            raise WrongSettings(f"notify.answer_listen: {listen} can't be used: {error}") from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="answers", daemon=True)

    def start(self) -> None:
        self._thread.start()
        log.info("answers_served", port=self.port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answers: Answers) -> None:
        self.answers = answers
        self.slots = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._send(HTTPStatus.OK, "ok")
            return
        self._answer(lambda token: page(self.server.answers.show(token)))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal() or int(length) > _LONGEST_FORM:
            self.close_connection = True
            self._send(HTTPStatus.BAD_REQUEST, refusal("请求过长"))
            return
        form = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        name = form.get("name", [""])[0]
        self._answer(lambda token: page(self.server.answers.acknowledge(token, name)))

    def _answer(self, made: object) -> None:
        path = self.path.partition("?")[0]
        if not path.startswith(PATH):
            self._send(HTTPStatus.NOT_FOUND, refusal("没有这个页面"))
            return
        if not self.server.slots.acquire(blocking=False):
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, refusal("访问过多，请稍后再试"))
            return
        try:
            self._send(HTTPStatus.OK, made(path.removeprefix(PATH)))  # type: ignore[operator]
        except BadInput as error:
            self._send(HTTPStatus.FORBIDDEN, refusal(error.message, error.hint))
        except Unavailable as error:
            log.warning("waiting", reason=str(error))
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, refusal("系统暂时不可用，请稍后再试"))
        finally:
            self.server.slots.release()

    def _send(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the base class looks for it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        # The path is the link itself: it is not logged.
        pass


def page(shown: Shown) -> str:
    """What is behind a link, as HTML that needs no script. Every text is escaped: titles come from outside."""
    notice = shown.notice
    lines = [f"等级：{CHINESE.get(notice.level, notice.level)}", f"工单：{shown.ticket}", *notice.lines]
    body = [f"<h1>{html.escape(notice.subject)}</h1>", *(f"<p>{html.escape(line)}</p>" for line in lines)]
    if shown.closed_at is not None:
        body.append('<p class="done">工单已办结，无需签收。</p>')
    elif shown.acknowledged_at is not None:
        at = shown.acknowledged_at.astimezone(CHINA)
        body.append(f'<p class="done">已签收（{at:%m月%d日 %H:%M}）。</p>')
    elif shown.outdated:
        body.append(f'<p class="wrong">{OUTDATED}，请从新的通知中签收。</p>')
    else:
        asked = "" if shown.person else '<label>您的姓名<input name="name" maxlength="20" autocomplete="name"></label>'
        who = f"<p>签收人：{html.escape(shown.person)}</p>" if shown.person else ""
        body.append(f'{who}<form method="post">{asked}<button type="submit">签收</button></form>')
    return _whole("".join(body))


def refusal(what: str, hint: str = "") -> str:
    """A page that says what is wrong and what to do."""
    return _whole(f'<p class="wrong">{html.escape(what)}</p>' + (f"<p>{html.escape(hint)}</p>" if hint else ""))


def _whole(body: str) -> str:
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>民声·签收</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{body}</body></html>"
    )
