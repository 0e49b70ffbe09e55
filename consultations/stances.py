"""The stance of comments, by the stance head of the model that the settings name."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.load import load_model
from classifiers.model import Model, Text, judge_with
from consultations.book import Judge
from minsheng.settings import Settings


def judge_of(settings: Settings) -> Judge:
    """Judges by that model, opened at the first text; one without a stance head leaves all neutral, and unsure.

    Raises, when it is used, as `classifiers.load.load_model` does.
    """
    opened: list[Model] = []

    def judge(texts: Sequence[str]) -> list[tuple[str, bool]]:
        if not opened:
            opened.append(load_model(settings))
        if "stance" not in opened[0].heads:
            return [("neutral", True)] * len(texts)
        judged = judge_with(opened[0], [Text("", text) for text in texts])
        return [(heads["stance"].label, heads["stance"].unsure) for heads in judged]

    return judge
