"""The metadata of a page as one: headline, time, medium, author."""

from __future__ import annotations

from datetime import datetime

import lxml.html
import msgspec

from crawlers.metadata.byline import author, naming_elements, outlet
from crawlers.metadata.declared import Declared
from crawlers.metadata.headline import find_headline
from crawlers.metadata.nearby import dating_lines, lines_near
from crawlers.metadata.published import published
from crawlers.metadata.text_start import text_start
from crawlers.outline import Outline
from crawlers.time_marks import DATE, FRESH


class Metadata(msgspec.Struct, kw_only=True):
    """Title, time, medium and author; empty or None where the page names none.

    Attributes
    ----------
    headline:
        The place of the headline among the page's lines.
    dated:
        Whether a time stands right behind the headline, as it does over articles.
    """

    title: str = ""
    headline: int | None = None
    dated: bool = False
    published_at: datetime | None = None
    published_raw: str | None = None
    outlet: str | None = None
    author: str | None = None


def read_metadata(tree: lxml.html.HtmlElement, page: Outline, url: str, now: datetime) -> Metadata:
    """Read the metadata of a page.

    Parameters
    ----------
    tree:
        The whole page.
    page:
        Its outline, before anything is dropped from it.
    url:
        Where it lies; some addresses carry the date.
    now:
        What relative times count from.
    """
    declared = Declared(tree)
    begin = text_start(page)
    title, headline = find_headline(declared, page, begin)
    near = lines_near(page, title, headline, begin)
    dating = dating_lines(page, near, headline, begin)
    published_at, raw = published(declared, page, dating, headline, begin, url, now)
    elements = naming_elements(page, headline, begin)
    return Metadata(
        title=title,
        headline=headline,
        dated=_is_dated(page, headline),
        published_at=published_at,
        published_raw=raw,
        outlet=outlet(declared, page, near.all(), elements),
        author=author(declared, page, near.all(), elements, begin),
    )


def _is_dated(page: Outline, headline: int | None) -> bool:
    if headline is None:
        return False
    behind = page.lines[headline + 1 : headline + 5]
    return any(not line.linked and (DATE.search(line.text) or FRESH.search(line.text)) for line in behind)
