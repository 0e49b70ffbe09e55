"""Texts to batches of token ids: cut, sorted by length, padded to fixed lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.encoder.characters import LENGTH, PAD, cut, normalise, pairs
from classifiers.model import Text

READ, READ_AT_END = 600, 100
"""Characters of a text that are looked at: its start and its end. Not all of them become tokens; see `cut`."""

STEP = 8
"""Lengths are padded to a multiple of this. Which one depends on the text alone, so that it is computed the same way in
any company."""

TOKENS = 1_024
"""Most tokens of a batch: the activations of more leave the processor's cache, and take memory."""


class Batch(NamedTuple):
    """`places` of the texts in the sequence they came in; `ids`, `pairs`, `mask` of shape (texts, length)."""

    places: list[int]
    ids: NDArray[np.int64]
    pairs: NDArray[np.int64]
    mask: NDArray[np.int32]


def token_ids(tokenizer: Tokenizer, texts: Sequence[Text]) -> list[list[int]]:
    """The tokens of each text, special ones included, at most `LENGTH`."""
    titles = tokenizer.encode_batch_fast([normalise(text.title[:200]) for text in texts])
    bodies = tokenizer.encode_batch_fast([normalise(_ends(text.text)) for text in texts])
    return [cut(title.ids, body.ids) for title, body in zip(titles, bodies, strict=True)]


def batches(rows: Sequence[list[int]]) -> Iterator[Batch]:
    """All rows, those of the same padded length together."""
    of_length: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        of_length.setdefault(min(LENGTH, -(-len(row) // STEP) * STEP), []).append(place)
    for length, places in sorted(of_length.items()):
        most = TOKENS // length
        for start in range(0, len(places), most):
            yield _padded(rows, places[start : start + most], length)


def _padded(rows: Sequence[list[int]], places: list[int], length: int) -> Batch:
    ids = np.full((len(places), length), PAD, np.int64)
    for line, place in zip(ids, places, strict=True):
        line[: len(rows[place])] = rows[place]
    return Batch(places, ids, pairs(ids), (ids != PAD).astype(np.int32))


def _ends(text: str) -> str:
    return text if len(text) <= READ else text[: READ - READ_AT_END] + text[-READ_AT_END:]
