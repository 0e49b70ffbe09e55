"""Rows of tables that hold data, told from tables that only lay out a page.

In a list of villages, posts or results a cell says what it says: `推荐单位` and `收藏品` are no buttons there, and a
row without its first cell is a false statement about who owns or gets what.
"""

from __future__ import annotations

from collections.abc import Sequence

import lxml.html

from crawlers.outline import Outline

_LAYOUT = frozenset(("table", "form", "ul", "ol", "iframe", "h1", "h2", "h3", "h4", "h5", "h6"))
"""What stands in cells that lay out a page, and not in those of data."""
_BLOCKS = frozenset(("p", "div", "br"))
MOST = 6
"""Paragraphs and breaks in one cell; more are a text that a table is laid around."""


def rows_of_data(page: Outline, places: Sequence[int]) -> dict[int, lxml.html.HtmlElement]:
    """The row that each line stands in, for those of `places` that stand in a table of data."""
    known: dict[lxml.html.HtmlElement, set[lxml.html.HtmlElement]] = {}
    found: dict[int, lxml.html.HtmlElement] = {}
    for place in places:
        element = page.lines[place].element
        row = element if element.tag == "tr" else next(element.iterancestors("tr"), None)
        table = next(row.iterancestors("table"), None) if row is not None else None
        if row is None or table is None:
            continue
        if table not in known:
            known[table] = _rows(table)
        if row in known[table]:
            found[place] = row
    return found


def _rows(table: lxml.html.HtmlElement) -> set[lxml.html.HtmlElement]:
    """The rows of several cells in a table that has a few of them; empty where it is laid out by."""
    groups = [table, *(child for child in table if child.tag in ("tbody", "thead", "tfoot"))]
    rows = [row for group in groups for row in group if row.tag == "tr" and _is_data(row)]
    filled = [sum(bool(cell.text_content().strip()) for cell in row) for row in rows]
    # Two rows of two cells may be what is said of an article.
    is_data = sum(count >= 2 for count in filled) >= 3 or sum(count >= 3 for count in filled) >= 2
    return set(rows) if is_data else set()


def _is_data(row: lxml.html.HtmlElement) -> bool:
    """Whether a row is of several cells, each of a few words, and no link that leads nowhere, as those to print do."""
    if len(row) < 2:
        return False
    for cell in row:
        blocks = 0
        for inner in cell.iterdescendants():
            blocks += inner.tag in _BLOCKS
            if inner.tag in _LAYOUT or blocks > MOST:
                return False
            if inner.tag == "a" and inner.get("href", "#").strip().lower().startswith(("#", "javascript:")):
                return False
    return True
