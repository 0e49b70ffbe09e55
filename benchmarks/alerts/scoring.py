# ruff: noqa: E501 - phrases stand on one line each
"""How good alarms are: what was found, how soon, how often, and what alarmed in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from benchmarks.alerts.episodes import UNWANTED, WANTED, Episode
from benchmarks.alerts.peers import Alarm

AFTER = timedelta(hours=6)
"""An alarm still counts for an episode so long after its last document."""


class Score(NamedTuple):
    """
    Attributes
    ----------
    recall, precision:
        Of the episodes that must alarm, and of the tickets. A burst is found by a ticket, or where its policy has one by
        the notice that it has grown worse.
    delay:
        Median minutes from an episode's first document to its ticket; `delays` by kind, `waited` by episode.
    each:
        Tickets an episode that was found.
    false_a_day:
        Tickets of nothing that must alarm.
    vain:
        Kind of what alarmed in vain → how often; `background` for what is no episode. `letters` are the background's own
        letters on one matter: real hot issues of the message board, so they are listed, but not counted as false.
    missed:
        Ids of the episodes that were not found.
    """

    recall: float
    precision: float
    delay: float
    delays: dict[str, float]
    waited: dict[str, float]
    found: dict[str, float]
    each: float
    false_a_day: float
    vain: dict[str, int]
    missed: list[str]


def score(
    alarms: Sequence[Alarm], episodes: Sequence[Episode], episode_of: dict[str, str], since: datetime, days: float
) -> Score:
    """Scores the alarms since then. An alarm is for the episode that most of its documents are of, if that makes up a
    quarter of them, or else for the one of its policy that goes on."""
    by_id = {episode.id: episode for episode in episodes}
    tickets: Counter[str] = Counter()
    first: dict[str, datetime] = {}
    vain: Counter[str] = Counter()
    for alarm in alarms:
        counts = Counter(episode_of[document] for document in alarm.documents if document in episode_of)
        episode = None
        if counts:
            name, count = counts.most_common(1)[0]
            episode = by_id[name] if 4 * count >= len(alarm.documents) else None
        if episode is None:
            going = [e for e in episodes if e.policy == alarm.policy and e.start <= alarm.opened_at <= e.end + AFTER]
            episode = going[0] if going else None
        if episode is not None and episode.wanted and alarm.opened_at < episode.start:
            continue
        if episode is not None and episode.wanted:
            tickets[episode.id] += not alarm.rise
            first[episode.id] = min(first.get(episode.id, alarm.opened_at), alarm.opened_at)
        elif alarm.opened_at >= since and not alarm.rise:
            vain["letters" if alarm.letters else episode.kind if episode else "background"] += 1
    wanted = [episode for episode in episodes if episode.wanted]
    delays = {e.id: (first[e.id] - e.start).total_seconds() / 60 for e in wanted if e.id in first}
    right, wrong = len(first), sum(vain.values()) - vain["letters"]
    return Score(
        recall=right / len(wanted),
        precision=sum(tickets.values()) / max(1, sum(tickets.values()) + wrong),
        delay=median(delays.values()) if delays else float("nan"),
        delays={
            kind: median(found) if (found := [delays[e.id] for e in wanted if e.kind == kind and e.id in delays]) else float("nan")
            for kind in WANTED
        },
        waited=delays,
        found={
            kind: sum(e.id in first for e in wanted if e.kind == kind) / sum(e.kind == kind for e in wanted) for kind in WANTED
        },
        each=sum(tickets.values()) / max(1, right),
        false_a_day=wrong / days,
        vain={kind: vain[kind] for kind in (*UNWANTED, "background", "letters") if vain[kind]},
        missed=[e.id for e in wanted if e.id not in first],
    )  # fmt: skip
