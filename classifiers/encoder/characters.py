"""Characters as the encoder reads them: the vocabulary's ids, and hashed pairs of neighbours.

Training and run time share this module, so both read the same.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.features import lowered

PAIRS = 1 << 15
"""Bins of the hashed pairs; bin 0 means no pair."""

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[USER]", "[URL]")
PAD, UNK, CLS, SEP, MASK = range(5)

_URL = re.compile(r"https?://[\w./?=&%#\-]+|O?网页链接")
_USER = re.compile(r"@[\w\-\u4e00-\u9fff]{1,30}")
_SPACE = re.compile(r"\s+")
_REPEAT = re.compile(r"(.)\1{3,}")


def normalise(text: str) -> str:
    """One form for what means the same: NFKC, lower case, links and names as one sign each, long runs cut to three."""
    plain = text.encode("utf-8", "ignore").decode("utf-8")
    text = _USER.sub("[USER]", _URL.sub("[URL]", lowered(plain)))
    return _REPEAT.sub(r"\1\1\1", _SPACE.sub(" ", text)).strip()


def pairs(ids: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """For each position the bin of the pair (left neighbour, itself); 0 beside special tokens.

    Parameters
    ----------
    ids:
        Token ids, shape (texts, length).
    """
    current = ids.astype(np.uint64)
    left = np.zeros_like(current)
    left[:, 1:] = current[:, :-1]
    hashed = (left * np.uint64(0x9E3779B97F4A7C15)) ^ (current * np.uint64(0xC2B2AE3D27D4EB4F))
    hashed = (hashed ^ (hashed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    bins = (hashed >> np.uint64(40)).astype(np.int64) % (PAIRS - 1) + 1
    plain = (ids > MASK) | (ids == UNK)
    good = plain.copy()
    good[:, 1:] &= plain[:, :-1]
    good[:, 0] = False
    return np.where(good, bins, 0)


LENGTH = 96
"""Most tokens of a text, special ones included."""

TAIL = 24
"""Of these, how many are read at a long text's end."""


def cut(title: list[int], text: list[int]) -> list[int]:
    """Title and text as one sequence: [CLS] title [SEP] text [SEP]; of a long text its head and its tail.

    Parameters
    ----------
    title, text:
        Token ids without special ones. Either may be empty.
    """
    start = [CLS, *title[: LENGTH // 2], SEP] if title else [CLS]
    room = LENGTH - len(start) - 1
    if len(text) > room:
        text = [*text[: room - TAIL], *text[-TAIL:]]
    return [*start, *text, SEP]
