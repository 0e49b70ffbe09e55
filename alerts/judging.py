"""One document, judged: its event, and all that is said of its policy.

One ticket a burst: what is said of a policy is its one open ticket's, in whatever events grouping put it. The first
judgement that reaches a level opens that ticket, for the event it was found in or, where the burst is split over many,
for the policy; whatever comes after it, of the same policy, raises it or adds to it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from alerts.history import EventHistory
from alerts.observations import Observation
from alerts.risk import Risk, RiskJudge, policy_key


class Desk(Protocol):
    """What becomes of judgements: `alerts.desk.TicketDesk`, or one that only remembers (`alerts.replay`)."""

    def closed_at(self, event_id: str) -> datetime | None: ...

    def has_open(self, event_id: str) -> bool: ...

    def home_of(self, policy_id: str) -> str | None:
        """The event of the policy's open ticket, of several the one that was opened first; None where it has none."""
        ...

    def knows(self, row: Observation) -> bool:
        """Whether the document's event has a ticket of its policy, or had one that was closed after it."""
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
    risk = judge.judge(of_event, row, desk.closed_at(row.event_id))
    _settle(_at_home(row, risk, desk), risk, of_event, judge, desk)
    if row.policy_id is None or of_policy is None:
        return
    key = policy_key(row.policy_id)
    home = desk.home_of(row.policy_id)
    if home is not None:
        risk = judge.judge_policy(of_policy, row, desk.closed_at(key))
        _settle(row._replace(event_id=home), risk, of_policy, judge, desk)
    elif not desk.knows(row):
        risk = judge.judge_policy(of_policy, row, desk.closed_at(key), desk.knows)
        _settle(row._replace(event_id=key), risk, of_policy, judge, desk)


def _at_home(row: Observation, risk: Risk | None, desk: Desk) -> Observation:
    """The document, under the event whose ticket a judgement of its own event belongs to."""
    if risk is None or risk.policy_id is None:
        return row
    home = desk.home_of(risk.policy_id)
    if home is not None:
        return row._replace(event_id=home)
    if desk.has_open(row.event_id) and not desk.knows(row._replace(policy_id=risk.policy_id)):
        # Two policies in one event: that of the other one has the event's ticket.
        return row._replace(event_id=policy_key(risk.policy_id))
    return row


def _settle(row: Observation, risk: Risk | None, history: EventHistory, judge: RiskJudge, desk: Desk) -> None:
    if risk is not None:
        desk.handle(row, risk)
    elif desk.has_open(row.event_id) and judge.is_calm(history, row):
        desk.calm_down(row)
