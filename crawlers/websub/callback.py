"""What hubs call: whether a subscription was meant, that it is refused, and that there is something new."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa

from crawlers import tables
from crawlers.websub import subscriptions
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.redaction import redacted
from minsheng.store import Store

log = get_logger(__name__)

LONGEST_CHALLENGE = 2000
METHODS = ("sha512", "sha384", "sha256", "sha1")
"""Those that the Recommendation names; many hubs know only the last."""
LONGEST_TOKEN = 64


class Callback:
    """The addresses that hubs were given. Blocking; may be called from several threads at once.

    All of its methods raise `Unavailable` where the store can't be reached: the hub tries again later.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def verify(self, token: str, query: Mapping[str, str]) -> tuple[HTTPStatus, bytes]:
        """Status and body for a hub that asks whether a subscription is meant, or says that it refuses it."""
        row = self._row(token)
        mode, topic = query.get("hub.mode", ""), query.get("hub.topic", "")
        challenge = query.get("hub.challenge", "")
        now = self._clock.now()
        # Whoever has learned the address can't subscribe it to something else, nor end what is wanted.
        if row is None or topic != row.topic:
            return HTTPStatus.NOT_FOUND, b""
        with self._store.begin() as connection:
            if mode == "denied":
                reason = redacted(query.get("hub.reason", ""))
                subscriptions.denied(connection, token, reason, now)
                log.warning("hub_denied", source=row.source_id, reason=reason[:200])
                return HTTPStatus.OK, b""
            if not challenge or len(challenge) > LONGEST_CHALLENGE or row.asked_at is None:
                return HTTPStatus.NOT_FOUND, b""
            if mode == "subscribe" and row.wanted:
                subscriptions.confirmed(connection, token, _lease(query.get("hub.lease_seconds", "")), now)
                log.info("hub_confirmed", source=row.source_id)
            elif mode == "unsubscribe" and not row.wanted:
                connection.execute(_deleted(token))
                log.info("hub_ended", source=row.source_id)
            else:
                return HTTPStatus.NOT_FOUND, b""
        return HTTPStatus.OK, challenge.encode("utf-8", "replace")

    def push(self, token: str, signature: str, body: Iterator[bytes]) -> HTTPStatus:
        """Status for a push. Its body is read to check the signature, part by part, and not kept.

        A push that is not signed as it should be is answered like one that is, and left: so nobody learns by trying
        (section 8 of the Recommendation).
        """
        row = self._row(token)
        if row is None or not row.wanted:
            return HTTPStatus.GONE
        if not _is_signed(body, row.secret, signature):
            log.warning("push_not_signed", source=row.source_id)
            return HTTPStatus.ACCEPTED
        with self._store.begin() as connection:
            subscriptions.pushed(connection, token, row.source_id, self._clock.now())
        log.info("pushed", source=row.source_id)
        return HTTPStatus.ACCEPTED

    def _row(self, token: str) -> Any:
        if not token or len(token) > LONGEST_TOKEN:
            return None
        table = tables.websub_subscriptions
        with self._store.read() as connection:
            return connection.execute(sa.select(table).where(table.c.token == token)).one_or_none()


def _deleted(token: str) -> sa.Delete:
    table = tables.websub_subscriptions
    return sa.delete(table).where(table.c.token == token)


def _lease(seconds: str) -> timedelta:
    """What the hub grants; what was asked for, where an old hub does not say."""
    if not seconds.isdecimal():
        return subscriptions.LEASE
    return min(timedelta(seconds=int(seconds[:9])), subscriptions.LONGEST_LEASE)


def _is_signed(body: Iterator[bytes], secret: str, signature: str) -> bool:
    method, _, given = signature.strip().partition("=")
    method = method.lower()
    digest = hmac.new(secret.encode(), digestmod=getattr(hashlib, method if method in METHODS else METHODS[0]))
    for part in body:
        digest.update(part)
    return method in METHODS and hmac.compare_digest(digest.hexdigest().encode(), given.lower().encode())
