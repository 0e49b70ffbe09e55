"""Marks and snippets, made from the query and the record alone, so that both engines show the same."""

from __future__ import annotations

import re
import unicodedata

from minsheng.records import Grouped
from search import analysis
from search.index import Hit
from search.query import Node, wanted

SNIPPET = 120
"""Length of a snippet in characters; a little more or less where that gives a kinder cut."""

LONGEST = 3 * SNIPPET
"""Where the first match is longer than this (one word repeated without end), it is not shown whole."""

LEAD = 40
"""How many characters before the first match a snippet may start."""

Spans = tuple[tuple[int, int], ...]

_SPACE = re.compile(r"\s+")
_SENTENCE_END = "。！？!?；;\n"


def hit(record: Grouped, score: float, query: Node | None, *, highlight: bool = True, copies: int = 1) -> Hit:
    """A match as it is shown. Without `highlight` there are no marks, and the snippet is the beginning of the text."""
    document = record.document
    terms = [analysis.phrase(term.text) for term in wanted(query)] if highlight else []
    title_marks = marks(document.title, terms)
    text_marks = marks(document.text, terms)
    snippet, snippet_marks = _snippet(document.text, text_marks)
    return Hit(
        record=record,
        score=score,
        title=document.title,
        title_marks=title_marks,
        snippet=snippet,
        snippet_marks=snippet_marks,
        copies=copies,
    )


def marks(text: str, terms: list[tuple[str, ...]]) -> Spans:
    """Where any of the terms stands in the text: spans in order, those that touch or overlap joined."""
    if not text or not terms:
        return ()
    joined: list[tuple[int, int]] = []
    for start, end in analysis.spans(text, terms):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _snippet(text: str, spans: Spans) -> tuple[str, Spans]:
    """About `SNIPPET` characters around the first match, on one line, with `…` where something was cut off."""
    start = _start(text, spans[0][0]) if spans else 0
    end = _end(text, max(start + SNIPPET, min(spans[0][1], start + LONGEST) if spans else 0))
    shown, places = _one_line(text[start:end])
    before = "…" if text[:start].strip() else ""
    after = "…" if text[end:].strip() else ""
    kept = []
    for first, last in spans:
        if first < end and last > start:
            inside = (places[max(first, start) - start], places[min(last, end) - start])
            if inside[0] < inside[1]:
                kept.append((inside[0] + len(before), inside[1] + len(before)))
    return before + shown + after, tuple(kept)


def _start(text: str, match: int) -> int:
    """After the last sentence before the match, else after the last punctuation, else `LEAD` characters before it."""
    earliest = max(0, match - LEAD)
    if earliest == 0:
        return 0
    lead = text[earliest:match]
    sentence = max(lead.rfind(char) for char in _SENTENCE_END)
    if sentence >= 0:
        return earliest + sentence + 1
    for place in range(earliest, match):
        if analysis.is_break(text[place]) and not _attached(text, place + 1):
            return place + 1
    while earliest < match and _attached(text, earliest):
        earliest += 1
    return earliest


def _end(text: str, end: int) -> int:
    """A little later, where a sentence or a word ends there."""
    if end >= len(text):
        return len(text)
    for place in range(end, min(end + 12, len(text))):
        if text[place] in _SENTENCE_END:
            return place + 1
    while end < len(text) and _attached(text, end) and text[end].isalnum() and text[end].isascii():
        end += 1
    while end < len(text) and unicodedata.category(text[end]) in ("Mn", "Me", "Cf"):
        end += 1
    return min(end, len(text))


def _attached(text: str, place: int) -> bool:
    """Whether a cut before `place` would part a word, or a sign from what it belongs to."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if unicodedata.category(after) in ("Mn", "Me", "Cf") or before == "\u200d":
        return True
    return before.isascii() and after.isascii() and before.isalnum() and after.isalnum()


def _one_line(text: str) -> tuple[str, list[int]]:
    """The text with each run of white space as one space, and for each old place (also the end) the new one."""
    parts: list[str] = []
    places: list[int] = []
    length = 0
    last = 0
    for space in _SPACE.finditer(text):
        word = text[last : space.start()]
        places += range(length, length + len(word))
        length += len(word)
        places += [length] * len(space.group())
        filler = " " if length and space.end() < len(text) else ""
        parts += [word, filler]
        length += len(filler)
        last = space.end()
    rest = text[last:]
    places += range(length, length + len(rest) + 1)
    return "".join(parts) + rest, places
