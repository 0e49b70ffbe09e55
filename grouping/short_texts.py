"""Whether two short texts are about one matter, told by their letters: what they name, and what they say beside it.

The cosine of a few n-grams can't tell: 中山路路灯坏了 and 解放路路灯坏了 share all but the name, 阳光里停气 told by two
people little but the name. So it is looked at which of the words in common are a name, and what in both stands in the
same place.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from classifiers.places import places_in
from grouping.duplicates import letters_in
from grouping.names import LONGEST as LONGEST_NAME
from grouping.names import OWNERS, WIDE, Names, is_one, names_in
from grouping.vectors import fold, letter_rarity, own_words, pair_rarities

LONGEST = 80
"""Letters up to which a text is short."""

CONTRARY = -1.0
"""The score of two texts that name different things, or fill other things into one form."""

TOGETHER, UNLIKELY = 0.6, 0.3
"""Scores of texts with a name and something beside it in common, at least; and with nothing beside it, at most."""

LETTER, PAIR = 2.0, 4.0
"""Rarities from which a letter, and two that follow one another, say something of the matter."""

NAME, NAME_GOES_ON = 8.0, 5.5
"""Rarities of two letters in common from which they are taken for a name that has no ending to tell it by, and from
which the next letter belongs to it too."""

NAME_LETTERS = 4.5
"""What the rarities of these two letters by themselves come to, from which they are no words that happen to meet."""

FRAME = 0.55
"""Share of the shorter text that both have in runs, from which they are one form filled in twice."""

FILLED = 6
"""Letters at most that are filled in at one place."""

FILLED_LETTER, FILLED_PAIR = 1.5, 3.0
"""Rarities from which a letter, and two that follow one another, are something that is filled in."""

SOON, LATELY = 1.0 / 48, 30.0
"""Days within which two texts are of one moment; and after which a name in common says no more than n-grams do."""

HINT = 0.2
"""What n-grams alone must give, without a name in common; half of it within `SOON`."""

BESIDE, BESIDE_A_RUN = 0.02, 0.1
"""Share of the words in common, beside the name, from which two texts with a name in common are one matter; and
where it is taken for one."""

MUCH, BURST = 0.3, 0.18
"""The same for texts without a name in common, on one day and within `SOON`: twice as much a day later."""

_ASKING = re.compile(
    r"什么时候|啥时候|多久|怎么(?:办|样)?|为什么|为何|何时|请问|咨询|建议|投诉|反映|举报|求助|能不能|能否|是不是|有没有"
    r"|到底|希望"
)
"""What people ask with, which says nothing of the matter."""


class Short(NamedTuple):
    """A short text as it is compared.

    Attributes
    ----------
    letters:
        All of them, folded, without what separates.
    pairs:
        Each two of them that follow one another.
    words, weight:
        The letters and pairs that say something of the matter with how rare they are, and what these come to.
    names:
        The named things in it.
    whole:
        The folded text with what separates, as far as that is remembered.
    """

    letters: str
    pairs: frozenset[str]
    words: dict[str, float]
    weight: float
    names: Names
    whole: str


def may_be_short(title: str, body: str) -> bool:
    """False for a text that `read` makes nothing of, sooner than it says so. A text that hangs on a hashtag is none of
    them: the hashtag says more of its matter than its letters do."""
    return len(body) <= LONGEST and "#" not in title


@lru_cache(maxsize=2_048)
def read(title: str, body: str, titled: bool) -> Short | None:
    """Read a text from what is remembered of it: its title or first sentence, and its body's letters. None where it is
    not short."""
    if not may_be_short(title, body):
        return None
    folded = fold(own_words(title))
    head = letters_in(folded)
    if body.startswith(head):
        letters, whole = body, f"{folded}\n{body[len(head) :]}"
    elif titled or not body:
        letters, whole = head + body, f"{folded}\n{body}"
    else:
        letters = whole = body
    if not 2 <= len(letters) <= LONGEST:
        return None
    rare = letter_rarity()
    rarities = pair_rarities(whole)
    said = _ASKING.sub(lambda asking: " " * len(asking.group()), whole)
    words = {letter: weight for letter in said if (weight := rare.get(letter, 0.0)) >= LETTER}
    for place, weight in enumerate(rarities):
        if weight >= PAIR and " " not in (word := said[place : place + 2]):
            words[word] = weight
    pairs = frozenset(map("".join, pairwise(letters)))
    return Short(letters, pairs, words, sum(words.values()), names_in(whole, rarities), whole)


def same_matter(one: Short, other: Short, usual: float, days: float) -> float:
    """A score from 0 to 1 that two short texts, `days` apart, are about one matter; `CONTRARY` where they can't be.

    Parameters
    ----------
    usual:
        The score that their n-grams alone give.
    """
    shared, kinds, contrary = _named(one, other)
    if contrary > kinds:
        return CONTRARY
    if usual < (HINT / 2 if days <= SOON else HINT) and not shared:
        return usual
    if (contrary or not (kinds or _in_one_township(one.names, other.names))) and _one_form(one, other, days):
        return CONTRARY
    common = {word: weight for word, weight in one.words.items() if word in other.words}
    named = set("".join(shared)) or _rare_run(one.letters, other.letters, common)
    beside = sum(weight for word, weight in common.items() if named.isdisjoint(word))
    share = beside / max(1.0, min(one.weight, other.weight))
    if share < BESIDE and (kinds < 2 or OWNERS.isdisjoint((*one.names, *other.names))):
        return min(usual, UNLIKELY)
    if days > LATELY:
        score = usual
    elif shared or (named and share >= BESIDE_A_RUN):
        score = max(usual, TOGETHER + (1 - TOGETHER) * min(1.0, share))
    else:
        score = min(usual, 0.5 * share / (BURST if days <= SOON else MUCH * (1 + min(1.0, days))))
    return CONTRARY if score > UNLIKELY and _in_other_regions(one.whole, other.whole) else score


def _in_other_regions(one: str, other: str) -> bool:
    """Whether both name divisions, and none of the one's lies in one of the other's."""
    mine, theirs = _regions(one), _regions(other)
    return bool(mine and theirs) and not any(
        here.startswith(there) or there.startswith(here) for here in mine for there in theirs
    )


@lru_cache(maxsize=2_048)
def _regions(folded: str) -> tuple[str, ...]:
    """The divisions named, each as the names of those it lies in from the province down, and its own."""
    return tuple("/".join(place.path) for place in places_in("", folded))


def _named(one: Short, other: Short) -> tuple[list[str], int, int]:
    """The names that both have, with their endings, of how many kinds, and of how many kinds they name different ones
    alone."""
    shared, kinds, contrary = [], 0, 0
    for kind in one.names.keys() & other.names.keys():
        mine, theirs = one.names[kind], other.names[kind]
        both = [
            name + mine[name] + theirs[there]
            for name in sorted(mine)
            for there in sorted(theirs)
            if is_one(name, there)
        ]
        contrary += not both
        if kind not in WIDE:
            shared += both
            kinds += bool(both)
    mentioned = _mentioned(one, other) + _mentioned(other, one)
    return shared + mentioned, kinds + bool(mentioned), contrary


def _mentioned(one: Short, other: Short) -> list[str]:
    """The names of the one that the other has without an ending that tells: 阳光里小区, 阳光里."""
    named = {name for names in other.names.values() for name in names}
    return [
        name + ending
        for kind, names in one.names.items()
        if kind not in WIDE and kind not in other.names
        for name, ending in names.items()
        if len(name) > 1 and name not in named and name in other.letters
    ]


def _in_one_township(one: Names, other: Names) -> bool:
    return any(is_one(mine, theirs) for mine in one.get("township", ()) for theirs in other.get("township", ()))


def _one_form(one: Short, other: Short, days: float) -> bool:
    """Whether both are one form with something else filled in."""
    shorter = min(len(one.letters), len(other.letters))
    if len(one.pairs & other.pairs) < 0.5 * FRAME * shorter:
        return False  # sooner said than by runs
    return _filled_in(one.letters, other.letters, days >= 1)


@lru_cache(maxsize=4_096)
def _filled_in(one: str, other: str, anywhere: bool) -> bool:
    matched = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    blocks = [block for block in matched if block.size != 1]
    frame = sum(block.size for block in blocks)
    if frame < FRAME * min(len(one), len(other)):
        return False
    left = right = passed = 0
    for start, there, size in blocks:
        # What is spoken of stands before most of the form; what is said of it in the end may differ within a day.
        if (anywhere or 2 * passed <= frame) and _differ(one[left:start], other[right:there]):
            return True
        passed += size
        left, right = start + size, there + size
    return False


def _differ(one: str, other: str) -> bool:
    """Whether both say something, and something else."""
    if not (0 < len(one) <= FILLED and 0 < len(other) <= FILLED) or is_one(one, other):
        return False
    return _says(one) and _says(other)


def _says(text: str) -> bool:
    rare = letter_rarity()
    return (
        any(rare.get(letter, LETTER) >= FILLED_LETTER for letter in text)
        or max(pair_rarities(text), default=0.0) >= FILLED_PAIR
    )


def _rare_run(one: str, other: str, common: dict[str, float]) -> set[str]:
    """The letters of the rarest run in common, where it is rare enough for a name; empty otherwise."""
    rare = letter_rarity()
    pairs = {
        word: weight
        for word, weight in common.items()
        if len(word) == 2 and sum(rare.get(letter, NAME) for letter in word) >= NAME_LETTERS
    }
    rarest = max(pairs, key=lambda pair: (pairs[pair], pair), default="")
    start = one.find(rarest)
    if start < 0 or pairs.get(rarest, 0.0) < NAME:
        return set()
    end = start + 2
    while end < len(one) and end - start < LONGEST_NAME and pairs.get(one[end - 1 : end + 1], 0.0) >= NAME_GOES_ON:
        end += 1
    while start and end - start < LONGEST_NAME and pairs.get(one[start - 1 : start + 1], 0.0) >= NAME_GOES_ON:
        start -= 1
    return set(one[start:end])
