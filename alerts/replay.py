"""Replay: old observations against rules, in memory and at full speed, on event time.

It judges as the alert stage does, document by document in their order, with the same judge; what it opens is kept here
and touches no store. Nobody works these tickets, so they end by themselves when nothing is said any more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple

import msgspec

from alerts.history import Baseline, EventHistory, WatchedDays
from alerts.judging import judge_document
from alerts.levels import Level, rank
from alerts.observations import Observation, counts_as_usual
from alerts.risk import Risk, RiskJudge, has_grown, is_known, lookback, policy_lookback
from alerts.rules import RuleSet
from minsheng.policies import Policy
from minsheng.settings import AlertSettings

CALM = timedelta(days=1)
"""A replayed ticket ends when its event was no risk for so long."""


class Raised(NamedTuple):
    """A level that was reached, and when."""

    level: Level
    at: datetime
    why: str
    rule: str
    documents: tuple[str, ...] = ()
    tells: bool = False
    """People are told as of a new ticket: it opened, or a burst broke out where only letters over weeks were known."""


class ReplayedTicket(msgspec.Struct, kw_only=True):
    """What would have been a ticket.

    Attributes
    ----------
    raised:
        The levels that it reached, the first at its opening.
    documents, opened_by:
        The documents behind it in the end, and those behind its opening.
    slow:
        Nothing but letters over weeks made it a risk so far.
    ended_at:
        None where it was still a risk at the end.
    """

    event: str
    policy: str | None
    level: Level
    opened_at: datetime
    raised: list[Raised]
    documents: list[str]
    opened_by: list[str]
    score: float
    historical: bool
    last_risk_at: datetime
    slow: bool = False
    told_voices: int = 0
    ended_at: datetime | None = None

    @property
    def why(self) -> str:
        return self.raised[-1].why


class Replay:
    """Takes observations in their order, and keeps what they would have opened.

    Parameters
    ----------
    policies:
        Policy id → policy.
    calm:
        A ticket ends when its event was no risk for so long; None: never.
    forget_every:
        After so many observations, what is too old to be of use is forgotten.

    Attributes
    ----------
    tickets:
        In the order they were opened.
    """

    def __init__(
        self,
        settings: AlertSettings,
        rules: RuleSet,
        policies: Mapping[str, Policy],
        is_workday: Callable[[date], bool],
        *,
        calm: timedelta | None = CALM,
        forget_every: int = 50_000,
    ) -> None:
        self._settings = settings
        is_workday = cache(is_workday)
        self._is_workday = is_workday
        self._judge = RiskJudge(settings, rules, policies.get, self._baseline_of, is_workday)
        self._events: dict[str, EventHistory] = defaultdict(EventHistory)
        self._policies: dict[str, EventHistory] = defaultdict(EventHistory)
        self._hours: dict[str, Counter[datetime]] = defaultdict(Counter)
        self._watched = WatchedDays()
        self._known: dict[str, Observation] = {}
        self._open: dict[str, ReplayedTicket] = {}
        self._ended: dict[str, datetime] = {}
        self._newest = datetime(1, 1, 1, tzinfo=UTC)
        self._forget_every = forget_every
        self._calm = calm
        self._taken = 0
        self.tickets: list[ReplayedTicket] = []

    def take(self, row: Observation, merged: Sequence[str] = ()) -> None:
        """Judge one document.

        Parameters
        ----------
        merged:
            Events that the document showed to be part of its own.
        """
        old = self._known.get(row.document_id)
        if old is not None:
            if old.version >= row.version:
                return
            self._count(old, -1)
            self._events[old.event_id].remove(old.document_id)
            if old.policy_id is not None:
                self._policies[old.policy_id].remove(old.document_id)
        for event in merged:
            self._merge(event, row.event_id)
        self._known[row.document_id] = row
        self._count(row, 1)
        history = self._events[row.event_id]
        history.add(row)
        of_policy = None
        if row.policy_id is not None:
            of_policy = self._policies[row.policy_id]
            of_policy.add(row)
        self._newest = max(self._newest, row.published_at)
        judge_document(row, history, of_policy, self._judge, self)
        self._taken += 1
        if self._taken % self._forget_every == 0:
            self._forget()

    def closed_at(self, event_id: str) -> datetime | None:
        return self._ended.get(event_id)

    def has_open(self, event_id: str) -> bool:
        ticket = self._open.get(event_id)
        if ticket is None:
            return False
        if self._calm is None or (end := ticket.last_risk_at + self._calm) >= self._newest:
            return True
        ticket.ended_at = self._ended[event_id] = end
        del self._open[event_id]
        return False

    def knows(self, row: Observation) -> bool:
        if self.has_open(row.event_id):
            ticket = self._open[row.event_id]
            return not ticket.slow and is_known(ticket.policy, ticket.raised[-1].at, row)
        ended = self._ended.get(row.event_id)
        return ended is not None and row.published_at <= ended

    def calm_down(self, row: Observation) -> None:
        pass  # tickets end by `last_risk_at`

    def handle(self, row: Observation, risk: Risk) -> None:
        ticket = self._open[row.event_id] if self.has_open(row.event_id) else None
        if ticket is None:
            if rank(risk.level) > 0:
                self._open_ticket(row, risk)
            return
        if row.historical and not ticket.historical:
            return
        ticket.last_risk_at = max(ticket.last_risk_at, risk.at)
        live_again = ticket.historical and not row.historical and rank(risk.level) > 0
        flared = ticket.slow and not risk.slow and rank(risk.level) >= rank(ticket.level)
        if live_again or flared or rank(risk.level) > rank(ticket.level):
            ticket.slow = ticket.slow and risk.slow
            ticket.historical = ticket.historical and not live_again
            ticket.level, ticket.policy = risk.level, ticket.policy or risk.policy_id
            ticket.raised.append(Raised(risk.level, risk.at, risk.why, risk.rule, risk.documents, tells=flared))
            ticket.score = risk.score
            ticket.told_voices = len(risk.voices)
        elif has_grown(ticket.told_voices, ticket.raised[-1].at, risk) and not ticket.historical:
            ticket.raised.append(Raised(ticket.level, risk.at, risk.why, risk.rule, risk.documents, tells=False))
            ticket.told_voices = len(risk.voices)
        ticket.documents = list(dict.fromkeys([*ticket.documents, *risk.documents, row.document_id]))

    def finish(self) -> list[ReplayedTicket]:
        """All tickets, those that came to their end marked as such."""
        for event in list(self._open):
            self.has_open(event)
        return self.tickets

    def _open_ticket(self, row: Observation, risk: Risk) -> None:
        ticket = ReplayedTicket(
            event=row.event_id,
            policy=risk.policy_id,
            level=risk.level,
            opened_at=risk.at,
            raised=[Raised(risk.level, risk.at, risk.why, risk.rule, risk.documents, tells=True)],
            documents=list(risk.documents),
            opened_by=list(risk.documents),
            score=risk.score,
            historical=row.historical,
            last_risk_at=risk.at,
            slow=risk.slow,
            told_voices=len(risk.voices),
        )
        self._open[row.event_id] = ticket
        self.tickets.append(ticket)

    def _baseline_of(self, policy_id: str, moment: datetime) -> Baseline:
        days = self._settings.baseline_days
        watched = self._watched.before(moment, days)
        return Baseline(self._hours[policy_id], moment, days, self._is_workday, watched)

    def _count(self, row: Observation, step: int) -> None:
        self._watched.add(row.published_at.astimezone(UTC).date(), step)
        if row.policy_id is not None and row.concerned and counts_as_usual(row):
            hour = row.published_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            self._hours[row.policy_id][hour] += step

    def _merge(self, event: str, into: str) -> None:
        """Make two events one; of two open tickets the older one goes on."""
        if event == into:
            return
        for row in self._events.pop(event, EventHistory()).every():
            moved = row._replace(event_id=into)
            self._events[into].add(moved)
            self._known[row.document_id] = moved
            if row.policy_id is not None:
                self._policies[row.policy_id].add(moved)
        mine, other = self._open.pop(event, None), self._open.get(into)
        if mine is None:
            return
        if other is None:
            self._open[into] = mine
        else:
            staying, going = sorted((mine, other), key=lambda ticket: ticket.opened_at)
            staying.documents = list(dict.fromkeys([*staying.documents, *going.documents]))
            self._open[into] = staying
            self.tickets.remove(going)
        self._open[into].event = into

    def _forget(self) -> None:
        """Let go of what no window reaches any more."""
        events = self._newest - lookback(self._settings)
        letters = self._newest - timedelta(days=self._settings.slow_days)
        policies = self._newest - policy_lookback(self._settings)
        for name in list(self._events):
            for row in self._events[name].forget(events, letters):
                self._known.pop(row.document_id, None)
            if not len(self._events[name].all) and not len(self._events[name].messages):
                del self._events[name]
        for history in self._policies.values():
            history.forget(policies, policies)
