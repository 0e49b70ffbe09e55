"""The article of a page whose scripts would draw it: many sites send it along as JSON.

A page that a browser fills by its scripts shows nothing to us, but what it is filled with often stands in it: in a
script of a JSON type, percent-encoded or not, in an assignment (`window.__INITIAL_STATE__ = {...}`), or in
`JSON.parse("...")`. No name of a field is relied on for the text: it is the string that holds most running text, and
title, time and medium are what stands beside it, or around it, under names that say so.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import lxml.html
import msgspec

from crawlers.dates import parse_time
from crawlers.markup import html_text
from crawlers.outline import LITTLE, prose_of
from minsheng.clock import CHINA

LONGEST = 4_000_000
"""Characters of a script beyond which it is not read."""
MOST = 30
"""Values that are read of one page."""
TRIES = 200
"""Places in one page at which a value may begin: each that is none costs the length of what stands before it."""
DEEPEST = 12
"""Objects around a text."""
_JSON = json.JSONDecoder()
_ASSIGNED = re.compile(r"(?<![=!<>])=\s*(?=\{\s*\"|\[\s*[\[{\"])|JSON\.parse\(\s*(?=[\"'])")
_WORDS = re.compile(r"[\u3400-\u9fff]{4}|(?:[A-Za-z,.]+ ){4}")
_UNDEFINED = re.compile(r"(?<=[:,\[])\s*(?:undefined|NaN)(?=\s*[,}\]])")
_ENTITIES = re.compile(r"&lt;\s*/?(?:p|div|br|span|section|table)\b", re.IGNORECASE)
_TITLE = re.compile(r"(?:title|headline|subject|biaoti)$", re.IGNORECASE)
_TIME = re.compile(
    r"^(?:\w*(?:pub(?:lish(?:ed)?)?|release|issue|news|display|show|fabu)_?(?:time|date|at|on|rq|sj)\w*|fbsj|fbrq)$",
    re.IGNORECASE,
)
_VAGUE_TIME = re.compile(r"^(?:time|date|c_?time|created?_?(?:time|at|date)|input_?time|add_?time)$", re.IGNORECASE)
_ENGLISH = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d{1,2} \d{2}:\d{2}:\d{2} [+-]\d{4} \d{4}")
"""A time as Weibo writes it: `Tue Nov 24 18:20:11 +0800 2026`."""
_OUTLET = re.compile(
    r"^(?:\w*source(?:_?name)?|media(?:_?name)?|outlet|laiyuan|origin|publisher|(?:dept|unit|org)_?name)$",
    re.IGNORECASE,
)

_NO_TEXT = re.compile(
    r"(?:desc(?:ription)?|seo|keywords?|copyright|agreement|privacy|disclaimer|slogan|about(?:us)?|tips?|config)$",
    re.IGNORECASE,
)
"""Names of what is said of a site, or of the text in short."""
UNDATED = 200
"""Characters of running text that a text without a time must have: a shorter one may be a site's words on itself."""
_PERSON = re.compile(r"(?:user|nick|author|avatar|reply)", re.IGNORECASE)


class _Found(msgspec.Struct):
    prose: int
    content: str
    beside: list[dict[str, Any]]  # the object that holds it, and those around that


def embedded_article(tree: lxml.html.HtmlElement) -> str | None:
    """A page as it would look with the article that its scripts hold; None where they hold none.

    Parameters
    ----------
    tree:
        The whole page.
    """
    best: _Found | None = None
    for count, value in enumerate(_values(tree)):
        if count >= MOST:
            break
        for found in _texts(value, []):
            if best is None or found.prose > best.prose:
                best = found
    return None if best is None else _page(best)


def _values(tree: lxml.html.HtmlElement) -> Iterator[Any]:
    """What the page's scripts hold as JSON."""
    tries = 0
    for script in tree.iter("script"):
        text = (script.text or "").strip()
        if not 200 <= len(text) <= LONGEST:
            continue
        if "json" in (script.get("type") or ""):
            yield from _decoded(unquote(text) if text[:3] in ("%7B", "%7b", "%5B", "%5b") else text)
            continue
        text = _UNDEFINED.sub("null", text)
        reached = 0
        for match in _ASSIGNED.finditer(text):
            if match.end() < reached:
                continue  # inside what was read
            if (tries := tries + 1) > TRIES:
                return
            if (read := _read(text, match.end())) is None:
                continue
            value, reached = read
            if isinstance(value, str):
                yield from _decoded(value)
            else:
                yield value


def _decoded(text: str) -> Iterator[Any]:
    if (read := _read(text, 0)) is not None:
        yield read[0]


def _read(text: str, start: int) -> tuple[Any, int] | None:
    """The value that begins there, and where it ends; None where it is no JSON."""
    try:
        return _JSON.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _texts(value: Any, around: list[dict[str, Any]]) -> Iterator[_Found]:
    """Every string with running text, and the objects that it stands in, the innermost first."""
    if len(around) > DEEPEST:
        return
    if isinstance(value, dict):
        inside = [value, *around]
        for key, one in value.items():
            if isinstance(one, str):
                prose = 0 if _NO_TEXT.search(key) else _prose(one)
                if prose >= LITTLE:
                    yield _Found(prose, one, inside)
            elif isinstance(one, (dict, list)):
                yield from _texts(one, inside)
    elif isinstance(value, list):
        if (blocks := _blocks(value)) and (prose := _prose(blocks)) >= LITTLE:
            yield _Found(prose, blocks, around)
        for one in value:
            if isinstance(one, (dict, list)):
                # A list may lie in a list for as long as objects may.
                yield from _texts(one, around if isinstance(one, dict) else [*around, {}])


def _blocks(values: list[Any]) -> str:
    """The text of a list of paragraphs, each an object of its own or a string; empty where it is none.

    Comments and links to other articles are lists, too: theirs have a name, a time or a headline each.
    """
    held: Counter[str] = Counter()
    for one in values:
        if isinstance(one, dict):
            held.update({key: len(text) for key, text in one.items() if isinstance(text, str)})
    name = max(held, key=lambda key: held[key], default="")
    parts: list[str] = []
    for one in values:
        if isinstance(one, str):
            parts.append(one)
        elif isinstance(one, dict) and len(one) <= 6:
            if any(
                _TITLE.search(key) or _TIME.match(key) or _VAGUE_TIME.match(key) or _PERSON.search(key) for key in one
            ):
                return ""
            text = one.get(name)
            parts.append(text if isinstance(text, str) else "")
        else:
            return ""
    if any("<" in part for part in parts):
        parts = [part if "<" in part else f"<p>{html.escape(part)}</p>" for part in parts]
    return "\n".join(parts)


def _prose(text: str) -> int:
    """Characters of running text in a string of JSON, with tags or without."""
    if len(text) < LITTLE:
        return 0
    lines = html_text(_opened(text)).split("\n") if "<" in text or _ENTITIES.search(text) else text.split("\n")
    # Tokens and pictures as text are long lines, too.
    return sum(prose_of(line.strip(), 0) for line in lines if _WORDS.search(line))


def _opened(text: str) -> str:
    return html.unescape(text) if "<" not in text and _ENTITIES.search(text) else text


def _page(found: _Found) -> str | None:
    title = _first(found.beside, _TITLE, lambda value: isinstance(value, str) and 4 <= len(value.strip()) <= 150)
    if title is None:
        # Words without a headline are a notice, a description, a comment.
        return None
    when = _first(found.beside[:2], _TIME, _is_time)
    when = when if when is not None else _first(found.beside[:2], _VAGUE_TIME, _is_time)
    if when is None and found.prose < UNDATED:
        return None
    outlet = _first(found.beside[:2], _OUTLET, lambda value: isinstance(value, str) and 2 <= len(value) <= 40)
    said = [f"发布时间：{_time(when)}"] if when is not None else []
    said += [f"来源：{outlet}"] if outlet else []
    content = _opened(found.content)
    if "<" not in content:
        content = "".join(f"<p>{html.escape(line)}</p>" for line in content.split("\n"))
    name = html.escape(html_text(str(title)).strip() if "<" in str(title) else html.unescape(str(title)).strip())
    return (
        f"<html><head><title>{name}</title></head><body><h1>{name}</h1>"
        f"<div>{html.escape('　'.join(said))}</div><article>{content}</article></body></html>"
    )


def _first(objects: list[dict[str, Any]], name: re.Pattern[str], good: Any) -> Any:
    """The value of the innermost object under a name that says what it is."""
    for one in objects:
        # What is said of a text may lie in an object of its own beside it.
        for place in (one, *(inner for inner in one.values() if isinstance(inner, dict))):
            for key, value in place.items():
                if name.search(key) and good(value):
                    return value
    return None


def _is_time(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, float)):
        return 946_684_800 <= value < 4_102_444_800 or 946_684_800_000 <= value < 4_102_444_800_000
    return isinstance(value, str) and bool(
        re.match(r"\s*(?:\d{4}[-/.年]\d|1\d{9}(?:\d{3})?\s*$)", value) or _ENGLISH.fullmatch(value.strip())
    )


def _time(value: Any) -> str:
    text = str(value).strip()
    if _ENGLISH.fullmatch(text) and (found := parse_time(text, datetime.now(CHINA))):
        return found.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    if not re.fullmatch(r"\d+(?:\.\d+)?", text):
        return text
    seconds = float(text)
    seconds = seconds / 1000 if seconds >= 4_102_444_800 else seconds
    return datetime.fromtimestamp(seconds, CHINA).strftime("%Y-%m-%d %H:%M:%S")
