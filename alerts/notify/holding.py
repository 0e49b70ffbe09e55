"""The stages that hold a notice back for everybody: its ticket's end, inhibition, silences."""

from __future__ import annotations

from datetime import timedelta

from alerts.levels import SHORT
from alerts.notify.scene import Case, Scene, Verdict
from minsheng.clock import CHINA

LOOK_AGAIN = timedelta(seconds=30)
"""Between two looks at whether what hides a notice is still open."""

_NEVER_INHIBITED = frozenset(("overdue", "escalated"))


def ended(case: Case, scene: Scene) -> Verdict | None:
    """Nothing is told of a ticket that is closed, and nobody is chased who has acknowledged."""
    if case.closed:
        return Verdict(stage="ticket", outcome="dropped", why="工单已办结或并案，通知不再发送")
    if case.reason == "escalated" and case.acknowledged:
        return Verdict(stage="ticket", outcome="dropped", why="工单已签收，不再升级")
    return None


def inhibit(case: Case, scene: Scene) -> Verdict | None:
    """A graver open ticket on the same matter hides the notices of lesser ones, until it is closed."""
    if case.reason in _NEVER_INHIBITED or case.ticket_id is None or case.exercise:
        return None
    for rule in scene.book.inhibitions:
        if case.level not in rule.hides:
            continue
        for other in scene.open_tickets:
            if other.id == case.ticket_id or other.level not in rule.where:
                continue
            by_policy = bool(case.policy_id) and other.policy_id == case.policy_id
            by_department = bool(case.department) and other.department == case.department
            if by_policy if rule.same == "policy" else by_department:
                matter = "同一政策" if rule.same == "policy" else "同一部门"
                return Verdict(
                    stage="inhibit",
                    outcome="held",
                    why=f"{matter}已有{SHORT[other.level]}工单 {other.number} 未办结，本通知暂缓，待其办结后再判断",
                    cause=other.number,
                    until=scene.now + LOOK_AGAIN,
                )
    return None


def silence(case: Case, scene: Scene) -> Verdict | None:
    """A person has asked for silence on the matter, until a time. What is no ticket was asked for, too: it is told."""
    if case.ticket_id is None:
        return None
    for one in scene.silences:
        fits = one.fits(ticket=case.number, policy=case.policy_id or "", department=case.department, level=case.level)
        if fits and one.holds(scene.now):
            until = one.until.astimezone(CHINA)
            return Verdict(
                stage="silence",
                outcome="held",
                why=f"{one.actor} 设置的静默（第 {one.id} 号，理由：{one.reason}），至 {until:%m月%d日 %H:%M} 止",
                cause=f"silence:{one.id}",
                until=one.until,
            )
    return None
