"""Secrets in addresses, which many services want there (`?token=…`, `user:password@`), made unreadable.

Everything that is shown or written for people goes through here: errors at their birth, the log at its last step, and
what is told of sources. The address itself is kept in the source's file and row alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

HIDDEN = "***"
_NAME = (
    r"[\w.\-\[\]%]*?(?:key|token|secret|passw(?:or)?d|pwd|signature|sign|sig|session(?:_?id)?|credentials?|jwt|auth)"
    r"|sid|pass"
)
_LOGIN = re.compile(r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.\-]*://)[^/\s@?#\"'<>]+@")
_PARAMETER = re.compile(rf"(?P<name>[?&;](?:{_NAME})=)[^&#\s\"'<>\\，。；、）】]+", re.IGNORECASE)
_IS_SECRET = re.compile(rf"(?:{_NAME}|authorization|(?:set-)?cookie)", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text with the secrets of each address in it hidden.

    Examples
    --------
    >>> redacted("https://me:pw@h.example/rss?page=2&access_token=abc: answered 404")
    'https://***@h.example/rss?page=2&access_token=***: answered 404'
    """
    if "=" in text:
        text = _PARAMETER.sub(rf"\g<name>{HIDDEN}", text)
    return _LOGIN.sub(rf"\g<scheme>{HIDDEN}@", text) if "@" in text else text


def redacted_values(value: Any, name: str = "") -> Any:
    """A value of settings or options, with secrets in its texts hidden, and all of those whose names say so.

    References to secrets (`{ env = "NAME" }`) say where one is, not what it is: they stay.
    """
    if isinstance(value, str):
        return HIDDEN if value and _IS_SECRET.fullmatch(name) else redacted(value)
    if isinstance(value, Mapping):
        if set(value) in ({"env"}, {"file"}):
            return dict(value)
        return {key: redacted_values(one, str(key)) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted_values(one, name) for one in value]
    return value


def secrets_in(url: str) -> frozenset[str]:
    """The values of an address's parameters that are secret."""
    return frozenset(value for name, value in _pairs(url) if value and _IS_SECRET.fullmatch(name))


def without_secrets(url: str, secrets: Collection[str]) -> str:
    """An address without a login, and without those parameters that hold one of `secrets`: as it may be published."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    netloc = parts.netloc.rpartition("@")[2]
    if parts.query and secrets:
        pairs = _pairs(url)
        kept = [(name, value) for name, value in pairs if value not in secrets]
        if len(kept) < len(pairs):
            return urlunsplit(parts._replace(netloc=netloc, query=urlencode(kept)))
    return urlunsplit(parts._replace(netloc=netloc)) if netloc != parts.netloc else url


def _pairs(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []
