"""Watch words: boolean expressions over a text, with NEAR, exclusions and safe regular expressions.

    (坍塌 OR 倒塌 OR 爆炸) NEAR/15 (学校 OR 幼儿园) NOT 演练

Words beside each other must all be there (AND); `OR` or `|` asks for one of them; `NOT` or `-` for none; `NEAR/n` for
two within n characters of each other; `"…"` holds spaces together; `/…/` is a regular expression of RE2, whose time
grows no faster than the text. Letters, digits and punctuation are compared in their plain width and in lower case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import re2

from minsheng.character_map import CharacterMap

Span = tuple[int, int]

MOST_CHARACTERS = 5_000
"""Longest expression."""

_DEPTH = 50
_TOKEN = re.compile(
    r"\s*(?:(?P<near>NEAR/(?P<distance>\d{1,4}))(?=[\s(\"/])|(?P<or>OR(?=[\s(]|$)|\|)|(?P<and>AND(?=[\s(]|$)|\+)"
    r"|(?P<not>NOT(?=[\s(]|$)|-)|(?P<open>\()|(?P<close>\))|\"(?P<quoted>[^\"]*)\"|/(?P<pattern>(?:[^/\\]|\\.)+)/"
    r"|(?P<word>[^\s()\"|/+\-]+))"
)


class BadWords(ValueError):
    """An expression that can't be read, and why."""


class Words(Protocol):
    """A part of an expression."""

    def matches(self, text: str) -> bool: ...

    def spans(self, text: str) -> Iterator[Span]:
        """Where it stands, for NEAR; nothing for what has no place, such as NOT."""
        ...


class Word(NamedTuple):
    word: str

    def matches(self, text: str) -> bool:
        return self.word in text

    def spans(self, text: str) -> Iterator[Span]:
        start = text.find(self.word)
        while start >= 0:
            yield start, start + len(self.word)
            start = text.find(self.word, start + 1)


class Pattern:
    """A regular expression, matched by RE2."""

    def __init__(self, source: str) -> None:
        try:
            self._compiled = re2.compile(source)
        except re2.error as error:
            detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            raise BadWords(f"/{source}/ is no regular expression of RE2: {detail}") from None
        if self._compiled.search("") is not None:
            raise BadWords(f"/{source}/ fits every text")

    def matches(self, text: str) -> bool:
        return self._compiled.search(text) is not None

    def spans(self, text: str) -> Iterator[Span]:
        return ((found.start(), found.end()) for found in self._compiled.finditer(text))


class AnyWord:
    """One of several plain words: one look through the text, however many they are."""

    def __init__(self, words: tuple[Word, ...]) -> None:
        self._compiled = re.compile("|".join(re.escape(each.word) for each in words))

    def matches(self, text: str) -> bool:
        return self._compiled.search(text) is not None

    def spans(self, text: str) -> Iterator[Span]:
        return ((found.start(), found.end()) for found in self._compiled.finditer(text))


class Any(NamedTuple):
    parts: tuple[Words, ...]

    def matches(self, text: str) -> bool:
        return any(part.matches(text) for part in self.parts)

    def spans(self, text: str) -> Iterator[Span]:
        for part in self.parts:
            yield from part.spans(text)


class All(NamedTuple):
    parts: tuple[Words, ...]

    def matches(self, text: str) -> bool:
        return all(part.matches(text) for part in self.parts)

    def spans(self, text: str) -> Iterator[Span]:
        if self.matches(text):
            for part in self.parts:
                yield from part.spans(text)


class Not(NamedTuple):
    part: Words

    def matches(self, text: str) -> bool:
        return not self.part.matches(text)

    def spans(self, text: str) -> Iterator[Span]:
        return iter(())


class Near(NamedTuple):
    first: Words
    second: Words
    distance: int

    def matches(self, text: str) -> bool:
        return next(self.spans(text), None) is not None

    def spans(self, text: str) -> Iterator[Span]:
        others = list(self.second.spans(text))
        for start, end in self.first.spans(text):
            for other_start, other_end in others:
                if max(other_start - end, start - other_end) <= self.distance:
                    yield min(start, other_start), max(end, other_end)
                    break


@CharacterMap
def fold(text: str) -> str:
    """A text as words are compared with it: plain width, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def parse(source: str) -> Words:
    """Read an expression.

    Raises
    ------
    BadWords
        With what is wrong and near which words.

    Examples
    --------
    >>> parse("(停水 OR 停电) NEAR/6 三天 NOT 计划").matches("我们小区停水已经三天了")
    True
    """
    if len(source) > MOST_CHARACTERS:
        raise BadWords(f"{len(source)} characters; at most {MOST_CHARACTERS} are taken: split it into several lists")
    tokens = list(_tokens(source))
    if not tokens:
        raise BadWords("there are no words in it")
    reader = _Reader(tokens)
    words = reader.either(0)
    if reader.place < len(tokens):
        raise BadWords(f"'{reader.tokens[reader.place][1]}' has no beginning")
    if _only_excludes(words):
        raise BadWords("it only excludes; name at least one word that is looked for")
    return words


def _only_excludes(words: Words) -> bool:
    if isinstance(words, Not):
        return True
    if isinstance(words, All):
        return all(_only_excludes(part) for part in words.parts)
    if isinstance(words, Any):
        return any(_only_excludes(part) for part in words.parts)
    return False


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(source.rstrip())
    while place < end:
        found = _TOKEN.match(source, place)
        if found is None:
            raise BadWords(
                f"it can't be read from '{source[place : place + 12].strip()}' on; is a quote or / left open?"
            )
        kind = str(found.lastgroup)
        yield (("near", found["distance"]) if found["near"] else (kind, found[kind]))
        place = found.end()


class _Reader:
    """Reads tokens by recursive descent: OR binds weakest, then AND, NEAR, NOT."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def either(self, depth: int) -> Words:
        if depth > _DEPTH:
            raise BadWords("too many brackets within each other")
        parts = [self.every(depth)]
        while self._take("or"):
            parts.append(self.every(depth))
        if len(parts) == 1:
            return parts[0]
        words = tuple(part for part in parts if isinstance(part, Word))
        return AnyWord(words) if len(words) == len(parts) else Any(tuple(parts))

    def every(self, depth: int) -> Words:
        parts = [self.near(depth)]
        while True:
            if self._take("and") or self._kind() in ("word", "quoted", "pattern", "open", "not"):
                parts.append(self.near(depth))
            else:
                return parts[0] if len(parts) == 1 else All(tuple(parts))

    def near(self, depth: int) -> Words:
        words = self.one(depth)
        while self._kind() == "near":
            distance = int(self._next()[1])
            other = self.one(depth)
            if isinstance(words, Not) or isinstance(other, Not):
                raise BadWords("NEAR stands between words that are looked for, not beside NOT")
            words = Near(words, other, distance)
        return words

    def one(self, depth: int) -> Words:
        if self.place >= len(self.tokens):
            raise BadWords("it ends where a word should follow")
        kind, value = self._next()
        if kind == "not":
            return Not(self.one(depth))
        if kind == "open":
            words = self.either(depth + 1)
            if not self._take("close"):
                raise BadWords("a bracket is not closed")
            return words
        if kind == "pattern":
            return Pattern(value)
        if kind in ("word", "quoted"):
            if not fold(value).strip():
                raise BadWords("there is an empty word in it")
            return Word(fold(value))
        raise BadWords(f"'{value}' stands where a word should be")

    def _kind(self) -> str | None:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else None

    def _next(self) -> tuple[str, str]:
        self.place += 1
        return self.tokens[self.place - 1]

    def _take(self, kind: str) -> bool:
        if self._kind() != kind:
            return False
        self.place += 1
        return True
