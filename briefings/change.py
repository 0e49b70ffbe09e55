"""Is it more than usual? One rule, said in words, that claims no change within noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

ENOUGH_DAYS = 2
"""Fewer earlier days with data than this, and nothing is compared."""

DEVIATIONS = 3.0
"""A change counts when it is larger than this many standard deviations of a single day: with a dozen policies a day,
two would claim something false about every second day."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A count against the mean of earlier days.

    Attributes
    ----------
    mean:
        Of the earlier days; None where there are too few.
    days:
        How many earlier days it is the mean of.
    direction:
        `up` or `down` where the change is larger than noise, `noise` where not, `unknown` without enough days.
    words:
        All of it in Chinese.
    evidence:
        Where the counts of the earlier days are listed.
    """

    mean: float | None
    days: int
    direction: Literal["up", "down", "noise", "unknown"]
    words: str
    evidence: str | None = None


def change(count: int, earlier: Sequence[int]) -> Change:
    """Compare a day's count with those of earlier days.

    The standard deviation of a single day is taken from the earlier days, but never below that of a Poisson count of
    the same mean (nor of mean one): a few quiet days must not make three posts an alarm. As the mean itself is only
    estimated, its error is added.

    Parameters
    ----------
    count:
        The day's count.
    earlier:
        The counts of the earlier days, or of the same hours of them, without days before the first data.
    """
    days = len(earlier)
    if days < ENOUGH_DAYS:
        return Change(mean=None, days=days, direction="unknown", words="历史数据不足，暂不比较")
    mean = statistics.fmean(earlier)
    deviation = math.sqrt(max(statistics.variance(earlier), mean, 1.0) * (1 + 1 / days))
    difference = count - mean
    if abs(difference) <= DEVIATIONS * deviation:
        return Change(mean=mean, days=days, direction="noise", words="变化不显著")
    words = f"{_size(count, mean)}（{difference:+.0f}条）"
    return Change(mean=mean, days=days, direction="up" if difference > 0 else "down", words=words)


def versus(count: int, before: int, earlier: Sequence[int], name: str) -> Change:
    """Compare with the stretch of time just before, called `name` (昨日, 上周).

    Both counts are single ones, so each has the noise of a single day; how large that is, is taken from all earlier
    days where there are enough, and else from the counts themselves.
    """
    spread = statistics.variance(earlier) if len(earlier) >= ENOUGH_DAYS + 1 else 0.0
    mean = (count + before) / 2
    deviation = math.sqrt(2 * max(spread, mean, 1.0))
    if abs(count - before) <= DEVIATIONS * deviation:
        return Change(mean=before, days=1, direction="noise", words=f"较{name}变化不显著")
    words = f"较{name}{_size(count, before)}（{count - before:+d}条）"
    return Change(mean=before, days=1, direction="up" if count > before else "down", words=words)


MANY_TIMES = 3
"""From so many times on a change is told as such: nobody can picture a rise by 880 percent."""


def _size(count: int, mean: float) -> str:
    """How large a change is: in percent, or in multiples where nobody can picture the percentage."""
    verb = "上升" if count > mean else "下降"
    if not mean:
        return f"由零{verb}"
    if mean < 1:
        return f"由不足1条{verb}"
    if count >= MANY_TIMES * mean:
        times = f"{count / mean:.1f}".removesuffix(".0")
        return f"{verb}至约{times}倍"
    return f"{verb}{100 * abs(count - mean) / mean:.1f}%"
