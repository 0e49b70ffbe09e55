"""Which lines of a page are its article: structure, link density, and the words of Chinese pages.

The road of a page: what is no article by its name, its links or its repetition is dropped; the element that holds most
of the running text after the headline is entered as long as one child holds nearly all of it; what stands around the
text in that element is cut by its words. Each step marks lines of the outline and changes nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import lxml.html

from crawlers import phrases
from crawlers.data_rows import rows_of_data
from crawlers.outline import Line, Outline, Span

_OFFICIAL = re.compile(
    r"^[【\[]?(?:答复|回复|办理|受理|承办)(?:单位|部门|机构|内容|结果|情况|时间)(?:\s|[:：】\]]|$)|^官方(?:回复|答复)"
)
ENTER = 0.75
"""Share of the running text that one child must hold for the text to be looked for in it alone."""
PARAGRAPH = 30
"""Characters of running text; what is shorter may be a question to readers or a notice."""
OF_PAGE = 0.4
"""An element with more of the page's running text than this is not dropped for its name."""
_DATED = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|(?<!\d)\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:\d{2}|\d+\s*(?:秒|分钟"
    r"|分鐘|小时"
    r"|小時|天|个月|周|年)前|(?:今天|昨天|前天)\s*\d{1,2}:\d{2}"
)
_COMMENTS = re.compile(r"评论|評論|回复|回覆|跟[贴帖]|留言|网友|聊天室|互动区|comments?", re.IGNORECASE)
_FLOW = frozenset((
    "p", "blockquote", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "figure", "br", "li", "tr", "dd",
    "center", "b", "strong", "font",
))  # fmt: skip
_ROWS = frozenset(
    (
        "p",
        "tr",
        "td",
        "th",
        "span",
        "tbody",
        "br",
        "option",
        "b",
        "strong",
        "font",
        "em",
        "i",
        "a",
        "h1",
        "h2",
        "h3",
        "h4",
    )
)
_ASIDE_TAGS = frozenset(("nav", "footer", "aside", "form", "header"))
_BETWEEN = frozenset(("h2", "h3", "h4", "h5", "h6", "table"))
"""What stands between the parts of a text and is its own, whatever it holds."""
_DIGITS = re.compile(r"[\d_-]*\d[\w-]*$")


def drop_surroundings(page: Outline, headline: int | None) -> None:
    """Drop what is no article by its tag, its name, its links or its repetition.

    Parameters
    ----------
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
        first, last = group[0].start, group[-1].end
        before = page.prose(begin, first)
        if before and _is_comments_or_cards(page, group):
            page.drop(first, last)


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


def article_lines(page: Outline, headline: int | None, title: str) -> list[int]:
    """The places of the article's lines among those of the page; empty where there is no running text."""
    begin = headline + 1 if headline is not None else 0
    if not page.prose(begin, len(page.lines)):
        begin = 0
    if not page.prose(begin, len(page.lines)) or _is_table_alone(page, headline):
        return _few_words(page, headline, title)
    spans = _enter(page, begin)
    places = [
        place for span in spans for place in range(max(span.start, begin), span.end) if not page.lines[place].dropped
    ]
    return [*_question(page, headline, places), *_trim(page, sorted(set(places)), title)]


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
    """The lines of a page without running text: beside the longest line behind the headline, where there is one."""
    if headline is None:
        return []
    lines = page.lines
    if table := _data_table(page, headline):
        return _trim(page, [place for place in range(table.start, table.end) if not lines[place].dropped], title)
    left = [
        place
        for place in range(headline + 1, len(lines))
        if not lines[place].dropped and not _is_information(lines[place]) and not lines[place].linked
    ]
    longest = max(left, key=lambda place: len(lines[place].text), default=None)
    if longest is None or len(lines[longest].text) < 8:
        return []
    beside = lines[longest].element.getparent()
    return _trim(page, [place for place in left if lines[place].element.getparent() is beside], title)


def _data_table(page: Outline, headline: int) -> Span | None:
    """The largest table with data behind the headline, and what stands in one box with it: lists of names, results and
    prices are published as nothing else."""

    def size(span: Span) -> int:
        return sum(len(line.text) - line.linked for line in page.lines[span.start : span.end] if not line.dropped)

    tables = [
        span
        for element, span in page.spans.items()
        if element.tag == "table"
        and span.start > headline
        and _is_data(page, span)
        and element.find(".//table") is None
    ]
    largest = max(tables, key=size, default=None)
    if largest is None or any(phrases.PARTICULAR.match(line.text) for line in page.lines[largest.start : largest.end]):
        return None
    box = largest.element.getparent()
    around = page.spans.get(box) if box is not None and box.tag not in ("body", "td", "form") else None
    return around if around is not None and around.start > headline and size(around) < 1.5 * size(largest) else largest


def _is_table_alone(page: Outline, headline: int | None) -> bool:
    """Whether a table with data right behind the headline is all of the article, and what follows it are readers."""
    table = _data_table(page, headline) if headline is not None else None
    if headline is None or table is None or page.prose(headline + 1, table.end):
        return False
    behind = [line for line in page.lines[table.end :] if line.prose and not line.dropped]
    held = sum(len(line.text) for line in page.lines[table.start : table.end])
    box = table.element.getparent()
    while box is not None and (span := page.spans.get(box)) is not None and not page.prose(span.start, span.end):
        box = box.getparent()
    # In a box of its own, which may be what was found.
    apart = table.element.tag != "table" or box is not table.element.getparent()
    return apart and sum(line.prose for line in behind) < held and all(line.prose < 60 for line in behind)


def _is_aside(element: lxml.html.HtmlElement) -> bool:
    if element.tag in _ASIDE_TAGS:
        return True
    names = f"{element.get('class', '')} {element.get('id', '')}".replace("__next", "")
    return names != " " and bool(phrases.ASIDE_NAMES.search(names)) and not phrases.BODY_NAMES.search(names)


def _holds_article(page: Outline, span: Span, headline: int | None, whole: int) -> bool:
    """Whether an element holds too much to be dropped for its name: the headline, or much of the running text."""
    if headline is not None and span.start <= headline < span.end:
        return True
    held = page.prose(span.start, span.end)
    if held and (_is_official(page, span) or _answer(page, span) is not None):
        return True
    if held > OF_PAGE * whole:
        # Comments may be longer than the article; but they come after it.
        return headline is None or not page.prose(headline + 1, span.start)
    return False


def _is_official(page: Outline, span: Span) -> bool:
    """Whether a department's answer to a message is inside; it is called as readers' replies are."""
    return any(_OFFICIAL.search(line.text) for line in page.lines[span.start : span.end] if len(line.text) <= 60)


def _is_first_of_articles(page: Outline, first: Span, all_of_them: list[Span], headline: int) -> bool:
    """Whether whole articles follow the one with the headline, each under one of its own, as some sites load them."""
    title, mark = page.lines[headline].element, _signature(first.element)
    if title is first.element or not (page.lines[headline].heading or title.get("class") or title.get("id")):
        return False
    following = [span for span in all_of_them if span.start >= first.end and _signature(span.element) == mark]
    if not following or not page.prose(headline + 1, first.end):
        return False
    return all(
        any(
            _signature(line.element) == _signature(title) and line.heading == page.lines[headline].heading
            for line in page.lines[span.start : min(span.end, span.start + 4)]
        )
        and page.prose(span.start, span.end)
        and not _is_official(page, span)
        for span in following
    )


def _answer(page: Outline, span: Span) -> Span | None:
    """An element's lines from its first running text on, where that is an office's answer to a citizen."""
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
    if line.dropped or line.prose or _is_field(line):
        return False
    return phrases.DOCUMENT_NUMBER.search(line.text) is not None or bool(
        len(line.text) <= 30 and line.text.endswith(("：", ":")) and not phrases.informs(line.text)
    )


def _is_links(page: Outline, span: Span) -> bool:
    """Whether an element is a list of links: at least three, and most of its words."""
    words = linked = links = files = 0
    for line in page.lines[span.start : span.end]:
        if line.dropped:
            continue
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
    lines = [line for line in page.lines[span.start : span.end] if not line.dropped]
    if len(lines) < 2 or not _is_named(span) or not (_is_link(lines[0]) and lines[0].linked >= 6):
        return False
    return sum(len(line.text) for line in lines[1:]) <= 120


def _is_offer(page: Outline, span: Span) -> bool:
    """Whether an element is an advertisement, goods or somebody's card in the text: a few words in a box of its own,
    one line of them a price or what to do, or a button beside a picture."""
    if not 2 <= span.end - span.start <= 5 or span.element.tag not in ("div", "section", "a") or not _is_named(span):
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
            if inner is not None and inner.end > inner.start and child.tag not in _ROWS:
                groups[_signature(child)].append(inner)
        for group in groups.values():
            if len(group) >= 3:
                yield group


def _signature(element: lxml.html.HtmlElement) -> str:
    names = (element.get("class") or "").split()
    mark = names[0] if names else str(element.get("id", ""))
    return f"{element.tag!s}.{_DIGITS.sub('', mark)}"


def _is_comments_or_cards(page: Outline, group: list[Span]) -> bool:
    """Whether most of a group are readers' comments (a name, a time, some words) or cards that lead elsewhere."""
    lead = page.lines[max(group[0].start - 6, 0) : group[0].start]
    spoken = any(_COMMENTS.search(line.text) for line in lead if len(line.text) <= 40)
    dated = cards = 0
    for span in group:
        lines = [line for line in page.lines[span.start : span.end] if not line.dropped]
        short = [line for line in lines if len(line.text) <= 60 and not line.prose]
        spoken = spoken or any(phrases.REPLIES.search(line.text) for line in short)
        dated += any(_DATED.search(line.text) or phrases.REPLIES.search(line.text) for line in short) and len(lines) > 1
        cards += any(_is_link(line) and line.linked >= 6 for line in lines)
    # Dates alone are no sign: a chronicle has them, too.
    return max(dated if spoken else 0, cards) > 0.6 * len(group)


def _enter(page: Outline, begin: int) -> list[Span]:
    """The element, or the elements that look alike, with most of the running text from `begin` on."""
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
        shares = [(span, page.prose(max(span.start, begin), span.end)) for span in inner if span.end > begin]
        shares = [(span, share) for span, share in shares if share]
        whole = page.prose(max(node.start, begin), node.end)
        if not shares:
            return [node]
        largest, most = max(shares, key=lambda pair: pair[1])
        is_box = _is_container(largest.element) and (_is_named(largest) or not _is_paragraph(page, largest))
        is_box = is_box and not _is_one_of_many(page, largest, inner)
        if shares[0][0] is not largest and is_box and (answer := _answer(page, largest)):
            # What stands before it is the message.
            return [*(span for span, _ in shares if span.start < largest.start), answer]
        if most >= ENTER * whole:
            if not _is_container(largest.element) or _is_one_of_many(page, largest, inner):
                return [node]
            if any(
                _is_data(page, span) and not _is_reply(page, span, largest) and not _is_about(page, span, largest)
                for span in inner
                if span is not largest
            ):
                return [node]
            if any(_is_official(page, span) for span, _ in shares if span is not largest):
                return [node]
            others = [span for span, _ in shares if span is not largest and not _is_notice(page, span, largest)]
            is_body = _is_body(node.element)
            if others and all(_is_paragraph(page, span) or (is_body and not _is_named(span)) for span in others):
                # Paragraphs beside the largest part belong to it.
                return [node]
            node = largest
            continue
        if any(_is_official(page, span) for span, _ in shares if span is not largest):
            return [node]
        groups: dict[str, list[tuple[Span, int]]] = defaultdict(list)
        for span, share in shares:
            groups[_kind(span.element)].append((span, share))
        posts = [span for span, _ in shares if _signature(span.element) == _signature(shares[0][0].element)]
        if shares[0][0].element.tag == "table" and _is_named(posts[0]) and len(posts) >= 3 and _is_thread(page, posts):
            # Forums set each post in a table.
            node = posts[0]
            continue
        mark, group = max(groups.items(), key=lambda item: sum(share for _, share in item[1]))
        held = sum(share for _, share in group)
        if mark == "flow" or held < 0.4 * whole:
            if mark != "flow" and most >= 0.4 * whole and _is_container(largest.element):
                node = largest
                continue
            return [node]
        if len(group) == 1 and all(_is_paragraph(page, span) for span, _ in shares if span is not group[0][0]):
            return [node]
        beside = [span for span, _ in shares if span is not group[0][0] and _is_prose(page, span)]
        if len(group) == 1 and beside and beside[0].start < group[0][0].start and most < ENTER * whole:
            # Its lead, and its last word, in boxes of their own: they hold a quarter of the text together. A box behind
            # it alone is more often a notice.
            return sorted([group[0][0], *beside], key=lambda span: span.start)
        if len(group) == 1 or (len(group) >= 3 and _is_thread(page, [span for span, _ in group])):
            node = group[0][0]
        elif _is_interleaved([span for span, _ in group], [span for span, _ in shares]):
            return [node]
        else:
            return _with_headings(page, inner, [span for span, _ in group])


def _is_interleaved(group: list[Span], all_with_text: list[Span]) -> bool:
    """Whether other running text stands between the members of a group time and again: an article in two languages,
    whose paragraphs take turns."""
    first, last = group[0].start, group[-1].end
    between = [span for span in all_with_text if first <= span.start < last and span not in group]
    return len(group) >= 3 and len(between) >= len(group) - 1


def _with_headings(page: Outline, inner: list[Span], group: list[Span]) -> list[Span]:
    """The parts of a text, with what has no running text and still is between them: headings, tables with data."""
    mark, first, last = _kind(group[0].element), group[0].start, group[-1].end
    return [
        span
        for span in inner
        if _kind(span.element) == mark
        or (first <= span.start < last and (span.element.tag in _BETWEEN or _is_data(page, span)))
    ]


def _is_body(element: lxml.html.HtmlElement) -> bool:
    """Whether a content system calls the element the body of an article."""
    return bool(phrases.BODY_NAMES.search(f"{element.get('class', '')} {element.get('id', '')}"))


def _is_data(page: Outline, span: Span) -> bool:
    """Whether an element is a table with data, which has no running text and still is the article's."""
    if span.element.tag != "table" and span.element.find(".//table") is None:
        return False
    lines = [line for line in page.lines[span.start : span.end] if not line.dropped]
    return len(lines) >= 4 and sum(len(line.text) - line.linked for line in lines) >= 60


def _is_about(page: Outline, span: Span, text: Span) -> bool:
    """Whether a table over the text says of it who published it and when."""
    lines = page.lines[span.start : span.end]
    return span.start < text.start and any(phrases.PARTICULAR.match(line.text) for line in lines)


def _is_reply(page: Outline, span: Span, post: Span) -> bool:
    """Whether an element is an answer beside the post that is the article: forums set each in a table."""
    if _signature(span.element) != _signature(post.element):
        return False
    short = [line.text for line in page.lines[span.start : span.end] if len(line.text) <= 80 and not line.prose]
    if any(phrases.REPLIES.search(text) for text in short):
        return True
    return span.start >= post.end and _is_named(span) and any(_DATED.search(text) for text in short)


def _is_named(span: Span) -> bool:
    return bool(span.element.get("class") or span.element.get("id"))


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
        and _is_named(span)
        and _signature(span.element) != _signature(text.element)
        and sum(line.prose > 0 for line in page.lines[text.start : text.end]) >= 2
        and page.prose(span.start, span.end) <= 80
    )


def _is_one_of_many(page: Outline, paragraph: Span, inner: list[Span]) -> bool:
    """Whether an element is a line among others of its kind, which may be lists, fields or a signature without running
    text."""
    if paragraph.end - paragraph.start != 1 or not _is_paragraph(page, paragraph):
        return False
    mark, style = _signature(paragraph.element), paragraph.element.get("style")
    alike = [
        span
        for span in inner
        if span.end - span.start == 1
        and _signature(span.element) == mark
        and span.element.get("style") == style
        and not page.lines[span.start].dropped
        and not page.lines[span.start].linked
    ]
    return len(alike) >= 3


def _is_prose(page: Outline, span: Span) -> bool:
    """Whether an element holds a few paragraphs of running text, and nothing else."""
    own = [line for line in page.lines[span.start : span.end] if not line.dropped]
    return (
        span.element.tag in ("div", "section")
        and len(own) <= 6
        and all(line.prose >= PARAGRAPH and not line.linked and line.element.tag == "p" for line in own)
    )


def _is_container(element: lxml.html.HtmlElement) -> bool:
    return element.tag not in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "a", "b", "strong", "em", "i", "u")


def _kind(element: lxml.html.HtmlElement) -> str:
    """How an element counts among its siblings: as running text, or by its name."""
    if element.tag in _FLOW or not (element.get("class") or element.get("id")):
        return "flow"
    return _signature(element)


def _is_thread(page: Outline, group: list[Span]) -> bool:
    """Whether they are posts of a thread, of which the first is the article."""
    marked = 0
    for span in group:
        short = [line.text for line in page.lines[span.start : span.end] if len(line.text) <= 80 and not line.prose]
        marked += any(_DATED.search(text) or phrases.REPLIES.search(text) for text in short)
    return marked > 0.6 * len(group)


def _trim(page: Outline, places: list[int], title: str) -> list[int]:
    """Without what stands around the text: the lines of information before it, what is said of the page behind it."""
    lines = page.lines
    data = rows_of_data(page, places)
    places = places[_head(lines, places, title, data) :]
    kept: list[int] = []
    seen: set[str] = set()
    prose = 0
    for at, place in enumerate(places):
        line = lines[place]
        if line.prose >= 30 and line.text in seen:
            # Some pages hold the text twice, for screens of two widths.
            continue
        seen.add(line.text)
        if place in data and not phrases.IMPRINT.match(line.text) and not _is_field(line):
            # What would be a button or an editor's name elsewhere is a cell here: 推荐单位, 编辑 3 人, 06:30.
            kept.append(place)
            prose += line.prose
            continue
        if phrases.OF_THE_HOUSE.fullmatch(line.text) and prose > page.prose(place, places[-1] + 1):
            break
        if not _is_sentence(line) and (phrases.READ_ON.match(line.text) or phrases.THE_END.match(line.text)):
            if prose and not _goes_on(page, places[at + 1 :], [lines[one] for one in kept]):
                break
            continue
        if not _is_furniture(line) and not _heads_links(page, places[at : at + 3]):
            kept.append(place)
            prose += line.prose
    homes = {line.element.getparent() for place in kept if (line := lines[place]).prose}
    stands = {stand for place in kept if lines[place].prose for stand in _stands(lines[place].element)}
    while (
        kept
        and kept[-1] not in data
        and (
            _around_text(lines[kept[-1]])
            or phrases.PAGE_NUMBER.fullmatch(lines[kept[-1]].text)
            or phrases.ADORNED.fullmatch(lines[kept[-1]].text)
            or _is_contact(lines[kept[-1]], homes)
            or _is_label_apart(lines[kept[-1]], homes, stands)
            or _is_credit(lines, kept[-1])
            or _is_heading_alone(lines, kept[-1])
        )
    ):
        kept.pop()
    begin = 0
    banners: set[lxml.html.HtmlElement | None] = set()
    over = {line.text for line in lines[max(places[0] - 8, 0) : places[0]]} if places else set()
    while begin < len(kept) and kept[begin] not in data:
        line = lines[kept[begin]]
        if _is_banner(line, over, banners, homes):
            banners.add(line.element.getparent())
        elif not _is_label_apart(line, homes, stands):
            break
        begin += 1
    return kept[begin:]


def _is_label_apart(line: Line, homes: set[lxml.html.HtmlElement | None], stands: set[tuple[object, ...]]) -> bool:
    """Whether a line at the beginning or end is a few words in a box with a name of its own, where no running text
    stands: what a reader can do, who typed it in, what the column is called. `homes` and `stands` are where the text
    stands. A signature, a day, a file, an addressee and a document's number are the text's wherever they are."""
    if line.prose or line.heading or len(line.text) > 40 or phrases.OF_DOCUMENT.search(line.text):
        return False
    if phrases.ATTACHED.search(line.text) or not stands.isdisjoint(_stands(line.element)):
        return False
    box: lxml.html.HtmlElement | None = line.element
    while box is not None and box not in homes and not (box.get("class") or box.get("id")):
        if box.tag not in ("p", "span", "section", "div", "center"):
            return False
        box = box.getparent()
    # Not where the box holds the text, too.
    return (
        box is not None
        and box.tag in ("div", "p", "span", "section", "ul")
        and not any(home is box or (home is not None and box in home.iterancestors()) for home in homes)
    )


def _is_banner(
    line: Line,
    over: set[str],
    banners: set[lxml.html.HtmlElement | None],
    homes: set[lxml.html.HtmlElement | None],
) -> bool:
    """Whether a line at the beginning is the name or the slogan of who publishes it: said over the text already, in one
    box with a picture, or beside such a line. `over` is what is said there, `banners` the boxes of such lines."""
    if line.prose or line.heading or len(line.text) > 20 or phrases.OF_DOCUMENT.search(line.text):
        return False
    box = line.element.getparent()
    if line.text in over or (box is not None and box in banners):
        return True
    if box is None or box.tag not in ("section", "div") or line.element.find(".//strong") is not None:
        return False
    if any(home is box or (home is not None and box in home.iterancestors()) for home in homes):
        return False
    return box.find(".//img") is not None


def _is_credit(lines: list[Line], place: int) -> bool:
    """Whether a line says who had a part in the text: reporters alone, or a label that is one beside others."""
    line = lines[place]
    if line.prose or len(line.text) > 60:
        return False
    if phrases.BYLINE.match(line.text):
        # 图书馆 and 记者协会 sign as offices do.
        return phrases.OF_DOCUMENT.search(line.text) is None
    if not phrases.CREDITED.fullmatch(line.text) or phrases.ATTACHED.search(line.text):
        return False
    beside = (lines[one].text for one in (place - 1, place + 1) if 0 <= one < len(lines))
    return any(phrases.LINE_FURNITURE.match(text) and re.search(r"[:：丨|｜︱]", text) for text in beside)


def _is_heading_alone(lines: list[Line], place: int) -> bool:
    """Whether a line is the heading of something behind the text that is none of it: all in bold, and what stood under
    it is gone."""
    line = lines[place]
    if line.prose or len(line.text) > 12 or phrases.OF_DOCUMENT.search(line.text) or place + 1 >= len(lines):
        return False
    bold = line.element.find(".//strong")
    bold = line.element.find(".//b") if bold is None else bold
    if bold is None or "".join(bold.text_content().split()) != line.text.replace(" ", ""):
        return False
    behind = lines[place + 1]
    return behind.dropped or _is_furniture(behind) or _around_text(behind)


def _is_contact(line: Line, homes: set[lxml.html.HtmlElement | None]) -> bool:
    """Whether the last line says how to reach the house, in a box of its own below the text; `homes` hold the text."""
    box = line.element.getparent()
    if line.prose or box is None or box in homes or not phrases.CONTACT.match(line.text):
        return False
    return box.tag in ("div", "section") and bool(box.get("class") or box.get("id"))


def _head(lines: list[Line], places: list[int], title: str, data: dict[int, lxml.html.HtmlElement]) -> int:
    """How many lines before the text are none of it: up to the last of them that says time, medium or author, or the
    headline again. `data` are rows of tables."""
    head = 0
    over = lines[max(places[0] - 6, 0) : places[0]] if places else []
    is_told = any(_DATED.search(line.text) and not line.prose for line in over)
    for at, place in enumerate(places[:12]):
        line = lines[place]
        if line.prose and not phrases.PROMOTION.search(line.text):
            break
        if place in data and not _is_particular(data[place]):
            break
        if phrases.BRACKETED_DAY.fullmatch(line.text) and _stands_with_text(lines, places, place):
            continue
        if is_told and phrases.DAY_OF_DOCUMENT.fullmatch(line.text):
            # The page has said its own time before the text; this is the document's.
            continue
        if _is_information(line) or (len(title) >= 6 and line.text == title):
            head = at + 1
    while head < len(places) and _around_text(lines[places[head]]):
        head += 1
    if len(places) - head > 1 and _is_abstract(lines[places[head]]):
        head += 1
    return head


def _is_particular(row: lxml.html.HtmlElement) -> bool:
    """Whether a row may be labels with their values, one or two: `发布单位 | 云江市气象台`."""
    return sum(bool(cell.text_content().strip()) for cell in row) in (1, 2, 4)


def _stands_with_text(lines: list[Line], places: list[int], place: int) -> bool:
    """Whether a line stands where the running text that follows it does."""
    here = _family(lines[place].element)
    return any(lines[one].prose and _family(lines[one].element) == here for one in places if one > place)


def _is_abstract(line: Line) -> bool:
    """Whether a line is what the editors put over a text, by its label or an element of its own that is one."""
    if phrases.ABSTRACT.match(line.text):
        return True
    first = next(iter(line.element), None)
    label = (first.text or "").strip() if first is not None and not (line.element.text or "").strip() else ""
    return bool(label) and len(label) < len(line.text) and phrases.ABSTRACT_LABEL.fullmatch(label) is not None


def _is_information(line: Line) -> bool:
    """Whether a line between headline and text says time, medium or author."""
    text = line.text
    if len(text) > 150:
        return False
    if phrases.informs(text) or phrases.BYLINE.match(text) or phrases.LINE_FURNITURE.match(text):
        return True
    return bool(_DATED.search(text)) and not line.prose and not phrases.ADOPTED.search(text)


def _around_text(line: Line) -> bool:
    """Whether a line at the beginning or the end of the text is none of it: a link, an invitation, a label alone."""
    if len(line.text) <= 150 and (invites := phrases.PROMOTION.search(line.text)):
        # A sentence that says more, and invites in its last words, is one of the text's.
        said = phrases.TOPICS.sub("", line.text)
        return not (_is_sentence(line) and _words_before(said, invites.start()) * 2 > len(said))
    if phrases.CREDIT.match(line.text):
        return True
    return not line.prose and (
        (line.linked * 2 > len(line.text) and not phrases.ATTACHED.search(line.text))
        or phrases.CLOCK.match(line.text) is not None
    )


def _words_before(text: str, place: int) -> int:
    """How long the clauses are that end before a place in a line."""
    return max(text.rfind(stop, 0, place) for stop in "，。；！？") + 1


def _is_link(line: Line) -> bool:
    """Whether a line is one link, which leads elsewhere unless it leads to a file."""
    return line.linked > 0.8 * len(line.text) and not _is_file(line)


def _is_file(line: Line) -> bool:
    """Whether a line names a file that goes with the text: by its ending, or by its link's where it says so."""
    if phrases.ATTACHED.search(line.text):
        return True
    if not phrases.NUMBERED.match(line.text):
        return False
    return any(phrases.ATTACHED.search(link.get("href") or "") for link in line.element.iter("a"))


def _is_sentence(line: Line) -> bool:
    """Whether a line is a sentence of some length, whatever it begins with."""
    # Notes end with the topics that they are put under.
    text = phrases.TOPICS.sub("", line.text) if "#" in line.text else line.text
    return line.prose >= 25 and text.endswith(("。", "！", "？", "；", "”"))


def _is_furniture(line: Line) -> bool:
    """Whether a line in the text is none of it."""
    if phrases.IMPRINT.match(line.text) or _is_field(line):
        return True
    if _is_sentence(line):
        return False
    if phrases.LINE_FURNITURE.match(line.text) or phrases.CLOCK.match(line.text):
        return True
    if len(line.text) <= 30 and phrases.PROMOTION.search(line.text):
        return True
    label, colon, _ = line.text.replace(":", "：").partition("：")
    if colon and line.linked * 2 > len(line.text) and phrases.READ_ON.match(label):
        return True
    return _is_link(line) and line.linked >= 4


def _is_field(line: Line) -> bool:
    """Whether a line is a field of a message: a label alone, or who answered and when."""
    return not line.prose and not line.heading and phrases.MESSAGE_FIELD.fullmatch(line.text) is not None


def _heads_links(page: Outline, places: list[int]) -> bool:
    """Whether the first of three lines is the heading of the links that follow it."""
    first, *behind = [page.lines[place] for place in places]
    if len(behind) < 2 or first.prose or len(first.text) > 20 or _DATED.search(first.text):
        return False
    # Files that go with a text are named below its signature.
    return all(_is_link(line) and line.linked >= 6 and not phrases.NUMBERED.match(line.text) for line in behind)


def _goes_on(page: Outline, coming: Iterable[int], before: list[Line]) -> bool:
    """Whether running text comes that stands where the text before stood."""
    families = {family for line in before if line.prose for family in _families(line.element)}
    following = [page.lines[place] for place in coming]
    return any(
        line.prose and not _is_furniture(line) and not families.isdisjoint(_families(line.element))
        for line in following
    )


def _families(element: lxml.html.HtmlElement) -> set[tuple[object, ...]]:
    """Where a line stands, as two lines that stand alike share it: the place, or the way to it from one above."""
    found = {_family(element)}
    parent = element.getparent()
    above = parent.getparent() if parent is not None else None
    if parent is not None and above is not None and parent.tag not in ("body", "html"):
        found.add((element.tag, _signature(parent), id(above)))
    return found


def _stands(element: lxml.html.HtmlElement) -> set[tuple[object, ...]]:
    """As `_families`, where two lines that stand alike are called alike as well."""
    return {(*family, _signature(element)) for family in _families(element)}


def _family(element: lxml.html.HtmlElement) -> tuple[object, ...]:
    """Where a line stands: its parent, or, where each line has a parent of its own, the way to it."""
    parent = element.getparent()
    if parent is None:
        return ("",)
    if len(parent) > 1 or parent.tag == "body":
        return (element.tag, id(parent)) if element.tag in _FLOW else (_signature(element), id(parent))
    way = [_signature(element), _signature(parent)]
    above = parent.getparent()
    while above is not None and len(above) == 1:
        way.append(_signature(above))
        above = above.getparent()
    return (*way, id(above))
