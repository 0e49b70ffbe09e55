"""One document, judged: its event, and all that is said of its policy.

A burst that grouping splits into many small events still alarms, once, for the policy; and while the policy has that
ticket, its events get none of their own. Where an event has its own ticket, the policy's burst is known by it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from alerts.evidence import policy_key
from alerts.history import EventHistory
from alerts.observations import Observation
from alerts.risk import Risk, RiskJudge


class Desk(Protocol):
    """What becomes of judgements: `alerts.desk.TicketDesk`, or one that only remembers (`alerts.replay`)."""

    def closed_at(self, event_id: str) -> datetime | None: ...

    def has_open(self, event_id: str) -> bool: ...

    def knows(self, row: Observation) -> bool:
        """Whether the document's event has a ticket of its policy, or had one that was closed after it. One for letters
        over weeks knows of no burst."""
        ...

    def handle(self, row: Observation, risk: Risk) -> None: ...

    def calm_down(self, row: Observation) -> None: ...


def judge_document(
    row: Observation, of_event: EventHistory, of_policy: EventHistory | None, judge: RiskJudge, desk: Desk
) -> None:
    """Judge what a document that was just taken in gives reason for.

    Parameters
    ----------
    of_event, of_policy:
        The histories it is in; the second is None where it is surely about no policy.
    """
    key = policy_key(row.policy_id) if row.policy_id is not None else None
    for_policy = row._replace(event_id=key) if key is not None else None
    if for_policy is None or of_policy is None:
        _settle(row, judge.judge(of_event, row, desk.closed_at(row.event_id)), of_event, judge, desk)
        return
    if desk.has_open(row.event_id) or not desk.has_open(for_policy.event_id):
        _settle(row, judge.judge(of_event, row, desk.closed_at(row.event_id)), of_event, judge, desk)
    if desk.knows(row):
        return
    risk = judge.judge_policy(of_policy, row, desk.closed_at(for_policy.event_id), desk.knows)
    _settle(for_policy, risk, of_policy, judge, desk)


def _settle(row: Observation, risk: Risk | None, history: EventHistory, judge: RiskJudge, desk: Desk) -> None:
    if risk is not None:
        desk.handle(row, risk)
    elif desk.has_open(row.event_id) and judge.is_calm(history, row):
        desk.calm_down(row)
