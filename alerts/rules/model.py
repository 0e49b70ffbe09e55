"""The shape of a rule file, and what its rules may ask for."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

import msgspec

from alerts.levels import Level
from alerts.rules.words import Words, fold, parse
from minsheng.records import Kind

SCHEMA = 1

Scope = Literal["event", "policy", "matter"]
SCOPES: dict[Scope, str] = {
    "event": "one event within hours",
    "policy": "everything said of one policy within hours, in however many events",
    "matter": "the messages to the government on one matter, over `slow_days`",
}

FACTS: dict[str, str] = {
    "voices": "different authors who are negative or ask for something; a copied text counts once",
    "texts": "different texts among these voices: what is passed on is one text",
    "alike": "share of these voices that are in the largest event, 0 to 1",
    "known_days": "days of its past that are known; few at a cold start",
    "posts": "documents in the window, of whatever mood",
    "share": "share of the voices that are negative or ask for something, 0 to 1",
    "negativity": "mean probability of negative among these, 0 to 1",
    "expected": "voices that are usual at this hour of the week; for a matter, the policy's in a week",
    "excess": "how far the voices are above that, in standard deviations of a Poisson count",
    "before": "voices in the window before this one",
    "growth": "doublings since the window before",
    "acceleration": "whether they come faster and faster within the window, -1 to 1",
    "score": "weighted mean of the parts, 0 to 1",
    "grave": "voices that tell of harm to people, by the model or by the watch words `grave`",
    "asks": "complaints, reports, calls for help and messages among the voices",
    "reach": "people who liked, commented or passed on",
    "media": "news sources that report negatively",
    "sources": "sources that the voices come from",
    "outlets": "media named as the origin of what is in the window",
    "regions": "cities and counties that the voices name",
    "release_day": "days since the policy's release; -1 before it or where no date is known",
    "sensitivity": "the policy's sensitivity: 0 low, 1 normal, 2 high",
    "unanswered_hours": "hours since the first of these voices",
    "messages": "messages to the government",
    "authors": "people who sent them",
    "policy": "1 where a policy is named, else 0",
}
"""Fact → what it means. Beside these there are `part.NAME`, the score of one part, and `words.NAME`, the voices that a
list of watch words fits."""

PARTS = ("volume", "abnormal", "growth", "acceleration", "negative", "request", "reach", "spread", "release",
         "sensitivity", "gravity", "unanswered")  # fmt: skip
"""The parts of the score, in the order they are shown."""

GRAVE = "grave"
"""The list of watch words that `grave` and the part `gravity` count beside what the model reads."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Hour = Annotated[int, msgspec.Meta(ge=0, le=24)]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_CONDITION = re.compile(r"\s*([a-z_]+(?:\.[a-z][a-z0-9-]*)?)\s*(>=|<=|==|>|<)\s*(-?\d+(?:\.\d+)?)\s*")


class Condition(NamedTuple):
    """A fact, compared with a number."""

    fact: str
    comparison: str
    number: float

    def holds(self, facts: Mapping[str, float], ease: float = 1.0) -> bool:
        """Whether it is so; with `ease` below 1, whether it nearly is, for what asks for a least number."""
        number = self.number * ease if self.comparison in (">=", ">") and self.number > 0 else self.number
        return _OPERATORS[self.comparison](facts.get(self.fact, 0.0), number)


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much each part of the score counts; only their ratios matter."""

    volume: NotNegative
    abnormal: NotNegative
    growth: NotNegative
    acceleration: NotNegative = 0.0
    negative: NotNegative
    request: NotNegative
    reach: NotNegative
    spread: NotNegative
    release: NotNegative
    sensitivity: NotNegative
    gravity: NotNegative = 0.0
    unanswered: NotNegative = 0.0


class WatchWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of watch words: what it is about, and the expression."""

    title: str
    match: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One rule: where all its conditions hold, the risk is of its level at least.

    Attributes
    ----------
    scopes:
        What it judges.
    when:
        Conditions, all of which must hold: `voices >= 8`.
    windows:
        Only these spans, in hours; empty: all that the settings name.
    kinds:
        Only documents of these kinds count; empty: all.
    policies, departments, topics:
        Only for these; empty: for all.
    hours:
        Only from one hour to another, China time: `[22, 6]`.
    days:
        Only on working days or days off.
    """

    name: Name
    title: str
    level: Literal["blue", "yellow", "orange", "red"]
    scopes: tuple[Scope, ...] = ("event",)
    when: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    windows: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()
    kinds: tuple[Kind, ...] = ()
    policies: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    hours: tuple[Hour, Hour] | None = None
    days: Literal["workday", "restday"] | None = None

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(condition(text) for text in self.when)

    def least(self, fact: str) -> float:
        """The least value of a fact with which the rule can hold; 0 where it asks for none."""
        asked = [each.number for each in self.conditions if each.fact == fact and each.comparison in (">=", ">", "==")]
        return max(asked, default=0.0)

    def fits(self, facts: Mapping[str, float], ease: float = 1.0) -> bool:
        return all(each.holds(facts, ease) for each in self.conditions)

    def may_fit(self, facts: Mapping[str, float], ease: float) -> bool:
        """Whether nothing that is known so far speaks against it."""
        return all(each.holds(facts, ease) for each in self.conditions if each.fact in facts)


class RuleSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """A rule file.

    Attributes
    ----------
    version:
        What its writers call it; shown wherever the rules are.
    hold:
        A level that is reached stays until what its rule asks for, times this, is no longer met.
    policy_share:
        A policy's voices open a ticket of the policy only while less than this share of them is in events that have
        tickets of their own.
    weights:
        Of the parts of the score.
    words:
        Name → watch words.
    """

    schema: Literal[1] = 1
    version: str
    title: str = ""
    hold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    policy_share: Share = 0.33
    weights: Weights
    words: dict[Name, WatchWords] = {}
    rules: Annotated[tuple[Rule, ...], msgspec.Meta(min_length=1)]

    @cached_property
    def compiled(self) -> dict[str, Words]:
        """Name → the list of watch words, ready to match."""
        return {name: parse(listed.match) for name, listed in sorted(self.words.items())}

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits that change when anything in the rules does."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:12]

    def words_in(self, text: str) -> str:
        """The names of the lists that fit a text, with commas, as observations carry them."""
        folded = fold(text)
        return ",".join(name for name, words in self.compiled.items() if words.matches(folded))

    def of_scope(self, scope: Scope) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if scope in rule.scopes)

    def fewest(self, scope: Scope, fact: str) -> int:
        """The least value of a fact with which any rule of the scope can hold."""
        return int(min((rule.least(fact) for rule in self.of_scope(scope)), default=1_000_000_000))


def condition(text: str) -> Condition:
    """Read a condition. Raises `ValueError` with a text that is none."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return Condition(found[1], found[2], float(found[3]))


LEVEL_ORDER: tuple[Level, ...] = ("blue", "yellow", "orange", "red")
