"""How risky an event stands: parts from 0 to 1, one level, and one sentence that says why.

Everything is on event time and depends on nothing but the observations, the policy and the settings; so the same log
gives the same levels, in whatever batches it is read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from alerts.explain import Part, Window, parts_of, reason
from alerts.history import Baseline, DatedRows, EventHistory, baseline
from alerts.levels import Level, rank
from alerts.observations import Observation, voices
from minsheng.policies import Policy
from minsheng.settings import AlertSettings

_DENSE = 64
"""Up to so many documents in a window each one is judged; beyond, only every n-th, n growing with the window, so that
the work a document stays bounded. Which ones depends on the count alone."""

_POLICY_SHARE = 0.2
"""An event is about a policy if at least this share of its documents is."""

BaselineOf = Callable[[str, datetime], Baseline]


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """The judgement of one event at one moment.

    Attributes
    ----------
    at:
        The moment on event time: the end of the windows.
    score:
        Weighted mean of the parts, 0 to 1.
    why:
        One sentence in Chinese.
    documents:
        Ids of the documents behind it: one a voice, newest first, at most 100.
    voices:
        The observations of the concerned voices in the window, oldest first.
    """

    level: Level
    at: datetime
    score: float
    policy_id: str | None
    why: str
    parts: tuple[Part, ...]
    voices: tuple[Observation, ...]
    documents: tuple[str, ...]

    @property
    def severity(self) -> tuple[int, float]:
        """For comparison: the level first, then the score."""
        return rank(self.level), self.score


class RiskJudge:
    """Judges events.

    Parameters
    ----------
    settings:
        Windows, weights and thresholds.
    policy_of:
        Policy id → policy; None where the register has it not.
    baseline_of:
        (policy id, moment) → the policy's usual volume.
    """

    def __init__(
        self, settings: AlertSettings, policy_of: Callable[[str], Policy | None], baseline_of: BaselineOf
    ) -> None:
        self._settings = settings
        self._policy_of = policy_of
        self._baseline_of = baseline_of
        self._long = timedelta(hours=max(settings.windows_hours))
        self._slow = timedelta(days=settings.slow_days)
        self._fewest = min(settings.blue.voices, settings.slow_messages)

    def judge(self, history: EventHistory, row: Observation, since: datetime | None = None) -> Risk | None:
        """How the event stands now that `row` is in its history.

        Parameters
        ----------
        history:
            The event's observations, `row` included, back to `lookback` before `row`.
        since:
            Only what was published after this counts: the event had a ticket that was closed then.

        Returns
        -------
        The gravest judgement that the document gives reason for, or None where it gives none.
        """
        if len(history.all) < self._fewest:
            return None
        found = [self._burst(history, moment, since) for moment in self._moments(history, row)]
        if row.kind == "message" and row.concerned:
            moment = self._fullest(history.messages, row, since)
            found.append(self._slow_matter(history, moment, since))
        return max((risk for risk in found if risk is not None), key=lambda risk: risk.severity, default=None)

    def is_calm(self, history: EventHistory, row: Observation) -> bool:
        """Whether so little was published before `row` that the event can be no risk any more."""
        moment = row.published_at
        return (
            history.all.count(moment - self._long, moment) < self._settings.blue.voices
            and history.messages.count(moment - self._slow, moment) < self._settings.slow_messages
        )

    def _moments(self, history: EventHistory, row: Observation) -> list[datetime]:
        """Ends of the windows to look at: the document's own time, and for a late one also what came after it."""
        hours = (0, *self._settings.windows_hours)
        return sorted({history.all.last_until(row.published_at + timedelta(hours=width)) for width in hours})

    def _burst(self, history: EventHistory, moment: datetime, since: datetime | None) -> Risk | None:
        settings = self._settings
        start = _later(moment - self._long, since)
        count = history.all.count(start, moment)
        if count < settings.blue.voices or not _is_turn(count):
            return None
        rows = history.all.between(start, moment)
        if sum(row.concerned for row in rows) < settings.blue.voices:
            return None
        policy_id = _policy_of(rows)
        usual = self._usual(history, policy_id, moment)
        best: Risk | None = None
        for hours in settings.windows_hours:
            after = _later(moment - timedelta(hours=hours), since)
            inside = [row for row in rows if row.published_at > after]
            concerned = voices(row for row in inside if row.concerned)
            everyone = max(len(voices(inside)), len(concerned))
            expected = usual.expected(hours)
            if len(concerned) < settings.blue.voices or len(concerned) < settings.concerned_share * everyone:
                continue
            if (len(concerned) - expected) / math.sqrt(expected + 1) < settings.excess:
                continue
            before = history.all.between(_later(after - timedelta(hours=hours), since), after)
            window = Window(
                hours=hours,
                moment=moment,
                rows=inside,
                concerned=concerned,
                voices=everyone,
                before=len(voices(row for row in before if row.concerned)),
                usual=usual,
            )
            risk = self._risk(window, policy_id, self._level)
            if best is None or risk.severity > best.severity:
                best = risk
        return best

    def _fullest(self, messages: DatedRows, row: Observation, since: datetime | None) -> datetime:
        """The end of the window of weeks around `row` that holds most messages, of enough people if there is one.

        Messages may come in any order, so the windows that end after `row` count as well. Where there are very many,
        the one that ends last will do.
        """
        near = messages.between(_later(row.published_at - self._slow, since), row.published_at + self._slow)
        if not near or len(near) > _DENSE:
            return messages.last_until(row.published_at + self._slow)

        def weight(end: datetime) -> tuple[bool, int]:
            inside = [one for one in near if end - self._slow < one.published_at <= end]
            return len({one.author for one in inside}) >= self._settings.slow_authors, len(inside)

        return max((one.published_at for one in near if one.published_at >= row.published_at), key=weight)

    def _slow_matter(self, history: EventHistory, moment: datetime, since: datetime | None) -> Risk | None:
        """Messages from several people on one matter over weeks: no burst, but a matter all the same."""
        settings = self._settings
        after = _later(moment - self._slow, since)
        count = history.messages.count(after, moment)
        if count < settings.slow_messages or not _is_turn(count):
            return None
        rows = history.messages.between(after, moment)
        authors = len({row.author for row in rows})
        if authors < settings.slow_authors:
            return None
        many = len(rows) >= settings.slow_yellow_messages and authors >= settings.slow_yellow_authors
        concerned = voices(rows)
        policy_id = _policy_of(rows)
        window = Window(
            hours=settings.slow_days * 24,
            moment=moment,
            rows=rows,
            concerned=concerned,
            voices=len(concerned),
            before=0,
            usual=None,
        )
        return self._risk(window, policy_id, lambda _score, _voices: "yellow" if many else "blue")

    def _usual(self, history: EventHistory, policy_id: str | None, moment: datetime) -> Baseline:
        """The policy's past; of an event without policy its own."""
        if policy_id is not None:
            return self._baseline_of(policy_id, moment)
        days = self._settings.baseline_days
        past = history.all.between(moment - timedelta(days=days + 1), moment - timedelta(days=1))
        return baseline(((row.published_at, 1) for row in past if row.concerned), moment, days)

    def _risk(self, window: Window, policy_id: str | None, level_of: Callable[[float, int], Level]) -> Risk:
        policy = self._policy_of(policy_id) if policy_id is not None else None
        parts = parts_of(window, policy, self._settings)
        total = sum(part.weight for part in parts)
        score = round(sum(part.weight * part.score for part in parts) / total, 4) if total else 0.0
        return Risk(
            level=level_of(score, len(window.concerned)),
            at=window.moment,
            score=score,
            policy_id=policy_id,
            why=reason(window, policy, self._settings),
            parts=parts,
            voices=tuple(window.concerned),
            documents=tuple(row.document_id for row in reversed(window.concerned[-100:])),
        )

    def _level(self, score: float, voices: int) -> Level:
        level: Level = "none"
        for name in ("blue", "yellow", "orange", "red"):
            needed = getattr(self._settings, name)
            if score >= needed.score and voices >= needed.voices:
                level = name
        return level


def lookback(settings: AlertSettings) -> timedelta:
    """How far before a document's time its event's observations are needed; messages also for `slow_days`."""
    return timedelta(days=max(settings.baseline_days + 1, 2 * max(settings.windows_hours) / 24))


def _policy_of(rows: Sequence[Observation]) -> str | None:
    counts = Counter(row.policy_id for row in rows if row.policy_id is not None)
    if not counts:
        return None
    policy_id, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return policy_id if count >= _POLICY_SHARE * len(rows) else None


def _later(moment: datetime, since: datetime | None) -> datetime:
    return moment if since is None or since < moment else since


def _is_turn(count: int) -> bool:
    return count <= _DENSE or count % (1 << (count.bit_length() - _DENSE.bit_length() + 1)) == 0
