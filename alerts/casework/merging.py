"""Merging a ticket into the one for all that is said of its policy: no event becomes part of another by that.

Tickets of two events are merged with their events, by `grouping.by_hand.EventDesk.merge`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import timeline
from alerts.deadlines import cancel_timers
from alerts.evidence import is_of_policy
from alerts.tables import timers
from alerts.tickets import Ticket
from alerts.transitions import Change, held
from alerts.withdrawal import cancel_tasks, drop_notices
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store


def merge_with_policy(store: Store, clock: Clock, one: Ticket, other: Ticket, *, actor: str, reason: str) -> bool:
    """Merge two tickets of which one is for a policy as a whole.

    That one stays, also where it was opened later: it is about more. A clock that ends sooner in the other one ends
    sooner in it from now on. The other one's event opens a ticket of its own again only by what is published after now
    and names another policy, or none.

    Returns
    -------
    False where both are about events, and nothing was done.

    Raises
    ------
    WrongUse
        The other one is about another policy or no policy, is a drill's, or has ended; or both are one.
    """
    if not (is_of_policy(one.event) or is_of_policy(other.event)):
        return False
    if one.id == other.id:
        raise WrongUse(Problem("ticket-itself", number=one.number), "name another ticket")
    staying, going = (one, other) if is_of_policy(one.event) else (other, one)
    if going.exercise:
        raise WrongUse(Problem("event-of-drill"), "it must be neither mixed with real ones nor taken apart")
    if is_of_policy(going.event) or going.policy != staying.policy:
        raise WrongUse(
            Problem("merge-policies", number=staying.number, other=going.number),
            f"relate them instead: minsheng tickets relate {staying.number} {going.number}",
        )
    with store.begin() as connection:
        timeline.lock(connection, staying.id, going.id)
        changes = {name: held(store, connection, clock, name, actor=actor) for name in (staying.number, going.number)}
        for change in changes.values():
            if change.ticket["closed_at"] is not None:
                raise WrongUse(
                    Problem("ticket-over", number=change.ticket["number"]),
                    "only open tickets are merged; relate them instead",
                )
        _merge(connection, changes[staying.number], changes[going.number], reason.strip())
    return True


def _merge(connection: Connection, staying: Change, going: Change, reason: str) -> None:
    now = going.now
    ended = sa.select(timers.c.kind, timers.c.due_at).where(*_running(going))
    for kind, due_at in connection.execute(ended).all():
        later = (*_running(staying), timers.c.kind == kind, timers.c.due_at > due_at)
        connection.execute(timers.update().where(*later).values(due_at=due_at))
    cancel_timers(connection, going.id, now)
    cancel_tasks(connection, going.id, now)
    drop_notices(connection, going.id, now, "its ticket became part of the policy's before it was sent")
    detail = {"into": staying.ticket["number"], "from": going.ticket["status"], "reason": reason}
    # What was said until now is the policy's ticket's matter: `alerts.desk` reads both moments.
    going.write("merged", detail, status="merged", closed_at=now, judged_since=now, paused_at=None)
    staying.write("merged", {"took": going.ticket["number"], "event": going.ticket["event_id"], "reason": reason})


def _running(change: Change) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        timers.c.ticket_id == change.id,
        timers.c.round == change.ticket["round"],
        timers.c.fired_at.is_(None),
        timers.c.cancelled_at.is_(None),
        timers.c.paused_at.is_(None),
    )
