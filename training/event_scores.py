"""Scores events on real messages: which hot issues grouping finds, and what it takes for one that is none.

python -m training.event_scores [DATA_FOLDER]
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from grouping.memory import Memory
from minsheng.records import Assessed
from minsheng.settings import GroupSettings
from training.data import FOLDER
from training.hot_issues import Issue, Messages, messages

FOUND = 0.75
"""Member F1 of the best-matching event from which an issue is found."""

SIZE, AUTHORS = 4, 2
"""Messages and authors from which an event is a hot one. One author repeating is a case."""


def score_events(folder: Path = FOLDER) -> dict[str, Any]:
    """Runs grouping over the messages in the order of time and scores its events.

    Returns
    -------
    For `develop`, `report` and `all`: `issues`, `found` (share whose best event has a member F1 of `FOUND` or more) and
    `mean_f1`; and `events` (of `SIZE` messages and `AUTHORS` authors or more) with `unmatched`, how many of these are
    not made up by half of one issue's messages. These may still be real: the gold list is not all there is.
    """
    data = messages(folder)
    return scores(data, group(data.stream))


def group(stream: Sequence[Assessed], settings: GroupSettings | None = None) -> list[str]:
    """The event of each document, as it is after the last one."""
    settings = settings or GroupSettings()
    memory = Memory(
        timedelta(days=settings.window_days), max_texts=settings.max_texts, max_documents=settings.max_documents
    )
    placed = [memory.place(one).member.event for one in stream]
    return [memory.today(event) for event in placed]


def scores(data: Messages, events: Sequence[Hashable]) -> dict[str, Any]:
    """The same for any grouping of the messages: `events` has one label a message."""
    members = _members(events)
    best = {issue.id: best_f1(issue, events, members) for issue in data.issues}
    made: dict[str, Any] = {}
    for half in ("develop", "report", "all"):
        values = [best[issue.id] for issue in data.issues if half in (issue.half, "all")]
        made[half] = {
            "issues": len(values),
            "found": round(sum(value >= FOUND for value in values) / len(values), 4),
            "mean_f1": round(sum(values) / len(values), 4),
        }
    hot = hot_events(data, events)
    return made | {"events": len(hot), "unmatched": len(unmatched(data, events))}


def best_f1(issue: Issue, events: Sequence[Hashable], members: dict[Hashable, set[int]] | None = None) -> float:
    """The member F1 of the event that matches the issue best."""
    members = members or _members(events)
    return max(
        2 * len(issue.members & members[event]) / (len(issue.members) + len(members[event]))
        for event in {events[place] for place in issue.members}
    )


def hot_events(data: Messages, events: Sequence[Hashable]) -> dict[Hashable, set[int]]:
    """The events of `SIZE` messages and `AUTHORS` authors or more, with their members."""
    return {
        event: places
        for event, places in _members(events).items()
        if len(places) >= SIZE and len({data.stream[place].document.author_key for place in places}) >= AUTHORS
    }


def unmatched(data: Messages, events: Sequence[Hashable]) -> dict[Hashable, set[int]]:
    """The hot events of which no issue makes up half."""
    issue_of = {place: issue.id for issue in data.issues for place in issue.members}
    left = {}
    for event, places in hot_events(data, events).items():
        issues = Counter(issue_of[place] for place in places if place in issue_of)
        if not issues or 2 * max(issues.values()) < len(places):
            left[event] = places
    return left


def _members(events: Sequence[Hashable]) -> dict[Hashable, set[int]]:
    members: dict[Hashable, set[int]] = defaultdict(set)
    for place, event in enumerate(events):
        members[event].add(place)
    return members


def main() -> None:
    print(score_events(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))


if __name__ == "__main__":
    main()
