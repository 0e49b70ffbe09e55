"""Folding of text by a table: all characters are looked up at once, in a third of the time of Unicode's normal forms.

Every stage of the road folds every document. Normalising Chinese is slow because its commas are full-width: no text is
in the form already, so all of it is taken apart and put together again.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache, update_wrapper

import numpy as np

from minsheng.code_points import code_points

_UNMET, _DROPPED, _ODD = 0, -1, -2
_VOWELS_AND_FINALS = (range(0x1161, 0x1176), range(0x11A8, 0x11C3))
"""Of Hangul's letters those that join the one before; they are put together by rule and stand in no table."""


class CharacterMap:
    """Does what `fold` does, sooner.

    Texts with a character that becomes several, or that Unicode's forms may join with its neighbours, are given to
    `fold` itself. What becomes of a character is asked once.

    Parameters
    ----------
    fold:
        Folds a text character by character, but for what Unicode's normal forms and `str.lower` do to neighbours.

    Examples
    --------
    >>> lower = CharacterMap(lambda text: unicodedata.normalize("NFKC", text).lower())
    >>> lower("ＡＢ，医保①㎡")
    'ab,医保1m2'
    """

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold
        update_wrapper(self, fold)  # so that its name and docstring are those of what it stands for
        # Zeros that nobody has looked at take no memory: of the 4 MB, what the texts need.
        self._table = np.zeros(sys.maxunicode + 1, np.int32)

    def __call__(self, text: str) -> str:
        points = code_points(text)
        found = self._table[points]
        least = found.min(initial=1)
        if least == _UNMET or (least < 0 and (found == _UNMET).any()):
            for point in set(points[found == _UNMET].tolist()):
                self._table[point] = self._one(chr(point))
            found = self._table[points]
            least = found.min(initial=1)
        if least == _ODD:
            return self._fold(text)
        if least == _DROPPED:
            found = found[found != _DROPPED]
        return found.astype("<i4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")

    def _one(self, character: str) -> int:
        """What becomes of one character, as its code point."""
        normal = unicodedata.normalize("NFKC", character)
        # The capital sigma has two small ones, of which its neighbours tell which it is.
        if any(unicodedata.combining(one) or one == "Σ" or one in _joining() for one in normal):
            return _ODD
        folded = self._fold(character)
        if not folded:
            return _DROPPED
        return _ODD if len(folded) > 1 or folded == "\0" else ord(folded)


@lru_cache(maxsize=1)
def _joining() -> frozenset[str]:
    """The characters that Unicode's composed forms may join with the one before."""
    parts = (unicodedata.decomposition(chr(point)).split() for point in range(0x20000))
    second = {chr(int(pair[1], 16)) for pair in parts if len(pair) == 2 and not pair[0].startswith("<")}
    return frozenset(second).union(*(map(chr, letters) for letters in _VOWELS_AND_FINALS))
