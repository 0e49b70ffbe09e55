"""The element, or the elements that look alike, that hold most of a page's running text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import lxml.html

from crawlers import phrases
from crawlers.body.data_tables import holds_data, is_about
from crawlers.body.likeness import FLOW, signature
from crawlers.body.office_answers import answer_in, has_answer_label
from crawlers.outline import Outline, Span
from crawlers.time_marks import ANY_TIME

ENTER = 0.75
"""Share of the running text that one child must hold for the text to be looked for in it alone."""
OF_GROUP = 0.4
"""Share of it that elements of one kind must hold together to be the text without the others."""
PARAGRAPH = 30
"""Characters of running text; what is shorter may be a question to readers or a notice."""
_BETWEEN = frozenset(("h2", "h3", "h4", "h5", "h6", "table"))
"""What stands between the parts of a text and is its own, whatever it holds."""


def main_block(page: Outline, begin: int) -> list[Span]:
    """The elements with most of the running text from the line `begin` on, in the order of the page: mostly one.

    From the body downwards, one child after the other is entered as long as one is the place to look in.
    """
    root = next(iter(page.spans.values()), None)
    if root is None:
        return []
    node = root
    while True:
        inner = [page.spans[child] for child in node.element if child in page.spans]
        first = next((span for span in inner if span.start < begin <= span.end), None)
        if first is not None and _is_first_of_articles(page, first, inner, begin - 1):
            node = first
            continue
        found = _step(page, node, inner, begin)
        if isinstance(found, list):
            return found
        node = found


def _step(page: Outline, node: Span, inner: Sequence[Span], begin: int) -> Span | list[Span]:
    """The child of an element that is to be entered; or, as a list, the elements that are the text. `inner` are all its
    children."""
    shares = [(span, page.prose(max(span.start, begin), span.end)) for span in inner if span.end > begin]
    shares = [(span, share) for span, share in shares if share]
    if not shares:
        return [node]
    whole = page.prose(max(node.start, begin), node.end)
    largest, most = max(shares, key=lambda pair: pair[1])
    with_text = [span for span, _ in shares]
    others = [span for span in with_text if span is not largest]
    is_box = _is_container(largest.element) and not _is_one_of_many(page, largest, inner)
    if with_text[0] is not largest and is_box and (largest.is_named or not _is_paragraph(page, largest)):
        answer = answer_in(page, largest)
        if answer is not None:
            # What stands before it is the message.
            return [*(span for span in others if span.start < largest.start), answer]
    if any(has_answer_label(page, span) for span in others):
        return [node]
    if most < ENTER * whole:
        return _of_several(page, node, inner, shares, whole)
    return largest if is_box and not _has_more_beside(page, node, inner, largest, others) else [node]


def _has_more_beside(page: Outline, node: Span, inner: Sequence[Span], largest: Span, others: Sequence[Span]) -> bool:
    """Whether what stands beside the child with nearly all of the text belongs to it: tables of data, paragraphs.
    `others` are those of `inner` that have running text, too."""
    if any(
        holds_data(page, span) and not _is_reply(page, span, largest) and not is_about(page, span, largest)
        for span in inner
        if span is not largest
    ):
        return True
    others = [span for span in others if not _is_notice(page, span, largest)]
    is_body = _is_body(node.element)
    return bool(others) and all(_is_paragraph(page, span) or (is_body and not span.is_named) for span in others)


def _of_several(
    page: Outline, node: Span, inner: Sequence[Span], shares: Sequence[tuple[Span, int]], whole: int
) -> Span | list[Span]:
    """As `_step`, where no child holds nearly all of the text: `shares` are those that hold some of it, and how many
    characters; `whole` is what `node` holds."""
    with_text = [span for span, _ in shares]
    first = with_text[0]
    posts = [span for span in with_text if signature(span.element) == signature(first.element)]
    if first.element.tag == "table" and first.is_named and len(posts) >= 3 and _are_posts(page, posts):
        # Forums set each post in a table.
        return first
    groups: dict[str, list[tuple[Span, int]]] = defaultdict(list)
    for span, share in shares:
        groups[_kind(span.element)].append((span, share))
    kind, members = max(groups.items(), key=lambda item: sum(share for _, share in item[1]))
    if kind == "flow" or sum(share for _, share in members) < OF_GROUP * whole:
        return [node]
    group = [span for span, _ in members]
    if len(group) == 1:
        beside = [span for span in with_text if span is not group[0]]
        if all(_is_paragraph(page, span) for span in beside):
            return [node]
        parts = [span for span in beside if _is_prose(page, span)]
        if parts and parts[0].start < group[0].start:
            # Its lead, and its last word, in boxes of their own: they hold a quarter of the text together. A box behind
            # it alone is more often a notice.
            return sorted([*group, *parts], key=lambda span: span.start)
        return group[0]
    if len(group) >= 3 and _are_posts(page, group):
        return group[0]
    return [node] if _is_interleaved(group, with_text) else _with_headings(page, inner, group)


def _is_first_of_articles(page: Outline, first: Span, all_of_them: Sequence[Span], headline: int) -> bool:
    """Whether whole articles follow the one with the headline, each under one of its own, as some sites load them."""
    title, mark = page.lines[headline].element, signature(first.element)
    if title is first.element or not (page.lines[headline].heading or title.get("class") or title.get("id")):
        return False
    following = [span for span in all_of_them if span.start >= first.end and signature(span.element) == mark]
    if not following or not page.prose(headline + 1, first.end):
        return False
    return all(
        any(
            signature(line.element) == signature(title) and line.heading == page.lines[headline].heading
            for line in page.lines[span.start : min(span.end, span.start + 4)]
        )
        and page.prose(span.start, span.end)
        and not has_answer_label(page, span)
        for span in following
    )


def _are_posts(page: Outline, group: Sequence[Span]) -> bool:
    """Whether they are posts of a thread, of which the first is the article."""
    marked = 0
    for span in group:
        marked += any(ANY_TIME.search(text) or phrases.REPLIES.search(text) for text in _labels(page, span))
    return marked > 0.6 * len(group)


def _is_interleaved(group: Sequence[Span], all_with_text: Sequence[Span]) -> bool:
    """Whether other running text stands between the members of a group time and again: an article in two languages,
    whose paragraphs take turns."""
    first, last = group[0].start, group[-1].end
    between = [span for span in all_with_text if first <= span.start < last and span not in group]
    return len(group) >= 3 and len(between) >= len(group) - 1


def _with_headings(page: Outline, inner: Sequence[Span], group: Sequence[Span]) -> list[Span]:
    """The parts of a text, with what has no running text and still is between them: headings, tables with data."""
    kind, first, last = _kind(group[0].element), group[0].start, group[-1].end
    return [
        span
        for span in inner
        if _kind(span.element) == kind
        or (first <= span.start < last and (span.element.tag in _BETWEEN or holds_data(page, span)))
    ]


def _is_body(element: lxml.html.HtmlElement) -> bool:
    """Whether a content system calls the element the body of an article."""
    return bool(phrases.BODY_NAMES.search(f"{element.get('class', '')} {element.get('id', '')}"))


def _is_reply(page: Outline, span: Span, post: Span) -> bool:
    """Whether an element is an answer beside the post that is the article: forums set each in a table."""
    if signature(span.element) != signature(post.element):
        return False
    labels = _labels(page, span)
    if any(phrases.REPLIES.search(text) for text in labels):
        return True
    return span.start >= post.end and span.is_named and any(ANY_TIME.search(text) for text in labels)


def _labels(page: Outline, span: Span) -> list[str]:
    """The short lines of an element that are no running text, as those with a post's author, time and floor."""
    return [line.text for line in page.lines[span.start : span.end] if len(line.text) <= 80 and not line.prose]


def _is_paragraph(page: Outline, span: Span) -> bool:
    """Whether an element is a paragraph: by its tag, or because all its words are its own."""
    if span.element.tag in ("p", "blockquote"):
        return True
    own = page.lines[span.start : span.end]
    return span.element.tag in ("div", "section") and all(line.element is span.element for line in own)


def _is_notice(page: Outline, span: Span, text: Span) -> bool:
    """Whether an element is a short paragraph in a box with a name of its own behind the text, which has several: it
    speaks of the page."""
    return (
        span.start >= text.end
        and span.element.tag in ("div", "section")
        and span.is_named
        and signature(span.element) != signature(text.element)
        and sum(line.prose > 0 for line in page.lines[text.start : text.end]) >= 2
        and page.prose(span.start, span.end) <= 80
    )


def _is_one_of_many(page: Outline, paragraph: Span, inner: Sequence[Span]) -> bool:
    """Whether an element is a line among others of its kind, which may be lists, fields or a signature without running
    text."""
    if paragraph.end - paragraph.start != 1 or not _is_paragraph(page, paragraph):
        return False
    name, style = signature(paragraph.element), paragraph.element.get("style")
    alike = [
        span
        for span in inner
        if span.end - span.start == 1
        and signature(span.element) == name
        and span.element.get("style") == style
        and not page.lines[span.start].dropped
        and not page.lines[span.start].linked
    ]
    return len(alike) >= 3


def _is_prose(page: Outline, span: Span) -> bool:
    """Whether an element holds a few paragraphs of running text, and nothing else."""
    own = page.left(span)
    return (
        span.element.tag in ("div", "section")
        and len(own) <= 6
        and all(line.prose >= PARAGRAPH and not line.linked and line.element.tag == "p" for line in own)
    )


def _is_container(element: lxml.html.HtmlElement) -> bool:
    """Whether an element may hold a text, rather than being a line of one."""
    return element.tag not in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "a", "b", "strong", "em", "i", "u")


def _kind(element: lxml.html.HtmlElement) -> str:
    """How an element counts among its siblings: as running text, or by its name."""
    if element.tag in FLOW or not (element.get("class") or element.get("id")):
        return "flow"
    return signature(element)
