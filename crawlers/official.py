"""What an official page says of itself: 文号, issuing unit, days, validity, and when a consultation closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime

import lxml.html

from crawlers.dates import parse_time
from crawlers.markup import element_text
from minsheng.clock import CHINA
from minsheng.policies.model import standard_number
from minsheng.records import Official

_LABELS: dict[str, tuple[str, ...]] = {
    "number": ("发文字号", "文号", "发文文号", "文件编号", "文件字号", "文书号", "公文文号"),
    "index_number": ("索引号", "信息索引号", "索引码"),
    "issuer": (
        "发文机关", "发布机构", "发文单位", "制发单位", "制定机关", "发布单位", "公开主体", "发布机关", "信息提供单位",
        "印发单位", "发文部门", "发布部门", "责任部门",
    ),
    "topic": ("主题分类", "信息分类", "主题词", "体裁分类", "分类", "公文种类", "组配分类"),
    "written_on": ("成文日期", "发文日期", "印发日期", "签署日期", "生成日期", "制发日期"),
    "released_on": ("发布日期", "公开日期", "发布时间", "公布日期", "发布日期时间"),
    "effective_on": ("实施日期", "施行日期", "生效日期", "执行日期", "实施时间"),
    "expires_on": ("废止日期", "失效日期", "有效期至", "有效期", "截止有效期", "废止时间", "失效时间"),
    "validity": ("有效性", "时效性", "效力状态", "文件状态", "有效状态", "时效状态", "文件有效性"),
}  # fmt: skip
"""Fields and what pages call them, spaces apart."""
_FIELD = {label: field for field, labels in _LABELS.items() for label in labels}
_DAYS = ("written_on", "released_on", "effective_on", "expires_on")
_SPACES = re.compile(r"[\s\u3000\u00a0]+")
_LABELLED = re.compile(
    r"(?:^|(?<=[\s】\]|｜;；]))[【\[]?("
    + "|".join(r"[\s\u3000]*".join(label) for label in sorted(_FIELD, key=len, reverse=True))
    + r")[】\]]?\s*[:：]\s*"
)
_NUMBER = re.compile(r"[\u4e00-\u9fff]{2,12}[〔\[(（【]\s*(?:19|20)\d{2}\s*[〕\])）】]\s*(?:第\s*)?\d{1,5}\s*号")
_TAKES_EFFECT = re.compile(r"自\s*(\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)\s*起\s*(?:施行|实施|执行|生效)")
_ENDS = re.compile(r"有效期(?:限)?\s*(?:至|到|截至)\s*(\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)")
_YEARS = re.compile(r"有效期(?:限)?\s*(?:为)?\s*([一二两三四五六七八九十\d]{1,2})\s*年")
_OVER = re.compile(r"(?:已|予以|同时|宣布)?(废止|失效)")
_CONSULTS = re.compile(r"征求.{0,30}意见|公开征集|征集.{0,12}意见|意见征集|征求意见稿")
_DAY = r"\d{4}\s*[年./-]\s*\d{1,2}\s*[月./-]\s*\d{1,2}\s*日?"
_SPAN = re.compile(
    rf"({_DAY})[^\d]{{0,12}}?(?:至|到|—+|-+|~|～)\s*(?:截止)?\s*({_DAY}|\d{{1,2}}\s*月\s*\d{{1,2}}\s*日)"
)
_CLOSES = (
    re.compile(rf"(?:截止|结束)(?:时间|日期|到|至|于)?\s*(?:为|是|[:：])?\s*({_DAY})"),
    re.compile(rf"(?:于|在|请于|务必于)\s*({_DAY})\s*(?:\d{{1,2}}[:：时点]\d{{0,2}}分?)?\s*(?:前|之前|以前)"),
    re.compile(rf"截(?:止|至)\s*({_DAY})"),
    re.compile(
        r"(?:截(?:止|至)|于|在|可)[^\d。；]{0,8}(\d{1,2}\s*月\s*\d{1,2}\s*日)[^，。；]{0,6}?(?:前|之前|以前|止)"
    ),
    re.compile(rf"(?:截止|征集).{{0,12}}?({_DAY})"),
)
_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_DEEP = "/".join("*" * 8)
"""No label holds elements within elements so deep."""
NEAR = 400
"""Characters after the word 征求意见 or 截止 in which a consultation's days are looked for."""


def read_official(tree: lxml.html.HtmlElement, title: str, text: str, now: datetime) -> Official | None:
    """What an official page says of itself; None where it says nothing of the kind.

    Parameters
    ----------
    tree:
        The whole page, with the table of particulars that such pages have.
    title, text:
        The headline, and the words of the document itself: what it says there counts where no table says it.
    now:
        What dates without a year count from: the page's own time.
    """
    said: dict[str, str] = {}
    for field, value in _particulars(tree):
        said.setdefault(field, value)
    days = {field: day for field in _DAYS if (day := _day(said.get(field, ""), now))}
    number = standard_number(said.get("number", "")) or _number_in(title, text)
    effective = days.get("effective_on") or _first_day(_TAKES_EFFECT, text, now)
    opens, closes = consultation(title, text, now)
    found = Official(
        number=number,
        index_number=said.get("index_number", "")[:60],
        issuer=said.get("issuer", "")[:100],
        topic=said.get("topic", "")[:100],
        written_on=days.get("written_on"),
        released_on=days.get("released_on"),
        effective_on=effective,
        expires_on=days.get("expires_on") or _first_day(_ENDS, text, now) or _after(effective, said, text),
        validity=_validity(said.get("validity", ""), tree, title),
        consultation_opens_on=opens,
        consultation_closes_on=closes,
    )
    # The day of release alone is on every page, also on news.
    return found if found != Official(released_on=found.released_on) else None


def consultation(title: str, text: str, now: datetime) -> tuple[date | None, date | None]:
    """The first and the last day of a consultation; None where a text is none, or does not say them."""
    if not _CONSULTS.search(title) and not _CONSULTS.search(text[:NEAR]):
        return None, None
    span = _SPAN.search(text)
    if span is not None:
        first = _day(span[1], now)
        last = _day(span[2] if re.match(r"\d{4}", span[2]) else f"{span[1][:4]}年{span[2]}", now)
        # What ends with the year goes on in the next.
        if first and last and last < first:
            last = _years_after(last, 1) if not re.match(r"\d{4}", span[2]) else None
        if last:
            return first, last
    for pattern in _CLOSES:
        for match in pattern.finditer(text):
            if day := _day(match[1], now) if re.match(r"\d{4}", match[1]) else _next(match[1], now):
                return None, day
    return None, None


def _particulars(tree: lxml.html.HtmlElement) -> Iterator[tuple[str, str]]:
    """Labels and values, of tables, definition lists and lines."""
    for meta in tree.iter("meta"):
        field = _FIELD.get(_SPACES.sub("", meta.get("name") or ""))
        if field and meta.get("content"):
            yield field, " ".join((meta.get("content") or "").split())
    for label in tree.iter("th", "td", "dt", "label", "span", "strong", "b", "div", "li", "p"):
        # Pages nest thousands of elements: the words of each would be the whole page again and again.
        short = len(label) < 4 and (not len(label) or label.find(_DEEP) is None)
        words = _SPACES.sub("", label.text_content() if short else "")[:40].strip("：:【】[]")
        field = _FIELD.get(words)
        if field is None:
            continue
        following = label.getnext()
        value = " ".join(element_text(following).split()) if following is not None else ""
        if not value and label.tail:
            value = " ".join(label.tail.split())
        if value.strip("：: "):
            yield field, value.strip("：: ")
    body = tree.find("body")
    for line in element_text(body if body is not None else tree).split("\n"):
        if len(line) > 300:
            continue
        places = list(_LABELLED.finditer(line))
        for place, match in enumerate(places):
            end = places[place + 1].start() if place + 1 < len(places) else len(line)
            value = line[match.end() : end].strip(" |｜;；【】[]")
            if value:
                yield _FIELD[_SPACES.sub("", match[1])], value


def _number_in(title: str, text: str) -> str:
    """The document's own 文号: in its headline, or on a line of its own near its beginning."""
    for words in (title, *text[:NEAR].split("\n")):
        match = _NUMBER.search(words)
        if match and (words is title or len(words.strip("（）() ")) - len(match[0]) < 4):
            return standard_number(match[0]) or ""
    return ""


def _validity(said: str, tree: lxml.html.HtmlElement, title: str) -> str:
    if said:
        return said.split()[0][:20]
    over = _OVER.search(title.rpartition("》")[2]) if "》" in title else None
    return over[1] if over and "关于" not in title[:2] else ""


def _day(text: str, now: datetime) -> date | None:
    time = parse_time(text, now) if text and re.search(r"\d", text) else None
    # Days that lie ahead are normal here: when a rule takes effect, when it ends.
    return time.astimezone(CHINA).date() if time and 1949 <= time.year < 2200 else None


def _next(text: str, now: datetime) -> date | None:
    """A day without a year that lies ahead, or is not long past."""
    month, day = (int(number) for number in re.findall(r"\d+", text)[:2])
    today = now.astimezone(CHINA).date()
    for year in (today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if (today - found).days < 60:
            return found
    return None


def _first_day(pattern: re.Pattern[str], text: str, now: datetime) -> date | None:
    match = pattern.search(text)
    return _day(match[1], now) if match else None


def _after(effective: date | None, said: dict[str, str], text: str) -> date | None:
    """The last day where a document is in force for a number of years."""
    match = _YEARS.search(f"有效期{said.get('expires_on', '')}") or _YEARS.search(text)
    if match is None or effective is None:
        return None
    years = _number_of(match[1])
    return _years_after(effective, years) if years else None


def _number_of(words: str) -> int:
    """`5`, `五`, `十五` or `二十` as a number; 0 where it is none."""
    if words.isdecimal():
        return int(words)
    tens, ten, ones = words.rpartition("十")
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, day=28)
