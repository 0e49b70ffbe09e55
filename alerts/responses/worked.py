"""What became of the tickets of a time: their clocks, the responses, and how good these were. Read once for all of
them, so that a figure and the list behind it are the same tickets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.responses.evaluation import Kept, kept_by_ticket
from alerts.tables import is_term, tickets, timers
from alerts.tickets import Deadline, read_deadlines


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket.

    Attributes
    ----------
    kept, late:
        Clocks that ended in time, and ones that did not; those that still run are neither.
    evaluation:
        The one that counts; None where its response was not evaluated.
    """

    id: int
    unit: str
    status: str
    opened_at: datetime
    created_at: datetime
    acknowledged_at: datetime | None
    responded_at: datetime | None
    closed_at: datetime | None
    kept: int = 0
    late: int = 0
    evaluation: Kept | None = None


FIGURES: dict[str, tuple[str, Callable[[Worked], bool]]] = {
    "opened": ("新增", lambda one: True),
    "open": ("未办结", lambda one: one.closed_at is None),
    "on-time": ("按时", lambda one: one.kept > 0 and not one.late),
    "late": ("超时", lambda one: one.late > 0),
    "responded": ("已回应", lambda one: one.responded_at is not None),
    "evaluated": ("已评价", lambda one: one.evaluation is not None),
    "well": ("答得好", lambda one: one.evaluation is not None and one.evaluation.well),
}
"""What is counted of tickets → its title, and whether a ticket counts. `late`: with a clock that was missed; `on-time`:
all that have ended were kept. `well`: the response is good or fair."""

_COLUMNS = (
    tickets.c.id, tickets.c.unit, tickets.c.status, tickets.c.opened_at, tickets.c.created_at,
    tickets.c.acknowledged_at, tickets.c.responded_at, tickets.c.closed_at,
)  # fmt: skip


def worked(
    connection: Connection,
    since: datetime,
    until: datetime,
    now: datetime,
    where: Sequence[sa.ColumnElement[bool]] = (),
) -> list[Worked]:
    """The tickets opened from `since` to before `until`, newest first; exercises and historical ones are left out.

    Parameters
    ----------
    where:
        What must hold of their rows beside, such as a viewer's scope.
    """
    rows = connection.execute(
        sa.select(*_COLUMNS)
        .where(
            tickets.c.created_at >= since,
            tickets.c.created_at < until,
            tickets.c.exercise.is_(False),
            tickets.c.historical.is_(False),
            *where,
        )
        .order_by(tickets.c.opened_at.desc(), tickets.c.id.desc())
    ).all()
    ids = [row.id for row in rows]
    clocks = read_deadlines(connection, ids, (is_term, timers.c.replaced.is_(False)))
    evaluated = kept_by_ticket(connection, ids)
    found = []
    for row in rows:
        ended = [_in_time(one, now) for one in clocks.get(row.id, ())]
        found.append(
            Worked(**row._mapping, kept=ended.count(True), late=ended.count(False), evaluation=evaluated.get(row.id))
        )
    return found


def _in_time(clock: Deadline, now: datetime) -> bool | None:
    """Whether a clock was kept; None where it still runs, or was taken off before anything was due."""
    overdue = clock.waiting and clock.met_at is None and clock.due_at <= now
    return False if overdue else clock.kept
