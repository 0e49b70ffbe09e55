"""Units as the tokens that both engines index.

Text written without spaces is indexed as the pair that starts at each character; the last character of a run stands
alone. So each character has exactly one token at its place: a word is a phrase of pairs, which are rare enough to be
found quickly, and a single character is a prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minsheng.records import Grouped
from search import analysis


class Asked(NamedTuple):
    """The tokens of a word or phrase, that must stand one after the other; `open`: the last one is a prefix."""

    tokens: list[str]
    open: bool


TOGETHER = 100_000
"""Characters that are looked at at once, at some 40 bytes each: a batch may hold hundreds of texts of megabytes."""


class Words(NamedTuple):
    """A record as tokens."""

    title: str
    text: str


def of_records(records: Sequence[Grouped]) -> list[Words]:
    """What is indexed for each, in order."""
    titles = of_texts([record.document.title for record in records])
    texts = of_texts([record.document.text for record in records])
    return list(map(Words, titles, texts))


def of_text(text: str) -> str:
    """What is indexed for a text: its tokens with spaces between them."""
    return " ".join(_pairs(analysis.fold(text)))


def of_texts(texts: Sequence[str]) -> list[str]:
    """What `of_text` gives of each; of many texts in half the time, as their characters are looked at at once."""
    found: list[str] = []
    for part in _parts(texts):
        kinds, points = analysis.characters(part)
        written = _written(kinds, points).split("\n")[:-1]
        found += [
            of_text(text) if is_odd else tokens.strip(" ")
            for text, tokens, is_odd in zip(part, written, _odd(kinds), strict=True)
        ]
    return found


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in pieces of `TOGETHER` characters, or of one text that is longer."""
    start = characters = 0
    for place, text in enumerate(texts):
        if place > start and characters + len(text) > TOGETHER:
            yield texts[start:place]
            start, characters = place, 0
        characters += len(text)
    if start < len(texts):
        yield texts[start:]


def _odd(kinds: npt.NDArray[np.int8]) -> list[bool]:
    """Of each text whether it is not one unit or part of one a character, or may have words that are cut."""
    ends = np.flatnonzero(kinds == analysis.END)
    letters = np.cumsum(kinds == analysis.LETTER)[ends]
    several = np.cumsum(kinds == analysis.SEVERAL)[ends]
    return ((np.diff(letters, prepend=0) > analysis.LONGEST_UNIT) | (np.diff(several, prepend=0) > 0)).tolist()


def _written(kinds: npt.NDArray[np.int8], points: npt.NDArray[np.uint32]) -> str:
    """The tokens of all texts, each text ended by a line feed. Every unit becomes up to three characters: itself, the
    one after it where both are `UNSPACED`, and a space where the token ends."""
    there = kinds != analysis.NOTHING
    kinds, points = kinds[there], points[there]
    letters = kinds == analysis.LETTER
    goes_on = _follows(letters, letters)  # the word before; told while spaces are still there
    units = kinds != analysis.SPACE
    kinds, points, goes_on = kinds[units], points[units], goes_on[units]
    breaks = kinds == analysis.PUNCTUATION
    first = ~_follows(breaks, breaks)
    kinds, points, goes_on = kinds[first], points[first], goes_on[first]
    unspaced = kinds == analysis.UNSPACED
    written = np.empty((len(kinds), 3), np.uint32)
    written[:, 0], written[:, 2] = points, ord(" ")
    written[:-1, 1] = points[1:]
    shown = np.ones((len(kinds), 3), np.bool_)
    shown[:-1, 1] = unspaced[1:] & unspaced[:-1]
    shown[:-1, 2] = ~goes_on[1:]
    shown[-1:, 1:] = False
    return written[shown].astype("<u4", copy=False).tobytes().decode("utf-32-le")


def _follows(after: npt.NDArray[np.bool_], before: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where the one stands directly after the other."""
    found = np.zeros(len(after), np.bool_)
    np.logical_and(after[1:], before[:-1], out=found[1:])
    return found


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
