"""Puts a report together: each block gets its id when it is added, and charts are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from briefings.charts import draw
from briefings.evidence import Evidence, Number, Post
from briefings.report import NAMES, Block, Cell, Chart, Paragraph, Part, Posts, Report, ReportKind, Section, Table, Tone


class Writer:
    """Collects the summary and sections of one report."""

    def __init__(self) -> None:
        self._summary: list[Paragraph] = []
        self._sections: list[tuple[str, list[Block]]] = []
        self._count = 0

    def summary(self, *parts: Part) -> None:
        self._summary.append(Paragraph(id=self._id(), parts=_joined(parts)))

    def section(self, title: str) -> None:
        self._sections.append((title, []))

    def paragraph(self, *parts: Part, style: str = "body", tone: Tone = "", weight: int = 0) -> None:
        self._add(
            Paragraph(id=self._id(), parts=_joined(parts), style=style, tone=tone, weight=weight)  # type: ignore[arg-type]
        )

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Cell | Part]],
        *,
        right: Sequence[int] = (),
        weight: int = 0,
    ) -> None:
        made = tuple(tuple(one if isinstance(one, Cell) else Cell(parts=(one,)) for one in row) for row in rows)
        self._add(Table(id=self._id(), columns=tuple(columns), rows=made, right=tuple(right), weight=weight))

    def chart(self, chart: Chart) -> None:
        named = msgspec.structs.replace(chart, id=self._id())
        self._add(msgspec.structs.replace(named, svg=draw(named)))

    def posts(self, posts: Sequence[Post], *, weight: int = 0) -> None:
        if posts:
            self._add(Posts(id=self._id(), posts=tuple(posts), weight=weight))

    def report(
        self,
        kind: ReportKind,
        subject: str,
        *,
        unit: str,
        since: datetime,
        until: datetime,
        made_at: datetime,
        evidence: Sequence[Evidence],
        complete: bool = True,
        sources: dict[str, str] | None = None,
        name: str = "",
    ) -> Report:
        return Report(
            kind=kind,
            name=name or NAMES[kind],
            subject=subject,
            unit=unit,
            since=since,
            until=until,
            made_at=made_at,
            complete=complete,
            summary=tuple(self._summary),
            sections=tuple(Section(title=title, blocks=tuple(blocks)) for title, blocks in self._sections),
            evidence=tuple(evidence),
            sources=dict(sources or {}),
        )

    def _add(self, block: Block) -> None:
        self._sections[-1][1].append(block)

    def _id(self) -> str:
        self._count += 1
        return f"p{self._count}"


def derived(shown: str, evidence: str | None) -> Part:
    """What follows from counted numbers, and opens them: 上升12.3%（+45条）."""
    return Number(value=0, evidence=evidence, shown=shown) if evidence else shown


def _joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Neighbouring texts as one."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)
