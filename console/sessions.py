"""Sessions, kept in the store: the browser has only a random name for one, and ending it there ends it everywhere."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from console.accounts import User, hashed, user_of
from console.tables import sessions, users
from minsheng.clock import Clock
from minsheng.settings import ConsoleSettings
from minsheng.store import Store

SEEN_EVERY = timedelta(minutes=1)
"""A session's last use is written so often, not at each request."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that holds, with its user as they are now."""

    id: int
    user: User
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


class SessionBook:
    """The sessions in the store."""

    def __init__(self, store: Store, settings: ConsoleSettings, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._longest = timedelta(hours=settings.session_hours)
        self._idle = timedelta(minutes=settings.idle_minutes)

    def begin(self, user: User, address: str, agent: str) -> str:
        """A new session. Returns its token, which is kept nowhere else."""
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._store.begin() as connection:
            connection.execute(
                sessions.insert().values(
                    token_hash=hashed(token), user_id=user.id, created_at=now, seen_at=now,
                    expires_at=now + self._longest, address=address[:60], agent=agent[:300],
                )
            )  # fmt: skip
            connection.execute(sessions.delete().where(sessions.c.expires_at < now - timedelta(days=90)))
        return token

    def get(self, token: str) -> Session | None:
        """The session of a token, if it holds."""
        if not token:
            return None
        now = self._clock.now()
        with self._store.read() as connection:
            found = self._select(connection, now, sessions.c.token_hash == hashed(token))
        if not found:
            return None
        if now - found[0].seen_at > SEEN_EVERY:
            with self._store.begin() as connection:
                connection.execute(sessions.update().where(sessions.c.id == found[0].id).values(seen_at=now))
        return found[0]

    def holding(self, user_id: int | None = None) -> list[Session]:
        """All sessions that hold, of one user or of all; the last used first."""
        with self._store.read() as connection:
            where = sessions.c.user_id == user_id if user_id is not None else sa.true()
            return self._select(connection, self._clock.now(), where)

    def end(self, session_id: int, *, user_id: int | None = None) -> bool:
        """End a session; with `user_id` only if it is that user's. False where there is none."""
        where = [sessions.c.id == session_id, sessions.c.ended_at.is_(None)]
        if user_id is not None:
            where.append(sessions.c.user_id == user_id)
        with self._store.begin() as connection:
            done = connection.execute(sessions.update().where(*where).values(ended_at=self._clock.now())).rowcount
        return bool(done)

    def _select(self, connection: sa.Connection, now: datetime, where: sa.ColumnElement[bool]) -> list[Session]:
        labelled = [sessions.c[name].label(f"session_{name}") for name in
                    ("id", "created_at", "seen_at", "expires_at", "address", "agent")]  # fmt: skip
        query = (
            sa.select(users, *labelled)
            .join(users, users.c.id == sessions.c.user_id)
            .where(
                where,
                sessions.c.ended_at.is_(None),
                sessions.c.expires_at > now,
                sessions.c.seen_at > now - self._idle,
                users.c.disabled_at.is_(None),
            )
            .order_by(sessions.c.seen_at.desc(), sessions.c.id.desc())
        )
        rows: Sequence[sa.RowMapping] = connection.execute(query).mappings().all()
        return [
            Session(
                id=row["session_id"], user=user_of(row), created_at=row["session_created_at"],
                seen_at=row["session_seen_at"], expires_at=row["session_expires_at"], address=row["session_address"],
                agent=row["session_agent"],
            )
            for row in rows
        ]  # fmt: skip
