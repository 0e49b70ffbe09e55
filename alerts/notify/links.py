"""Links in notices: signed, for one notice and one purpose, and of no use after a while.

Whoever has the link may read what the notice says and acknowledge its ticket, nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from minsheng.errors import BadInput, WrongSettings
from minsheng.settings import Settings

KEY_FILE = "link.key"
PATH = "/n/"
_PURPOSE = "acknowledge"
_SIGNATURE = 16
"""Bytes of the signature: 128 bits can't be guessed, and a short link fits into an SMS."""
_LONGEST = 200


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """What a link stands for: the row of the outbox, and until when (seconds since 1970)."""

    row: int
    until: int


class Links:
    """Makes and reads links.

    Parameters
    ----------
    key:
        At least 16 bytes, the same in every process that makes or reads them.
    """

    def __init__(self, key: bytes, base: str, lasts: timedelta) -> None:
        if len(key) < 16:
            raise WrongSettings("the key of links is too short", "give notify.link_key at least 16 characters")
        self._key = key
        self._base = base.rstrip("/")
        self._lasts = lasts

    @classmethod
    def from_settings(cls, settings: Settings) -> Links:
        """With the key of the settings, or the data folder's, made where there is none. Raises `WrongSettings`."""
        notify = settings.notify
        key = notify.link_key.reveal().encode() if notify.link_key else _own_key(settings.path(KEY_FILE))
        return cls(key, notify.answer_url, timedelta(hours=notify.link_hours))

    def make(self, row: int, now: datetime) -> str:
        """The link of a row of the outbox; empty where no place is set up that answers links."""
        if not self._base:
            return ""
        ask = msgspec.json.encode(Ask(row, int((now + self._lasts).timestamp())))
        return f"{self._base}{PATH}{_text(ask)}.{_text(self._sign(ask))}"

    def read(self, token: str, now: datetime) -> int:
        """The row that a link's last part stands for. Raises `BadInput` where it is wrong or too old, in Chinese."""
        if len(token) > _LONGEST:
            raise BadInput("链接不完整或已被改动", "请从通知中重新打开，或运行 minsheng tickets acknowledge")
        body, _, signature = token.partition(".")
        try:
            ask, signed = _bytes(body), _bytes(signature)
            if not hmac.compare_digest(self._sign(ask), signed):
                raise ValueError
            found = msgspec.json.decode(ask, type=Ask)
        except (ValueError, binascii.Error, msgspec.DecodeError):
            raise BadInput("链接不完整或已被改动", "请从通知中重新打开，或运行 minsheng tickets acknowledge") from None
        if datetime.fromtimestamp(found.until, UTC) <= now:
            raise BadInput("链接已过期", "请运行 minsheng tickets acknowledge 签收")
        return found.row

    def _sign(self, ask: bytes) -> bytes:
        return hmac.new(self._key, _PURPOSE.encode() + b"\n" + ask, hashlib.sha256).digest()[:_SIGNATURE]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii", "strict") + b"=" * (-len(text) % 4))


def _own_key(path: Path) -> bytes:
    """The data folder's key, readable by its owner only; made at first use, also by several processes at once."""
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise WrongSettings(f"{path} can't be read: {error.strerror}", "check its owner and rights") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.") as made:  # its owner's alone
        made.write(secrets.token_hex(32).encode())
        made.flush()
        with suppress(FileExistsError):  # whole or not at all, and never over another's
            os.link(made.name, path)
    return path.read_bytes().strip()
