"""Character n-grams as numbers, for whole batches at once. Training and run time share this one implementation.

Every text becomes a sparse vector over its 1- to 3-grams of characters. The n-grams are hashed with numpy over the
code points of the concatenated batch, since a Python loop over characters costs more than all the rest of a stage.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifiers.model import Text
from minsheng.character_map import CharacterMap
from minsheng.code_points import code_points

BITS = 21
"""An n-gram is one of 2**BITS buckets."""

HEAD, TAIL = 600, 200
"""Of a long text the first and the last characters are read: opinions stand there, and speed does not depend on it."""

EMOJI = str.maketrans(
    {
        **dict.fromkeys("👍👌", "[赞]"),
        **dict.fromkeys("👏🎉", "[鼓掌]"),
        **dict.fromkeys("❤💕💖💗🥰", "[心]"),
        **dict.fromkeys("💔😞😔", "[伤心]"),
        **dict.fromkeys("😡😠🤬😤", "[怒]"),
        **dict.fromkeys("😭😢😥", "[泪]"),
        **dict.fromkeys("😂🤣", "[笑cry]"),
        **dict.fromkeys("😀😃😄😁😆", "[哈哈]"),
        **dict.fromkeys("😊☺", "[可爱]"),
        **dict.fromkeys("😱😨😰", "[吃惊]"),
        **dict.fromkeys("🙄", "[白眼]"),
        **dict.fromkeys("🤢🤮", "[吐]"),
        **dict.fromkeys("👎", "[弱]"),
        **dict.fromkeys("🙂", "[微笑]"),
        **dict.fromkeys("💪", "[加油]"),
        **dict.fromkeys("🙏", "[作揖]"),
    }
)
"""Emoji as the emoticons of the posts that the model learns from, which hold none."""

_EMOJI = re.compile(f"[{''.join(map(chr, EMOJI))}]")
_SPACE = re.compile(r"\s+")
_MULTIPLIERS = tuple(np.uint64(m) for m in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_SHIFT = np.uint64(64 - BITS)
_FOLD = np.uint64(32)


class Counts(NamedTuple):
    """Bucket counts of a batch in compressed rows: text `i` has `buckets[starts[i]:starts[i + 1]]`, ascending.

    `starts` has one entry more than there are texts; a text without characters has an empty row.
    """

    starts: NDArray[np.int64]
    buckets: NDArray[np.int64]
    counts: NDArray[np.float32]


def emoticons(text: str) -> str:
    """The text with its emoji as emoticons. Looking for one first spares most texts the slow translation."""
    return text.translate(EMOJI) if _EMOJI.search(text) else text


@CharacterMap
def lowered(text: str) -> str:
    """NFKC and lower case, emoji as emoticons."""
    return unicodedata.normalize("NFKC", emoticons(text)).lower()


def reading(text: Text) -> str:
    """The characters that are read of a text: the title, then head and tail, folded (NFKC, lower case, one space)."""
    body = text.text if len(text.text) <= HEAD + TAIL else f"{text.text[:HEAD]}\n{text.text[-TAIL:]}"
    whole = f"{text.title[:TAIL]}\n{body}" if text.title else body
    return _SPACE.sub(" ", lowered(whole)).strip()


def count_ngrams(readings: Sequence[str]) -> Counts:
    """Hash and count the 1- to 3-grams of every text; none spans two texts. Lone surrogates are characters too."""
    lengths = np.fromiter((len(text) for text in readings), dtype=np.int64, count=len(readings))
    points = code_points("".join(readings)).astype(np.uint64)
    owner = np.repeat(np.arange(len(readings), dtype=np.int64), lengths)
    keys = []
    rolled = np.zeros(len(points), dtype=np.uint64)
    for length, multiplier in enumerate(_MULTIPLIERS, start=1):
        end = len(points) - length + 1
        if end <= 0:
            break
        rolled = (rolled[:end] ^ points[length - 1 :]) * multiplier
        # The low bits of a product depend on the low bits of its factors alone: fold the high half into them.
        rolled ^= rolled >> _FOLD
        buckets = ((rolled * _MULTIPLIERS[0]) >> _SHIFT).astype(np.int64)
        within = owner[:end] == owner[length - 1 :]
        keys.append((owner[:end] << BITS | buckets)[within])
    sorted_keys = np.sort(np.concatenate(keys)) if keys else np.empty(0, dtype=np.int64)
    first = np.flatnonzero(np.diff(sorted_keys, prepend=-1))
    unique = sorted_keys[first]
    counts = np.diff(np.append(first, len(sorted_keys))).astype(np.float32)
    starts = np.searchsorted(unique >> BITS, np.arange(len(readings) + 1))
    return Counts(starts.astype(np.int64), unique & ((1 << BITS) - 1), counts)
