"""The applications for information that a viewer may see, and what a page asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from msgspec.structs import replace

from console.access import Visit
from console.days import china_day
from console.units import Grant
from disclosure.model import OUTCOMES, RULINGS, STATES, Application
from disclosure.register import CHOICES, OPEN, UNNAMED, Asked, Listed, Place, Register
from disclosure.tables import applications as table

ALL = "all"
LONGEST = 200
"""Characters of what is typed into a filter."""


def own(grant: Grant) -> list[sa.ColumnElement[bool]]:
    """What must hold of an application's row for it to be the viewer's: its policy or its department is the unit's, and
    its region lies in the unit's. One that names no region is not seen by units that have some."""
    found: list[sa.ColumnElement[bool]] = []
    if grant.policies is not None:
        found.append(sa.or_(table.c.policy_id.in_(grant.policies), table.c.department.in_(grant.departments)))
    if grant.regions is not None:
        found.append(sa.or_(*(table.c.region.startswith(name, autoescape=True) for name in grant.regions)))
    return found


def may_keep(grant: Grant, one: Application) -> bool:
    """Whether a viewer may write an application: its department is one of the unit, where the unit does not see
    everything, and its region lies in the unit's."""
    named = grant.policies is None or one.department in grant.departments
    return named and (grant.regions is None or one.region.startswith(grant.regions))


class OwnRegister:
    """The register as the viewer sees it.

    Parameters
    ----------
    where:
        What must hold of an application beside: that it is one of a unit below.
    """

    def __init__(self, visit: Visit, where: Sequence[sa.ColumnElement[bool]] = ()) -> None:
        self.register = Register(visit.console.store, visit.console.clock, visit.console.settings)
        self._own = [*own(visit.view.grant), *where]

    def list(self, asked: Asked) -> Sequence[Listed]:
        return self.register.list(asked, self._own)

    def page(self, asked: Asked, *, after: Place | None, limit: int) -> Sequence[Listed]:
        return self.register.page(asked, self._own, after=after, limit=limit)

    def get(self, identity: int) -> Listed | None:
        return self.register.by_id(identity, self._own)

    def departments(self) -> Sequence[str]:
        return self.register.departments(self._own)


def asked_of(query: Mapping[str, str]) -> Asked:
    """What an address asks for; without a state: what is not answered. What no choice of the page could be is passed
    over. Raises `WrongUse` for a day that is none."""

    def chosen(name: str, known: Any) -> str:
        value = query.get(name, "")
        return value if value in known else ""

    def words(name: str) -> str:
        return query.get(name, "").replace("\0", "").strip()[:LONGEST]

    state = query.get("state", "")
    matter = query.get("matter", "")
    return Asked(
        since=china_day(query.get("from", "")),
        until=china_day(query.get("to", "")),
        state="" if state == ALL else state if state in STATES or state in CHOICES else OPEN,
        outcome=chosen("outcome", (*OUTCOMES, UNNAMED)),
        review=chosen("review", RULINGS),
        litigation=chosen("litigation", RULINGS),
        department=words("department"),
        region=words("region"),
        matter=int(matter) if matter.isascii() and matter.isdecimal() and len(matter) < 10 else None,
        words=words("q"),
    )


def address(asked: Asked, page: str = "/disclosure", *, below: str = "", **changes: Any) -> str:
    """Where a page lists what is asked for, with some of it changed; of the unit below that is named, or of all."""
    given = replace(asked, **changes)
    query = {
        "from": given.since, "to": given.until, "state": given.state or ALL, "outcome": given.outcome,
        "review": given.review, "litigation": given.litigation, "department": given.department,
        "region": given.region, "matter": given.matter, "q": given.words, "below": below,
    }  # fmt: skip
    return f"{page}?{urlencode({name: value for name, value in query.items() if value not in (None, '')})}"


def whole(asked: Asked, today: date) -> Asked:
    """What the figures beside a list count: the same period, this year where none is asked for, with every state and
    outcome."""
    return Asked(
        since=asked.since or date(today.year, 1, 1), until=asked.until or today, department=asked.department,
        region=asked.region,
    )  # fmt: skip
