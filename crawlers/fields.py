"""Which fields a source's documents have: one that always was there and is no longer says that the layout changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from minsheng.records import Document

UNLIKELY = 1e-5
"""Missing so often in a row by chance is less likely than this: then it is no chance."""
LEAST_SEEN, LEAST_ROW = 20, 5
LEAST_SHARE = 0.5
MOST = 500.0
"""Older documents count less and less beyond so many."""

WORDS = {"title": "标题", "text": "正文", "time": "时间", "author": "作者", "outlet": "来源"}


class Seen(msgspec.Struct):
    """How often a field was there.

    Attributes
    ----------
    had, of:
        Documents with it, and all; those of the row that goes on are not among them.
    row:
        The last documents without it, one after another.
    """

    had: float = 0.0
    of: float = 0.0
    row: int = 0

    def note(self, there: bool) -> None:
        if not there:
            self.row += 1
            return
        self.of += self.row + 1
        self.had += 1
        self.row = 0
        if self.of > MOST:
            self.had, self.of = self.had * MOST / self.of, MOST

    @property
    def gone(self) -> bool:
        """Whether it used to be there and is no longer."""
        if self.of < LEAST_SEEN or self.row < LEAST_ROW:
            return False
        share = self.had / self.of
        return share >= LEAST_SHARE and self.row * math.log(max(1 - share, 1e-3)) <= math.log(UNLIKELY)


Fields = dict[str, Seen]
"""Kind of document and field, as `news.text` → how often it was there."""


def note(fields: Fields, documents: Iterable[Document]) -> None:
    """Note what new documents have and lack."""
    for document in documents:
        there: Mapping[str, bool] = {
            "title": bool(document.title),
            "text": bool(document.text),
            "time": not document.published_estimated,
            "author": document.author_key is not None,
            "outlet": document.outlet is not None,
        }
        for field, has in there.items():
            fields.setdefault(f"{document.kind}.{field}", Seen()).note(has)


def gone(fields: Fields) -> list[str]:
    """What is missing that used to be there, in Chinese."""
    return [
        f"{WORDS[name.partition('.')[2]]}（原先{seen.had / seen.of:.0%}有，最近{seen.row}篇都没有）"
        for name, seen in fields.items()
        if seen.gone
    ]
