"""A page to title, text, time, medium and author: our own rules, with trafilatura where they find no text.

The page becomes an outline (`crawlers.outline`), its metadata are read from it (`crawlers.metadata`), what surrounds
articles is dropped and the article's lines are found (`crawlers.body`). Where a page shows no text and its scripts hold
one, that is read instead (`crawlers.embedded_json`). A page without an article is told from one by
`crawlers.walls`: it raises `NoArticle` with what stands in its place, and never gives the notice as a text.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

import lxml.html
import msgspec

from crawlers import phrases
from crawlers.attached import file_links
from crawlers.body.article import article_lines
from crawlers.body.surroundings import drop_surroundings
from crawlers.data_rows import rows_of_data
from crawlers.embedded_json import embedded_article
from crawlers.markup import base_of, parse_html
from crawlers.metadata.reading import read_metadata
from crawlers.outline import LITTLE, Line, Outline, outline, prose_of
from crawlers.paging import joined_text, next_page_of
from crawlers.walls import SHORT, Obstacle, find_wall
from minsheng.errors import BadInput
from minsheng.problems import Problem
from minsheng.records import Attachment

_TAG = re.compile(r"<[a-zA-Z!]")
_MANY_LINKS = 40
SENTENCE = 20
"""Characters of running text of the shortest notices."""
_CELL = 60
"""Characters of a cell; what is longer is a paragraph."""


class NoArticle(BadInput):
    """A page that holds no article, and why.

    Attributes
    ----------
    obstacle:
        What is there instead.
    """

    def __init__(self, obstacle: Obstacle, message: str | Problem, hint: str = "") -> None:
        super().__init__(message, hint)
        self.obstacle = obstacle


class Page(msgspec.Struct, kw_only=True):
    """What a page holds; empty or None where it names none.

    Attributes
    ----------
    text:
        The article's words, a line for each paragraph, without what stands around it.
    published_at:
        When it was published, to the minute where the page says so; China's time where it names no zone.
    published_raw:
        What the page says of its time where that can't be read.
    outlet:
        The medium or office it came from (来源).
    author:
        Who wrote it. Goes no further than admission.
    attachments:
        Files that the article links to.
    next_page:
        Where the article goes on; None on its last page and where it has only one.
    """

    url: str
    title: str = ""
    text: str = ""
    published_at: datetime | None = None
    published_raw: str | None = None
    outlet: str | None = None
    author: str | None = None
    attachments: tuple[Attachment, ...] = ()
    next_page: str | None = None


def extract(html: str, url: str, now: datetime) -> Page:
    """Read an article page.

    Parameters
    ----------
    html:
        The decoded page.
    url:
        Where it lies.
    now:
        What relative times count from.

    Raises
    ------
    NoArticle
        If there is no article: the page is empty, a login, a captcha, or a notice that it is gone.
    """
    tree = parse_html(html)
    if tree is None:
        raise NoArticle("empty", f"{url} is an empty page")
    if not _TAG.search(html):
        raise NoArticle("not-html", Problem("page-no-html", url=url))
    address = url if _is_address(url) else ""
    base = base_of(tree, address)
    page = outline(tree)
    about = read_metadata(tree, page, address, now)
    wall = find_wall(tree, page)
    drop_surroundings(page, about.headline)
    places = article_lines(page, about.headline, about.title)
    text = _text(page, places, about.title)
    prose = sum(page.lines[place].prose for place in places)
    if prose < LITTLE and (wall is None or wall.obstacle == "javascript"):
        drawn = embedded_article(tree)
        if drawn is not None:
            return extract(drawn, url, now)
    if wall and wall.perhaps and prose >= SENTENCE and about.headline is not None and about.published_at is not None:
        # A notice of one sentence, under a headline and with a time, on a site that lets its readers log in.
        wall = None
    if wall and len(text) < SHORT:
        raise NoArticle(wall.obstacle, f"{url}: {wall.reason}", wall.hint)
    mostly_links = _is_mostly_links(page)
    is_table = len(text) >= SHORT and len(rows_of_data(page, places)) * 2 > len(places)
    if not wall and not prose and not mostly_links and not is_table:
        text = _by_trafilatura(tree, about.title, text)
    if not text and not about.title:
        raise NoArticle("empty", Problem("page-empty", url=url))
    dated = about.dated and not phrases.NOT_TITLES.match(about.title)
    if prose < LITTLE and not dated and (mostly_links or (not text and urlsplit(address).path in ("", "/"))):
        raise NoArticle("listing", Problem("page-listing", url=url), "the article may be gone: see where it leads")
    return Page(
        url=url,
        title=about.title,
        text=text,
        published_at=about.published_at,
        published_raw=about.published_raw,
        outlet=about.outlet,
        author=about.author,
        attachments=_attachments(page, places, base),
        next_page=None if _is_thread(page, places) else next_page_of(page.links, address, base),
    )


def join(pages: Sequence[Page]) -> Page:
    """The pages of one article, in their order, as one: what the first says of itself, and all texts and files."""
    first = pages[0]
    files = {file.url: file for page in pages for file in page.attachments}
    return msgspec.structs.replace(
        first,
        text=joined_text([page.text for page in pages]),
        attachments=tuple(files.values()),
        next_page=pages[-1].next_page,
    )


def wall_of(tree: lxml.html.HtmlElement) -> str:
    """What stands in the way on a page without an article, in words; empty where nothing is recognised."""
    wall = find_wall(tree)
    return wall.reason if wall else ""


def _is_address(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def _text(page: Outline, places: Sequence[int], title: str) -> str:
    lines = _rows_joined(page, places)
    for count in (1, 2, 3):
        # The headline may stand over the text again, over several lines.
        while lines and "".join(lines[:count]).replace(" ", "") == title.replace(" ", ""):
            del lines[:count]
    if lines:
        # Elsewhere the label may stand before the first words without a cell.
        lines[0] = phrases.MESSAGE_LABEL.sub("", lines[0])
    return "\n".join(lines)


def _rows_joined(page: Outline, places: Sequence[int]) -> list[str]:
    """The lines of a text; cells that hold paragraphs, as Word's do, stand in one line with their row's others."""
    rows = rows_of_data(page, places)
    lines: list[str] = []
    before = None
    for place in places:
        line = page.lines[place]
        row = rows.get(place) if len(line.text) <= _CELL and not line.prose else None
        if row is not None and row is before:
            lines[-1] = f"{lines[-1]} {line.text}"
        elif line.linked and "#" in line.text:
            # The topics that an author links to at the end of a note.
            lines.append(phrases.TOPICS.sub("", line.text) or line.text)
        else:
            lines.append(_without_label(line))
        before = row
    return lines


def _without_label(line: Line) -> str:
    """A line's words; those of a row without the cell before them that says that they are a message, or its answer."""
    label = next(iter(line.element), None) if line.element.tag == "tr" else None
    if label is None or not phrases.MESSAGE_FIELD.fullmatch(" ".join(label.text_content().split())):
        return line.text
    return phrases.MESSAGE_LABEL.sub("", line.text)


def _by_trafilatura(tree: lxml.html.HtmlElement, title: str, text: str) -> str:
    """What trafilatura finds on a page where our rules found little; `text` where it finds no more than that."""
    import trafilatura

    # It warns of every page that it finds nothing in; what that means is said by whoever called us.
    logging.getLogger("trafilatura").setLevel(logging.ERROR)
    found = trafilatura.extract(
        tree, fast=True, include_comments=False, include_tables=True, include_formatting=False, deduplicate=False
    )
    lines = [line.strip(" |-") for line in (found or "").split("\n")]
    kept = [line for line in lines if line and line != title and not phrases.LINE_FURNITURE.match(line)]
    # Where there is no article it takes menus and links, or all the page's words in one line.
    is_text = len(kept) > 1 and sum(prose_of(line, 0) for line in kept) >= LITTLE
    return "\n".join(kept) if is_text else text


def _is_thread(page: Outline, places: Sequence[int]) -> bool:
    """Whether answers with the number of their floor follow what somebody began: the thread's next page holds more of
    them, and nothing of the text."""
    behind = page.lines[places[-1] + 1 :] if places else []
    floors = sum(len(line.text) <= 80 and phrases.FLOOR.search(line.text) is not None for line in behind)
    return floors >= 2 and any("楼主" in line.text for line in page.lines if len(line.text) <= 80)


def _is_mostly_links(page: Outline) -> bool:
    """Whether a page is one of links, as front pages are, which lost articles are often sent to."""
    words = sum(len(line.text) for line in page.lines)
    return len(page.links) >= _MANY_LINKS and sum(line.linked for line in page.lines) > 0.5 * words


def _attachments(page: Outline, places: Sequence[int], url: str) -> tuple[Attachment, ...]:
    """The files that the article, or the lines right behind it, link to."""
    if not places:
        return ()
    last = places[-1] + 6
    near = (link for link in page.links if (span := page.spans.get(link)) and places[0] <= span.start <= last)
    return file_links(near, url) or file_links(_in_tabs(page, places[0], last), url)


def _in_tabs(page: Outline, first: int, last: int) -> Iterator[lxml.html.HtmlElement]:
    """Links in what is hidden beside the text until a reader turns to it: files often lie in a tab of their own."""
    root = next(iter(page.spans), None)
    for link in root.iter("a") if root is not None else ():
        if link in page.spans or not phrases.ATTACHED.search(link.get("href") or ""):
            continue
        box = next((page.spans[one] for one in link.iterancestors() if one in page.spans), None)
        if box is not None and box.element is not root and box.start <= last and box.end > first:
            yield link
