"""The article's lines: the road of most pages, and those of pages that are a table, a few words, or a question."""

from __future__ import annotations

from crawlers import phrases
from crawlers.body.data_tables import is_table_alone, largest_data_table
from crawlers.body.edges import trim
from crawlers.body.line_kinds import is_information
from crawlers.body.main_block import main_block
from crawlers.outline import Outline, Span


def article_lines(page: Outline, headline: int | None, title: str) -> list[int]:
    """The places of the article's lines among those of the page; empty where nothing is found.

    Parameters
    ----------
    page:
        Its outline, from which what surrounds articles was dropped.
    headline:
        The place of the headline; None where it is not on the page.
    title:
        The headline's words, which may stand over the text once more.
    """
    begin = headline + 1 if headline is not None else 0
    if not page.prose(begin, len(page.lines)):
        begin = 0
    if not page.prose(begin, len(page.lines)) or is_table_alone(page, headline):
        return _few_words(page, headline, title)
    spans = main_block(page, begin)
    spans += _folded(page, spans)
    places = [
        place for span in spans for place in range(max(span.start, begin), span.end) if not page.lines[place].dropped
    ]
    return [*_question(page, headline, places), *trim(page, sorted(set(places)), title)]


def _folded(page: Outline, spans: list[Span]) -> list[Span]:
    """The rest of a text that a reader asks for by `展开全文`: the box behind that line, beside the box before it."""
    found: list[Span] = []
    for place in range(spans[-1].end, min(spans[-1].end + 2, len(page.lines) - 1)) if spans else ():
        if phrases.UNFOLDS.fullmatch(page.lines[place].text):
            home = spans[-1].element.getparent()
            behind = (span for span in page.spans.values() if span.start == place + 1)
            found += [span for span in behind if span.element.getparent() is home and page.prose(span.start, span.end)]
    return found


def _question(page: Outline, headline: int | None, places: list[int]) -> list[int]:
    """The running text that says more of a question, in one box with its headline, where answers are the text."""
    if headline is None or not places:
        return []
    if not any(len(line.text) <= 30 and phrases.ANSWERS.search(line.text) for line in page.lines):
        return []
    end = headline + 1
    for box in page.lines[headline].element.iterancestors():
        span = page.spans.get(box)
        if span is None or span.end > places[0]:
            break
        end = span.end
    return [place for place in range(headline + 1, end) if page.lines[place].prose and not page.lines[place].dropped]


def _few_words(page: Outline, headline: int | None, title: str) -> list[int]:
    """The lines of a page without running text: its table of data, or what stands beside the longest line behind the
    headline."""
    if headline is None:
        return []
    lines = page.lines
    if table := largest_data_table(page, headline):
        return trim(page, [place for place in range(table.start, table.end) if not lines[place].dropped], title)
    left = [
        place
        for place in range(headline + 1, len(lines))
        if not lines[place].dropped and not is_information(lines[place]) and not lines[place].linked
    ]
    longest = max(left, key=lambda place: len(lines[place].text), default=None)
    if longest is None or len(lines[longest].text) < 8:
        return []
    beside = lines[longest].element.getparent()
    return trim(page, [place for place in left if lines[place].element.getparent() is beside], title)
