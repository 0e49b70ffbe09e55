"""Files of collected texts to rows: CSV, XLSX, JSON Lines, WARC, mbox and single mails, plain or gzipped."""

from __future__ import annotations

import csv
import email
import email.policy
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec

from crawlers.attached import READABLE, file_text, kind_of
from crawlers.charset import declared_charset, decode
from crawlers.extraction import extract
from crawlers.markup import html_text
from minsheng.clock import CHINA
from minsheng.errors import BadInput, WrongUse


class Row(msgspec.Struct, frozen=True):
    """One row of a file: its line, its values by column name, or what is wrong with it."""

    line: int
    values: Mapping[str, Any]
    problem: str = ""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, whatever its charset, delimiter and compression. Raises `BadInput`."""
    try:
        body = path.read_bytes()
        # The parts of a web archive are compressed one by one; its own reader opens them.
        if body[:2] == b"\x1f\x8b" and ".warc" not in path.name.lower():
            body = gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        kind = WrongUse if isinstance(error, FileNotFoundError) else BadInput
        raise kind(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from error
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".warc"):
        yield from _warc_rows(body, path)
    elif name.endswith((".mbox", ".mbx")) or body.startswith(b"From "):
        yield from _mbox_rows(body, path)
    elif name.endswith(".eml"):
        yield read_mail(1, body)
    elif name.endswith((".xlsx", ".xlsm")) or body.startswith(b"PK\x03\x04"):
        yield from _xlsx_rows(body, path)
    else:
        yield from _text_rows(body, path, name)


def _text_rows(body: bytes, path: Path, name: str) -> Iterator[Row]:
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput(f"{path} is a workbook of the old form", "save it as XLSX or CSV")
    text = decode(body)
    if "\x00" in text[:1000]:
        raise BadInput(f"{path} is no text file", "export it as CSV, XLSX or JSON Lines")
    if name.endswith((".jsonl", ".ndjson", ".json")) or text.lstrip()[:1] in ("{", "["):
        yield from _json_rows(text, path)
    else:
        yield from _csv_rows(text)


def _xlsx_rows(body: bytes, path: Path) -> Iterator[Row]:
    """Each sheet's first row with anything in it is its header. A row's number is the sheet's own."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        for sheet in book.worksheets:
            header: list[str] = []
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                values = [_cell(cell) for cell in cells]
                if not any(values):
                    continue
                if not header:
                    header = values
                else:
                    yield Row(number, {name: value for name, value in zip(header, values, strict=False) if name})
    except BadInput:
        raise
    except Exception as error:
        # What is wrong with a workbook comes out in many ways.
        raise BadInput(f"{path} can't be read as a workbook: {type(error).__name__}: {error}") from error


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


def _warc_rows(body: bytes, path: Path) -> Iterator[Row]:
    """The article pages of a web archive; its number is the record's place."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    try:
        for number, record in enumerate(ArchiveIterator(io.BytesIO(body)), start=1):
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
            yield _page_row(number, url, record.content_stream().read(), kind, at)
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


def _mbox_rows(body: bytes, path: Path) -> Iterator[Row]:
    """The mails of a mailbox; a mail's number is the line that it begins in."""
    mails = re.split(rb"(?m)^(?=From [^\n]*\d{4}\s*$)", body)
    if not any(mail.startswith(b"From ") for mail in mails):
        raise BadInput(f"{path} is no mailbox", "it begins with a line `From …`")
    line = 1
    for mail in mails:
        if mail.startswith(b"From "):
            yield read_mail(line, mail.partition(b"\n")[2].replace(b"\n>From ", b"\nFrom "))
        line += mail.count(b"\n")


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
        if not line.strip():
            continue
        try:
            yield _json_row(number, msgspec.json.decode(line.encode()))
        except (msgspec.DecodeError, RecursionError) as error:
            yield Row(number, {"line": line.rstrip("\n")}, f"not readable as JSON: {error}")


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
