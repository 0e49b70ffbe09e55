"""Lists that are read a page at a time."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query

from console.api.problems import invalid
from minsheng.errors import WrongUse
from search import cursors

T = TypeVar("T")

Size = Annotated[int, Query(ge=1, le=200, description="Entries of a page.")]
Cursor = Annotated[str, Query(max_length=2_000, description="`next` of the page before.")]


class Listed(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A page of a list. `next`: what to send as `cursor` for the next one; null on the last."""

    items: list[T]
    next: str | None = None


def after(cursor: str, *kinds: type) -> list[Any] | None:
    """The place where the page before ended; None on the first page. Raises `ApiError`."""
    if not cursor:
        return None
    try:
        return cursors.read(cursor, *kinds)
    except WrongUse:
        raise invalid("query.cursor", "the cursor is none of this list") from None
