"""What an engine finds, before it is shown."""

from __future__ import annotations

from typing import NamedTuple

from minsheng.records import Grouped


class Found(NamedTuple):
    """A match in its place. `cursor` leads to what comes after it."""

    record: Grouped
    score: float
    cursor: str


class Copies(NamedTuple):
    """Of the matches in one group of duplicates: the id of the one that comes first, and how many there are."""

    first: str
    matches: int
