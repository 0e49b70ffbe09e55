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


LARGEST = 2**53
"""Numbers lie between this and its negative: what an engine takes as a time or a count, and JSON keeps exactly."""


def read(cursor: str, *kinds: Any) -> list[Any]:
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
        if not all(map(_small, values)):
            raise ValueError
        return [msgspec.convert(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise wrong() from error


def wrong() -> WrongUse:
    """What is said of a cursor that this kind of search has not given."""
    return WrongUse(Problem("cursor-wrong"), "take the one printed by the page before, with the same sort order")


def _small(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_small, value))
    return not isinstance(value, int | float) or abs(value) <= LARGEST
