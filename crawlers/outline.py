"""A page as a list of lines in the order of the document, and every element as a span of them.

All rules of the extraction work on this outline: it is made in one walk over the tree, and dropping an element, or
measuring one, is then arithmetic on a span of lines instead of another walk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import lxml.html
from lxml import etree

from crawlers import phrases
from crawlers.markup import BLOCKS, SILENT

_SPACES = re.compile(r"[ \t\r\n\u00a0\u3000\u200b\ufeff]+")
_STOPS = "，。；！？、,;!?"
_ENDS = tuple("。！？…；!?")
_SKIPPED = frozenset(
    (*SILENT, "select", "option", "textarea", "button", "audio", "video", "canvas", "map", "input")
) - {"head"}
_CELLS = frozenset(("td", "th"))
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_EXACT = re.compile(
    r"\s*(?:(?:发布|发表|创建)[于時时]?间?\s*[:：]?\s*)?20\d{2}[-/年.]\d{1,2}[-/月.]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?\s*"
)
_CHANGED = re.compile(r"(?:最后)?(?:编辑|修改|更新)于\s*\d{4}.{0,20}$")
_TIME_ENDS = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}$|\d{1,2}[-/]\d{2}$|\d{1,2}:\d{2}$")
_TIME_BEGINS = re.compile(
    r"20\d{2}[-/.年]\d{1,2}|\d{1,2}-\d{1,2}\s+\d{1,2}:\d{2}|(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?\s*$"
)
LITTLE = 50
"""Characters of running text; a page that shows fewer may hide the rest."""
MANY = 20_000
"""Lines, and tens of elements, beyond this are left alone: no article is so long; a page made to exhaust us may be."""


@dataclass(slots=True)
class Line:
    """A line of words as a reader sees it.

    Attributes
    ----------
    linked:
        How many of its characters are links.
    element:
        The innermost block that it stands in.
    heading:
        1 to 6 in an `h1` to `h6`, 0 elsewhere.
    prose:
        How many characters of running text it adds: 0 for labels, menus and headlines.
    """

    text: str
    linked: int
    element: lxml.html.HtmlElement
    heading: int
    prose: int
    dropped: bool = False


@dataclass(slots=True)
class Span:
    """The lines of an element: from `start` up to, not including, `end`."""

    element: lxml.html.HtmlElement
    start: int
    end: int = -1

    @property
    def is_named(self) -> bool:
        """Whether its element has a class or an id: it was made for something."""
        return bool(self.element.get("class") or self.element.get("id"))


@dataclass(slots=True)
class Outline:
    """The lines of a page, the span of each of its elements in document order, and its links."""

    lines: list[Line] = field(default_factory=list)
    spans: dict[lxml.html.HtmlElement, Span] = field(default_factory=dict)
    links: list[lxml.html.HtmlElement] = field(default_factory=list)

    def drop(self, start: int, end: int) -> None:
        """Take lines away."""
        for line in self.lines[start:end]:
            line.dropped = True

    def prose(self, start: int, end: int) -> int:
        """Characters of running text in a span, without what was dropped."""
        return sum(line.prose for line in self.lines[start:end] if not line.dropped)

    def left(self, span: Span) -> list[Line]:
        """The lines of a span that were not dropped."""
        return [line for line in self.lines[span.start : span.end] if not line.dropped]

    def texts(self, start: int = 0, end: int | None = None) -> list[str]:
        return [line.text for line in self.lines[start:end] if not line.dropped]


def outline(tree: lxml.html.HtmlElement) -> Outline:
    """Walk a page once; what is hidden is left out, unless next to nothing is shown.

    Parameters
    ----------
    tree:
        The whole page, or an element of one.
    """
    body = tree.find("body") if tree.tag == "html" else tree
    root = tree if body is None else body
    shown = _Walk().over(root)
    if shown.prose(0, len(shown.lines)) >= LITTLE:
        return shown
    # Some pages hide their text until a script has run.
    everything = _Walk(hidden=True).over(root)
    return everything if everything.prose(0, len(everything.lines)) >= LITTLE else shown


def prose_of(text: str, linked: int) -> int:
    """Characters of running text: those of a line that reads like sentences and is mostly no link."""
    length = len(text)
    if length < 8 or linked * 2 > length:
        return 0
    ends = text.endswith(_ENDS)
    if length < 150 and not ends and phrases.informs(text):
        return 0
    stops = sum(map(text.count, _STOPS))
    # Headlines have a comma, too; what is short must end as a sentence does.
    if stops and (ends or length >= 40 or (stops >= 2 and length >= 30) or text.endswith(("：", "”", "」", "）"))):
        return length - linked
    # Long Latin or unpunctuated text, as in old forums; labels and headlines are shorter.
    return length - linked if length - linked >= 80 else 0


def _is_apart(before: str, text: str) -> bool:
    """Whether digits of two elements are two numbers: a date or a clock ends, or one begins: `2026-11-24` and `203`."""
    return _TIME_ENDS.search(before) is not None or _TIME_BEGINS.match(text) is not None


def _is_vague(element: lxml.html.HtmlElement) -> bool:
    """Whether an element says a time in few words and no year, or when it was changed: `3 天前`, `编辑于 2026-11-26`,
    with the one that counts as its hint."""
    text = (element.text or "").strip()
    return not len(element) and (
        (len(text) <= 16 and not re.search(r"\d{4}", text)) or _CHANGED.match(text) is not None
    )


class _Walk:
    def __init__(self, hidden: bool = False) -> None:
        self._hidden = hidden
        self.found = Outline()
        self._parts: list[str] = []
        self._linked = 0
        self._in_link = 0
        self._heading = 0
        self._blocks: list[lxml.html.HtmlElement] = []
        self._pre = 0

    def over(self, root: lxml.html.HtmlElement) -> Outline:
        found = self.found
        self._blocks = [root]
        spans, parts = found.spans, self._parts
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, node in walk:
            if event == "start":
                tag = node.tag
                if tag in _SKIPPED or (
                    not self._hidden and tag != "body" and (style := node.get("style")) and _HIDDEN.search(style)
                ):
                    # Its end event still comes, and with it the words after it.
                    walk.skip_subtree()
                    continue
                if tag in BLOCKS:
                    self._break()
                    if tag != "br":
                        self._blocks.append(node)
                    if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
                        self._heading = int(tag[1])
                    elif tag == "pre":
                        self._pre += 1
                elif tag in _CELLS:
                    self._words(" ")
                elif tag == "a":
                    self._in_link += 1
                    found.links.append(node)
                elif tag == "img" and (alt := node.get("alt", "")).startswith("["):
                    self._words(alt)
                spans[node] = Span(node, len(found.lines))
                exact = node.get("title") or node.get("data-tooltip")
                if exact and _EXACT.fullmatch(exact) and _is_vague(node):
                    self._words(exact)
                elif node.text:
                    self._words(node.text)
            elif event == "end":
                tag = node.tag
                span = spans.get(node)
                if span is not None:
                    if tag in BLOCKS:
                        self._break()
                        if tag != "br":
                            self._blocks.pop()
                        if self._heading and tag[0] == "h" and tag[1:] == str(self._heading):
                            self._heading = 0
                        elif tag == "pre":
                            self._pre -= 1
                    elif tag == "a":
                        self._in_link -= 1
                    # An element whose words go on in the line behind it still has a share in that line.
                    span.end = len(found.lines) + bool(parts)
                if node is not root and node.tail:
                    self._words(node.tail)
            elif node.tail:
                self._words(node.tail)
            if len(found.lines) > MANY or len(spans) > 10 * MANY:
                break
        self._break()
        for span in spans.values():
            # Those that the walk left open, because the page is too long, go to its end.
            span.end = min(span.end if span.end >= 0 else len(found.lines), len(found.lines))
        return found

    def _words(self, text: str) -> None:
        if self._pre and "\n" in text:
            first, *others = text.split("\n")
            self._put(first)
            for other in others:
                self._break()
                self._put(other)
        else:
            self._put(text)

    def _put(self, text: str) -> None:
        if not self._parts and not text.strip():
            return
        if self._parts and text[0].isdigit() and self._parts[-1][-1:].isdigit() and _is_apart(self._parts[-1], text):
            self._parts.append(" ")
        self._parts.append(text)
        if self._in_link:
            self._linked += len(text.strip())

    def _break(self) -> None:
        if not self._parts:
            return
        text = _SPACES.sub(" ", "".join(self._parts)).strip()
        self._parts.clear()
        linked, self._linked = self._linked, 0
        if text:
            linked = min(linked, len(text))
            self.found.lines.append(
                Line(
                    text,
                    linked,
                    self._blocks[-1],
                    self._heading,
                    0 if self._heading in (1, 2) else prose_of(text, linked),
                )
            )
