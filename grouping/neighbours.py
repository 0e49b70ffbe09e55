"""Nearest earlier documents, at a cost that does not grow with their number.

The last `capacity` vectors are kept in a ring. Each is listed under its heaviest n-grams; a query looks at the latest
entries of its own heaviest n-grams, and computes the exact cosine with those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grouping.joining import HEAD_SIZE, Headline, features, promising, same_matter
from grouping.vectors import BINS, SIZE, Vector

KEYS = 16
"""Heaviest n-grams that a vector is listed under."""

LOOK = 0.1
"""Score at a first look from which two texts are compared letter for letter. Below it are one in a hundred pairs of one
matter, and the trees have learned from few such pairs."""

LATEST = 32
"""Entries looked at under each n-gram."""


class Near(NamedTuple):
    """Candidates: their numbers and their cosines (what they are about), in the same order."""

    numbers: list[int]
    cosines: npt.NDArray[np.float32]


class Text(NamedTuple):
    """What a text is compared by: its vector, its headline (None for a post, which has none) and the day it was
    published on, counted from 1970, with the time of day as its fraction."""

    vector: Vector
    headline: Headline | None
    day: float


class Neighbours:
    """A ring of vectors, numbered 0, 1, 2, ... in the order they are added.

    Parameters
    ----------
    capacity:
        How many are kept; the oldest goes when one more comes. About 600 bytes each.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.next = 0
        self._bins = np.zeros((min(capacity, 1024), SIZE), np.int32)
        self._weights = np.zeros((min(capacity, 1024), SIZE), np.float32)
        self._head_bins = np.zeros((min(capacity, 1024), HEAD_SIZE), np.int32)
        self._head_shares = np.zeros((min(capacity, 1024), HEAD_SIZE), np.float32)
        self._titled = np.zeros(min(capacity, 1024), np.bool_)
        self._days = np.zeros(min(capacity, 1024))
        self._listed: dict[int, list[int]] = {}
        self._query = np.zeros(BINS, np.float32)
        self._head = np.zeros(BINS, np.float32)

    @property
    def oldest(self) -> int:
        """The lowest number still kept."""
        return max(0, self.next - self.capacity)

    def add(self, text: Text) -> int:
        """Keep the text. Returns its number."""
        vector = text.vector
        number = self.next
        self.next += 1
        slot = number % self.capacity
        if slot >= len(self._bins):
            self._grow()
        size = vector.bins.size
        self._bins[slot, :size] = vector.bins
        self._weights[slot, :size] = vector.weights
        self._weights[slot, size:] = 0
        self._titled[slot] = text.headline is not None
        self._days[slot] = text.day
        self._head_shares[slot] = 0
        if text.headline is not None:
            size = text.headline.bins.size
            self._head_bins[slot, :size] = text.headline.bins
            self._head_shares[slot, :size] = text.headline.shares
        for key in vector.bins[:KEYS].tolist():
            listed = self._listed.setdefault(key, [])
            if len(listed) == 2 * LATEST:
                del listed[:LATEST]  # never looked at again
            listed.append(number)
        return number

    def nearest(self, vector: Vector, also: list[int] | None = None) -> Near:
        """Candidates for `vector`, in order of their numbers.

        Parameters
        ----------
        also:
            Numbers to compare with in any case; ones no longer kept are passed over.
        """
        oldest = self.oldest
        found: set[int] = {number for number in also or () if number >= oldest}
        for key in vector.bins[:KEYS].tolist():
            found.update(self._listed.get(key, ())[-LATEST:])
        numbers = sorted(number for number in found if number >= oldest)
        if not numbers:
            return Near([], np.empty(0, np.float32))
        slots = np.array(numbers) % self.capacity
        self._query[vector.bins] = vector.weights
        cosines = (self._query[self._bins[slots]] * self._weights[slots]).sum(axis=1)
        self._query[vector.bins] = 0
        return Near(numbers, cosines)

    def kept(self, number: int) -> Text:
        """The text of this number, which is still kept."""
        slot = number % self.capacity
        used = int(np.count_nonzero(self._weights[slot]))
        headline = None
        if self._titled[slot]:
            size = int(np.count_nonzero(self._head_shares[slot]))
            headline = Headline(self._head_bins[slot, :size], self._head_shares[slot, :size])
        return Text(Vector(self._bins[slot, :used], self._weights[slot, :used]), headline, float(self._days[slot]))

    def scores(
        self, text: Text, numbers: list[int], common: Callable[[int], list[float]] | None = None
    ) -> npt.NDArray[np.float64]:
        """How sure it is that `text` and each of these, all still kept, are about the same matter, 0 to 1.

        Where both have headlines this is a learned probability; otherwise twice their cosine, which means about the
        same around a half.

        Parameters
        ----------
        common:
            What the text has in common with the one of a number, letter for letter (`grouping.wording.common`). None:
            a first look without that.
        """
        slots = np.array(numbers) % self.capacity
        bins, weights = self._bins[slots], self._weights[slots]
        self._query[text.vector.bins] = text.vector.weights
        cosines = (self._query[bins] * weights).sum(axis=1)
        scores = np.minimum(1.0, 2 * cosines.astype(np.float64))
        if text.headline is not None:
            self._head[text.headline.bins] = text.headline.shares
            forth = (self._head[bins] * (weights > 0)).sum(axis=1)
            self._head[text.headline.bins] = 0
            back = ((self._query[self._head_bins[slots]] > 0) * self._head_shares[slots]).sum(axis=1)
            rows = features(cosines, self._days[slots] - text.day, forth, back)
            scores = np.where(self._titled[slots], promising(rows), scores)
            if common is not None and (close := np.flatnonzero(self._titled[slots] & (scores >= LOOK))).size:
                closely = np.array([common(numbers[place]) for place in close])
                scores[close] = same_matter(np.concatenate([rows[close], closely], axis=1))
        self._query[text.vector.bins] = 0
        return scores

    def most_typical(self, numbers: list[int]) -> int | None:
        """The one of these, all still kept, whose cosines with the others are highest; None of an empty list."""
        if not numbers:
            return None
        slots = np.array(numbers) % self.capacity
        bins, weights = self._bins[slots], self._weights[slots]
        closeness = []
        for own_bins, own_weights in zip(bins, weights, strict=True):
            self._query[own_bins] = own_weights
            closeness.append(float((self._query[bins] * weights).sum()))
            self._query[own_bins] = 0
        return numbers[int(np.argmax(closeness))]

    def _grow(self) -> None:
        size = min(self.capacity, 2 * len(self._bins))
        for name in ("_bins", "_weights", "_head_bins", "_head_shares", "_titled", "_days"):
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
