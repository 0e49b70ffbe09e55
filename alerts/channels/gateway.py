"""Gateways of any kind, most of all for SMS: a body that the settings give is filled in and posted, and the answer is
read the way the settings say, because many of them answer HTTP 200 to what they did not deliver."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote_plus, urlsplit

import jmespath
import msgspec

from alerts.channels.channel import DeliveryFailed
from alerts.channels.post import JSON, post
from alerts.notices import Notice
from minsheng.errors import WrongSettings
from minsheng.settings import ChannelSettings

PLACES = ("to", "text", "short", "subject", "level", "ticket", "link", "person", "secret")
"""What may stand in braces in a body or a header."""
_PLACE = re.compile(r"\{(\w+)\}")


class Gateway:
    """One gateway; it is taken wherever the settings give a body, never by its address.

    A body that is JSON is filled in as JSON, any other one as a form (`mobile={to}&content={short}`): whatever stands
    in a notice stays within its place.
    """

    precedence: ClassVar[int] = -1

    def __init__(self, url: str, timeout: float, settings: ChannelSettings | None = None) -> None:
        if settings is None or urlsplit(url).scheme not in ("http", "https"):
            name = settings.name if settings else "?"
            raise WrongSettings(
                f"channel {name}: a gateway has an http(s) address", "see docs/how-to/add-a-notifier.md"
            )
        self._url = url
        self._timeout = timeout
        self._settings = settings
        self._json: Any = None
        if settings.body.lstrip().startswith(("{", "[")):
            try:
                self._json = msgspec.json.decode(settings.body)
            except msgspec.DecodeError as error:
                raise self._wrong(f"its body begins as JSON and is none: {error}") from None
        for text in (settings.body, *settings.headers.values()):
            for name in _PLACE.findall(text):
                if name not in PLACES:
                    raise self._wrong(f"unknown place {{{name}}}; known are {', '.join(PLACES)}")
        self._success = self._compiled(settings.success)
        self._error = self._compiled(settings.error)

    @classmethod
    def accepts(cls, url: str) -> bool:
        return False

    def send(self, notice: Notice) -> None:
        values = self._values(notice)
        kind = JSON if self._json is not None else "application/x-www-form-urlencoded; charset=utf-8"
        headers = {name: _filled(text, values, _header) for name, text in self._settings.headers.items()}
        if self._json is not None:
            body = msgspec.json.encode(_filled_json(self._json, values))
        else:
            body = _filled(self._settings.body, values, quote_plus).encode()
        answer = post(self._url, body, {"Content-Type": kind, **headers}, self._timeout)
        if self._success is None or self._success.search(answer):
            return
        said = self._error.search(answer) if self._error is not None else answer
        words = _without(str(said), values["secret"])[:200] or "no reason given"
        raise DeliveryFailed(f"{self._settings.name} did not take it: {words}")

    def _values(self, notice: Notice) -> dict[str, str]:
        return {
            "to": notice.to,
            "text": notice.text,
            "short": notice.short(self._settings.longest),
            "subject": notice.subject,
            "level": notice.level,
            "ticket": notice.ticket,
            "link": notice.link,
            "person": notice.person,
            "secret": self._settings.secret.reveal() if self._settings.secret else "",
        }

    def _compiled(self, expression: str) -> Any:
        if not expression:
            return None
        try:
            return jmespath.compile(expression)
        except jmespath.exceptions.JMESPathError as error:
            raise self._wrong(f"'{expression}' is no JMESPath: {str(error).splitlines()[0]}") from None

    def _wrong(self, what: str) -> WrongSettings:
        return WrongSettings(f"channel {self._settings.name}: {what}", "see docs/how-to/add-a-notifier.md")


def _filled(text: str, values: Mapping[str, str], quoted: Callable[[str], str]) -> str:
    return _PLACE.sub(lambda found: quoted(values[found[1]]), text)


def _filled_json(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _filled(value, values, str)
    if isinstance(value, list):
        return [_filled_json(one, values) for one in value]
    if isinstance(value, dict):
        return {key: _filled_json(one, values) for key, one in value.items()}
    return value


def _header(value: str) -> str:
    """One line, and nothing that a header may not hold."""
    return " ".join(value.split()).encode("ascii", "ignore").decode()


def _without(text: str, secret: str) -> str:
    return text.replace(secret, "***") if len(secret) >= 4 else text
