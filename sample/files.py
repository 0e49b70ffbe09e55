"""The files that hang on the sample site's policy pages: PDF, DOCX, XLSX and OFD, made when they are asked for."""

from __future__ import annotations

import functools
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime

from minsheng.clock import CHINA

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ofd": "application/ofd",
}
_EPOCH = datetime(2026, 1, 1, tzinfo=CHINA)


@functools.lru_cache(maxsize=200)
def make(kind: str, lines: tuple[str, ...]) -> bytes:
    """A file of a kind with these lines; the same lines give the same bytes."""
    return {"pdf": pdf, "docx": docx, "xlsx": xlsx, "ofd": ofd}[kind](lines)


def pdf(lines: Sequence[str]) -> bytes:
    """A page of text in a font that is not embedded; a table says which characters its codes stand for."""
    characters = sorted(set("".join(lines)))
    code = {character: f"{place:04X}" for place, character in enumerate(characters, start=1)}
    shown = "".join(
        f"1 0 0 1 60 {780 - 24 * place} Tm <{''.join(code[c] for c in line)}> Tj\n" for place, line in enumerate(lines)
    )
    text = f"BT /F1 14 Tf\n{shown}ET".encode()
    pairs = "\n".join(f"<{code[c]}> <{c.encode('utf-16-be').hex().upper()}>" for c in characters)
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /ours def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{len(characters)} beginbfchar\n{pairs}\nendbfchar\nendcmap end end"
    ).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /SimSun /Encoding /Identity-H"
        b" /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /SimSun /DW 1000"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        b" /FontDescriptor << /Type /FontDescriptor /FontName /SimSun /Flags 4 >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(cmap), cmap),
    ]
    body, places = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(body),
    )  # fmt: skip


def docx(lines: Sequence[str]) -> bytes:
    from docx import Document

    document = Document()
    document.core_properties.created = document.core_properties.modified = _EPOCH.replace(tzinfo=None)
    for line in lines:
        document.add_paragraph(line)
    file = io.BytesIO()
    document.save(file)
    return _same_times(file.getvalue())


def xlsx(lines: Sequence[str]) -> bytes:
    """A sheet with a row for each line, cut at tabs."""
    from openpyxl import Workbook

    book = Workbook()
    book.properties.created = book.properties.modified = _EPOCH.replace(tzinfo=None)
    for line in lines:
        book.active.append(line.split("\t"))
    file = io.BytesIO()
    book.save(file)
    return _same_times(file.getvalue())


def ofd(lines: Sequence[str]) -> bytes:
    """The format of official documents (GB/T 33190): XML in a zip, as little of it as holds text."""
    texts = "".join(
        f'<ofd:TextObject ID="{place + 10}" Boundary="30 {30 + 9 * place} 150 7"><ofd:TextCode>{line}</ofd:TextCode>'
        "</ofd:TextObject>"
        for place, line in enumerate(lines)
    )
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    parts = {
        "OFD.xml": f"<ofd:OFD {space}><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody>"
        "</ofd:OFD>",
        "Doc_0/Document.xml": f'<ofd:Document {space}><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/>'
        "</ofd:Pages></ofd:Document>",
        "Doc_0/Pages/Page_0/Content.xml": f"<ofd:Page {space}><ofd:Content><ofd:Layer>{texts}</ofd:Layer></ofd:Content>"
        "</ofd:Page>",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return _same_times(file.getvalue())


def _same_times(package: bytes) -> bytes:
    """The zip with all its entries at one time: an unchanged file is then sent with an unchanged ETag."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename == "docProps/core.xml":
                content = _without_times(content)
            new.writestr(zipfile.ZipInfo(item.filename, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _without_times(core: bytes) -> bytes:
    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-01T00:00:00Z", core)
