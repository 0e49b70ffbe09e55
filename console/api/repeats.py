"""Idempotency keys: a writing request that is sent twice is done once, and answered twice with the same."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

import msgspec
import sqlalchemy as sa
from fastapi import Response

from console.access import Visit
from console.api.problems import MEDIA_TYPE, TITLES, ApiError, Problem, invalid
from console.tables import api_answers
from minsheng.clock import Clock
from minsheng.store import Store

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
AT_WORK = timedelta(minutes=5)
"""A request that has not been answered by then died with its process."""
SHOWN_ONCE = "Minsheng-Shown-Once"
"""On an answer that holds a secret: it is not kept, and who asks again is told so."""
_HEADERS = ("content-type", "etag", "location")


class Repeats:
    """The answers in the store. Two processes that get the same request at once agree on who works on it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def claim(self, visit: Visit, key: str, body: bytes) -> str | Response:
        """A claim to do the work, or the answer that was given before.

        Raises
        ------
        ApiError
            The key was used for another request, or the same one is being worked on.
        """
        if not 1 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
            raise invalid(f"header.{HEADER}", "an idempotency key has 1 to 200 printable ASCII characters")
        print_ = _fingerprint(visit, body)
        mine, now = secrets.token_hex(16), self._clock.now()
        which = sa.and_(api_answers.c.user_id == visit.user.id, api_answers.c.key == key)
        with self._store.begin() as connection:
            connection.execute(
                api_answers.delete().where(
                    sa.or_(
                        api_answers.c.claimed_at < now - KEPT,
                        sa.and_(which, api_answers.c.status.is_(None), api_answers.c.claimed_at < now - AT_WORK),
                    )
                )
            )
            row = connection.execute(sa.select(api_answers).where(which).with_for_update()).mappings().first()
            if row is None:
                values = {
                    "user_id": visit.user.id, "key": key, "fingerprint": print_, "claim": mine, "claimed_at": now,
                }  # fmt: skip
                done = _insert(self._store, connection, values)
                row = None if done else connection.execute(sa.select(api_answers).where(which)).mappings().first()
                if done:
                    return mine
        if row is None or (row["fingerprint"] == print_ and row["status"] is None):
            raise ApiError("in-progress", hint="wait a moment and ask again", headers={"Retry-After": "1"})
        if row["fingerprint"] != print_:
            raise ApiError("key-reused", "the key was sent with another method, path or body", "use a new key")
        return Response(row["body"], row["status"], {**row["headers"], "Idempotency-Replayed": "true"})

    def keep(self, visit: Visit, key: str, claim: str, response: Response | None) -> None:
        """Keep the answer for those who ask again. None, or a failure on our side: the next one does the work anew."""
        which = sa.and_(api_answers.c.user_id == visit.user.id, api_answers.c.key == key, api_answers.c.claim == claim)
        with self._store.begin() as connection:
            if response is None or response.status_code >= 500:
                connection.execute(api_answers.delete().where(which))
                return
            if response.headers.get(SHOWN_ONCE) is not None:
                response = _kept_nowhere()
            headers = {name: value for name in _HEADERS if (value := response.headers.get(name)) is not None}
            connection.execute(
                api_answers.update()
                .where(which)
                .values(status=response.status_code, headers=headers, body=bytes(response.body))
            )


def _kept_nowhere() -> Response:
    told = Problem(
        type="urn:minsheng:problem:conflict", title=TITLES["conflict"][1], status=409, instance="",
        detail="this was done; its answer held a secret, was given once and is kept nowhere",
        hint="revoke what was made, and make another one with a new key",
    )  # fmt: skip
    return Response(msgspec.json.encode(told), 409, media_type=MEDIA_TYPE)


def _insert(store: Store, connection: sa.Connection, values: dict[str, object]) -> bool:
    from sqlalchemy.dialects import postgresql, sqlite

    kind = postgresql if store.name == "postgresql" else sqlite
    return bool(connection.execute(kind.insert(api_answers).values(**values).on_conflict_do_nothing()).rowcount)


def _fingerprint(visit: Visit, body: bytes) -> str:
    request = visit.request
    # An answer made for a session, or another token, is none of this token's: it may do less.
    caller = f"{visit.token.id if visit.token else 'session'} {visit.user.unit_id}"
    head = f"{caller}\n{request.method} {request.url.path}?{request.url.query}\n{request.headers.get('if-match', '')}\n"
    return hashlib.sha256(head.encode("utf-8", "surrogatepass") + body).hexdigest()
