"""What is no article by its tag, its name, its links or its repetition: menus, comments, cards, notices of rights."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import lxml.html

from crawlers import phrases
from crawlers.body.likeness import signature
from crawlers.body.line_kinds import is_link
from crawlers.body.office_answers import answer_in, has_answer_label
from crawlers.outline import Outline, Span
from crawlers.time_marks import ANY_TIME

OF_PAGE = 0.4
"""An element with more of the page's running text than this is not dropped for its name."""
_COMMENTS = re.compile(r"评论|評論|回复|回覆|跟[贴帖]|留言|网友|聊天室|互动区|comments?", re.IGNORECASE)
_OF_TEXT = frozenset((
    "p", "tr", "td", "th", "span", "tbody", "br", "option", "b", "strong", "font", "em", "i", "a", "h1", "h2", "h3",
    "h4",
))  # fmt: skip
"""Elements that any text repeats."""
_ASIDE_TAGS = frozenset(("nav", "footer", "aside", "form", "header"))


def drop_surroundings(page: Outline, headline: int | None) -> None:
    """Drop what is no article from an outline.

    Parameters
    ----------
    page:
        Its lines are marked as dropped.
    headline:
        The place of the headline among the lines; None where it is not on the page.
    """
    for place, line in enumerate(page.lines):
        if place != headline and len(line.text) <= 200 and phrases.SENTENCE_FURNITURE.search(line.text):
            line.dropped = True
    _drop_steps(page)
    whole = max(page.prose(0, len(page.lines)), 1)
    begin = headline + 1 if headline is not None else 0
    for span in page.spans.values():
        if span.end <= span.start or span.element.tag in ("body", "html"):
            continue
        if _is_aside(span.element) and not _holds_article(page, span, headline, whole):
            page.drop(span.start, span.end)
    for span in page.spans.values():
        if span.end - span.start >= 2 and span.element.tag != "body" and _is_links(page, span):
            page.drop(span.start, span.end)
    for span in page.spans.values():
        if (_is_card(page, span) or _is_offer(page, span)) and page.prose(begin, span.start):
            page.drop(span.start, span.end)
    for span in page.spans.values():
        if _is_inset(page, span) and page.prose(begin, span.start) and page.prose(span.end, len(page.lines)):
            page.drop(span.start, span.end)
    for group in _repeated(page):
        if page.prose(begin, group[0].start) and _is_comments_or_cards(page, group):
            page.drop(group[0].start, group[-1].end)


def _drop_steps(page: Outline) -> None:
    """Drop the steps on a message's way, with who took each and when, where a box holds nothing else."""
    for line in page.lines:
        if line.dropped or not phrases.HANDED_ON.match(line.text):
            continue
        line.dropped = True
        box = line.element.getparent()
        span = page.spans.get(box) if box is not None else None
        if span is not None and span.end - span.start <= 5 and not page.prose(span.start, span.end):
            page.drop(span.start, span.end)


def _is_aside(element: lxml.html.HtmlElement) -> bool:
    if element.tag in _ASIDE_TAGS:
        return True
    names = f"{element.get('class', '')} {element.get('id', '')}".replace("__next", "")
    return names != " " and bool(phrases.ASIDE_NAMES.search(names)) and not phrases.BODY_NAMES.search(names)


def _holds_article(page: Outline, span: Span, headline: int | None, whole: int) -> bool:
    """Whether an element holds too much to be dropped for its name: the headline, an office's answer, or much of the
    page's running text, which is `whole`."""
    if headline is not None and span.start <= headline < span.end:
        return True
    held = page.prose(span.start, span.end)
    if held and (has_answer_label(page, span) or answer_in(page, span) is not None):
        return True
    if held > OF_PAGE * whole:
        # Comments may be longer than the article; but they come after it.
        return headline is None or not page.prose(headline + 1, span.start)
    return False


def _is_links(page: Outline, span: Span) -> bool:
    """Whether an element is a list of links: three that are most of its words, or two that are nearly all. Files
    that go with a text are no such links."""
    words = linked = links = files = 0
    for line in page.left(span):
        files += phrases.ATTACHED.search(line.text) is not None
        words += len(line.text)
        linked += line.linked
        links += line.linked > 0
        if line.prose > 60:
            return False
    if not words or files * 2 > links:
        return False
    return (links >= 3 and linked > 0.6 * words) or (links >= 2 and linked > 0.85 * words)


def _is_card(page: Outline, span: Span) -> bool:
    """Whether an element is one card in the text that leads elsewhere: a linked headline and a few words."""
    if not 2 <= span.end - span.start <= 4 or span.element.tag not in ("div", "section", "dl", "li"):
        return False
    lines = page.left(span)
    if len(lines) < 2 or not span.is_named or not (is_link(lines[0]) and lines[0].linked >= 6):
        return False
    return sum(len(line.text) for line in lines[1:]) <= 120


def _is_offer(page: Outline, span: Span) -> bool:
    """Whether an element is an advertisement, goods or somebody's card in the text: a few words in a box of its own,
    one line of them a price or what to do, or a button beside a picture."""
    if not 2 <= span.end - span.start <= 5 or span.element.tag not in ("div", "section", "a") or not span.is_named:
        return False
    lines = page.lines[span.start : span.end]
    if any(line.prose for line in lines) or sum(len(line.text) for line in lines) > 120:
        return False
    if any(phrases.OFFER.fullmatch(line.text) for line in lines):
        return True
    has_button = any(line.linked == len(line.text) <= 6 for line in lines)
    return has_button and span.element.find(".//img") is not None


def _is_inset(page: Outline, span: Span) -> bool:
    """Whether an element is a table of one cell that the text flows around, as old pages set notices and
    advertisements into it."""
    element = span.element
    if element.tag != "table" or element.get("align", "").lower() not in ("left", "right"):
        return False
    lines = page.lines[span.start : span.end]
    if not lines or sum(len(line.text) for line in lines) > 160:
        return False
    return sum(1 for _ in element.iter("td", "th")) == 1


def _repeated(page: Outline) -> Iterator[list[Span]]:
    """Groups of three and more children of one element that look alike."""
    for element, span in page.spans.items():
        if span.end - span.start < 3:
            continue
        groups: dict[str, list[Span]] = defaultdict(list)
        for child in element:
            inner = page.spans.get(child)
            if inner is not None and inner.end > inner.start and child.tag not in _OF_TEXT:
                groups[signature(child)].append(inner)
        for group in groups.values():
            if len(group) >= 3:
                yield group


def _is_comments_or_cards(page: Outline, group: list[Span]) -> bool:
    """Whether most of a group are readers' comments (a name, a time, some words) or cards that lead elsewhere."""
    lead = page.lines[max(group[0].start - 6, 0) : group[0].start]
    spoken = any(_COMMENTS.search(line.text) for line in lead if len(line.text) <= 40)
    dated = cards = 0
    for span in group:
        lines = page.left(span)
        short = [line for line in lines if len(line.text) <= 60 and not line.prose]
        spoken = spoken or any(phrases.REPLIES.search(line.text) for line in short)
        dated += (
            any(ANY_TIME.search(line.text) or phrases.REPLIES.search(line.text) for line in short) and len(lines) > 1
        )
        cards += any(is_link(line) and line.linked >= 6 for line in lines)
    # Dates alone are no sign: a chronicle has them, too.
    return max(dated if spoken else 0, cards) > 0.6 * len(group)
