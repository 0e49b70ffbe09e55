"""How text becomes units that are compared: the same for documents and queries, on both engines.

Folding
-------
Characters are compared after NFKC (full-width becomes half-width, ㎡ becomes m2), without case and without accents.
Traditional characters count as the simplified ones (医療 is 医疗), by OpenCC's table in minsheng/traditional.txt.
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
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from minsheng.code_points import code_points
from minsheng.traditional import simplifying

Number = TypeVar("Number", np.int8, np.int16)

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
    return unicodedata.normalize("NFC", without_marks).translate(simplifying())


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
        if len(piece) == 3 and piece[0] == piece[2] == " ":  # a unit of its own: most of Chinese, so it is kept short
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
    wanted = [units for units in phrases if units]
    if all(all(map(unspaced, units)) for units in wanted) and _reads_as_it_stands(text):
        return sorted({match.span() for units in wanted for match in _overlapping(_spaced(units), text)})
    whole = folded(text)
    if _TOO_LONG.search(whole):
        located = locate(text)
        return sorted({span for units in wanted for span in find(located, units)})
    found = {span for units in wanted for span in _in_folded(whole, units)}
    if not found:
        return []
    ends = _ends(text)
    bounds = np.array(sorted(found)) - (0, 1)
    starts, stops = np.searchsorted(ends, bounds, side="right").T
    return sorted(set(zip(starts.tolist(), (stops + 1).tolist(), strict=True)))


_lengths = np.full(sys.maxunicode + 1, -1, np.int16)
"""Of each character's piece; -1 where it has not been met yet."""


def _ends(text: str) -> npt.NDArray[np.int64]:
    """Where the piece of each character ends in the folded text."""
    return _of_each(text, _lengths, lambda point: len(_pieces[point])).cumsum(dtype=np.int64)


def _of_each(text: str, table: npt.NDArray[Number], tell: Callable[[int], int]) -> npt.NDArray[Number]:
    """What a table holds of each character of a text; of those that it has not met, what `tell` says is put in."""
    points = code_points(text)
    found = table[points]
    if found.min(initial=0) < 0:
        for point in set(points[found < 0].tolist()):
            table[point] = tell(point)
        found = table[points]
    return found


NOTHING, SPACE, UNSPACED, LETTER, PUNCTUATION, SYMBOL, SEVERAL, END = range(8)
"""What a character is in a folded text: nothing; a separator; a unit of itself that is written without spaces; part of
a word; `BREAK`; another unit of itself; several of these; the end of a text (`characters`)."""


class Characters(NamedTuple):
    """The characters of several texts: what each is (`NOTHING` to `END`), and the code point that it is folded to where
    it is a unit or part of one. Both of shape (characters of all texts, and one `END` after each)."""

    kinds: npt.NDArray[np.int8]
    points: npt.NDArray[np.uint32]


def characters(texts: Sequence[str]) -> Characters:
    """What the characters of these texts are folded to, all looked up at once."""
    whole = "\n".join([*texts, ""])
    kinds = _of_each(whole, _kinds, _kind)
    points = _folded_to[code_points(whole)]
    ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.intp) - 1
    kinds[ends], points[ends] = END, ord("\n")
    return Characters(kinds, points)


_kinds = np.full(sys.maxunicode + 1, -1, np.int8)
_folded_to = np.zeros(sys.maxunicode + 1, np.uint32)
"""What `characters` tells of each character; of one not met yet -1 and 0."""


def _kind(point: int) -> int:
    piece = _pieces[point]
    units = piece.split()
    if not units:
        return SPACE if piece else NOTHING
    if set(units) == {BREAK} and piece[0] == piece[-1] == " ":  # also … , which becomes three dots
        _folded_to[point] = ord(BREAK)
        return PUNCTUATION
    unit = units[0]
    if len(unit) > 1 or piece not in (unit, f" {unit} "):
        return SEVERAL
    _folded_to[point] = ord(unit)
    if unspaced(unit):
        return UNSPACED
    return LETTER if piece == unit else SYMBOL


def _reads_as_it_stands(text: str) -> bool:
    """Whether Chinese words are found in the text as they are written, with nothing but white space in them: most
    texts are so, and are not folded for it."""
    return not _of_each(text, _hides, lambda point: _hides_a_word(chr(point), _pieces[point])).any()


_hides = np.full(sys.maxunicode + 1, -1, np.int8)
"""Of each character, whether it is one of those of `_hides_a_word`; -1 where it has not been met yet."""


def _hides_a_word(char: str, piece: str) -> bool:
    """Whether a character is nothing, or stands for a Chinese one other than itself."""
    if char.isspace():
        return piece != " "
    return piece != f" {char} " and (not piece.strip() or any(map(_UNSPACED.match, piece)))


@lru_cache(maxsize=1_024)
def _spaced(units: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"\s*".join(map(re.escape, units)))


def _overlapping(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    match = pattern.search(text)
    while match is not None:
        yield match
        match = pattern.search(text, match.start() + 1)


def _in_folded(whole: str, units: tuple[str, ...]) -> list[tuple[int, int]]:
    found = _overlapping(_pattern(units), whole)
    return [match.span() for match in found if match.start() == 0 or whole[match.start() - 1] == " "]


@lru_cache(maxsize=1_024)
def _pattern(units: tuple[str, ...]) -> re.Pattern[str]:
    """Finds the units in a folded text whose breaks are not joined yet."""
    parts = (f"{BREAK}(?: +{BREAK})*" if unit == BREAK else re.escape(unit) for unit in units)
    return re.compile(" +".join(parts) + "(?![^ ])")


def _cut(word: str) -> list[str]:
    return [word[start : start + LONGEST_UNIT] for start in range(0, len(word), LONGEST_UNIT)]
