"""The query language: words, "phrases", AND OR NOT, -word and brackets, parsed into a small tree.

Both engines compile the same tree, so a query means the same on both.

Words beside each other must all be found. Quotes (also “ ” 「 」 『 』) hold a phrase together, and take AND, OR, NOT
and brackets as words. An official number is one phrase in every spelling, also with round brackets:
川办发（2023）12号.
Whatever is typed is understood as the nearest sense: an open quote or bracket ends with the query, an operator without
its part is passed over, and what holds nothing to look for (mere punctuation) is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from minsheng.errors import WrongUse
from search import analysis

MAX_LENGTH = 4_000
MAX_TERMS = 200
MAX_DEPTH = 20


class Term(msgspec.Struct, frozen=True, tag="term"):
    """A word or phrase, found where it stands letter for letter after folding."""

    text: str


class And(msgspec.Struct, frozen=True, tag="and"):
    """All of the parts."""

    parts: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True, tag="or"):
    """Any of the parts."""

    parts: tuple[Node, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """Everything but the part."""

    part: Node


Node = Term | And | Or | Not


def parse(text: str) -> Node | None:
    """Read a query as typed.

    Returns
    -------
    The tree, or None where the text holds nothing to look for.

    Raises
    ------
    WrongUse
        If the query is longer than `MAX_LENGTH`, has more than `MAX_TERMS` words or is nested deeper than `MAX_DEPTH`.
    """
    if len(text) > MAX_LENGTH:
        raise WrongUse(f"the query has {len(text)} characters, more than {MAX_LENGTH}", "search for fewer words")
    parser = _Parser(list(_tokens(unicodedata.normalize("NFKC", text))))
    return parser.read()


def pruned(node: Node | None) -> Node | None:
    """The tree without terms that hold nothing to look for; None where nothing is left."""
    if isinstance(node, Term):
        return node if analysis.phrase(node.text) else None
    if isinstance(node, Not):
        part = pruned(node.part)
        return None if part is None else Not(part)
    if node is None:
        return None
    parts = tuple(part for part in map(pruned, node.parts) if part is not None)
    return _joined(And if isinstance(node, And) else Or, list(parts))


def wanted(node: Node | None) -> Iterator[Term]:
    """The terms that a match may contain: all but those under a NOT."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from wanted(part)
    elif isinstance(node, Not) and isinstance(node.part, Not):
        yield from wanted(node.part.part)


class _Token(NamedTuple):
    kind: Literal["term", "and", "or", "not", "(", ")"]
    text: str = ""


# A number stands before quotes, brackets and words, because its own brackets would otherwise group.
_TOKEN = re.compile(
    r"""
      (?P<number> [\u4e00-\u9fff]+ \s* [〔\[(【] \s* \d{4} \s* [〕\])】] \s* 第? \s* \d{1,6} \s* 号 )
    | ["“”] (?P<quoted> [^"“”]* ) (?:["“”] | \Z)
    | 「 (?P<corner> [^」]* ) (?:」 | \Z)
    | 『 (?P<double> [^』]* ) (?:』 | \Z)
    | (?P<open> \( )
    | (?P<close> \) )
    | (?P<and> && )
    | (?P<or> \|\| )
    | (?P<minus> (?<![^\s(|&]) - (?=[^\s)]) )
    | (?P<word> (?: (?! && | \|\| ) [^\s"“”「『()] )+ )
    | \s+
    """,
    re.VERBOSE,
)
_OPERATORS: dict[str, Literal["and", "or", "not"]] = {"AND": "and", "OR": "or", "NOT": "not"}


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        value = match.group(kind) if kind else ""
        if kind == "open":
            yield _Token("(")
        elif kind == "close":
            yield _Token(")")
        elif kind == "and":
            yield _Token("and")
        elif kind == "or":
            yield _Token("or")
        elif kind == "minus":
            yield _Token("not")
        elif kind == "word" and value in _OPERATORS:
            yield _Token(_OPERATORS[value])
        elif kind and analysis.phrase(value):
            yield _Token("term", value.strip())


class _Parser:
    """Reads tokens by descent: OR binds weakest, then AND (also unwritten), then NOT."""

    def __init__(self, tokens: list[_Token]) -> None:
        terms = sum(token.kind == "term" for token in tokens)
        if terms > MAX_TERMS:
            raise WrongUse(f"the query has {terms} words, more than {MAX_TERMS}", "search for fewer words")
        self._tokens = tokens
        self._place = 0

    def read(self) -> Node | None:
        parts = []
        while self._place < len(self._tokens):
            part = self._either(0)
            if part is not None:
                parts.append(part)
            if self._next() == ")":  # one without its opening
                self._place += 1
        return _joined(And, parts)

    def _next(self) -> str:
        return self._tokens[self._place].kind if self._place < len(self._tokens) else ""

    def _either(self, depth: int) -> Node | None:
        parts = []
        while True:
            part = self._all(depth)
            if part is not None:
                parts.append(part)
            if self._next() != "or":
                return _joined(Or, parts)
            self._place += 1

    def _all(self, depth: int) -> Node | None:
        parts = []
        while self._next() not in ("or", ")", ""):
            part = self._one(depth)
            if part is not None:
                parts.append(part)
        return _joined(And, parts)

    def _one(self, depth: int) -> Node | None:
        negated = False
        while self._next() in ("not", "and"):
            negated ^= self._next() == "not"
            self._place += 1
        if self._next() in ("", "or", ")"):
            return None
        token = self._tokens[self._place]
        self._place += 1
        node: Node | None
        if token.kind == "(":
            if depth >= MAX_DEPTH:
                raise WrongUse(f"the query's brackets are nested deeper than {MAX_DEPTH}", "use fewer brackets")
            node = self._either(depth + 1)
            if self._next() == ")":
                self._place += 1
        else:
            node = Term(token.text)
        return Not(node) if negated and node is not None else node


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else [part]
    return kind(tuple(flat))
