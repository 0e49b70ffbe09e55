"""Government columns: particulars, files, consultations."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date

import docx as library
import pytest

from crawlers.attached import file_links, file_text, kind_of
from crawlers.markup import parse_html
from crawlers.official import consultation, read_official
from minsheng.errors import BadInput
from minsheng.records import Official
from sample.files import docx, ofd, pdf, xlsx
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import put_up

LINES = ("附件 任务分工表", "市发展改革委\t2026年底前")


def official(html: str, title: str = "关于水价的通知", text: str = "") -> Official:
    tree = parse_html(f"<html><body>{html}</body></html>")
    assert tree is not None
    return read_official(tree, title, text, NOW) or Official()


TABLE = """<table><tr><td>索 引 号：</td><td>012345678/2026-00123</td><td>主题分类：</td><td>财政、金融、审计</td></tr>
<tr><td>发文机关：</td><td>云江省人民政府办公厅</td><td>成文日期：</td><td>2026年10月28日</td></tr>
<tr><td>标　　题：</td><td>关于水价的通知</td></tr><tr><td>发文字号：</td><td>云政办发〔2026〕33号</td>
<td>发布日期：</td><td>2026年11月01日</td></tr><tr><td>有 效 性：</td><td>有效</td></tr></table>"""
SPANS = """<div class="xxgk"><span>【索引号】</span><span>A001-2026-9</span>
<span>【发布机构】</span><span>云江市财政局</span></div>
<ul><li><b>文号：</b>云财社[2026]7号</li><li><b>生成日期：</b>2026-10-28</li><li><b>施行日期：</b>2027-01-01</li>
<li><b>废止日期：</b>2031-12-31</li></ul>"""
LINE = "<p>索引号：B7　文号：云府发（2026）第 05 号　发布机构：云江市人民政府　时效性：废止</p>"
DL = """<dl><dt>发文单位</dt><dd>云江市教育局</dd><dt>文件编号</dt><dd>云教发【2026】18号</dd>
<dt>效力状态</dt><dd>现行有效</dd></dl>"""


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            TABLE,
            Official(
                number="云政办发〔2026〕33号",
                index_number="012345678/2026-00123",
                issuer="云江省人民政府办公厅",
                topic="财政、金融、审计",
                written_on=date(2026, 10, 28),
                released_on=date(2026, 11, 1),
                validity="有效",
            ),
        ),
        (
            SPANS,
            Official(
                number="云财社〔2026〕7号",
                index_number="A001-2026-9",
                issuer="云江市财政局",
                written_on=date(2026, 10, 28),
                effective_on=date(2027, 1, 1),
                expires_on=date(2031, 12, 31),
            ),
        ),
        (LINE, Official(number="云府发〔2026〕5号", index_number="B7", issuer="云江市人民政府", validity="废止")),
        (DL, Official(number="云教发〔2026〕18号", issuer="云江市教育局", validity="现行有效")),
        ("<p>发布日期：2026-11-01</p><p>全市召开供水工作会议。</p>", Official()),
        ("<p>信息来源：云江日报</p>", Official()),
    ],
)
def test_particulars_of_real_layouts(html: str, expected: Official) -> None:
    assert official(html) == expected


def test_what_no_table_says_the_text_may() -> None:
    found = official("", text="云发改规〔2026〕9号\n各市（州）发展改革委：\n本办法自2027年1月1日起施行，有效期五年。")
    assert found.number == "云发改规〔2026〕9号"
    assert (found.effective_on, found.expires_on) == (date(2027, 1, 1), date(2032, 1, 1))
    assert official("", text="本办法自2027年1月1日起施行，有效期至2030年12月31日。").expires_on == date(2030, 12, 31)
    # A number that is only mentioned is another document's.
    assert official("", text="根据《云政发〔2020〕1号》文件精神，结合实际制定本办法。") == Official()


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("征求意见时间：2026年11月1日至2026年12月1日。", (date(2026, 11, 1), date(2026, 12, 1))),
        ("公开征求意见，时间为2026年12月20日-1月5日。", (date(2026, 12, 20), date(2027, 1, 5))),
        ("公开征求意见。意见反馈截止时间为2026年12月31日。", (None, date(2026, 12, 31))),
        ("公开征求意见，请于2026年12月5日前将意见发至邮箱。", (None, date(2026, 12, 5))),
        ("现公开征求意见，公众可在12月20日前提出意见。", (None, date(2026, 12, 20))),
        ("现公开征求意见，公众可在1月20日前提出意见。", (None, date(2027, 1, 20))),
        ("现公开征求意见。", (None, None)),
        ("本办法自2026年11月1日至2026年12月1日试行。", (None, None)),
    ],
)
def test_days_of_consultations(text: str, days: tuple[date | None, date | None]) -> None:
    assert consultation("关于水价的公告", text, NOW) == days


@pytest.mark.parametrize(("kind", "make"), [("pdf", pdf), ("docx", docx), ("xlsx", xlsx), ("ofd", ofd)])
def test_the_words_of_files(kind: str, make: object) -> None:
    assert make in (pdf, docx, xlsx, ofd)
    text = file_text(make([line.replace("\t", " ") for line in LINES]), kind, "f")  # type: ignore[operator]
    assert text == "附件 任务分工表\n市发展改革委 2026年底前"


def test_a_table_in_a_docx_is_read_in_its_place() -> None:
    from docx import Document

    document = Document()
    document.add_paragraph("一、任务")
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "市水务局", "年底前"
    document.add_paragraph("二、要求")
    file = io.BytesIO()
    document.save(file)
    assert file_text(file.getvalue(), "docx", "f") == "一、任务\n市水务局 年底前\n二、要求"


def test_files_that_cannot_be_read_say_why() -> None:
    for kind in ("pdf", "docx", "xlsx", "ofd"):
        with pytest.raises(BadInput, match="can't be read"):
            file_text(b"nonsense", kind, "f")
    with pytest.raises(BadInput, match="answered with a page: 404"):
        file_text(b"<html><body>404 not found</body></html>", "pdf", "f")
    with pytest.raises(BadInput, match=r"kind \(doc\) are not read"):
        file_text(b"\xd0\xcf\x11\xe0", "doc", "f")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b"0" * 101_000_000)
    with pytest.raises(BadInput, match="holds more than"):
        file_text(bomb.getvalue(), "docx", "f")


def test_links_to_files_are_told_from_pages() -> None:
    tree = parse_html(
        '<a href="/a.PDF?v=1">一</a><a href="/a.PDF?v=1">又</a><a href="/d?name=x.docx">二</a><a href="/b.html">三</a>'
        '<a href="/c.jpg">图</a><a href="mailto:a@b.pdf">信</a><a href="/%E9%99%84.xlsx"></a>'
    )
    assert tree is not None
    found = file_links(tree.iter("a"), "http://h.example/")
    assert [(file.name, kind_of(file.url)) for file in found] == [("一", "pdf"), ("二", "docx"), ("附.xlsx", "xlsx")]


def test_files_follow_the_document_and_are_tried_again(crawling: Crawling, site: LocalSite) -> None:
    url, _ = put_up("government", site)
    whole = site.pages["/zc/a.pdf"]
    site.put("/zc/a.pdf", "", status=503)
    crawling.source("one", "government", url)
    report = crawling.run()
    assert (report.ok, report.new, report.failed) == (True, 2, 2)
    site.pages["/zc/a.pdf"] = whole
    assert crawling.run().items == 2
    document = crawling.documents()[-1]
    assert document.revision == 2
    assert "【附件】任务分工\n任务分工\n联系电话" in document.text
    assert [file.name for file in document.attachments] == ["任务分工"]
    assert document.official is not None
    assert document.official.number.startswith("云发改价格〔2026〕4")
    assert crawling.run().items == 0


def test_a_broken_or_missing_file_leaves_the_document_whole(crawling: Crawling, site: LocalSite) -> None:
    url, _ = put_up("government", site)
    site.put("/zc/a.pdf", b"%PDF-nonsense")
    crawling.source("one", "government", url)
    report = crawling.run()
    assert (report.new, report.failed, report.rejected) == (2, 0, {"attachment can't be read": 2})
    assert crawling.run().items == 0


def test_files_stay_closed_where_robots_or_the_operator_say_so(crawling: Crawling, site: LocalSite) -> None:
    url, _ = put_up("government", site)
    site.put("/robots.txt", "User-agent: *\nDisallow: /zc/a.pdf\n", media_type="text/plain")
    crawling.source("one", "government", url)
    assert crawling.run().new == 2
    crawling.source("two", "government", url, attachments=False)
    assert crawling.run("two").new == 2
    assert "/zc/a.pdf" not in site.paths()


def test_a_list_may_lead_to_files_alone(crawling: Crawling, site: LocalSite) -> None:
    rows = "".join(
        f'<li><a href="/f/{n}.docx">第{n}号关于水价的公告</a><span>2026-11-2{n}</span></li>' for n in range(3)
    )
    site.put("/f/", f'<ul class="a">{rows}</ul>')
    for n in range(3):
        site.put(f"/f/{n}.docx", docx([f"第{n}号公告全文"]), media_type="application/octet-stream")
    crawling.source("one", "government", f"{site.url}/f/")
    assert crawling.run().new == 3
    assert sorted(document.text for document in crawling.documents()) == [f"第{n}号公告全文" for n in range(3)]


def test_a_changed_validity_is_a_new_revision(crawling: Crawling, site: LocalSite) -> None:
    url, _ = put_up("government", site)
    crawling.source("one", "government", url)
    crawling.run()
    page = site.pages["/zc/0.html"].body.replace(b"</table>", "<tr><th>有效性</th><td>废止</td></tr></table>".encode())
    site.put("/zc/0.html", page)
    listing = site.pages["/zc/"].body.replace(
        "阶梯价格管理办法的通知".encode(), "阶梯价格管理办法的通知（废止）".encode()
    )
    site.put("/zc/", listing)
    assert crawling.run().items == 1
    changed = crawling.documents()[-1].official
    assert changed is not None
    assert changed.validity == "废止"


@pytest.mark.parametrize(
    ("years", "ends"), [("五", 2031), ("十", 2036), ("十五", 2041), ("二十", 2046), ("3", 2029), ("二", 2028)]
)
def test_terms_of_years_in_words(years: str, ends: int) -> None:
    text = f"本办法自2026年12月1日起施行，有效期{years}年。"
    assert official("<p>发文字号：云府发〔2026〕7号</p>", text=text).expires_on == date(ends, 12, 1)


def test_a_consultation_over_the_turn_of_the_year_that_ends_on_a_leap_day() -> None:
    # In the first day's year there is such a day, and it lies before it; in the next year there is none.
    text = "征求意见时间为2024年3月1日至2月29日。"
    assert consultation("水价征求意见稿", text, NOW) == (date(2024, 3, 1), date(2025, 2, 28))


def test_a_page_of_very_many_elements_within_each_other_takes_no_time() -> None:
    tree = parse_html("<body>" + "<div>" * 1500 + "<p>水价</p>" * 20_000 + "</body>")
    assert tree is not None
    begun = time.process_time()
    read_official(tree, "关于水价的通知", "", NOW)
    assert time.process_time() - begun < 2


def test_cells_that_are_alike_stay_in_their_columns() -> None:
    made = library.Document()
    table = made.add_table(rows=2, cols=3)
    for row, words in enumerate((("档次", "现价", "拟调价"), ("第一档", "3.20", "3.20"))):
        for column, word in enumerate(words):
            table.cell(row, column).text = word
    file = io.BytesIO()
    made.save(file)
    assert file_text(file.getvalue(), "docx", "f").splitlines() == ["档次 现价 拟调价", "第一档 3.20 3.20"]
