"""A source's rhythm: how much that is new it brings at each hour of each day of the week, and when its silence is odd.

Learned from the hours in which it was seen, in the last six weeks. Every slot leans on the same hour of its kind of day
(working day or weekend) as long as it has been seen only a few times itself.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from minsheng.clock import CHINA

LEARNS_FROM = timedelta(weeks=6)
LEAST_HOURS = 5 * 24
"""So many hours must have been seen before anything is called odd."""
LEANS = 2.0
"""How many sightings the hour's kind of day counts beside a slot's own."""
ODD = -math.log(1e-4)
"""A silence that was to be expected once in ten thousand times is odd, where there was none like it before."""
LONGER = 1.5
"""So much more surprising than the most surprising one so far."""
SUREST = 0.9
"""No hour is surer to bring something than this: one hour's silence alone is never odd."""
HOUR = timedelta(hours=1)


class Hour(NamedTuple):
    """One hour in which the source answered, and how much new it brought."""

    start: datetime
    new: int


class Expected(NamedTuple):
    """How much new is to be expected: nineteen times out of twenty no less and no more than `low` and `high`."""

    low: int
    typical: float
    high: int


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned.

    Attributes
    ----------
    learned_at:
        When.
    hours:
        From how many hours in which the source answered.
    loud:
        In how many of them it brought something new.
    chance:
        For each hour of the week (Monday 0:00 first, China time): how likely it brings anything new.
    mean:
        For each hour of the week: how much.
    burst:
        How much more the sums of days vary than those of independent documents would (1: as much).
    silence:
        The most surprising time without anything new so far: minus the logarithm of how likely it was.
    """

    learned_at: datetime
    hours: int
    loud: int
    chance: tuple[float, ...]
    mean: tuple[float, ...]
    burst: float
    silence: float

    def expected(self, since: datetime, until: datetime) -> Expected:
        """How much new to expect between two times."""
        typical = sum(self.mean[slot] * share for slot, share in slots(since, until))
        spread = 1.96 * math.sqrt(typical * self.burst)
        return Expected(max(0, math.floor(typical - spread)), typical, math.ceil(typical + spread))

    def is_odd(self, since: datetime, until: datetime) -> bool:
        """Whether it is odd that nothing new came between two times."""
        if self.hours < LEAST_HOURS:
            return False
        surprise = sum(share * _surprise(self.chance[slot]) for slot, share in slots(since, until))
        # A rate that was learned from a few is not known well (Gamma-Poisson): silence must be the longer.
        sure = self.loud * math.log1p(surprise / self.loud) if self.loud else 0.0
        return sure > ODD and surprise > LONGER * self.silence


def may_be_odd(since: datetime, until: datetime) -> bool:
    """False where nobody need look at a rhythm: no source is so lively that a silence so short would be odd."""
    return (until - since) / HOUR * _surprise(1.0) > ODD


def learn(seen: Sequence[Hour], now: datetime) -> Rhythm | None:
    """The rhythm of a source that was seen in these hours; None where there are none."""
    hours = sorted(hour for hour in seen if now - hour.start <= LEARNS_FROM)
    if not hours:
        return None
    # The silence that goes on now is what is to be judged: learned from, it would excuse itself.
    last = max((hour.start for hour in hours if hour.new), default=hours[-1].start)
    hours = [hour for hour in hours if hour.start <= last]
    own: defaultdict[int, list[int]] = defaultdict(list)
    alike: defaultdict[tuple[bool, int], list[int]] = defaultdict(list)
    for hour in hours:
        slot = slot_of(hour.start)
        own[slot].append(hour.new)
        alike[_kind(slot)].append(hour.new)
    whole = [hour.new for hour in hours]
    chance, mean = [], []
    for slot in range(168):
        near = alike.get(_kind(slot)) or whole
        mine = own.get(slot, [])
        weight = len(mine) + LEANS
        chance.append((sum(map(bool, mine)) + LEANS * sum(map(bool, near)) / len(near)) / weight)
        mean.append((sum(mine) + LEANS * sum(near) / len(near)) / weight)
    return Rhythm(
        learned_at=now,
        hours=len(hours),
        loud=sum(bool(hour.new) for hour in hours),
        chance=tuple(round(value, 4) for value in chance),
        mean=tuple(round(value, 4) for value in mean),
        burst=_burst(hours, mean),
        silence=round(_most_surprising(hours, chance), 2),
    )


def slot_of(time: datetime) -> int:
    """0 for Monday midnight, 167 for Sunday 23:00, China time."""
    local = time.astimezone(CHINA)
    return local.weekday() * 24 + local.hour


def slots(since: datetime, until: datetime) -> Iterator[tuple[int, float]]:
    """The slots between two times, each with the share of it that lies there. At most eight weeks."""
    at = max(since, until - timedelta(weeks=8))
    while at < until:
        end = min(at.replace(minute=0, second=0, microsecond=0) + HOUR, until)
        yield slot_of(at), (end - at) / HOUR
        at = end


def _kind(slot: int) -> tuple[bool, int]:
    return slot >= 120, slot % 24


def _burst(hours: Sequence[Hour], mean: Sequence[float]) -> float:
    days: defaultdict[object, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for hour in hours:
        day = days[hour.start.astimezone(CHINA).date()]
        day[0] += hour.new
        day[1] += mean[slot_of(hour.start)]
    ratios = [(new - usual) ** 2 / usual for new, usual in days.values() if usual > 0]
    return round(max(1.0, sum(ratios) / max(len(ratios) - 1, 1)), 2) if ratios else 1.0


def _surprise(chance: float) -> float:
    return -math.log1p(-min(chance, SUREST))


def _most_surprising(hours: Sequence[Hour], chance: Sequence[float]) -> float:
    most = row = 0.0
    for hour in hours:
        if hour.new:
            most, row = max(most, row), 0.0
        else:
            row += _surprise(chance[slot_of(hour.start)])
    return most
