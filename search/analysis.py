"""How text becomes units that are compared: the same for documents and queries, on both engines.

Folding
-------
Characters are compared after NFKC (full-width becomes half-width, ㎡ becomes m2), without case and without accents.
Traditional characters count as the simplified ones (医療 is 医疗), by OpenCC's table in grouping/traditional.txt.
Invisible characters (zero-width spaces, joiners, variation selectors, lone surrogates and U+FFFD) do not count at all.

Units
-----
- Each Chinese character is a unit (also kana, Hangul and Yi, which are written without spaces too).
- A run of other letters and digits is one unit: words of Latin script and numbers are found whole.
- An emoji or another symbol outside ASCII is a unit.
- Any run of punctuation is one unit, `BREAK`, whatever its signs. So a word does not reach over a comma, and an
  official number is the same in every spelling: 川办发〔2023〕12号, 川办发[2023]12号, 川办发（２０２３）12 号.
- White space separates letters and digits and is nothing otherwise: 医 保 is 医保.

A word or phrase is found where its units stand one after the other.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from itertools import accumulate
from typing import NamedTuple

VERSION = 2
"""Raise when units change: an index made with another version is built anew."""

BREAK = "_"
"""The unit that stands for punctuation. A low line is punctuation itself, so no other unit contains it."""

LONGEST_UNIT = 64
"""Longer runs of letters and digits (keys, encoded files) are cut into units of this length."""

_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48c\uac00-\ud7a3"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
_INVISIBLE = re.compile("[\u0300-\u036f\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class Located(NamedTuple):
    """The units of a text and where each starts and ends in the original, in characters."""

    units: list[str]
    starts: list[int]
    ends: list[int]


class _Pieces(dict[int, str]):
    """Code point → what it adds to the folded text; spaces in it separate units. Filled as characters turn up."""

    def __missing__(self, code: int) -> str:
        piece = self[code] = "".join(_piece(char) for char in _fold(chr(code)))
        return piece


def _fold(char: str) -> str:
    plain = unicodedata.normalize("NFKC", char).casefold()
    without_marks = _INVISIBLE.sub("", unicodedata.normalize("NFKD", plain))
    return unicodedata.normalize("NFC", without_marks).translate(_SIMPLIFIED)


def _simplified() -> dict[int, str]:
    lines = resources.files("grouping").joinpath("traditional.txt").read_text(encoding="utf-8").splitlines()
    return {ord(pair[0]): pair[1] for pair in lines[1:]}


_SIMPLIFIED = _simplified()


def _piece(char: str) -> str:
    """A folded character: nothing, a separator, part of a word, or a unit of its own."""
    category = unicodedata.category(char)
    if category in ("Cf", "Cs", "Me") or char == "\ufffd":
        return ""
    if char.isspace() or category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    if _UNSPACED.match(char):
        _characters.add(char)
        return f" {char} "
    if category[0] in "LNM":
        return char
    if category[0] == "P" or char.isascii():
        return f" {BREAK} "
    return f" {char} "


_pieces = _Pieces()
_characters: set[str] = set()
_BREAKS = re.compile(f"{BREAK}(?: +{BREAK})+")
_TOO_LONG = re.compile(f"[^ ]{{{LONGEST_UNIT + 1},}}")


def fold(text: str) -> list[str]:
    """The units of a text, without their places; quick."""
    whole = _BREAKS.sub(BREAK, folded(text))
    if _TOO_LONG.search(whole):
        whole = _TOO_LONG.sub(lambda word: " ".join(_cut(word.group())), whole)
    return whole.split()


def folded(text: str) -> str:
    """The text folded, with spaces around what is a unit of its own; quicker than its units."""
    return text.translate(_pieces)


def locate(text: str) -> Located:
    """The units of a text with their places: the same units as `fold` gives."""
    units, starts, ends = found = Located([], [], [])
    word: list[str] = []
    places: list[int] = []
    for place, piece in enumerate(map(_pieces.__getitem__, map(ord, text))):
        if len(piece) == 3 and piece[0] == " ":  # a unit of its own: most of Chinese, so it is kept short
            if word:
                _add(found, word, places)
            if piece[1] == BREAK and units and units[-1] == BREAK:
                ends[-1] = place + 1
            else:
                units.append(piece[1])
                starts.append(place)
                ends.append(place + 1)
            continue
        for part in piece:
            if part != " ":
                word.append(part)
                places.append(place)
            elif word:
                _add(found, word, places)
    if word:
        _add(found, word, places)
    return found


def _add(found: Located, word: list[str], places: list[int]) -> None:
    """Take over a word whose characters are complete."""
    if word == [BREAK] and found.units and found.units[-1] == BREAK:
        found.ends[-1] = places[-1] + 1
    else:
        for start in range(0, len(word), LONGEST_UNIT):
            found.units.append("".join(word[start : start + LONGEST_UNIT]))
            found.starts.append(places[start])
            found.ends.append(places[min(start + LONGEST_UNIT, len(places)) - 1] + 1)
    word.clear()
    places.clear()


def phrase(text: str) -> tuple[str, ...]:
    """The units that a word or phrase of a query asks for; punctuation around it does not count. May be empty."""
    units = fold(text)
    first = 1 if units and units[0] == BREAK else 0
    last = len(units) - 1 if len(units) > first and units[-1] == BREAK else len(units)
    return tuple(units[first:last])


def unspaced(unit: str) -> bool:
    """Whether the unit, which `fold` has given, is a character of a script written without spaces."""
    return unit in _characters


def is_break(char: str) -> bool:
    """Whether a character is punctuation or white space: a good place to cut a text."""
    piece = _pieces[ord(char)].strip()
    return piece in ("", BREAK)


def find(located: Located, wanted: Sequence[str]) -> list[tuple[int, int]]:
    """The places (start, end) in the original text where the wanted units stand one after the other."""
    found = []
    length, rest = len(wanted), list(wanted)
    place = -1
    try:
        while rest:
            place = located.units.index(rest[0], place + 1)
            if located.units[place : place + length] == rest:
                found.append((located.starts[place], located.ends[place + length - 1]))
    except ValueError:
        pass
    return found


def spans(text: str, phrases: Iterable[tuple[str, ...]]) -> list[tuple[int, int]]:
    """The places (start, end) in the text where any of these phrases stands, in order: as `find` gives them, without
    locating every unit; quick."""
    whole = folded(text)
    wanted = [units for units in phrases if units]
    if _TOO_LONG.search(whole):
        located = locate(text)
        return sorted({span for units in wanted for span in find(located, units)})
    found = {span for units in wanted for span in _in_folded(whole, units)}
    if not found:
        return []
    offsets = [0, *accumulate(map(len, map(_pieces.__getitem__, map(ord, text))))]
    return sorted({(bisect_right(offsets, start) - 1, bisect_right(offsets, end - 1)) for start, end in found})


def _in_folded(whole: str, units: tuple[str, ...]) -> list[tuple[int, int]]:
    found = []
    pattern = _pattern(units)
    match = pattern.search(whole)
    while match is not None:
        start = match.start()
        if start == 0 or whole[start - 1] == " ":
            found.append(match.span())
        match = pattern.search(whole, start + 1)
    return found


@lru_cache(maxsize=1_024)
def _pattern(units: tuple[str, ...]) -> re.Pattern[str]:
    """Finds the units in a folded text whose breaks are not joined yet."""
    parts = (f"{BREAK}(?: +{BREAK})*" if unit == BREAK else re.escape(unit) for unit in units)
    return re.compile(" +".join(parts) + "(?![^ ])")


def _cut(word: str) -> list[str]:
    return [word[start : start + LONGEST_UNIT] for start in range(0, len(word), LONGEST_UNIT)]
