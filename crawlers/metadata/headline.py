"""The headline of a page: every line that may be one, scored by what speaks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import lxml.html
import msgspec

from crawlers import phrases
from crawlers.metadata.declared import Declared
from crawlers.metadata.title_parts import (
    CUT,
    agreement,
    columns,
    is_site_name,
    plain,
    spoken_parts,
    tidy_title,
    without_site,
)
from crawlers.outline import Line, Outline
from crawlers.time_marks import DATE

SURE, BARE = 4.0, 2.0
"""How much must speak for a line that is the headline: where the page has a title of its own, and where it has none."""
HIGHEST = 3.0
"""The most that its place can speak for a line."""
_SECOND_LINE = re.compile(r"^(?:[—–―─]{1,2}|--)\s*(?P<words>[^—–―─\-\s].{3,60})$")
_LARGE = re.compile(r"font-size\s*:\s*(?:(?:19|[2-4]\d)(?:\.\d+)?px|(?:1[6-9]|2\d)(?:\.\d+)?pt|x-large|xx-large)")
_TITLE_LABEL = re.compile(r"(?:信件|来信|留言|写信|提问|咨询|诉求|信访|问题|工单|文件)?(?:标题|主题|名称)")
_LABELLED_TITLE = re.compile(rf"^{_TITLE_LABEL.pattern.replace('标题', '标 ?题')} ?[:：] ?(?P<title>.{{4,120}})$")
_WORDS_ON = re.compile(
    r"日(?:\d{1,2}时)?(?:[-—–~至到]+(?:\d{1,2}月)?\d{1,2}日)?(?!星期|周[一二三四五六日])[\u4e00-\u9fff]{5}"
)
"""How a day goes on in the middle of a headline, without a space: 26日16时发布天气预报."""
_ONLY_TIME = re.compile(r"[（(\[]?\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?[)）\]]?")


class _Candidate(msgspec.Struct):
    text: str
    place: int
    linked: bool
    bonus: float


def find_headline(declared: Declared, page: Outline, begin: int) -> tuple[str, int | None]:
    """The headline as it stands on the page, and its place; as it is declared, and None, where it is not on the page.

    `<title>` mostly holds the headline with the names of site and column around it, metas repeat it or are cut at a
    quotation mark, headings of all ranks hold other things, too. Every line is scored by what speaks for it: that the
    page says so elsewhere, its rank, its name, time and medium right behind it, the text soon after it.
    """
    said = declared.titles()
    spoken, parts, exact = spoken_parts(said)
    # A page that is called like its site or a column everywhere leaves only what stands before its text, and what its
    # scripts call it.
    bare = all(is_site_name(text) for text in said)
    short_names = columns(said) if bare else set()
    if bare:
        said = declared.scripted_titles()
        spoken, parts, exact = spoken_parts(said)
    informed = [
        place
        for place, line in enumerate(page.lines)
        if len(line.text) <= 150
        and not line.prose
        and (DATE.search(line.text) or phrases.INFORMATION.search(line.text))
    ]
    told = [
        (
            one.bonus
            + agreement(one.text, spoken, exact, parts)
            # What is called like its column may be so as well: 警情通报.
            + (3.0 if one.bonus > 0 and 0 <= begin - one.place <= 3 and plain(one.text) in short_names else 0.0),
            one,
        )
        for one in (*_candidates(page, begin), *_broken_titles(page, begin, exact | parts, spoken))
    ]
    score, best = _best(told, informed, begin)
    if best is not None and score >= (BARE if bare else SURE):
        title = tidy_title(_without_kind(best.text, page.lines[best.place]), said)
        below = _second_line(page, best.place, title)
        return (f"{title}{below}", best.place + 1) if below else (title, best.place)
    whole = declared.title
    if bare:
        return without_site(whole), None
    named = [text for text in said[1:] if whole.startswith(text[:8])] if whole else said
    return without_site(max(named, key=len, default=whole)), None


def _best(told: list[tuple[float, _Candidate]], informed: Sequence[int], begin: int) -> tuple[float, _Candidate | None]:
    """The candidate with the highest score, the first of equal ones, and its score: what is told of it and where it
    stands. Standing is worth `HIGHEST` at most, so it is looked at only where it can decide."""
    best: tuple[float, int] = (float("-inf"), 0)
    found = None
    for base, one in sorted(told, key=lambda pair: pair[0], reverse=True):
        if base + HIGHEST < best[0]:
            break
        key = (base + _standing(one, informed, begin), -one.place)
        if found is None or key > best:
            best, found = key, one
    return best[0], found


def _second_line(page: Outline, place: int, title: str) -> str:
    """The line under a headline that begins with a dash, as outlets print it behind the first: 标题——副题. Empty where
    there is none."""
    line = page.lines[place + 1] if place + 1 < len(page.lines) else None
    match = _SECOND_LINE.match(line.text) if line is not None else None
    if line is None or match is None or line.prose or line.linked * 2 > len(line.text) or "——" in title:
        return ""
    return f"——{match['words'].strip()}"


def _without_kind(text: str, line: Line) -> str:
    """The headline without a mark before it that has an element of its own: `<em>投诉</em>路灯不亮`."""
    if not phrases.KIND_MARK.match(text.lstrip("[【 ")):
        return text
    first = next(iter(line.element), None)
    if first is None or len(first.text or "") > 6 or (line.element.text or "").strip():
        return text
    mark = " ".join(first.text_content().split())
    if not text.startswith(mark) or not phrases.KIND_MARK.fullmatch(mark.strip("[]【】")):
        return text
    return text[len(mark) :].strip() or text


def _without_tail(text: str, element: lxml.html.HtmlElement) -> str:
    """The headline without what an element of its own at its end says of it: a day, or how far a message has come."""
    last = element[-1] if len(element) else None
    if last is None or last.tag not in ("small", "span", "em", "i", "b", "font", "sup") or (last.tail or "").strip():
        return text
    tail = " ".join(last.text_content().split())
    rest = text.removesuffix(tail).strip()
    is_apart = bool(tail) and (_ONLY_TIME.fullmatch(tail) or phrases.KIND_MARK.fullmatch(tail.strip("[]【】")))
    return rest if is_apart and len(rest) >= 4 else text


def _candidates(page: Outline, begin: int) -> Iterator[_Candidate]:
    lines = page.lines
    ranks = {1: 3.0, 2: 2.0, 3: 1.5, 4: 1.5, 5: 1.0, 6: 0.5}
    for place, line in enumerate(lines):
        if len(line.text) > 150 or place > begin + 40:
            continue
        rank = ranks.get(line.heading, 0.0) - (
            3.0 if line.element.tag == "tr" and _is_row_of_values(line.element) else 0.0
        )
        text = _without_tail(_without_kind(line.text, line), line.element)
        yield _Candidate(text, place, line.linked * 2 > len(text), rank)
        if match := _LABELLED_TITLE.match(line.text):
            yield _Candidate(match["title"], place, linked=False, bonus=3.0)
    for element, span in page.spans.items():
        if span.start > begin + 10 or span.end - span.start > 3 or span.end <= span.start:
            continue
        if element.tag in ("td", "dd") and _is_labelled_title(element):
            yield _Candidate(" ".join(element.text_content().split()), span.start, linked=False, bonus=3.0)
            continue
        named = bool(phrases.TITLE_NAMES.search(f"{element.get('class', '')} {element.get('id', '')}"))
        heading = str(element.tag) in ("h1", "h2", "h3", "h4")
        loud = _is_loud(element)
        if not (named or heading or loud):
            continue
        text = " ".join(element.text_content().split())
        if not 2 <= len(text) <= 150:
            continue
        rank = ranks[int(str(element.tag)[1])] if heading else ranks.get(lines[span.start].heading, 0.0)
        linked = sum(line.linked for line in lines[span.start : span.end]) * 2 > len(text)
        text = _without_tail(text, element)
        yield _Candidate(text, span.start, linked, rank + (1.5 if named else 1.0 if loud else 0.0))


def _is_row_of_values(row: lxml.html.HtmlElement) -> bool:
    """Whether a row of a table is a label with its value, `发布单位 | 云江市气象台`, or has words in three cells
    and more: a headline has a row for itself."""
    cells = [text for cell in row if (text := " ".join(cell.text_content().split()))]
    return len(cells) >= 3 or (len(cells) == 2 and len(cells[0]) <= 6)


def _is_loud(element: lxml.html.HtmlElement) -> bool:
    """Whether an element is set in large letters, as headlines are where nothing is called one."""
    if element.tag == "font":
        return element.get("size") in ("4", "5", "6", "7", "+1", "+2", "+3")
    style = element.get("style")
    return style is not None and _LARGE.search(style) is not None


def _is_labelled_title(cell: lxml.html.HtmlElement) -> bool:
    """Whether the cell before one in a table of particulars says that it is the title."""
    before = cell.getprevious()
    if before is None or before.tag not in ("td", "th", "dt"):
        return False
    label = plain(before.text_content()[:20])
    return _TITLE_LABEL.fullmatch(label) is not None


def _broken_titles(page: Outline, begin: int, said: set[str], whole: Sequence[str]) -> Iterator[_Candidate]:
    """Headlines that are broken over two or three lines of one element, or of two that look alike, and that the page
    says elsewhere: whole, or cut by its length."""
    long = [text for text in said if len(text) >= 12]
    cut = [words for text in whole if CUT.search(text) if len(words := plain(CUT.split(text)[0])) >= 12]
    lines = page.lines[: begin + 10]
    for place, line in enumerate(lines):
        first = plain(line.text)
        if not 4 <= len(first) <= 80 or not any(len(text) > len(first) and text.startswith(first) for text in long):
            continue
        text = line.text
        for after in range(place + 1, min(place + 3, len(lines))):
            if not _is_alike(lines[after].element, line.element):
                break
            text += lines[after].text
            words = plain(text)
            if words in said or any(words.startswith(one) and len(words) < 2 * len(one) for one in cut):
                yield _Candidate(text, after, linked=False, bonus={1: 3.0, 2: 2.0}.get(line.heading, 1.0))
                break


def _is_alike(one: lxml.html.HtmlElement, other: lxml.html.HtmlElement) -> bool:
    """Whether two are one element, or siblings of one name and style."""
    if one is other:
        return True
    return (
        one.getparent() is other.getparent()
        and one.tag == other.tag
        and one.get("class") == other.get("class")
        and one.get("style") == other.get("style")
    )


def _standing(one: _Candidate, informed: Sequence[int], begin: int) -> float:
    """What its place, its length and its words speak for and against a line."""
    score = 0.0
    if any(one.place < place <= one.place + 4 for place in informed):
        score += 2.0
    if one.place > begin:
        score -= 3.0
    else:
        score += 1.0 - min((begin - one.place) * 0.05, 2.0)
    length = len(one.text)
    if length < 4:
        score -= 4.0
    elif length < 7:
        score -= 0.5
    elif length > 80:
        score -= (length - 80) / 20
    if one.linked:
        score -= 2.5
    if phrases.NOT_TITLES.match(one.text) or phrases.DOCUMENT_NUMBER.search(one.text):
        score -= 6.0
    if length <= 16 and phrases.SITE_ENDING.search(one.text):
        score -= 3.0
    if one.text.endswith(("。", "；", "，", "：", ":")) or _is_mostly_date(one) or phrases.INFORMATION.search(one.text):
        score -= 2.5
    if phrases.LINE_FURNITURE.match(one.text) or phrases.READ_ON.match(one.text):
        score -= 6.0
    if "。" in one.text[:-1]:
        # Sentences: a short text may begin before what was taken for its beginning.
        score -= 3.0
    return score


def _is_mostly_date(one: _Candidate) -> bool:
    """Whether a line says when; a heading may name a day among other words: 气象台2026年11月26日16时发布天气预报."""
    day = DATE.search(one.text)
    return day is not None and not _WORDS_ON.match(one.text, day.end())
