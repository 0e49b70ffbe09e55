"""Near duplicates: whether a text has been published before with small changes, at a cost that does not grow.

Candidates come from an index of MinHash bands; what decides is a comparison of the texts themselves. Copies change at
the edges (headline, byline, lead-in, ending), lose or move paragraphs and swap a word here and there. A form filled in
again (the daily bulletin, the weather warning, the petition with another estate's name) is as alike by any count of
n-grams; it differs in what stands at the same place between the same words: other numbers, other names.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grouping.vectors import fold, own_words, rarest_pair
from minsheng.code_points import code_points

LONGEST = 1500
"""Letters of a body that are compared."""

SHORTEST = 10
"""Letters from which equal texts are one text posted again; "支持" twice is two people."""

SHORT = 40
"""Letters below which a body alone can't tell, so that the title is read with it."""

MUCH, LITTLE = 0.8, 0.5
"""Share of the shorter and of the longer of two texts that the other must have."""

MUCH_OF_SHORT, LITTLE_OF_SHORT = 0.9, 0.75
"""The same for texts below `SHORT`."""

RARE, RARE_NAME = 5.0, 2.5
"""Rarity (see `grouping.vectors.rarity`) from which a swapped pair of letters is a name and no turn of phrase;
and before what names stand before."""

BANDS, ROWS = 16, 2
"""Bands of the index and hashes in each: two texts that share a share `s` of their n-grams meet in one with
1 - (1 - s**ROWS)**BANDS, that is .99 at a half and .15 at a tenth."""

BUCKET = 2
"""Latest texts kept under each band's hash."""

CANDIDATES = 8
"""Texts compared in full, those met in most bands first."""

THROUGHOUT = 2
"""Times that one letter stands in the place of the same other one, from which it is no slip."""

SAMPLE = 16
"""Runs looked for before two texts are compared in full."""

_HASHTAG = re.compile(r"#[^#\n]{1,40}#")
_WITHIN_NUMBER = re.compile(r"^[\d.]+|[\d.]+$")
_NUMBER = re.compile(
    r"\d+(?:\.\d+)?|[二三四五六七八九十百千万亿两零〇]+(?=[几多余来]?[个名人例起元年月日时点分天次户家栋幢号楼岁亿万度级座辆件所条项页])"
)
_ORDINAL = re.compile(r"[一二三四五六七八九十百零〇\d]+")
_LEVEL = re.compile(r"[红橙黄蓝]色?")
"""The levels of a warning: a red one is no copy of the orange one."""
_STATE = re.compile(r"解除|取消|撤销|终止|终结|结束|中止|暂停|暂缓|推迟|延期|恢复|升级|降级|上调|下调")
"""What becomes of a warning, a plan, a price."""
_RUMOUR = re.compile(r"辟谣|谣言|谣传|不实(?:信息|消息|传言|传闻|言论|内容)|均?不属实|纯属(?:虚构|捏造|谣)|假消息")
"""A text that says so is no copy of the text that it speaks of, though it quotes it whole."""
_BYLINE = re.compile(
    r"本报|记者|通讯员|报道|来源|编辑|责编|转载|转自|消息|[日社网]讯|[日社]电|原标题|作者|发布|综合|校对|审核"
    r"|via|日报|晚报|快报|新闻|视频|融媒|广播|电视|[快头]条|在线"
    r"|书记|[省市县区局厅镇]长|主任|领导|父母官"
)
"""What names the outlet, its people, or whom a petition is addressed to: they change from copy to copy."""
_LETTERS = re.compile(r"[^\W_]+(?:\.\d+)*")
_KEY = re.compile(r"[a-z0-9]+")
_NAMED = re.compile(
    r"小区|花园|街道|公司|集团|社区|[中小大]学|学校|学院|医院|广场|大厦|[镇村乡路市县省区局厂店站桥街苑栋州]"
)
"""What a name stands before."""
_AFFIRMED = {"有", "是", "能", "可", "要", "会", "已", "属实"}
_DENIAL = re.compile(r"不(?![断仅但同少久光只论管禁])|没(?!错)|未(?!来)|无(?![论线锡疑奈比])|非(?![常但洲])|否(?!则)")


def body_of(title: str, text: str) -> str:
    """The letters that a document is compared by; empty where there are too few to tell.

    Hashtags don't count: two people under one hashtag have said nothing in common.
    """
    letters = letters_in(_HASHTAG.sub(" ", own_words(fold(text[: 4 * LONGEST]))))
    if len(letters) < SHORT and title:
        letters = letters_in(fold(title)) + letters
    return letters[:LONGEST] if len(letters) >= SHORTEST else ""


def letters_in(folded: str) -> str:
    """A folded text without what separates."""
    return "".join(_LETTERS.findall(folded))


class Swap(NamedTuple):
    """What stands at the same place in two texts, either may be empty, between the same letters; and whether the place
    is the start or the end of both."""

    head: str
    one: str
    other: str
    tail: str
    edge: bool = False


class Comparison(NamedTuple):
    """How two texts relate: the share of each that the other has, and what was put in the place of what."""

    shorter: float
    longer: float
    swapped: list[Swap]


def compare(one: str, other: str, *, much: float = 0.0, little: float = 0.0) -> Comparison:
    """Compare two bodies by the runs of letters that both have, wherever they stand.

    Parameters
    ----------
    much, little:
        Shares of the shorter and the longer body below which it isn't looked at what was swapped.
    """
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    size = 4 if len(short) < SHORT else 5
    in_short, in_long = _covered(short, long, size), _covered(long, short, size)
    shorter, longer = sum(in_short) / max(1, len(short)), sum(in_long) / max(1, len(long))
    alike_enough = shorter >= much and longer >= little
    return Comparison(shorter, longer, _swapped(short, in_short, long, in_long) if alike_enough else [])


def _covered(text: str, other: str, size: int) -> bytearray:
    """For each letter, 1 where it is part of a run of `size` letters that the other text has too."""
    runs = {other[place : place + size] for place in range(len(other) - size + 1)}
    covered = bytearray(len(text))
    mark = b"\x01" * size
    for place in range(len(text) - size + 1):
        if text[place : place + size] in runs:
            covered[place : place + size] = mark
    return covered


def _gaps(text: str, covered: bytearray) -> list[tuple[str, str, str]]:
    """The runs that the other text lacks, each with the letters before and after it."""
    found = []
    end = 0
    while (start := covered.find(0, end)) >= 0:
        end = covered.find(1, start)
        if end < 0:
            end = len(text)
        found.append((text[max(0, start - 3) : start], text[start:end], text[end : end + 3]))
    return found


def _swapped(one: str, in_one: bytearray, other: str, in_other: bytearray) -> list[Swap]:
    """What stands in the two texts between the same letters, and the few letters that stand in one alone. Longer ones
    that stand in one alone were added or dropped: they say nothing else."""
    there = {(head, tail): gap for head, gap, tail in _gaps(other, in_other)}
    found = []
    for head, gap, tail in _gaps(one, in_one):
        partner = there.pop((head, tail), "")
        if max(len(gap), len(partner)) <= 3 * min(len(gap), len(partner)) + 4:
            found += _finer(gap, partner, head, tail)
    found += [Swap(head, "", gap, tail) for (head, tail), gap in there.items() if len(gap) <= 4]
    return found


def _finer(one: str, other: str, head: str, tail: str) -> list[Swap]:
    """The swaps within two runs, which may have letters in common; a single one is chance."""
    swaps = []
    left = right = 0
    before = head
    for start, there, size in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        if size == 1:
            continue
        if start > left or there > right:
            edge = (left == 0 and not head) or (size == 0 and not tail)
            follows = one[start : start + size] or tail
            swaps.append(Swap(before, one[left:start], other[right:there], follows, edge))
        left, right, before = start + size, there + size, one[start : start + size]
    return swaps


def is_other_fact(swap: Swap) -> bool:
    """Whether what was put in the place of the other says something else: another number, another name, a denial."""
    head, one, other, tail, edge = swap
    within = _WITHIN_NUMBER.search(head), _WITHIN_NUMBER.match(tail)
    if one and other and _BYLINE.search(one) and _BYLINE.search(other):
        return False
    before, after = within[0].group() if within[0] else "", within[1].group() if within[1] else tail[:1]
    numbers, there = (Counter(_NUMBER.findall(before + part + after)) for part in (one, other))
    whole = (one and other) or (one + other).isdigit()
    if whole and numbers != there and (not edge or (numbers and there)):
        return True
    if edge and (max(len(one), len(other)) > 10 or not _name_in_each(one, other, tail)):
        return False  # another lead-in or ending
    if _denies(one, other):
        return True
    if not one or not other:
        return False
    if _KEY.fullmatch(one) and _KEY.fullmatch(other):
        return True
    if _another_state(swap):
        return True
    if sorted(one) == sorted(other) or _shortens(one, other):
        return False  # a slip; 发改委 for 发展和改革委员会
    if len(one) == len(other) == 1 and _NAMED.match(tail, 1):
        one, other, tail = one + tail[0], other + tail[0], tail[1:]  # 天悦小区, 金悦小区
    return min(rarest_pair(one), rarest_pair(other)) >= (RARE_NAME if _NAMED.match(tail) else RARE)


def _another_state(swap: Swap) -> bool:
    """Whether another level, another course of things, or another one of a series (第三中学, 第五中学) is named."""
    head, one, other = swap[:3]
    if _LEVEL.fullmatch(one) and _LEVEL.fullmatch(other):
        return True
    if head.endswith("第") and _ORDINAL.match(one) and _ORDINAL.match(other):
        return True
    return set(_STATE.findall(one)) != set(_STATE.findall(other))


def _replaced_throughout(swapped: list[Swap]) -> bool:
    """Whether one letter was put in the place of the same other one again and again: 暴雪 for each 暴雨 in a form."""
    counted = Counter((swap.one, swap.other) for swap in swapped if len(swap.one) == len(swap.other) == 1)
    return any(count >= THROUGHOUT for count in counted.values())


def _shortens(one: str, other: str) -> bool:
    """Whether one of the two is the other with letters left out."""
    short, long = sorted((one, other), key=len)
    letters = iter(long)
    return len(short) >= 2 and all(letter in letters for letter in short)


def _name_in_each(one: str, other: str, tail: str) -> bool:
    """Whether both hold what follows names (望江路, 东风路), or stand before it."""
    return bool(one and other) and bool(_NAMED.match(tail) or (_NAMED.search(one, 2) and _NAMED.search(other, 2)))


def _denies(one: str, other: str) -> bool:
    """Whether one of the two is the other's denial: 不 or 没有 put in, 有 turned into 无."""
    said, denied = (one, other) if _DENIAL.search(other) else (other, one)
    if _DENIAL.search(said) or not _DENIAL.search(denied):
        return False
    return len(denied) <= 2 and (not said or said in _AFFIRMED)


def alike(one: str, other: str) -> float | None:
    """The share of the shorter body that the other has, where one is a copy of the other; None where it is not."""
    if not _worth_comparing(one, other):
        return None
    short = min(len(one), len(other)) < SHORT
    much, little = (MUCH_OF_SHORT, LITTLE_OF_SHORT) if short else (MUCH, LITTLE)
    found = compare(one, other, much=much, little=little)
    if found.shorter < much or found.longer < little:
        return None
    if any(map(is_other_fact, found.swapped)) or _replaced_throughout(found.swapped):
        return None
    if bool(_RUMOUR.search(one)) != bool(_RUMOUR.search(other)):
        return None
    return found.shorter


Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16]]


def _worth_comparing(one: str, other: str) -> bool:
    """Whether a quarter of a few runs of the shorter body, taken evenly, stand in the longer; of a copy, most do."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    places = range(0, len(short) - 3, max(1, len(short) // SAMPLE))
    return 4 * sum(short[place : place + 4] in long for place in places) >= len(places)


class Copies:
    """The bodies remembered, numbered 0, 1, 2, ... in the order they are added, and an index to find copies by.

    The index is a table of fixed size: under each band's hash the latest `BUCKET` texts, the oldest giving way. So a
    look-up costs the same however many are kept, and what is found depends on the latest `capacity` texts alone.

    Parameters
    ----------
    capacity:
        How many are kept; the oldest goes when one more comes. About 200 bytes each beside the letters.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.next = 0
        self._letters: dict[int, str] = {}
        buckets = 1 << max(4, (capacity - 1).bit_length())
        self._mask = np.uint64(buckets - 1)
        self._last: tuple[str, Places] = ("", (np.empty(0, np.int64), np.empty(0, np.uint16)))
        # Untouched pages of these take no memory.
        self._numbers = np.zeros((BANDS, buckets, BUCKET), np.uint32)
        self._tags = np.zeros((BANDS, buckets, BUCKET), np.uint16)

    def add(self, letters: str) -> int:
        """Keep a body, which may be empty. Returns its number."""
        number = self.next
        self.next += 1
        self._letters.pop(number - self.capacity, None)
        if letters:
            self._letters[number] = letters
            places, tags = self._places(letters)
            self._numbers[_BAND, places, 1:] = self._numbers[_BAND, places, :-1]
            self._tags[_BAND, places, 1:] = self._tags[_BAND, places, :-1]
            self._numbers[_BAND, places, 0] = number + 1  # 0 is an empty entry
            self._tags[_BAND, places, 0] = tags
        return number

    def letters(self, number: int) -> str:
        """The body of this number, which is still kept; may be empty."""
        return self._letters.get(number, "")

    def find(self, letters: str) -> list[tuple[int, float]]:
        """The numbers of the kept bodies that `letters` is a copy of, and how much of the shorter is in the other;
        the most alike first."""
        if not letters:
            return []
        found = [
            (number, share)
            for number in self._candidates(letters)
            if (share := alike(letters, self._letters[number])) is not None
        ]
        return sorted(found, key=lambda one: (-one[1], one[0]))

    def _candidates(self, letters: str) -> list[int]:
        places, tags = self._places(letters)
        met = self._numbers[_BAND, places][self._tags[_BAND, places] == tags[:, None]]
        counted = Counter((met.astype(np.int64) - 1).tolist())
        kept = [(-count, -number) for number, count in counted.items() if number in self._letters]
        return [-number for _, number in sorted(kept)[:CANDIDATES]]

    def _places(self, letters: str) -> Places:
        """The bucket of each band, and a tag that tells apart the hashes that share a bucket."""
        if self._last[0] == letters:
            return self._last[1]  # a body that was looked for is often added next
        smallest = _smallest(letters).reshape(BANDS, ROWS)
        mixed = smallest[:, 0] * np.uint64(0x9E3779B97F4A7C15)
        for row in range(1, ROWS):
            mixed = (mixed ^ (mixed >> np.uint64(32)) ^ smallest[:, row]) * np.uint64(0xC2B2AE3D27D4EB4F)
        mixed ^= mixed >> np.uint64(29)
        tags = ((mixed >> np.uint64(40)) & np.uint64(0xFFFE)).astype(np.uint16) | np.uint16(1)
        places = (mixed & self._mask).astype(np.int64), tags
        self._last = letters, places
        return places


_BAND = np.arange(BANDS)
_FACTORS = np.random.default_rng(20260301).integers(1, 1 << 63, (BANDS * ROWS, 1), np.uint64) | np.uint64(1)


def _smallest(letters: str) -> npt.NDArray[np.uint64]:
    """MinHash of the 3-grams: the smallest value under each of `BANDS` x `ROWS` hashes (Broder, 1997)."""
    points = code_points(letters).astype(np.uint64)
    grams = points[:-2] * np.uint64(0x9E3779B97F4A7C15)
    grams ^= points[1:-1] * np.uint64(0xC2B2AE3D27D4EB4F)
    grams ^= points[2:] * np.uint64(0x165667B19E3779F9)
    grams ^= grams >> np.uint64(31)
    grams *= np.uint64(0xBF58476D1CE4E5B9)
    grams ^= grams >> np.uint64(29)
    smallest: npt.NDArray[np.uint64] = ((grams * _FACTORS) >> np.uint64(32)).min(axis=1)
    return smallest
