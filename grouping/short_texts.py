"""Whether a text and an event of few texts are about one matter, told by the places they name and what else they say.

The cosine of a few n-grams can't tell: the lamps of two roads share all but the roads' names, two troubles of one
estate little but its name, and one trouble told by two people not much more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from grouping.duplicates import letters_in
from grouping.names import Names, by_kind, find_names, in_one_place, may_name, told_apart, united
from grouping.vectors import fold, own_words, pair_rarities

LONGEST = 80
"""Letters up to which a text is short; of longer ones the headline or first sentence alone is read, for its names."""

PAIR = 4.0
"""Rarity from which two letters that follow one another say something of the matter."""

NOTHING, MUCH = 0.03, 0.1
"""Shares of what two texts say beside one place's name: below the first they have no more than the place in common;
from the second on they are about one matter."""

NOW = timedelta(hours=1)
"""So close in time a place in common is enough: something is happening there."""

LATELY = timedelta(days=14)
"""How long one place and something in common beside it make one matter."""

GROWN = 4
"""Texts from which an event is no longer left for having a place alone in common with a text."""

_COMMON = frozenset(
    "的一是不在有了人为我到市年这上个要下以们多大没生能请中公关地好家就工时来现部都问也于和政民理行还作出区县发可导开经门小"
)
"""Letters that say nothing of a matter."""

_ASKING = re.compile(
    r"什么时候|啥时候|多久|怎么(?:办|样)?|为什么|为何|何时|请问|咨询|建议|投诉|反映|举报|求助|能不能|能否|是不是|有没有"
    r"|到底|希望"
)
"""What people ask with, which says nothing of the matter either."""

_MEASURE = re.compile(r"新规|新政|政策|规定|取消|涨价|限[行购]|禁[止令]|免费|一刀切|改革")
"""What an outcry is about that is no single place's."""


class Reading(NamedTuple):
    """A text by its letters.

    Attributes
    ----------
    names:
        The places that it names.
    said:
        The letters and pairs of letters beside them that say something of the matter; empty for a long text, and for
        one that names no place.
    measure:
        Whether it speaks of a measure.
    """

    names: Names
    said: frozenset[str]
    measure: bool


_NO_PLACE = Reading({}, frozenset(), False)


@lru_cache(maxsize=4_096)
def read(title: str, body: str) -> Reading:
    """Read a text from what is remembered of it: its title or first sentence, and its body's letters."""
    short = len(body) <= LONGEST
    if not (may_name(title) or (short and may_name(body))):
        return _NO_PLACE  # most texts; sooner said than when they are folded
    folded = fold(own_words(title))
    whole = f"{folded}\n{body.removeprefix(letters_in(folded))}" if short else folded
    whole = _ASKING.sub(lambda asking: " " * len(asking.group()), whole)
    rare = pair_rarities(whole)
    found = find_names(whole, rare)
    if not found:
        return _NO_PLACE
    said: set[str] = set()
    if short:
        letters = {letter for letter in whole if letter.isalnum()} - _COMMON
        said = letters | {whole[place : place + 2] for place, rarity in enumerate(rare) if rarity >= PAIR}
        for name in found:
            for place in range(name.start, name.end):
                said -= {whole[place], whole[place : place + 2]}
    return Reading(by_kind(found), frozenset(said), _MEASURE.search(whole) is not None)


def elsewhere(texts: Sequence[Reading], others: Sequence[Reading]) -> bool:
    """Whether these texts, a short one among them, speak of other places than those do, and not of one measure."""
    if not any(one.said for one in texts):
        return False
    if any(one.measure for one in texts) and any(one.measure for one in others):
        return False
    return told_apart(united(one.names for one in texts), united(one.names for one in others))


def fit(text: Reading, event: Sequence[Reading], score: float, asked: float, gap: timedelta) -> float:
    """The score of a text with an event's latest texts, put right by what both say beside one place's name.

    Parameters
    ----------
    asked:
        Score from which the text joins.
    gap:
        How far in time it is from the event.
    """
    shares = [share for other in event if (share := _beside(text, other)) is not None]
    if not shares:
        return score
    if score >= asked:
        nothing = len(shares) == len(event) < GROWN and max(shares) < NOTHING
        return 0.0 if nothing and gap > NOW else score
    told = 2 * sum(share >= MUCH for share in shares) >= len(event) and gap <= LATELY
    return asked if told and not elsewhere([text], event) else score


def _beside(one: Reading, other: Reading) -> float | None:
    """Of two short texts that name one place: the share that they have in common of what the shorter says beside it."""
    if not (one.said and other.said and in_one_place(one.names, other.names)):
        return None
    return len(one.said & other.said) / min(len(one.said), len(other.said))
