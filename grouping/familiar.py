"""Which n-grams recent texts had: one that stands once in a long text and in no text before says nothing of its matter.

Such n-grams are most of a long text; without them two texts about one matter look alike by what they are about.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from grouping.vectors import BINS

GENERATION = 5_000
"""Texts after which what the generation before them had is forgotten: known is what the last 5,000 to 10,000 had."""


class Familiar:
    """The n-grams of the latest texts, in two generations of one bit a bin."""

    def __init__(self) -> None:
        self.texts = 0
        self.changed = False
        self._young = np.zeros(BINS, np.bool_)
        self._old = np.zeros(BINS, np.bool_)

    def meet(self, bins: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of a text's n-grams were known; all of them are from now on."""
        known = self._young[bins] | self._old[bins]
        self._young[bins] = True
        self.texts += 1
        self.changed = True
        if self.texts == GENERATION:
            self.texts, self._old, self._young = 0, self._young, np.zeros(BINS, np.bool_)
        return known

    def pack(self) -> tuple[bytes, bytes]:
        """Both generations, the young one first, as `unpack` reads them; up to 130 kB each."""
        young, old = (zlib.compress(np.packbits(part).tobytes(), 1) for part in (self._young, self._old))
        return young, old

    def unpack(self, texts: int, young: bytes, old: bytes) -> None:
        """Take over what was packed."""
        self.texts = texts
        self._young, self._old = (
            np.unpackbits(np.frombuffer(zlib.decompress(part), np.uint8)).astype(np.bool_) for part in (young, old)
        )
