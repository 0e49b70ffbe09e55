"""What became of events: merges by the machine and by persons, partings and splits, and what an id means today.

Rows are only ever added, and ids never used again. Documents and the index keep the event that a document was put into;
whoever reads them asks here which event that is today (`History.today`) and which ids make up an event (`family`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from grouping import tables
from grouping.merging import Merge
from minsheng.store import Store

MACHINE = "system"
"""Who is named for what grouping found out itself."""

ChangeKind = Literal["merged", "parted", "split"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history.

    Attributes
    ----------
    kind:
        `merged`: `event` became part of `other`. `parted`: `event`, merged before, is an event of its own again, away
        from `other`. `split`: `documents` left `event` and are the new event `other`.
    at:
        For a merge by the machine the time of the document that showed it, otherwise the time of the command.
    score, document:
        How well the two fitted, and which document showed it; for merges by the machine.
    """

    id: int
    kind: ChangeKind
    event: str
    other: str
    at: datetime
    actor: str
    reason: str = ""
    documents: tuple[str, ...] = ()
    score: float | None = None
    document: str | None = None


class History:
    """The history as far as it was read. `refresh` reads on; cheap where nothing was added."""

    def __init__(self) -> None:
        self.last = 0
        self.moved: dict[str, str] = {}
        self.apart: set[frozenset[str]] = set()
        self._up: dict[str, str] = {}
        self._down: dict[str, dict[str, None]] = {}

    @classmethod
    def read(cls, store: Store) -> History:
        """The whole history."""
        history = cls()
        with store.read() as connection:
            history.refresh(connection)
        return history

    def refresh(self, connection: sa.Connection) -> list[Change]:
        """Read what was added since. Returns it."""
        added = list(_changes(connection, tables.history.c.id > self.last))
        for change in added:
            self._apply(change)
            self.last = change.id
        return added

    def today(self, event_id: str) -> str:
        """The event that an event belongs to today: itself, where it was never merged."""
        while (up := self._up.get(event_id)) is not None:
            event_id = up
        return event_id

    def family(self, event_id: str) -> tuple[str, ...]:
        """All ids that are one event today, that of the event itself first."""
        return self.branch(self.today(event_id))

    def branch(self, event_id: str) -> tuple[str, ...]:
        """The event and all that became part of it, whatever it became part of itself."""
        found = [event_id]
        for name in found:  # grows while it is walked
            found.extend(self._down.get(name, ()))
        return tuple(found)

    def into(self) -> dict[str, str]:
        """Every event that is part of another one by now, with the one it belongs to."""
        return {name: self.today(name) for name in self._up}

    def _apply(self, change: Change) -> None:
        if change.kind == "merged":
            event, other = self.today(change.event), self.today(change.other)
            if event != other:
                self._up[event] = other
                self._down.setdefault(other, {})[event] = None
            return
        self.apart.add(frozenset((change.event, change.other)))
        if change.kind == "split":
            self.moved.update(dict.fromkeys(change.documents, change.other))
        elif change.event in self._up:
            del self._down[self._up.pop(change.event)][change.event]


def list_changes(store: Store, events: Sequence[str] | None = None, *, limit: int = 100) -> list[Change]:
    """The latest changes of these events, or of all; newest first."""
    which: sa.ColumnElement[bool] = sa.true()
    if events is not None:
        which = sa.or_(tables.history.c.event.in_(events), tables.history.c.other.in_(events))
    with store.read() as connection:
        return list(_changes(connection, which, newest_first=True, limit=limit))


def note(
    connection: sa.Connection,
    kind: ChangeKind,
    event: str,
    other: str,
    *,
    at: datetime,
    actor: str,
    reason: str = "",
    documents: Sequence[str] = (),
) -> int:
    """Add a line that a person is the cause of. Returns its id."""
    row = {
        "kind": kind, "event": event, "other": other, "at": at, "actor": actor, "reason": reason,
        "documents": list(documents), "applied": False,
    }  # fmt: skip
    inserted = connection.execute(tables.history.insert().values(**row)).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def note_merges(connection: sa.Connection, merges: Sequence[Merge]) -> None:
    """Add the merges that grouping made, which is in its memory already."""
    rows = [
        {
            "kind": "merged", "event": merge.event, "other": merge.into, "at": merge.at, "actor": MACHINE, "reason": "",
            "documents": [], "score": merge.score, "document": merge.document, "applied": True,
        }
        for merge in merges
    ]  # fmt: skip
    if rows:
        connection.execute(tables.history.insert(), rows)


def _changes(
    connection: sa.Connection, which: sa.ColumnElement[bool], *, newest_first: bool = False, limit: int | None = None
) -> Iterator[Change]:
    table = tables.history
    order = table.c.id.desc() if newest_first else table.c.id
    for row in connection.execute(sa.select(table).where(which).order_by(order).limit(limit)):
        yield Change(
            id=row.id, kind=row.kind, event=row.event, other=row.other, at=row.at, actor=row.actor, reason=row.reason,
            documents=tuple(row.documents), score=row.score, document=row.document,
        )  # fmt: skip
