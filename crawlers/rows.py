"""Files of collected texts to rows: CSV, XLSX, XLS, JSON Lines, WARC, mbox and single mails, plain or gzipped."""

from __future__ import annotations

import codecs
import csv
import email
import email.policy
import gzip
import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from crawlers.attached import READABLE, file_text, kind_of
from crawlers.charset import declared_charset, decode
from crawlers.columns import known_name
from crawlers.extraction import extract
from crawlers.markup import element_text, html_text, parse_html
from crawlers.old_office import MAGIC, kind_of_container, xls_sheets
from crawlers.xml_workbook import is_xml_workbook, xml_sheets
from minsheng.clock import CHINA
from minsheng.errors import BadInput, WrongUse
from minsheng.problems import Problem

PART = 65_536
"""Bytes that are read at a time."""
MOST_HELD = 1_000_000_000
"""Bytes of a file, opened, that is held in memory."""
UNSUSPECTED, MOST_SHRUNK = 100_000_000, 200
"""A gzipped file may open into so many bytes, and beyond that into so many times its own size."""
MOST_PAGE, MOST_MAIL = 20_000_000, 100_000_000
"""Bytes of one page of a web archive or one line, and of one mail with the files in it."""
LOOKED_AT = 5
"""A table's first rows of which one is its header."""
_GZIP = b"\x1f\x8b"
_BLANK = b"\xef\xbb\xbf \t\r\n"
_MAIL = re.compile(rb"From [^\n]*\d{4}\s*$")


class Row(msgspec.Struct, frozen=True):
    """One row of a file: its line, its values by column name, or what is wrong with it."""

    line: int
    values: Mapping[str, Any]
    problem: str = ""


def read_rows(path: Path, known: Callable[[str], bool] = known_name) -> Iterator[Row]:
    """The rows of a file, whatever its charset, delimiter and compression.

    Web archives, mailboxes and JSON Lines are read as they go, and may be larger than the memory; the others are held.

    Parameters
    ----------
    known:
        Whether a cell is the name of a column: the row of a workbook that has most of these is its header.

    Raises
    ------
    BadInput
        If the file can't be read as what it is, or opens into more than it may.
    WrongUse
        If there is no such file.
    """
    try:
        with io.BufferedReader(io.FileIO(path), PART) as file:
            is_gzip = file.peek(2)[:2] == _GZIP
            # The parts of a web archive are compressed one by one, or the archive as a whole: both are one stream.
            yield from _rows(io.BufferedReader(Opened(file, path), PART) if is_gzip else file, path, known)
    except (OSError, EOFError, zlib.error) as error:
        kind = WrongUse if isinstance(error, FileNotFoundError) else BadInput
        raise kind(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from error


class Opened(io.RawIOBase):
    """A gzipped file, opened as far as it may be: some kilobytes can hold gigabytes.

    Texts shrink to a tenth, or, where they repeat themselves, to a hundredth; what is made to fill a memory shrinks to
    a thousandth.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._gzip = gzip.GzipFile(fileobj=file)
        self._path = path
        self._size = path.stat().st_size
        self._read = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: Any) -> int:
        part = self._gzip.read(len(buffer))
        self._read += len(part)
        if self._read > UNSUSPECTED and self._read > MOST_SHRUNK * self._size:
            raise BadInput(
                f"{self._path}: {self._size:,} bytes open into {self._read // 1_000_000:,} MB: no text does that",
                "open it yourself, look at it, and import what is in it",
            )
        buffer[: len(part)] = part
        return len(part)


def _rows(stream: io.BufferedReader[Any], path: Path, known: Callable[[str], bool]) -> Iterator[Row]:
    name = path.name.lower().removesuffix(".gz")
    head = stream.peek(PART)
    if name.endswith(".warc") or head.startswith(b"WARC/"):
        yield from _warc_rows(stream, path)
    elif name.endswith((".mbox", ".mbx")) or head.startswith(b"From "):
        yield from _mbox_rows(stream, path)
    elif name.endswith((".jsonl", ".ndjson")) and _is_utf8(head):
        yield from _json_line_rows(stream)
    else:
        body = stream.read(MOST_HELD + 1)
        if len(body) > MOST_HELD:
            raise BadInput(Problem("file-swollen", file=path, most=MOST_HELD), "split it, or save it as JSON Lines")
        yield from _held_rows(body, path, name, known)


def _held_rows(body: bytes, path: Path, name: str, known: Callable[[str], bool]) -> Iterator[Row]:
    if name.endswith(".eml"):
        yield read_mail(1, body)
    elif body.startswith(b"PK\x03\x04"):
        yield from _sheet_rows(_xlsx_sheets(body, path), known)
    elif body.startswith(MAGIC):
        yield from _sheet_rows(_xls_sheets(body, path), known)
    elif is_xml_workbook(body):
        yield from _sheet_rows(_xml_sheets(body, path), known)
    elif name.endswith((".xls", ".et")) and body.lstrip(_BLANK)[:1] == b"<":
        yield from _sheet_rows(_html_sheets(body, path), known)
    elif name.endswith((".xlsx", ".xlsm")):
        raise BadInput(f"{path} can't be read as a workbook", "open it in its program, and save it as XLSX anew")
    else:
        yield from _text_rows(body, path, name)


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # Its last character may be cut.
        return error.start > len(head) - 4
    return not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\x00" not in head[:1000]


def _text_rows(body: bytes, path: Path, name: str) -> Iterator[Row]:
    text = decode(body)
    if "\x00" in text[:1000]:
        raise BadInput(f"{path} is no text file", "export it as CSV, XLSX or JSON Lines")
    if name.endswith((".jsonl", ".ndjson", ".json")) or text.lstrip()[:1] in ("{", "["):
        yield from _json_rows(text, path)
    else:
        yield from _csv_rows(text)


Sheet = Iterable[tuple[int, list[str]]]
"""Rows by number, from 1 on, with the words of their cells."""


def _sheet_rows(sheets: Iterable[Sheet], known: Callable[[str], bool]) -> Iterator[Row]:
    """The rows below each sheet's header. A row's number is the sheet's own."""
    for sheet in sheets:
        filled = ((number, cells) for number, cells in sheet if any(cells))
        first = list(itertools.islice(filled, LOOKED_AT))
        if not first:
            continue
        place, header = _header_of([cells for _, cells in first], known)
        for number, cells in itertools.chain(first[place + 1 :], filled):
            yield Row(number, {name: value for name, value in zip(header, cells, strict=False) if name})


def _header_of(first: Sequence[Sequence[str]], known: Callable[[str], bool]) -> tuple[int, Sequence[str]]:
    """Which of a table's first rows is its header: offices write a title, and who made the list, above it.

    Where cells were merged, a header stands in two rows: 办理情况 above 承办单位 and 办理结果, 工单编号 beside them. It
    is the lower of the two, with what stands above its empty cells.
    """
    named = [sum(map(known, cells)) for cells in first]
    place = named.index(max(named)) if max(named) else None
    for below in range(1, len(first)):
        pairs = itertools.zip_longest(first[below - 1], first[below], fillvalue="")
        both = [lower or upper for upper, lower in pairs]
        # A row of data adds no column's name to its header.
        if sum(map(known, both)) > max(named):
            return below, both
    if place is None:
        place = next((place for place, cells in enumerate(first) if sum(map(bool, cells)) > 1), 0)
    return place, first[place]


def _xlsx_sheets(body: bytes, path: Path) -> Iterator[Sheet]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as package:
            opened = sum(item.file_size for item in package.infolist())
        if opened > MOST_HELD:
            raise BadInput(
                f"{path} holds more than {MOST_HELD:,} bytes when it is opened", "split it, or save it as CSV"
            )
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        for sheet in book.worksheets:
            rows = enumerate(sheet.iter_rows(values_only=True), start=1)
            yield ((number, [_cell(cell) for cell in cells]) for number, cells in rows)
    except BadInput:
        raise
    except Exception as error:
        # What is wrong with a workbook comes out in many ways.
        raise _no_workbook(path, error) from error


def _xls_sheets(body: bytes, path: Path) -> Iterator[Sheet]:
    try:
        kind = kind_of_container(body)
        if kind == "locked":
            raise BadInput(Problem("file-locked", file=path), "open it, and save it without one")
        if kind == "doc":
            raise BadInput(f"{path} is a text document, no workbook", "save its table as XLSX or CSV")
        yield from xls_sheets(body)
    except BadInput:
        raise
    except Exception as error:
        if "encrypted" in str(error).lower():
            raise BadInput(Problem("file-locked", file=path), "open it, and save it without one") from error
        raise _no_workbook(path, error) from error


def _html_sheets(body: bytes, path: Path) -> Iterator[Sheet]:
    """Tables of a page that is called a workbook, as many systems export them."""
    tree = parse_html(decode(body))
    tables = [] if tree is None else [table for table in tree.iter("table") if table.find(".//table") is None]
    if not tables:
        raise BadInput(f"{path} is called a workbook, and is none", "open it in its program, and save it as XLSX")
    for table in tables:
        yield _table_rows(table)


def _table_rows(table: Any) -> list[tuple[int, list[str]]]:
    """The rows of a table, each cell under its column: merged ones count as so many, of which the first has words."""
    rows: list[tuple[int, list[str]]] = []
    below: dict[int, int] = {}  # column → how many further rows a cell above reaches into it
    for number, row in enumerate(table.iter("tr"), start=1):
        words: list[str] = []

        def pass_merged(words: list[str] = words) -> None:
            while below.get(len(words), 0) > 0:
                below[len(words)] -= 1
                words.append("")

        for cell in row.iter("td", "th"):
            pass_merged()
            wide, high = _span(cell.get("colspan")), _span(cell.get("rowspan"))
            for column in range(len(words), len(words) + wide):
                below[column] = high - 1
            words += [" ".join(element_text(cell).split()), *[""] * (wide - 1)]
        pass_merged()
        rows.append((number, words))
    return rows


def _span(said: str | None) -> int:
    """How many rows or columns a cell takes; a page may say any number."""
    return min(max(int(said), 1), 100) if said and said.strip().isdecimal() and len(said) < 6 else 1


def _xml_sheets(body: bytes, path: Path) -> Iterator[Sheet]:
    try:
        yield from xml_sheets(body)
    except (ValueError, SyntaxError) as error:
        raise _no_workbook(path, error) from error


def _no_workbook(path: Path, error: Exception) -> BadInput:
    return BadInput(f"{path} can't be read as a workbook: {type(error).__name__}: {error}")


def _cell(value: Any) -> str:
    """A cell as a person reads it: days and times in China's form, numbers without a needless `.0`."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _warc_rows(stream: io.BufferedReader[Any], path: Path) -> Iterator[Row]:
    """The article pages of a web archive; its number is the record's place."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    try:
        for number, record in enumerate(ArchiveIterator(stream), start=1):
            headers = record.http_headers
            kind = (headers.get_header("Content-Type") or "") if headers else ""
            if (
                record.rec_type != "response"
                or headers is None
                or headers.get_statuscode() != "200"
                or "html" not in kind
            ):
                continue
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            at = record.rec_headers.get_header("WARC-Date") or ""
            page = record.content_stream().read(MOST_PAGE + 1)
            if len(page) > MOST_PAGE:
                yield Row(number, {"url": url}, f"the page holds more than {MOST_PAGE:,} bytes")
            else:
                yield _page_row(number, url, page, kind, at)
    except (ArchiveLoadFailed, OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} can't be read as a web archive: {error}") from error


def _page_row(number: int, url: str, page: bytes, kind: str, at: str) -> Row:
    try:
        fetched = datetime.fromisoformat(at.replace("Z", "+00:00"))
    except ValueError:
        fetched = datetime.now(UTC)
    try:
        found = extract(decode(page, declared_charset(kind)), url, fetched)
    except BadInput as error:
        return Row(number, {"url": url}, str(error))
    published = found.published_at or (found.published_raw or at)
    return Row(
        number,
        {
            "url": url,
            "title": found.title,
            "text": found.text,
            "published_at": published.astimezone(CHINA).isoformat() if isinstance(published, datetime) else published,
            "outlet": found.outlet or "",
        },
    )


def _mbox_rows(stream: io.BufferedReader[Any], path: Path) -> Iterator[Row]:
    """The mails of a mailbox, one at a time; a mail's number is the line that it begins in."""
    mail: list[bytes] = []
    begun = size = line = 0
    begins = True  # the next part begins a line

    def whole() -> Row:
        if size > MOST_MAIL:
            return Row(begun, {}, f"the mail holds more than {MOST_MAIL:,} bytes")
        return read_mail(begun, b"".join(mail).replace(b"\n>From ", b"\nFrom "))

    # A line may be as long as the file.
    while part := stream.readline(PART):
        line += begins
        if begins and _MAIL.match(part):
            if begun:
                yield whole()
            mail, size, begun = [], 0, line
        elif begun:
            size += len(part)
            if size <= MOST_MAIL:
                mail.append(part)
            else:
                mail.clear()
        elif part.strip():
            raise BadInput(f"{path} is no mailbox", "it begins with a line `From …`")
        begins = part.endswith(b"\n")
    if not begun:
        raise BadInput(f"{path} is no mailbox", "it begins with a line `From …`")
    yield whole()


def read_mail(number: int, raw: bytes) -> Row:
    """A mail's words, those of the files in it after its own; or what is wrong with it."""
    try:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(preferencelist=("plain", "html"))
        words = [_part_text(body)] if body is not None else []
        for part in mail.iter_attachments():
            name = part.get_filename() or ""
            if kind_of(f"http://mail/{name}", part.get_content_type()) in READABLE:
                words.append(_attached(part, name))
        values = {
            "native_id": str(mail["Message-ID"] or "").strip(),
            "title": str(mail["Subject"] or "").strip(),
            "text": "\n".join(filter(None, words)),
            "published_at": str(mail["Date"] or "").strip(),
            "author": str(mail["From"] or "").strip(),
            "parent_id": str(mail["In-Reply-To"] or "").strip(),
        }
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError) as error:
        return Row(number, {"mail": raw[:500].decode("utf-8", "replace")}, f"not readable as a mail: {error}")
    return Row(number, values)


def _part_text(part: Any) -> str:
    payload = part.get_payload(decode=True) or b""
    text = decode(payload, part.get_content_charset())
    return html_text(text) if part.get_content_type() == "text/html" else text.strip()


def _attached(part: Any, name: str) -> str:
    """The words of a file in a mail; that it can't be read where it can't."""
    try:
        kind = kind_of(f"http://mail/{name}", part.get_content_type())
        return f"【附件】{name}\n{file_text(part.get_payload(decode=True) or b'', kind, name)}"
    except BadInput as error:
        return f"【附件】{name}（{error.message}）"


def _json_line_rows(stream: io.BufferedReader[Any]) -> Iterator[Row]:
    """The objects of JSON Lines, one at a time."""
    number = 0
    while line := stream.readline(MOST_PAGE):
        number += 1
        if len(line) == MOST_PAGE and not line.endswith(b"\n"):
            while (rest := stream.readline(MOST_PAGE)) and not rest.endswith(b"\n"):
                pass
            yield Row(number, {}, f"the line holds more than {MOST_PAGE:,} bytes")
        elif words := line.removeprefix(codecs.BOM_UTF8).strip():
            yield _json_line(number, words)


def _json_line(number: int, line: bytes) -> Row:
    try:
        return _json_row(number, msgspec.json.decode(line))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Row(number, {"line": line.decode("utf-8", "replace")}, f"not readable as JSON: {error}")


def _json_rows(text: str, path: Path) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        try:
            values = msgspec.json.decode(text.encode())
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadInput(f"{path} is not readable as JSON: {error}") from error
        for number, value in enumerate(values, start=1):
            yield _json_row(number, value)
        return
    for number, line in enumerate(io.StringIO(text), start=1):
        if line.strip():
            yield _json_line(number, line.strip().encode("utf-8", "replace"))


def _json_row(number: int, value: Any) -> Row:
    if not isinstance(value, dict):
        return Row(number, {"value": value}, "no JSON object")
    return Row(number, value)


def _csv_rows(text: str) -> Iterator[Row]:
    # A field may be as long as the file: a text of ten million characters is cut later, not refused here.
    csv.field_size_limit(1 << 30)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    header: list[str] = []
    line = 0
    for cells in reader:
        line, start = reader.line_num, line + 1
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = [cell.strip() for cell in cells]
        elif len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            values = {**dict(zip(header, cells, strict=False)), "extra": cells[len(header) :]}
            yield Row(start, values, f"{len(cells)} cells under {len(header)} columns")
        else:
            yield Row(start, dict(zip(header, cells, strict=False)))


def _delimiter(text: str) -> str:
    """The one that the header has most of; a text with commas in it does not mislead this."""
    first = text.lstrip("\n\r").partition("\n")[0]
    return max(",\t;|", key=lambda delimiter: (first.count(delimiter), delimiter == ","))
