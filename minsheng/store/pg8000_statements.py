"""Statements for PostgreSQL, brought to its own placeholders once.

pg8000 reads each statement letter by letter whenever it is executed, to write $1 for each %s. SQLAlchemy executes the
same few hundred statements again and again, some of several thousand letters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pg8000 import dbapi

LONGEST = 20_000
"""Letters of the longest statement that is remembered: longer ones are not executed again."""

_convert = dbapi.convert_paramstyle


def convert(style: str, query: str, arguments: Any) -> tuple[str, Any]:
    """What pg8000 does itself, sooner: a statement with PostgreSQL's placeholders, and its arguments."""
    if style != "format" or len(query) > LONGEST:
        return _convert(style, query, arguments)
    return _remembered(query), arguments


@lru_cache(maxsize=1_000)
def _remembered(query: str) -> str:
    converted, _ = _convert("format", query, ())
    return str(converted)


def install() -> None:
    """Have pg8000 convert by `convert`, in the whole process."""
    dbapi.convert_paramstyle = convert
