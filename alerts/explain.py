"""The parts of a risk, and the sentence that says why, in the words of the duty officer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from alerts.history import Baseline
from alerts.observations import HARM, REQUESTS_THAT_ASK, Observation
from alerts.rules import RuleSet
from alerts.rules.model import GRAVE
from minsheng.clock import CHINA
from minsheng.policies import Policy
from minsheng.settings import AlertSettings

_FULL_VOLUME = {1: 200, 6: 400}
_SENSITIVITY = {"low": 0.0, "normal": 0.4, "high": 1.0}
_SHOWN = 10
"""Documents named behind a part."""


class Window(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One event in one window.

    Attributes
    ----------
    rows:
        All observations in the window, oldest first.
    concerned:
        One observation for each voice that is negative or asks for something.
    voices:
        How many voices there are in all.
    before:
        Concerned voices in the window before this one.
    usual:
        The usual volume; None where messages are added up over weeks and nothing is compared.
    events:
        How many events the concerned voices are in.
    week:
        Voices that are usual in a week, where messages are added up over weeks.
    """

    hours: int
    moment: datetime
    rows: Sequence[Observation]
    concerned: Sequence[Observation]
    voices: int
    before: int
    usual: Baseline | None
    events: int = 1
    week: float = 0.0

    @cached_property
    def expected(self) -> float:
        return self.usual.expected(self.hours) if self.usual else self.week

    @cached_property
    def excess(self) -> float:
        """How far the voices are above what is usual, in standard deviations of a Poisson count."""
        return (len(self.concerned) - self.expected) / math.sqrt(self.expected + 1) if self.usual else 0.0

    @cached_property
    def doublings(self) -> float:
        """Doublings since the window before."""
        return math.log2((len(self.concerned) + 1) / (self.before + 1)) if self.usual else 0.0

    @cached_property
    def acceleration(self) -> float:
        """Whether the voices come ever faster, by the thirds of the window: -1 to 1, 0 for a steady flow."""
        if not self.usual:
            return 0.0
        third = timedelta(hours=self.hours) / 3
        thirds = Counter(min(2, int((self.moment - row.published_at) / third)) for row in self.concerned)
        return (thirds[0] - thirds[1]) / (len(self.concerned) + 1.5)

    @cached_property
    def grave(self) -> list[Observation]:
        """The voices that speak of harm to people, by the model or by the watch words."""
        return [row for row in self.concerned if HARM in row.marks or GRAVE in row.words.split(",")]

    def with_words(self, name: str) -> list[Observation]:
        """The voices that a list of watch words fits."""
        return [row for row in self.concerned if row.words and name in row.words.split(",")]

    @property
    def asking(self) -> list[Observation]:
        return [row for row in self.concerned if row.request in REQUESTS_THAT_ASK or row.kind == "message"]

    @property
    def alike(self) -> float:
        """The share of the voices in the largest event: what names a policy in passing comes from many matters."""
        events = Counter(row.event_id for row in self.concerned)
        return max(events.values()) / len(self.concerned) if events else 0.0

    @property
    def media(self) -> int:
        return len({row.source for row in self.rows if row.kind in ("news", "hot-search") and row.concerned})

    @property
    def regions(self) -> int:
        return len({row.region for row in self.concerned if row.region})

    @property
    def waited_hours(self) -> float:
        """Hours since the first of the voices."""
        return (self.moment - min(row.published_at for row in self.concerned)).total_seconds() / 3600


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the risk: its name, Chinese title, score and weight, what was found, and documents behind it."""

    name: str
    title: str
    score: float
    weight: float
    value: str
    documents: tuple[str, ...] = ()


def parts_of(window: Window, policy: Policy | None, settings: AlertSettings, rules: RuleSet) -> tuple[Part, ...]:
    """Every part of the risk, in a fixed order."""
    weights = rules.weights
    count = len(window.concerned)
    full = _FULL_VOLUME.get(window.hours, 800)
    share = count / window.voices if window.voices else 0.0
    negativity = sum(row.negativity for row in window.concerned) / count if count else 0.0
    asking = window.asking
    loudest = sorted(window.rows, key=lambda row: (-row.reach, row.document_id))[:_SHOWN]
    people = sum(row.reach for row in window.rows)
    sources, regions = len({row.source for row in window.concerned}), window.regions
    days = _days_since_release(window.moment, policy)
    in_release = days is not None and 0 <= days <= settings.release_days
    sensitivity = policy.sensitivity if policy else "normal"
    waited = window.waited_hours
    scores: dict[str, tuple[str, float, str, Sequence[Observation]]] = {
        "volume": ("声量", math.log1p(count) / math.log1p(full), f"{count} 位不同发言者", window.concerned),
        "abnormal": ("偏离常态", window.excess / 8, _usual_words(window), ()),
        "growth": ("增长", window.doublings / 3, _growth_words(window), ()),
        "acceleration": ("加速", window.acceleration, _speed_words(window), ()),
        "negative": (
            "负面和诉求占比", share, f"{share:.0%}，负面强度 {negativity:.2f}", _sorted_by_negativity(window.concerned),
        ),
        "request": ("投诉求助", len(asking) / count if count else 0.0, f"{len(asking)} 条", asking),
        "reach": (
            "传播",
            math.log10(1 + people) / 5 + 0.15 * min(window.media, 3),
            f"互动 {people} 次，负面报道媒体 {window.media} 家",
            loudest,
        ),
        "spread": (
            "扩散面",
            math.log2(sources) / 3 if sources else 0.0,
            f"{sources} 个来源" + (f"，{regions} 个地区" if regions else ""),
            (),
        ),
        "release": ("发布窗口期", float(in_release), _release_words(days, in_release), ()),
        "sensitivity": ("政策敏感度", _SENSITIVITY[sensitivity], _SENSITIVE[sensitivity], ()),
        "gravity": (
            "严重情形",
            2 * len(window.grave) / count if count else 0.0,
            f"{len(window.grave)} 位提到人身伤害",
            window.grave,
        ),
        "unanswered": ("待回应时间", waited / 48, f"最早发声距今 {_waited_words(waited)}", window.concerned[:1]),
    }  # fmt: skip
    return tuple(
        _part(name, title, score, getattr(weights, name), value, rows)
        for name, (title, score, value, rows) in scores.items()
    )


def first_facts(window: Window, policy: Policy | None) -> dict[str, float]:
    """Those of `facts_of` that are found quickly, and that most windows fail at."""
    count = len(window.concerned)
    return {
        "voices": count,
        "share": count / window.voices if window.voices else 0.0,
        "excess": window.excess,
        "asks": len(window.asking),
        "alike": window.alike,
        "policy": float(policy is not None),
    }


def facts_of(
    window: Window, policy: Policy | None, parts: Sequence[Part], score: float, rules: RuleSet
) -> dict[str, float]:
    """What rules may ask for; see `alerts.rules.FACTS`."""
    count = len(window.concerned)
    days = _days_since_release(window.moment, policy)
    messages = [row for row in window.rows if row.kind == "message" and row.concerned]
    facts = {
        **first_facts(window, policy),
        "texts": len({row.duplicate_group for row in window.concerned}),
        "known_days": window.usual.days if window.usual else 0,
        "posts": len(window.rows),
        "negativity": sum(row.negativity for row in window.concerned) / count if count else 0.0,
        "expected": window.expected,
        "before": window.before,
        "growth": window.doublings,
        "acceleration": window.acceleration,
        "score": score,
        "reach": sum(row.reach for row in window.rows),
        "media": window.media,
        "sources": len({row.source for row in window.concerned}),
        "outlets": len({row.outlet for row in window.rows if row.outlet}),
        "regions": window.regions,
        "release_day": days if days is not None and days >= 0 else -1,
        "sensitivity": ("low", "normal", "high").index(policy.sensitivity) if policy else 1,
        "unanswered_hours": window.waited_hours,
        "messages": len(messages),
        "authors": len({row.author for row in messages}),
        "grave": len(window.grave),
    }
    facts.update((f"part.{part.name}", part.score) for part in parts)
    facts.update((f"words.{name}", len(window.with_words(name))) for name in rules.words)
    return facts


_SENSITIVE = {"low": "较低", "normal": "一般", "high": "较高"}


def reason(window: Window, policy: Policy | None, settings: AlertSettings) -> str:
    """Why the event is a risk, in one Chinese sentence."""
    count = len(window.concerned)
    about = f"就《{policy.title}》" if policy else "就同一事项"
    if window.usual is None:
        first = min(row.published_at for row in window.rows).astimezone(CHINA)
        span = max(1, math.ceil((window.moment - first).total_seconds() / 86400))
        return f"近 {span} 天内有 {count} 位群众{about}来信反映 {len(window.rows)} 次，诉求集中，尚待统一回应。"
    share = count / window.voices if window.voices else 0.0
    clauses = [
        f"近 {window.hours} 小时内有 {count} 位不同发言者{about}表达不满或提出诉求",
        f"占全部声音的 {share:.0%}",
        _usual_words(window),
    ]
    if window.before:
        clauses.append(_growth_words(window))
    if window.grave:
        clauses.append(f"其中 {len(window.grave)} 位提到人员伤亡等严重情形")
    sources = len({row.source for row in window.concerned})
    if sources > 1:
        clauses.append(f"涉及 {sources} 个来源")
    if window.events > 1:
        clauses.append(f"分散在 {window.events} 个事件中")
    days = _days_since_release(window.moment, policy)
    if days is not None and 0 <= days <= settings.release_days:
        clauses.append(_release_words(days, True))
    return "，".join(clauses) + "。"


def _part(name: str, title: str, score: float, weight: float, value: str, rows: Sequence[Observation] = ()) -> Part:
    return Part(
        name=name,
        title=title,
        score=round(min(1.0, max(0.0, score)), 4),
        weight=weight,
        value=value,
        documents=tuple(row.document_id for row in rows[-_SHOWN:]),
    )


def _usual_words(window: Window) -> str:
    if window.usual is None:
        return "不作比较"
    if window.usual.days == 0:
        return "此前无数据（冷启动）"
    cold = f"（冷启动：仅有 {window.usual.days} 天数据）" if window.usual.cold else ""
    expected = window.expected
    if expected < 1:
        return f"常态不足 1 条{cold}"
    return f"为同期常态 {expected:.1f} 条的 {len(window.concerned) / expected:.1f} 倍{cold}"


def _growth_words(window: Window) -> str:
    if window.usual is None:
        return "不作比较"
    return f"前一时段 {window.before} 位"


def _speed_words(window: Window) -> str:
    if window.usual is None:
        return "不作比较"
    if window.acceleration > 0.15:
        return "越来越快"
    return "渐趋平缓" if window.acceleration < -0.15 else "基本平稳"


def _sorted_by_negativity(rows: Sequence[Observation]) -> list[Observation]:
    return sorted(rows, key=lambda row: (row.negativity, row.document_id))


def _days_since_release(moment: datetime, policy: Policy | None) -> int | None:
    if policy is None or policy.released_on is None:
        return None
    return (moment.astimezone(CHINA).date() - policy.released_on).days


def _waited_words(hours: float) -> str:
    """Hours as people say them: 12 分钟, 3.5 小时."""
    return f"{round(hours * 60)} 分钟" if hours < 1 else f"{hours:.1f} 小时"


def _release_words(days: int | None, in_release: bool) -> str:
    if days is None:
        return "无发布日期"
    if in_release:
        return f"政策发布第 {days + 1} 天，处于窗口期"
    return f"距发布 {-days} 天" if days < 0 else f"发布已 {days} 天"
