"""Lists that are read a page at a time, in an order that the database keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from minsheng.store.database import Store

Row = TypeVar("Row")
Place = TypeVar("Place")

CHUNK = 500


def by_code_point(store: Store, column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """A text to sort and compare as Python does, whatever language the database was made for."""
    return column.collate("C" if store.name == "postgresql" else "BINARY")


def read_from(
    after: Place | None,
    read: Callable[[Place | None, int], Sequence[Row]],
    place: Callable[[Row], Place],
    meant: Callable[[Row], bool],
    size: int = CHUNK,
) -> Iterator[Row]:
    """The rows behind a place that are meant, in their order. Never more than `size` of them are read at once.

    Parameters
    ----------
    read:
        Reads the next rows behind a place (None: from the beginning), at most so many.
    place:
        Where a row stands: no two rows at the same place.
    meant:
        What the database can't decide of a row.
    """
    while True:
        rows = read(after, size)
        yield from filter(meant, rows)
        if len(rows) < size:
            return
        after = place(rows[-1])


def behind(columns: Sequence[tuple[sa.ColumnElement[Any], bool]], place: Sequence[Any]) -> sa.ColumnElement[bool]:
    """What holds of the rows behind a place, for a list sorted by these columns, each with whether it descends."""
    found: list[sa.ColumnElement[bool]] = []
    same: list[sa.ColumnElement[bool]] = []
    for (column, descends), value in zip(columns, place, strict=True):
        found.append(sa.and_(*same, column < value if descends else column > value))
        same.append(column == value)
    return sa.or_(*found)
