"""The doors for what comes by itself: an HTTP endpoint for deliveries and for hubs' calls, and a topic of the log."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from crawlers.delivery import Answer, Receiver
from crawlers.inflate import inflated
from crawlers.privacy import AuthorKeys, author_keys, mask, mask_names
from crawlers.websub.callback import Callback
from crawlers.websub.subscriptions import PATH as HUB_PATH
from minsheng.clock import Clock
from minsheng.errors import BadInput, Unavailable, WrongSettings, WrongUse
from minsheng.logs import get_logger
from minsheng.settings import ReceiveSettings, Settings
from stream.dead_letters import dead_letter, dead_letter_message
from stream.log import ANSWERS, DELIVERIES, Log, Message, Partition, Received

log = get_logger(__name__)

PATH = "/v1/documents"
STAGE = "receive"
"""The topic reader's consumer group, and the stage that its dead letters name."""
KEPT = timedelta(days=1)
PRUNE_EVERY = 3600.0
"""Seconds between two removals of deliveries that were read longer ago than `KEPT`."""
AT_ONCE = 16
"""Deliveries under way at a time; more are asked to wait."""
MOST_CLIENTS = 256
"""Connections open at a time; more are closed at once."""
PATIENCE = 30.0
"""Seconds that a client may take to send the next part of a request."""
PART = 65_536
"""Bytes of a push that are read at a time."""
_TOKEN = re.compile(rf"({re.escape(HUB_PATH)})[^\s?\"]+")


class Door:
    """Which collector a token is for. Tokens are compared by their hashes, in a time that tells nothing of them."""

    def __init__(self, settings: ReceiveSettings) -> None:
        self._by_hash: dict[bytes, str] = {}
        for collector in settings.collectors:
            token = collector.token.reveal()
            if len(token) < 16:
                raise WrongSettings(f"the token of {collector.source} is too short", "give it at least 16 characters")
            self._by_hash[hashlib.sha256(token.encode()).digest()] = collector.source
        if len(self._by_hash) != len(settings.collectors):
            raise WrongSettings("two collectors have one token", "give each its own")
        self.sources = frozenset(self._by_hash.values())

    def source_of(self, header: str | None) -> str | None:
        """The source that an Authorization header may deliver for; None where it is nobody's."""
        scheme, _, token = (header or "").partition(" ")
        hashed = hashlib.sha256(token.strip().encode("utf-8", "replace")).digest()
        found = None
        for known, source in self._by_hash.items():
            if hmac.compare_digest(known, hashed):
                found = source
        return found if scheme.lower() == "bearer" else None


class DeliveryServer:
    """The HTTP endpoint, served from threads of this process until closed.

    `POST /v1/documents` with `Authorization: Bearer TOKEN` and a JSON list of items, or an object with `items`, at most
    `receive.max_items`, gzipped or not. Answers:

    - 200 with `answers`, one for each item, also where some or all were refused;
    - 400 where the body is no such list, 401 without a known token, 411 without a length, 413 where it is too large;
    - 503 with `Retry-After` where the log can't be reached now or too many deliver at once: send it again.

    `/v1/websub/TOKEN` is what feeds' hubs call, where there is a `callback`; see `crawlers.websub`.
    """

    def __init__(self, receiver: Receiver, settings: ReceiveSettings, callback: Callback | None = None) -> None:
        self._receiver = receiver
        self.callback = callback
        self._settings = settings
        self._door = Door(settings)
        # Hubs call from the open network: however slow they are, deliveries have places of their own.
        self.slots = threading.BoundedSemaphore(AT_ONCE)
        self.hub_slots = threading.BoundedSemaphore(AT_ONCE)
        try:
            self._server = _Server((settings.host, settings.port), self)
        except OSError as error:
            raise WrongUse(
                f"port {settings.port} of {settings.host} can't be used: {error.strerror}", "set receive.port"
            ) from error
        self.url = f"http://{settings.host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="deliveries", daemon=True)

    def start(self) -> None:
        self._thread.start()
        log.info("deliveries_open", url=self.url, sources=sorted(self._door.sources), hubs=self.callback is not None)

    def close(self) -> None:
        """End; deliveries under way are answered."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def source_of(self, header: str | None) -> str | None:
        """The source that an Authorization header may deliver for; None where it is nobody's."""
        return self._door.source_of(header)

    def answer(self, source: str, body: bytes) -> tuple[HTTPStatus, dict[str, Any], dict[str, str]]:
        """Status, answer and headers for a delivery."""
        try:
            items = self._items(body)
            answers = self._receiver.deliver(source, items)
        except BadInput as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}, {}
        except Unavailable as error:
            log.warning("waiting", reason=str(error))
            return (
                HTTPStatus.SERVICE_UNAVAILABLE,
                {"error": "not to be stored now: send it again"},
                {"Retry-After": "5"},
            )
        log.info("delivered", source=source, items=len(answers), refused=_refused(answers))
        return HTTPStatus.OK, {"source": source, "answers": answers}, {}

    def _items(self, body: bytes) -> list[Any]:
        opened = inflated(body, "the delivery", self._settings.max_body)
        try:
            value = msgspec.json.decode(opened)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadInput(f"the body is no JSON: {error}") from error
        items = value.get("items") if isinstance(value, dict) else value
        if not isinstance(items, list):
            raise BadInput("the body is no list of items", 'send [...] or {"items": [...]}')
        if len(items) > self._settings.max_items:
            raise BadInput(f"{len(items)} items are too many", f"send at most {self._settings.max_items} at a time")
        return items

    @property
    def max_body(self) -> int:
        return self._settings.max_body


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], owner: DeliveryServer) -> None:
        self.owner = owner
        self._clients = threading.BoundedSemaphore(MOST_CLIENTS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._clients.acquire(blocking=False):
            try:
                super().process_request(request, client_address)
            except BaseException:
                # No thread was to be had: nobody else gives the place back.
                self._clients.release()
                raise
        else:
            log.warning("too_many_clients", most=MOST_CLIENTS)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._clients.release()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server: _Server

    def do_GET(self) -> None:
        if self.path.startswith(HUB_PATH) and self.server.owner.callback is not None:
            self._verify(self.server.owner.callback)
        elif self.path == "/healthz":
            self._send(HTTPStatus.OK, {"ok": True}, {})
        else:
            self._send(HTTPStatus.NOT_FOUND, {"error": f"deliver to POST {PATH}"}, {})

    def do_POST(self) -> None:
        if self.path.startswith(HUB_PATH) and self.server.owner.callback is not None:
            self._pushed(self.server.owner.callback)
            return
        if self.path.partition("?")[0] != PATH:
            self._refuse(HTTPStatus.NOT_FOUND, f"deliver to POST {PATH}")
            return
        owner = self.server.owner
        # Before anything of the body is read: nobody fills the memory who may not deliver.
        source = owner.source_of(self.headers.get("Authorization"))
        if source is None:
            self._refuse(HTTPStatus.UNAUTHORIZED, "no known token", {"WWW-Authenticate": "Bearer"})
            return
        with self._turn(owner.slots) as length:
            if length is not None:
                self._send(*owner.answer(source, self.rfile.read(length)))

    @contextmanager
    def _turn(self, slots: threading.BoundedSemaphore) -> Iterator[int | None]:
        """How many bytes are to be read while the block lasts; None where the request was refused instead."""
        owner = self.server.owner
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "say the length: Content-Length")
            yield None
        elif len(length) > 12 or int(length) > owner.max_body:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {owner.max_body:,} bytes")
            yield None
        elif not slots.acquire(blocking=False):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many deliveries at once", {"Retry-After": "1"})
            yield None
        else:
            try:
                yield int(length)
            finally:
                slots.release()

    def _verify(self, callback: Callback) -> None:
        path, _, query = self.path.partition("?")
        try:
            status, body = callback.verify(path.removeprefix(HUB_PATH), dict(parse_qsl(query, max_num_fields=50)))
        except ValueError:
            status, body = HTTPStatus.BAD_REQUEST, b""
        except Unavailable as error:
            self._wait(error)
            return
        # The challenge is the hub's: a browser that is led here must take it for nothing but text.
        self._answer(status, body, {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"})

    def _pushed(self, callback: Callback) -> None:
        with self._turn(self.server.owner.hub_slots) as length:
            if length is None:
                return
            token = self.path.partition("?")[0].removeprefix(HUB_PATH)
            body = self._parts(length)
            try:
                status = callback.push(token, self.headers.get("X-Hub-Signature") or "", body)
            except Unavailable as error:
                self._wait(error)
                return
            # What is left of the body would be taken for the next request.
            self.close_connection = self.close_connection or any(body)
            self._answer(status, b"", {"Connection": "close"} if self.close_connection else {})

    def _parts(self, length: int) -> Iterator[bytes]:
        left = length
        while left > 0 and (part := self.rfile.read(min(left, PART))):
            left -= len(part)
            yield part

    def _wait(self, error: Unavailable) -> None:
        log.warning("waiting", reason=str(error))
        self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "not to be stored now: call again", {"Retry-After": "5"})

    def _refuse(self, status: HTTPStatus, error: str, headers: Mapping[str, str] | None = None) -> None:
        """The body is not read: the connection can't be used on."""
        self.close_connection = True
        self._send(status, {"error": error}, {"Connection": "close", **(headers or {})})

    def _send(self, status: HTTPStatus, answer: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self._answer(status, msgspec.json.encode(answer), {"Content-Type": "application/json", **headers})

    def _answer(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        log.debug("delivery_request", request=_TOKEN.sub(r"\1***", format % args))


class TopicReader:
    """Reads deliveries from a topic: each message is one item with its `source`, which must be a known collector.

    Answers go to the topic of answers, under the item's id; what can't be used goes to the dead letters, too. Read
    positions are committed when both are stored.
    """

    def __init__(self, receiver: Receiver, settings: ReceiveSettings, log: Log, clock: Clock) -> None:
        self._receiver = receiver
        self._sources = Door(settings).sources
        self._log = log
        self._clock = clock

    def run(self, stop: threading.Event, *, until_empty: bool = False) -> int:
        """Read until told to stop, or until nothing is left. Returns how many messages were handled."""
        handled, pruned = 0, float("-inf")
        self._patiently(lambda: self._log.ensure_topics({DELIVERIES: 1, ANSWERS: 1}), stop)
        consumer, producer = self._log.consumer([DELIVERIES], STAGE), self._log.producer()
        try:
            while not stop.is_set():
                batch = self._patiently(lambda: consumer.poll(500, 0.5), stop) or []
                if not batch:
                    # All is read: what was delivered is on the road by now, and here it still names persons.
                    if self._clock.monotonic() - pruned >= PRUNE_EVERY:
                        oldest = int((self._clock.now() - KEPT).timestamp() * 1000)
                        self._patiently(lambda oldest=oldest: self._log.retain(DELIVERIES, older_than_ms=oldest), stop)
                        pruned = self._clock.monotonic()
                    if until_empty:
                        break
                    continue
                outputs = self._patiently(lambda batch=batch: self._handle(batch), stop)
                if outputs is None:
                    break
                self._patiently(lambda outputs=outputs: producer.send(outputs), stop)
                ends = {Partition(one.topic, one.partition): one.offset + 1 for one in batch}
                if not stop.is_set():
                    self._patiently(lambda ends=ends: consumer.commit(ends), stop)
                handled += len(batch)
        finally:
            consumer.close()
            producer.close()
        return handled

    def _handle(self, batch: list[Received]) -> list[Message]:
        """The answers to a batch, and its dead letters."""
        outputs: list[Message] = []
        by_source: dict[str, list[tuple[Received, Any]]] = {}
        for message in batch:
            try:
                value = msgspec.json.decode(message.value)
                source = value.pop("source", None) if isinstance(value, dict) else None
                if not isinstance(source, str) or source not in self._sources:
                    raise BadInput(
                        f"`source` is no known collector: {str(source)[:100]}", "add it to receive.collectors"
                    )
                by_source.setdefault(source, []).append((message, value))
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, BadInput) as error:
                outputs += self._answered(message, Answer(place=0, status="refused", reason=str(error)))
        for source, pairs in by_source.items():
            answers = self._receiver.deliver(source, [value for _, value in pairs])
            for (message, _), answer in zip(pairs, answers, strict=True):
                outputs += self._answered(message, msgspec.structs.replace(answer, place=0))
        return outputs

    def _answered(self, message: Received, answer: Answer) -> list[Message]:
        said = [Message(ANSWERS, answer.id or message.key or "", msgspec.json.encode(answer))]
        if answer.status == "refused":
            named = self._receiver.authors().named
            kept = _without_persons(message, lambda text: mask_names(mask(text), named))
            letter = dead_letter(STAGE, kept, answer.reason, self._clock.now())
            said.append(dead_letter_message(letter))
        return said

    def _patiently(self, action: Any, stop: threading.Event) -> Any:
        """The action's result, as soon as what it needs can be reached; None where told to stop meanwhile."""
        pause = 0.5
        while not stop.is_set():
            try:
                return action()
            except Unavailable as error:
                log.warning("waiting", reason=str(error), seconds=pause)
                stop.wait(pause)
                pause = min(pause * 2, 30.0)
        return None


def keys_of_the_moment(settings: Settings, clock: Clock) -> Callable[[], AuthorKeys]:
    """What reads the keys, and the accounts that keep their names, anew each time.

    Where they can't be read any more, it raises `Unavailable`: what is delivered meanwhile is delivered again later.
    """

    def keys() -> AuthorKeys:
        try:
            return author_keys(settings, clock.now())
        except WrongSettings as error:
            raise Unavailable("author keys", error.message, error.hint) from error

    return keys


def _without_persons(message: Received, private: Callable[[str], str]) -> Received:
    """The message as it may be kept: dead letters are read by people, and stay."""
    try:
        value = msgspec.json.decode(message.value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return message._replace(value=private(message.value.decode("utf-8", "replace")).encode())
    if isinstance(value, dict):
        value.pop("author", None)
    return message._replace(value=msgspec.json.encode(_words(value, private)))


def _words(value: Any, private: Callable[[str], str]) -> Any:
    """The same value with each text in it made private; names of fields stay as they are."""
    if isinstance(value, str):
        return private(value)
    if isinstance(value, int) and not isinstance(value, bool):
        # A telephone number may be sent as one.
        return value if (kept := private(str(value))) == str(value) else kept
    if isinstance(value, list):
        return [_words(one, private) for one in value]
    if isinstance(value, dict):
        return {key: _words(one, private) for key, one in value.items()}
    return value


def _refused(answers: list[Answer]) -> int:
    return sum(answer.status == "refused" for answer in answers)
