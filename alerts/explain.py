"""The parts of a risk, and the sentence that says why, in the words of the duty officer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts.history import Baseline
from alerts.observations import REQUESTS_THAT_ASK, Observation
from minsheng.clock import CHINA
from minsheng.policies import Policy
from minsheng.settings import AlertSettings

_FULL_VOLUME = {1: 200, 6: 400}
_SENSITIVITY = {"low": 0.0, "normal": 0.4, "high": 1.0}
_SHOWN = 10
"""Documents named behind a part."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
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
    """

    hours: int
    moment: datetime
    rows: Sequence[Observation]
    concerned: Sequence[Observation]
    voices: int
    before: int
    usual: Baseline | None

    @property
    def expected(self) -> float:
        return self.usual.expected(self.hours) if self.usual else 0.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the risk: its name, Chinese title, score and weight, what was found, and documents behind it."""

    name: str
    title: str
    score: float
    weight: float
    value: str
    documents: tuple[str, ...] = ()


def parts_of(window: Window, policy: Policy | None, settings: AlertSettings) -> tuple[Part, ...]:
    """Every part of the risk, in a fixed order."""
    weights = settings.weights
    count = len(window.concerned)
    full = _FULL_VOLUME.get(window.hours, 800)
    volume = math.log1p(count) / math.log1p(full)
    expected = window.expected
    distance = (count - expected) / math.sqrt(expected + 1) if window.usual else 0.0
    growth = math.log2((count + 1) / (window.before + 1)) / 3 if window.usual else 0.0
    share = count / window.voices if window.voices else 0.0
    asking = [row for row in window.concerned if row.request in REQUESTS_THAT_ASK or row.kind == "message"]
    loudest = sorted(window.rows, key=lambda row: (-row.reach, row.document_id))[:_SHOWN]
    people = sum(row.reach for row in window.rows)
    media = len({row.source for row in window.rows if row.kind in ("news", "hot-search") and row.concerned})
    reach = math.log10(1 + people) / 5 + 0.15 * min(media, 3)
    sources = len({row.source for row in window.concerned})
    days = _days_since_release(window.moment, policy)
    in_release = days is not None and 0 <= days <= settings.release_days
    sensitivity = policy.sensitivity if policy else "normal"
    return (
        _part("volume", "声量", volume, weights.volume, f"{count} 位不同发言者", window.concerned),
        _part("abnormal", "偏离常态", distance / 8, weights.abnormal, _usual_words(window)),
        _part("growth", "增长", growth, weights.growth, _growth_words(window)),
        _part("negative", "负面和诉求占比", share, weights.negative, f"{share:.0%}", window.concerned),
        _part(
            "request", "投诉求助", len(asking) / count if count else 0.0, weights.request, f"{len(asking)} 条", asking
        ),
        _part("reach", "传播", reach, weights.reach, f"互动 {people} 次，负面报道媒体 {media} 家", loudest),
        _part("spread", "扩散面", math.log2(sources) / 3 if sources else 0.0, weights.spread, f"{sources} 个来源"),
        _part("release", "发布窗口期", float(in_release), weights.release, _release_words(days, in_release)),
        _part("sensitivity", "政策敏感度", _SENSITIVITY[sensitivity], weights.sensitivity, _SENSITIVE[sensitivity]),
    )


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
    sources = len({row.source for row in window.concerned})
    if sources > 1:
        clauses.append(f"涉及 {sources} 个来源")
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


def _days_since_release(moment: datetime, policy: Policy | None) -> int | None:
    if policy is None or policy.released_on is None:
        return None
    return (moment.astimezone(CHINA).date() - policy.released_on).days


def _release_words(days: int | None, in_release: bool) -> str:
    if days is None:
        return "无发布日期"
    if in_release:
        return f"政策发布第 {days + 1} 天，处于窗口期"
    return f"距发布 {-days} 天" if days < 0 else f"发布已 {days} 天"
