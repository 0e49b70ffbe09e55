"""The month by unit: on time or not, how well, who asked again, false alarms, and how long each step took."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import mean, median

import msgspec
import sqlalchemy as sa

from alerts.responses.reached import first_reached
from alerts.responses.worked import Worked, worked
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

NOBODY = "未定责任单位"
YEARS = range(1900, 2900)
"""At the ends of the calendar no day can be added."""


class UnitMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One unit's month. Shares are from 0 to 1, times in hours; None where there is nothing to take them from.

    Attributes
    ----------
    tickets:
        Opened in the month, exercises and historical ones left out; false alarms and merged ones are among them.
    false_alarms:
        How many of them.
    kept, late:
        Clocks that ended in time, and ones that did not; those that still run are neither.
    overdue:
        Tickets with a clock that did not.
    responded, evaluated, well:
        Tickets with a response, with an evaluated one, and with a good or fair one.
    score, satisfaction:
        Means of the evaluations, and of the supervisors' sheets alone.
    repeated:
        Tickets after whose response people asked again.
    to_acknowledge, to_judge, to_handle, to_respond, to_evaluate, to_close:
        Median hours from the ticket's opening until it first was acknowledged, under judgement, responding, responded,
        evaluated and closed; tickets that never were, or left that out, don't count.
    """

    unit: str
    tickets: int
    false_alarms: int
    kept: int
    late: int
    overdue: int
    responded: int
    evaluated: int
    well: int
    score: float | None
    satisfaction: float | None
    repeated: int
    to_acknowledge: float | None
    to_judge: float | None
    to_handle: float | None
    to_respond: float | None
    to_evaluate: float | None
    to_close: float | None

    @property
    def on_time(self) -> float | None:
        """Share of the clocks that were kept."""
        ended = self.kept + self.late
        return self.kept / ended if ended else None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of the month, and status → when it was first reached."""

    ticket: Worked
    reached: Mapping[str, datetime]

    @property
    def unit(self) -> str:
        return self.ticket.unit or NOBODY


def _came_to(status: str) -> Callable[[Told], bool]:
    return lambda one: status in one.reached


FIGURES: dict[str, tuple[str, Callable[[Told], bool]]] = {
    "tickets": ("工单", lambda one: True),
    "false_alarms": ("误报", lambda one: one.ticket.status == "false-alarm"),
    "on_time": ("时限已到", lambda one: one.ticket.kept + one.ticket.late > 0),
    "overdue": ("超时", lambda one: one.ticket.late > 0),
    "responded": ("已回应", lambda one: one.ticket.responded_at is not None),
    "evaluated": ("已评价", lambda one: one.ticket.evaluation is not None),
    "well": ("答得好", lambda one: one.ticket.evaluation is not None and one.ticket.evaluation.well),
    "score": ("已评价", lambda one: one.ticket.evaluation is not None),
    "satisfaction": (
        "主管已评分",
        lambda one: one.ticket.evaluation is not None and one.ticket.evaluation.sheet_share is not None,
    ),
    "repeated": ("再次反映", lambda one: one.ticket.evaluation is not None and one.ticket.evaluation.repeats > 0),
    "to_acknowledge": ("已签收", _came_to("acknowledged")),
    "to_judge": ("已研判", _came_to("judging")),
    "to_handle": ("已处置", _came_to("responding")),
    "to_respond": ("已转为已回应", _came_to("responded")),
    "to_evaluate": ("已转为已评估", _came_to("evaluated")),
    "to_close": ("已办结", _came_to("closed")),
}
"""A figure of `UnitMonth` → what the tickets are that it is taken from, and whether one is among them. A count is the
number of these tickets; a share, a mean or a median is taken over them."""


class Month:
    """The tickets opened in a month.

    Parameters
    ----------
    month:
        `2026-11`, in China's time.
    where:
        What must hold of their rows beside, such as a viewer's scope.

    Raises
    ------
    WrongUse
        If that is no month.
    """

    def __init__(self, store: Store, clock: Clock, month: str, where: Sequence[sa.ColumnElement[bool]] = ()) -> None:
        since, until = bounds(month)
        with store.read() as connection:
            found = worked(connection, since, until, clock.now(), where)
            reached = first_reached(connection, [one.id for one in found])
        self._told = [Told(ticket=one, reached=reached.get(one.id, {})) for one in found]

    def by_unit(self) -> list[UnitMonth]:
        """A row a unit; the unit with most tickets first."""
        groups: dict[str, list[Told]] = {}
        for one in self._told:
            groups.setdefault(one.unit, []).append(one)
        found = [_unit(name, group) for name, group in groups.items()]
        return sorted(found, key=lambda one: (-one.tickets, one.unit))

    def whole(self, name: str) -> UnitMonth:
        """All of them as one row of that name."""
        return _unit(name, self._told)

    def tickets(self, unit: str | None, figure: str) -> list[Worked]:
        """The tickets that a figure of a unit is taken from, newest first; None: of all units."""
        counts = FIGURES[figure][1]
        return [one.ticket for one in self._told if unit in (None, one.unit) and counts(one)]


def month_by_unit(store: Store, clock: Clock, month: str) -> list[UnitMonth]:
    """The tickets opened in a month, by unit. Raises `WrongUse` if that is no month."""
    return Month(store, clock, month).by_unit()


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month and that of the next."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=CHINA)
        if first.year not in YEARS:
            raise ValueError(month)
    except ValueError:
        raise WrongUse(Problem("month-wrong", text=month), "write it as 2026-11") from None
    return first, (first + timedelta(days=32)).replace(day=1)


def _unit(name: str, told: Sequence[Told]) -> UnitMonth:
    def many(figure: str) -> int:
        return sum(map(FIGURES[figure][1], told))

    def hours(status: str) -> float | None:
        return _hours([(one.ticket.created_at, one.reached.get(status)) for one in told])

    judged = [one.ticket.evaluation for one in told if one.ticket.evaluation is not None]
    sheets = [one.sheet_share for one in judged if one.sheet_share is not None]
    return UnitMonth(
        unit=name,
        tickets=len(told),
        false_alarms=many("false_alarms"),
        kept=sum(one.ticket.kept for one in told),
        late=sum(one.ticket.late for one in told),
        overdue=many("overdue"),
        responded=many("responded"),
        evaluated=len(judged),
        well=many("well"),
        score=round(mean(one.score for one in judged), 3) if judged else None,
        satisfaction=round(mean(sheets), 3) if sheets else None,
        repeated=many("repeated"),
        to_acknowledge=hours("acknowledged"),
        to_judge=hours("judging"),
        to_handle=hours("responding"),
        to_respond=hours("responded"),
        to_evaluate=hours("evaluated"),
        to_close=hours("closed"),
    )


def _hours(spans: Sequence[tuple[datetime, datetime | None]]) -> float | None:
    taken = [(end - begin).total_seconds() / 3600 for begin, end in spans if end is not None]
    return round(median(taken), 1) if taken else None
