"""Cookies and passwords that an operator gives for a source, where their account allows it: kept encrypted, for one
host only."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from crawlers import tables
from minsheng.errors import WrongSettings, WrongUse
from minsheng.settings import Settings
from minsheng.store import Store, upsert

KEY_FILE = "keys/logins.key"
LONGEST = 16_000
"""Characters of a cookie header; servers refuse longer ones."""


class Login(NamedTuple):
    """A source's cookie header or password, and when it was given."""

    cookie: str
    given_at: datetime


class Logins:
    """The cookies of sources. The store holds them sealed; the key lies in the data folder, or where the settings say.

    Parameters
    ----------
    key:
        As `cryptography.fernet.Fernet.generate_key` makes it.
    """

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        try:
            self._seal = Fernet(key)
        except ValueError as error:
            raise WrongSettings(
                f"the key of logins can't be used: {error}", f"remove {KEY_FILE} and give the cookies again"
            ) from error

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Logins:
        """With the key of the settings, or the data folder's, made where there is none. Raises `WrongSettings`."""
        if settings.crawl.login_key is not None:
            return cls(store, settings.crawl.login_key.reveal().encode())
        return cls(store, _own_key(settings.path(KEY_FILE)))

    def give(self, source: str, cookie: str, now: datetime) -> None:
        """Keep a cookie header for a source. Raises `WrongUse` where it is none."""
        cookie = " ".join(cookie.split()).removeprefix("Cookie:").strip()
        if "=" not in cookie or len(cookie) > LONGEST or not cookie.isprintable() or not cookie.isascii():
            raise WrongUse("that is no cookie", "give it as the browser sends it: name=value; name=value")
        self._keep(source, cookie, now)

    def give_password(self, source: str, password: str, now: datetime) -> None:
        """Keep the password of a mailbox for a source. Raises `WrongUse` where it is none."""
        password = password.strip("\r\n")
        if not password or len(password) > LONGEST or not password.isprintable() or not password.isascii():
            raise WrongUse("that is no password", "give one line of plain letters, digits and signs")
        self._keep(source, password, now)

    def _keep(self, source: str, cookie: str, now: datetime) -> None:
        row = {"source_id": source, "sealed": self._seal.encrypt(cookie.encode()).decode(), "given_at": now}
        with self._store.begin() as connection:
            upsert(self._store, tables.source_logins, [row], keys=["source_id"], connection=connection)

    def forget(self, source: str) -> bool:
        """True where there was one."""
        table = tables.source_logins
        with self._store.begin() as connection:
            return connection.execute(sa.delete(table).where(table.c.source_id == source)).rowcount > 0

    def of(self, source: str) -> Login | None:
        """A source's login. Raises `WrongSettings` where it was sealed with another key."""
        table = tables.source_logins
        with self._store.read() as connection:
            row = connection.execute(sa.select(table).where(table.c.source_id == source)).one_or_none()
        if row is None:
            return None
        try:
            return Login(self._seal.decrypt(row.sealed.encode()).decode(), row.given_at)
        except InvalidToken:
            raise WrongSettings(
                f"the login of {source} was sealed with another key", f"give it again: minsheng sources login {source}"
            ) from None


def _own_key(path: Path) -> bytes:
    """The data folder's key, readable by its owner only; made at first use, also by several threads or processes at
    once."""
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise WrongSettings(f"{path} can't be read: {error.strerror}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.") as made:  # its owner's alone
        made.write(Fernet.generate_key())
        made.flush()
        # Whole or not at all, and never over another's.
        with suppress(FileExistsError):
            os.link(made.name, path)
    return path.read_bytes().strip()
