"""What stands around a text in its own element, told by its words and by where it stands: the lines of information over
it, buttons and links in it, and what is said of the page, its makers and its readers behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import lxml.html

from crawlers import phrases
from crawlers.body.likeness import named_positions, position, positions
from crawlers.body.line_kinds import is_field, is_furniture, is_information, is_link, is_sentence, surrounds_text
from crawlers.data_rows import rows_of_data
from crawlers.outline import Line, Outline
from crawlers.time_marks import ANY_TIME

_CENTRED = re.compile(r"text-align\s*:\s*center", re.IGNORECASE)
_ENDS = tuple("。！？…；：”")


class _Homes:
    """Where the running text stands.

    Attributes
    ----------
    boxes:
        The elements that its lines stand in.
    positions:
        As of `named_positions`.
    are_centred:
        Whether some of its lines are set in the middle.
    """

    def __init__(self, text: Sequence[Line]) -> None:
        self.boxes = {box for line in text if (box := line.element.getparent()) is not None}
        self.positions = {where for line in text for where in named_positions(line.element)}
        self.are_centred = any(_is_centred(line.element) for line in text)
        self._around = self.boxes.union(*(box.iterancestors() for box in self.boxes))

    def stand_in(self, box: lxml.html.HtmlElement) -> bool:
        """Whether some of the text stands in an element, however deep."""
        return box in self._around


def trim(page: Outline, places: Sequence[int], title: str) -> list[int]:
    """The places of a text's lines without those that are none of it.

    Parameters
    ----------
    places:
        In the order of the page.
    title:
        The headline's words; a line that says them before the text is left out.
    """
    lines = page.lines
    data = rows_of_data(page, places)
    places = places[_head(lines, places, title, data) :]
    kept = _without_furniture(page, places, data)
    homes = _Homes([lines[place] for place in kept if lines[place].prose])
    while kept and kept[-1] not in data and _is_below(lines, kept[-1], homes):
        kept.pop()
    begin = 0
    banners: set[lxml.html.HtmlElement] = set()
    over = {line.text for line in lines[max(places[0] - 8, 0) : places[0]]} if places else set()
    while begin < len(kept) and kept[begin] not in data:
        line = lines[kept[begin]]
        box = line.element.getparent()
        if _is_banner(line, over, banners, homes):
            banners.update(() if box is None else (box,))
        elif not (_is_label_apart(line, homes) or _is_centred_apart(line, homes)):
            break
        begin += 1
    return kept[begin:]


def _without_furniture(page: Outline, places: Sequence[int], data: dict[int, lxml.html.HtmlElement]) -> list[int]:
    """The places without buttons, links and makers' names, up to where no more of the text comes. `data` are rows of
    tables."""
    lines = page.lines
    kept: list[int] = []
    seen: set[str] = set()
    prose = 0
    for at, place in enumerate(places):
        line = lines[place]
        if line.prose >= 30 and line.text in seen:
            # Some pages hold the text twice, for screens of two widths.
            continue
        seen.add(line.text)
        if place in data and not phrases.IMPRINT.match(line.text) and not is_field(line):
            # What would be a button or an editor's name elsewhere is a cell here: 推荐单位, 编辑 3 人, 06:30.
            kept.append(place)
            prose += line.prose
            continue
        if phrases.OF_THE_HOUSE.fullmatch(line.text) and prose > page.prose(place, places[-1] + 1):
            break
        if not is_sentence(line) and (phrases.READ_ON.match(line.text) or phrases.THE_END.match(line.text)):
            if prose and not _goes_on(page, places[at + 1 :], [lines[one] for one in kept]):
                break
            continue
        if not is_furniture(line) and not _heads_links(page, places[at : at + 3]):
            kept.append(place)
            prose += line.prose
    return kept


def _is_below(lines: Sequence[Line], place: int, homes: _Homes) -> bool:
    """Whether the last line is none of the text."""
    line = lines[place]
    return (
        surrounds_text(line)
        or phrases.PAGE_NUMBER.fullmatch(line.text) is not None
        or phrases.ADORNED.fullmatch(line.text) is not None
        or _is_contact(line, homes)
        or _is_label_apart(line, homes)
        or _is_credit(lines, place)
        or _is_heading_alone(lines, place)
    )


def _head(lines: Sequence[Line], places: Sequence[int], title: str, data: dict[int, lxml.html.HtmlElement]) -> int:
    """How many lines before the text are none of it: up to the last of them that says time, medium or author, or the
    headline again."""
    head = 0
    over = lines[max(places[0] - 6, 0) : places[0]] if places else []
    is_told = any(ANY_TIME.search(line.text) and not line.prose for line in over)
    for at, place in enumerate(places[:12]):
        line = lines[place]
        if line.prose and not phrases.PROMOTION.search(line.text):
            break
        if place in data and not _may_be_particulars(data[place]):
            break
        if phrases.BRACKETED_DAY.fullmatch(line.text) and _stands_with_text(lines, places, place):
            continue
        if is_told and phrases.DAY_OF_DOCUMENT.fullmatch(line.text):
            # The page has said its own time before the text; this is the document's.
            continue
        if is_information(line) or (len(title) >= 6 and line.text == title):
            head = at + 1
    while head < len(places) and surrounds_text(lines[places[head]]):
        head += 1
    if len(places) - head > 1 and _is_abstract(lines[places[head]]):
        head += 1
    return head


def _may_be_particulars(row: lxml.html.HtmlElement) -> bool:
    """Whether a row of a table may be labels with their values, one or two: `发布单位 | 云江市气象台`."""
    return sum(bool(cell.text_content().strip()) for cell in row) in (1, 2, 4)


def _stands_with_text(lines: Sequence[Line], places: Sequence[int], place: int) -> bool:
    """Whether a line stands where the running text that follows it does."""
    here = position(lines[place].element)
    return any(lines[one].prose and position(lines[one].element) == here for one in places if one > place)


def _is_abstract(line: Line) -> bool:
    """Whether a line is what the editors put over a text, by its label or an element of its own that is one."""
    if phrases.ABSTRACT.match(line.text):
        return True
    first = next(iter(line.element), None)
    label = (first.text or "").strip() if first is not None and not (line.element.text or "").strip() else ""
    return bool(label) and len(label) < len(line.text) and phrases.ABSTRACT_LABEL.fullmatch(label) is not None


def _is_label_apart(line: Line, homes: _Homes) -> bool:
    """Whether a line at the beginning or end is a few words in a box with a name of its own, where no running text
    stands: what a reader can do, who typed it in, what the column is called. A signature, a day, a file, an addressee
    and a document's number are the text's wherever they are."""
    if line.prose or line.heading or len(line.text) > 40 or phrases.OF_DOCUMENT.search(line.text):
        return False
    if phrases.ATTACHED.search(line.text) or not homes.positions.isdisjoint(named_positions(line.element)):
        return False
    box: lxml.html.HtmlElement | None = line.element
    while box is not None and box not in homes.boxes and not (box.get("class") or box.get("id")):
        if box.tag not in ("p", "span", "section", "div", "center"):
            return False
        box = box.getparent()
    return box is not None and box.tag in ("div", "p", "span", "section", "ul") and not homes.stand_in(box)


def _is_banner(line: Line, over: set[str], banners: set[lxml.html.HtmlElement], homes: _Homes) -> bool:
    """Whether a line at the beginning is the name or the slogan of who publishes it: said over the text already, in one
    box with a picture, or beside such a line. `over` is what is said there, `banners` the boxes of such lines."""
    if line.prose or line.heading or len(line.text) > 20 or phrases.OF_DOCUMENT.search(line.text):
        return False
    box = line.element.getparent()
    if line.text in over or (box is not None and box in banners):
        return True
    if box is None or box.tag not in ("section", "div") or line.element.find(".//strong") is not None:
        return False
    return not homes.stand_in(box) and box.find(".//img") is not None


def _is_centred_apart(line: Line, homes: _Homes) -> bool:
    """Whether a line at the beginning is a caption or an advertisement: in the middle, as the text is not, of several
    clauses, as a heading is not, and no sentence: `志愿填报上线，查大学、查专业、测录取率`."""
    if line.prose or line.heading or homes.are_centred or not _is_centred(line.element):
        return False
    if sum(map(line.text.count, "，、")) < 2 or line.text.endswith(_ENDS) or phrases.OF_DOCUMENT.search(line.text):
        return False
    return line.element.find(".//strong") is None and line.element.find(".//b") is None


def _is_centred(element: lxml.html.HtmlElement) -> bool:
    """Whether an element itself is set in the middle."""
    if element.tag == "center" or element.get("align", "").lower() == "center":
        return True
    return _CENTRED.search(element.get("style") or "") is not None


def _is_credit(lines: Sequence[Line], place: int) -> bool:
    """Whether a line says who had a part in the text: reporters alone, or a label that is one beside others."""
    line = lines[place]
    if line.prose or len(line.text) > 60:
        return False
    if phrases.BYLINE.match(line.text):
        # 图书馆 and 记者协会 sign as offices do.
        return phrases.OF_DOCUMENT.search(line.text) is None
    if not phrases.CREDITED.fullmatch(line.text) or phrases.ATTACHED.search(line.text):
        return False
    beside = (lines[one].text for one in (place - 1, place + 1) if 0 <= one < len(lines))
    return any(phrases.LINE_FURNITURE.match(text) and re.search(r"[:：丨|｜︱]", text) for text in beside)


def _is_heading_alone(lines: Sequence[Line], place: int) -> bool:
    """Whether a line is the heading of something behind the text that is none of it: all in bold, and what stood under
    it is gone."""
    line = lines[place]
    if line.prose or len(line.text) > 12 or phrases.OF_DOCUMENT.search(line.text) or place + 1 >= len(lines):
        return False
    bold = line.element.find(".//strong")
    bold = line.element.find(".//b") if bold is None else bold
    if bold is None or "".join(bold.text_content().split()) != line.text.replace(" ", ""):
        return False
    behind = lines[place + 1]
    return behind.dropped or is_furniture(behind) or surrounds_text(behind)


def _is_contact(line: Line, homes: _Homes) -> bool:
    """Whether the last line says how to reach the house, in a box of its own below the text."""
    box = line.element.getparent()
    if line.prose or box is None or box in homes.boxes or not phrases.CONTACT.match(line.text):
        return False
    return box.tag in ("div", "section") and bool(box.get("class") or box.get("id"))


def _heads_links(page: Outline, places: Sequence[int]) -> bool:
    """Whether the first of three lines is the heading of the links that follow it."""
    first, *behind = [page.lines[place] for place in places]
    if len(behind) < 2 or first.prose or len(first.text) > 20 or ANY_TIME.search(first.text):
        return False
    # Files that go with a text are named below its signature.
    return all(is_link(line) and line.linked >= 6 and not phrases.NUMBERED.match(line.text) for line in behind)


def _goes_on(page: Outline, coming: Sequence[int], before: Sequence[Line]) -> bool:
    """Whether running text comes that stands where the text before stood."""
    stood = {where for line in before if line.prose for where in positions(line.element)}
    following = [page.lines[place] for place in coming]
    return any(
        line.prose and not is_furniture(line) and not stood.isdisjoint(positions(line.element)) for line in following
    )
