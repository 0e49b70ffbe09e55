"""Splitting a ticket: some of its documents turn out to be another matter, which gets a ticket of its own."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import notices
from alerts.casework.tables import relations
from alerts.casework.tasks import add_plan_tasks
from alerts.deadlines import first_deadline
from alerts.evidence import is_of_policy
from alerts.tables import observations, tickets, timers
from alerts.tickets import Ticket, next_number
from alerts.transitions import Change
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.settings import Settings

_COPIED = (
    "policy_id", "unit", "level", "peak_level", "current_level", "slow", "risk_kind", "score", "parts", "plan",
    "historical", "exercise", "judged_since", "raised_at", "paused_at", "responded_at",
)  # fmt: skip


def require_event(ticket: Ticket) -> None:
    """Raise `WrongUse` where a ticket is for all that is said of a policy: there is no event to be split."""
    if is_of_policy(ticket.event):
        raise WrongUse(
            Problem("split-policy", number=ticket.number), "split the event that holds the other matter: events split"
        )


def split_off(
    change: Change, event: str, documents: Sequence[str], settings: Settings, *, title: str, reason: str
) -> str:
    """Open a ticket for an event that was split off the event of `change`'s ticket, in the same transaction.

    It takes over level, plan, unit and the parts of the risk, and says so, and begins with the clocks of the ticket it
    comes from: a split gives no more time. Returns its number.

    Parameters
    ----------
    event:
        The new event's id, as `grouping.by_hand.EventDesk.split` has made it.
    documents:
        The ids of its documents.
    """
    if not title.strip() or not reason.strip():
        raise WrongUse(Problem("split-incomplete"), "give both")
    change.require_open("splitting it")
    old, connection, now = change.ticket, change.connection, change.now
    newest = connection.scalar(
        sa.select(sa.func.max(observations.c.published_at)).where(observations.c.document_id.in_(documents))
    )
    values = {
        **{name: old[name] for name in _COPIED},
        "number": next_number(connection, now),
        "event_id": event,
        "title": title.strip(),
        # Until its event is judged by itself, with the next document.
        "why": f"由 {old['number']} 分出，{len(documents)} 条信息。原工单的研判理由：{old['why']}",
        "status": "open",
        "documents": list(documents)[:100],
        "posts": len(documents),
        "last_post_at": newest,
        "opened_at": old["opened_at"],
        "created_at": now,
        "round": 1,
        "version": 1,
    }
    made = connection.execute(tickets.insert().values(**values))
    assert made.inserted_primary_key is not None
    new_id: int = made.inserted_primary_key[0]
    pair = {"ticket_id": change.id, "other_id": new_id}
    connection.execute(relations.insert().values(**pair, kind="split", added_at=now, added_by=change.actor))
    change.write("split", {"into": values["number"], "documents": len(documents), "reason": reason.strip()})
    new = change.of(values["number"])
    new.write("split", {"off": old["number"], "documents": len(documents), "reason": reason.strip()})
    if not old["historical"]:
        start = old["raised_at"]
        _copy_timers(connection, change.id, new_id, old["round"])
        if old["plan"] is not None:
            add_plan_tasks(connection, new_id, old["plan"], now, now)
        deadline = first_deadline(old["level"], start, settings)
        notices.enqueue(change.store, connection, new.ticket, "new", "split", settings, now, deadline=deadline)
    return str(values["number"])


def _copy_timers(connection: Connection, old_id: int, new_id: int, turn: int) -> None:
    """The clocks as they stand, also those that are over or stand still."""
    copied = (
        "kind", "title", "working", "apart", "due_at", "paused_at", "fired_at", "cancelled_at", "met_at", "replaced",
    )  # fmt: skip
    of_old = sa.select(timers).where(timers.c.ticket_id == old_id, timers.c.round == turn)
    rows = [
        {"ticket_id": new_id, "round": 1, **{name: row[name] for name in copied}}
        for row in connection.execute(of_old).mappings()
    ]
    if rows:
        connection.execute(timers.insert(), rows)
