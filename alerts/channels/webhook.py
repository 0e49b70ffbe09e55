"""Plain webhooks: the notice as JSON, posted to an http(s) address."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from alerts.channels.post import post_json
from alerts.notices import Notice


class Webhook:
    """One address that takes every field of `Notice` and `text`, all of it as one text, and answers 2xx."""

    precedence: ClassVar[int] = 5

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout

    @classmethod
    def accepts(cls, url: str) -> bool:
        return urlsplit(url).scheme in ("http", "https")

    def send(self, notice: Notice) -> None:
        post_json(self._url, {**msgspec.to_builtins(notice), "text": notice.text}, self._timeout)
