"""Units as the tokens that both engines index.

Text written without spaces is indexed as the pair that starts at each character; the last character of a run stands
alone. So each character has exactly one token at its place: a word is a phrase of pairs, which are rare enough to be
found quickly, and a single character is a prefix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from search import analysis


class Asked(NamedTuple):
    """The tokens of a word or phrase, that must stand one after the other; `open`: the last one is a prefix."""

    tokens: list[str]
    open: bool


def of_text(text: str) -> str:
    """What is indexed for a text: its tokens with spaces between them."""
    return " ".join(_pairs(analysis.fold(text)))


def of_phrase(text: str) -> Asked:
    """What is looked for. The text must hold something to look for, see `search.query.pruned`."""
    units = analysis.phrase(text)
    tokens = _pairs(units)
    if not analysis.unspaced(units[-1]):
        return Asked(tokens, open=False)
    if len(units) > 1 and analysis.unspaced(units[-2]):
        return Asked(tokens[:-1], open=False)  # the last pair holds the last character already
    return Asked(tokens, open=True)


def _pairs(units: Iterable[str]) -> list[str]:
    tokens = []
    before = ""  # the character before, where the unit before is one
    for unit in units:
        if analysis.unspaced(unit):
            if before:
                tokens.append(before + unit)
            before = unit
        else:
            if before:
                tokens.append(before)
                before = ""
            tokens.append(unit)
    if before:
        tokens.append(before)
    return tokens
