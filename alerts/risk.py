"""How risky an event or a policy stands: parts from 0 to 1, one level, and one sentence that says why.

Facts are found in windows that end at a document's time; the rules in force say which level they make. Everything is on
event time and depends on nothing but the observations, the policy, the settings and the rules; so the same log gives
the same levels, in whatever batches it is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from alerts.explain import Part, Window, facts_of, first_facts, parts_of, reason
from alerts.history import Baseline, DatedRows, EventHistory
from alerts.levels import Level, rank
from alerts.observations import ADVERT, Observation, voices
from alerts.rules import Rule, RuleSet
from alerts.rules.model import Scope
from minsheng.clock import CHINA
from minsheng.policies import Policy
from minsheng.settings import AlertSettings

_DENSE = 64
"""Up to so many documents in a window each one is judged; beyond, only every n-th, n growing with the window, so that
the work a document stays bounded. Which ones depends on the count alone."""

_POLICY_SHARE = 0.2
"""Letters on one matter are about a policy if at least this share of them is."""

_TIMES, _MORE = 3, 10
"""By so much, in both ways, a ticket's voices must have grown for its people to be told again at the same level."""

_SETTLED = timedelta(hours=1)
"""And so long must it stand at its level: a burst that grows within minutes is told by the levels it reaches."""

_NAMING_SHARE = 0.3
"""A window of an event is about a policy if at least this share of its concerned voices names it."""

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
    holds:
        The level that the window is enough to stay at, where it was reached before: never below `level`, and reached
        with less, so that a level does not flap.
    rule:
        The name of the rule that gives the level.
    slow:
        It is for letters that came over weeks, not for a burst.
    """

    level: Level
    at: datetime
    score: float
    policy_id: str | None
    why: str
    parts: tuple[Part, ...]
    voices: tuple[Observation, ...]
    documents: tuple[str, ...]
    holds: Level = "none"
    rule: str = ""
    slow: bool = False

    @property
    def severity(self) -> tuple[int, float]:
        """For comparison: the level first, then the score."""
        return rank(self.level), self.score


class RiskJudge:
    """Judges events and policies.

    Parameters
    ----------
    settings:
        Windows.
    rules:
        Weights and what each level takes.
    policy_of:
        Policy id → policy; None where the register has it not.
    baseline_of:
        (policy id, moment) → the policy's usual volume.
    is_workday:
        Tells working days from days off.
    """

    def __init__(
        self,
        settings: AlertSettings,
        rules: RuleSet,
        policy_of: Callable[[str], Policy | None],
        baseline_of: BaselineOf,
        is_workday: Callable[[date], bool] = lambda day: day.weekday() < 5,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._policy_of = policy_of
        self._baseline_of = baseline_of
        self._is_workday = is_workday
        self._long = timedelta(hours=max(settings.windows_hours))
        self._slow = timedelta(days=settings.slow_days)
        self._fewest = {
            "event": rules.fewest("event", "voices"),
            "policy": rules.fewest("policy", "voices"),
            "matter": rules.fewest("matter", "messages"),
        }

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
        if len(history.all) < min(self._fewest["event"], self._fewest["matter"]):
            return None
        found = [self._burst("event", history, moment, since) for moment in self._moments(history, row)]
        if row.kind == "message" and row.concerned:
            moment = self._fullest(history.messages, row, since)
            found.append(self._slow_matter(history, moment, since))
        return _gravest(found)

    def judge_policy(
        self, history: EventHistory, row: Observation, since: datetime | None, known: Callable[[Observation], bool]
    ) -> Risk | None:
        """How everything stands that is said of a policy, in however many events.

        Parameters
        ----------
        history:
            The observations that are surely about the policy, `row` included.
        known:
            Whether an observation is in an event with a ticket of its own. Where many are, the burst is known.
        """
        if not row.concerned or len(history.all) < self._fewest["policy"]:
            return None
        return _gravest(self._burst("policy", history, moment, since, known) for moment in self._moments(history, row))

    def is_calm(self, history: EventHistory, row: Observation) -> bool:
        """Whether so little was published before `row` that the event can be no risk any more."""
        moment = row.published_at
        fewest = self._rules.hold * min(self._fewest["event"], self._fewest["policy"])
        return (
            history.all.count(moment - self._long, moment) < fewest
            and history.messages.count(moment - self._slow, moment) < self._fewest["matter"]
        )

    def _moments(self, history: EventHistory, row: Observation) -> list[datetime]:
        """Ends of the windows to look at: the document's own time, and for a late one also what came after it."""
        hours = (0, *self._settings.windows_hours)
        return sorted({history.all.last_until(row.published_at + timedelta(hours=width)) for width in hours})

    def _burst(
        self,
        scope: Scope,
        history: EventHistory,
        moment: datetime,
        since: datetime | None,
        known: Callable[[Observation], bool] | None = None,
    ) -> Risk | None:
        fewest = self._fewest[scope]
        start = _later(moment - self._long, since)
        count = history.all.count(start, moment)
        if count < fewest * self._rules.hold or not _is_turn(count):
            return None
        rows = _without_sellers(history.all.between(start, moment))
        if sum(row.concerned for row in rows) < fewest * self._rules.hold:
            return None
        asked: dict[str | None, dict[tuple[str, ...], list[Rule]]] = {}
        usual: dict[str | None, Baseline] = {}
        found = []
        for kinds in dict.fromkeys(rule.kinds for rule in self._rules.of_scope(scope)):
            of_kinds = [row for row in rows if row.kind in kinds] if kinds else rows
            for hours in self._settings.windows_hours:
                after = _later(moment - timedelta(hours=hours), since)
                inside = [row for row in of_kinds if row.published_at > after]
                concerned = voices(row for row in inside if row.concerned)
                if len(concerned) < fewest * self._rules.hold:
                    continue
                named = Counter(row.policy_id for row in concerned if row.policy_id is not None)
                policy_id = _policy_of(named, _NAMING_SHARE * len(concerned))
                if policy_id is None and _of_many_policies(named, len(concerned)):
                    continue
                before = history.all.between(_later(after - timedelta(hours=hours), since), after)
                if policy_id is not None:
                    # What is talked of in the same event without a word of the policy is no word about it, and is not
                    # in the policy's past either, that this is compared with.
                    inside, before = _naming(policy_id, inside), _naming(policy_id, before)
                    concerned = voices(row for row in inside if row.concerned)
                if len(concerned) < fewest * self._rules.hold:
                    continue
                if known is not None and sum(map(known, concerned)) >= self._rules.policy_share * len(concerned):
                    continue
                policy = self._policy_of(policy_id) if policy_id is not None else None
                if policy_id not in asked:
                    asked[policy_id] = self._by_kinds(scope, policy, policy_id, moment)
                rules = [r for r in asked[policy_id].get(kinds, ()) if not r.windows or hours in r.windows]
                if not rules:
                    continue
                if policy_id not in usual:
                    usual[policy_id] = self._usual(history, policy_id, moment)
                window = Window(
                    hours=hours,
                    moment=moment,
                    rows=inside,
                    concerned=concerned,
                    voices=max(len(voices(inside)), len(concerned)),
                    before=len(voices(row for row in before if row.concerned and (not kinds or row.kind in kinds))),
                    usual=usual[policy_id],
                    events=len({row.event_id for row in concerned}) if scope == "policy" else 1,
                )
                found.append(self._risk(window, policy_id, policy, rules))
        return _gravest(found)

    def _by_kinds(
        self, scope: Scope, policy: Policy | None, policy_id: str | None, moment: datetime
    ) -> dict[tuple[str, ...], list[Rule]]:
        """The rules of a scope that are for this policy and this hour, by the kinds of documents they count."""
        at = moment.astimezone(CHINA)
        found: dict[tuple[str, ...], list[Rule]] = {}
        for rule in self._rules.of_scope(scope):
            if rule.policies and policy_id not in rule.policies:
                continue
            if rule.departments and (policy is None or policy.department not in rule.departments):
                continue
            if rule.topics and (policy is None or not set(rule.topics) & set(policy.topics)):
                continue
            if rule.hours is not None:
                first, last = rule.hours
                if not (first <= at.hour < last if first <= last else at.hour >= first or at.hour < last):
                    continue
            if rule.days is not None and self._is_workday(at.date()) != (rule.days == "workday"):
                continue
            found.setdefault(rule.kinds, []).append(rule)
        return found

    def _fullest(self, messages: DatedRows, row: Observation, since: datetime | None) -> datetime:
        """The end of the window of weeks around `row` that holds most messages, of as many people as possible.

        Messages may come in any order, so the windows that end after `row` count as well. Where there are very many,
        the one that ends last will do.
        """
        near = messages.between(_later(row.published_at - self._slow, since), row.published_at + self._slow)
        if not near or len(near) > _DENSE:
            return messages.last_until(row.published_at + self._slow)
        authors = self._rules.fewest("matter", "authors")

        def weight(end: datetime) -> tuple[bool, int]:
            inside = [one for one in near if end - self._slow < one.published_at <= end]
            return len({one.author for one in inside}) >= authors, len(inside)

        return max((one.published_at for one in near if one.published_at >= row.published_at), key=weight)

    def _slow_matter(self, history: EventHistory, moment: datetime, since: datetime | None) -> Risk | None:
        """Messages from several people on one matter over weeks: no burst, but a matter all the same."""
        after = _later(moment - self._slow, since)
        count = history.messages.count(after, moment)
        if count < self._fewest["matter"] or not _is_turn(count):
            return None
        rows = history.messages.between(after, moment)
        concerned = voices(rows)
        if _of_many_policies(Counter(row.policy_id for row in concerned if row.policy_id is not None), len(concerned)):
            return None
        named = Counter(row.policy_id for row in rows if row.policy_id is not None)
        policy_id = _policy_of(named, _POLICY_SHARE * len(rows))
        policy = self._policy_of(policy_id) if policy_id is not None else None
        window = Window(
            hours=self._settings.slow_days * 24,
            moment=moment,
            rows=rows,
            concerned=concerned,
            voices=len(concerned),
            before=0,
            usual=None,
            week=7 * self._baseline_of(policy_id, moment).expected(24) if policy_id is not None else 0.0,
        )
        rules = [rule for listed in self._by_kinds("matter", policy, policy_id, moment).values() for rule in listed]
        return self._risk(window, policy_id, policy, rules, slow=True)

    def _usual(self, history: EventHistory, policy_id: str | None, moment: datetime) -> Baseline:
        """The policy's past; of an event without policy its own."""
        if policy_id is not None:
            return self._baseline_of(policy_id, moment)
        days = self._settings.baseline_days
        past = history.all.between(moment - timedelta(days=days + 1), moment - timedelta(days=1))
        counts = Counter(row.published_at.replace(minute=0, second=0, microsecond=0) for row in past if row.concerned)
        return Baseline(counts, moment, days, self._is_workday)

    def _risk(
        self,
        window: Window,
        policy_id: str | None,
        policy: Policy | None,
        rules: Sequence[Rule],
        *,
        slow: bool = False,
    ) -> Risk | None:
        first = first_facts(window, policy)
        rules = [rule for rule in rules if rule.may_fit(first, self._rules.hold)]
        if not rules:
            return None
        parts = parts_of(window, policy, self._settings, self._rules)
        total = sum(part.weight for part in parts)
        score = round(sum(part.weight * part.score for part in parts) / total, 4) if total else 0.0
        facts = facts_of(window, policy, parts, score, self._rules)
        best: Rule | None = None
        holds: Level = "none"
        for rule in rules:
            if rank(rule.level) > rank(holds) and rule.fits(facts, self._rules.hold):
                holds = rule.level
            if (best is None or rank(rule.level) > rank(best.level)) and rule.fits(facts):
                best = rule
        if holds == "none":
            return None
        return Risk(
            level=best.level if best is not None else "none",
            at=window.moment,
            score=score,
            policy_id=policy_id,
            why=reason(window, policy, self._settings),
            parts=parts,
            voices=tuple(window.concerned),
            documents=tuple(row.document_id for row in reversed(window.concerned[-100:])),
            holds=holds,
            rule=best.name if best is not None else "",
            slow=slow,
        )


def has_grown(told: int, since: datetime, risk: Risk) -> bool:
    """Whether a burst has so many more voices than the `told` ones of which people know, `since` it has its level."""
    if risk.slow or rank(risk.level) == 0 or risk.at - since < _SETTLED:
        return False
    return len(risk.voices) >= max(_TIMES * told, told + _MORE)


def is_known(policy_id: str | None, raised_at: datetime, row: Observation) -> bool:
    """Whether the ticket of an observation's event tells of it: one of its policy does, and one that names none of what
    it was raised for, whose policy was found only later. What follows about a policy is news to its people."""
    return policy_id == row.policy_id or (policy_id is None and row.published_at <= raised_at)


def lookback(settings: AlertSettings) -> timedelta:
    """How far before a document's time its event's observations are needed; messages also for `slow_days`."""
    return timedelta(days=max(settings.baseline_days + 1, 2 * max(settings.windows_hours) / 24))


def policy_lookback(settings: AlertSettings) -> timedelta:
    """How far before a document's time its policy's observations are needed."""
    return timedelta(hours=2 * max(settings.windows_hours))


def _gravest(found: Iterator[Risk | None] | Collection[Risk | None]) -> Risk | None:
    return max(
        (risk for risk in found if risk is not None),
        # Of two that are as grave the burst: it may be news where letters over weeks are known.
        key=lambda risk: (rank(risk.level), not risk.slow, rank(risk.holds), risk.score),
        default=None,
    )


def _without_sellers(rows: Sequence[Observation]) -> Sequence[Observation]:
    """None of whose authors advertise as much as they say anything else: what the model does not see in each of their
    posts it sees in the others."""
    sold = Counter(row.author for row in rows if ADVERT in row.marks)
    if not sold:
        return rows
    said = Counter(row.author for row in rows if row.author in sold)
    sellers = {author for author, count in sold.items() if 2 * count >= said[author]}
    return [row._replace(concerned=False) if row.author in sellers else row for row in rows]


def _naming(policy_id: str, rows: Sequence[Observation]) -> list[Observation]:
    return [row for row in rows if row.policy_id == policy_id]


def _policy_of(named: Mapping[str, int], least: float) -> str | None:
    """The policy that is named most often, where at least so many name it."""
    if not named:
        return None
    policy_id, count = min(named.items(), key=lambda item: (-item[1], item[0]))
    return policy_id if count >= least else None


def _of_many_policies(named: Counter[str], voices: int) -> bool:
    """Whether most voices name policies, and different ones: what came to lie in one event, but is not one matter."""
    return 2 * named.total() >= voices > 0 and 2 * max(named.values(), default=0) <= named.total()


def _later(moment: datetime, since: datetime | None) -> datetime:
    return moment if since is None or since < moment else since


def _is_turn(count: int) -> bool:
    return count <= _DENSE or count % (1 << (count.bit_length() - _DENSE.bit_length() + 1)) == 0
