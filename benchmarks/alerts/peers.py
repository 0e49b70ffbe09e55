"""What is in use elsewhere: a keyword with a threshold, and a z-score over counts. Both count documents
that name the policy.

Each alarm opens a ticket of the policy, which takes in the policy's further alarms until there was none for a day. The
thresholds are the best of `develop`, by the mean of recall and precision.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from minsheng.records import Grouped

HOUR = timedelta(hours=1)
QUIET = timedelta(days=1)
NEGATIVE = (
    "投诉", "举报", "反映", "不合理", "乱", "太", "气", "坑", "骗", "怎么", "没人", "不", "谁", "差", "骂", "服了",
    "说法", "解决", "欺负", "难",
)  # fmt: skip


class Alarm(NamedTuple):
    """A ticket of a peer: whose, when, and the documents that were in its window when it opened.

    `letters`: it is about letters of the real background on one matter. `rise`: it is no ticket, but the notice that
    one has grown worse."""

    policy: str
    opened_at: datetime
    documents: Sequence[str]
    letters: bool = False
    rise: bool = False


class Counts:
    """For each policy, its documents in order of time."""

    def __init__(self, records: Sequence[Grouped], *, negative: bool) -> None:
        self.at: dict[str, list[datetime]] = defaultdict(list)
        self.ids: dict[str, list[str]] = defaultdict(list)
        for record in records:
            document = record.document
            if negative and not any(word in document.title or word in document.text for word in NEGATIVE):
                continue
            for link in record.assessed.policies:
                if link.confidence >= 0.5:
                    self.at[link.policy_id].append(document.published_at)
                    self.ids[link.policy_id].append(document.id)


def keyword(records: Sequence[Grouped], threshold: float, since: datetime) -> list[Alarm]:
    """An alarm when so many documents of an hour name the policy and hold a negative word; looked at with each."""
    counts, found = Counts(records, negative=True), []
    for policy, times in sorted(counts.at.items()):
        last: datetime | None = None
        for place, at in enumerate(times):
            start = bisect_right(times, at - HOUR)
            if at < since or place + 1 - start < threshold:
                continue
            if last is None or at - last > QUIET:
                found.append(Alarm(policy, at, counts.ids[policy][start : place + 1]))
            last = at
    return found


def z_score(records: Sequence[Grouped], threshold: float, since: datetime, step: timedelta = HOUR) -> list[Alarm]:
    """An alarm when the documents of an hour that name the policy are so many standard deviations above the mean of the
    last 28 days' hours, five of them at least; looked at after each `step`."""
    counts, found = Counts(records, negative=False), []
    end = records[-1].document.published_at
    for policy, times in sorted(counts.at.items()):
        last: datetime | None = None
        now = since.replace(minute=0, second=0)
        while now <= end:
            now += step
            first, until = bisect_right(times, now - HOUR), bisect_right(times, now)
            count = until - first
            if count < 5:
                continue
            past = [
                bisect_left(times, now - hours * HOUR) - bisect_left(times, now - (hours + 1) * HOUR)
                for hours in range(1, 28 * 24)
            ]
            mean = sum(past) / len(past)
            deviation = math.sqrt(sum((one - mean) ** 2 for one in past) / len(past))
            if (count - mean) / max(deviation, 0.5) < threshold:
                continue
            if last is None or now - last > QUIET:
                found.append(Alarm(policy, now, counts.ids[policy][first:until]))
            last = now
    return found
