"""The grassroots view (基层视图): the same figures for each unit below one, and the lists behind them.

A matter is a unit's where the unit, one below it, or a department of theirs is named as the one that deals with it.
Beside that a place with regions of its own (a city, a county) has what is said in them; any other unit has what is
about its policies, unless it is a neighbour's by name. So a matter may count for several places, and the line of the
whole is counted by itself and is not the sum of the others. All of it within what the viewer may see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa
from starlette.exceptions import HTTPException

from alerts.casework.assignments import STATE_WORDS
from alerts.casework.tables import assignments as assignment_table
from alerts.responses.worked import FIGURES, Worked, worked
from alerts.tables import tickets as ticket_table
from console.access import Visit
from console.consulting import within
from console.days import EARLIEST, LATEST
from console.disclosures import own as own_applications
from console.scope import View, Views
from console.units import Unit, UnitTree
from consultations.book import ConsultationBook
from consultations.deadline import Standing, standing
from consultations.model import Consultation
from consultations.tables import consultations as consultation_table
from disclosure.model import Application
from disclosure.register import IN_TIME, LATE, Asked, Listed, Register
from disclosure.tables import applications as application_table
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store

Where = list[sa.ColumnElement[bool]]

DAYS = 30
"""Days that are counted where no others are asked for, up to today."""
MISSED = "missed"
"""Consultations whose result was not made public in time, or not yet and late."""


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """A task that was passed down (督办), and what came back. `title`: of its ticket."""

    ticket: str
    title: str
    number: int
    unit: str
    demand: str
    state: str
    passed_at: datetime
    due_at: datetime | None
    reported_at: datetime | None

    @property
    def state_words(self) -> str:
        return STATE_WORDS[self.state]

    @property
    def answered_at(self) -> datetime | None:
        """When it was reported back; a report that was returned is none."""
        return self.reported_at if self.state in ("reported", "accepted") else None

    def late(self, now: datetime) -> bool:
        return self.due_at is not None and (self.answered_at or now) > self.due_at


TASKS: dict[str, tuple[str, Callable[[Handed, datetime], bool]]] = {
    "passed": ("交办", lambda one, now: True),
    "in-time": ("按期反馈", lambda one, now: one.answered_at is not None and not one.late(now)),
    "late": ("逾期", lambda one, now: one.late(now)),
    "waiting": ("办理中", lambda one, now: one.answered_at is None and not one.late(now)),
}
"""What is counted of tasks passed down → its title, and whether a task counts; withdrawn ones count nowhere."""
APPLICATIONS = {"received": ("收到", ""), "in-time": ("按期", IN_TIME), "late": ("超期", LATE)}
"""What is counted of applications for information → its title, and the state that `/disclosure` lists it by."""
CONSULTATIONS: dict[str, tuple[str, Callable[[Standing], bool]]] = {
    "due": ("应公开", lambda stands: True),
    "late": ("超期", lambda stands: stands.missed),
}
"""What is counted of consultations, by the day on which their result was to be public."""

GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "tickets": ("工单和回应", {key: title for key, (title, _) in FIGURES.items()}),
    "tasks": ("督办", {key: title for key, (title, _) in TASKS.items()}),
    "applications": ("依申请公开", {key: title for key, (title, _) in APPLICATIONS.items()}),
    "consultations": ("征求意见", {key: title for key, (title, _) in CONSULTATIONS.items()}),
}
"""Group of figures → its title, and the figures with theirs."""
HEADINGS = (
    "单位",
    *(f"{title}·{name}" for title, names in GROUPS.values() for name in names.values()),
)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Days that are counted: the first and the last one, China's."""

    since: date
    until: date

    @classmethod
    def of(cls, since: date | None, until: date | None, today: date) -> Span:
        """Raises `WrongUse` where the last day lies before the first, or a day out of all time."""
        for day in (since, until):
            if day is not None and not EARLIEST <= day.year <= LATEST:
                raise WrongUse(Problem("day-out-of-time", day=day), "check the days")
        until = until or today
        since = since or until - timedelta(days=DAYS - 1)
        if since > until:
            raise WrongUse(Problem("days-order", since=since, until=until), "check the days")
        return cls(since=since, until=until)

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """From, and to before."""
        return (
            datetime.combine(self.since, time(), CHINA),
            datetime.combine(self.until, time(), CHINA) + timedelta(days=1),
        )

    @property
    def words(self) -> str:
        return f"{self.since} 至 {self.until}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One unit's figures: keys as in `GROUPS`. `id`, `unit`: None and empty for the whole where that is no unit."""

    id: int | None
    unit: str
    kind: str
    has_below: bool
    tickets: dict[str, int]
    tasks: dict[str, int]
    applications: dict[str, int]
    consultations: dict[str, int]

    def count(self, group: str, key: str) -> int:
        found: int = getattr(self, group)[key]
        return found


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the units below one, and of all that is its own."""

    since: date
    until: date
    whole: Row
    rows: list[Row]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of rows of the store to be a unit's, and the viewer's."""

    tickets: Where
    tasks: Where
    applications: Where
    consultations: Where


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a matter a unit's.

    Attributes
    ----------
    names, others:
        What the unit and those below it are called, with their departments; and what its neighbours are.
    place:
        Whether it has regions of its own: then what is said there is its matter, whoever deals with it.
    view:
        What the unit may see.
    """

    names: set[str]
    others: set[str]
    place: bool
    view: View

    def has(self, name: str, *, about: bool) -> bool:
        """Whether a matter that `name` deals with is the unit's; `about`: it concerns what the unit may see."""
        return name in self.names or (about and (self.place or name not in self.others))


class _Places:
    """Which matters bear a name: what they are filed under → their ids."""

    def __init__(self) -> None:
        self._ids: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)

    def add(self, number: int, **names: str | None) -> None:
        for kind, name in names.items():
            self._ids[kind, name].append(number)

    def of(self, **names: Collection[str]) -> list[int]:
        """Those that bear any of these names, by their ids."""
        found = {one for kind, own in names.items() for name in own for one in self._ids.get((kind, name), ())}
        return sorted(found)


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """All that the viewer may see of some days, each by its id, read once for all units. `matters`: policy and event of
    each ticket."""

    matters: dict[int, tuple[str | None, str]]
    tickets_by: _Places
    applications_by: _Places
    tickets: dict[int, Worked]
    tasks: dict[int, Handed]
    applications: dict[int, Listed]
    consultations: dict[int, tuple[Consultation, Standing]]


class NotBelow(LookupError):
    """A unit that is not the viewer's and does not lie below it, or is not there at all."""


class Grassroots:
    """The view for one viewer.

    Parameters
    ----------
    view:
        What the viewer may see.
    top:
        The viewer's unit. None: whoever sees all units, at the command line.
    """

    def __init__(
        self, store: Store, clock: Clock, settings: Settings, views: Views, view: View, tree: UnitTree, top: int | None
    ) -> None:
        self._store = store
        self._now = clock.now()
        self._settings = settings
        self._views = views
        self._view = view
        self._tree = tree
        self._top = top
        self._policies = views.policies()
        mine = view.own_tickets()
        self._seen = Share(
            tickets=mine, tasks=mine, applications=own_applications(view.grant), consultations=within(view)
        )
        self._register = Register(store, clock, settings)
        self._book = ConsultationBook(store, clock)
        # Whoever has no unit sees none; at the command line there is no viewer.
        everything = list(tree.by_id.values()) if view.grant.everything else []
        self._allowed = {unit.id for unit in (tree.with_below(top) if top is not None else everything)}

    @property
    def today(self) -> date:
        return self._now.astimezone(CHINA).date()

    def unit(self, number: int | None) -> Unit | None:
        """A unit of the viewer's; the viewer's own where none is named. Raises `NotBelow` where it is none of them."""
        number = self._top if number is None else number
        if number is None:
            return None
        if number not in self._allowed:
            raise NotBelow(number)
        return self._tree.by_id[number]

    def below(self, unit: Unit | None) -> list[Unit]:
        """The units directly below one; without one, those that stand highest."""
        found = self._tree.below(unit.id if unit is not None else None)
        return [one for one in found if one.id in self._allowed]

    def path(self, unit: Unit | None) -> list[Unit]:
        """The viewer's unit, and the ones on the way from it to `unit`."""
        found: list[Unit] = []
        while unit is not None and unit.id in self._allowed:
            found.insert(0, unit)
            unit = self._tree.by_id.get(unit.parent_id) if unit.parent_id is not None else None
        return found

    def table(self, unit: Unit | None, span: Span) -> Table:
        """The figures of the units below one."""
        since, until = span.moments
        asked = Asked(since=span.since, until=span.until)
        with self._store.read() as connection:
            tickets = worked(connection, since, until, self._now, self._seen.tickets)
            created = ticket_table.c.created_at
            about = sa.select(ticket_table.c.id, ticket_table.c.policy_id, ticket_table.c.event_id)
            found = connection.execute(about.where(created >= since, created < until, *self._seen.tickets)).all()
        read = _Read(
            matters={row.id: (row.policy_id, row.event_id) for row in found},
            tickets_by=_Places(),
            applications_by=_Places(),
            tickets={one.id: one for one in tickets},
            tasks=self._handed(self._seen, span),
            applications={one.application.id: one for one in self._register.list(asked, self._seen.applications)},
            consultations={each[0].id: each for each in self.consultations(self._seen, span)},
        )
        for one in tickets:
            policy, event = read.matters[one.id]
            read.tickets_by.add(one.id, unit=one.unit, policy=policy, event=event)
        for key, listed in read.applications.items():
            read.applications_by.add(key, unit=listed.application.department, policy=listed.application.policy)
        rows = [self._row(one, read) for one in self.below(unit)]
        return Table(since=span.since, until=span.until, whole=self._row(unit, read), rows=rows)

    # What lies behind the figures

    def tickets(self, unit: Unit | None, span: Span, figure: str) -> list[Worked]:
        """The tickets that a figure counts, newest first."""
        counts = FIGURES[figure][1]
        return [one for one in self._worked(self.share(unit), span) if counts(one)]

    def tasks(self, unit: Unit | None, span: Span, figure: str) -> list[Handed]:
        """The tasks that a figure counts, the newest first."""
        counts = TASKS[figure][1]
        return [one for one in self._handed(self.share(unit), span).values() if counts(one, self._now)]

    def share(self, unit: Unit | None) -> Share:
        """What is a unit's. The viewer's own unit has all that the viewer may see."""
        seen = self._seen
        whose = self._whose(unit)
        if whose is None:
            return seen
        its, place = whose.view, whose.place

        def theirs(column: sa.Column[str], about: Collection[sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
            unclaimed = [] if place else [column.not_in(whose.others)]
            return sa.or_(column.in_(whose.names), sa.and_(sa.true(), *about, *unclaimed))

        # Who wrote on a draft is told by no region.
        about = [sa.false()] if place else within(its)
        return Share(
            tickets=[*seen.tickets, theirs(ticket_table.c.unit, its.own_tickets())],
            tasks=[*seen.tasks, assignment_table.c.unit.in_(whose.names)],
            applications=[*seen.applications, theirs(application_table.c.department, own_applications(its.grant))],
            consultations=[*seen.consultations, theirs(consultation_table.c.department, about)],
        )

    def _whose(self, unit: Unit | None) -> Whose | None:
        """What makes a matter a unit's; None: all that the viewer may see is."""
        if unit is None or unit.id == self._top:
            return None
        names = self._names(unit)
        others = {
            name for one in self._tree.below(unit.parent_id) if one.id != unit.id for name in self._names(one)
        } - names
        its = self._views.of(lambda policies: self._tree.grant(unit.id, policies), self._policies)
        return Whose(names=names, others=others, place=bool(unit.regions), view=its)

    # Within

    def _names(self, unit: Unit) -> set[str]:
        """What a unit and those below it are called, and their departments."""
        family = self._tree.with_below(unit.id)
        return {one.name for one in family} | {name for one in family for name in one.departments}

    def _row(self, unit: Unit | None, read: _Read) -> Row:
        its = self._of(unit, read)
        tickets, tasks = its.tickets.values(), its.tasks.values()
        applications = [one.standing for one in its.applications.values()]
        consultations = [stands for _, stands in its.consultations.values()]
        return Row(
            id=unit.id if unit is not None else None, unit=unit.name if unit is not None else "",
            kind=unit.kind if unit is not None else "", has_below=bool(self.below(unit)) if unit is not None else True,
            tickets={key: sum(map(counts, tickets)) for key, (_, counts) in FIGURES.items()},
            tasks={key: sum(counts(one, self._now) for one in tasks) for key, (_, counts) in TASKS.items()},
            applications={
                "received": len(applications),
                "in-time": sum(one.state == "answered" and not one.late for one in applications),
                "late": sum(one.late for one in applications),
            },
            consultations={
                key: sum(map(counts, consultations)) for key, (_, counts) in CONSULTATIONS.items()
            },
        )  # fmt: skip

    def _of(self, unit: Unit | None, read: _Read) -> _Read:
        """What of all that was read is a unit's: the same that `share` asks the store for, a list at a time."""
        whose = self._whose(unit)
        if whose is None:
            return read
        grant = whose.view.grant
        policies = None if grant.policies is None else frozenset(grant.policies)
        regions = grant.regions
        events = None if regions is None else frozenset(whose.view.events_here())
        on_drafts = regions is None and not whose.place

        def ticket(one: Worked) -> bool:
            policy, event = read.matters[one.id]
            about = (policies is None or policy in policies) and (events is None or event in events)
            return whose.has(one.unit, about=about)

        def application(one: Application) -> bool:
            about = policies is None or one.policy in policies
            here = regions is None or one.region.startswith(regions)
            return whose.has(one.department, about=about and here)

        # With a hundred counties each must not look at everything: only at what can be its own.
        tickets: Collection[int] = read.tickets
        if policies is not None:
            tickets = read.tickets_by.of(unit=whose.names, policy=policies)
        elif events is not None:
            tickets = read.tickets_by.of(unit=whose.names, event=events)
        applications: Collection[int] = read.applications
        if policies is not None:
            applications = read.applications_by.of(unit=whose.names, policy=policies)
        return _Read(
            matters=read.matters,
            tickets_by=read.tickets_by,
            applications_by=read.applications_by,
            tickets={key: read.tickets[key] for key in tickets if ticket(read.tickets[key])},
            tasks={key: one for key, one in read.tasks.items() if one.unit in whose.names},
            applications={
                key: read.applications[key] for key in applications if application(read.applications[key].application)
            },
            consultations={
                key: (one, stands)
                for key, (one, stands) in read.consultations.items()
                if whose.has(one.department, about=on_drafts and (policies is None or one.policy_id in policies))
            },
        )

    def _worked(self, share: Share, span: Span) -> list[Worked]:
        since, until = span.moments
        with self._store.read() as connection:
            return worked(connection, since, until, self._now, share.tickets)

    def _handed(self, share: Share, span: Span) -> dict[int, Handed]:
        since, until = span.moments
        columns = (
            assignment_table.c.id,
            ticket_table.c.number.label("ticket"), ticket_table.c.title,
            *(
                assignment_table.c[name]
                for name in ("number", "unit", "demand", "state", "passed_at", "due_at", "reported_at")
            ),
        )  # fmt: skip
        query = (
            sa.select(*columns)
            .join(ticket_table, ticket_table.c.id == assignment_table.c.ticket_id)
            .where(
                assignment_table.c.passed_at >= since,
                assignment_table.c.passed_at < until,
                assignment_table.c.state != "withdrawn",
                ticket_table.c.exercise.is_(False),
                *share.tasks,
            )
            .order_by(assignment_table.c.passed_at.desc(), assignment_table.c.id.desc())
        )
        with self._store.read() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return {row.pop("id"): Handed(**row) for row in rows}

    def consultations(self, share: Share, span: Span) -> list[tuple[Consultation, Standing]]:
        """The consultations whose result was to be public on one of these days."""
        found = [
            (one, standing(one, self.today, self._settings.consultation))
            for one in self._book.all(where=share.consultations)
        ]
        return [each for each in found if span.since <= each[1].due_on <= span.until]


def address(row: Row, group: str, key: str, span: Span) -> str:
    """The page that lists exactly what a figure counts."""
    days: Mapping[str, object] = {"since": span.since, "until": span.until}
    unit = {} if row.id is None else {"below": row.id}
    if group == "tickets":
        return f"/tickets?{urlencode({**unit, 'figure': key, **days})}"
    if group == "tasks":
        return f"/grassroots/tasks?{urlencode({**unit, 'figure': key, **days})}"
    between = {"from": span.since, "to": span.until}
    if group == "applications":
        return f"/disclosure?{urlencode({**unit, 'state': APPLICATIONS[key][1] or 'all', **between})}"
    state = {"state": MISSED} if key == "late" else {}
    return f"/consultations?{urlencode({**unit, **state, **between})}"


def sheet_rows(table: Table) -> list[list[str]]:
    """Cells in the order of `HEADINGS`, the whole last."""
    whole = f"{table.whole.unit or '全部'}（合计，不重复计）"
    return [
        [name, *(str(one.count(group, key)) for group, (_, names) in GROUPS.items() for key in names)]
        for name, one in [*((one.unit, one) for one in table.rows), (whole, table.whole)]
    ]


def grassroots_of(visit: Visit) -> Grassroots:
    """The view for who asks."""
    console = visit.console
    return Grassroots(
        console.store, console.clock, console.settings, console.views, visit.view, console.units.tree(),
        visit.user.unit_id,
    )  # fmt: skip


def named_unit(ground: Grassroots, text: str) -> Unit | None:
    """The unit of an address; without one the viewer's own. Another's is answered as one that is not there: 404."""
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(404)
    try:
        return ground.unit(int(text) if text else None)
    except NotBelow:
        raise HTTPException(404) from None
