"""The plan that an open ticket holds: copied into it when it opens, and again where an officer takes another one, or
the same one with the figures of the day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts.casework.tables import tasks
from alerts.casework.tasks import add_plan_tasks
from alerts.deadlines import first_deadline
from alerts.levels import CHINESE, Level
from alerts.plan_model import Plan
from alerts.plans import PlanBook, fill
from alerts.risk_kind import CHINESE as KIND_WORDS
from alerts.tables import is_term, timers
from alerts.tickets import Ticket, TicketBook
from alerts.transitions import Change, changing
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.policies import Policy
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store


def copy_of(
    plan: Plan, ticket: Mapping[str, Any], policy: Policy | None, *, count: int, due_at: datetime, now: datetime
) -> dict[str, Any]:
    """A plan as a ticket holds it: its variables filled in with how things stand, and `filled_at`.

    Parameters
    ----------
    ticket:
        Its row; of the level as it is now.
    count:
        How many people speak.
    due_at:
        What is due next.
    """
    released = policy.released_on if policy else None
    variables = {
        "policy": f"《{policy.title}》" if policy else "有关政策",
        "number": (policy.number or "") if policy else "",
        "department": (policy.department if policy else None) or "责任单位",
        "event": ticket["title"],
        "level": CHINESE[ticket["level"]],
        "risk_kind": KIND_WORDS.get(ticket["risk_kind"], ticket["risk_kind"]),
        "count": str(count),
        "why": ticket["why"],
        "ticket": ticket["number"],
        "opened_at": f"{ticket['opened_at'].astimezone(CHINA):%Y年%m月%d日 %H:%M}",
        "released_on": f"{released:%Y年%m月%d日}" if released else "",
        "deadline": f"{due_at.astimezone(CHINA):%m月%d日 %H:%M}",
    }
    return {**fill(plan, variables), "filled_at": now.isoformat()}


def take_plan(
    store: Store,
    clock: Clock,
    settings: Settings,
    plans: PlanBook,
    policy: Policy | None,
    name: str,
    plan_id: str,
    *,
    actor: str,
    reason: str = "",
    version: int | None = None,
) -> Ticket:
    """Put a plan into an open ticket in place of the one it holds. Its steps become tasks, due from now on, in place of
    the old plan's that nobody has done. The same version of the same plan is only filled in anew; the tasks stay.

    Parameters
    ----------
    plans:
        Those in force.
    policy:
        The ticket's.
    plan_id:
        Empty: the one that fits the ticket best as it stands.

    Raises
    ------
    WrongUse
        There is no such plan for this ticket, or it has ended.
    """
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("taking another plan")
        ticket = change.ticket
        plan = _wanted(plans, policy, ticket, plan_id.strip())
        due_at = _due(change, settings)
        copied = copy_of(plan, ticket, policy, count=_voices(ticket), due_at=due_at, now=change.now)
        before = ticket["plan"]
        same = before is not None and (before["id"], before["version"]) == (plan.id, plan.version)
        if not same and not ticket["historical"]:
            of_plan = (tasks.c.ticket_id == change.id, tasks.c.origin == "plan")
            waiting = (tasks.c.done_at.is_(None), tasks.c.cancelled_at.is_(None))
            change.connection.execute(tasks.update().where(*of_plan, *waiting).values(cancelled_at=change.now))
            add_plan_tasks(change.connection, change.id, copied, change.now, change.now)
        what = {"title": plan.title, "note": "按最新情况更新文稿"}
        if not same:
            what = {"from": before["title"] if before else "无预案", "to": plan.title}
        why = {"reason": reason.strip()} if reason.strip() else {}
        detail = {"plan": plan.id, "plan_version": plan.version, **what, **why}
        change.write("plan-changed", detail, plan=copied)
    return TicketBook(store, clock).get(name)


def _wanted(plans: PlanBook, policy: Policy | None, ticket: Mapping[str, Any], plan_id: str) -> Plan:
    level: Level = ticket["level"]
    if not plan_id:
        chosen = plans.choose(policy, ticket["risk_kind"], level)
    else:
        chosen = plans.completed(plan_id, policy, ticket["risk_kind"], level)
    if chosen is None:
        raise WrongUse(Problem("plan-unfit", plan=plan_id or "—", number=ticket["number"]), "see minsheng plans list")
    return chosen


def _voices(ticket: Mapping[str, Any]) -> int:
    """How many people spoke when the risk was gravest, as the part of the score says it: 51 位不同发言者."""
    said = next((str(part["value"]) for part in ticket["parts"] if part["name"] == "volume"), "")
    found = re.match(r"\d+", said)
    return int(found[0]) if found else int(ticket["told_voices"])


def _due(change: Change, settings: Settings) -> datetime:
    """The next clock that runs; where none does, the one that the level would have."""
    ticket = change.ticket
    running = sa.select(sa.func.min(timers.c.due_at)).where(
        timers.c.ticket_id == change.id,
        timers.c.round == ticket["round"],
        timers.c.fired_at.is_(None),
        timers.c.cancelled_at.is_(None),
        is_term,
    )
    due_at: datetime | None = change.connection.scalar(running)
    return due_at or first_deadline(ticket["level"], ticket["raised_at"], settings)[1]
