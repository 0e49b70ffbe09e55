"""The sample site's hub (WebSub): takes subscriptions to its feeds, asks back, and pushes what is new.

It calls programs of this machine only: whoever may subscribe must not have it call others.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Event, Lock, Thread
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from minsheng.clock import Clock
from minsheng.logs import get_logger

log = get_logger(__name__)

PATH = "/hub"
LEASE = timedelta(hours=1)
"""What is granted, however long was asked for: short, so that a renewal can be watched."""
LOOK_EVERY = 0.5
"""Seconds between two looks whether a feed has something new."""
PATIENCE = 10.0
"""Seconds that a subscriber may take to answer."""


class Feed(NamedTuple):
    """A feed as it is now, and when the newest in it appeared."""

    body: bytes
    media_type: str
    newest: datetime | None


class _Subscription(NamedTuple):
    topic: str
    secret: str
    until: datetime
    seen: datetime | None


class Hub:
    """Keeps subscriptions in memory, and calls from threads of its own between `start` and `stop`.

    Parameters
    ----------
    feed:
        Gives the feed at an address; None where there is none.
    """

    def __init__(self, clock: Clock, feed: Callable[[str], Feed | None]) -> None:
        self._clock = clock
        self._feed = feed
        self._subscriptions: dict[str, _Subscription] = {}
        self._lock = Lock()
        self._stopped = Event()
        self._watch = Thread(target=self._push_news, name="sample-hub", daemon=True)

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        self._stopped.set()
        self._watch.join()

    def subscribers(self, topic: str) -> int:
        """How many a push of this feed goes to now."""
        return len(self._of(topic))

    def ask(self, form: Mapping[str, str]) -> tuple[HTTPStatus, str]:
        """Status and words for what somebody posts: `subscribe`, `unsubscribe`, or `publish` to have a feed pushed now.

        Whether a subscription is meant is asked back afterwards, at the address that was given.
        """
        mode = form.get("hub.mode", "")
        if mode == "publish":
            topic = form.get("hub.url") or form.get("hub.topic", "")
            if self._feed(topic) is None:
                return HTTPStatus.NOT_FOUND, f"no feed of this site: {topic}"
            return HTTPStatus.ACCEPTED, f"pushed to {self._push(topic)} of {self.subscribers(topic)} subscribers"
        topic, callback = form.get("hub.topic", ""), form.get("hub.callback", "")
        if mode not in ("subscribe", "unsubscribe"):
            return HTTPStatus.BAD_REQUEST, "hub.mode is subscribe, unsubscribe or publish"
        if not _is_here(callback):
            return HTTPStatus.BAD_REQUEST, "hub.callback: the sample's hub calls http://127.0.0.1 only"
        if self._feed(topic) is None:
            return HTTPStatus.NOT_FOUND, f"no feed of this site: {topic}"
        if len(form.get("hub.secret", "")) >= 200:
            return HTTPStatus.BAD_REQUEST, "hub.secret is longer than 199 bytes"
        Thread(target=self._ask_back, args=(mode, topic, callback, form.get("hub.secret", "")), daemon=True).start()
        return HTTPStatus.ACCEPTED, ""

    def _ask_back(self, mode: str, topic: str, callback: str, secret: str) -> None:
        challenge = secrets.token_urlsafe(24)
        query = {"hub.mode": mode, "hub.topic": topic, "hub.challenge": challenge}
        if mode == "subscribe":
            query["hub.lease_seconds"] = str(int(LEASE.total_seconds()))
        status, answer = _call("GET", f"{callback}{'&' if urlsplit(callback).query else '?'}{urlencode(query)}")
        if not (200 <= status < 300 and answer == challenge.encode()):
            log.warning("sample_hub_not_confirmed", mode=mode, topic=topic, status=status)
            return
        feed = self._feed(topic)
        with self._lock:
            if mode == "subscribe":
                # What was there before it subscribed is no news to it.
                seen = feed.newest if feed is not None else None
                self._subscriptions[callback] = _Subscription(topic, secret, self._clock.now() + LEASE, seen)
            else:
                self._subscriptions.pop(callback, None)
        log.info("sample_hub_confirmed", mode=mode, topic=topic)

    def _of(self, topic: str) -> dict[str, _Subscription]:
        now = self._clock.now()
        with self._lock:
            return {back: one for back, one in self._subscriptions.items() if one.topic == topic and one.until > now}

    def _push(self, topic: str) -> int:
        """Push a feed as it is now; to how many that was."""
        feed = self._feed(topic)
        if feed is None:
            return 0
        taken = 0
        for callback, one in self._of(topic).items():
            headers = {"Content-Type": feed.media_type, "Link": f'<{topic}>; rel="self"'}
            if one.secret:
                signature = hmac.new(one.secret.encode(), feed.body, hashlib.sha256).hexdigest()
                headers["X-Hub-Signature"] = f"sha256={signature}"
            status, _ = _call("POST", callback, feed.body, headers)
            taken += 200 <= status < 300
            with self._lock:
                if status == HTTPStatus.GONE:
                    self._subscriptions.pop(callback, None)
                elif callback in self._subscriptions:
                    self._subscriptions[callback] = self._subscriptions[callback]._replace(seen=feed.newest)
        log.info("sample_hub_pushed", topic=topic, taken=taken)
        return taken

    def _push_news(self) -> None:
        while not self._stopped.wait(LOOK_EVERY):
            with self._lock:
                kept = list(self._subscriptions.values())
            for topic in {one.topic for one in kept}:
                feed = self._feed(topic)
                newest = feed.newest if feed is not None else None
                if newest is not None and any(
                    one.seen is None or one.seen < newest for one in self._of(topic).values()
                ):
                    self._push(topic)


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _call(method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and answer; 0 where nobody answers."""
    parts = urlsplit(url)
    try:
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
        try:
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            connection.request(method, path, body or None, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read(10_000)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return 0, b""
