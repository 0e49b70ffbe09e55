"""Texts as tensors of token ids, gathered and masked on the device that learns.

A GPU would wait for the processor if batches were made there: the whole corpus lies on the device, and a batch is a few
gathers. On a processor the same code does the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from classifiers.encoder.characters import CLS, LENGTH, MASK, PAD, PAIRS, SEP, SPECIAL, UNK

MASKED = 0.2
SPANS = (0.4, 0.35, 0.25)
"""Shares of masked runs of one, two and three characters: words, mostly."""
MASKED_CODES = 0.5
"""Emoji codes are masked more often: to guess [怒] or [哈哈] from the words is half of judging the mood."""
BLOCK = 20_000
"""Texts that are sorted by length together, so that a batch's texts are about as long as each other."""
STEP = 8
"""Batches are padded to a multiple of so many tokens: a device then meets few shapes."""
EVEN_STEP, LEAST = 32, 64
"""The same on a GPU, where each shape is compiled for, and the shortest one."""


def pairs(ids: torch.Tensor) -> torch.Tensor:
    """What `classifiers.encoder.characters.pairs` gives, computed on the device of `ids`."""
    left = torch.zeros_like(ids)
    left[:, 1:] = ids[:, :-1]
    # The same 64-bit arithmetic: products wrap, and a shift to the right of a signed number is cut to what it keeps.
    hashed = (left * _signed(0x9E3779B97F4A7C15)) ^ (ids * _signed(0xC2B2AE3D27D4EB4F))
    hashed = (hashed ^ ((hashed >> 32) & 0xFFFFFFFF)) * _signed(0xBF58476D1CE4E5B9)
    bins = ((hashed >> 40) & 0xFFFFFF) % (PAIRS - 1) + 1
    plain = (ids > MASK) | (ids == UNK)
    good = plain.clone()
    good[:, 1:] &= plain[:, :-1]
    good[:, 0] = False
    return torch.where(good, bins, 0)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


class Corpus:
    """All texts of a corpus on one device.

    Parameters
    ----------
    ids:
        Token ids of all texts, one after the other, without special tokens.
    starts:
        Where each text begins, and the end: one more than there are texts.
    """

    def __init__(self, ids: np.ndarray, starts: np.ndarray, device: torch.device) -> None:
        self.device = device
        self._ids = torch.from_numpy(ids.astype(np.int32)).to(device)
        self._starts = torch.from_numpy(starts.astype(np.int64)).to(device)
        self._lengths = np.diff(starts)

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def tokens(self) -> int:
        """How many there are, without special ones."""
        return int(self._lengths.sum())

    def batches(self, random: np.random.Generator, size: int) -> Iterator[torch.Tensor]:
        """Endless batches of at most about `size` tokens, of shape (texts, length), with special tokens."""
        if self.device.type == "cuda":
            yield from self._even(random, size)
        while True:
            order = random.permutation(len(self))
            for block in np.array_split(order, max(1, len(order) // BLOCK)):
                by_length = block[np.argsort(self._lengths[block], kind="stable")]
                longest = self._lengths[by_length] + 2
                cuts, first = [], 0
                while first < len(by_length):
                    padded = longest[first:] * np.arange(1, len(longest) - first + 1)
                    count = max(1, int(np.searchsorted(padded, size, side="right")))
                    cuts.append(by_length[first : first + count])
                    first += count
                for place in random.permutation(len(cuts)):
                    yield self.gather(cuts[place])

    def _even(self, random: np.random.Generator, size: int) -> Iterator[torch.Tensor]:
        """As `batches`, in very few shapes, so that what is compiled for one can be used again; what does not fill a
        batch waits for the next epoch."""
        padded = np.maximum(LEAST, -(-(self._lengths + 2) // EVEN_STEP) * EVEN_STEP)
        while True:
            cuts: list[np.ndarray] = []
            for longest in np.unique(padded):
                own = random.permutation(np.flatnonzero(padded == longest))
                count = size // int(longest)
                cuts += [own[first : first + count] for first in range(0, len(own) - count + 1, count)]
            for place in random.permutation(len(cuts)):
                yield self.gather(cuts[place], to=int(padded[cuts[place][0]]))

    def gather(self, chosen: np.ndarray, most: int = 1 << 30, to: int = 0) -> torch.Tensor:
        """Texts as [CLS] text [SEP] padded to one length, `to` where given, cut to at most `most` tokens, special ones
        included."""
        longest = min(most, int(self._lengths[chosen].max()) + 2)
        longest = to or min(most, -(-longest // STEP) * STEP)
        rows = torch.from_numpy(chosen).to(self.device)
        first = self._starts[rows].unsqueeze(1)
        length = (self._starts[rows + 1].unsqueeze(1) - first).clamp(max=longest - 2)
        place = torch.arange(longest, device=self.device).unsqueeze(0)
        inside = (place >= 1) & (place <= length)
        found = self._ids[torch.where(inside, first + place - 1, 0)].long()
        whole = torch.where(inside, found, PAD)
        whole = torch.where(place == length + 1, SEP, whole)
        return torch.where(place == 0, CLS, whole)

    def judged(self, random: np.random.Generator, size: int) -> Iterator[torch.Tensor]:
        """As `batches`, with the texts cut to the length that the heads read."""
        for batch in self.batches(random, size):
            yield batch[:, :LENGTH]


class Masked:
    """A batch with some tokens masked.

    Attributes
    ----------
    ids, pairs, mask:
        What the encoder is given, shape (texts, length).
    places:
        Flat positions of the masked tokens.
    answers:
        The tokens that stood there.
    """

    def __init__(self, whole: torch.Tensor, codes: int, common: int) -> None:
        """Mask runs of characters (80 %), replace them by any character (10 %), or leave them (10 %).

        Parameters
        ----------
        codes:
            Tokens below are special ones and emoji codes.
        common:
            Tokens below, from `codes` on, are drawn from to replace others.
        """
        open_to = whole >= len(SPECIAL)
        mean = sum((size + 1) * share for size, share in enumerate(SPANS))
        run = torch.rand(whole.shape, device=whole.device)
        begins = (torch.rand(whole.shape, device=whole.device) < MASKED / mean) & open_to
        chosen = begins.clone()
        chosen[:, 1:] |= begins[:, :-1] & (run[:, :-1] >= SPANS[0])
        chosen[:, 2:] |= begins[:, :-2] & (run[:, :-2] >= SPANS[0] + SPANS[1])
        chosen |= (whole < codes) & (torch.rand(whole.shape, device=whole.device) < MASKED_CODES)
        chosen &= open_to
        draw = torch.rand(whole.shape, device=whole.device)
        given = torch.where(chosen & (draw < 0.8), MASK, whole)
        other = torch.randint(codes, common, whole.shape, device=whole.device)
        self.ids = torch.where(chosen & (draw >= 0.8) & (draw < 0.9), other, given)
        self.pairs = pairs(self.ids)
        self.mask = (whole != PAD).long()
        self.places = torch.nonzero(chosen.flatten()).squeeze(1)
        self.answers = whole.flatten()[self.places]
