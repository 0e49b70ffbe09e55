"""Search results as rows of a spreadsheet, and as a text to be read and handed on."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from docx import Document

from console import words
from minsheng.records import Grouped
from minsheng.spreadsheets import safe_cell

COLUMNS = ("发布时间", "信源", "类型", "标题", "正文", "情感", "诉求", "领域", "立场", "地区", "政策", "网址", "编号")


def row(record: Grouped, policies: Mapping[str, str], sources: Mapping[str, str]) -> list[str]:
    """One document as cells; `policies` and `sources` are names by id, and other policies are left out."""
    document, assessed = record.document, record.assessed
    stance = assessed.stance.label if assessed.stance else ""
    cells: Sequence[str] = (
        words.moment(document.published_at),
        sources.get(document.source, document.source),
        words.KINDS.get(document.kind, document.kind),
        document.title,
        document.text,
        words.SENTIMENTS.get(assessed.sentiment.label, assessed.sentiment.label),
        words.REQUESTS.get(assessed.request.label, assessed.request.label),
        assessed.topic.label,
        words.STANCES.get(stance, stance),
        assessed.region or "",
        "；".join(policies[one] for one in assessed.filed_under if one in policies),
        document.url or "",
        document.id,
    )
    return [safe_cell(cell) for cell in cells]


def as_json_lines(documents: Iterable[Any], note: str) -> Iterator[bytes]:
    """A document a line, as the API gives them; where the file does not hold all, a last line `{"note": ...}`."""
    for document in documents:
        yield msgspec.json.encode(document) + b"\n"
    if note:
        yield msgspec.json.encode({"note": note}) + b"\n"


def as_docx(rows: Iterable[Sequence[str]], told: Sequence[str], note: str) -> bytes:
    """A DOCX file to be read and handed on: what was looked for (`told`, a line each), and of each document title,
    origin, judgement and the whole text."""
    made = Document()
    made.add_heading("检索结果", 1)
    for line in told:
        made.add_paragraph(line)
    if note:
        made.add_paragraph(note)
    for number, cells in enumerate(rows, 1):
        fields = dict(zip(COLUMNS, cells, strict=True))
        made.add_heading(f"{number}. {fields['标题'] or fields['正文'][:30]}", 2)
        told = ("发布时间", "信源", "类型", "情感", "诉求", "领域", "立场", "地区", "政策")
        made.add_paragraph("　".join(f"{name}：{fields[name]}" for name in told if fields[name]))
        made.add_paragraph(fields["正文"])
        if fields["网址"]:
            made.add_paragraph(fields["网址"])
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()
