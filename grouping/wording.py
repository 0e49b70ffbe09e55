"""What two texts with headlines have in common, letter for letter: rare n-grams, and what the one's headline repeats of
the other."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grouping.duplicates import letters_in
from grouping.vectors import fold, ngram_bins, own_words, rarity

READ = 600
"""Letters of a body that are looked at."""

RUN = 2
"""Letters of the shortest run that counts as repeated."""


class Wording(NamedTuple):
    """The letters of a headline, and of it and the body; and the distinct n-grams of both, ascending."""

    headline: str
    whole: str
    headline_bins: npt.NDArray[np.int64]
    bins: npt.NDArray[np.int64]


@lru_cache(maxsize=4_096)  # about 6 kB each
def wording(title: str, letters: str) -> Wording:
    """Read a text from what is remembered of it: its title, and its body's letters."""
    headline = letters_in(fold(own_words(title)))
    whole = f"{headline}\n{letters.removeprefix(headline)[:READ]}"
    return Wording(headline, whole, np.unique(ngram_bins(headline)), np.unique(ngram_bins(whole)))


def common(one: Wording, other: Wording) -> list[float]:
    """Of the n-grams that both have, how rare the rarest one is, the rarest 5 and the rarest 20 on the mean (missing
    ones as 0), and the rarest 5 that both headlines have; the longest run of letters of a headline that stands in the
    other text, and the share of a headline that long runs make up, each as the larger and the smaller of the two
    directions. The order of the two makes no difference."""
    shared = _rarest(one.bins, other.bins)
    of_headlines = _rarest(one.headline_bins, other.headline_bins)
    forth, back = _repeated(one.headline, other.whole), _repeated(other.headline, one.whole)
    return [
        float(shared[:1].sum()),
        float(shared[:5].sum()) / 5,
        float(shared[:20].sum()) / 20,
        float(of_headlines[:5].sum()) / 5,
        max(forth[0], back[0]),
        min(forth[0], back[0]),
        max(forth[1], back[1]),
        min(forth[1], back[1]),
    ]


def _rarest(bins: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """How rare the n-grams are that stand in both, the rarest first."""
    both = rarity()[np.intersect1d(bins, others, assume_unique=True)]
    return np.sort(both)[::-1]


def _repeated(headline: str, text: str) -> tuple[float, float]:
    """The longest run of the headline that stands in the text, in letters, and the squares of all runs' lengths, found
    from its start on, by the headline's length."""
    longest = squares = start = 0
    while start < len(headline):
        length = 0
        while start + length < len(headline) and headline[start : start + length + 1] in text:
            length += 1
        if length >= RUN:
            squares += length * length
            longest = max(longest, length)
        start += max(length, 1)
    return float(longest), squares / max(len(headline), 1)
