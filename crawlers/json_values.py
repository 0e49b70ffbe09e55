"""JSON answers: read, and looked into by path."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from crawlers.walls import wall_instead
from minsheng.errors import BadInput

_BLANK = "\ufeff \t\r\n"
_CALL = re.compile(
    # What services wrap an answer in for scripts (`jQuery17_1(…)`, `try{cb(…)`, `var list = …`), or put before it so
    # that none can run it.
    r"(?:/\*[^*]{0,200}\*+/\s*)?(?:try\s*\{\s*)?;?\s*(?:(?:var|let|const)\s+)?[A-Za-z_$][\w$.]{0,100}\s*[(=]\s*(?=[{\[])"
    r"|(?:\)\]\}',?|while\s*\(1\);|for\s*\(;;\);)\s*(?=[{\[])"
)


def is_json(text: str) -> bool:
    """Whether a text begins as a JSON object or list does, bare or in a call."""
    text = text.lstrip(_BLANK)
    return text[:1] in ("{", "[") or _CALL.match(text) is not None


def json_of(text: str, where: str) -> Any:
    """The value of an answer, also of one in a call (JSONP). Raises `BadInput` where it is no JSON.

    Examples
    --------
    >>> json_of('jsonp_1({"data": [1]});', "h.example")
    {'data': [1]}
    """
    text = text.lstrip(_BLANK)
    call = _CALL.match(text)
    try:
        if call is not None:
            return json.JSONDecoder().raw_decode(text, call.end())[0]
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, json.JSONDecodeError, RecursionError) as error:
        if wall := wall_instead(text):
            raise BadInput(f"{where}: {wall}") from error
        raise BadInput(f"{where} is no JSON: {error}", "the service may want a login, or has changed") from error


def value_at(value: Any, path: str) -> Any:
    """The value at a dotted path; numbers are places in lists. None where there is none."""
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
