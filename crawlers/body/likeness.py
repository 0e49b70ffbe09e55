"""Which elements of a page look alike, and which of its lines stand alike: paragraphs, items of a list."""

from __future__ import annotations

import re

import lxml.html

_NUMBERED = re.compile(r"[\d_-]*\d[\w-]*$")
"""What a name ends in that counts its elements: `post_1203`."""
FLOW = frozenset((
    "p", "blockquote", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "figure", "br", "li", "tr", "dd",
    "center", "b", "strong", "font",
))  # fmt: skip
"""Elements that a text is made of: they stand alike whatever they are called."""


def signature(element: lxml.html.HtmlElement) -> str:
    """The tag and the first name of an element, without the number that may end it."""
    names = (element.get("class") or "").split()
    mark = names[0] if names else str(element.get("id", ""))
    return f"{element.tag!s}.{_NUMBERED.sub('', mark)}"


def position(element: lxml.html.HtmlElement) -> tuple[object, ...]:
    """Where a line stands, given its element: its parent, or, where each line has a parent of its own, the way to it
    from an element that has several."""
    parent = element.getparent()
    if parent is None:
        return ("",)
    if len(parent) > 1 or parent.tag == "body":
        return (element.tag, id(parent)) if element.tag in FLOW else (signature(element), id(parent))
    way = [signature(element), signature(parent)]
    above = parent.getparent()
    while above is not None and len(above) == 1:
        way.append(signature(above))
        above = above.getparent()
    return (*way, id(above))


def positions(element: lxml.html.HtmlElement) -> set[tuple[object, ...]]:
    """Where a line stands, in two ways: lines that stand alike share one of them at least. By the second, paragraphs in
    boxes of one kind, one beside the other, stand alike as well."""
    found = {position(element)}
    parent = element.getparent()
    above = parent.getparent() if parent is not None else None
    if parent is not None and above is not None and parent.tag not in ("body", "html"):
        found.add((element.tag, signature(parent), id(above)))
    return found


def named_positions(element: lxml.html.HtmlElement) -> set[tuple[object, ...]]:
    """As `positions`, of which lines share none whose own elements are called differently."""
    return {(*one, signature(element)) for one in positions(element)}
