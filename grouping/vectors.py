"""Texts as sparse vectors of character n-grams, weighted by how rare each is in ordinary Chinese.

A vector keeps the `SIZE` heaviest n-grams of two and three characters. The weights' background (document frequencies
of hashed n-grams, no text) is made by `training/background.py` and shipped as `background.npz`.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minsheng.character_map import CharacterMap
from minsheng.code_points import code_points
from minsheng.traditional import simplified

BINS = 1 << 20
"""Hash bins of the n-grams."""

SIZE = 48
"""Kept n-grams a text."""

HEAD, TAIL = 500, 100
"""Characters read of a text's start and end: what a matter is about stands there."""

_CHAIN = re.compile(r"(?://|\\\\)@[^:：]{1,40}[:：].*", re.DOTALL)
_NOISE = re.compile(
    r"http://\S+|https://\S+|HTTP://\S+|HTTPS://\S+|Http://\S+|Https://\S+"
    r"|回复\s*@[\w\-]{1,30}[:：]?|回覆\s*@[\w\-]{1,30}[:：]?|@[\w\-]{1,30}|\[[^\[\]\s]{1,8}\]"
    r"|O网页链接|o网页链接|网页链接|转发微博|原文转发"
)
"""Each alternative begins with a letter as it is, so that the engine steps over all others: four times as fast."""
_VIDEO = re.compile(r"(?:[Ll]|(?<=\s))[\w\-]{1,20}的(?:微博|秒拍)视频")
_CAPTION = re.compile(
    r"(?:转发?|微博|快转|帮转|求转发?|请转发?|转起来?|转走|转需|转载|扩散|求扩散|请扩散|分享|收藏|围观|关注|看看|马住?|码住?|顶|轮"
    r"|mark|repost|forward|re)+",
    re.IGNORECASE,
)


class Vector(NamedTuple):
    """What documents are compared by.

    `bins` (int32) and `weights` (float32): a unit vector in `BINS` dimensions, heaviest first, at most `SIZE`; says
    what the document is about. Whether two are the same text is told by `grouping.duplicates`.
    """

    bins: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]


@lru_cache(maxsize=4)  # grouping one document asks for the same words several times
def own_words(text: str) -> str:
    """The text without the reposted chain (`//@name: ...`), links, @names and emoji codes.

    A repost that adds nothing, or only 转发 or 扩散, says what the chain says.
    """
    own = _CHAIN.sub("", text)
    if len(own) < len(text):
        said = "".join(filter(str.isalnum, _without_noise("", fold(own))))
        if not said or _CAPTION.fullmatch(said):
            own = text[len(own) :]
    return " ".join(_without_noise(" ", own).split())


def _without_noise(instead: str, text: str) -> str:
    if "视频" in text:
        text = _VIDEO.sub(instead, text)
    return _NOISE.sub(instead, text)


@lru_cache(maxsize=4)
def fold(text: str) -> str:
    """One form for what reads the same: NFKC, lower case, simplified characters."""
    return _folded(text)


@CharacterMap
def _folded(text: str) -> str:
    return simplified(unicodedata.normalize("NFKC", text).lower())


def vectorise(
    title: str, text: str, known: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]] | None = None
) -> Vector:
    """The vector of a document. Its title counts double; texts are read at their head and tail.

    Parameters
    ----------
    known:
        Says which n-grams are known from other texts, as `grouping.familiar.Familiar.meet` does: others that stand once
        in the text and not in its title are left out. None: all count.

    Returns
    -------
    A vector with no entries where there is nothing to go by.
    """
    body = fold(own_words(text[: 4 * HEAD] if len(text) <= 4 * HEAD else text[: 2 * HEAD] + text[-2 * TAIL :]))
    if len(body) > HEAD + TAIL:
        body = body[:HEAD] + "\n" + body[-TAIL:]
    head = fold(own_words(title))
    of_body = ngram_bins(body)
    of_head = ngram_bins(head)
    grams = np.concatenate([of_head, of_head, of_body])
    if grams.size == 0:
        return Vector(np.empty(0, np.int32), np.empty(0, np.float32))
    bins, counts = np.unique(grams, return_counts=True)
    weights = np.sqrt(counts, dtype=np.float32) * rarity()[bins]
    if known is not None:
        counting = known(bins) | (counts > 1)
        bins, weights = bins[counting], weights[counting]
    # By weight, then by bin, so that ties fall the same way everywhere.
    order = np.lexsort((bins, -weights))[:SIZE]
    bins, weights = bins[order], weights[order]
    norm = float(np.sqrt(np.dot(weights, weights)))
    return Vector(bins.astype(np.int32), (weights / max(norm, 1e-6)).astype(np.float32))


@lru_cache(maxsize=1)
def rarity() -> npt.NDArray[np.float32]:
    """Inverse document frequency of each bin, shape (`BINS`,)."""
    with resources.files("grouping").joinpath("background.npz").open("rb") as file, np.load(file) as data:
        levels, total = data["levels"], float(data["documents"])
    frequency = np.exp2(levels.astype(np.float32) / 8) - 1
    return np.log((total + 1) / (frequency + 1)).astype(np.float32)


def commonness(word: str) -> float:
    """The share of ordinary texts that hold a folded word, at most: that of its rarest pair or triple of letters."""
    bins = ngram_bins(word)
    return float(np.exp(-rarity()[bins].max())) if bins.size else 1.0


def rarest_pair(text: str) -> float:
    """How rare the rarest two letters that follow one another in a folded text are; 0 where there are none."""
    points = code_points(text).astype(np.uint64)
    letter = _is_letter(points)
    bins = _bin(_pairs(points)[letter[:-1] & letter[1:]])
    return float(rarity()[bins].max()) if bins.size else 0.0


def pair_rarities(text: str) -> list[float]:
    """How rare each two letters that follow one another in a folded text are, by the place of the first; 0 where one of
    them is no letter."""
    if len(text) < 2:
        return []
    points = code_points(text).astype(np.uint64)
    letter = _is_letter(points)
    rare = np.where(letter[:-1] & letter[1:], rarity()[_bin(_pairs(points))], 0.0)
    found: list[float] = rare.tolist()
    return found


def ngram_bins(text: str) -> npt.NDArray[np.int64]:
    """Hashed bins of the 2- and 3-grams that contain no separator; punctuation and spaces separate."""
    if len(text) < 2:
        return np.empty(0, np.int64)
    points = code_points(text).astype(np.uint64)
    letter = _is_letter(points)
    pairs = _pairs(points)
    good = letter[:-1] & letter[1:]
    found = [_bin(pairs[good])]
    if len(text) > 2:
        triples = (pairs[:-1] * np.uint64(0x165667B19E3779F9)) ^ (points[2:] * np.uint64(0x27D4EB2F165667C5))
        found.append(_bin(triples[good[:-1] & letter[2:]]))
    return np.concatenate(found)


def _pairs(points: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return (points[:-1] * np.uint64(0x9E3779B97F4A7C15)) ^ (points[1:] * np.uint64(0xC2B2AE3D27D4EB4F))


def _is_letter(points: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    return _letters()[points]


@lru_cache(maxsize=1)
def _letters() -> npt.NDArray[np.bool_]:
    """Of every code point whether it is a Han character, a Latin letter or a digit; folding has made the rest of them
    look like these."""
    found = np.zeros(sys.maxunicode + 1, np.bool_)
    for first, last in ((0x30, 0x39), (0x61, 0x7A), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x3FFFF)):
        found[first : last + 1] = True
    return found


def _bin(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    mixed = hashes ^ (hashes >> np.uint64(29))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(44)).astype(np.int64)
