"""The query language: words, "phrases", AND OR NOT, -word and brackets, parsed into a small tree.

Both engines compile the same tree, so a query means the same on both.
"""

from __future__ import annotations

import msgspec


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
