"""An office's answer to a citizen's message, the article's, though pages call it as they do readers' replies."""

from __future__ import annotations

import re

from crawlers import phrases
from crawlers.body.line_kinds import is_field
from crawlers.outline import Line, Outline, Span

_LABEL = re.compile(
    r"^[【\[]?(?:答复|回复|办理|受理|承办)(?:单位|部门|机构|内容|结果|情况|时间)(?:\s|[:：】\]]|$)|^官方(?:回复|答复)"
)


def has_answer_label(page: Outline, span: Span) -> bool:
    """Whether a label inside says that an office answers: `答复单位`."""
    return any(_LABEL.search(line.text) for line in page.lines[span.start : span.end] if len(line.text) <= 60)


def answer_in(page: Outline, span: Span) -> Span | None:
    """An element's lines from its first running text on, and the number and addressee right over that, where its words
    are those of an office that answers; None where they are not."""
    for place in range(span.start, span.end):
        line = page.lines[place]
        if line.prose and not line.dropped:
            if not phrases.ANSWERED.search(line.text[:120]):
                return None
            while place > span.start and _is_address(page.lines[place - 1]):
                place -= 1
            return Span(span.element, place, span.end)
    return None


def _is_address(line: Line) -> bool:
    """Whether a line is an answer's number, or says whom it is to."""
    if line.dropped or line.prose or is_field(line):
        return False
    return phrases.DOCUMENT_NUMBER.search(line.text) is not None or bool(
        len(line.text) <= 30 and line.text.endswith(("：", ":")) and not phrases.informs(line.text)
    )
