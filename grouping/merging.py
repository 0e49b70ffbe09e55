"""Two events that turn out to be one: which of the two ids goes on."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar


class Merge(NamedTuple):
    """`event` became part of `into`.

    `at` is the time of the document that showed it (`document`), so that the same log gives the same merges; for a
    merge by hand it is the time of the command. `score` says how well the two fit, 1 for a merge by hand.
    """

    event: str
    into: str
    at: datetime
    document: str = ""
    score: float = 1.0


class Sized(Protocol):
    """What decides between two events."""

    id: str
    documents: int
    first_at: datetime


E = TypeVar("E", bound=Sized)


def survivor(one: E, other: E) -> tuple[E, E]:
    """The event that goes on and the one that becomes part of it: the larger one stays, then the older one."""
    first, second = sorted((one, other), key=lambda event: (-event.documents, event.first_at, event.id))
    return first, second
