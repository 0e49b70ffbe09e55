"""A policy's own page or file to what the register asks for: proposals, to be looked at before they are kept."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

import msgspec

from crawlers.attached import MOST_OPENED, file_text
from crawlers.charset import decode
from crawlers.dates import parse_time
from crawlers.extraction import extract
from crawlers.markup import parse_html
from crawlers.official import read_official
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.problems import Problem
from minsheng.records import Document, Official

KINDS = ("html", "htm", "docx", "doc", "wps", "pdf", "ofd", "txt")
"""Files that are read, by how their names end."""
MOST_BYTES = 10_000_000
"""Of a file; and of a packed one when it is opened, `MOST_BYTES_OPENED`."""
MOST_BYTES_OPENED = min(30_000_000, MOST_OPENED)
_HEAD = 40
"""Lines in which the headline stands."""
_ENDINGS = (
    "通知", "办法", "规定", "条例", "意见", "细则", "方案", "决定", "公告", "通告", "措施", "批复", "规划", "制度",
    "规则", "通报", "决议", "函", "（试行）", "（暂行）", "(试行)", "（征求意见稿）",
)  # fmt: skip
_INNER = re.compile(r"印发《([^》]+)》")
_NUMBER_LINE = re.compile(r"[〔\[(（【]\s*(?:19|20)\d{2}\s*[〕\])）】]\s*(?:第\s*)?\d{1,5}\s*号")
_DATE_LINE = re.compile(r"\s*(\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)\s*")
_SIGNED = re.compile(r"[\u4e00-\u9fff（）()、\s]{3,40}")


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a page or file says of the policy in it.

    Attributes
    ----------
    values:
        Fields of `minsheng.policies.Policy`, as `minsheng.policies.reading.checked` takes them.
    text:
        How its words begin, to compare with.
    """

    values: Mapping[str, Any]
    text: str


def from_file(body: bytes, name: str, now: datetime) -> Proposal:
    """What a file says.

    Parameters
    ----------
    name:
        The file's; how it ends says which of `KINDS` it is.

    Raises
    ------
    BadInput
        It is of another kind, too large (opened, too), broken, locked, or has no words.
    """
    kind = PurePath(name).suffix[1:].lower()
    if kind not in KINDS:
        raise BadInput(Problem("file-kind", file=name), f"use one of {', '.join(KINDS)}")
    if len(body) > MOST_BYTES:
        raise BadInput(Problem("file-large", file=name, most=MOST_BYTES), "save the text alone as DOCX or TXT")
    if kind in ("html", "htm"):
        return _from_html(decode(body), name, now)
    text = file_text(body, kind, name, most_opened=MOST_BYTES_OPENED)
    if not text.strip():
        raise BadInput(Problem("file-wordless", file=name), "a scan has none: use the original")
    lines = text.split("\n")
    title = headline(lines) or PurePath(name).stem[:200]
    tree = parse_html("".join(f"<p>{html.escape(line)}</p>" for line in lines[:2000]))
    assert tree is not None
    official = read_official(tree, title, text, now) or Official()
    issuer, signed_on = _signature(lines, now)
    return _proposal(title, text, official, now, issuer=issuer, released_on=signed_on)


def from_document(document: Document, now: datetime) -> Proposal:
    """What a page says that the crawler has brought in."""
    official = document.official or Official()
    return _proposal(
        document.title,
        document.text,
        official,
        now,
        issuer="",
        released_on=document.published_at.astimezone(CHINA).date(),
        url=document.url,
    )


def headline(lines: list[str]) -> str:
    """The headline of an official document: the first lines after its 文号 that end as the names of documents do;
    empty where there are none."""
    head = [line.strip() for line in lines[:_HEAD]]
    numbered = next((place for place, line in enumerate(head) if _NUMBER_LINE.search(line) and len(line) < 40), -1)
    for begin in dict.fromkeys((numbered + 1, 0)):
        for place in range(begin, len(head)):
            for count in (1, 2, 3):
                joined = "".join(head[place : place + count])
                if 6 <= len(joined) <= 120 and joined.endswith(_ENDINGS) and not re.search(r"[。；：:，]", joined):
                    return joined
    return ""


def _from_html(text: str, name: str, now: datetime) -> Proposal:
    page = extract(text, "", now)
    tree = parse_html(text)
    official = (read_official(tree, page.title, page.text, now) if tree is not None else None) or Official()
    issuer, signed_on = _signature(page.text.split("\n"), now)
    published = page.published_at.astimezone(CHINA).date() if page.published_at else signed_on
    title = page.title or PurePath(name).stem[:200]
    return _proposal(title, page.text, official, now, issuer=issuer, released_on=published)


def _proposal(
    title: str,
    text: str,
    official: Official,
    now: datetime,
    *,
    issuer: str,
    released_on: date | None,
    url: str | None = None,
) -> Proposal:
    opens, closes = official.consultation_opens_on, official.consultation_closes_on
    over = official.validity in ("废止", "失效")
    inner = _INNER.search(title)
    released = official.released_on or released_on
    today = now.astimezone(CHINA).date()
    coming = any(day is not None and day > today for day in (official.effective_on, released))
    stage = "draft" if closes or opens else "amended" if "修改" in official.validity else "in_force"
    stage = "repealed" if over else "released" if coming and stage == "in_force" else stage
    values: dict[str, Any] = {
        "id": _suggested_id(official.number, title),
        "title": " ".join(title.split()),
        "number": official.number or None,
        "department": official.issuer or issuer or None,
        "aliases": (inner[1],) if inner else (),
        "stage": stage,
        "consultation_opens": opens,
        "consultation_closes": closes,
        "released_on": None if closes or opens else released,
        "effective_on": official.effective_on,
        "repealed_on": official.expires_on if over else None,
        "url": url,
    }
    return Proposal(values=values, text=text[:4_000])


def _suggested_id(number: str, title: str) -> str:
    """Such as 云岭发-2026-8: what people know the document by, without what an id can't have."""
    parts = re.findall(r"[\w]+", number.removesuffix("号")) or re.findall(r"[\w]+", title)
    return "-".join(parts)[:60]


def _signature(lines: list[str], now: datetime) -> tuple[str, date | None]:
    """Who signed, and the day: the last line that is a date alone, and the one before it."""
    for place in range(len(lines) - 1, max(len(lines) - 400, 0), -1):
        match = _DATE_LINE.fullmatch(lines[place])
        if match and (time := parse_time(match[1], now)):
            before = lines[place - 1].strip()
            return (before if _SIGNED.fullmatch(before) else ""), time.astimezone(CHINA).date()
    return "", None
