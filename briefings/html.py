"""The briefing as one HTML page: nothing is loaded from outside; it prints on A4 and reads on a phone."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from briefings import words
from briefings.change import Change
from briefings.model import DailyBriefing
from briefings.summary import against

TEMPLATES = Path(__file__).parent / "templates"

LISTED = 5
"""Policies with a row of their own; of the others only those whose count changed."""


def moved(change: Change) -> bool:
    return change.direction in ("up", "down")


def daily_html(briefing: DailyBriefing) -> str:
    """The page. Texts from outside are escaped; only http and https links are kept (see `evidence.post`)."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=words.day_words, time=words.time_words, duration=words.duration_words, against=against
    )
    return environment.get_template("daily.html.j2").render(
        b=briefing,
        levels=words.LEVELS,
        kinds=words.KINDS,
        sentiments=words.SENTIMENTS,
        share=words.share_words,
        listed=[line for place, line in enumerate(briefing.policies) if place < LISTED or moved(line.change)],
        titles={evidence.id: evidence.title for evidence in briefing.evidence},
    )
