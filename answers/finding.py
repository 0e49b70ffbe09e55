"""Finds the answers to a question by meaning, and says when there is no good one.

Ranked by how well each character of the question is matched by one of the entry (`answers.encoding`), and by the share
of the question's n-grams, weighted by rarity, that stand in the entry letter for letter. Whether the best one answers
at all is a learned probability, with weights by `training/answer_scores.py` from the half of the questions it may see.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from answers.encoding import Encoded, TextEncoder
from grouping.vectors import BINS, fold, ngram_bins, rarity

KEPT = 2_000_000
"""Comparisons of a question with a text that are kept, of 16 bytes each."""

WORDS = 0.3
"""Weight of the words' share beside the vectors'."""

GOOD = 0.5
"""From this confidence on the best hit is an answer."""

BIAS = -5.9
FEATURES = (5.74, 7.11, 5.14)
"""Weights of the best hit's `vectors`, `whole` and `words`, as `training.answer_scores --fit` gives them. The bias lies
.15 lower: on the half that they are fitted on, as many questions are answered, and fewer that have no answer."""


class Sought(NamedTuple):
    """What can be found: an id and the text that it is found by."""

    id: str
    text: str


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One entry found.

    Attributes
    ----------
    score:
        What hits are ranked by.
    confidence:
        How sure it is that this one answers, 0 to 1.
    """

    id: str
    score: float
    confidence: float


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The best hits, best first. `answered` is false where none is a good answer: then they are at most related."""

    answered: bool
    matches: tuple[Match, ...]


class Finder:
    """Holds the texts of one moment, which do not change after it is made. Safe to use from several threads.

    Parameters
    ----------
    texts:
        At most some ten thousand: each question is compared with all of them (10,000 answers: 0.1 s).
    """

    def __init__(self, texts: Sequence[Sought], encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._ids = [text.id for text in texts]
        encoded = encoder.encode([text.text for text in texts])
        self._tokens = np.concatenate(
            [one.tokens for one in encoded] or [np.zeros((0, encoder.dimensions), np.float32)]
        )
        sizes = np.array([len(one.tokens) for one in encoded], np.int64)
        self._filled = np.flatnonzero(sizes)
        self._starts = (np.cumsum(sizes) - sizes)[self._filled]
        self._whole = np.array([one.whole for one in encoded], np.float32).reshape(len(texts), encoder.dimensions)
        words = [_grams(text.text) for text in texts]
        self._bins = np.concatenate(words or [np.zeros(0, np.int64)])
        counts = np.array([own.size for own in words], np.int64)
        self._worded = np.flatnonzero(counts)
        self._word_starts = (np.cumsum(counts) - counts)[self._worded]
        self._rarities = rarity()[self._bins]
        self._lengths = np.sqrt([max(float((rarity()[own] ** 2).sum()), 1e-6) for own in words])
        # A page lists what people ask again and again: a question is compared once.
        self._compared = lru_cache(max(16, KEPT // max(len(texts), 1)))(self._compare)

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, question: str, *, size: int = 3, among: Collection[str] | None = None) -> Found:
        """The answers to a question.

        Parameters
        ----------
        among:
            Only these ids. None: all.
        """
        places = [place for place, one in enumerate(self._ids) if among is None or one in among]
        compared = self._compared(question) if places else None
        if compared is None:
            return Found(answered=False, matches=())
        vectors, whole, shares, cosines = compared
        scores = vectors + WORDS * shares
        ranked = sorted(places, key=lambda place: (-scores[place], self._ids[place]))[:size]
        matches = tuple(
            Match(
                id=self._ids[place],
                score=round(float(scores[place]), 4),
                confidence=round(confidence(float(vectors[place]), float(whole[place]), float(cosines[place])), 4),
            )
            for place in ranked
        )
        return Found(answered=matches[0].confidence >= GOOD, matches=matches)

    def _compare(self, question: str) -> tuple[NDArray[np.float32], ...] | None:
        """The question with all texts; None where there is nothing in it to compare."""
        given = self._encoder.encode([question])[0]
        return self._measured(question, given) if given.weights.size else None

    def measured(self, question: str) -> NDArray[np.float32]:
        """For training: `vectors`, `whole`, `words` and the share of words of all texts, shape (4, texts)."""
        vectors, whole, shares, cosines = self._measured(question, self._encoder.encode([question])[0])
        return np.array([vectors, whole, cosines, shares], np.float32)

    def _measured(self, question: str, given: Encoded) -> tuple[NDArray[np.float32], ...]:
        vectors = np.zeros(len(self._ids), np.float32)
        if self._filled.size:
            nearest = np.maximum.reduceat(given.tokens @ self._tokens.T, self._starts, axis=1)
            vectors[self._filled] = given.weights @ nearest
        whole = self._whole @ given.whole
        wanted = _grams(question)
        weights = rarity()
        of_question = max(float(weights[wanted].sum()), 1e-6)
        length = math.sqrt(max(float((weights[wanted] ** 2).sum()), 1e-6))
        asked = np.zeros(BINS, np.bool_)
        asked[wanted] = True
        common = np.where(asked[self._bins], self._rarities, np.float32(0))
        shares = np.zeros(len(self._ids), np.float32)
        cosines = np.zeros(len(self._ids), np.float32)
        if self._worded.size:
            shares[self._worded] = np.add.reduceat(common, self._word_starts) / of_question
            cosines[self._worded] = np.add.reduceat(common**2, self._word_starts)
            cosines /= length * self._lengths
        return vectors, whole, shares, cosines


def confidence(vectors: float, whole: float, words: float) -> float:
    """How sure it is that an entry answers, from the measures of the two texts."""
    return 1 / (1 + math.exp(-(BIAS + sum(a * b for a, b in zip(FEATURES, (vectors, whole, words), strict=True)))))


def _grams(text: str) -> NDArray[np.int64]:
    return np.unique(ngram_bins(fold(text)))
