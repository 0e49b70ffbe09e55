"""Risk in a real background at 100,000 documents a day: ours against a keyword with a threshold and a z-score.

    python -m benchmarks.alerts [--half develop] [--rules FILE] [--missed] [--quick]

The background is real; injected are made-up policies with four weeks of chatter each, bursts that must alarm (sudden,
slow, small but severe, sarcastic) and bursts that must not (a weekly peak, a festival, a marketing storm, an official
text on 40 sites, one person who repeats himself). Texts are judged by the shipped model, linked and grouped by the
shipped code. All thresholds, ours and the peers', were chosen on `develop`; `report`, with other words, other policies
and other background, is the half to believe. Then the real hot issues of the shared messages: how many become exactly
one ticket.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from alerts.observations import observe
from alerts.replay import CALM, Replay
from alerts.rules import RuleSet, default_rules
from alerts.rules.reading import read_file
from benchmarks.alerts.background import DAYS, Half
from benchmarks.alerts.episodes import END, WANTED
from benchmarks.alerts.judgements import Judged
from benchmarks.alerts.peers import Alarm, keyword, z_score
from benchmarks.alerts.scoring import Score, score
from benchmarks.alerts.stream import Stream, stream
from classifiers.model import Text
from grouping.memory import Memory
from minsheng.policies import Policy
from minsheng.records import EventRef, Grouped
from minsheng.settings import AlertSettings, GroupSettings
from minsheng.workdays import WorkCalendar
from training.data import FOLDER
from training.hot_issues import messages

KEYWORD, Z_SCORE, Z_SCORE_5 = 5.0, 5.0, 4.0
"""The peers' thresholds that are best on `develop` (`--tune`)."""


def replay(
    records: Sequence[Grouped], policies: Mapping[str, Policy], rules: RuleSet, calm: timedelta | None = CALM
) -> tuple[Replay, float]:
    """The records through the judge, and how many seconds that took."""
    settings = AlertSettings()
    engine = Replay(settings, rules, policies, WorkCalendar().is_workday, calm=calm)
    began = time.perf_counter()
    for record in records:
        engine.take(observe(record, settings.backfill_days, rules.words_in), record.event.merged)
    engine.finish()
    return engine, time.perf_counter() - began


def ours(made: Stream, rules: RuleSet) -> tuple[list[Alarm], float]:
    engine, seconds = replay(made.records, {policy.id: policy for policy in made.policies}, rules)
    chatter = {record.document.id for record in made.records if (record.document.native_id or "").startswith("c-")}
    # A burst that breaks out of a known matter is told like a new one, and each rise as such.
    told = ((ticket, raised) for ticket in engine.tickets for raised in ticket.raised)
    return [
        Alarm(
            ticket.policy or "",
            raised.at,
            list(raised.documents),
            raised.rule.startswith("matter")
            and not any(d in made.episode_of or (ticket.policy and d in chatter) for d in raised.documents),
            rise=not raised.tells,
        )
        for ticket, raised in told
    ], seconds


def print_scores(rows: dict[str, Score], *, missed: bool) -> None:
    print(f"{'':<34} {'recall':>6} {'precis.':>7} {'delay':>8} {'each':>5} {'false/day':>9}   alarms in vain")
    for name, one in rows.items():
        vain = ", ".join(f"{kind} {count}" for kind, count in one.vain.items())
        print(
            f"{name:<34} {one.recall:>6.3f} {one.precision:>7.3f} {one.delay:>5.1f} min {one.each:>5.2f} "
            f"{one.false_a_day:>9.1f}   {vain or '-'}",
        )
    print(f"\n{'recall, median delay':<34} " + " ".join(f"{kind:>17}" for kind in WANTED))
    for name, one in rows.items():
        print(f"{name:<34} " + " ".join(f"{one.found[kind]:>6.2f} {one.delays[kind]:>6.0f} min" for kind in WANTED))
        if missed:
            print(f"  missed: {', '.join(one.missed) or '-'}")


def print_compared(ours: Score, peers: Mapping[str, Score]) -> None:
    """Delays on the bursts that both find: who finds only what is sudden is quick on the whole."""
    print(f"\n{'median delay on what both find':<34} {'bursts':>6} {'ours':>10} {'theirs':>10}")
    for name, peer in peers.items():
        both = sorted(ours.waited.keys() & peer.waited.keys())
        mine, other = (median(one.waited[episode] for episode in both) for one in (ours, peer))
        print(f"{name:<34} {len(both):>6} {mine:>6.0f} min {other:>6.0f} min")


def hot_issues(rules: RuleSet) -> None:
    """The gold list's issues: each one with exactly one ticket that is its own."""
    data = messages(FOLDER)
    heads = Judged().of([Text(one.document.title, one.document.text) for one in data.stream])
    settings = GroupSettings()
    memory = Memory(
        timedelta(days=settings.window_days), max_texts=settings.max_texts, max_documents=settings.max_documents
    )
    import msgspec

    records, place_of = [], {}
    for number, (one, found) in enumerate(zip(data.stream, heads, strict=True)):
        assessed = msgspec.structs.replace(one, **found)
        placed = memory.place(assessed)
        place_of[one.document.id] = number
        reference = EventRef(id=memory.today(placed.member.event), merged=tuple(merge.event for merge in placed.merges))
        records.append(Grouped(assessed=assessed, duplicate=placed.member.duplicate(), event=reference))
    # Letters on one matter come over months; its ticket stays open until somebody closes it, and nobody does here.
    engine, _ = replay(records, {}, rules, calm=None)
    members: dict[str, set[int]] = {}
    for document, place in place_of.items():
        members.setdefault(memory.today(records[place].event.id), set()).add(place)
        del document
    tickets = Counter(memory.today(ticket.event) for ticket in engine.tickets)
    print(f"\nhot issues of the shared messages: {len(engine.tickets)} tickets")
    for half in ("develop", "report", "all"):
        issues = [issue for issue in data.issues if issue.sure and half in (issue.half, "all")]
        counts = Counter(
            min(
                2,
                sum(tickets[event] for event, at in members.items() if event in tickets and mostly(at, issue.members)),
            )
            for issue in issues
        )
        print(
            f"  {half:<8} {len(issues):>3} issues: exactly one ticket {counts[1] / len(issues):.3f}, "
            f"none {counts[0] / len(issues):.3f}, several {counts[2] / len(issues):.3f}"
        )


def mostly(event: set[int], issue: frozenset[int]) -> bool:
    """Whether an event is about an issue: half of it, or half of the issue, and three messages at least."""
    common = len(event & issue)
    return common >= min(3, len(issue)) and (2 * common >= len(event) or 2 * common >= len(issue))


def tune(made: Stream, since: datetime) -> None:
    """The peers at every threshold on `develop`."""
    for threshold in (4, 5, 6, 7, 8, 9, 10, 12, 15, 20):
        for name, alarms in (
            ("keyword", keyword(made.records, threshold, since)),
            ("z-score", z_score(made.records, threshold, since)),
            ("z-score, 5 min", z_score(made.records, threshold, since, timedelta(minutes=5))),
        ):
            one = score(alarms, made.episodes, made.episode_of, since, DAYS["develop"])
            mean = (one.recall + one.precision) / 2
            print(f"{name} {threshold}: {mean:.3f} recall {one.recall:.3f} precision {one.precision:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("develop", "report"), default="report")
    parser.add_argument("--rules", type=Path, help="a rule file in place of the shipped rules")
    parser.add_argument("--missed", action="store_true", help="name the episodes that were missed")
    parser.add_argument("--quick", action="store_true", help="ours alone, without the peers and the hot issues")
    parser.add_argument("--tune", action="store_true", help="the peers at every threshold, on develop")
    chosen = parser.parse_args()
    half: Half = chosen.half
    rules = read_file(chosen.rules) if chosen.rules else default_rules()
    since = END[half] - timedelta(days=DAYS[half])
    if chosen.tune:
        tune(stream("develop"), END["develop"] - timedelta(days=DAYS["develop"]))
        return
    made = stream(half)
    full = sum(record.document.published_at >= since for record in made.records)
    wanted = sum(episode.wanted for episode in made.episodes)
    print(
        f"{half}: {len(made.records)} documents, {full} of them in the {DAYS[half]} day at the full rate; "
        f"{wanted} episodes that must alarm, {len(made.episodes) - wanted} that must not"
    )
    alarms, seconds = ours(made, rules)
    print(f"replayed in {seconds:.1f} s: {len(made.records) / seconds:.0f} documents/s\n")
    rows = {f"ours, rules {rules.version}": alarms}
    if not chosen.quick:
        rows["(a) keyword + threshold"] = keyword(made.records, KEYWORD, since)
        rows["(b) z-score, each hour"] = z_score(made.records, Z_SCORE, since)
        rows["(b) z-score, every 5 minutes"] = z_score(made.records, Z_SCORE_5, since, timedelta(minutes=5))
    scored = {name: score(found, made.episodes, made.episode_of, since, DAYS[half]) for name, found in rows.items()}
    print_scores(scored, missed=chosen.missed)
    own, *others = scored
    if others:
        print_compared(scored[own], {name: scored[name] for name in others})
    if not chosen.quick:
        hot_issues(rules)


if __name__ == "__main__":
    main()
