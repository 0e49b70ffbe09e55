"""The console's own key: seals second factors, and signs links and forms."""

from __future__ import annotations

import hashlib
import hmac
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from minsheng.errors import MinshengError, WrongSettings
from minsheng.settings import Settings

KEY_FILE = "keys/console.key"


class Keys:
    """What is made from the key. Several consoles on one store need the same one (`console.key` of the settings).

    Parameters
    ----------
    key:
        As `cryptography.fernet.Fernet.generate_key` makes it.
    """

    def __init__(self, key: bytes) -> None:
        try:
            self._seal = Fernet(key)
        except ValueError as error:
            raise WrongSettings(
                f"the console's key can't be used: {error}",
                f"make one with: openssl rand -base64 32 | tr '+/' '-_'; or remove {KEY_FILE}",
            ) from error
        self._key = key

    @classmethod
    def from_settings(cls, settings: Settings) -> Keys:
        """With the key of the settings, or the data folder's, made where there is none. Raises `WrongSettings`."""
        if settings.console.key is not None:
            return cls(settings.console.key.reveal().encode())
        return cls(_own_key(settings.path(KEY_FILE)))

    def seal(self, text: str) -> str:
        return self._seal.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises `MinshengError` where it was sealed with another key."""
        try:
            return self._seal.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise MinshengError(
                "a second factor was sealed with another key",
                "put the old key back, or: minsheng users reset NAME --totp",
            ) from None

    def sign(self, purpose: str, text: str) -> str:
        """A signature that only this key makes, 43 characters."""
        import base64

        digest = hmac.new(self._key, f"{purpose}\n{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def signed(self, purpose: str, text: str, signature: str) -> bool:
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode("utf-8", "surrogatepass"))


def _own_key(path: Path) -> bytes:
    """The key in the data folder; made, for its owner's eyes alone, where there is none."""
    with suppress(FileNotFoundError):
        return path.read_bytes().strip()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Whole or not at all, and the first of two that start together makes it.
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    return path.read_bytes().strip()
