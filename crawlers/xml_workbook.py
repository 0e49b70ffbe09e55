"""XML Spreadsheet 2003: a workbook as one XML file, which older systems export and call `.xls`.

Its form is published by Microsoft (XML Spreadsheet Reference, Office 2003).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime

from lxml import etree

_NAMESPACE = "urn:schemas-microsoft-com:office:spreadsheet"
_SS = f"{{{_NAMESPACE}}}"
_LOOKED_AT = 4096
"""Bytes of a file that say whether it is one."""
_WIDEST = 16_384
"""Columns that a sheet may have; a file may name any."""


def is_xml_workbook(body: bytes) -> bool:
    """Whether a file is one, by its root's namespace; in any charset whose letters are those of ASCII, or in UTF-16."""
    head = body[:_LOOKED_AT].replace(b"\x00", b"")
    return b"<" in head[:8] and _NAMESPACE.encode() in head and b"Workbook" in head


def xml_sheets(body: bytes) -> Iterator[list[tuple[int, list[str]]]]:
    """The rows of each sheet by their numbers, from 1 on, with their cells as a person reads them.

    Raises
    ------
    SyntaxError
        If it is broken XML.
    """
    rows: list[tuple[int, list[str]]] = []
    number = 0
    # Entities are left: some bytes of them make gigabytes.
    walk = etree.iterparse(
        io.BytesIO(body), tag=(f"{_SS}Row", f"{_SS}Worksheet"), resolve_entities=False, no_network=True, huge_tree=True
    )
    for _, element in walk:
        if element.tag == f"{_SS}Worksheet":
            yield rows
            rows, number = [], 0
        else:
            number = _index(element) or number + 1
            rows.append((number, _cells(element)))
        element.clear()


def _cells(row: etree._Element) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{_SS}Cell"):
        place = _index(cell)
        if place and len(cells) < place - 1 < _WIDEST:
            cells += [""] * (place - 1 - len(cells))
        data = cell.find(f"{_SS}Data")
        cells.append("" if data is None else _words("".join(data.itertext()), data.get(f"{_SS}Type", "")))
        merged = cell.get(f"{_SS}MergeAcross", "")
        if merged.isdecimal() and int(merged[:6]) < _WIDEST:
            cells += [""] * int(merged)
    return cells


def _index(element: etree._Element) -> int:
    """The place that an element names, from 1 on; 0 where it comes next."""
    said = element.get(f"{_SS}Index", "")
    return int(said[:9]) if said.isdecimal() else 0


def _words(text: str, kind: str) -> str:
    text = text.strip()
    if kind == "DateTime":
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            return text
        is_day = (time.hour, time.minute, time.second) == (0, 0, 0)
        return time.date().isoformat() if is_day else f"{time:%Y-%m-%d %H:%M:%S}"
    if kind == "Number":
        try:
            value = float(text)
        except ValueError:
            return text
        # Ids are written as 2.0261123001E10.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else text
    return text
