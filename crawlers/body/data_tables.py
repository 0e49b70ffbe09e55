"""Tables that hold data, among the elements of a page: lists of names, results, prices.

Which of a table's rows are data is told by `crawlers.data_rows`; here only how much it holds and what it is of.
"""

from __future__ import annotations

from crawlers import phrases
from crawlers.outline import Outline, Span


def largest_data_table(page: Outline, headline: int) -> Span | None:
    """The largest table with data behind the headline, and what little stands in one box with it; None where there is
    none, or where it says of a document what it is."""
    tables = [
        span
        for element, span in page.spans.items()
        if element.tag == "table"
        and span.start > headline
        and holds_data(page, span)
        and element.find(".//table") is None
    ]
    largest = max(tables, key=lambda span: _words(page, span), default=None)
    if largest is None or _has_particulars(page, largest):
        return None
    box = largest.element.getparent()
    around = page.spans.get(box) if box is not None and box.tag not in ("body", "td", "form") else None
    if around is None or around.start <= headline or _words(page, around) >= 1.5 * _words(page, largest):
        return largest
    return around


def is_table_alone(page: Outline, headline: int | None) -> bool:
    """Whether a table with data right behind the headline is all of the article, and what follows it are readers."""
    if headline is None:
        return False
    table = largest_data_table(page, headline)
    if table is None or page.prose(headline + 1, table.end):
        return False
    behind = [line for line in page.lines[table.end :] if line.prose and not line.dropped]
    held = sum(len(line.text) for line in page.lines[table.start : table.end])
    box = table.element.getparent()
    while box is not None and (span := page.spans.get(box)) is not None and not page.prose(span.start, span.end):
        box = box.getparent()
    # In a box of its own, which may be what was found.
    apart = table.element.tag != "table" or box is not table.element.getparent()
    return apart and sum(line.prose for line in behind) < held and all(line.prose < 60 for line in behind)


def holds_data(page: Outline, span: Span) -> bool:
    """Whether an element is a table with data, which has no running text and still is the article's."""
    if span.element.tag != "table" and span.element.find(".//table") is None:
        return False
    return len(page.left(span)) >= 4 and _words(page, span) >= 60


def is_about(page: Outline, span: Span, text: Span) -> bool:
    """Whether a table over the text says of it who published it and when."""
    return span.start < text.start and _has_particulars(page, span)


def _has_particulars(page: Outline, span: Span) -> bool:
    return any(phrases.PARTICULAR.match(line.text) for line in page.lines[span.start : span.end])


def _words(page: Outline, span: Span) -> int:
    """Characters of a span that are no links, without what was dropped."""
    return sum(len(line.text) - line.linked for line in page.left(span))
