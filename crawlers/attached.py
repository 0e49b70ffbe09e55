"""The words of files that belong to pages: PDF, DOC, DOCX, XLS, XLSX, WPS, OFD and plain text."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import lxml.html
from lxml import etree

from crawlers.admission import canonical_url
from crawlers.charset import decode
from crawlers.markup import element_text, html_text
from crawlers.old_office import MAGIC, doc_lines, kind_of_container, xls_lines
from minsheng.errors import BadInput
from minsheng.logs import get_logger
from minsheng.problems import Problem
from minsheng.records import MAX_TEXT, Attachment

log = get_logger(__name__)

FILE = re.compile(r"\.(?:pdf|ofd|docx?|xlsx?|pptx?|wps|et|txt|csv|rtf|zip|rar|7z|jpe?g|png|gif|mp[34])$", re.IGNORECASE)
"""Addresses that lead to files rather than to pages."""
READABLE = ("pdf", "ofd", "docx", "xlsx", "doc", "xls", "wps", "et", "txt", "csv")
MOST_PAGES = 300
"""Pages of a PDF that are read."""
MOST_ROWS = 5_000
"""Rows of a sheet that are read."""
MOST_OPENED = 100_000_000
"""Bytes that an Office file may hold when it is opened."""
_SHOWN = ("jpg", "jpeg", "png", "gif", "mp3", "mp4")
"""What is looked at or listened to rather than read."""


def file_links(anchors: Iterable[lxml.html.HtmlElement], base: str) -> tuple[Attachment, ...]:
    """The files that links lead to, pictures and films apart; each once, by the name that the link gives it.

    Which kind of file it is stands in the address, or, where files are served by number, in the name.
    """
    found: dict[str, Attachment] = {}
    for anchor in anchors:
        try:
            url = urljoin(base, (anchor.get("href") or "").strip())
            if not url.startswith(("http://", "https://")):
                continue
            url = canonical_url(url)
            name = " ".join(element_text(anchor).split()) or unquote(urlsplit(url).path.rpartition("/")[2])
            if kind_of(url, name=name) in ("", *_SHOWN):
                continue
        except ValueError:
            continue
        found.setdefault(url, Attachment(url=url, name=name[:200]))
    return tuple(found.values())


def kind_of(url: str, media_type: str = "", name: str = "") -> str:
    """`pdf`, `docx` and so on, by the address or else its name or its media type; empty for a page."""
    parts = urlsplit(url)
    for text in (parts.path, parts.query, name.strip()):
        match = FILE.search(text)
        if match:
            return match[0][1:].lower()
    for name, kind in (("pdf", "pdf"), ("wordprocessingml", "docx"), ("spreadsheetml", "xlsx"), ("ofd", "ofd")):
        if name in media_type:
            return kind
    return ""


def file_text(body: bytes, kind: str, where: str, *, most_opened: int = MOST_OPENED) -> str:
    """The words of a file, a line for each paragraph or row, cut at the longest text that a record carries.

    Parameters
    ----------
    kind:
        As `kind_of` gives it; what the bytes themselves say counts more.
    most_opened:
        Bytes that a packed file may hold.

    Raises
    ------
    BadInput
        If the file is broken, locked or of a kind that is not read.
    """
    try:
        return _cut(_lines(body, _real_kind(body, kind), where, most_opened))
    except BadInput:
        raise
    except Exception as error:
        # What others' parsers raise on broken files has no bounds.
        raise BadInput(
            Problem("file-broken", file=where, kind=kind, reason=f"{type(error).__name__}: {error}")
        ) from error


def _real_kind(body: bytes, kind: str) -> str:
    if body.startswith(b"%PDF"):
        return "pdf"
    if body.startswith(MAGIC):
        return kind_of_container(body) or kind
    if body.startswith(b"PK\x03\x04") and kind not in ("docx", "xlsx", "ofd"):
        # Newer programs write the newer formats under the old names.
        return {"doc": "docx", "wps": "docx", "xls": "xlsx", "et": "xlsx"}.get(kind, kind)
    if body.lstrip()[:1] == b"<" and kind != "txt":
        return "html"
    return kind


def _lines(body: bytes, kind: str, where: str, most_opened: int) -> Iterator[str]:
    if kind == "pdf":
        return _pdf(body, where)
    if body.startswith(MAGIC) and kind == "doc":
        return doc_lines(body, where)
    if body.startswith(MAGIC) and kind == "xls":
        return xls_lines(body)
    if kind in ("docx", "xlsx", "ofd"):
        _check_size(body, where, most_opened)
        return {"docx": _docx, "xlsx": _xlsx, "ofd": _ofd}[kind](body)
    if kind in ("txt", "csv"):
        return iter(decode(body).splitlines())
    if kind == "html":
        # Servers answer with a page where the file is gone.
        raise BadInput(f"{where} answered with a page: {html_text(decode(body[:20_000]))[:80]}")
    raise BadInput(f"{where}: files of this kind ({kind or 'unknown'}) are not read")


def _pdf(body: bytes, where: str) -> Iterator[str]:
    import logging

    import pypdf

    # It warns of every small fault that it reads over.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    reader = pypdf.PdfReader(io.BytesIO(body))
    if reader.is_encrypted and not reader.decrypt(""):
        raise BadInput(Problem("file-locked", file=where))
    for page in reader.pages[:MOST_PAGES]:
        yield from (page.extract_text() or "").splitlines()


def _docx(body: bytes) -> Iterator[str]:
    import docx
    from docx.table import Table

    def table(one: Any) -> Iterator[str]:
        for row in one.rows:
            # A cell that spans several columns stands in each of them.
            cells = {cell._tc: cell for cell in row.cells}
            yield "\t".join(cell.text.strip() for cell in cells.values())

    for block in docx.Document(io.BytesIO(body)).iter_inner_content():
        if isinstance(block, Table):
            yield from table(block)
        else:
            yield block.text


def _xlsx(body: bytes) -> Iterator[str]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(max_row=MOST_ROWS, values_only=True):
            cells = [str(cell).strip() for cell in row if cell is not None]
            if cells:
                yield "\t".join(cells)


def _ofd(body: bytes) -> Iterator[str]:
    """OFD (GB/T 33190), the format of official documents: XML in a zip; text stands in `TextCode`, line by line."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    with zipfile.ZipFile(io.BytesIO(body)) as package:
        pages = [name for name in package.namelist() if re.search(r"Page_?(\d+)/Content\.xml$", name, re.IGNORECASE)]
        numbered = sorted(pages, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])
        for name in numbered[:MOST_PAGES]:
            root = etree.fromstring(package.read(name), parser)
            line, height = "", ""
            for element in root.iter("{*}TextObject"):
                words = "".join(code.text or "" for code in element.iter("{*}TextCode"))
                # Boundary is "x y width height": what lies at one height is one line.
                at = (element.get("Boundary") or "").split()[1:2]
                if at and at[0] == height:
                    line += words
                else:
                    yield line
                    line, height = words, at[0] if at else ""
            yield line


def _check_size(body: bytes, where: str, most: int) -> None:
    with zipfile.ZipFile(io.BytesIO(body)) as package:
        if sum(item.file_size for item in package.infolist()) > most:
            raise BadInput(Problem("file-swollen", file=where, most=most))


def _cut(lines: Iterator[str]) -> str:
    kept: list[str] = []
    size = 0
    for line in lines:
        words = " ".join(line.replace("\x00", "").split())
        if words:
            kept.append(words)
            size += len(words) + 1
        if size > MAX_TEXT:
            break
    return "\n".join(kept)
