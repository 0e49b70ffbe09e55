"""A report as a Word document by python-docx, laid out as GB/T 9704 asks, or into a unit's own document.

A unit's own `report.docx` holds `{{正文}}` in a paragraph of its own, which the text takes the place of, and wherever
it likes the names of `_fill`, as `{{期号}}`. The same report gives the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import docx
from docx.document import Document
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.oxml import serialize_part_xml
from docx.opc.packuri import PackURI
from docx.opc.part import Part as PackagePart
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table as WordTable
from docx.text.paragraph import Paragraph as WordParagraph

from briefings import words
from briefings.charts import png
from briefings.columns import column_widths
from briefings.edition import Edition, printed, wide
from briefings.fonts import FANG, FOOT, HEI, INSTEAD, KAI, SONG
from briefings.head import Head
from briefings.looks import DOCUMENT, Look
from briefings.report import Chart, Paragraph, Part, Posts, Report, Table
from minsheng.characters import for_office
from minsheng.errors import WrongUse

RED, SOFT = RGBColor(0xC0, 0, 0), RGBColor(0x60, 0x60, 0x60)
BODY = "{{正文}}"
_WIDTH = 156 / 25.4 * 72
"""Points from margin to margin."""
_ABREAST = 2
"""Charts side by side."""
_BESIDE = 3
"""Points between a cell's text and its edge."""
_LEVEL_EDGES: dict[str, tuple[str, int, str]] = {
    "red": ("double", 24, "C00000"),
    "orange": ("dashed", 36, "E69F00"),
    "yellow": ("dotted", 36, "D8C800"),
    "blue": ("single", 36, "56B4E9"),
}
"""Level → line, eighths of a point, colour: told apart by pattern, too."""
_NO_FONTS = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    b'<w:fonts xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"/>'
)
STANDARD = 16.0
"""Points of the standard's body (3号)."""
_TIGHTER = "-5"
"""Twentieths of a point that its characters stand closer, so that 28 of them fill a line of 156 mm."""
_MOMENT = (1980, 1, 1, 0, 0, 0)


def docx_of(report: Report, head: Head | None = None, look: Look | None = None) -> bytes:
    """The document. Raises `WrongUse` where the unit's own document can't be used."""
    head, look = head or Head(), look or Look.read()
    edition = printed(report)
    if look.document is None:
        document = docx.Document()
        _name_fonts(document)
        _lay_out(document)
        writer = _Writer(document, edition, head)
        writer.masthead()
        writer.text()
        writer.closing()
    else:
        document = _own(look.document)
        _name_fonts(document)
        place = _fill(document, report, head)
        own = sum(child.tag != qn("w:sectPr") for child in document.element.body)
        _Writer(document, edition, head).text()
        _move_behind(document, place, own)
    moment = report.made_at.replace(tzinfo=None)
    core = document.core_properties
    core.title, core.author, core.comments = f"{report.name} {report.subject}", report.unit, ""
    core.created = core.modified = moment
    buffer = io.BytesIO()
    document.save(buffer)
    return _same_bytes(buffer.getvalue())


class _Writer:
    """Adds a report's parts to the end of a document."""

    def __init__(self, document: Document, edition: Edition, head: Head) -> None:
        self._document = document
        self._edition = edition
        self._report = edition.report
        self._head = head
        self._codes = {one.id: one.code for one in self._report.evidence}
        compact = edition.density == "compact"
        # 22 lines of 29 points are a fifth of a point more than a sheet holds between its margins, and so are 29 of 22.
        self._size, self._line = (14.0, 21.95) if compact else (16.0, 28.95)
        self._small, self._small_line = (10.5, 15.0) if compact else (12.0, 18.0)

    def masthead(self) -> None:
        head, report = self._head, self._report
        marks = "　".join(one for one in (head.secrecy, head.urgency) if one) or head.mark
        if marks:
            self._line_of(marks, HEI, 16)
        name = self._line_of(report.name, SONG, 34, colour=RED, centre=True)
        name.paragraph_format.line_spacing = Pt(44)
        if head.issue:
            self._line_of(head.issue, FANG, 16, centre=True)
        signer = f"签发人：{head.signer}" if head.signer else ""
        of_line = [one for one in (report.unit, signer, report.subject) if one]
        # What is too wide to stand beside the unit stands below it, as on the page.
        beside = sum(map(wide, of_line)) + 2 * (len(of_line) - 1) <= _WIDTH / 14
        last = self._line_of("\t".join(of_line if beside else of_line[:-1]), FANG, 14)
        stops = last.paragraph_format.tab_stops
        if len(of_line) == 3 and beside:
            stops.add_tab_stop(Pt(_WIDTH / 2), WD_TAB_ALIGNMENT.CENTER)
        stops.add_tab_stop(Pt(_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
        if not beside:
            last = self._line_of(report.subject, FANG, 14)
        _rule(last, "bottom", "C00000", 12)

    def text(self) -> None:
        for notice in self._head.notices:
            self._line_of(notice, HEI, 14, colour=RED)
        if self._head.unsigned:
            self._line_of(f"{self._head.status_words}，未签发，仅供内部核对。", FANG, self._small, colour=SOFT)
        for one in self._report.summary:
            self._paragraph(one)
        for place, section in enumerate(self._report.sections, 1):
            heading = self._line_of(f"{words.number_words(place)}、{section.title}", HEI, self._size, indent=True)
            heading.paragraph_format.keep_with_next = True
            charts: list[Chart] = []
            for block in (*section.blocks, None):
                if isinstance(block, Chart):
                    charts.append(block)
                    continue
                for first in range(0, len(charts), _ABREAST):
                    self._charts(charts[first : first + _ABREAST])
                charts = []
                if isinstance(block, Paragraph):
                    self._paragraph(block)
                elif isinstance(block, Table):
                    self._table(block)
                elif isinstance(block, Posts):
                    self._posts(block)
        if self._edition.shortened:
            self._note(f"因篇幅所限，其余内容见控制台“简报”{f'（{self._head.number}）' if self._head.number else ''}。")
        if self._head.number and self._report.evidence:
            code = self._head.number
            self._note(f"数字旁的[n]为依据代码：在控制台“简报—查依据”输入 {code}-n，可打开原始信息。")

    def closing(self) -> None:
        head, report = self._head, self._report
        if head.recipients:
            first = self._line_of(f"报送：{'、'.join(head.recipients)}", FANG, 12)
            _rule(first, "top", "000000", 4)
        said = [f"{words.time_words(report.made_at)} 生成"]
        said += [f"{words.time_words(head.signed_at)} 签发"] if head.signed_at else []
        said += [head.number] if head.number else []
        said += [f"校验码 {head.digest[:16]}"] if head.digest else []
        last = self._line_of("　".join([report.unit, *said]), FANG, 12)
        _rule(last, "bottom", "000000", 4)

    def _paragraph(self, one: Paragraph) -> None:
        note = one.style == "note"
        size, line = (self._small, self._small_line) if note else (self._size, self._line)
        paragraph = self._new(line, indent=not note, size=size)
        colour = RED if one.tone in ("late", "up") else SOFT if note else None
        self._parts(paragraph, one.parts, KAI if one.style == "head" else FANG, size, colour)
        paragraph.paragraph_format.keep_with_next = one.style == "head" or None

    def _posts(self, block: Posts) -> None:
        for post in block.posts:
            source = self._report.sources.get(post.source, post.source)
            title = "" if post.excerpt.startswith(post.title) else f"{post.title}　"
            self._note(f"{words.time_words(post.published_at)}　{source}　{title}“{post.excerpt}”")

    def _note(self, text: str) -> None:
        paragraph = self._new(self._small_line, indent=False, size=self._small)
        _run(paragraph, text, FANG, self._small, SOFT)

    def _charts(self, charts: Sequence[Chart]) -> None:
        """Charts side by side, each with its title below it."""
        pictures = [png(chart) for chart in charts]
        if None in pictures:
            for chart in charts:
                told = "；".join(
                    f"{label} {value:g}{chart.unit}" for label, value in zip(chart.labels, chart.values, strict=True)
                )
                self._note(f"{chart.title}：{told}（本机没有中文字体，未能绘图）")
            return
        table = self._bare_table(2, [_WIDTH / _ABREAST] * len(charts))
        for place, (chart, picture) in enumerate(zip(charts, pictures, strict=True)):
            drawn, title = table.cell(0, place).paragraphs[0], table.cell(1, place).paragraphs[0]
            for paragraph in (drawn, title):
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
                paragraph.paragraph_format.space_after = Pt(0)
            drawn.paragraph_format.keep_with_next = True
            shape = drawn.add_run().add_picture(io.BytesIO(picture or b""), width=Pt(_WIDTH / _ABREAST - 8))
            shape._inline.docPr.set("descr", chart.title)
            _spacing(title, self._small_line)
            _run(title, chart.title, FANG, self._small, SOFT)

    def _table(self, block: Table) -> None:
        """Rules between the rows alone, as on the page; the headings stand on every page that it reaches."""
        table = self._bare_table(
            1 + len(block.rows), [self._small * one for one in column_widths(block, _WIDTH / self._small)]
        )
        for place, title in enumerate(block.columns):
            cell = table.cell(0, place)
            self._cell(cell, (title,), HEI, place in block.right, None)
            cell.paragraphs[0].paragraph_format.keep_with_next = True
            _edge(cell, "bottom", "single", 8, "1A1A1A")
        heading: Any = table.rows[0]._tr.get_or_add_trPr()
        heading.append(OxmlElement("w:tblHeader"))
        for number, row in enumerate(block.rows, 1):
            # All cells at once: asking for one by its place walks the whole table.
            for place, (told, of_row) in enumerate(zip(row, table.rows[number].cells, strict=True)):
                colour = RED if told.tone in ("up", "late") else SOFT if told.tone == "soft" else None
                self._cell(of_row, told.parts, FANG, place in block.right, colour)
                if told.small:
                    below = of_row.add_paragraph()
                    _spacing(below, self._small_line - 3)
                    _run(below, told.small, FANG, self._small - 2, SOFT)
                _edge(of_row, "bottom", "single", 4, "C8C8C8")
                if told.tone in _LEVEL_EDGES:
                    _edge(of_row, "left", *_LEVEL_EDGES[told.tone])
                    of_row.paragraphs[0].paragraph_format.left_indent = Pt(2 * _BESIDE)

    def _bare_table(self, rows: int, widths: Sequence[float]) -> WordTable:
        """A table without lines, its text on the page's margins; no row is broken over two pages."""
        table = self._document.add_table(rows=rows, cols=len(widths))
        table.autofit = False
        table.alignment = WD_TABLE_ALIGNMENT.LEFT
        shape: Any = table._tbl.tblPr
        margins = OxmlElement("w:tblCellMar")
        for side in ("left", "right"):
            margin = OxmlElement(f"w:{side}")
            margin.set(qn("w:w"), str(20 * _BESIDE))
            margin.set(qn("w:type"), "dxa")
            margins.append(margin)
        shape.append(margins)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Pt(width)
        for row in table.rows:
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = Pt(width)
        return table

    def _cell(self, cell: Any, parts: tuple[Part, ...], font: str, right: bool, colour: RGBColor | None) -> None:
        paragraph = cell.paragraphs[0]
        _spacing(paragraph, self._small_line)
        if right:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        self._parts(paragraph, parts, font, self._small, colour)

    def _parts(
        self, paragraph: WordParagraph, parts: tuple[Part, ...], font: str, size: float, colour: RGBColor | None
    ) -> None:
        for part in parts:
            _run(paragraph, part if isinstance(part, str) else part.text, font, size, colour)
            if not isinstance(part, str) and part.evidence is not None:
                code = _run(paragraph, f"[{self._codes[part.evidence]}]", FANG, size, SOFT)
                code.font.superscript = True

    def _line_of(
        self, text: str, font: str, size: float, *, colour: RGBColor | None = None, centre: bool = False,
        indent: bool = False,
    ) -> WordParagraph:  # fmt: skip
        paragraph = self._new(self._line, indent=indent, size=size)
        if centre:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _run(paragraph, text, font, size, colour)
        return paragraph

    def _new(self, line: float, *, indent: bool, size: float) -> WordParagraph:
        paragraph = self._document.add_paragraph()
        _spacing(paragraph, line)
        if indent:
            paragraph.paragraph_format.first_line_indent = Pt(2 * size)
        return paragraph


def _spacing(paragraph: WordParagraph, line: float) -> None:
    shape = paragraph.paragraph_format
    shape.space_before = shape.space_after = Pt(0)
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(line)


def _run(paragraph: WordParagraph, text: str, font: str, size: float, colour: RGBColor | None = None) -> Any:
    run = paragraph.add_run(for_office(text))
    run.font.size = Pt(size)
    if size == STANDARD:
        tighter: Any = OxmlElement("w:spacing")
        tighter.set(qn("w:val"), _TIGHTER)
        properties: Any = run._element.get_or_add_rPr()
        properties.insert_element_before(tighter, "w:w", "w:kern", "w:position", "w:sz", "w:szCs")
    run.font.name = font
    fonts: Any = run._element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), font)
    if colour is not None:
        run.font.color.rgb = colour
    return run


def _edge(cell: Any, side: str, line: str, eighths: int, colour: str) -> None:
    """A line on one side of a cell."""
    properties = cell._tc.get_or_add_tcPr()
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    edge = OxmlElement(f"w:{side}")
    for name, value in (("val", line), ("sz", str(eighths)), ("space", "0"), ("color", colour)):
        edge.set(qn(f"w:{name}"), value)
    if side == "left":  # the schema's order: left before bottom
        borders.insert(0, edge)
    else:
        borders.append(edge)


def _rule(paragraph: WordParagraph, side: str, colour: str, eighths: int) -> None:
    borders: Any = OxmlElement("w:pBdr")
    edge = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "1"), ("color", colour)):
        edge.set(qn(f"w:{name}"), value)
    borders.append(edge)
    paragraph._p.get_or_add_pPr().insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def _lay_out(document: Document) -> None:
    """A4, 37/35/28/26 mm, and — 1 — outside at the foot; and that it is simplified Chinese, whose shapes a machine
    without the standard's fonts is then to take."""
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")
    section = document.sections[0]
    section.start_type = WD_SECTION.NEW_PAGE
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(25)
    document.settings.odd_and_even_pages_header_footer = True
    for footer, side in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        footer.is_linked_to_previous = False
        paragraph = footer.paragraphs[0]
        paragraph.alignment = side
        _run(paragraph, "　— ", FOOT, 14)
        for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
            run = _run(paragraph, "", FOOT, 14)
            element = OxmlElement("w:fldChar" if kind else "w:instrText")
            if kind:
                element.set(qn("w:fldCharType"), kind)
            else:
                element.text = text
            run._element.append(element)
        _run(paragraph, " —　", FOOT, 14)


def _name_fonts(document: Document) -> None:
    """Say of each of the standard's fonts what kind it is and what stands in for it where it is missing."""
    try:
        fonts = document.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    except KeyError:  # a unit's own document may have been made by a program that writes none
        place = PackURI("/word/fontTable.xml")
        fonts = PackagePart(place, CONTENT_TYPE.WML_FONT_TABLE, _NO_FONTS, document.part.package)
        document.part.relate_to(fonts, RELATIONSHIP_TYPE.FONT_TABLE)
    table: Any = parse_xml(fonts.blob)
    known = {font.get(qn("w:name")) for font in table.iterchildren(qn("w:font"))}
    for name, instead in INSTEAD.items():
        if name in known:
            continue
        font = OxmlElement("w:font")
        font.set(qn("w:name"), name)
        for tag, value in (
            ("altName", instead.name),
            ("panose1", instead.panose),
            ("charset", "86"),
            ("family", instead.family),
            ("pitch", "variable"),
        ):
            said = OxmlElement(f"w:{tag}")
            said.set(qn("w:val"), value)
            font.append(said)
        table.append(font)
    fonts._blob = serialize_part_xml(table)


def _own(content: bytes) -> Document:
    try:
        return docx.Document(io.BytesIO(content))
    except (ValueError, KeyError, zipfile.BadZipFile, OSError) as error:
        raise WrongUse(f"{DOCUMENT} is no Word document: {error}", "save it as .docx, or take it away") from None


def _fill(document: Document, report: Report, head: Head) -> WordParagraph:
    """Put the words in; returns the paragraph that the text takes the place of."""
    values = {
        "名称": report.name, "期号": head.issue, "单位": report.unit, "日期": report.subject, "签发人": head.signer,
        "密级": head.secrecy, "紧急程度": head.urgency, "报送": "、".join(head.recipients), "编号": head.number,
    }  # fmt: skip
    place = None
    paragraphs = list(document.paragraphs)
    for table in document.tables:
        paragraphs += [one for row in table.rows for cell in row.cells for one in cell.paragraphs]
    for section in document.sections:
        paragraphs += [*section.header.paragraphs, *section.footer.paragraphs]
    for paragraph in paragraphs:
        if paragraph.text.strip() == BODY:
            place = paragraph
            continue
        for name in re.findall(r"\{\{(.*?)\}\}", paragraph.text):
            if name not in values:
                known = " ".join(f"{{{{{one}}}}}" for one in values)
                raise WrongUse(f"{DOCUMENT}: there is no {{{{{name}}}}}", f"known: {known} {BODY}")
            _replace(paragraph, f"{{{{{name}}}}}", values[name])
    if place is None:
        raise WrongUse(f"{DOCUMENT} has no paragraph {BODY}", "write it where the text is to stand")
    return place


def _replace(paragraph: WordParagraph, old: str, new: str) -> None:
    for run in paragraph.runs:
        if old in run.text:
            run.text = run.text.replace(old, new)
            return
    # Word has broken the name into several runs: the first one's look is kept.
    text = paragraph.text.replace(old, new)
    for run in paragraph.runs[1:]:
        run.text = ""
    paragraph.runs[0].text = text


def _move_behind(document: Document, place: WordParagraph, own: int) -> None:
    """What was added behind the first `own` elements to where `place` is, which goes."""
    anchor: Any = place._p
    for child in [child for child in document.element.body if child.tag != qn("w:sectPr")][own:]:
        anchor.addprevious(child)
    parent: Any = anchor.getparent()
    parent.remove(anchor)


def _same_bytes(content: bytes) -> bytes:
    """The archive with one date for all of its parts, and without the clock's."""
    found = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda one: (one != "[Content_Types].xml", one)):
            info = zipfile.ZipInfo(name, _MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name))
    return found.getvalue()
