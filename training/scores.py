"""Accuracy and macro-F1 of a model on labelled examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.model import Model
from classifiers.ngram import NgramModel
from training.data import Example, Slice


def score(model: Model, head: str, examples: Sequence[Example], *, two_sided: bool | None = None) -> dict[str, Any]:
    """Accuracy, macro-F1 over the labels that occur, expected calibration error, and how many texts.

    Parameters
    ----------
    two_sided:
        Ask the model only which of the labels that occur is likeliest. Default: where the head is sentiment and no
        example is neutral, as in the polarity data, which knows only two sides.
    """
    wanted = [example.label for example in examples]
    if two_sided is None:
        two_sided = head == "sentiment" and "neutral" not in wanted
    allowed = set(wanted) if two_sided else None
    given, confidence = [], []
    for result in model.judge([example.text for example in examples]):
        scores = result[head].scores
        among = {label: value for label, value in scores.items() if allowed is None or label in allowed}
        best = max(among, key=among.__getitem__)
        given.append(best)
        confidence.append(among[best] / (sum(among.values()) or 1.0))
    right = np.array([a == b for a, b in zip(wanted, given, strict=True)])
    return {
        "accuracy": round(float(right.mean()), 4),
        "macro_f1": round(macro_f1(wanted, given), 4),
        "calibration_error": round(calibration_error(np.array(confidence), right), 4),
        "texts": len(examples),
    }


def macro_f1(wanted: Sequence[str], given: Sequence[str]) -> float:
    """The mean of the labels' F1, over the labels that are wanted or given."""
    values = []
    for label in sorted({*wanted, *given}):
        both = sum(a == b == label for a, b in zip(wanted, given, strict=True))
        values.append(2 * both / (wanted.count(label) + given.count(label)))
    return sum(values) / len(values)


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """By how much confidence and accuracy differ, on average over ten bands of confidence, weighted by their size."""
    band = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[band == one].mean() - right[band == one].mean()) * (band == one).mean() for one in set(band)]
    return float(sum(gaps))


def score_slices(folder: Path, slices: Sequence[Slice]) -> dict[str, dict[str, Any]]:
    """`head/slice` → scores of the shipped model on the held-out texts."""
    model = NgramModel(folder)
    return {f"{part.head}/{part.name}": score(model, part.head, part.held_out) for part in slices}
