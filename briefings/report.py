"""A briefing as it is read: sections of paragraphs, tables, charts and posts, whatever kind it is of.

Every format is made from this alone, and this is what is kept: nothing is counted again when it is shown again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from briefings.evidence import Evidence, Number, Post

ReportKind = Literal[
    "daily", "weekly", "monthly", "special", "release", "shift", "comparison", "statement", "consultation"
]
NAMES: dict[ReportKind, str] = {
    "daily": "舆情风险日报",
    "weekly": "舆情风险周报",
    "monthly": "舆情风险月报",
    "special": "舆情专报",
    "release": "政策发布舆情报告",
    "shift": "值班交接摘要",
    "comparison": "舆情对比",
    "statement": "回应关切情况公开",
    "consultation": "征求意见采纳情况",
}
PUBLIC: frozenset[ReportKind] = frozenset({"statement", "consultation"})
"""Kinds that are made to be published: their forms show no evidence, which may name tickets and quote people."""
Part = str | Number
Tone = Literal["", "red", "orange", "yellow", "blue", "up", "down", "late", "soft"]


class Paragraph(msgspec.Struct, frozen=True, kw_only=True, tag="paragraph"):
    """A paragraph. `weight`: what is left out first where paper is short has the highest; 0 is never left out."""

    id: str
    parts: tuple[Part, ...]
    style: Literal["body", "note", "head"] = "body"
    tone: Tone = ""
    weight: int = 0

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell of a table; `small` stands below it in smaller letters."""

    parts: tuple[Part, ...]
    tone: Tone = ""
    small: str = ""

    @property
    def short(self) -> bool:
        """Whether it is a word or two, which are never broken: 第三条, 部分采纳, 办理中."""
        return sum(len(part if isinstance(part, str) else part.text) for part in self.parts) <= 4


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    """A table. `right`: the columns of numbers, counted from 0."""

    id: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: tuple[int, ...] = ()
    weight: int = 0


class Chart(msgspec.Struct, frozen=True, kw_only=True, tag="chart"):
    """A chart of one row of values.

    Attributes
    ----------
    shape:
        `columns` over time, `bars` of a ranking, `shares` with an interval each, `levels` with patterns.
    keys:
        For levels and sentiments, what each value is of: it decides its colour and pattern.
    low, high:
        The interval of each value, where there is one.
    unit:
        条, %, 件.
    svg:
        The chart drawn, its words as text. Empty where it could not be drawn.
    """

    id: str
    shape: Literal["columns", "bars", "shares", "levels"]
    title: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    keys: tuple[str, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    unit: str = "条"
    svg: str = ""
    weight: int = 0


class Posts(msgspec.Struct, frozen=True, kw_only=True, tag="posts"):
    """Posts that are quoted, masked."""

    id: str
    posts: tuple[Post, ...]
    weight: int = 0


Block = Paragraph | Table | Chart | Posts


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A section with its heading, which is numbered when it is shown."""

    title: str
    blocks: tuple[Block, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One briefing.

    Attributes
    ----------
    subject:
        What or when it is about: 2026年5月8日（星期五）.
    complete:
        Whether the time that it tells of was over when it was made.
    sources:
        Source id → name, for the posts quoted.
    """

    kind: ReportKind
    name: str
    subject: str
    unit: str
    since: datetime
    until: datetime
    made_at: datetime
    complete: bool
    summary: tuple[Paragraph, ...]
    sections: tuple[Section, ...]
    evidence: tuple[Evidence, ...]
    sources: dict[str, str] = {}

    def blocks(self) -> Iterator[Block]:
        yield from self.summary
        for section in self.sections:
            yield from section.blocks

    def paragraphs(self) -> dict[str, Paragraph]:
        """The paragraphs that a person may edit, by id."""
        return {block.id: block for block in self.blocks() if isinstance(block, Paragraph)}

    def find(self, code: str) -> Evidence | None:
        """The evidence that a code on paper stands for: `3` or `evidence-3`."""
        wanted = code.removeprefix("evidence-")
        return next((one for one in self.evidence if one.code == wanted), None)

    def outward(self) -> Report:
        """As its forms show it: one that is made to be published keeps its evidence in the house."""
        if self.kind not in PUBLIC:
            return self

        def plain(block: Block) -> Block:
            if isinstance(block, Paragraph):
                return msgspec.structs.replace(block, parts=_plain(block.parts))
            if isinstance(block, Table):
                rows = tuple(
                    tuple(msgspec.structs.replace(cell, parts=_plain(cell.parts)) for cell in row) for row in block.rows
                )
                return msgspec.structs.replace(block, rows=rows)
            return block

        return msgspec.structs.replace(
            self,
            summary=tuple(msgspec.structs.replace(one, parts=_plain(one.parts)) for one in self.summary),
            sections=tuple(
                msgspec.structs.replace(section, blocks=tuple(plain(block) for block in section.blocks))
                for section in self.sections
            ),
            evidence=(),
            sources={},
        )

    def edited(self, texts: Mapping[str, tuple[Part, ...]]) -> Report:
        """The same with other paragraphs; a paragraph without parts is left out."""

        def of(block: Block) -> Block | None:
            if not isinstance(block, Paragraph) or block.id not in texts:
                return block
            return msgspec.structs.replace(block, parts=texts[block.id]) if texts[block.id] else None

        return msgspec.structs.replace(
            self,
            summary=tuple(found for one in self.summary if isinstance(found := of(one), Paragraph)),
            sections=tuple(
                msgspec.structs.replace(
                    section, blocks=tuple(found for one in section.blocks if (found := of(one)) is not None)
                )
                for section in self.sections
            ),
        )


def _plain(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The words alone."""
    return ("".join(part if isinstance(part, str) else part.text for part in parts),)


def numbers(report: Report) -> Iterator[Number]:
    """Every number that opens something, in the order of the page."""
    for block in report.blocks():
        if isinstance(block, Paragraph):
            yield from (part for part in block.parts if isinstance(part, Number))
        elif isinstance(block, Table):
            for row in block.rows:
                for cell in row:
                    yield from (part for part in cell.parts if isinstance(part, Number))
