"""Keeps grouping's memory in the store, with the log position it belongs to.

Members are appended as they are placed, in the transaction that moves the position. So after a crash the memory is
just what it was at that position, and the documents after it are placed again, in the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from grouping import tables
from grouping.familiar import Familiar
from grouping.history import MACHINE, Change, History, note_merges
from grouping.memory import Event, Member, Memory
from grouping.merging import Merge
from grouping.vectors import Vector
from minsheng.settings import GroupSettings
from minsheng.store import Store, insert_or_ignore, upsert
from stream.log import Partition

CHUNK = 10_000
"""Rows read at a time while the memory is rebuilt."""

WITH_BODY = b"BODY"
"""What a member's vector ends with where its body's letters and their length in bytes stand before."""

OLD_SKETCH = 256
"""Bytes that stood at a vector's end before there were bodies."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class GroupingState:
    """Loads and saves a `Memory`.

    A process that loads becomes the owner; one that owned before can no longer save, so that a process taken for dead
    cannot spoil what its successor does.
    """

    def __init__(self, store: Store, settings: GroupSettings) -> None:
        self.store = store
        self.settings = settings
        self.history = History()
        self._epoch = 0
        # A text kept for comparison must have its member row to be rebuilt from.
        self._max_documents = max(settings.max_documents, settings.max_texts)

    def load(self) -> tuple[Memory, dict[Partition, int] | None]:
        """The memory as last saved, and the positions to read on from; None where nothing was ever saved."""
        memory = Memory(
            timedelta(days=self.settings.window_days),
            max_texts=self.settings.max_texts,
            max_documents=self._max_documents,
        )
        with self.store.begin() as connection:
            self._epoch = 1 + (connection.scalar(sa.select(tables.owner.c.epoch).where(tables.owner.c.id == 1)) or 0)
            upsert(self.store, tables.owner, [{"id": 1, "epoch": self._epoch}], keys=["id"], connection=connection)
            self.history = History()
            for change in self.history.refresh(connection):
                self._apply(connection, change)
            connection.execute(sa.update(tables.history).where(sa.not_(tables.history.c.applied)).values(applied=True))
        memory.restore_history(self.history.into(), self.history.apart)
        with self.store.read() as connection:
            for event in self._stored_events(connection):
                memory.restore(event)
            for member in self._stored_members(connection):
                memory.restore_member(member)
            found = connection.execute(sa.select(tables.positions)).all()
            known = connection.execute(sa.select(tables.familiar)).first()
        if known is not None:
            memory.familiar.unpack(known.texts, known.young, known.old)
        memory.drop_events_without_texts()
        return memory, {Partition(row.topic, row.partition): row.position for row in found} or None

    def changed_by_hand(self) -> bool:
        """Whether a person has merged or split events since the memory was loaded: it is to be loaded again then,
        after it was saved. Reads no more than what was added."""
        with self.store.read() as connection:
            added = self.history.refresh(connection)
        return any(change.actor != MACHINE for change in added)

    def save(
        self,
        members: Sequence[Member],
        events: Iterable[Event],
        positions: Mapping[Partition, int],
        merges: Sequence[Merge] = (),
        familiar: Familiar | None = None,
    ) -> bool:
        """Append members and merges, update events and move the positions, all or nothing.

        Returns
        -------
        False if another process has taken over; nothing is saved then.
        """
        with self.store.begin() as connection:
            mine = sa.update(tables.owner).where(tables.owner.c.id == 1, tables.owner.c.epoch == self._epoch)
            if connection.execute(mine.values(epoch=self._epoch)).rowcount == 0:
                return False
            insert_or_ignore(self.store, tables.members, [_member_row(member) for member in members],
                             connection=connection)  # fmt: skip
            upsert(self.store, tables.events, [_event_row(event) for event in events if event.documents > 1],
                   keys=["id"], connection=connection)  # fmt: skip
            if familiar is not None and familiar.changed:
                young, old = familiar.pack()
                row = {"id": 1, "texts": familiar.texts, "young": young, "old": old}
                upsert(self.store, tables.familiar, [row], keys=["id"], connection=connection)
            note_merges(connection, merges)
            if merges:
                gone = tables.events.c.id.in_([merge.event for merge in merges])
                connection.execute(sa.delete(tables.events).where(gone))
            rows = [{"topic": place.topic, "partition": place.number, "position": position}
                    for place, position in positions.items()]  # fmt: skip
            upsert(self.store, tables.positions, rows, keys=["topic", "partition"], connection=connection)
            if members and members[-1].sequence % 10_000 < len(members):
                self._remove_forgotten(connection, members[-1].sequence)
        return True

    def forget(self) -> None:
        """Remove everything remembered, so that the log can be grouped again from its start. Events keep their ids
        where their first document is still in the log, and what persons merged, parted and split stays."""
        with self.store.begin() as connection:
            connection.execute(sa.delete(tables.history).where(tables.history.c.actor == MACHINE))
            for table in (tables.members, tables.events, tables.positions, tables.familiar):
                connection.execute(sa.delete(table))

    def _apply(self, connection: sa.Connection, change: Change) -> None:
        """Bring the stored events and members into line with what a person has done, once."""
        waiting = sa.select(tables.history.c.id).where(
            tables.history.c.id == change.id, sa.not_(tables.history.c.applied)
        )
        if connection.execute(waiting).first() is None:
            return
        if change.kind == "merged":
            self._add_up(connection, change.event, self.history.today(change.other))
            return
        table = tables.members
        if change.kind == "split":
            left = table.c.document.in_(change.documents)
        else:
            left = table.c.event.in_(self.history.branch(change.event))
        moved = connection.execute(sa.select(table).where(left).order_by(table.c.sequence)).all()
        if change.kind == "split":
            connection.execute(sa.update(table).where(left).values(event=change.other))
        old, new = (change.event, change.other) if change.kind == "split" else (change.other, change.event)
        parted = _summed(new, moved)
        remaining = self._stored(connection, self.history.today(old))
        if remaining is not None:
            remaining.leave(parted)
            self._store(connection, remaining)
        self._store(connection, parted)

    def _add_up(self, connection: sa.Connection, event_id: str, into: str) -> None:
        """Add the counts of an event to those of the one that it became part of."""
        found = [self._stored(connection, name) for name in (event_id, into)]
        event, other = found
        connection.execute(sa.delete(tables.events).where(tables.events.c.id == event_id))
        if event is None or event_id == into:
            return
        if other is None:
            other = Event(into, event.title, event.first_document, event.first_at)
        other.take(event)
        self._store(connection, other)

    def _stored(self, connection: sa.Connection, event_id: str) -> Event | None:
        row = connection.execute(sa.select(tables.events).where(tables.events.c.id == event_id)).first()
        if row is not None:
            return _event(row)
        table = tables.members
        rows = connection.execute(sa.select(table).where(table.c.event == event_id).order_by(table.c.sequence)).all()
        return _summed(event_id, rows) if rows else None

    def _store(self, connection: sa.Connection, event: Event) -> None:
        if event.documents > 1:
            upsert(self.store, tables.events, [_event_row(event)], keys=["id"], connection=connection)
        else:
            connection.execute(sa.delete(tables.events).where(tables.events.c.id == event.id))

    def _remove_forgotten(self, connection: sa.Connection, last: int) -> None:
        """Members beyond the memory's bounds; their events stay listed."""
        old = tables.members.c.sequence <= last - self._max_documents
        connection.execute(sa.delete(tables.members).where(old))

    def _stored_events(self, connection: sa.Connection) -> Iterable[Event]:
        held = sa.select(tables.members.c.event).where(tables.members.c.vector.is_not(None)).distinct()
        names = {self.history.today(name) for name in connection.scalars(held)}
        for row in connection.execute(sa.select(tables.events)):
            if row.id in names:
                yield _event(row)

    def _stored_members(self, connection: sa.Connection) -> Iterable[Member]:
        statement = sa.select(tables.members).order_by(tables.members.c.sequence)
        for rows in connection.execute(statement.execution_options(yield_per=CHUNK)).partitions():
            yield from map(_member, rows)


def _member_row(member: Member) -> dict[str, Any]:
    row = member._asdict()
    row["policies"] = list(member.policies)
    body = row.pop("body").encode("utf-8", "surrogatepass")
    if member.vector is not None:
        row["vector"] = b"".join(
            [
                member.vector.bins.tobytes(),
                member.vector.weights.tobytes(),
                body,
                struct.pack("<I", len(body)),
                WITH_BODY,
            ]
        )
    return row


def _member(row: Any) -> Member:
    vector, body = None, ""
    if row.vector is not None:
        entries = row.vector
        if entries.endswith(WITH_BODY):
            (size,) = struct.unpack("<I", entries[-8:-4])
            entries, letters = entries[: -8 - size], entries[-8 - size : -8]
            body = letters.decode("utf-8", "surrogatepass")
        else:
            entries = entries[:-OLD_SKETCH]  # kept by an earlier version: no copies are found of it any more
        half = len(entries) // 2
        vector = Vector(np.frombuffer(entries[:half], np.int32), np.frombuffer(entries[half:], np.float32))
    return Member(
        row.sequence, row.document, row.event, row.duplicate_group, row.kind, row.similarity, row.event_similarity,
        row.published_at, row.text_hash, tuple(row.policies), row.aggrieved, row.title, vector, body, row.titled,
    )  # fmt: skip


def _event(row: Any) -> Event:
    event = Event(row.id, row.title, row.first_document, row.first_at)
    event.last_at = row.last_at
    event.documents = row.documents
    event.aggrieved = row.aggrieved
    event.policies = dict(row.policies)
    return event


def _summed(event_id: str, rows: Sequence[Any]) -> Event:
    """An event made up of these members; they may be none where they are no longer remembered."""
    first = rows[0] if rows else None
    title = next((row.title for row in rows if row.title), "")
    event = Event(event_id, title, first.document if first else "", first.published_at if first else EPOCH)
    for row in rows:
        event.add(row.published_at, tuple(row.policies), row.aggrieved)
    return event


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "title": event.title,
        "first_document": event.first_document,
        "first_at": event.first_at,
        "last_at": event.last_at,
        "documents": event.documents,
        "aggrieved": event.aggrieved,
        "policies": event.policies,
    }
