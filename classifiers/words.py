"""Where words end: the likeliest reading of Chinese text as words, from how often each word is written.

Enough to tell whether a short name stands in a text or only its characters do (双减 in 双减速器), and which words a
title is made of. The words are those of `words.txt.gz` (made by `training/lexicon.py`).
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from math import log
from pathlib import Path

FILE = Path(__file__).with_name("words.txt.gz")

LONGEST = 5
"""Characters of the longest word in the list."""

NAME_BONUS = 4.0
"""By how much (in nats) a policy's short name is likelier than its characters by chance: e^4, 55 times.

So readings with a word across its end win where that word is common (双/减速器, 阶梯/水/价格), and lose where it is
rarer than the name with what follows (双减/速度, not 双/减速/度).
"""

WINDOW = 6
"""Characters read on each side of a name."""


class Lexicon:
    """Words with their costs: the negative logarithm (in nats) of each word's share of all written words.

    Examples
    --------
    >>> words = lexicon()
    >>> words.split("城乡居民基本养老保险")
    ['城乡居民', '基本', '养老保险']
    >>> words.stands_alone("这台双减速器", 2, 4), words.stands_alone("双减让孩子轻松了", 0, 2)
    (False, True)
    """

    def __init__(self, counts: dict[str, int]) -> None:
        total = log(sum(counts.values()))
        of_count = {count: total - log(max(count, 1)) for count in set(counts.values())}
        self._costs = {word: of_count[count] for word, count in counts.items()}
        self._unknown = total

    def cost(self, word: str) -> float:
        """The rarer, the more; an unknown word costs what its characters do."""
        found = self._costs.get(word)
        return found if found is not None else self._unknown if len(word) == 1 else self._best(word)[0]

    def knows(self, word: str) -> bool:
        """Whether it is a word of the list."""
        return len(word) > 1 and word in self._costs

    def split(self, text: str) -> list[str]:
        """The likeliest words of a text."""
        steps = self._best(text)[1]
        words, end = [], len(text)
        while end:
            words.append(text[steps[end] : end])
            end = steps[end]
        return words[::-1]

    def stands_alone(self, text: str, start: int, end: int) -> bool:
        """Whether the likeliest reading has a name at `start` to `end`, rather than a word across one of its ends."""
        left, right = max(0, start - WINDOW), end + WINDOW
        window = text[left:right]
        name = window[start - left : end - left]
        costs, steps = self._best(window)
        if self._has_ends(steps, len(window), start - left, end - left):
            return True
        inside = self._best(name)[0] - NAME_BONUS
        return self._best(text[left:start])[0] + inside + self._best(text[end:right])[0] <= costs

    def _best(self, text: str) -> tuple[float, list[int]]:
        """The cost of the likeliest reading, and for each end of a word where that word begins."""
        costs, steps = [0.0], [0]
        for end in range(1, len(text) + 1):
            best, step = costs[end - 1] + self._costs.get(text[end - 1], self._unknown), end - 1
            for start in range(max(0, end - LONGEST), end - 1):
                word = self._costs.get(text[start:end])
                if word is not None and costs[start] + word < best:
                    best, step = costs[start] + word, start
            costs.append(best)
            steps.append(step)
        return costs[-1], steps

    @staticmethod
    def _has_ends(steps: list[int], end: int, *wanted: int) -> bool:
        ends = {0}
        while end:
            ends.add(end)
            end = steps[end]
        return ends.issuperset(wanted)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped list; read at first use (0.4 s, 52 MB)."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        pairs = (line.split() for line in lines if not line.startswith("#"))
        return Lexicon({word: int(count) for word, count in pairs})
