"""Scores of what is found beyond a label: policies, copies, events, searches, responses, answers to questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.answer_scores import score_answers
from training.event_situations import read_situations, score_situations
from training.linking_scores import score_linking

COPIES_OF_A_KIND = 600
"""Real texts of each kind from which copies are made for the gate; `training.duplicate_scores` takes them all."""

Figures = dict[str, dict[str, float]]


def score_structure(folder: Path) -> Figures:
    """Name → measures. All but the written links, questions and situations need the shared data in `folder`."""
    linking = score_linking()
    found: Figures = {"links/written": {name: linking[name] for name in ("precision", "recall")}}
    found |= score_answers(folder)
    found["events/written situations, report"] = score_situations(read_situations(), "report")
    if folder.is_dir():
        from training.duplicate_scores import score_duplicates
        from training.event_scores import score_events
        from training.response_scores import score_responses
        from training.search_scores import mean, score_embedded

        copies = score_duplicates(folder, limit=COPIES_OF_A_KIND)
        found["copies/made from real texts"] = {name: copies[name] for name in ("precision", "recall")}
        events: dict[str, Any] = score_events(folder)
        for half in ("report", "all"):
            found[f"events/hot issues, {half}"] = {name: events[half][name] for name in ("found", "mean_f1")}
        responses = score_responses(folder)
        found["search/real texts, embedded"] = {"ndcg_at_10": mean(score_embedded(folder))}
        found["responses/hand scores, report"] = {"spearman": responses["report"]["spearman"]}
    return found


def structure_table(found: Figures, floors: dict[str, dict[str, float]]) -> str:
    """As a Markdown table."""
    lines = ["| what | measure | value | floor |", "|---|---|---|---|"]
    for name, measures in found.items():
        for measure, value in measures.items():
            floor = floors.get(name, {}).get(measure)
            lines.append(f"| {name} | {measure} | {value:.3f} | {'' if floor is None else f'{floor:.3f}'} |")
    return "\n".join(lines)
