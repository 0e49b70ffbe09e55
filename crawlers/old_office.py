"""The words of files in the binary formats of Office 97 to 2003, which WPS writes, too: DOC and XLS."""

from __future__ import annotations

import io
import itertools
import re
import struct
from collections.abc import Iterator
from datetime import datetime

from minsheng.errors import BadInput
from minsheng.problems import Problem

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What they all begin with: an OLE container."""
MOST_ROWS = 5_000
"""Rows of a sheet that are read."""
_FLAGS, _CCP_TEXT, _FC_CLX = 0x0A, 0x4C, 0x01A2  # places in the FIB ([MS-DOC] 2.5)
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
_COMPRESSED = 0x4000_0000
_FIELD = re.compile("\x13[^\x13\x14\x15]*\x14?|\x15")
_BREAKS = re.compile("[\r\x0b\x0c\x0e]|\x07\x07")


def kind_of_container(body: bytes) -> str:
    """`doc`, `xls`, `locked` for newer files with a password, or empty for any other container, such as PPT."""
    import olefile

    with olefile.OleFileIO(io.BytesIO(body)) as container:
        if container.exists("WordDocument"):
            return "doc"
        if container.exists("EncryptedPackage"):
            return "locked"
        return "xls" if container.exists("Workbook") or container.exists("Book") else ""


def doc_lines(body: bytes, where: str) -> Iterator[str]:
    """The words of the document itself, a line for each paragraph and row; without notes, headers and footers.

    A document keeps its text in pieces; the piece table says where each is and whether it has one byte a character or
    two ([MS-DOC] 2.4.1).

    Raises
    ------
    BadInput
        If it is locked by a password, older than Word 97, or broken.
    """
    import olefile

    with olefile.OleFileIO(io.BytesIO(body)) as container:
        main = container.openstream("WordDocument").read()
        (flags,) = struct.unpack_from("<H", main, _FLAGS)
        if flags & _ENCRYPTED:
            raise BadInput(Problem("file-locked", file=where))
        if struct.unpack_from("<H", main, 2)[0] < 0x00C1:
            raise BadInput(f"{where} was written by a Word older than 97")
        table = container.openstream("1Table" if flags & _TABLE_1 else "0Table").read()
    (length,) = struct.unpack_from("<i", main, _CCP_TEXT)
    start, size = struct.unpack_from("<II", main, _FC_CLX)
    text = "".join(_pieces(main, table[start : start + size]))[: max(length, 0)]
    # Of a field the words that it shows are kept, not what they are made by; objects have no words.
    shown = _FIELD.sub("", text)
    yield from _BREAKS.sub("\n", shown).replace("\x07", "\t").replace("\x1e", "-").split("\n")


def _pieces(main: bytes, clx: bytes) -> Iterator[str]:
    place = 0
    while place < len(clx) and clx[place] == 1:  # formatting that pieces refer to
        place += 3 + struct.unpack_from("<H", clx, place + 1)[0]
    if place >= len(clx) or clx[place] != 2:
        raise BadInput("it has no piece table")
    (size,) = struct.unpack_from("<I", clx, place + 1)
    pieces = clx[place + 5 : place + 5 + size]
    count = (len(pieces) - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", pieces)
    for number in range(count):
        (stands,) = struct.unpack_from("<I", pieces, 4 * (count + 1) + 8 * number + 2)
        characters = ends[number + 1] - ends[number]
        if stands & _COMPRESSED:
            start = (stands & ~_COMPRESSED) // 2
            yield main[start : start + characters].decode("cp1252", "replace")
        else:
            yield main[stands : stands + 2 * characters].decode("utf-16-le", "replace")


def xls_lines(body: bytes) -> Iterator[str]:
    """The cells of all sheets, a line for each row, as a person reads them."""
    for sheet in xls_sheets(body):
        for _, cells in itertools.islice(sheet, MOST_ROWS):
            if any(cells):
                yield "\t".join(filter(None, cells))


def xls_sheets(body: bytes) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The rows of each sheet by their numbers, from 1 on, with their cells as a person reads them."""
    import xlrd

    book = xlrd.open_workbook(file_contents=body, logfile=io.StringIO(), on_demand=True)
    for sheet in book.sheets():
        yield (
            (row + 1, [_cell(cell.ctype, cell.value, book.datemode) for cell in sheet.row(row)])
            for row in range(sheet.nrows)
        )


def _cell(kind: int, value: object, mode: int) -> str:
    import xlrd

    if kind == xlrd.XL_CELL_DATE and isinstance(value, float):
        try:
            time: datetime = xlrd.xldate_as_datetime(value, mode)
        except (ValueError, OverflowError):
            return str(value)
        return time.date().isoformat() if (time.hour, time.minute, time.second) == (0, 0, 0) else str(time)
    if kind == xlrd.XL_CELL_NUMBER and isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if kind == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if value else "FALSE"
    return str(value).strip() if kind == xlrd.XL_CELL_TEXT else ""
