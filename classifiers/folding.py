"""Text folded for matching names, with the way back to where each character stood."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from importlib import resources

_DROPPED = "《》〈〉<>“”‘’「」『』\"'\u200b\u200c\u200d\ufeff\u00ad"
"""Title marks, quotation marks and invisible characters: people put and leave them as they like."""

_SAME = {
    **dict.fromkeys("〔【〖[［{", "["),
    **dict.fromkeys("〕】〗]］}", "]"),
    **dict.fromkeys("—–―－‐−", "-"),
    **dict.fromkeys("•・‧", "·"),
}


class _Folding(dict[int, str]):
    """Code point → what becomes of it; worked out at first use."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        if character.isspace() or character in _DROPPED:
            folded = ""
        elif 0xD800 <= point <= 0xDFFF:
            folded = "\ufffd"  # a lone surrogate can't be matched, nor encoded by the libraries behind
        elif character in _SAME:
            folded = _SAME[character]
        else:
            folded = "".join(_SAME.get(one, one) for one in unicodedata.normalize("NFKC", character).lower())
            folded = simplified("".join(folded.split()))
        self[point] = folded
        return folded


def simplified(text: str) -> str:
    """The text with simplified for traditional characters, each for one, so that all positions stay.

    Examples
    --------
    >>> simplified("盤龍區住建局")
    '盘龙区住建局'
    """
    table, traditional = _simplified()
    return text if traditional.isdisjoint(text) else text.translate(table)


@lru_cache(maxsize=1)
def _simplified() -> tuple[dict[int, str], frozenset[str]]:
    """Traditional characters with what they become, by OpenCC's table; and as a set."""
    lines = resources.files("grouping").joinpath("traditional.txt").read_text(encoding="utf-8").splitlines()
    pairs = {pair[0]: pair[1] for pair in lines[1:]}
    return {ord(old): new for old, new in pairs.items()}, frozenset(pairs)


_FOLDING = _Folding()


def fold(text: str) -> str:
    """The text in one width and case, in simplified characters, with one kind of brackets, without spaces, quotation
    and title marks.

    Each character is folded by itself, so that `origins` can say where it came from.

    Examples
    --------
    >>> fold("川办发 【２０２３】 12 號")
    '川办发[2023]12号'
    """
    return text.translate(_FOLDING)


def origins(text: str) -> list[int]:
    """For each character of `fold(text)`, the position in `text` that it came from."""
    return [position for position, character in enumerate(text) for _ in _FOLDING[ord(character)]]
