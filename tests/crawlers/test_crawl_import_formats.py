"""Imports of workbooks, web archives and mail, and of records with their answers."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawlers import rows
from crawlers.columns import COLUMNS
from crawlers.importing import ImportReport, import_file
from crawlers.intake import Intake
from crawlers.privacy import AuthorKeys
from crawlers.rows import read_rows
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.records import document_id
from sample.files import docx
from tests.crawlers.conftest import Crawling
from tests.crawlers.scenes import BODY, article

MORNING = datetime(2026, 11, 23, 9, 5, tzinfo=UTC).replace(tzinfo=None)
FILES = Path(__file__).parent / "files"
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "import-files.md"


def load(crawling: Crawling, path: Path, **options: Any) -> ImportReport:
    crawling.log.ensure_topics({"documents": 1})
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    return import_file(path, intake, AuthorKeys(b"0123456789abcdef"), crawling.clock, source="one", **options)


def workbook(path: Path, *sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for lines in sheets:
        sheet = book.create_sheet()
        for row in lines:
            sheet.append(row)
    book.save(path)
    return path


def test_a_hotlines_workbook_with_its_answers(crawling: Crawling, tmp_path: Path) -> None:
    head = ["工单编号", "诉求标题", "诉求内容", "受理时间", "来电人", "所属区县", "承办单位", "办理结果", "办结时间"]
    orders = [
        head,
        [20261123001, "水费重复扣收", "扣了两次", MORNING, "王先生", "新圃区", "市水务局", "已退款",
         MORNING + timedelta(hours=24, minutes=55)],
        [20261123002.0, "路灯坏了", "坏了一个月", "2026-11-23 12:30", None, "新圃区", "城管局", None, None],
        [None] * 9,
    ]  # fmt: skip
    report = load(crawling, workbook(tmp_path / "a.xlsx", [[], ["2026年工单", None], *orders], [["备注"], ["无"]]))
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
    (tmp_path / "b.xlsx").write_bytes(b"nonsense")
    with pytest.raises(BadInput, match="can't be read as a workbook — open it in its program"):
        load(crawling, tmp_path / "b.xlsx")
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(BadInput, match="can't be read as a workbook"):
        load(crawling, tmp_path / "a.xls")
    (tmp_path / "b.xls").write_bytes((FILES / "measures.doc").read_bytes())
    with pytest.raises(BadInput, match="is a text document"):
        load(crawling, tmp_path / "b.xls")
    (tmp_path / "c.xls").write_text("<html><body>会话已过期</body></html>", encoding="utf-8")
    with pytest.raises(BadInput, match="is called a workbook, and is none"):
        load(crawling, tmp_path / "c.xls")


def test_an_old_workbook(tmp_path: Path) -> None:
    for name in ("prices.xls", "prices.et"):
        path = tmp_path / name
        path.write_bytes((FILES / "prices.xls").read_bytes())
        found = list(read_rows(path))
        assert [row.values for row in found[:2]] == [
            {"档次": "第一档", "年用水量": "180立方米", "价格": "3.2"},
            {"档次": "第二档", "年用水量": "260立方米", "价格": "4.8"},
        ]
    zipped = tmp_path / "p.xls.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_rows(zipped)) == found


def test_a_page_that_is_called_a_workbook(crawling: Crawling, tmp_path: Path) -> None:
    cells = ["工单编号", "诉求内容", "受理时间"], ["001", "路灯坏了<br>一个月", "2026-11-23 12:30"]
    table = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    (tmp_path / "a.xls").write_bytes(f"<html><meta charset=gbk><table>{table}</table></html>".encode("gbk"))
    assert load(crawling, tmp_path / "a.xls").imported == 1
    (document,) = crawling.documents()
    assert (document.native_id, document.text) == ("001", "路灯坏了 一个月")


XML_WORKBOOK = """<?xml version="1.0" encoding="{charset}"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Worksheet ss:Name="工单"><Table>
<Row><Cell ss:MergeAcross="3"><Data ss:Type="String">云江省12345热线工单表</Data></Cell></Row>
<Row ss:Index="3"><Cell><Data ss:Type="String">工单编号</Data></Cell><Cell><Data ss:Type="String">诉求标题</Data></Cell>
<Cell><Data ss:Type="String">诉求内容</Data></Cell><Cell><Data ss:Type="String">受理时间</Data></Cell></Row>
<Row><Cell><Data ss:Type="Number">2.0261123001E10</Data></Cell>
<Cell ss:Index="3"><Data ss:Type="String">路灯坏了</Data></Cell>
<Cell><Data ss:Type="DateTime">2026-11-23T12:30:00.000</Data></Cell></Row>
</Table></Worksheet></Workbook>"""


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "utf-16"])
def test_a_workbook_in_xml(charset: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(XML_WORKBOOK.format(charset=charset).encode(charset))
    (row,) = read_rows(path)
    assert row.line == 4
    assert row.values == {
        "工单编号": "20261123001", "诉求标题": "", "诉求内容": "路灯坏了", "受理时间": "2026-11-23 12:30:00"
    }  # fmt: skip
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(BadInput, match="can't be read as a workbook"):
        list(read_rows(path))


MERGED = [
    ["云江省12345热线工单表", None, None, None, None],
    ["工单编号", "诉求内容", "受理时间", "办理情况", None],
    [None, None, None, "承办单位", "办理结果"],
    ["A-1", "路灯坏了", "2026-11-23 12:30", "城管局", "已修"],
]
FILED = {
    "工单编号": "A-1", "诉求内容": "路灯坏了", "受理时间": "2026-11-23 12:30", "承办单位": "城管局", "办理结果": "已修"
}  # fmt: skip


def test_a_header_of_two_rows_with_merged_cells(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", MERGED)
    book = openpyxl.load_workbook(path)
    for cells in ("A1:E1", "A2:A3", "B2:B3", "C2:C3", "D2:E2"):
        book.worksheets[0].merge_cells(cells)
    book.save(path)
    assert [row.values for row in read_rows(path)] == [FILED]


def test_merged_cells_of_a_page_that_is_called_a_workbook(tmp_path: Path) -> None:
    high = "".join(f"<td rowspan=2>{name}</td>" for name in MERGED[1][:3])
    last = "".join(f"<td>{cell}</td>" for cell in MERGED[3])
    (tmp_path / "a.xls").write_text(
        f"<table><tr><td colspan=5>工单表</td></tr><tr>{high}<td colspan=2>办理情况</td></tr>"
        f"<tr><td>承办单位</td><td>办理结果</td></tr><tr>{last}</tr></table>",
        encoding="utf-8",
    )
    assert [row.values for row in read_rows(tmp_path / "a.xls")] == [FILED]


def test_titles_above_the_header_are_passed_over(crawling: Crawling, tmp_path: Path) -> None:
    head = ["序号", "工单编号", "诉求内容", "受理时间"]
    title, made = ["云江省12345热线工单表", None, None, None], ["导出人：王", None, "导出时间：2026-11-24", None]
    orders = [title, made, head, [1, "A-1", "路灯坏了", MORNING], [2, "A-2", "水费多扣", MORNING]]
    report = load(crawling, workbook(tmp_path / "a.xlsx", orders))
    assert (report.rows, report.imported) == (2, 2)
    # Names of one's own: the first row with several cells.
    path = workbook(tmp_path / "b.xlsx", [title, ["甲", "乙", None, None], ["一", "二", None, None]])
    assert [row.values for row in read_rows(path)] == [{"甲": "一", "乙": "二"}]
    # A single column is a table, too.
    assert [row.values for row in read_rows(workbook(tmp_path / "c.xlsx", [["内容"], ["一"]]))] == [{"内容": "一"}]


def test_an_answer_without_a_time_is_not_of_today(crawling: Crawling, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("诉求内容,受理时间,办理结果\n路灯坏了,2020-03-02 09:00,已修\n", encoding="utf-8")
    load(crawling, tmp_path / "a.csv")
    assert [one.published_at.year for one in crawling.documents()] == [2020, 2020]


def test_what_is_made_to_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "UNSUSPECTED", 1_000_000)
    for name in ("a.csv.gz", "a.jsonl.gz", "a.mbox.gz", "a.warc.gz", "a.xls.gz"):
        begin = {"a.mbox.gz": b"From a 2026\n", "a.warc.gz": b"WARC/1.0\r\nWARC-Type: response\r\n"}.get(name, b"")
        (tmp_path / name).write_bytes(gzip.compress(begin + b" " * 3_000_000))
        with pytest.raises(BadInput, match="MB: no text does that"):
            list(read_rows(tmp_path / name))
    # One that is as large as it seems is read.
    lines = "\n".join(f'{{"text": "{n} {hash(n * 7919)}"}}' for n in range(60_000)).encode()
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    assert sum(not row.problem for row in read_rows(tmp_path / "b.jsonl.gz")) == 60_000


def test_a_file_that_is_too_large_to_be_held_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_HELD", 1000)
    (tmp_path / "a.csv").write_text("内容\n" + "水费" * 1000, encoding="utf-8")
    with pytest.raises(BadInput, match="1,000 bytes — split it, or save it as JSON Lines"):
        list(read_rows(tmp_path / "a.csv"))
    path = workbook(tmp_path / "a.xlsx", [["内容"], *[["水费" * 2000]] * 50])
    monkeypatch.setattr(rows, "MOST_HELD", 20_000)
    assert path.stat().st_size < 20_000
    with pytest.raises(BadInput, match="when it is opened"):
        list(read_rows(path))


def test_mailboxes_and_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    """Memory stays as it is, however large the file."""
    mails = tmp_path / "a.mbox"
    one = b"From a@h.example Mon Nov 23 12:30:00 2026\nSubject: s\nMessage-ID: <%d>\n\n" + b"x" * 70_000 + b"\n\n"
    with mails.open("wb") as file:
        for n in range(300):
            file.write(one % n)
    lines = tmp_path / "a.jsonl"
    lines.write_bytes(b"".join(b'{"text": "%s"}\n' % (b"x" * 70_000) for _ in range(300)))
    next(read_rows(mails))  # what is imported at first use counts for nothing
    for path in (mails, lines):
        tracemalloc.start()
        assert sum(1 for _ in read_rows(path)) == 300
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 3_000_000  # of 21 MB


def test_one_part_that_is_too_large_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_MAIL", 100_000)
    monkeypatch.setattr(rows, "MOST_PAGE", 100_000)
    head = b"From a@h.example Mon Nov 23 12:30:00 2026\nSubject: s\n\n"
    (tmp_path / "a.mbox").write_bytes(head + b"x" * 200_000 + b"\nFrom here on\n\n" + head + b"short\n")
    large, small = read_rows(tmp_path / "a.mbox")
    assert (large.problem, small.problem, small.line) == ("the mail holds more than 100,000 bytes", "", 7)
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "%s"}\n{"text": "b"}\n\xff\n' % (b"x" * 250_000))
    assert [row.problem[:30] for row in read_rows(tmp_path / "a.jsonl")] == [
        "the line holds more than 100,0", "", "not readable as JSON: JSON is "
    ]  # fmt: skip


def test_a_web_archive_that_was_gzipped_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    raw = io.BytesIO()
    writer = WARCWriter(raw, gzip=False)
    headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
    page = article("水费退款进展公布", "2026-11-23 12:30").encode()
    writer.write_record(
        writer.create_warc_record("http://h/1", "response", payload=io.BytesIO(page), http_headers=headers)
    )
    path.write_bytes(gzip.compress(raw.getvalue()))
    assert [row.values["title"] for row in read_rows(path)] == ["水费退款进展公布"]


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
