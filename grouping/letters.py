"""Puts the scores of pairs right by their letters, where n-grams alone can't tell.

Short texts are compared by what they name and say (`grouping.short_texts`). Longer ones are looked at for different
roads, estates, schools and the like in their headlines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grouping.names import Names, names_in, told_apart
from grouping.short_texts import may_be_short, read, same_matter
from grouping.vectors import fold, own_words

NEAR = 0.1
"""Score from which a pair is looked at."""

MOST = 12
"""Pairs looked at for one text, those with the highest scores first."""

UNREAD = 0.3
"""Score of a pair of short texts, at most, that was not looked at."""

LIKELY = 0.2
"""Score from which the headlines of longer texts are looked at."""

TOLD_APART = 0.3
"""By what the score of two texts is multiplied whose headlines name different spots."""


class Letters(NamedTuple):
    """What is remembered of a text's letters: its title or first sentence, the letters of its body, whether the title
    is its own, and the day it was published on, counted from 1970."""

    title: str
    body: str
    titled: bool
    day: float


def put_right(
    one: Letters, numbers: Sequence[int], letters: Callable[[int], Letters], scores: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The scores of a text with those of these numbers, changed in place."""
    if not (one.titled or may_be_short(one.title, one.body)):
        return scores
    near = np.flatnonzero(scores >= NEAR)
    if len(near) > MOST:
        near = near[np.argsort(-scores[near], kind="stable")]
        if may_be_short(one.title, one.body):
            scores[near[MOST:]] = np.minimum(scores[near[MOST:]], UNREAD)
    for place in near[:MOST].tolist():
        scores[place] = _score(one, letters(numbers[place]), float(scores[place]))
    return scores


def _score(one: Letters, other: Letters, score: float) -> float:
    if may_be_short(one.title, one.body) and may_be_short(other.title, other.body):
        mine, theirs = read(one.title, one.body, one.titled), read(other.title, other.body, other.titled)
        if mine is not None and theirs is not None:
            return same_matter(mine, theirs, score, abs(one.day - other.day))
    if one.titled and other.titled and score >= LIKELY:
        names, there = _names(one.title), _names(other.title)
        if names and there and told_apart(names, there, one.body, other.body):
            return TOLD_APART * score
    return score


@lru_cache(maxsize=4_096)
def _names(title: str) -> Names:
    return names_in(fold(own_words(title)))
