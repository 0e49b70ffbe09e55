"""Where a page ended, as text that a person may copy from one command to the next."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from minsheng.errors import WrongUse
from minsheng.problems import Problem


def write(*values: Any) -> str:
    """The values (numbers and strings) as one word."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode("ascii").rstrip("=")


def read(cursor: str, *kinds: type) -> list[Any]:
    """The values of a cursor, of these types.

    Raises
    ------
    WrongUse
        If it is none that this kind of search has given.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values: list[Any] = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=list)
        if len(values) != len(kinds):
            raise ValueError
        return [msgspec.convert(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, msgspec.MsgspecError) as error:
        raise WrongUse(
            Problem("cursor-wrong"), "take the one printed by the page before, with the same sort order"
        ) from error
