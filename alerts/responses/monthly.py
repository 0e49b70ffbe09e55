"""The month by unit: on time or not, how well, who asked again, false alarms, and how long each step took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import mean, median

import msgspec

from alerts.responses.reached import first_reached
from alerts.responses.worked import Worked, worked
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

NOBODY = "未定责任单位"


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


def month_by_unit(store: Store, clock: Clock, month: str) -> list[UnitMonth]:
    """The tickets opened in a month, by unit; the unit with most tickets first.

    Parameters
    ----------
    month:
        `2026-11`, in China's time.

    Raises
    ------
    WrongUse
        If that is no month.
    """
    since, until = bounds(month)
    by_unit: dict[str, list[Worked]] = {}
    with store.read() as connection:
        for one in worked(connection, since, until, clock.now()):
            by_unit.setdefault(one.unit or NOBODY, []).append(one)
        reached = first_reached(connection, [one.id for group in by_unit.values() for one in group])
    found = [_unit(name, group, reached) for name, group in by_unit.items()]
    return sorted(found, key=lambda one: (-one.tickets, one.unit))


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month and that of the next."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=CHINA)
    except ValueError:
        raise WrongUse(Problem("month-wrong", text=month), "write it as 2026-11") from None
    return first, (first + timedelta(days=32)).replace(day=1)


def _unit(name: str, rows: Sequence[Worked], reached: Mapping[int, Mapping[str, datetime]]) -> UnitMonth:
    def hours(status: str) -> float | None:
        return _hours([(one.created_at, reached.get(one.id, {}).get(status)) for one in rows])

    judged = [one.evaluation for one in rows if one.evaluation is not None]
    sheets = [one.sheet_share for one in judged if one.sheet_share is not None]
    return UnitMonth(
        unit=name,
        tickets=len(rows),
        false_alarms=sum(one.status == "false-alarm" for one in rows),
        kept=sum(one.kept for one in rows),
        late=sum(one.late for one in rows),
        responded=sum(one.responded_at is not None for one in rows),
        evaluated=len(judged),
        well=sum(one.well for one in judged),
        score=round(mean(one.score for one in judged), 3) if judged else None,
        satisfaction=round(mean(sheets), 3) if sheets else None,
        repeated=sum(one.repeats > 0 for one in judged),
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
