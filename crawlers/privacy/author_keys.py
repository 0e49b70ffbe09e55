"""Authors' names into keyed hashes, and the keys: made, replaced by new ones, and at last forgotten.

A key that was replaced is kept until all that was hashed with it has been removed (`search.retention_days`): a person
who asks what is held of them, or wants it removed, can be answered only with the key of that time. Once it is
forgotten, nobody can tell whose hashes these were.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from crawlers.privacy.named_accounts import NOBODY, NamedAccounts
from minsheng.errors import WrongSettings
from minsheng.logs import get_logger
from minsheng.settings import Settings

log = get_logger(__name__)

KEY_FILE = "keys/author.key"
_STAMP = "%Y-%m-%dT%H%M%SZ"


class AuthorKeys:
    """Turns authors' names into keyed hashes: the same person at the same source stays one, and nobody can be named.

    Parameters
    ----------
    key:
        The secret; at least 16 bytes.
    old:
        Keys that were used before, newest first.
    named:
        Accounts of public institutions, whose names are no secret.
    """

    def __init__(self, key: bytes, old: Sequence[bytes] = (), named: NamedAccounts = NOBODY) -> None:
        if min(len(one) for one in (key, *old)) < 16:
            raise WrongSettings("the author key is too short", "give crawl.author_key at least 16 bytes")
        self._key = key
        self._old = tuple(old)
        self.named = named

    @classmethod
    def from_settings(cls, settings: Settings) -> AuthorKeys:
        """The keys that the settings name; otherwise those in the data folder, made where there is none."""
        crawl = settings.crawl
        named = NamedAccounts.from_settings(settings)
        if crawl.author_key is not None:
            old = [key.reveal().encode() for key in crawl.old_author_keys]
            return cls(crawl.author_key.reveal().encode(), old, named)
        files = KeyFiles(settings.path(KEY_FILE))
        return cls(files.current(), [old.key for old in files.old()], named)

    def __call__(self, source: str, name: str) -> str:
        """24 hexadecimal digits for the author `name` at `source`."""
        return _hash(self._key, source, name)

    def all(self, source: str, name: str) -> list[str]:
        """What the author has been called with each key that is kept, today's first."""
        return [_hash(key, source, name) for key in (self._key, *self._old)]


class OldKey(NamedTuple):
    """A key that was replaced, and when."""

    path: Path
    key: bytes
    until: datetime


class KeyFiles:
    """The keys of a data folder: `author.key` is today's, `author.<until when>.key` are those before.

    Parameters
    ----------
    path:
        Of today's key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def current(self) -> bytes:
        """Today's key; made where there is none. Raises `WrongSettings` where it can't be read."""
        if not self.path.exists():
            self._make()
        return _read(self.path)

    def made_at(self) -> datetime | None:
        """When today's key was made; None where there is none."""
        try:
            return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    def old(self) -> list[OldKey]:
        """The keys that were replaced, newest first."""
        found = [
            OldKey(path, _read(path), until)
            for path in self.path.parent.glob(f"{self.path.stem}.*{self.path.suffix}")
            if (until := self._until(path)) is not None
        ]
        return sorted(found, key=lambda old: old.until, reverse=True)

    def rotate(self, now: datetime, *, older_than: timedelta = timedelta()) -> bool:
        """Replace today's key, where it is older than that. Of several processes that call this, one does it."""
        self.current()
        with self._locked():
            made = self.made_at()
            if made is not None and older_than and now - made < older_than:
                return False
            stamp = now.astimezone(UTC).strftime(_STAMP)
            retired = self.path.with_name(f"{self.path.stem}.{stamp}{self.path.suffix}")
            if retired.exists():
                return False
            # A copy first: at no moment is there no current key, and none is lost if we are stopped here.
            os.link(self.path, retired)
            self._make(replace=True)
            os.utime(self.path, (now.timestamp(), now.timestamp()))
        log.info("author_key_replaced", kept_as=retired.name)
        return True

    def forget(self, before: datetime) -> int:
        """Delete the keys that were replaced before that. Returns how many."""
        gone = [old for old in self.old() if old.until < before]
        for old in gone:
            old.path.unlink(missing_ok=True)
            log.info("author_key_forgotten", key=old.path.name)
        return len(gone)

    def _until(self, path: Path) -> datetime | None:
        stamp = path.name[len(self.path.stem) + 1 : -len(self.path.suffix)]
        try:
            return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            return None

    def _make(self, *, replace: bool = False) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name, so that two processes that start together agree on one key.
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            if replace:
                draft.replace(self.path)
            else:
                os.link(draft, self.path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def author_keys(settings: Settings, now: datetime) -> AuthorKeys:
    """The keys to hash with now: replaced by a new one where it is time to, and those forgotten that are of no use.

    Keys that the settings name are never replaced here: whoever keeps them does that.
    """
    if settings.crawl.author_key is None:
        files = KeyFiles(settings.path(KEY_FILE))
        if settings.crawl.author_key_days and files.made_at() is not None:
            files.rotate(now, older_than=timedelta(days=settings.crawl.author_key_days))
        files.forget(now - timedelta(days=settings.search.retention_days))
    return AuthorKeys.from_settings(settings)


def _hash(key: bytes, source: str, name: str) -> str:
    return hmac.new(key, f"{source}\n{name}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:24]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise WrongSettings(f"the author key {path} can't be read: {error.strerror}") from error
