"""The month by unit: on time or not, how well, who asked again, false alarms, and how long each step took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import mean, median

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from alerts.responses.evaluation import Kept, kept_by_ticket
from alerts.tables import is_term, tickets, timers
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.store import Store

NOBODY = "未定责任单位"
_CHUNK = 500


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
    to_acknowledge, to_respond, to_close:
        Median hours from the ticket's opening.
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
    to_respond: float | None
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
    with store.read() as connection:
        rows = connection.execute(
            sa.select(
                tickets.c.id,
                tickets.c.number,
                tickets.c.unit,
                tickets.c.status,
                tickets.c.created_at,
                tickets.c.acknowledged_at,
                tickets.c.responded_at,
                tickets.c.closed_at,
            ).where(
                tickets.c.created_at >= since,
                tickets.c.created_at < until,
                tickets.c.exercise.is_(False),
                tickets.c.historical.is_(False),
            )
        ).mappings()
        by_unit: dict[str, list[RowMapping]] = {}
        for row in rows:
            by_unit.setdefault(row["unit"] or NOBODY, []).append(row)
        ids = [row["id"] for group in by_unit.values() for row in group]
        clocks = _clocks(connection, ids)
        evaluated = kept_by_ticket(connection, ids)
    found = [_unit(name, group, clocks, evaluated, clock.now()) for name, group in by_unit.items()]
    return sorted(found, key=lambda one: (-one.tickets, one.unit))


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month and that of the next."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=CHINA)
    except ValueError:
        raise WrongUse(f"'{month}' is no month", "write it as 2026-11") from None
    return first, (first + timedelta(days=32)).replace(day=1)


def _clocks(connection: Connection, ids: Sequence[int]) -> dict[int, list[RowMapping]]:
    found: dict[int, list[RowMapping]] = {}
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(timers.c.ticket_id, timers.c.due_at, timers.c.fired_at, timers.c.cancelled_at).where(
            timers.c.ticket_id.in_(ids[start : start + _CHUNK]), is_term, timers.c.replaced.is_(False)
        )
        for row in connection.execute(query).mappings():
            found.setdefault(row["ticket_id"], []).append(row)
    return found


def _unit(
    name: str,
    rows: Sequence[RowMapping],
    clocks: dict[int, list[RowMapping]],
    evaluated: dict[int, Kept],
    now: datetime,
) -> UnitMonth:
    kept = late = 0
    for row in rows:
        for one in clocks.get(row["id"], []):
            in_time = _in_time(one, row["responded_at"], now)
            kept += in_time is True
            late += in_time is False
    judged = [evaluated[row["id"]] for row in rows if row["id"] in evaluated]
    sheets = [one.sheet_share for one in judged if one.sheet_share is not None]
    return UnitMonth(
        unit=name,
        tickets=len(rows),
        false_alarms=sum(row["status"] == "false-alarm" for row in rows),
        kept=kept,
        late=late,
        responded=sum(row["responded_at"] is not None for row in rows),
        evaluated=len(judged),
        well=sum(one.well for one in judged),
        score=round(mean(one.score for one in judged), 3) if judged else None,
        satisfaction=round(mean(sheets), 3) if sheets else None,
        repeated=sum(one.repeats > 0 for one in judged),
        to_acknowledge=_hours(rows, "acknowledged_at"),
        to_respond=_hours(rows, "responded_at"),
        to_close=_hours(rows, "closed_at"),
    )


def _in_time(clock: RowMapping, responded_at: datetime | None, now: datetime) -> bool | None:
    """Whether a clock was kept; None where it still runs, or was taken off before anything was due."""
    if responded_at is not None:
        return bool(responded_at <= clock["due_at"])
    if clock["cancelled_at"] is not None and clock["cancelled_at"] <= clock["due_at"]:
        return None
    return False if clock["due_at"] <= now else None


def _hours(rows: Sequence[RowMapping], column: str) -> float | None:
    taken = [(row[column] - row["created_at"]).total_seconds() / 3600 for row in rows if row[column] is not None]
    return round(median(taken), 1) if taken else None
