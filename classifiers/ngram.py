"""The first model: a linear classifier a head over hashed character n-grams, in numpy alone.

Its files (`models/ngram/`) are made by `python -m training.ngram`; the card beside the weights says from what, and how
well it does.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifiers.features import BITS, Counts, count_ngrams, reading
from classifiers.model import Text
from minsheng.errors import BadInput
from minsheng.records import Judgement

FOLDER = Path(__file__).parent / "models" / "ngram"
BATCH = 256
"""Texts at a time: enough for numpy to pay, few enough that a batch of the longest texts stays below 100 MB."""


DECIMALS = 4


class Head(msgspec.Struct, frozen=True):
    """One head of the card: its labels in the order of the columns, and the temperature that calibrates its scores."""

    labels: tuple[str, ...]
    temperature: float


class Card(msgspec.Struct, frozen=True):
    """What `card.json` must hold for the model to run; the rest of it is for people."""

    version: str
    weights_sha256: str
    heads: dict[str, Head]


def vectors(counts: Counts, row_of: NDArray[np.int32], idf: NDArray[np.float32]) -> Counts:
    """TF-IDF over the model's own rows: buckets become rows, unknown ones go, and every text has length 1.

    Parameters
    ----------
    counts:
        Of a batch.
    row_of:
        Bucket → row, -1 for buckets that the model does not know; of length 2**BITS.
    idf:
        Row → inverse document frequency.
    """
    found = row_of[counts.buckets]
    known = found >= 0
    rows = found[known].astype(np.int64)
    values = (1 + np.log(counts.counts[known])) * idf[rows]
    starts = np.concatenate(([0], np.cumsum(known, dtype=np.int64)))[counts.starts]
    lengths = np.sqrt(sums(np.square(values), starts))
    lengths[lengths == 0] = 1
    return Counts(starts, rows, (values / np.repeat(lengths, np.diff(starts))).astype(np.float32))


def sums(values: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Sum `values` over each text's range along the first axis; 0 for an empty range."""
    total = np.zeros((len(starts) - 1, *values.shape[1:]), dtype=np.float32)
    filled = np.diff(starts) > 0
    if filled.any():
        # reduceat takes an empty range for the one entry at its start, so only the filled ones are given to it.
        total[filled] = np.add.reduceat(values, starts[:-1][filled], axis=0)
    return total


def softmax(margins: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    raised = np.exp((margins - margins.max(axis=-1, keepdims=True)).astype(np.float64))
    probabilities: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return probabilities


def log_softmax(margins: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Logarithms of the probabilities along the last axis."""
    lowered = (margins - margins.max(axis=-1, keepdims=True)).astype(np.float64)
    logs: NDArray[np.float64] = lowered - np.log(np.exp(lowered).sum(axis=-1, keepdims=True))
    return logs


def rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """To four decimals, so that records stay small, by largest remainders: each row adds up to 1, and of two entries
    the larger one never becomes the smaller one."""
    units = probabilities * 10**DECIMALS
    whole = np.floor(units)
    order = np.argsort(whole - units, axis=1, kind="stable")
    left = np.rint(10**DECIMALS - whole.sum(axis=1)).astype(np.int64)
    taken = np.arange(probabilities.shape[1]) < left[:, None]
    np.put_along_axis(whole, order, np.take_along_axis(whole, order, axis=1) + taken, axis=1)
    return np.round(whole / 10**DECIMALS, DECIMALS)


class NgramModel:
    """All heads from character n-grams.

    Parameters
    ----------
    folder:
        Holds `card.json` and `weights.npz`.

    Raises
    ------
    BadInput
        If the files are missing, damaged, or don't belong together.

    Examples
    --------
    >>> model = NgramModel()
    >>> model.judge([Text("", "太好了，谢谢！")])[0]["sentiment"].label
    'positive'
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        try:
            card = msgspec.json.decode((folder / "card.json").read_bytes(), type=Card)
            packed = (folder / "weights.npz").read_bytes()
        except (OSError, msgspec.MsgspecError) as error:
            raise BadInput(f"the model in {folder} can't be read: {error}", "install Minsheng again") from error
        if hashlib.sha256(packed).hexdigest() != card.weights_sha256:
            raise BadInput(f"{folder}/weights.npz is not the file that card.json describes", "install Minsheng again")
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            buckets = np.cumsum(arrays["bucket_steps"], dtype=np.int64)
            self._idf = arrays["idf"].astype(np.float32)
            self._weights: NDArray[np.int8] = arrays["weights"]
            self._scale: NDArray[np.float32] = arrays["scale"]
            self._bias: NDArray[np.float32] = arrays["bias"]
        self._row_of = np.full(1 << BITS, -1, dtype=np.int32)
        self._row_of[buckets] = np.arange(len(buckets), dtype=np.int32)
        self._heads = card.heads
        self.heads = tuple(card.heads)
        self.thresholds: dict[str, float] = {}
        self.versions = dict.fromkeys(card.heads, card.version)

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        """Head → judgement for each text, in order. A text without known characters gets each head's prior."""
        judged: list[dict[str, Judgement]] = []
        for start in range(0, len(texts), BATCH):
            judged.extend(self._judge(texts[start : start + BATCH]))
        return judged

    def margins(self, readings: Sequence[str]) -> NDArray[np.float32]:
        """The decision values of all heads' labels side by side, one row a text, before calibration."""
        vector = vectors(count_ngrams(readings), self._row_of, self._idf)
        found = np.empty((len(readings), self._weights.shape[1]), np.float32)
        # A text at a time: its rows stay in the processor's cache, those of a batch don't.
        for line, (start, end) in zip(found, pairwise(vector.starts.tolist()), strict=True):
            rows = np.take(self._weights, vector.buckets[start:end], axis=0).astype(np.float32)
            np.dot(vector.counts[start:end], rows, out=line)
        return found * self._scale + self._bias

    def log_probabilities(self, texts: Sequence[Text]) -> dict[str, NDArray[np.float64]]:
        """Head → logarithms of its labels' probabilities, one row a text, for a model that mixes them in."""
        margins = self.margins([reading(text) for text in texts])
        found, start = {}, 0
        for name, head in self._heads.items():
            end = start + len(head.labels)
            found[name] = log_softmax(margins[:, start:end] / head.temperature)
            start = end
        return found

    def _judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        readings = [reading(text) for text in texts]
        margins = self.margins(readings)
        judged: list[dict[str, Judgement]] = [{} for _ in texts]
        start = 0
        for name, head in self._heads.items():
            end = start + len(head.labels)
            probabilities = softmax(margins[:, start:end] / head.temperature)
            scores_given = rounded(probabilities)
            best = scores_given.argmax(axis=1).tolist()
            for result, label, scores in zip(judged, best, scores_given.tolist(), strict=True):
                result[name] = Judgement(label=head.labels[label], scores=dict(zip(head.labels, scores, strict=True)))
            start = end
        return judged
