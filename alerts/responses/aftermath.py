"""What public opinion did after a response: volume and negative share before and after, and who asks again.

Windows of the same length lie on both sides of the response. A change counts only beyond what chance would do: the
ratio of the volumes and the shares are given with an interval each, and "变化不显著" where it holds no change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from alerts.observations import REQUESTS_THAT_ASK, Observation, voices
from alerts.responses.grade import Part

WINDOW = timedelta(hours=48)
"""Looked at before and after."""
SHORTEST = timedelta(hours=24)
"""With less time gone nothing is said."""
REPEAT_WITHIN = timedelta(days=30)
REPEAT_AFTER = timedelta(hours=48)
"""Who asks in the first two days may not have seen the response; who asks later asks again."""
FEWEST = 6
"""Voices before and after together below which nothing is compared."""

_Z = 2.576
"""Voices come in bursts, so chance moves them further than it would single coins: 99 instead of 95 of 100."""


class Interval(NamedTuple):
    """A value between its bounds."""

    value: float
    low: float
    high: float


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One window: distinct voices, the negative ones among them, and their share with its interval."""

    voices: int
    negative: int
    share: Interval | None


class Aftermath(msgspec.Struct, frozen=True, kw_only=True):
    """Both windows of `hours` hours; `volume`: voices after as a multiple of those before; `repeats`: people who asked
    again within `days` days. What is not known yet is None."""

    hours: float
    before: Side
    after: Side
    volume: Interval | None
    repeats: int | None
    days: float


def aftermath_of(rows: Sequence[Observation], replied_at: datetime, now: datetime) -> Aftermath | None:
    """What followed a response.

    Parameters
    ----------
    rows:
        The event's observations.
    now:
        Until when it is looked at; event time.

    Returns
    -------
    None where less than a day has gone by.
    """
    gone = now - replied_at
    if gone < SHORTEST:
        return None
    width = min(WINDOW, gone)
    before = _side(rows, replied_at - width, replied_at)
    after = _side(rows, replied_at, replied_at + width)
    until = min(now, replied_at + REPEAT_WITHIN)
    again = None
    if until > replied_at + REPEAT_AFTER:
        asking = [
            row
            for row in rows
            if replied_at + REPEAT_AFTER < row.published_at <= until
            and row.concerned
            and (row.kind == "message" or row.request in REQUESTS_THAT_ASK)
        ]
        again = len({row.author for row in asking})
    return Aftermath(
        hours=width.total_seconds() / 3600,
        before=before,
        after=after,
        volume=ratio(after.voices, before.voices),
        repeats=again,
        days=(until - replied_at).total_seconds() / 86400,
    )


def parts_of(found: Aftermath | None) -> list[Part]:
    """The parts `aftermath` and `repeats` of an evaluation."""
    if found is None:
        return [
            Part(name="aftermath", title="回应后舆情", score=None, value="回应未满 24 小时，暂不评价"),
            Part(name="repeats", title="重复反映", score=None, value="回应未满 48 小时，暂不评价"),
        ]
    return [_opinion(found), _repeats(found)]


def ratio(after: int, before: int) -> Interval | None:
    """How many times as many; None where both together are fewer than `FEWEST`."""
    if after + before < FEWEST:
        return None
    share = wilson(after, after + before)
    return Interval(
        after / before if before else math.inf,
        share.low / (1 - share.low) if share.low < 1 else math.inf,
        share.high / (1 - share.high) if share.high < 1 else math.inf,
    )


def wilson(count: int, total: int, z: float = _Z) -> Interval:
    """A share with its Wilson score interval (Wilson 1927); `total` is at least 1."""
    share = count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At the ends the bound is the share itself, which rounding would miss by a hair.
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == total else min(1.0, middle + half)
    return Interval(share, low, high)


def _side(rows: Sequence[Observation], after: datetime, until: datetime) -> Side:
    inside = voices(row for row in rows if after < row.published_at <= until)
    negative = sum(row.sentiment == "negative" for row in inside)
    share = wilson(negative, len(inside)) if inside else None
    return Side(voices=len(inside), negative=negative, share=share)


def _opinion(found: Aftermath) -> Part:
    title = "回应后舆情"
    if found.volume is None:
        return Part(name="aftermath", title=title, score=None, value="前后发言都很少，不作比较")
    values, scores = [], []
    if found.volume.low <= 1 <= found.volume.high:
        scores.append(0.5)
        change = "变化不显著"
    else:
        fell = found.volume.high < 1
        bound = found.volume.high if fell else found.volume.low
        scores.append(min(1.0, max(0.0, 0.5 - math.log2(max(bound, 1e-3)) / 4)))
        change = "明显减少" if fell else "明显增加"
    values.append(
        f"回应前后各 {found.hours:.0f} 小时：发言者 {found.before.voices} → {found.after.voices} 位，{change}"
    )
    before, after = found.before.share, found.after.share
    if before is not None and after is not None:
        gap = difference(after, before)
        if gap.low <= 0 <= gap.high:
            scores.append(0.5)
            change = "变化不显著"
        else:
            scores.append(min(1.0, max(0.0, 0.5 - gap.value)))
            change = "明显下降" if gap.value < 0 else "明显上升"
        values.append(f"负面占比 {before.value:.0%} → {after.value:.0%}，{change}")
    detail = {
        "hours": found.hours,
        "before": msgspec.to_builtins(found.before),
        "after": msgspec.to_builtins(found.after),
        "volume": [_finite(bound) for bound in found.volume],
    }
    score = round(sum(scores) / len(scores), 3)
    return Part(name="aftermath", title=title, score=score, value="；".join(values), detail=detail)


def difference(one: Interval, other: Interval) -> Interval:
    """The difference of two shares with Newcombe's interval (Newcombe 1998, method 10)."""
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, low, high)


def _repeats(found: Aftermath) -> Part:
    title = "重复反映"
    if found.repeats is None:
        return Part(name="repeats", title=title, score=None, value="回应未满 48 小时，暂不评价")
    whole = found.days >= REPEAT_WITHIN.days
    value = f"回应 48 小时后至第 {math.ceil(found.days)} 天，{found.repeats} 人再次反映" + (
        "" if whole else "（未满 30 天）"
    )
    score = round(1 / (1 + found.repeats / 3), 3)
    return Part(name="repeats", title=title, score=score, value=value, detail={"people": found.repeats})


def _finite(value: float) -> float | None:
    """JSON knows no infinity."""
    return round(value, 4) if math.isfinite(value) else None
