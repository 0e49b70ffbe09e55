"""Merging, parting and splitting events by hand.

What a person does is noted with who, when and why, and holds at once for whoever reads events. Grouping takes it into
its memory at its next checkpoint, or when it starts; it never merges again what a person has parted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa

from alerts.event_merges import merge_event, move_documents
from grouping import tables
from grouping.history import History, note
from grouping.listing import get_events
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.exercises import is_exercise_event
from minsheng.problems import Problem
from minsheng.records import Grouped
from minsheng.store import Store
from search.index import Filters, Index, Search
from stream.log import ASSESSED, Log
from stream.messages import record_message

PAGE = 1_000
"""Documents read from the index at a time."""


class EventDesk:
    """Changes events on behalf of a person."""

    def __init__(self, store: Store, index: Index, log: Log, clock: Clock) -> None:
        self._store = store
        self._index = index
        self._log = log
        self._clock = clock

    def merge(self, one: str, other: str, *, by: str, reason: str) -> tuple[str, str]:
        """Make two events one: the larger one stays, then the older one. Returns the id that goes on, and the other.

        Their open tickets become one, see `alerts.event_merges`. Raises `WrongUse` where one is not known or they are
        one already.
        """
        _refuse_exercises(one, other)
        history = History.read(self._store)
        if history.today(one) == history.today(other):
            raise WrongUse(Problem("event-same", one=one, other=other), f"minsheng events history {one}")
        sizes = {name: self._size(history, name) for name in (history.today(one), history.today(other))}
        listed = get_events(self._store, list(sizes))
        begun = {name: listed[name].first_at.isoformat() if name in listed else "~" for name in sizes}
        kept, lost = sorted(sizes, key=lambda name: (-sizes[name], begun[name], name))
        now = self._clock.now()
        with self._store.begin() as connection:
            note(connection, "merged", lost, kept, at=now, actor=by, reason=reason)
            merge_event(connection, lost, kept, now, actor=by, reason=reason)
        return kept, lost

    def part(self, event: str, *, by: str, reason: str) -> str:
        """Take a merge back: `event` is an event of its own again. Returns the one that it leaves.

        A ticket stays with the event that it is of by now. Raises `WrongUse` where the event is part of no other.
        """
        history = History.read(self._store)
        whole = history.today(event)
        if whole == event:
            raise WrongUse(Problem("event-whole", event=event), f"minsheng events history {event}")
        documents = [record.document.id for record in self._records(Filters(events=history.branch(event)))]
        with self._store.begin() as connection:
            note(connection, "parted", event, whole, at=self._clock.now(), actor=by, reason=reason)
            move_documents(connection, documents, event)
        return whole

    def split(
        self,
        event: str,
        documents: Sequence[str],
        *,
        by: str,
        reason: str,
        within: Callable[[sa.Connection, str, Sequence[str]], None] | None = None,
    ) -> tuple[str, tuple[str, ...]]:
        """Make a new event of some documents of an event; their copies go with them.

        The documents go through the log again, so that index and alerts see where they belong. Returns the new event's
        id and the documents moved. Raises `WrongUse` where a document is not of the event, or none would stay behind.

        Parameters
        ----------
        within:
            Called in the same transaction with the new event's id and its documents, e.g. to split a ticket as well.
        """
        _refuse_exercises(event)
        history = History.read(self._store)
        family = history.family(event)
        named = self._index.get(list(documents))
        for name in documents:
            if name not in named or history.today(named[name].event.id) != family[0]:
                raise WrongUse(
                    Problem("document-foreign", document=name, event=event), f"minsheng events show {event} --members"
                )
        groups = tuple(sorted({record.duplicate.group for record in named.values()}))
        copies = self._records(Filters(events=family, duplicate_groups=groups))
        records = {record.document.id: record for record in (*named.values(), *copies)}
        if self._size(history, event) <= len(records):
            raise WrongUse(Problem("split-all"), "name only those that belong elsewhere")
        moved = tuple(sorted(records))
        with self._store.begin() as connection:
            new = _unused(connection, moved[0])
            note(connection, "split", family[0], new, at=self._clock.now(), actor=by, reason=reason, documents=moved)
            move_documents(connection, moved, new)
            if within is not None:
                within(connection, new, moved)
        self._send_again([records[name] for name in moved])
        return new, moved

    def _send_again(self, records: Sequence[Grouped]) -> None:
        producer = self._log.producer()
        try:
            again = [
                msgspec.structs.replace(record.assessed, opinion=record.assessed.opinion + 1) for record in records
            ]
            producer.send([record_message(ASSESSED, assessed) for assessed in again])
        finally:
            producer.close()

    def _size(self, history: History, event: str) -> int:
        size = self._index.count(Filters(events=history.family(event)))
        if size == 0:
            raise WrongUse(Problem("event-unknown", event=event), "minsheng events list shows them")
        return size

    def _records(self, filters: Filters) -> list[Grouped]:
        found: list[Grouped] = []
        cursor = None
        while True:
            page = self._index.search(Search(filters=filters, size=PAGE, after=cursor, highlight=False))
            found.extend(hit.record for hit in page.hits)
            cursor = page.cursor
            if cursor is None:
                return found


def _refuse_exercises(*events: str) -> None:
    if any(map(is_exercise_event, events)):
        raise WrongUse(Problem("event-of-drill"), "it must be neither mixed with real ones nor taken apart")


def _unused(connection: sa.Connection, document: str) -> str:
    """An event id that was never used: of a split, after its first document."""
    stem = f"s{document[:20]}"
    used = set(connection.scalars(sa.select(tables.history.c.other).where(tables.history.c.other.startswith(stem))))
    return next(name for name in (stem, *(f"{stem}-{count}" for count in range(2, 10_000))) if name not in used)
