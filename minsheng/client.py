"""A thin client for the console's API.

    from minsheng.client import Client

    with Client("https://minsheng.example.gov.cn", token) as api:
        for ticket in api.pages("/tickets", level="red"):
            print(ticket["number"], ticket["title"])
        read = api.get("/policies/heating")
        api.put("/policies/heating", {**read.value, "aliases": ["供暖新规"]}, seen=read)

Paths and fields are those of `docs/reference/api.md`; values are what JSON gives. What it adds: the token, paging,
versions (`seen`), idempotency keys, waiting where the server asks for it, and problems as exceptions.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import msgspec
import urllib3

from minsheng.errors import MinshengError, Unavailable

PREFIX = "/api/v1"
TRIES = 4
LONGEST_WAIT = 60.0
"""Seconds that it waits before it tries again, whatever the server says."""
_AGAIN = (429, 502, 503, 504)


class ApiProblem(MinshengError):
    """The API has refused a request.

    Attributes
    ----------
    kind:
        `not-found`, `invalid`, `precondition-failed` and so on; the statuses are in the API's reference.
    status:
        Of the answer.
    body:
        The whole problem, with `errors` where single fields are wrong.
    """

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("detail") or body.get("title") or f"HTTP {status}"), str(body.get("hint", "")))
        self.kind = str(body.get("type", "")).rpartition(":")[2]
        self.status = status
        self.body = dict(body)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`value`: the JSON; `version`: its ETag, to be sent with a change; `status`: of the answer."""

    value: Any
    version: str
    status: int


class Client:
    """Talks to one console. Safe to use from several threads.

    Parameters
    ----------
    url:
        Of the console, e.g. `https://minsheng.example.gov.cn`.
    token:
        As `minsheng tokens add` prints it.
    timeout:
        Seconds for one answer.
    ca_file:
        Certificates to trust, where the console's is signed by one's own authority; None: the system's.
    wait:
        Pauses between tries: `time.sleep`, or a test's.

    Raises
    ------
    ValueError
        The address is none.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 30.0,
        ca_file: str | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"'{url}' is no address: write https://...")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._wait = wait
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=4, ca_certs=ca_file)

    def get(self, path: str, **query: Any) -> Answer:
        """Read. `query`: a list is sent as the same key several times; None is left out.

        Raises
        ------
        ApiProblem
            It was refused.
        Unavailable
            The console can't be reached, also after some tries.
        """
        return self._ask("GET", path, query=query)

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """The entries of a list, over all its pages. Raises as `get`."""
        cursor: str | None = None
        while True:
            page = self.get(path, **{**query, **({"cursor": cursor} if cursor else {})}).value
            yield from page["items"]
            cursor = page.get("next")
            if not cursor:
                return

    def post(self, path: str, body: Any = None, *, seen: Answer | str | None = None, key: str | None = None) -> Answer:
        """Do something, once: where an answer is lost, the same request is sent again with the same key.

        Parameters
        ----------
        seen:
            What was read before, or its version: refused with `precondition-failed` where it was changed since.
        key:
            The Idempotency-Key; None: one of its own. A program that may be started anew keeps it with its work.
        """
        return self._write("POST", path, body, seen, key)

    def put(self, path: str, body: Any, *, seen: Answer | str | None = None, key: str | None = None) -> Answer:
        """Replace something; parameters as those of `post`."""
        return self._write("PUT", path, body, seen, key)

    def patch(self, path: str, body: Any, *, seen: Answer | str | None = None, key: str | None = None) -> Answer:
        """Change a part of something; parameters as those of `post`."""
        return self._write("PATCH", path, body, seen, key)

    def delete(self, path: str, *, seen: Answer | str | None = None, key: str | None = None) -> Answer:
        """Take something away; parameters as those of `post`."""
        return self._write("DELETE", path, None, seen, key)

    def close(self) -> None:
        self._pool.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, method: str, path: str, body: Any, seen: Answer | str | None, key: str | None) -> Answer:
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        if seen is not None:
            headers["If-Match"] = seen.version if isinstance(seen, Answer) else seen
        return self._ask(method, path, body=body, headers=headers)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        if not path.startswith("/"):
            raise ValueError(f"'{path}' is no path of the API: write /tickets")
        pairs = [(name, _text(one)) for name, value in (query or {}).items() for one in _many(value)]
        encoded = urlencode(pairs) if pairs else ""
        url = f"{self._url}{PREFIX}{path}{'?' if encoded else ''}{encoded}"
        sent = {
            **self._headers,
            **(headers or {}),
            **({"Content-Type": "application/json"} if body is not None else {}),
        }
        content = msgspec.json.encode(body) if body is not None else None
        pause = 1.0
        for tried in range(1, TRIES + 1):
            try:
                answer = self._pool.request(method, url, body=content, headers=sent, redirect=False)
            except urllib3.exceptions.HTTPError as error:
                if tried == TRIES:
                    raise Unavailable("console", f"{self._url}: {type(error).__name__}") from error
            else:
                found = _problem_or_value(answer)
                kind = str(found.get("type", "")) if isinstance(found, dict) else ""
                again = answer.status in _AGAIN or kind.endswith(":in-progress")
                if 200 <= answer.status < 300:
                    return Answer(value=found, version=answer.headers.get("ETag", ""), status=answer.status)
                if not again or tried == TRIES:
                    raise ApiProblem(answer.status, found if isinstance(found, dict) else {})
                asked = answer.headers.get("Retry-After", "")
                pause = max(pause, float(asked)) if asked.isascii() and asked.isdecimal() else pause
            self._wait(min(pause, LONGEST_WAIT))
            pause *= 2
        raise AssertionError("unreachable")


def _problem_or_value(answer: urllib3.BaseHTTPResponse) -> Any:
    if not answer.data:
        return None
    try:
        return msgspec.json.decode(answer.data)
    except msgspec.DecodeError:
        return {"title": f"HTTP {answer.status}, which is no answer of the API"}


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
