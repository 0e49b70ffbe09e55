"""How right a model is on labelled texts: accuracy, macro-F1, per label, confusion, calibration, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifiers.model import Model, Text

RESAMPLES = 500
"""Of the bootstrap. The intervals' ends move by less than .003 from seed to seed with so many."""

SEED = 20230516
BANDS = 10


class LabelScore(msgspec.Struct, frozen=True):
    """One label: `texts` that have it, and how well it is found."""

    precision: float
    recall: float
    f1: float
    texts: int


class Score(msgspec.Struct, frozen=True):
    """What `score` finds.

    Attributes
    ----------
    accuracy, macro_f1:
        Shares from 0 to 1; macro-F1 is the mean over the labels that are wanted or given.
    accuracy_interval, macro_f1_interval:
        95 % of the values that samples of as many such texts would give (bootstrap over the texts).
    calibration_error:
        By how much the score of the chosen label and its being right differ, over ten bands, weighted by their texts.
    unsure:
        Share of the texts whose label lies below the model's threshold.
    accuracy_where_sure:
        Accuracy on the others; None where there are none.
    labels, confusion:
        Per label; and how often each wanted label (rows) was given each label (columns), labels in the order of
        `labels`.
    """

    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    calibration_error: float
    unsure: float
    accuracy_where_sure: float | None
    texts: int
    labels: dict[str, LabelScore]
    confusion: list[list[int]]

    def plain(self) -> dict[str, Any]:
        """As plain JSON values, rounded to four decimals."""
        value: dict[str, Any] = _rounded(msgspec.to_builtins(self))
        return value


class Labelled(NamedTuple):
    """A text and its right label."""

    text: Text
    label: str


def score(model: Model, head: str, examples: Sequence[Labelled], *, two_sided: bool | None = None) -> Score:
    """Score one head.

    Parameters
    ----------
    two_sided:
        Ask the model only which of the labels that occur is likeliest. Default: where the head is sentiment and no
        example is neutral, as in polarity data, which knows only two sides.

    Raises
    ------
    ValueError
        If there are no examples.
    """
    if not examples:
        raise ValueError("nothing to score")
    wanted = [example.label for example in examples]
    if two_sided is None:
        two_sided = head == "sentiment" and "neutral" not in wanted
    allowed = set(wanted) if two_sided else None
    given: list[str] = []
    confidence: list[float] = []
    for result in model.judge([example.text for example in examples]):
        scores = result[head].scores
        among = {label: value for label, value in scores.items() if allowed is None or label in allowed}
        best = max(among, key=among.__getitem__)
        given.append(best)
        confidence.append(among[best] / (sum(among.values()) or 1.0))
    return score_labels(wanted, given, np.array(confidence), model.thresholds.get(head, 0.0))


def score_labels(
    wanted: Sequence[str], given: Sequence[str], confidence: NDArray[np.float64], threshold: float = 0.0
) -> Score:
    """Score labels that were given with these confidences (0 to 1) against the wanted ones."""
    names = sorted({*wanted, *given})
    rows = np.array([names.index(label) for label in wanted])
    columns = np.array([names.index(label) for label in given])
    right = rows == columns
    confusion = _confusion(rows, columns, len(names))
    random = np.random.default_rng(SEED)
    resampled = [_resampled(random, rows, columns, len(names)) for _ in range(RESAMPLES)]
    f1 = _f1(confusion)
    precision = np.diag(confusion) / np.maximum(confusion.sum(axis=0), 1)
    recall = np.diag(confusion) / np.maximum(confusion.sum(axis=1), 1)
    sure = confidence >= threshold
    return Score(
        accuracy=float(right.mean()),
        accuracy_interval=_interval([accuracy for accuracy, _ in resampled]),
        macro_f1=float(f1.mean()),
        macro_f1_interval=_interval([macro for _, macro in resampled]),
        calibration_error=calibration_error(confidence, right),
        unsure=float(1 - sure.mean()),
        accuracy_where_sure=float(right[sure].mean()) if sure.any() else None,
        texts=len(rows),
        labels={
            name: LabelScore(
                float(precision[place]), float(recall[place]), float(f1[place]), int(confusion[place].sum())
            )
            for place, name in enumerate(names)
        },
        confusion=confusion.tolist(),
    )


def macro_f1(wanted: Sequence[str], given: Sequence[str]) -> float:
    """The mean of the labels' F1, over the labels that are wanted or given."""
    names = sorted({*wanted, *given})
    rows, columns = ([names.index(label) for label in labels] for labels in (wanted, given))
    return float(_f1(_confusion(np.array(rows), np.array(columns), len(names))).mean())


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bands: int = BANDS) -> float:
    """By how much confidence and accuracy differ, on average over bands of confidence, weighted by their size."""
    band = np.minimum((confidence * bands).astype(int), bands - 1)
    gaps = [abs(confidence[band == one].mean() - right[band == one].mean()) * (band == one).mean() for one in set(band)]
    return float(sum(gaps))


def _confusion(rows: NDArray[np.int64], columns: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)


def _f1(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    both = np.diag(confusion)
    either = confusion.sum(axis=0) + confusion.sum(axis=1)
    values: NDArray[np.float64] = 2 * both[either > 0] / either[either > 0]
    return values


def _resampled(
    random: np.random.Generator, rows: NDArray[np.int64], columns: NDArray[np.int64], size: int
) -> tuple[float, float]:
    drawn = random.integers(0, len(rows), len(rows))
    confusion = _confusion(rows[drawn], columns[drawn], size)
    return float(np.trace(confusion) / len(rows)), float(_f1(confusion).mean())


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
