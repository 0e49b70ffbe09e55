"""Escalation: a chain is copied into the ticket as timer rows; who fires one has changed its row, so none fires twice.

A step fires when nobody has acknowledged the ticket by its time, and tells the next people; what they are told goes the
way of all notices.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import timeline
from alerts.duty.model import Escalation
from alerts.notices import enqueue
from alerts.notify.tables import escalation_timers as timers
from alerts.tables import tickets
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore

log = get_logger(__name__)


class EscalationStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a ticket's chain, as it stands."""

    chain: str
    turn: int
    step: int
    due_at: datetime
    receivers: list[str]
    fired_at: datetime | None
    cancelled_at: datetime | None
    why: str | None


def begin_chain(
    store: Store,
    connection: Connection,
    ticket_id: int,
    chain: Escalation,
    told_at: datetime,
    now: datetime,
    *,
    anew: bool = False,
) -> None:
    """Copy a chain into a ticket that nobody has acknowledged; another chain's steps that have not fired are cancelled.

    Where the chain is there and has steps to come, it goes on as it is. Where it has come to its end, or was ended by
    an acknowledgement that no longer holds (the ticket was reopened, or handed over), it runs again.

    Parameters
    ----------
    told_at:
        When the first people are told: the minutes count from then.
    anew:
        It runs again from its first step also where steps are still to come: who is to answer is somebody else now.
    """
    of_ticket = timers.c.ticket_id == ticket_id
    to_come = sa.and_(of_ticket, timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None))
    other = timers.c.chain != chain.id
    why = sa.case((other, f"改用升级链“{chain.name}”"), else_="重新告知，重新计时")
    connection.execute(timers.update().where(to_come, sa.true() if anew else other).values(cancelled_at=now, why=why))
    if connection.scalar(sa.select(timers.c.id).where(to_come).limit(1)) is not None:
        return
    turns = sa.select(sa.func.coalesce(sa.func.max(timers.c.turn), 0)).where(of_ticket, timers.c.chain == chain.id)
    turn = (connection.scalar(turns) or 0) + 1
    rows = [
        {
            "ticket_id": ticket_id,
            "chain": chain.id,
            "turn": turn,
            "step": number,
            "due_at": told_at + timedelta(minutes=step.after_minutes),
            "receivers": list(step.to),
        }
        for number, step in enumerate(chain.steps, 1)
    ]
    insert_or_ignore(store, timers, rows, connection=connection)


def has_chain(connection: Connection, ticket_id: int) -> bool:
    """Whether a chain was ever copied into the ticket."""
    return connection.scalar(sa.select(timers.c.id).where(timers.c.ticket_id == ticket_id).limit(1)) is not None


def fire_escalations(store: Store, clock: Clock, settings: Settings, limit: int = 200) -> int:
    """Fire the steps that are due. Returns how many told somebody. Safe to call from several processes at once."""
    now = clock.now()
    with store.read() as connection:
        due = connection.execute(
            sa.select(timers.c.id, timers.c.ticket_id)
            .where(timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None), timers.c.due_at <= now)
            .order_by(timers.c.due_at, timers.c.id)
            .limit(limit)
        )
        waiting = due.all()
    fired = 0
    for timer_id, ticket_id in waiting:
        with store.begin() as connection:
            timeline.lock(connection, ticket_id)
            fired += _fire(store, connection, timer_id, now, settings)
    return fired


def steps_of(connection: Connection, ticket_id: int) -> list[EscalationStep]:
    """A ticket's chain, in its order."""
    query = sa.select(timers).where(timers.c.ticket_id == ticket_id).order_by(timers.c.due_at, timers.c.id)
    return [
        EscalationStep(**{name: row[name] for name in EscalationStep.__struct_fields__})
        for row in connection.execute(query).mappings()
    ]


def _fire(store: Store, connection: Connection, timer_id: int, now: datetime, settings: Settings) -> bool:
    mine = sa.and_(
        timers.c.id == timer_id, timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None), timers.c.due_at <= now
    )
    if not connection.execute(timers.update().where(mine).values(fired_at=now)).rowcount:
        return False
    timer = connection.execute(sa.select(timers).where(timers.c.id == timer_id)).mappings().one()
    ticket = connection.execute(sa.select(tickets).where(tickets.c.id == timer["ticket_id"])).mappings().one()
    done = "工单已办结" if ticket["closed_at"] else "工单已签收" if ticket["acknowledged_at"] else None
    if done is not None:
        undone = {"fired_at": None, "cancelled_at": now, "why": done}
        connection.execute(timers.update().where(timers.c.id == timer_id).values(**undone))
        return False
    turn = f"/{timer['turn']}" if timer["turn"] > 1 else ""
    detail = {"chain": timer["chain"], "step": timer["step"], "receivers": timer["receivers"]}
    timeline.add(connection, ticket["id"], "escalated", now, detail=detail)
    minutes = max(1, round((now - ticket["created_at"]).total_seconds() / 60))
    waited = f"工单建立已 {minutes} 分钟" if timer["turn"] == 1 else "工单再次告知后"
    enqueue(
        store,
        connection,
        ticket,
        "escalated",
        f"{timer['chain']}-{timer['step']}{turn}",
        settings,
        now,
        receivers=timer["receivers"],
        why=f"{waited}，无人签收，升级通知（第 {timer['step']} 步）。{ticket['why']}",
    )
    log.info("escalated", ticket=ticket["number"], chain=timer["chain"], step=timer["step"])
    return True
