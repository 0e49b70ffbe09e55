"""Tables as files for a spreadsheet, with nothing in them that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from minsheng.characters import for_office

LONGEST_CELL = 32_000
"""Characters; a spreadsheet's cell holds 32,767."""

_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠\t\r|%]")


def safe_cell(text: str) -> str:
    """The text as a spreadsheet shows it and never runs it: an apostrophe stands before what could be a formula."""
    text = for_office(text)[:LONGEST_CELL]
    return f"'{text}" if _FORMULA.match(text) else text


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> Iterator[bytes]:
    """CSV in UTF-8 with the mark that Excel needs to know it by; `note` is a last line, if there is one."""
    yield b"\xef\xbb\xbf"
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for cells in (columns, *rows, *([[note]] if note else [])):
        writer.writerow([safe_cell(cell) for cell in cells])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def as_xlsx(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> bytes:
    """An XLSX file of one sheet, called `title`."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for cells in (columns, *rows, *([[note]] if note else [])):
        sheet.append([safe_cell(cell) for cell in cells])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
