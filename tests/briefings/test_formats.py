"""The briefing on paper: two sheets, the standard's page, the same bytes again, and clear words where it fails."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import docx
import msgspec
import pytest
import sqlalchemy as sa
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.shared import Length
from pypdf import PdfReader

from alerts import timeline
from alerts.tables import tickets
from briefings import charts, orders
from briefings.columns import column_widths
from briefings.docx import docx_of
from briefings.edition import editions, printed, wide
from briefings.evidence import Number
from briefings.fonts import serif_fonts
from briefings.gather import gather_between
from briefings.head import Head
from briefings.html import page_of
from briefings.looks import DOCUMENT, Look
from briefings.making import make_figures
from briefings.pdf import NO_LIBRARIES, pdf_of
from briefings.period import period_figures
from briefings.periodical import periodical
from briefings.report import Cell, Paragraph, Report, Table, numbers
from briefings.spans import Kind, span
from briefings.writing import Writer
from minsheng.errors import MinshengError, WrongUse
from minsheng.policies import PolicyRegister
from minsheng.policies.tables import policies
from tests.briefings.busy_world import BusyWorld
from tests.briefings.small_world import DAY, MIDNIGHT, World, record
from tests.servers import leave_out

HEAD = Head(
    number="RB-20260508", issue="〔2026〕第128期", secrecy="秘密★1年", signer="李四", recipients=("市政府办公室",)
)


def report_of(world: World, kind: Kind = "daily") -> Report:
    period = span(kind, DAY)
    return periodical(
        period_figures(
            period,
            index=world.index,
            policies=PolicyRegister(world.store).all(),
            facts=gather_between(world.store, world.log, period.since, period.end, world.clock),
            unit="云岭市政务舆情值班室",
            clock=world.clock,
        )
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("formats"))
    made.fill()
    yield made
    made.close()


@pytest.fixture(scope="module")
def report(filled: World) -> Report:
    return report_of(filled)


@pytest.fixture(scope="module")
def pango() -> None:
    """The system's libraries that set the type of PDFs."""
    try:
        import weasyprint  # noqa: F401
    except OSError as error:
        leave_out(f"PDFs can't be made here ({str(error).splitlines()[0]}): {NO_LIBRARIES}")


@pytest.mark.usefixtures("pango")
def test_the_pdf_has_two_sheets_with_masthead_codes_and_page_numbers(report: Report) -> None:
    reader = PdfReader(io.BytesIO(pdf_of(report, HEAD)))
    assert len(reader.pages) == 2
    width, height = (float(one) / 72 * 25.4 for one in reader.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (210, 297)
    text = "".join("".join(page.extract_text().split()) for page in reader.pages)
    for words in (
        "秘密★1年",
        "舆情风险日报",
        "〔2026〕第128期",
        "签发人：李四",
        "—1—",
        "—2—",
        "报送：市政府办公室",
        "RB-20260508-n",
    ):
        assert words in text
    assert "20[1]条" in text


def test_the_document_has_the_standards_page_and_the_same_bytes_again(report: Report) -> None:
    content = docx_of(report, HEAD)
    assert content == docx_of(report, HEAD)
    document = docx.Document(io.BytesIO(content))
    section = document.sections[0]
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(margin.mm) for margin in margins if margin] == [37, 35, 28, 26]
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert "共收到信息20[1]条" in text
    fonts = {run.font.name for paragraph in document.paragraphs for run in paragraph.runs}
    assert fonts >= {"方正小标宋简体", "黑体", "楷体", "仿宋"}


def test_tables_stay_between_the_margins_whatever_their_headings_are() -> None:
    title = "《关于进一步加强和规范城镇居民生活用水阶梯价格管理若干问题的实施意见》"
    rows = tuple(
        (Cell(parts=(name,)), Cell(parts=(Number(value=123, evidence="e"),)), Cell(parts=("0",)), Cell(parts=(words,)))
        for name, words in (("微博搜索（示例）", "较前者上升至约12倍（+132条）"), ("望津市白榆区", "较前者变化不显著"))
    )
    block = Table(id="t", columns=("指标", title, title, "变化"), rows=rows, right=(1, 2))
    for whole in (37.0, 28.0):
        widths = column_widths(block, whole)
        assert sum(widths) == pytest.approx(whole) and min(widths) > 4
    assert column_widths(block, 37.0)[3] > wide("较前者上升至约12倍（+132条）"), "it stands on one line"
    short = Table(id="t", columns=("等级", "新增"), rows=((Cell(parts=("Ⅰ级",)), Cell(parts=("0",))),), right=(1,))
    assert sum(column_widths(short, 37.0)) == pytest.approx(37.0)


def test_a_documents_tables_say_their_widths_and_repeat_their_headings(report: Report) -> None:
    document = docx.Document(io.BytesIO(docx_of(report, HEAD)))
    for table in document.tables:
        widths = [column.width for column in table.columns]
        assert sum(one.mm for one in widths if one) == pytest.approx(156, abs=1)
    levels = document.tables[0]
    assert levels.rows[0]._tr.xpath(".//w:tblHeader") and all(row._tr.xpath(".//w:cantSplit") for row in levels.rows)
    assert len(levels._tbl.xpath(".//w:left[@w:color]")) == 4
    assert document.styles.element.xpath(".//w:lang/@w:eastAsia") == ["zh-CN"]


def test_page_and_charts_are_the_same_again_and_survive_being_kept(report: Report, filled: World) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert kept == report == report_of(filled)
    assert page_of(kept, HEAD) == page_of(report, HEAD)


def test_every_number_of_the_page_opens_evidence(report: Report) -> None:
    found = [number for number in numbers(report) if number.evidence]
    assert len(found) > 40
    assert all(report.find(number.evidence or "") for number in found)


def test_week_and_month_tell_their_days(filled: World) -> None:
    week, month = report_of(filled, "weekly"), report_of(filled, "monthly")
    assert (week.subject, month.subject) == ("2026年5月4日至10日", "2026年5月")
    since, until = MIDNIGHT - timedelta(days=4), filled.clock.now()
    counted = sum(
        filled.index.count(one.filters) for one in week.evidence if one.title == "全部信息" and one.filters is not None
    )
    assert (week.since, week.until) == (since, until)
    assert week.evidence[0].total == counted > 20
    assert "较上周" in week.summary[0].text


def test_a_level_that_rose_after_midnight_is_not_yesterdays(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fill()
    with world.store.begin() as connection:
        connection.execute(sa.update(tickets).where(tickets.c.number == "T0001").values(level="red"))
        timeline.add(
            connection, 1, "level-rose", MIDNIGHT + timedelta(hours=24, minutes=5),
            detail={"from": "orange", "to": "red"},
        )  # fmt: skip
    assert "Ⅰ级" not in report_of(world).summary[1].text
    world.close()


@pytest.mark.usefixtures("pango")
def test_a_very_full_day_still_has_two_sheets(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fill()
    world.index.write(
        [
            record(f"full-{event}-{number}", MIDNIGHT + timedelta(hours=3, minutes=number), "反映问题𠮷㐂😀" * 1_500,
                   title=f"第{event}件事的标题很长很长很长很长", event=f"full-{event}", sentiment="negative",
                   request="complaint", policy="bus")
            for event in range(8)
            for number in range(6)
        ]
    )  # fmt: skip
    full = report_of(world)
    assert len(PdfReader(io.BytesIO(pdf_of(full, HEAD))).pages) <= 2
    assert printed(full).shortened
    assert next(editions(full)).weight == 9
    world.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [("{% if %}", "line 1"), ("{{ r.nothing.more }}", "nothing"), ("{{ ''.__class__.__mro__ }}", "unsafe")],
)
def test_a_bad_template_is_named_with_its_mistake(report: Report, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "report.html.j2").write_text(text, encoding="utf-8")
    with pytest.raises(WrongUse, match=said):
        page_of(report, HEAD, Look.read(tmp_path))


def test_a_units_own_files_are_used_and_known_by_their_hash(report: Report, tmp_path: Path) -> None:
    own = docx.Document()
    own.add_paragraph("{{单位}}　{{期号}}")
    own.add_paragraph("{{正文}}")
    own.add_paragraph("印章")
    own.save(str(tmp_path / DOCUMENT))
    look = Look.read(tmp_path)
    assert look.version != Look.read().version
    lines = [paragraph.text for paragraph in docx.Document(io.BytesIO(docx_of(report, HEAD, look))).paragraphs]
    assert lines[0] == "云岭市政务舆情值班室　〔2026〕第128期"
    assert lines[1].startswith("草稿") and lines[2].startswith("共收到信息") and lines[-1] == "印章"
    (tmp_path / DOCUMENT).write_bytes(b"no document")
    with pytest.raises(WrongUse, match="no Word document"):
        docx_of(report, HEAD, Look.read(tmp_path))


@pytest.mark.usefixtures("pango")
def test_missing_fonts_are_said(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("briefings.pdf.installed_fonts", tuple)
    monkeypatch.setattr(charts, "installed_fonts", tuple)
    with pytest.raises(MinshengError, match="fonts-noto-cjk"):
        pdf_of(report, HEAD)
    assert docx_of(report, HEAD)


def fonts_of(content: bytes) -> dict[str, dict[str, str]]:
    """Font → what the document's table of fonts says of it."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {
        font.get(qn("w:name")): {child.tag.split("}")[1]: child.get(qn("w:val")) for child in font}
        for font in parse_xml(archive.read("word/fontTable.xml"))
    }


def test_the_document_says_what_kind_of_face_stands_in_for_the_standards_fonts(report: Report) -> None:
    told = fonts_of(docx_of(report, HEAD))
    for name in ("方正小标宋简体", "仿宋", "楷体", "宋体"):
        assert told[name] == {
            "altName": "Noto Serif CJK SC", "panose1": "02020603050405020304", "charset": "86", "family": "roman",
            "pitch": "variable",
        }  # fmt: skip
    assert (told["黑体"]["altName"], told["黑体"]["family"]) == ("Noto Sans CJK SC", "swiss")
    used = {run.font.name for one in docx.Document(io.BytesIO(docx_of(report, HEAD))).paragraphs for run in one.runs}
    assert used <= set(told)


@pytest.mark.parametrize("with_table", [True, False])
def test_a_units_own_document_keeps_what_it_says_of_its_fonts(report: Report, tmp_path: Path, with_table: bool) -> None:
    own = docx.Document()
    own.add_paragraph("{{正文}}")
    part = own.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    said = '<w:font w:name="仿宋"><w:charset w:val="86"/><w:family w:val="modern"/></w:font></w:fonts>'
    part._blob = part.blob.replace(b"</w:fonts>", said.encode())
    if not with_table:
        (relation,) = [key for key, one in own.part.rels.items() if one.reltype == RELATIONSHIP_TYPE.FONT_TABLE]
        own.part.drop_rel(relation)
    own.save(str(tmp_path / DOCUMENT))
    told = fonts_of(docx_of(report, HEAD, Look.read(tmp_path)))
    assert told["仿宋"]["family"] == ("modern" if with_table else "roman")
    assert told["黑体"]["family"] == "swiss"


def pdf_fonts(document: bytes, folder: Path, aliases: bool) -> dict[str, set[str]]:
    """Font → the characters that LibreOffice prints in it."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip(
            "LibreOffice is not installed, and `make test` leaves it out: 86 MB to fetch and 256 on the disk for this "
            "test alone, where test_fonts.py asks fontconfig what LibreOffice would. To run it: "
            "apt-get install libreoffice-writer-nogui"
        )
    if not serif_fonts():
        leave_out("no Chinese font with serifs is installed")
    (folder / "report.docx").write_bytes(document)
    shipped = f"<include>{Path('deploy/fontconfig/45-gb9704.conf').resolve()}</include>" if aliases else ""
    configuration = folder / "fonts.conf"
    configuration.write_text(f"<fontconfig><include>/etc/fonts/fonts.conf</include>{shipped}</fontconfig>")
    subprocess.run(
        [program, "--headless", f"-env:UserInstallation=file://{folder}/profile", "--convert-to", "pdf", "--outdir",
         str(folder), str(folder / "report.docx")],
        env={**os.environ, "FONTCONFIG_FILE": str(configuration), "HOME": str(folder)}, check=True, timeout=120,
        capture_output=True,
    )  # fmt: skip
    found: dict[str, set[str]] = {}

    def visit(text: str, _: Any, __: Any, font: Any, ___: Any) -> None:
        if font is not None:
            found.setdefault(str(font["/BaseFont"]).split("+")[-1], set()).update(text)

    for page in PdfReader(folder / "report.pdf").pages:
        page.extract_text(visitor_text=visit)
    return found


def test_libreoffice_prints_the_text_in_a_face_with_serifs(report: Report, tmp_path: Path) -> None:
    """Where the machine has the shipped aliases: LibreOffice lets a document's own table of fonts choose Latin faces
    alone."""
    found = pdf_fonts(docx_of(report, HEAD), tmp_path, aliases=True)
    serif = set().union(*(letters for name, letters in found.items() if "Serif" in name or "Song" in name))
    assert set("共收到信息条舆情风险日报报送") <= serif


def test_a_printed_daily_leaves_out_one_block_after_the_other(report: Report) -> None:
    """Not all of one weight at once: half a sheet would stay empty."""
    found = list(editions(report))
    sizes = [sum(1 for _ in one.report.blocks()) for one in found if one.density == "standard"]
    assert all(0 <= before - after <= 2 for before, after in pairwise(sizes))
    for one in found:
        for section in one.report.sections:
            last = section.blocks[-1]
            assert not (isinstance(last, Paragraph) and last.style == "head")


def test_a_policy_that_was_deleted_meanwhile_is_called_by_its_last_title(tmp_path: Path) -> None:
    world = World(tmp_path / "gone")
    world.fill()
    with world.store.begin() as connection:
        connection.execute(policies.delete().where(policies.c.id == "heating"))
    report, named = report_of(world), "涉及《云岭市居民供暖价格调整办法》（已从登记册删除）。"
    page = re.sub(r"<[^>]+>", "", page_of(report, HEAD))
    lines = [one.text for one in docx.Document(io.BytesIO(docx_of(report, HEAD))).paragraphs]
    assert named in page and any(named in line for line in lines)
    assert "《heating》" not in page
    # The public is told of the matter, not of the register.
    with world.store.begin() as connection:
        connection.execute(tickets.update().where(tickets.c.number == "T0001").values(event_id="nobody-asks"))
    stated = orders.statement(world, since=MIDNIGHT, until=MIDNIGHT + timedelta(days=1)).report
    for text in (page_of(stated, HEAD), *(one.text for one in docx.Document(io.BytesIO(docx_of(stated))).paragraphs)):
        assert "已从登记册删除" not in text
    assert "与《云岭市居民供暖价格调整办法》有关的个别事项" in page_of(stated, HEAD)
    world.close()


@pytest.mark.usefixtures("pango")
def test_two_charts_stand_side_by_side_on_paper_and_the_others_below(tmp_path: Path) -> None:
    world = BusyWorld(tmp_path / "busy")
    world.fill()
    weekly = periodical(make_figures(world, "weekly", DAY - timedelta(days=7)))
    world.close()
    height: dict[str, float] = {}

    def visit(text: str, _: Any, at: Any, __: Any, ___: Any) -> None:
        for title in ("信息量（每日）", "情感占比及95%区间", "信源（条）", "地区（条）"):
            if title in text:
                height[title] = at[5]

    for page in PdfReader(io.BytesIO(pdf_of(weekly, HEAD))).pages:
        page.extract_text(visitor_text=visit)
    volume, sentiment, sources, regions = height.values()
    assert list(height) == ["信息量（每日）", "情感占比及95%区间", "信源（条）", "地区（条）"]
    assert abs(volume - sentiment) < 15 and abs(sources - regions) < 15 < 50 < abs(volume - sources)


@pytest.mark.usefixtures("pango")
def test_a_full_sheet_has_the_standards_lines_and_characters() -> None:
    writer = Writer()
    writer.section("基本情况")
    writer.paragraph("字" * 28 * 90)
    report = writer.report(
        "special", "“某事”", unit="云岭市", since=MIDNIGHT, until=MIDNIGHT, made_at=MIDNIGHT, evidence=()
    )  # fmt: skip
    lines = Counter[int]()

    def visit(text: str, _: Any, at: Any, __: Any, ___: Any) -> None:
        if "字" in text:
            lines[round(at[5])] += text.count("字")

    PdfReader(io.BytesIO(pdf_of(report, HEAD))).pages[1].extract_text(visitor_text=visit)
    assert list(lines.values()) == [28] * 22
    # The same in Word, by measure: lines and characters fit between the margins, one more of either does not.
    (body,) = [one for one in docx.Document(io.BytesIO(docx_of(report, HEAD))).paragraphs if one.text.startswith("字")]
    line, (run,) = body.paragraph_format.line_spacing, body.runs
    assert isinstance(line, Length) and 22 * line.mm < 297 - 37 - 35 < 23 * line.mm
    properties: Any = run._element.rPr
    assert [child.tag.split("}")[1] for child in properties] == ["rFonts", "spacing", "sz"]
    assert run.font.size is not None
    wide = run.font.size.pt + int(properties.find(qn("w:spacing")).get(qn("w:val"))) / 20
    assert 28 * wide < (210 - 28 - 26) / 25.4 * 72 < 29 * wide
