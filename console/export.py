"""Search results as files for a spreadsheet, with nothing in them that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from docx import Document
from openpyxl import Workbook

from console import words
from minsheng.characters import for_office
from minsheng.records import Grouped

COLUMNS = ("发布时间", "信源", "类型", "标题", "正文", "情感", "诉求", "领域", "立场", "地区", "政策", "网址", "编号")
LONGEST_CELL = 32_000
"""Characters; a spreadsheet's cell holds 32,767."""

_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠\t\r|%]")


def safe_cell(text: str) -> str:
    """The text as a spreadsheet shows it and never runs it: an apostrophe stands before what could be a formula."""
    text = for_office(text)[:LONGEST_CELL]
    return f"'{text}" if _FORMULA.match(text) else text


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


def as_csv(rows: Iterable[Sequence[str]], note: str) -> Iterator[bytes]:
    """CSV in UTF-8 with the mark that Excel needs to know it by; `note` is a last line, if there is one."""
    yield b"\xef\xbb\xbf"
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for cells in (COLUMNS, *rows, *([[note]] if note else [])):
        writer.writerow(cells)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def as_xlsx(rows: Iterable[Sequence[str]], note: str) -> bytes:
    """An XLSX file."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("检索结果")
    for cells in (COLUMNS, *rows, *([[note]] if note else [])):
        sheet.append(list(cells))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def as_docx(rows: Iterable[Sequence[str]], note: str) -> bytes:
    """A DOCX file to be read and handed on: title, origin and judgement, and the whole text of each document."""
    made = Document()
    made.add_heading("检索结果", 1)
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
