"""API tokens: what a program shows instead of a session. Each belongs to a user, holds a part of that user's rights,
ends by itself, and can be revoked; the store keeps only its hash."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from console.accounts import User, hashed, user_of
from console.rights import RIGHTS, rights_of
from console.tables import api_tokens, users
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

PREFIX = "msh_"
"""How every token begins, so that one that leaked is found by those who look for such."""
LONGEST_DAYS = 366
MOST = 50
"""Tokens of one user that hold at the same time."""
USED_EVERY = timedelta(minutes=1)
"""A token's last use is written so often, not at each request."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its secret. `hint` is its beginning, to tell it from others."""

    id: int
    user: str
    name: str
    hint: str
    rights: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_address: str
    revoked_at: datetime | None


class TokenBook:
    """The tokens in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def make(self, user: User, name: str, rights: Sequence[str], days: int) -> tuple[str, Token]:
        """A new token. Returns its secret, which is kept nowhere, and what is known of it.

        Parameters
        ----------
        rights:
            What it may do: a part of what its user may. What the user loses, it loses, too.
        days:
            How long it holds, 1 to `LONGEST_DAYS`.

        Raises
        ------
        WrongUse
        """
        name = " ".join(name.split())
        if not name or len(name) > 100:
            raise WrongUse(Problem("token-unnamed"), "name the program that will use it")
        if not 1 <= days <= LONGEST_DAYS:
            raise WrongUse(Problem("token-days", most=LONGEST_DAYS), "make a new one when it has ended")
        unknown = [one for one in rights if one not in RIGHTS]
        if unknown:
            raise WrongUse(Problem("right-unknown", right=unknown[0]), f"known are: {', '.join(RIGHTS)}")
        mine = rights_of(user.roles)
        lacking = [one for one in rights if one not in mine]
        if lacking:
            raise WrongUse(
                Problem("token-right", user=user.name, right=lacking[0]), "a token can do no more than its user"
            )
        if not rights:
            raise WrongUse(Problem("token-no-right"), f"choose from: {', '.join(sorted(mine))}")
        text = PREFIX + secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._store.begin() as connection:
            holding = connection.scalar(
                sa.select(sa.func.count()).where(api_tokens.c.user_id == user.id, *_holds(now)).select_from(api_tokens)
            )
            if (holding or 0) >= MOST:
                raise WrongUse(Problem("tokens-most", user=user.name, most=MOST), "revoke those that nobody uses")
            made = connection.execute(
                api_tokens.insert().values(
                    user_id=user.id, name=name, token_hash=hashed(text), hint=text[:10],
                    rights=[one for one in RIGHTS if one in rights], created_at=now,
                    expires_at=now + timedelta(days=days), last_address="",
                )
            ).inserted_primary_key  # fmt: skip
        assert made is not None
        return text, self.get(made[0])

    def get(self, token_id: int) -> Token:
        """Raises `WrongUse`."""
        found = self._select(api_tokens.c.id == token_id)
        if not found:
            raise WrongUse(Problem("token-unknown", token=token_id), "see minsheng tokens list")
        return found[0]

    def list(self, user_id: int | None = None, *, ended: bool = False) -> Sequence[Token]:
        """Tokens of one user or of all, the newest first; `ended`: also those that hold no more."""
        where = [] if user_id is None else [api_tokens.c.user_id == user_id]
        return self._select(*where, *(() if ended else _holds(self._clock.now())))

    def revoke(self, token_id: int, *, user_id: int | None = None) -> bool:
        """End a token; with `user_id` only if it is that user's. False where there is none that holds."""
        where = [api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None)]
        if user_id is not None:
            where.append(api_tokens.c.user_id == user_id)
        with self._store.begin() as connection:
            done = connection.execute(api_tokens.update().where(*where).values(revoked_at=self._clock.now())).rowcount
        return bool(done)

    def use(self, text: str, address: str) -> tuple[Token, User] | None:
        """The token of this secret and its user, if it holds."""
        if not text.startswith(PREFIX) or len(text) > 100:
            return None
        now = self._clock.now()
        query = (
            sa.select(users, api_tokens.c.id.label("token_id"))
            .join(api_tokens, api_tokens.c.user_id == users.c.id)
            .where(api_tokens.c.token_hash == hashed(text), users.c.disabled_at.is_(None), *_holds(now))
        )
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        token = self.get(row["token_id"])
        if token.last_used_at is None or now - token.last_used_at > USED_EVERY:
            with self._store.begin() as connection:
                connection.execute(
                    api_tokens.update()
                    .where(api_tokens.c.id == token.id)
                    .values(last_used_at=now, last_address=address[:60])
                )
        return token, user_of(row)

    def _select(self, *where: sa.ColumnElement[bool]) -> Sequence[Token]:
        query = (
            sa.select(api_tokens, users.c.name.label("user"))
            .join(users, users.c.id == api_tokens.c.user_id)
            .where(*where)
            .order_by(api_tokens.c.id.desc())
        )
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            Token(
                **{name: row[name] for name in Token.__struct_fields__ if name != "rights"}, rights=tuple(row["rights"])
            )
            for row in rows
        ]


def _holds(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return api_tokens.c.revoked_at.is_(None), api_tokens.c.expires_at > now
