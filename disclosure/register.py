"""The applications in the store, as they are read: each with where it stands today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa

from disclosure.model import Application
from disclosure.tables import applications as table
from disclosure.tables import changes
from disclosure.terms import Standing, Terms
from minsheng.clock import CHINA, Clock
from minsheng.duedays import Press, press_of
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store
from minsheng.store.paging import CHUNK, behind, by_code_point, read_from
from minsheng.workdays import WorkCalendar

Where = Sequence[sa.ColumnElement[bool]]
Place = tuple[int, int, int, str, str]
"""Where an application stands in lists: see `order_of`."""
ANSWERED = "answered"
OPEN, LATE, SOON, IN_TIME = "open", "late", "soon", "in-time"
"""Choices beside the states: not answered; late, answered or not; due within `disclosure.warn_days`; answered
in time."""
UNNAMED = "none"
"""Answered without its outcome being told."""
CHOICES = {OPEN: "未答复", SOON: "临期", LATE: "超期", IN_TIME: "按期答复"}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which applications are meant. What is None or empty leaves nothing out.

    Attributes
    ----------
    since, until:
        First and last day of receipt.
    state:
        A state, or one of `CHOICES`.
    outcome:
        An outcome, or `none`: answered, and not told how.
    region:
        How its name begins.
    words:
        Letter for letter in number, title or content.
    """

    since: date | None = None
    until: date | None = None
    state: str = ""
    outcome: str = ""
    review: str = ""
    litigation: str = ""
    department: str = ""
    region: str = ""
    matter: int | None = None
    words: str = ""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An application and where it stands."""

    application: Application
    standing: Standing


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did to an application: field → (before, after); empty when it brought it."""

    at: datetime
    actor: str
    file: str
    fields: dict[str, tuple[Any, Any]]


class Register:
    """Reads the applications. Writing is `disclosure.importing`'s."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self.today = clock.now().astimezone(CHINA).date()
        self._terms = Terms(WorkCalendar.from_settings(settings), settings.disclosure, self.today)

    def list(self, asked: Asked | None = None, where: Where = ()) -> Sequence[Listed]:
        """Those that are meant: what is not answered first, by what is due first; then the answered, newest first.

        Parameters
        ----------
        where:
            What must hold of a row beside, such as a viewer's scope.
        """
        asked = asked or Asked()
        found = [one for one in self._read([*_conditions(asked), *where]) if self._meant(one.standing, asked.state)]
        found.sort(key=order_of)
        return found

    def page(self, asked: Asked, where: Where = (), *, after: Place | None = None, limit: int) -> Sequence[Listed]:
        """At most `limit` of `list(asked, where)` behind a place.

        Of what is not answered, which a calendar of working days sorts, everything is read; of what is answered, which
        grows from year to year, only as much as is wanted.
        """
        conditions = [*_conditions(asked), *where]
        found: list[Listed] = []
        if (after is None or not after[0]) and asked.state not in (ANSWERED, IN_TIME):
            waiting = self._read([*conditions, table.c.answered_on.is_(None)])
            found = sorted((one for one in waiting if self._meant(one.standing, asked.state)), key=order_of)
            found = [one for one in found if after is None or order_of(one) > after][:limit]
        if len(found) < limit and asked.state in ("", ANSWERED, IN_TIME, LATE):
            behind_all = after if after is not None and after[0] else None
            found += islice(self._answered(conditions, asked.state, behind_all, limit), limit - len(found))
        return found

    def _answered(self, conditions: Where, state: str, after: Place | None, limit: int) -> Iterator[Listed]:
        order = (
            (table.c.answered_on, True),
            (by_code_point(self._store, table.c.department), False),
            (by_code_point(self._store, table.c.number), False),
        )
        sort = [column.desc() if descends else column for column, descends in order]

        def read(place: Place | None, count: int) -> Sequence[Listed]:
            where = [*conditions, table.c.answered_on.is_not(None)]
            if place is not None:
                where.append(behind(order, (date.fromordinal(-place[1]), *place[3:])))
            return list(self._read(where, sort, count))

        every = state in ("", ANSWERED)
        return read_from(
            after, read, order_of, lambda one: every or self._meant(one.standing, state), limit if every else CHUNK
        )

    def get(self, number: str, department: str | None = None) -> Listed:
        """One by its number, and its department where others use the number, too. Raises `WrongUse`."""
        where = [table.c.number == number.strip()]
        if department is not None:
            where.append(table.c.department == department)
        found = list(self._read(where))
        if not found:
            raise WrongUse(Problem("application-unknown", number=number), "minsheng disclosure list shows them")
        if len(found) > 1:
            names = "、".join(one.application.department or "（未注明）" for one in found)
            raise WrongUse(f"{len(found)} departments have an application {number}: {names}", "say which: --department")
        return found[0]

    def by_id(self, identity: int, where: Where = ()) -> Listed | None:
        """One by the store's own number; None where there is none, or `where` leaves it out."""
        return next(self._read([table.c.id == identity, *where]), None)

    def history(self, identity: int) -> Sequence[Revision]:
        """Which imports brought and changed an application, in their order."""
        query = sa.select(changes).where(changes.c.application_id == identity).order_by(changes.c.id)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        return [
            Revision(
                at=row.at, actor=row.actor, file=row.file,
                fields={name: (before, after) for name, (before, after) in row.fields.items()},
            )
            for row in rows
        ]  # fmt: skip

    def departments(self, where: Where = ()) -> Sequence[str]:
        """Those that have applications."""
        query = sa.select(table.c.department).where(table.c.department != "", *where).distinct()
        with self._store.read() as connection:
            return sorted(connection.scalars(query))

    def press(self, standing: Standing) -> Press | None:
        """Whether an answer presses: None where it is given, its clock stands still, or there is time yet."""
        if standing.state == "answered" or standing.due is None or standing.left is None:
            return None
        return press_of(standing.left, self._settings.disclosure.warn_days)

    def workdays_taken(self, one: Application) -> int | None:
        """See `Terms.workdays_taken`."""
        return self._terms.workdays_taken(one)

    def _read(
        self, where: Where, order: Sequence[sa.ColumnElement[Any]] = (table.c.id,), limit: int | None = None
    ) -> Iterator[Listed]:
        query = sa.select(table).where(*where).order_by(*order).limit(limit)
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
        for row in rows:
            application = application_of(row)
            yield Listed(application=application, standing=self._terms.of(application))

    def _meant(self, standing: Standing, state: str) -> bool:
        if state == OPEN:
            return standing.state != ANSWERED
        if state == LATE:
            return standing.late
        if state == IN_TIME:
            return standing.state == ANSWERED and not standing.late
        if state == SOON:
            return self.press(standing) == "soon"
        return state in ("", standing.state)


def application_of(row: sa.RowMapping) -> Application:
    """A row of the table as the struct."""
    fields = dict(row)
    return Application(policy=fields.pop("policy_id"), **fields)


def _conditions(asked: Asked) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if asked.since is not None:
        found.append(table.c.received_on >= asked.since)
    if asked.until is not None:
        found.append(table.c.received_on <= asked.until)
    if asked.outcome == UNNAMED:
        found += [table.c.outcome.is_(None), table.c.answered_on.is_not(None)]
    elif asked.outcome:
        found.append(table.c.outcome == asked.outcome)
    for name in ("review", "litigation", "department"):
        if value := getattr(asked, name):
            found.append(table.c[name] == value)
    if asked.region:
        found.append(table.c.region.startswith(asked.region, autoescape=True))
    if asked.matter is not None:
        found.append(table.c.matter == asked.matter)
    if asked.words:
        found.append(
            sa.or_(*(table.c[name].contains(asked.words, autoescape=True) for name in ("number", "title", "content")))
        )
    return found


def order_of(one: Listed) -> Place:
    """Where an application stands in lists; no two stand at the same place."""
    application, standing = one.application, one.standing
    if standing.state == "answered":
        assert application.answered_on is not None
        return 1, -application.answered_on.toordinal(), 0, application.department, application.number
    # What waits for others comes after what is due.
    due = standing.due.toordinal() if standing.due else date.max.toordinal()
    return 0, due, application.received_on.toordinal(), application.department, application.number
