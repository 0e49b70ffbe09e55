"""Hot words: what is said now and was not said, or less, in the weeks before; words of no dictionary among them.

A candidate is a run of two to eight characters that comes again and again, holds together (its parts meet more often
than chance would have it) and stands free (different characters before and after it). How hot it is, is told by
Dunning's log-likelihood ratio (1993) of the documents that hold it now against those before, with a prior: what
ordinary Chinese holds of it (`grouping.vectors.rarity`) counts as `PRIOR` documents before. So a young installation
without weeks to look back on doesn't take ordinary words for hot ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import ahocorasick
import msgspec

from grouping.vectors import commonness, fold, own_words

LONGEST = 8
"""Units (characters; Latin words and numbers whole) of a word."""

READ = 2_000
"""Characters read of each text."""

PRIOR = 300
"""Documents that the prior counts as."""

COHESION = 0.3
"""Least normalised pointwise mutual information between the two parts of a word, wherever it is cut."""

FREE = 1.0
"""Least entropy, in bits, of the characters before a word and of those after it."""

PART = 0.6
"""A word found in a longer one this often, of all its documents, is a fragment of that one."""

SIGNIFICANT = 10.83
"""Least log-likelihood ratio: one in a thousand by chance."""

GROWTH = 2.0
"""Least growth of a word's share of the documents."""

_UNIT = re.compile(r"\n|[\u3400-\u9fff\U00020000-\U0003ffff]|[a-z][a-z0-9]*|\d+")
_CLAUSE = re.compile(r"[^\u3400-\u9fff\U00020000-\U0003ffffa-z0-9]+")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LOOSE = set(
    "的了着过吗呢吧啊呀么们地得是有和与及或在把被让给到从向对为以而且但却也都就还又再很太更最将要会能可没不未请我你他她它"
    "这那哪其之并等所个只说想去来做用于由因如若二两三四五六七八九十几每"
)
_LOOSE_START = _LOOSE | set("上下里中后前时年月日号点元次米已至")
_LOOSE_END = _LOOSE | set("里一希望您")
"""Characters that words seldom begin or end with: what does is a turn of phrase, not a matter."""

_EVERYWHERE = (
    "领导 您好 你好 谢谢 感谢 尊敬 问题 情况 现在 今天 昨天 明天 希望 请问 什么 怎么 没有 可以 因为 所以 "
    "但是 如果 已经 还是 就是 一个 有关 相关 部门 反映 解决 处理 回复 投诉 咨询 建议 请求 关于 转发 微博 "
    "视频 网页 链接 全文 用户 先生 女士 市民 网友 书记 市长 局长 各位 此致 敬礼 进行 表示 "
)
_STOP = frozenset(_EVERYWHERE.split())
"""What every message to a government and every post may hold."""


class HotWord(msgspec.Struct, frozen=True, kw_only=True):
    """A hot word.

    Attributes
    ----------
    documents:
        How many hold it now, each group of copies once.
    before:
        How many of those before did.
    growth:
        Its share of the documents now, over its share before as the prior has it.
    score:
        The log-likelihood ratio.
    """

    word: str
    documents: int
    before: int
    growth: float
    score: float


def hot_words(now: Sequence[str], before: Iterable[str], *, limit: int = 20) -> list[HotWord]:
    """The hot words of `now` against `before`, hottest first.

    Parameters
    ----------
    now:
        The texts to look into; copies once, or all that a copy says is hot.
    before:
        Texts of the weeks before. May be empty.
    """
    units = _Units()
    texts = [units.encoded(text) for text in now]
    before = list(before)
    counts, documents = _runs(texts, _fewest(len(texts), len(before) + PRIOR))
    total = sum(count for run, count in counts.items() if len(run) == 1)
    words = {
        units.decoded(run): (run, held)
        for run, held in documents.items()
        if _is_word(units.decoded(run)) and _cohesion(run, counts, total) >= COHESION
    }
    held_before, texts_before = _documents_with(words, before)
    hot: dict[str, HotWord] = {}
    for word, (run, held) in words.items():
        share, seen = held / len(now), held_before[word] / max(1, texts_before)
        if share < GROWTH * seen:
            continue
        # The prior may say that a word is more common than was seen, never that it is less.
        usually = held_before[word] + PRIOR * max(commonness(word), seen)
        usual = usually / (texts_before + PRIOR)
        ratio = _likelihood_ratio(held, len(now), usually, texts_before + PRIOR)
        if share >= GROWTH * usual and ratio >= SIGNIFICANT:
            growth, score = round(share / usual, 1), round(ratio, 1)
            hot[run] = HotWord(
                word=word, documents=held, before=held_before[word], growth=growth, score=score
            )  # fmt: skip
    found = [hot[run] for run in _whole(_free(texts, hot), documents)]
    found.sort(key=lambda one: (-one.score, -len(one.word), one.word))
    return _without_fragments(found)[:limit]


class _Units:
    """Texts as strings with one character a unit: Latin words and numbers become one private character each."""

    def __init__(self) -> None:
        self._private: dict[str, str] = {}
        self._plain: dict[str, str] = {}

    def encoded(self, text: str) -> str:
        """The text's clauses, each of them ended by a line feed."""
        return "".join(map(self._one, _UNIT.findall(_CLAUSE.sub("\n", _folded(text) + "\n"))))

    def _one(self, unit: str) -> str:
        if unit == "\n" or (len(unit) == 1 and not unit.isascii()):
            return unit
        if unit not in self._private:
            private = self._private[unit] = chr(0xF0000 + len(self._private) % 0x1FFFE)
            self._plain[private] = unit
        return self._private[unit]

    def decoded(self, run: str) -> str:
        return "".join(self._plain.get(unit, unit) for unit in run)


def _folded(text: str) -> str:
    return fold(own_words(text[: 2 * READ]))[:READ]


def _fewest(texts: int, before: float) -> int:
    """How many texts hold a word at least that is significant though none before did."""
    few, enough = 1, max(texts, 1)
    while few < enough:
        middle = (few + enough) // 2
        if _likelihood_ratio(middle, texts, 0, before) >= SIGNIFICANT:
            enough = middle
        else:
            few = middle + 1
    return few


def _runs(texts: list[str], fewest: int) -> tuple[Counter[str], Counter[str]]:
    """The frequent runs of up to `LONGEST` units: how often each stands there, and in how many texts, `fewest` at
    least."""
    least = max(fewest, 2 if len(texts) < 12 else max(3, len(texts) // 400))
    counts: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    del counts["\n"]
    starts = [[place for place in range(len(text) - 1) if "\n" not in text[place : place + 2]] for text in texts]
    for size in range(2, LONGEST + 1):
        seen: Counter[str] = Counter()
        holding: Counter[str] = Counter()
        for text, places in zip(texts, starts, strict=True):
            runs = [text[place : place + size] for place in places]
            seen.update(runs)
            holding.update(set(runs))
        kept = {run for run, held in holding.items() if held >= least}
        counts.update({run: seen[run] for run in kept})
        documents.update({run: holding[run] for run in kept})
        # A longer run can be frequent only where this one and the next are.
        alive = (
            [place for place in places if text[place : place + size] in kept]
            for text, places in zip(texts, starts, strict=True)
        )
        starts = [[one for one, other in pairwise(places) if other == one + 1] for places in alive]
    return counts, documents


def _is_word(run: str) -> bool:
    return (
        run not in _STOP
        and run[0] not in _LOOSE_START
        and run[-1] not in _LOOSE_END
        and not run[0].isdigit()
        and not run[-1].isdigit()
        and _HAN.search(run) is not None
    )


def _cohesion(run: str, counts: Counter[str], total: int) -> float:
    """The normalised pointwise mutual information of the two parts, at the cut where they hold together least."""
    share = counts[run] / total
    parts = max(counts[run[:cut]] * counts[run[cut:]] for cut in range(1, len(run)))
    return math.log(share * total * total / parts) / -math.log(share) if share < 1 else 1.0


def _free(texts: list[str], runs: Iterable[str]) -> list[str]:
    """Those with enough different neighbours on both sides; the ends of a clause are neighbours all different."""
    automaton = _automaton(runs)
    before: dict[str, Counter[str]] = defaultdict(Counter)
    after: dict[str, Counter[str]] = defaultdict(Counter)
    if automaton is None:
        return []
    for text in texts:
        bounded = f"\n{text}\n"
        for end, run in automaton.iter(bounded):
            before[run][bounded[end - len(run)]] += 1
            after[run][bounded[end + 1]] += 1
    return [run for run in sorted(before) if min(_entropy(before[run]), _entropy(after[run])) >= FREE]


def _automaton(words: Iterable[str]) -> Any:
    """What finds all of these words in a text at once; None where there are none."""
    automaton = ahocorasick.Automaton()
    for word in words:
        automaton.add_word(word, word)
    if not len(automaton):
        return None
    automaton.make_automaton()
    return automaton


def _entropy(neighbours: Counter[str]) -> float:
    total = neighbours.total()
    ends = neighbours["\n"]
    found = ends / total * math.log2(total) if ends else 0.0
    for unit, count in neighbours.items():
        if unit != "\n":
            found -= count / total * math.log2(count / total)
    return found


def _whole(runs: list[str], documents: Counter[str]) -> list[str]:
    """The runs that are not, most of the time, found inside one and the same longer one."""
    there, parts = set(runs), set()
    for run in runs:
        for size in range(2, len(run)):
            for place in range(len(run) - size + 1):
                part = run[place : place + size]
                if part in there and documents[run] >= PART * documents[part]:
                    parts.add(part)
    return [run for run in runs if run not in parts]


def _without_fragments(scored: list[HotWord]) -> list[HotWord]:
    """Of words that contain one another, the hotter one. Two that share most of their letters, side by side, too."""
    kept: list[HotWord] = []
    for one in scored:
        if not any(
            one.word in other.word or other.word in one.word or _overlap(one.word, other.word) for other in kept
        ):
            kept.append(one)
    return kept


def _overlap(one: str, other: str) -> bool:
    """Whether one ends as the other begins, with all but one letter of the shorter."""
    size = min(len(one), len(other)) - 1
    return size >= 2 and (one[-size:] == other[:size] or other[-size:] == one[:size])


def _documents_with(words: Iterable[str], texts: Iterable[str]) -> tuple[Counter[str], int]:
    """How many of the texts hold each word, and how many texts there are."""
    automaton = _automaton(words)
    held: Counter[str] = Counter()
    count = 0
    for text in texts:
        count += 1
        if automaton is not None:
            held.update({word for _, word in automaton.iter(_CLAUSE.sub("\n", _folded(text)))})
    return held, count


def _likelihood_ratio(now: float, of_now: float, before: float, of_before: float) -> float:
    """Dunning's G², for two shares."""
    share = (now + before) / (of_now + of_before)
    return 2 * (_term(now, of_now, share) + _term(before, of_before, share))


def _term(hits: float, tries: float, share: float) -> float:
    found = 0.0
    if hits > 0:
        found += hits * math.log(hits / (tries * share))
    if tries > hits:
        found += (tries - hits) * math.log((tries - hits) / (tries * (1 - share)))
    return found
