"""Everything that Apprise speaks, by its addresses: `mailto://`, SMS gateways, and a hundred more."""

from __future__ import annotations

import logging
import re
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from alerts.channels.channel import DeliveryFailed
from alerts.notices import Notice


class AppriseUrl:
    """One Apprise address."""

    precedence: ClassVar[int] = 0

    def __init__(self, url: str, timeout: float) -> None:
        apprise = _apprise()
        self._url = url
        separator = "&" if "?" in url else "?"
        options = [] if "cto=" in url else [f"cto={timeout:g}", f"rto={timeout:g}"]
        # A notice is text: taken for HTML, as mail is by default, it loses its lines, and what people wrote is markup.
        options += [] if re.search(r"[?&]format=", url) else ["format=text"]
        self._apprise = apprise.Apprise()
        self._apprise.add(url + (separator + "&".join(options) if options else ""))

    @classmethod
    def accepts(cls, url: str) -> bool:
        apprise = _apprise()
        return apprise.Apprise.instantiate(url, suppress_exceptions=True) is not None

    def send(self, notice: Notice) -> None:
        apprise = _apprise()
        kind = apprise.NotifyType.FAILURE if notice.level in ("red", "orange") else apprise.NotifyType.WARNING
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
            done = self._apprise.notify(
                title=notice.subject, body=notice.body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
            )
            reason = said.getvalue()
        if not done:
            raise DeliveryFailed(without_secrets(reason, self._url).strip()[:300] or "not delivered")


def _apprise() -> Any:
    """The library, which keeps to itself what it logs: that has whole addresses in it, with their secrets. What it says
    of a notice that did not get through is read by `send`."""
    import apprise

    logger = logging.getLogger("apprise")
    if logger.propagate:
        logger.propagate = False
        logger.addHandler(logging.NullHandler())  # without any, Python writes to standard error
    return apprise


def without_secrets(text: str, url: str) -> str:
    """The text without any part of the address: users, passwords, tokens, paths and values of its query."""
    parts = urlsplit(url)
    pieces = {url, *re.split(r"[/?&=:@,]", f"{parts.netloc}/{parts.path}/{parts.query}")}
    known = {parts.hostname or "", str(parts.port or "")}
    for piece in sorted({*pieces, *(unquote(piece) for piece in pieces)}, key=len, reverse=True):
        if len(piece) >= 4 and piece not in known:
            text = text.replace(piece, "***")
    return text
