"""What a duty book (值守手册) is made of."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from alerts.risk_kind import RiskKind

NoticeLevel = Literal["blue", "yellow", "orange", "red"]
EVERY_LEVEL: tuple[NoticeLevel, ...] = ("blue", "yellow", "orange", "red")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "holiday"]
WEEKDAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

RECEIVER_KINDS = ("person", "roster", "unit", "supervisor", "channel")
"""What may stand before the colon of a receiver; `responsible`, alone, is the unit that the policy belongs to."""
RESPONSIBLE = "responsible"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Address(_Table, frozen=True, kw_only=True):
    """How a person is reached through a channel of the settings.

    Attributes
    ----------
    channel:
        Name of a channel.
    to:
        What the channel knows the person by: a mail address, a telephone number, a robot's user id.
    levels:
        Only notices of these levels go there.
    """

    channel: str
    to: str
    levels: tuple[NoticeLevel, ...] = EVERY_LEVEL


class Unit(_Table, frozen=True, kw_only=True):
    """A unit of the government: its departments' names as policies have them, the regions it looks after, and the id of
    the person above its duty officers."""

    id: str
    name: str
    parent: str = ""
    departments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    supervisor: str = ""


class Person(_Table, frozen=True, kw_only=True):
    """Somebody of the unit's own people.

    Attributes
    ----------
    quiet:
        Hours in which only red notices, and those of the own duty, reach the person; empty: none.
    """

    id: str
    name: str
    unit: str = ""
    title: str = ""
    addresses: tuple[Address, ...] = ()
    quiet: str = ""


class Shift(_Table, frozen=True, kw_only=True):
    """A shift that comes again and again.

    Attributes
    ----------
    hours:
        `08:00-20:00`, China time; a night shift belongs to the day on which it begins.
    days:
        The days on which it begins; none: every day. `workday` and `holiday` follow the State Council's calendar with
        its make-up days, and the unit's own days in the settings ([work]).
    people:
        Who takes turns, each a person's id or a list of ids that are on duty together.
    rotate:
        When it is the next one's turn: each week (Monday), each day, or each time the shift comes.
    """

    name: str
    hours: str
    people: tuple[str | tuple[str, ...], ...]
    days: tuple[Day, ...] = ()
    rotate: Literal["week", "day", "turn"] = "week"


class Special(_Table, frozen=True, kw_only=True):
    """Days on which others are on duty, e.g. the Spring Festival: first and last day, and the shift, or all of them."""

    first: date
    last: date
    people: tuple[str, ...]
    shift: str = ""
    name: str = ""


class Roster(_Table, frozen=True, kw_only=True):
    """A duty roster.

    Attributes
    ----------
    starts:
        The day that turns are counted from: the first of `people` is on duty then.
    backup:
        Who steps in, in this order, where somebody is away and no stand-in was named.
    announce:
        Receivers that are told at each change of shift that the watch goes on, beside the people who begin.
    cover, cover_days:
        The hours, and the days, in which somebody has to be on duty; what is not covered is a gap.
    """

    id: str
    name: str
    starts: date
    shifts: tuple[Shift, ...]
    unit: str = ""
    specials: tuple[Special, ...] = ()
    backup: tuple[str, ...] = ()
    announce: tuple[str, ...] = ()
    cover: str = "00:00-24:00"
    cover_days: tuple[Day, ...] = ()


class Route(_Table, frozen=True, kw_only=True):
    """Who is told of what. Routes are tried in their order; the first that fits ends the search unless it says
    `go_on`. A condition that is not given fits everything.

    Attributes
    ----------
    levels, policies, departments, topics, risk_kinds, regions:
        Conditions on the ticket; regions are those of the unit that the policy's department belongs to, and fit all
        below them.
    days, hours:
        Conditions on the time; of hours that go past midnight the day is the one on which they begin.
    to:
        Receivers: `person:ID`, `roster:ID` (who is on duty now), `unit:ID` (all its people), `supervisor:UNIT`,
        `channel:NAME`, `responsible` (the unit of the policy's department).
    escalation:
        Id of the chain that begins where nobody acknowledges.
    digest:
        Times of day at which what this route has is sent together, e.g. ["08:30", "17:30"]; red never waits.
    group_seconds:
        How long to wait for more of the same policy, to send it together; red never waits.
    """

    name: str
    to: tuple[str, ...]
    levels: tuple[NoticeLevel, ...] = ()
    policies: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    risk_kinds: tuple[RiskKind, ...] = ()
    regions: tuple[str, ...] = ()
    days: tuple[Day, ...] = ()
    hours: str = ""
    escalation: str = ""
    digest: tuple[str, ...] = ()
    group_seconds: float = 0.0
    go_on: bool = False


class ChainStep(_Table, frozen=True, kw_only=True):
    """Who is told when nobody has acknowledged so many minutes after the ticket's notice."""

    after_minutes: float
    to: tuple[str, ...]


class Escalation(_Table, frozen=True, kw_only=True):
    """A chain of steps, copied into the ticket when it opens."""

    id: str
    name: str
    steps: tuple[ChainStep, ...]


class Inhibition(_Table, frozen=True, kw_only=True):
    """Notices of the levels `hides` wait while a ticket of the levels `where` is open for the same policy or
    department."""

    where: tuple[NoticeLevel, ...]
    hides: tuple[NoticeLevel, ...]
    same: Literal["policy", "department"] = "policy"


class DutyBook(_Table, frozen=True, kw_only=True):
    """The whole book: see `docs/reference/duty-book.md`."""

    units: tuple[Unit, ...] = ()
    people: tuple[Person, ...] = ()
    rosters: tuple[Roster, ...] = ()
    routes: tuple[Route, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    inhibitions: tuple[Inhibition, ...] = (Inhibition(where=("red",), hides=("blue",)),)

    def person(self, person_id: str) -> Person | None:
        return next((one for one in self.people if one.id == person_id), None)

    def unit(self, unit_id: str) -> Unit | None:
        return next((one for one in self.units if one.id == unit_id), None)

    def roster(self, roster_id: str) -> Roster | None:
        return next((one for one in self.rosters if one.id == roster_id), None)

    def escalation(self, escalation_id: str) -> Escalation | None:
        return next((one for one in self.escalations if one.id == escalation_id), None)

    def unit_of_department(self, department: str | None) -> Unit | None:
        """The unit that a policy's department belongs to, by one of its names."""
        if not department:
            return None
        return next((one for one in self.units if department == one.name or department in one.departments), None)

    def name_of(self, person_id: str) -> str:
        found = self.person(person_id)
        return found.name if found else person_id


EMPTY = DutyBook(inhibitions=())
"""No book: every notice goes to every channel that takes its level."""
