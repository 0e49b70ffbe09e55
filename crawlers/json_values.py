"""JSON answers: read, and looked into by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from minsheng.errors import BadInput


def json_of(text: str, where: str) -> Any:
    """The value of an answer. Raises `BadInput` where it is no JSON."""
    try:
        return msgspec.json.decode(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
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
