"""Words as FTS5 reads them."""

from __future__ import annotations

from search import tokens
from search.embedded.characters import is_common
from search.query import NEAR_UNITS, And, Near, Node, Not, Or, Sources, Term, joined

PREFIX = " *"
"""Stands behind a phrase whose last token is a prefix."""


def names_sources(node: Node) -> bool:
    if isinstance(node, Sources):
        return True
    if isinstance(node, Not):
        return names_sources(node.part)
    return isinstance(node, And | Or) and any(map(names_sources, node.parts))


def common_character(term: Term) -> str | None:
    """The character that it asks for, where it is a single one of the commonest."""
    asked = tokens.of_phrase(term.text)
    return asked.tokens[0] if asked.open and len(asked.tokens) == 1 and is_common(asked.tokens[0]) else None


def only_characters(node: Node) -> bool:
    """Whether a part asks for nothing but common characters."""
    if isinstance(node, Term):
        return common_character(node) is not None
    if isinstance(node, Not):
        return only_characters(node.part)
    return isinstance(node, And | Or) and all(map(only_characters, node.parts))


def told_by_columns(node: Node) -> bool:
    return names_sources(node) or only_characters(node)


def parted(query: Node | None) -> tuple[Node | None, list[Node]]:
    """What the table of words can answer by itself, and the parts beside it that columns must or had better answer:
    those that name sources, and those that ask for common characters alone."""
    if query is None:
        return None, []
    if not isinstance(query, And):
        return (None, [query]) if told_by_columns(query) else (query, [])
    others = [part for part in query.parts if told_by_columns(part)]
    return joined(And, [part for part in query.parts if part not in others]), others


def compiled_words(node: Node) -> tuple[str, bool]:
    """The query as an FTS5 expression; the second part tells that everything but its matches is meant.

    FTS5 has no NOT that stands alone, so each part that is negated is carried as its positive and taken from its
    brothers, or, where there are none, from everything.
    """
    if isinstance(node, Term):
        return _phrase(node), False
    if isinstance(node, Not):
        expression, negated = compiled_words(node.part)
        return expression, not negated
    if isinstance(node, Near):
        return f"NEAR({' '.join(_phrase(Term(term.text)) for term in node.terms)}, {NEAR_UNITS})", False
    assert isinstance(node, And | Or)
    made = [compiled_words(part) for part in node.parts]
    # By De Morgan an OR is the negation of an AND over the negated parts.
    flip = isinstance(node, Or) and any(negated for _, negated in made)
    if isinstance(node, Or) and not flip:
        return _expression("OR", [expression for expression, _ in made]), False
    required = [expression for expression, negated in made if negated == flip]
    excluded = [expression for expression, negated in made if negated != flip]
    if not required:
        return _expression("OR", excluded), not flip
    expression = _expression("AND", required)
    return (f"({expression} NOT {_expression('OR', excluded)})" if excluded else expression), flip


def _expression(operator: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({f' {operator} '.join(parts)})"


def _phrase(term: Term) -> str:
    asked = tokens.of_phrase(term.text)
    field = "title : " if term.field == "title" else ""
    return f'{field}"{" ".join(asked.tokens)}"' + (PREFIX if asked.open else "")
