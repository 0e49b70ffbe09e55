"""JSON interfaces as portals and service platforms have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sample.content import Article, Message
from sample.pages import article_path, number_of
from sample.timeline import Dated

SIZE = 20
"""Messages of one answer."""


def article(item: Dated[Article]) -> dict[str, Any]:
    """An article as a portal's interface lists it: a summary, a relative address, a time without a zone."""
    return {
        "id": number_of(item.entry),
        "title": item.entry.title,
        "summary": item.entry.text.split("\n")[0],
        "linkUrl": article_path(item),
        "publishTime": item.at.strftime("%Y-%m-%d %H:%M:%S"),
        "media": {"name": item.entry.origin or item.entry.outlet},
    }


def whole_article(item: Dated[Article]) -> dict[str, Any]:
    """The same with its text."""
    return {**article(item), "content": item.entry.text}


def messages(items: Sequence[Dated[Message]], start: int) -> dict[str, Any]:
    """Messages from a place on, and the mark of the next ones; null at the end."""
    chosen = items[start : start + SIZE]
    return {
        "result": [
            {
                "orderNo": f"YJ{number_of_message(item)}",
                "subject": item.entry.title,
                "content": item.entry.text,
                "createTime": int(item.at.timestamp() * 1000),
                "area": item.entry.area,
                "creator": {"nickname": item.entry.by},
            }
            for item in chosen
        ],
        "paging": {"next": start + SIZE if start + SIZE < len(items) else None},
    }


def number_of_message(item: Dated[Message]) -> str:
    return f"{item.at:%Y%m%d%H%M}{len(item.entry.text):04d}"
