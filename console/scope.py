"""What a viewer may see, put into every query: an index of the viewer's documents alone, and the viewer's tickets.

Pages get a `View` and nothing else to read with, so that no count, facet, page or error of theirs can tell of more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from msgspec.structs import replace

from alerts.plan_model import Plan
from alerts.tables import tickets as ticket_table
from alerts.ticket_counts import (
    EndedClock,
    Kept,
    OpenCount,
    OpenState,
    ended_clocks,
    kept_in_time,
    open_counts,
    open_state,
    overdue,
)
from alerts.tickets import Ticket, TicketBook, TicketLine, TimelineEvent
from console.units import Grant
from crawlers.source_history import source_names
from grouping.detail import EventDetail, event_detail
from grouping.history import History
from grouping.listing import EventSummary, get_events, list_events
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.exercises import EXERCISE, NAME, is_exercise_event, marked
from minsheng.policies import Policy, PolicyRegister, PolicyTitles
from minsheng.records import Grouped
from minsheng.store import Store
from search.index import MAX_FACET_SIZE, MAX_SIZE, Filters, Index, Page, Search

T = TypeVar("T")

_CHUNK = 500
OTHERS = "（其他单位的）"
"""Stands where a ticket's timeline names what is not the viewer's."""
_OTHER_TICKETS = ("ticket", "into", "off", "other")
"""What lines of a timeline call the number of another ticket."""
_REAL = (ticket_table.c.historical.is_(False), ticket_table.c.exercise.is_(False))

REGION_SECONDS = 60.0
"""How long the list of regions is kept; a region that is new in the index is seen that much later, never too early."""


class RegionNames:
    """The names of regions in the index, for scopes that name how a region begins."""

    def __init__(self, index: Index, clock: Clock) -> None:
        self._index = index
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._names: tuple[str, ...] = ()

    def beginning(self, starts: Sequence[str]) -> tuple[str, ...]:
        """The names that begin with any of `starts`."""
        with self._lock:
            if self._clock.monotonic() - self._read_at > REGION_SECONDS:
                page = self._index.search(
                    Search(size=0, facets=("region",), facet_size=MAX_FACET_SIZE, highlight=False)
                )
                self._names = tuple(bucket.value for bucket in page.facets.get("region", ()))
                self._read_at = self._clock.monotonic()
            names = self._names
        return tuple(name for name in names if name.startswith(tuple(starts)))


class ScopedIndex:
    """An index of which only a grant's documents are there. It can't be written to.

    Parameters
    ----------
    regions:
        The regions of the grant as the index names them; None: everywhere.
    """

    def __init__(self, index: Index, policies: tuple[str, ...] | None, regions: tuple[str, ...] | None) -> None:
        self._index = index
        self._policies = policies
        self._regions = regions

    def narrow(self, filters: Filters) -> Filters:
        """The filters, and the scope with them."""
        return replace(
            filters,
            policies=_both(filters.policies, self._policies),
            regions=_both(filters.regions, self._regions),
        )

    def search(self, search: Search) -> Page:
        page = self._index.search(replace(search, filters=self.narrow(search.filters)))
        if self._policies is None or "policy" not in page.facets:
            return page
        # Documents of the scope may name other policies, too.
        own = set(self._policies)
        shown = tuple(bucket for bucket in page.facets["policy"] if bucket.value in own)
        return replace(page, facets={**page.facets, "policy": shown})

    def get(self, ids: Sequence[str]) -> dict[str, Grouped]:
        found: dict[str, Grouped] = {}
        wanted = tuple(dict.fromkeys(ids))
        for start in range(0, len(wanted), MAX_SIZE):
            chunk = wanted[start : start + MAX_SIZE]
            page = self.search(Search(filters=Filters(ids=chunk), size=len(chunk), highlight=False))
            found |= {hit.record.document.id: hit.record for hit in page.hits}
        return found

    def count(self, filters: Filters) -> int:
        return self._index.count(self.narrow(filters))

    def refresh(self) -> None:
        self._index.refresh()

    def ensure(self) -> None:
        raise NotImplementedError("a view of the index only reads")

    def write(self, records: Sequence[Grouped]) -> list[Any]:
        raise NotImplementedError("a view of the index only reads")

    def drop_before(self, moment: datetime) -> int:
        raise NotImplementedError("a view of the index only reads")

    def rebuild(self, progress: Any) -> int:
        raise NotImplementedError("a view of the index only reads")

    def statistics(self) -> Mapping[str, int | str]:
        raise NotImplementedError("a view of the index tells nothing of the whole")

    def close(self) -> None:
        """The index behind it belongs to others."""


class View:
    """Everything that a viewer may read."""

    def __init__(
        self, store: Store, index: Index, clock: Clock, grant: Grant, policies: Sequence[Policy], regions: RegionNames
    ) -> None:
        self.store = store
        self.clock = clock
        self.grant = grant
        names = None if grant.regions is None else regions.beginning(grant.regions)
        self.index: Index = index if grant.everything else ScopedIndex(index, grant.policies, names)
        own = None if grant.policies is None else set(grant.policies)
        self.policies = {one.id: one for one in policies if own is None or one.id in own}
        self._titles = PolicyTitles(
            {name: one.title for name, one in self.policies.items()}, PolicyRegister(store, clock).gone
        )
        self._book = TicketBook(store, clock)

    # Policies

    def sees_policy(self, policy_id: str) -> bool:
        """Whether what is kept of a policy is the viewer's, also where the register does not have it any more."""
        return self.grant.policies is None or policy_id in self.grant.policies

    def policy_title(self, policy_id: str) -> str:
        """What a policy is called, as `minsheng.policies.titles` puts it; of others' policies nothing is told."""
        return self._titles.of(policy_id) if self.sees_policy(policy_id) else OTHERS

    def policy_names(self) -> dict[str, str]:
        """Id → what it is called, of the viewer's policies, and of those that were in the register."""
        return self._titles.all(self.sees_policy)

    # Tickets

    def tickets(
        self,
        *,
        status: str | None = None,
        level: str | None = None,
        policy: str | None = None,
        unit: str | None = None,
        before: tuple[datetime, int] | None = None,
        where: Sequence[sa.ColumnElement[bool]] = (),
        limit: int = 200,
    ) -> list[TicketLine]:
        """The viewer's tickets, newest first; the arguments are those of `TicketBook.list`."""
        return self._book.list(
            status=status, level=level, policy=policy, unit=unit, before=before, limit=limit,
            where=[*where, *self.own_tickets()],
        )  # fmt: skip

    def place_of_ticket(self, number: str) -> tuple[datetime, int]:
        """Where one of the viewer's tickets stands in their list: `before` of the next page."""
        query = sa.select(ticket_table.c.opened_at, ticket_table.c.id).where(
            ticket_table.c.number == number, *self.own_tickets()
        )
        with self.store.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise _no_ticket(number)
        return row.opened_at, row.id

    def pressing_tickets(
        self, *, where: Sequence[sa.ColumnElement[bool]] = (), limit: int = 200
    ) -> Sequence[TicketLine]:
        """The viewer's tickets that have not ended, as `TicketBook.pressing` orders them."""
        return self._book.pressing(limit=limit, where=[*where, *self.own_tickets()])

    def tickets_of(self, events: Collection[str]) -> list[TicketLine]:
        """The viewer's tickets of these events, newest first."""
        return self.tickets(where=[ticket_table.c.event_id.in_(events)])

    def own_numbers(self, numbers: Sequence[str]) -> set[str]:
        """Which of these tickets are the viewer's."""
        found: set[str] = set()
        mine = self.own_tickets()
        with self.store.read() as connection:
            for start in range(0, len(numbers), _CHUNK):
                these = ticket_table.c.number.in_(numbers[start : start + _CHUNK])
                found.update(connection.scalars(sa.select(ticket_table.c.number).where(these, *mine)))
        return found

    def open_counts(self) -> list[OpenCount]:
        """The viewer's tickets that have not ended, counted."""
        return self._counted(open_counts)

    def overdue_tickets(self) -> int:
        """How many of the viewer's tickets that have not ended are late; historical ones and exercises left out."""
        now = self.clock.now()
        return self._counted(lambda connection, mine: overdue(connection, now, [*_REAL, *mine]))

    def kept_in_time(self, since: datetime) -> Kept:
        """How many of the clocks of the viewer's tickets that ended since then were met; real and new ones alone."""
        now = self.clock.now()
        return self._counted(lambda connection, mine: kept_in_time(connection, since, now, [*_REAL, *mine]))

    def ended_clocks(self, since: datetime, *, kept: bool | None, limit: int) -> list[EndedClock]:
        """The clocks that `kept_in_time` counts, the last to end first; `kept`: only those met in time, or not."""
        now = self.clock.now()
        return self._counted(
            lambda connection, mine: ended_clocks(connection, since, now, [*_REAL, *mine], kept=kept, limit=limit)
        )

    def source_names(self) -> dict[str, str]:
        """Source id → what people call it."""
        with self.store.read() as connection:
            return {**source_names(connection), EXERCISE: NAME}

    def ticket(self, name: str) -> Ticket:
        """One ticket. One that is not the viewer's is answered as one that is not there."""
        if not self.has_ticket(name):
            raise _no_ticket(name)
        try:
            return self._book.get(name)
        except WrongUse:
            raise _no_ticket(name) from None

    def has_ticket(self, name: str) -> bool:
        """Whether a ticket is the viewer's. One that is not is looked for as long as one that is not there."""
        if self.grant.everything:
            return self._about(name) is not None
        found = self._about(name)
        sees = self._sees(*(found or ("", None)))
        return sees and found is not None

    def timeline(self, ticket_id: int) -> list[TimelineEvent]:
        """A ticket's timeline, oldest first, without what it says of others' tickets, policies and documents."""
        lines = self._book.timeline(ticket_id)
        if self.grant.everything:
            return list(lines)
        tickets = {line.detail[name] for line in lines for name in _OTHER_TICKETS if name in line.detail}
        own = self.own_numbers(sorted(one for one in tickets if isinstance(one, str)))
        documents = {str(line.detail.get("target")) for line in lines if line.detail.get("kind") == "document"}
        readable = set(self.index.get(sorted(documents))) if documents else set()
        return [self._told(line, own, readable) for line in lines]

    def _told(self, line: TimelineEvent, own: Collection[str], readable: Collection[str]) -> TimelineEvent:
        detail = line.detail
        others = [name for name in _OTHER_TICKETS if isinstance(detail.get(name), str)]
        hidden = {name for name in others if detail[name] not in own}
        target, kind = detail.get("target"), detail.get("kind")
        if kind == "policy" and target not in self.policies:
            hidden |= {"target", "note"}
        if kind == "document" and target not in readable:
            hidden |= {"target", "note"}
        if not hidden:
            return line
        return replace(line, detail={name: OTHERS if name in hidden else value for name, value in detail.items()})

    def _about(self, name: str) -> tuple[str, str | None] | None:
        """Event and policy of a ticket; None where there is none."""
        wanted = name.strip()
        which = ticket_table.c.number == wanted.upper()
        if wanted.isascii() and wanted.isdecimal():
            if len(wanted) > 18:
                return None
            which = ticket_table.c.id == int(wanted)
        with self.store.read() as connection:
            row = connection.execute(sa.select(ticket_table.c.event_id, ticket_table.c.policy_id).where(which)).first()
        return None if row is None else (row.event_id, row.policy_id)

    def ticket_state(self) -> OpenState:
        """Another value whenever one of the viewer's tickets has opened, changed or ended."""
        return self._counted(open_state)

    def _counted(self, count: Callable[[sa.Connection, Sequence[sa.ColumnElement[bool]]], T]) -> T:
        mine = self.own_tickets()
        with self.store.read() as connection:
            return count(connection, mine)

    def own_tickets(self) -> list[sa.ColumnElement[bool]]:
        """What must hold of a ticket's row for it to be the viewer's."""
        found: list[sa.ColumnElement[bool]] = []
        if self.grant.policies is not None:
            found.append(ticket_table.c.policy_id.in_(self.grant.policies))
        if self.grant.regions is not None:
            found.append(ticket_table.c.event_id.in_(self.events_here()))
        return found

    def events_here(self) -> list[str]:
        """Events with a document in the viewer's regions, by every id that is one with them today."""
        history = History.read(self.store)
        found: set[str] = set()
        for filters in (Filters(), Filters(sources=(EXERCISE,))):
            page = self.index.search(
                Search(filters=filters, size=0, facets=("event",), facet_size=MAX_FACET_SIZE, highlight=False)
            )
            found |= {name for bucket in page.facets.get("event", ()) for name in history.family(bucket.value)}
        return sorted(found)

    def _sees(self, event: str, policy: str | None) -> bool:
        sees = self.grant.policies is None or policy in self.grant.policies
        if self.grant.regions is None:
            return sees
        # Also looked at where the policy has settled it: otherwise the time taken would tell that the ticket is there.
        return self.index.count(Filters(events=History.read(self.store).family(event))) > 0 and sees

    # Plans

    def sees_plan(self, plan: Plan) -> bool:
        """General plans are everybody's; one for policies is of those who see all of them."""
        return self.grant.policies is None or all(one == "*" or one in self.policies for one in plan.policies)

    # Events

    def events(
        self, *, since: datetime | None = None, policy: str | None = None, limit: int = 50
    ) -> list[EventSummary]:
        """Events with a document of the viewer's published since `since`, largest first, counted over those alone."""
        if self.grant.everything:
            return list_events(self.store, since=since, policy=policy, limit=limit)
        filters = Filters(since=since, policies=(policy,) if policy else None)
        page = self.index.search(
            Search(filters=filters, size=0, facets=("event",), facet_size=MAX_FACET_SIZE, highlight=False)
        )
        history = History.read(self.store)
        counts: dict[str, int] = {}
        for bucket in page.facets.get("event", ()):
            name = history.today(bucket.value)
            counts[name] = counts.get(name, 0) + bucket.count
        largest = sorted((name for name in counts if counts[name] >= 2), key=lambda name: (-counts[name], name))[:limit]
        known = get_events(self.store, largest)
        found = []
        for name in largest:
            newest = self.index.search(Search(filters=Filters(events=history.family(name)), size=1, highlight=False))
            if name in known and newest.hits:
                record = newest.hits[0].record
                found.append(
                    replace(
                        known[name],
                        title=_headline(record),
                        first_document=record.document.id,
                        last_at=record.document.published_at,
                        documents=counts[name],
                        aggrieved=0,
                        policies={key: 0 for key in known[name].policies if key in self.policies},
                    )
                )
        return found

    def has_event(self, name: str) -> bool:
        """Whether the viewer can open an event: its page is made of documents, which the index forgets after a time,
        and which carry the id of an event that was split off only once they have gone through the log again."""
        return self.index.count(Filters(events=History.read(self.store).family(name))) > 0

    def event(self, name: str) -> EventDetail | None:
        """One event, counted over the viewer's documents alone; None where none of them is."""
        found = event_detail(self.store, self.index, name)
        if found is None or self.grant.everything:
            return found
        newest = self.index.search(Search(filters=Filters(events=found.ids), size=1, sort="newest", highlight=False))
        # The event's own title and its counts of people come from all of its documents.
        title = _headline(newest.hits[0].record) if newest.hits else ""
        title = marked(title) if is_exercise_event(found.id) else title
        first = datetime.fromisoformat(found.timeline[0].value) if found.timeline else found.first_at
        return replace(
            found, title=title, authors=None, aggrieved=None, copies=0, first_at=first,
            last_at=newest.hits[0].record.document.published_at if newest.hits else found.last_at,
        )  # fmt: skip


class Views:
    """Makes views."""

    def __init__(self, store: Store, index: Index, clock: Clock, policies: Callable[[], Sequence[Policy]]) -> None:
        self._store = store
        self._index = index
        self._clock = clock
        self._policies = policies
        self._regions = RegionNames(index, clock)

    def policies(self) -> Sequence[Policy]:
        """All policies, as they are today."""
        return self._policies()

    def of(self, grant: Callable[[Sequence[Policy]], Grant], policies: Sequence[Policy] | None = None) -> View:
        """The view of a grant, which is worked out from today's policies, or from `policies` where they are at hand."""
        policies = self._policies() if policies is None else policies
        return View(self._store, self._index, self._clock, grant(policies), policies, self._regions)


def _both(asked: tuple[str, ...] | None, scope: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if scope is None:
        return asked
    if asked is None:
        return scope
    mine = set(scope)
    return tuple(value for value in asked if value in mine)


def _headline(record: Grouped) -> str:
    document = record.document
    return document.title or " ".join(document.text.split())[:60]


def _no_ticket(name: str) -> WrongUse:
    return WrongUse(f"没有工单 {name}", "见工单列表")
