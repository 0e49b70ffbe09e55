"""Text folded for matching names, with the way back to where each character stood."""

from __future__ import annotations

import unicodedata

from minsheng.character_map import CharacterMap
from minsheng.traditional import simplified

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


_FOLDING = _Folding()
_fold = CharacterMap(lambda text: text.translate(_FOLDING))


def fold(text: str) -> str:
    """The text in one width and case, in simplified characters, with one kind of brackets, without spaces, quotation
    and title marks.

    Each character is folded by itself, so that `origins` can say where it came from.

    Examples
    --------
    >>> fold("川办发 【２０２３】 12 號")
    '川办发[2023]12号'
    """
    return _fold(text)


def origins(text: str) -> list[int]:
    """For each character of `fold(text)`, the position in `text` that it came from."""
    return [position for position, character in enumerate(text) for _ in _FOLDING[ord(character)]]
