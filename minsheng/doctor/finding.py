"""What a check says, and what it is handed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from minsheng.clock import Clock
from minsheng.settings import Settings
from minsheng.store import Store
from search.index import Index
from stream.log import Log

State = Literal["ok", "pending", "warning", "broken"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=False, kw_only=True):
    """One thing that was looked at.

    Attributes
    ----------
    state:
        `pending`: it is made or migrated at its next use; `warning`: it works, but somebody should look; `broken`:
        something does not work.
    advice:
        What to do; empty where all is well.
    """

    part: str
    state: State
    message: str
    advice: str = ""


class Patient:
    """What the checks look at: settings and clock, and the parts, opened but not yet asked anything."""

    def __init__(self, settings: Settings, clock: Clock, log: Log, index: Index, store: Store) -> None:
        self.settings = settings
        self.clock = clock
        self.log = log
        self.index = index
        self.store = store


Check = Callable[[Patient], Iterator[Finding]]


def ok(part: str, message: str) -> Finding:
    return Finding(part=part, state="ok", message=message)


def pending(part: str, message: str, advice: str = "nothing: it is made at first use") -> Finding:
    return Finding(part=part, state="pending", message=message, advice=advice)


def warning(part: str, message: str, advice: str) -> Finding:
    return Finding(part=part, state="warning", message=message, advice=advice)


def broken(part: str, message: str, advice: str) -> Finding:
    return Finding(part=part, state="broken", message=message, advice=advice)
