"""Hot lists to terms in their order: the JSON that services load, and saved pages."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any

import lxml.html
import msgspec

from crawlers.columns import count
from crawlers.dates import parse_time
from crawlers.json_values import is_json, json_of, value_at
from crawlers.linking import select
from crawlers.markup import element_text, html_text, parse_html
from crawlers.walls import wall_instead
from minsheng.errors import BadInput

NAMES: dict[str, tuple[str, ...]] = {
    "word": (
        "word", "note", "query", "keyword", "show_name", "hot_word", "hotWord", "target.title", "title", "Title",
        "name", "topic",
    ),
    "heat": (
        "num", "raw_hot", "hotScore", "hot_score", "HotValue", "hot_value", "heat_score", "heat", "hot", "detail_text",
        "metrics", "score",
    ),
    "url": ("url", "Url", "link", "rawUrl", "target.url", "mobileUrl", "appUrl"),
    "time": ("onboard_time", "event_time", "create_time", "created_at", "target.created", "time"),
    "text": ("desc", "excerpt", "target.excerpt", "abstract", "digest"),
}  # fmt: skip
"""What services call the parts of an entry; the first that an entry has counts."""
_ADVERTISED = ("is_ad", "isAd", "ad_info", "promotion")
_HEAT = re.compile(r"(\d[\d,.]*)\s*([万亿kKwW]?)")
LEAST = 3
"""A list with fewer entries is none."""
LONGEST = 80
"""Characters of a term; what is longer is a text."""


class Term(msgspec.Struct, kw_only=True):
    """An entry of a hot list; `heat` is the service's own measure, None where it gives none."""

    word: str
    heat: int | None = None
    url: str = ""
    time: str = ""
    text: str = ""


def read_hot(
    text: str, url: str, items: str = "", fields: Mapping[str, str] | None = None, rows: str = ""
) -> list[Term]:
    """The terms of a hot list, hottest first, advertisements apart, each once.

    Parameters
    ----------
    text:
        The answer: JSON or HTML.
    items, fields:
        For JSON: the dotted path of the list, and of the parts of an entry; found by themselves where not given.
    rows:
        For HTML: selector of the entries; found by themselves where not given.

    Raises
    ------
    BadInput
        If there is no such list.
    """
    terms = _of_json(text, url, items, fields or {}) if is_json(text) else _of_html(text, url, rows)
    known: dict[str, Term] = {}
    for term in terms:
        known.setdefault(term.word, term)
    if len(known) < LEAST:
        if wall := wall_instead(text):
            raise BadInput(f"{url}: {wall}")
        raise BadInput(
            f"{url}: no hot list is seen", "say where its entries are: options.items, or options.rows for a page"
        )
    return list(known.values())


def _of_json(text: str, url: str, items: str, fields: Mapping[str, str]) -> list[Term]:
    value = json_of(text, url)
    if items:
        found = value_at(value, items)
        return _terms(found, fields) if isinstance(found, list) else []
    # The longest list whose entries have a word.
    return max((_terms(one, fields) for one in _lists(value)), key=len, default=[])


def _lists(value: Any) -> Iterator[list[Any]]:
    waiting = deque([value])
    while waiting:
        one = waiting.popleft()
        if isinstance(one, list):
            yield one
            waiting += [inner for inner in one if isinstance(inner, (dict, list))]
        elif isinstance(one, dict):
            waiting += [inner for inner in one.values() if isinstance(inner, (dict, list))]


def _terms(entries: list[Any], fields: Mapping[str, str]) -> list[Term]:
    found = []
    for entry in entries:
        if not isinstance(entry, dict) or any(entry.get(name) for name in _ADVERTISED):
            continue

        def get(name: str, entry: dict[str, Any] = entry) -> str:
            paths = (fields[name],) if name in fields else NAMES[name]
            for path in paths:
                value = value_at(entry, path)
                if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
                    return str(value).strip()
            return ""

        word = " ".join(html_text(get("word")).split()).strip("#")
        if 0 < len(word) <= LONGEST and not word.isdigit():
            text = html_text(get("text"))
            heat, time = _heat(get("heat")), get("time")
            found.append(Term(word=word, heat=heat, url=get("url"), time=time, text=text if text != word else ""))
    return found


def _of_html(text: str, url: str, rows: str) -> list[Term]:
    tree = parse_html(text)
    if tree is None:
        raise BadInput(f"{url} is an empty page")
    entries = select(tree, rows) if rows else _rows(tree)
    return [term for entry in entries if (term := _of_row(entry)) is not None]


def _rows(tree: lxml.html.HtmlElement) -> list[lxml.html.HtmlElement]:
    """The longest run of elements side by side, of one kind, that each hold one term."""
    groups: dict[tuple[lxml.html.HtmlElement, str, str], list[lxml.html.HtmlElement]] = defaultdict(list)
    for node in tree.iter("li", "tr", "div", "section", "a"):
        parent = node.getparent()
        if parent is not None and (term := _of_row(node)) is not None and len(term.word) >= 2:
            kind = (node.get("class") or "").split()[:1]
            groups[(parent, str(node.tag), kind[0].rstrip("0123456789") if kind else "")].append(node)
    return max(groups.values(), key=len, default=[])


def _of_row(row: lxml.html.HtmlElement) -> Term | None:
    """The term of a row: the words of its link that are no number, and a number beside them as its heat."""
    anchors = [row] if row.tag == "a" else [anchor for anchor in row.iter("a") if anchor.get("href")]
    lines = [line for anchor in anchors for line in element_text(anchor).split("\n") if not _is_number(line)]
    words = [" ".join(line.split()).strip("#") for line in lines]
    words = [word for word in words if 1 < len(word) <= LONGEST]
    if not words or len({anchor.get("href") for anchor in anchors}) > 2:
        return None
    whole = element_text(row)
    rest = whole.replace(words[0], " ", 1)
    numbers = [heat for match in _HEAT.finditer(rest) if (heat := count(match[1] + match[2])) is not None]
    # A place in the list is a small number; a heat is not.
    large = [number for number in numbers if number > 100]
    text = words[1] if len(words) > 1 and len(words[1]) > len(words[0]) else ""
    return Term(word=words[0], heat=large[0] if large else None, url=anchors[0].get("href") or "", text=text)


def _is_number(line: str) -> bool:
    return bool(re.fullmatch(r"[\s\d.,万亿热新沸爆荐商]*", line))


def _heat(text: str) -> int | None:
    match = _HEAT.search(text)
    return count(match[1] + match[2]) if match else None


def time_of(term: Term, now: Any) -> str | None:
    """When the term came onto the list, where the service says so believably."""
    return term.time if term.time and parse_time(term.time, now) is not None else None
