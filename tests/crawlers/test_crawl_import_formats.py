"""Imports of workbooks, web archives and mail, and of records with their answers."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawlers.columns import COLUMNS
from crawlers.importing import ImportReport, import_file
from crawlers.intake import Intake
from crawlers.privacy import AuthorKeys
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.records import document_id
from sample.files import docx
from tests.crawlers.conftest import Crawling
from tests.crawlers.scenes import BODY, article

MORNING = datetime(2026, 11, 23, 9, 5, tzinfo=UTC).replace(tzinfo=None)
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "import-files.md"


def load(crawling: Crawling, path: Path, **options: Any) -> ImportReport:
    crawling.log.ensure_topics({"documents": 1})
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    return import_file(path, intake, AuthorKeys(b"0123456789abcdef"), crawling.clock, source="one", **options)


def workbook(path: Path, *sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_hotlines_workbook_with_its_answers(crawling: Crawling, tmp_path: Path) -> None:
    head = ["工单编号", "诉求标题", "诉求内容", "受理时间", "来电人", "所属区县", "承办单位", "办理结果", "办结时间"]
    rows = [
        head,
        [20261123001, "水费重复扣收", "扣了两次", MORNING, "王先生", "新圃区", "市水务局", "已退款",
         MORNING + timedelta(hours=24, minutes=55)],
        [20261123002.0, "路灯坏了", "坏了一个月", "2026-11-23 12:30", None, "新圃区", "城管局", None, None],
        [None] * 9,
    ]  # fmt: skip
    report = load(crawling, workbook(tmp_path / "a.xlsx", [[], ["2026年工单", None][:0], *rows], [["备注"], ["无"]]))
    assert (report.rows, report.imported, report.skipped) == (3, 3, 1)
    documents = {document.native_id or "reply": document for document in crawling.documents()}
    assert documents["20261123001"].published_at.astimezone(CHINA).strftime("%m-%d %H:%M") == "11-23 09:05"
    assert documents["20261123002"].region == "新圃区"
    reply = documents["reply"]
    assert (reply.kind, reply.text, reply.outlet) == ("reply", "已退款", "市水务局")
    assert reply.parent_id == document_id("one", "20261123001")
    assert reply.published_at.astimezone(CHINA).strftime("%m-%d %H:%M") == "11-24 10:00"
    assert load(crawling, tmp_path / "a.xlsx").imported == 0


def test_a_broken_or_old_workbook_is_refused(crawling: Crawling, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04nonsense")
    with pytest.raises(BadInput, match="can't be read as a workbook"):
        load(crawling, tmp_path / "a.xlsx")
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(BadInput, match="old form — save it as XLSX"):
        load(crawling, tmp_path / "a.xls")


@pytest.mark.parametrize("zipped", [True, False])
def test_the_articles_of_a_web_archive(zipped: bool, crawling: Crawling, tmp_path: Path) -> None:
    path = tmp_path / ("a.warc.gz" if zipped else "a.warc")
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=zipped)
        pages = {
            "http://h.example/1.html": (
                article("水费退款进展公布", "2026-11-23 12:30", "gbk").encode("gbk"),
                "text/html",
            ),
            "http://h.example/logo.png": (b"\x89PNG", "image/png"),
            "http://h.example/2.html": ("<html><body><p>请登录</p></body></html>".encode(), "text/html; charset=utf-8"),
        }
        for url, (body, kind) in pages.items():
            headers = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=headers)
            )
    report = load(crawling, path, kind="news")
    assert (report.imported, report.skipped) == (1, 1)
    (document,) = crawling.documents()
    assert (document.title, document.text) == ("水费退款进展公布", "\n".join(BODY))
    assert document.url == "http://h.example/1.html"
    assert document.published_at.astimezone(CHINA).strftime("%m-%d %H:%M") == "11-23 12:30"
    path.write_bytes(b"nonsense")
    with pytest.raises(BadInput, match="web archive"):
        load(crawling, path)


def mail(subject: str, text: str, number: int, answers: int | None = None, file: bytes = b"") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "王先生 <wang@yunjiang.example>"
    made["Subject"] = subject
    made["Date"] = "Mon, 23 Nov 2026 12:30:00 +0800"
    made["Message-ID"] = f"<{number}@yunjiang.example>"
    if answers is not None:
        made["In-Reply-To"] = f"<{answers}@yunjiang.example>"
    made.set_content(text, charset="gb18030")
    if file:
        made.add_attachment(file, maintype="application", subtype="octet-stream", filename="诉求.docx")
    return made


@pytest.mark.parametrize("zipped", [True, False])
def test_a_mailbox(zipped: bool, crawling: Crawling, tmp_path: Path) -> None:
    import mailbox

    box = mailbox.mbox(tmp_path / "a.mbox")
    box.add(mail("水费重复扣收", "请退款。\nFrom 头开始的一行\n电话13800138000", 1, file=docx(["账单明细"])))
    box.add(mail("Re: 水费重复扣收", "再催一次。", 2, answers=1))
    box.close()
    path = tmp_path / "a.mbox"
    if zipped:
        path = tmp_path / "b.mbox.gz"
        path.write_bytes(gzip.compress((tmp_path / "a.mbox").read_bytes()))
    report = load(crawling, path)
    assert (report.imported, report.skipped) == (2, 0)
    first, second = crawling.documents()
    assert first.title == "水费重复扣收"
    assert "From 头开始的一行" in first.text
    assert first.text.endswith("【附件】诉求.docx\n账单明细")
    assert "13800138000" not in first.text
    assert first.author_key is not None
    assert "wang" not in str(first)
    assert second.parent_id == document_id("one", "<1@yunjiang.example>")
    assert first.published_at.astimezone(CHINA).strftime("%m-%d %H:%M") == "11-23 12:30"


def test_a_single_mail_in_html(crawling: Crawling, tmp_path: Path) -> None:
    made = mail("咨询", "x", 3)
    made.set_content("<p>异地能提取吗？</p><script>x</script>", subtype="html")
    (tmp_path / "a.eml").write_bytes(made.as_bytes())
    load(crawling, tmp_path / "a.eml")
    assert crawling.documents()[0].text == "异地能提取吗？"


def test_the_guide_names_every_field() -> None:
    text = HOW_TO.read_text(encoding="utf-8")
    assert [field for field in COLUMNS if f"`{field}`" not in text] == []
