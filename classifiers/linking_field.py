"""A title or a text as linking reads it: passage by passage, folded, with the way back to the text as written."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from classifiers.folding import fold, origins

ADDRESS = re.compile(
    r"(?:https?://|(?<![\w./@-])(?:[a-z0-9-]+\.)+(?:cn|com|net|org|gov)/)[^\s<>\"'，。；、！？）】》]*",
    re.IGNORECASE | re.ASCII,
)
"""A web address, also one typed without http://; in ASCII letters."""

_BOOK_TITLE = re.compile(r"《([^《》]{2,150})(?:》|$)")
_REPOST = re.compile(r"(?://|\\\\)\s*[@＠]")
"""Where a repost quotes what it answers: 说得好//@某某:原文."""

FieldName = Literal["title", "text"]


class Field:
    """A passage of a title or text.

    Parameters
    ----------
    name:
        Of the field the passage stands in.
    words:
        The passage as written.
    offset:
        Where it begins in the field, in characters.
    quoted:
        Whether it is what a repost quotes (after `//@`), not what its author says.

    Attributes
    ----------
    folded:
        The passage as `classifiers.folding.fold` makes it; all positions in matches are in this.
    """

    def __init__(self, name: FieldName, words: str, offset: int = 0, *, quoted: bool = False) -> None:
        self.name = name
        self.words = words
        self.offset = offset
        self.quoted = quoted
        self.folded = fold(words)

    @cached_property
    def origins(self) -> list[int]:
        return origins(self.words)

    @cached_property
    def books(self) -> list[tuple[int, int]]:
        """What stands inside 《》, as ranges of the folded passage."""
        found = (self.folded_range(*found.span(1)) for found in _BOOK_TITLE.finditer(self.words))
        return [(start, end) for start, end in found if start < end]

    @cached_property
    def addresses(self) -> list[tuple[int, int]]:
        """Web addresses, as ranges of the folded passage."""
        if "/" not in self.words:
            return []
        return [self.folded_range(*found.span()) for found in ADDRESS.finditer(self.words)]

    def book_contents(self) -> Iterator[str]:
        """What stands inside 《》, as written; cheaper than `books`."""
        if "《" in self.words:
            yield from (found[1] for found in _BOOK_TITLE.finditer(self.words))

    def folded_range(self, start: int, end: int) -> tuple[int, int]:
        """Where a range of the passage as written lies in the folded one."""
        return bisect_left(self.origins, start), bisect_left(self.origins, end)

    def range(self, start: int, end: int) -> tuple[int, int]:
        """Where a range of the folded passage lies in the passage as written."""
        return self.origins[start], self.origins[end - 1] + 1

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a range of the folded passage lies in the whole field."""
        first, last = self.range(start, end)
        return self.offset + first, self.offset + last


def passages(name: FieldName, words: str) -> Iterator[Field]:
    """The passages of a field: what its author says, and what a repost quotes, each by itself."""
    starts = [0]
    if "@" in words or "＠" in words:
        starts += [found.start() for found in _REPOST.finditer(words)]
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        if start < end:
            yield Field(name, words[start:end], start, quoted=start != 0 or bool(_REPOST.match(words)))
