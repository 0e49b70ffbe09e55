"""An article over several pages: where the next one is, and the pages as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urljoin, urlsplit

import lxml.html

from crawlers.admission import canonical_url

_NEXT = re.compile(
    r"^[【\[（(<＜]*\s*(?:下一[页頁]|下[页頁]|后一页|后页|[余剩]下全文|阅读下一页|next(?: page)?)\s*[】\]）)>＞»›→]*$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^(?P<stem>.*?)(?:[_-](?P<number>\d{1,3}))?(?P<suffix>\.\w+)?$")
MOST_PAGES = 50


def next_page_of(links: Iterable[lxml.html.HtmlElement], url: str, base: str = "") -> str | None:
    """The address where the article at `url` goes on; None on its last page.

    Its links count from `base`, where the page names one.

    A link counts by its words (下一页) and by its address, which must be that of a later page of the same article:
    lists have such links, too, and "下一篇" leads to another article.
    """
    here = _page_number(url)
    if here is None:
        return None
    by_words = by_number = None
    for link in links:
        words = "".join((link.text_content() if len(link) else link.text or "").split())
        if not words or len(words) > 12 or not (href := (link.get("href") or "").strip()):
            continue
        is_next, is_number = bool(_NEXT.match(words)), words.strip("[]【】()（）") == str(here[1] + 1)
        if not (is_next or is_number):
            continue
        try:
            target = canonical_url(urljoin(base or url, href))
        except ValueError:
            continue
        there = _page_number(target)
        if there is None or there[0] != here[0] or there[1] != here[1] + 1:
            continue
        if is_next:
            by_words = by_words or target
        else:
            by_number = by_number or target
    return by_words or by_number


def joined_text(texts: Sequence[str]) -> str:
    """The texts of an article's pages as one, without lines that every page repeats at its beginning."""
    lines: list[str] = []
    for text in texts:
        new = text.split("\n") if text else []
        while lines and new and new[0] in lines[:3]:
            new.pop(0)
        lines += new
    return "\n".join(lines)


def _page_number(url: str) -> tuple[str, int] | None:
    """What all pages of an article share in their addresses, and which of them it is."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("http"):
        return None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    number = 1
    for name in ("page", "p", "pn", "pageno", "page_num", "pageNum"):
        if (value := query.pop(name, "")).isdigit():
            number = int(value)
    path = parts.path
    if paged := re.search(r"/(?:page|p)/(\d{1,3})/?$", path):
        number, path = int(paged[1]), path[: paged.start()]
    elif (match := _NUMBER.match(path)) and match["number"] and number == 1:
        number, path = int(match["number"]), f"{match['stem']}{match['suffix'] or ''}"
    shared = f"{parts.hostname}{path.rstrip('/')}?{sorted(query.items())}"
    return shared, number
