"""The query language: words, "phrases", AND OR NOT, -word, title:, source: and brackets, parsed into a small tree.

Both engines compile the same tree, so a query means the same on both. docs/reference/search.md is for its users.

Words beside each other must all be found. Quotes (also “ ” 「 」 『 』) hold a phrase together, and take AND, OR, NOT
and brackets as words. An official number is one phrase in every spelling, also with round brackets or none:
川办发（2023）12号, 川办发2023年第12号. `title:` (标题:) before a word or brackets looks in titles alone; `source:`
(信源:, 来源:) asks for a source by id, or by name once `named` has been through the tree.
Whatever is typed is understood as the nearest sense: an open quote or bracket ends with the query, an operator without
its part is passed over, and what holds nothing to look for (mere punctuation) is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from minsheng.errors import WrongUse
from minsheng.exercises import EXERCISE, NAME
from minsheng.problems import Problem
from search import analysis

MAX_LENGTH = 4_000
MAX_TERMS = 200
MAX_DEPTH = 20
NEAR_UNITS = 12


Field = Literal["any", "title"]


class Term(msgspec.Struct, frozen=True, tag="term", omit_defaults=True):
    """A word or phrase, found where it stands letter for letter after folding.

    `exact` says that it was typed in quotes or is an official number: it is never widened or taken apart.
    """

    text: str
    field: Field = "any"
    exact: bool = False


class Near(msgspec.Struct, frozen=True, tag="near"):
    """All of these terms, within `NEAR_UNITS` units of each other.

    Both engines find the same for two terms. Of more, for ranking alone, beside an AND of the same terms: what stands
    between the first and the last is counted differently.
    """

    terms: tuple[Term, ...]


class Sources(msgspec.Struct, frozen=True, tag="sources"):
    """Documents of any of these sources."""

    ids: tuple[str, ...]


class And(msgspec.Struct, frozen=True, tag="and"):
    """All of the parts."""

    parts: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True, tag="or"):
    """Any of the parts."""

    parts: tuple[Node, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """Everything but the part."""

    part: Node


Node = Term | Near | Sources | And | Or | Not


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
        raise WrongUse(Problem("query-long", length=len(text), most=MAX_LENGTH), "search for fewer words")
    parser = _Parser(list(_tokens(unicodedata.normalize("NFKC", text))))
    return parser.read()


def pruned(node: Node | None) -> Node | None:
    """The tree without terms that hold nothing to look for; None where nothing is left."""
    if isinstance(node, Term):
        return node if analysis.phrase(node.text) else None
    if isinstance(node, Sources):
        return node
    if isinstance(node, Near):
        return node if all(analysis.phrase(term.text) for term in node.terms) else None
    if isinstance(node, Not):
        part = pruned(node.part)
        return None if part is None else Not(part)
    if node is None:
        return None
    parts = tuple(part for part in map(pruned, node.parts) if part is not None)
    return joined(And if isinstance(node, And) else Or, list(parts))


def named(node: Node | None, sources: Mapping[str, str]) -> Node | None:
    """The tree with the sources that were typed by name told by id.

    Parameters
    ----------
    sources:
        Id → name. What was typed stands for each source that it is the id of, or, where it is none, whose name holds
        it.
    """
    if isinstance(node, Sources):
        return Sources(tuple(dict.fromkeys(one for typed in node.ids for one in _sources(typed, sources))))
    if isinstance(node, Not):
        part = named(node.part, sources)
        return None if part is None else Not(part)
    if isinstance(node, And | Or):
        parts = [part for part in (named(part, sources) for part in node.parts) if part is not None]
        return joined(type(node), parts)
    return node


def _sources(typed: str, sources: Mapping[str, str]) -> list[str]:
    wanted = "".join(analysis.fold(typed))
    sources = {**sources, EXERCISE: NAME}
    by_id = [one for one in sources if "".join(analysis.fold(one)) == wanted]
    return by_id or [one for one, name in sources.items() if wanted in "".join(analysis.fold(name))] or [typed]


def wanted(node: Node | None) -> Iterator[Term]:
    """The terms that a match may contain: all but those under a NOT."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, Near):
        yield from node.terms
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from wanted(part)
    elif isinstance(node, Not) and isinstance(node.part, Not):
        yield from wanted(node.part.part)


class _Token(NamedTuple):
    kind: Literal["term", "and", "or", "not", "(", ")", "field"]
    text: str = ""
    exact: bool = False


# A number stands before quotes, brackets and words, because its own brackets would otherwise group.
_TOKEN = re.compile(
    r"""
      (?P<number> [\u4e00-\u9fff]+ \s*
          (?: [〔\[(【〖{<《] \s* \d{4} \s* 年? \s* [〕\])】〗}>》] \s* 第? \s* \d{1,6} \s* 号?
            | (?:19|20)\d{2} \s* 年? \s* 第? \s* \d{1,6} \s* 号 ) )
    | ["“”] (?P<quoted> [^"“”]* ) (?:["“”] | \Z)
    | 「 (?P<corner> [^」]* ) (?:」 | \Z)
    | 『 (?P<double> [^』]* ) (?:』 | \Z)
    | (?P<open> \( )
    | (?P<close> \) )
    | (?P<and> && )
    | (?P<or> \|\| )
    | (?P<minus> (?<![^\s(|&:]) - (?=[^\s)]) )
    | (?P<field> (?<![^\s(|&-]) (?i:title|source|标题|信源|来源|文号) : )
    | (?P<word> (?: (?! && | \|\| ) [^\s"“”「『()] )+ )
    | \s+
    """,
    re.VERBOSE,
)
_OPERATORS: dict[str, Literal["and", "or", "not"]] = {"AND": "and", "OR": "or", "NOT": "not"}
_FIELDS: dict[str, Literal["title", "source"]] = {
    "title": "title", "标题": "title", "source": "source", "信源": "source", "来源": "source",
}  # fmt: skip
_NUMBER = re.compile(r"(?P<issuer>[\u4e00-\u9fff]+)\D*?(?P<year>\d{4})\D*(?P<serial>\d+)")
_ISSUER_END = re.compile(r"[发函字办通规令政告文公]\s*$")


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
        elif kind == "field":
            if (name := value.rstrip(":").lower()) in _FIELDS:  # 文号: only says what follows, which is known by itself
                yield _Token("field", _FIELDS[name])
        elif kind == "word" and value in _OPERATORS:
            yield _Token(_OPERATORS[value])
        elif kind == "number":
            yield from _number(value)
        elif kind and analysis.phrase(value):
            yield _Token("term", value.strip(), exact=kind != "word")


def _number(value: str) -> Iterator[_Token]:
    """An official number in its standard spelling; what only looks like one without brackets stays words."""
    found = _NUMBER.match("".join(value.split()))
    assert found is not None
    bracketed = any(char in value for char in "〔[(【〖{<《")
    if bracketed or _ISSUER_END.search(found["issuer"]):
        yield _Token("term", f"{found['issuer']}〔{found['year']}〕{int(found['serial'])}号", exact=True)
    else:
        yield from (_Token("term", word) for word in value.split())


class _Parser:
    """Reads tokens by descent: OR binds weakest, then AND (also unwritten), then NOT."""

    def __init__(self, tokens: list[_Token]) -> None:
        terms = sum(token.kind == "term" for token in tokens)
        if terms > MAX_TERMS:
            raise WrongUse(Problem("query-words", count=terms, most=MAX_TERMS), "search for fewer words")
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
        return joined(And, parts)

    def _next(self) -> str:
        return self._tokens[self._place].kind if self._place < len(self._tokens) else ""

    def _either(self, depth: int) -> Node | None:
        parts = []
        while True:
            part = self._all(depth)
            if part is not None:
                parts.append(part)
            if self._next() != "or":
                return joined(Or, parts)
            self._place += 1

    def _all(self, depth: int) -> Node | None:
        parts = []
        while self._next() not in ("or", ")", ""):
            part = self._one(depth)
            if part is not None:
                parts.append(part)
        return joined(And, parts)

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
        if token.kind == "field":
            if depth >= MAX_DEPTH:
                raise _too_deep()
            node = self._one(depth + 1)
            node = node if node is None else _within(node, token.text)
        elif token.kind == "(":
            if depth >= MAX_DEPTH:
                raise _too_deep()
            node = self._either(depth + 1)
            if self._next() == ")":
                self._place += 1
        else:
            node = Term(token.text, exact=token.exact)
        return Not(node) if negated and node is not None else node


def _too_deep() -> WrongUse:
    return WrongUse(Problem("query-deep", most=MAX_DEPTH), "use fewer brackets")


def _within(node: Node, field: str) -> Node:
    """What stands behind `title:` or `source:`."""
    if isinstance(node, Term):
        return Sources((node.text,)) if field == "source" else Term(node.text, "title", node.exact)
    if isinstance(node, Not):
        return Not(_within(node.part, field))
    if isinstance(node, And | Or):
        return type(node)(tuple(_within(part, field) for part in node.parts))
    return node


def joined(kind: type[And] | type[Or], parts: Sequence[Node]) -> Node | None:
    """The parts as one node of this kind, without nodes of the same kind below it; one part stays itself."""
    if len(parts) < 2:
        return parts[0] if parts else None
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else [part]
    return kind(tuple(flat))
