"""What a page says of itself, by rules for Chinese pages: headline, time, medium, author."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import lxml.html
import msgspec
from lxml import etree

from crawlers import phrases
from crawlers.dates import believable, parse_time, western_years
from crawlers.outline import Line, Outline

_NOT_WORDS = re.compile(r"[\W_]+")
_SEPARATORS = re.compile(
    r"\s*[_|｜丨]+\s*|\s+[-–—]+\s*|\s*[-–—]+\s+|--+|——+|-(?=[^-]*$)|—+(?=[^—]*$)|\s*[›»>]\s*| {2,}"
)
_SECOND_LINE = re.compile(r"^(?:[—–―─]{1,2}|--)\s*(?P<words>[^—–―─\-\s].{3,60})$")
_MARKED = re.compile(r"\s*[\[【](?P<mark>[^\]】]{1,8})[\]】]\s*(?P<rest>.+)$")
_CUT = re.compile(r"…|\.\.\.")
_PAGE_COUNT = re.compile(r"\s*[（(]\s*(?:\d{1,2}\s*/\s*\d{1,2}|第?\d{1,2}页)\s*[)）]\s*$")
_PROGRAMME = re.compile(r"(?:新闻|联播|播报|报道|直播间|视界|视频)$")
_SCRIPTED_TITLE = re.compile(
    r"(?:share|msg|news|article|wx|doc|info)?_?title[\"']?\s*[:=]\s*(?P<mark>[\"'])(?P<title>[^\"'\\<>{}\n]{6,100})(?P=mark)",
    re.IGNORECASE,
)
_LARGE = re.compile(r"font-size\s*:\s*(?:(?:19|[2-4]\d)(?:\.\d+)?px|(?:1[6-9]|2\d)(?:\.\d+)?pt|x-large|xx-large)")
_TITLE_LABEL = re.compile(r"(?:信件|来信|留言|写信|提问|咨询|诉求|信访|问题|工单|文件)?(?:标题|主题|名称)")
_LABELLED_TITLE = re.compile(rf"^{_TITLE_LABEL.pattern.replace('标题', '标 ?题')} ?[:：] ?(?P<title>.{{4,120}})$")
_TITLE_METAS = ("og:title", "articletitle", "title", "twitter:title", "headline")
_TIME_METAS = (
    "article:published_time", "og:published_time", "datepublished", "pubdate", "publishdate", "publish_date",
    "pubtime", "publishtime", "og:time", "og:release_date", "article:create_at", "weibo:article:create_at",
    "firstpublishedtime", "firstpublishtime", "apub:time", "datecreated", "bytedance:published_time",
)  # fmt: skip
_VAGUE_TIME_METAS = ("dc.date", "date", "dcterms.created")
"""Often when the page was made, not when the article was published: asked only where nothing else says."""
_OUTLET_METAS = ("contentsource", "source", "og:article:source", "mediaid", "article:source")
_DATE = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|[〇○零一二三四五六七八九]{4}年|\d{1,2}/\d{1,2}/\d{4}"
    r"|^\d{9,10}$|^\d{13}$"
)
_WORDS_ON = re.compile(
    r"日(?:\d{1,2}时)?(?:[-—–~至到]+(?:\d{1,2}月)?\d{1,2}日)?(?!星期|周[一二三四五六日])[\u4e00-\u9fff]{5}"
)
"""How a day goes on in the middle of a headline, without a space: 26日16时发布天气预报."""
_FRESH = re.compile(
    r"(?<![\d./年-])(?:刚刚|\d+\s*(?:秒|分钟|分鐘|小时|小時|天)前|(?:今天|昨天|前天)(?:\s*\d{1,2}:\d{2})"
    r"|\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:\d{2})"
)
_ONLY_TIME = re.compile(r"[（(\[]?\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?[)）\]]?")
_CLOCK = re.compile(r"\d{1,2}\s*[:：时点時點]\s*\d{1,2}")
_LABEL = re.compile(
    r"(?:发布|發布|發佈|发表|發表|发稿|公开|刊登|留言|来信|写信|提问|咨询|投诉|答复|回复|信息|生成|上传)[时日時][间期間]\s*[:：]"
    r"|(?:发布|发表|发稿|公开|刊登)[时日時][间期間]\s*(?=\d{4})"
    r"|(?<![\u4e00-\u9fff])[时日時][间期間]\s*[:：]|发[布表]于\s*[:：]?\s*(?=[\d今昨前刚])"
    r"|提交于|發表於|pubtime",
    re.IGNORECASE,
)
_PERIOD = re.compile(r"\d{1,2}日?\s*(?:\d{1,2}[:：时]\d{0,2}分?)?\s*(?:至|到|—|–|~|起)")
"""From when on something is held, or open."""
_ANSWERED = re.compile(r"(?:答复|回复|办理|办结)[时日時][间期間]")
_DAY_APART = re.compile(
    r"(?:(?P<day>[0-3]?\d)日?\s+(?P<year>20\d{2})\s?[-/.年]\s?(?P<month>[01]?\d)月?"
    r"|(?P<year2>20\d{2})\s?[-/.年]\s?(?P<month2>[01]?\d)月?\s+(?P<day2>[0-3]?\d)日?"
    r"|(?P<year3>20\d{2})年?\s+(?P<month3>[01]?\d)\s?[-/.月]\s?(?P<day3>[0-3]?\d)日?)"
    r"(?:\s+(?P<clock>[0-2]?\d:[0-5]\d(?::[0-5]\d)?))?"
)
"""A day in large letters over its month, `21` and `2026/11`, as sites of companies show it; or under its year, with its
clock: `2026`, `11/24`, `11:30:22`."""
_SHORT_DAY = re.compile(
    r"(?:(?:编辑|发布|发表|更新|修改)于\s*)?(?P<day>(?:0[1-9]|1[0-2])-(?:[0-2]\d|3[01]))(?:\s+[\u4e00-\u9fff]{2,6})?"
)
"""A day without a year, alone or with where its author is: `编辑于 11-24 云江`."""
_DAY_ALONE = re.compile(r"(?:0[1-9]|1[0-2])[-/](?:0[1-9]|[12]\d|3[01])|\d{1,2}月\d{1,2}日")
"""A day without a year that is all an element says."""
_OFFICE = re.compile(r"^(信息来源|发布(?:机构|单位|部门))\s*[:：]?\s*(?=[\u4e00-\u9fff])")
_LABEL_ALONE = re.compile(r"[\u4e00-\u9fff]{0,4}(?:[时日時]\s?[间期間])\s*[:：]?")
_OTHER_TIMES = re.compile(
    # A name may stand behind the colon: 编辑：欧阳某 2026-11-24.
    r"(?:修改|更新|编辑|截止|截至|打印|成文|成稿|生效|实施|制作|生成|最后|注册|今天是|访问|当前|活动"
    r"|施行)[^\s:：]{0,4}[时日時]?[间期間]?\s*[:：]?\s*于?\s*(?=\d{4})|最后由.{1,30}?于\s*(?=\d{4})"
    r"|(?:修改|更新|编辑)于\s*(?=\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:)"
)
_CHANGED = re.compile(
    r"(?<=更新)(?:[时日][间期]\s*[:：]?|[:：])\s*\d{4}.{0,40}"
    r"|(?<=更新于|修改于|编辑于)\s*(?:\d{4}|\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:).{0,30}"
)
_SCRIPTED = re.compile(
    r"(?<![A-Za-z])(?:pub_?time|publish(?:ed)?_?(?:time|date|at)|pub_?date|news_?time|(?:ori_?)?created?_?(?:time|at)|date_?published"
    r"|ctime|ct)[\"']?\s*[:=]\s*[\"']?\s*"
    r"(?P<time>\d{4}[-/年]\d{1,2}[-/月]\d{1,2}(?:日?[\sT]+\d{1,2}:\d{2}(?::\d{2})?)?|1\d{9}(?:\d{3})?)"
    r"(?=[\"',;\s}])",
    re.IGNORECASE,
)
_OUTLET = re.compile(
    r"(?<!图片)(?<!题图)(?<!视频)(?<!数据)(?<!资料)(?<!素材)(?:信息来源|文章来源|供稿单位|稿件来源|本文来源|新闻来源|稿源|发布单位"
    r"|发布机构|发布部门|征集单位|征集部门|發布單位"
    r"|发布人|来\s?源|來源|出处|^转自)\s*[:：]\s*"
    r"(?P<name>《[^》]{2,30}》|[^\s|｜丨【】\[\]（(,，;；<>·]{2,40})"
)
_OUTLET_END = re.compile(
    r"参与互动|征集状态|作者|编辑|責任|责任|字号|字体|发布[时日]|发布于|(?:成文|更新|发文|生成)?(?:时间|日期)|浏览|阅读|访问|点击|分享|打印|记者|审核|类型"
    r"|属于|\d{4}[-年/]"
    r"|\d+\s*(?:秒|分钟|小时|天)前"
)
_OUTLET_FIRST = re.compile(
    r"^(?P<name>[\u4e00-\u9fff]{1,10}(?:网|報|报|台|社|新闻|客户端|头条|发布|在线|融媒|周刊|杂志|时报))"
    r"(?:[\s·|]*(?=\d{4}[-/.年])|[\s·|]+(?=记者)|$)"
)
_DATELINE = re.compile(
    r"[（(〔【][^）)〕】]{0,12}[记記]者[\s:：]*"
    r"(?P<name>[\u4e00-\u9fff·]{2,4}?)(?=[\s、，,）)〕】／/]|报道|報導|通讯员)"
)
_OUTLET_NAMES = re.compile(
    r"(?:^|[-_ ])(?:\w*source\w*|from|src|laiyuan|ly|(?<!rich_)media|media-?name|profile_nickname|js_name)"
    r"(?:$|[-_ \d])",
    re.IGNORECASE,
)
_AUTHOR = re.compile(
    r"(?:(?:本文)?作\s?者|撰文|撰稿|文字|楼主)\s*[:：]\s*(?P<label>[^\s|｜/／:：【】\[\]（()）、，,;；<>\d]{2,20})"
    r"|(?:本报|本网|本刊|澎湃新闻"
    r"|[\u4e00-\u9fff]{0,6}新闻)?[记記]者\s*[:：]?\s*(?P<reporter>[\u4e00-\u9fff·]{2,4})(?![\u4e00-\u9fff]{3}"
    r"|[\u4e00-\u9fff]?\s*[摄攝])"
    r"|^文\s*[/／|丨]\s*(?P<by>[\u4e00-\u9fffA-Za-z·]{2,12})|^[□◎■○●]\s*(?P<box>[\u4e00-\u9fff·]{2,6})$"
    r"|^来自\s*[:：]\s*(?P<group>\S{2,16}?)(?=\s|\d{4}|$)|^由 (?P<posted>\S{2,20}) (?:»|提交于)"
)
_AUTHOR_NAMES = re.compile(
    r"(?:^|[-_ ])(?:\w*author\w*|authi|byline|by|au|writer|username|user-?name|d_name|d_author|userlink-link"
    r"|uname|nick-?name|readname|poster"
    r"|w_autocut|topic-author|name)(?:$|[-_ \d])",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(?<=[\u4e00-\u9fff]{2})(?:阅读|浏览|来源|发布|点击|时间|编辑)")
"""What the next field begins with, where no space is between them."""
_NO_AUTHOR = re.compile(
    r"^(?:admin|administrator|管理员|佚名|未知|匿名|本站|网络|综合|编辑|小编|作者|记者|\d+|楼主|登录|关注|原创)$"
    r"|[:：。，]|\d{4}|网$|报$|编辑|来源|时间",
    re.IGNORECASE,
)
_URL_DATE = re.compile(
    r"/(20\d{2})[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)|t(20\d{2})(\d{2})(\d{2})_"
    r"|/(20\d{2})/(\d{1,2})/(\d{1,2})/"
)
SURE, BARE = 4.0, 2.0
"""How much must speak for a line that is the headline: where the page has a title of its own, and where it has none."""
HIGHEST = 3.0
"""The most that its place can speak for a line."""
NEAR = 16
"""Lines after the headline in which its time and its medium are looked for."""


class Metadata(msgspec.Struct, kw_only=True):
    """Title, time, medium and author; empty or None where the page names none.

    Attributes
    ----------
    headline:
        The place of the headline among the page's lines.
    dated:
        Whether a time stands right behind the headline, as it does over articles.
    """

    title: str = ""
    headline: int | None = None
    dated: bool = False
    published_at: datetime | None = None
    published_raw: str | None = None
    outlet: str | None = None
    author: str | None = None


def read_metadata(tree: lxml.html.HtmlElement, page: Outline, url: str, now: datetime) -> Metadata:
    """Read the metadata of a page.

    Parameters
    ----------
    tree:
        The whole page.
    page:
        Its outline, before anything is dropped from it.
    url:
        Where it lies; some addresses carry the date.
    now:
        What relative times count from.
    """
    metas = _metas(tree)
    linked = list(_linked_data(tree))
    begin = _densest(page)
    title, headline = _title(tree, page, metas, linked, begin)
    over, within = _near(page, title, headline, begin)
    near = [*over, *within]
    above: list[str] = []
    if headline is not None:
        first = next((place for place in range(headline + 1, begin) if page.lines[place].prose), begin)
        above = [line.text for line in page.lines[headline + 1 : first]]
    if any(map(_CHANGED.search, above)):
        # Where only the last change is said over the text, what is below it says the time of something else: comments.
        dating = ([text for text in over if text in above], [text for text in within if text in above])
    else:
        dating = over, within
    over_text = _day_over(page, headline, begin, now)
    published, raw = _published(tree, page, metas, linked, dating, over_text, url, now)
    names = _named(page, headline, begin)
    return Metadata(
        title=title,
        headline=headline,
        dated=_is_dated(page, headline),
        published_at=published,
        published_raw=raw,
        outlet=_outlet(metas, near, page, names),
        author=_author(metas, linked, near, names, _element_title(tree)) or _in_dateline(page, begin),
    )


def _metas(tree: lxml.html.HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").strip().lower()
        content = " ".join((meta.get("content") or "").split())
        if name and content:
            found.setdefault(name, content)
    return found


def _linked_data(tree: lxml.html.HtmlElement) -> Iterator[dict[str, Any]]:
    """The objects of JSON-LD."""
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or ""):
            continue
        try:
            # Some sites break lines inside strings, which JSON forbids.
            value = msgspec.json.decode(re.sub(r"[\x00-\x1f]+", " ", script.text or "").encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            continue
        waiting = value if isinstance(value, list) else [value]
        for one in waiting:
            if isinstance(one, dict):
                yield one
                graph = one.get("@graph")
                yield from (inner for inner in graph if isinstance(inner, dict)) if isinstance(graph, list) else ()


def _is_dated(page: Outline, headline: int | None) -> bool:
    if headline is None:
        return False
    behind = page.lines[headline + 1 : headline + 5]
    return any(not line.linked and (_DATE.search(line.text) or _FRESH.search(line.text)) for line in behind)


def _densest(page: Outline) -> int:
    """About where the running text begins: the first line of the stretch of lines that holds most of it."""
    width, best, most, held = 12, 0, 0, 0
    lines = page.lines
    for place, line in enumerate(lines):
        held += line.prose - (lines[place - width].prose if place >= width else 0)
        if held > most:
            most, best = held, place
    if not most:
        return len(lines)
    first = max(best - width + 1, 0)
    # Back over the lines before it that are running text, too.
    start = next((place for place in range(first, best + 1) if lines[place].prose), first)
    gap = 0
    for place in range(start - 1, -1, -1):
        if lines[place].prose:
            start, gap = place, 0
        elif (gap := gap + 1) > 3:
            break
    # What stands before the line with time and medium, a notice at the side for example, is no text of this article.
    for place in range(min(best - 1, start + 2 * width), start, -1):
        line = lines[place]
        if not line.prose and _DATE.search(line.text) and phrases.INFORMATION.search(line.text):
            ahead = page.prose(place, min(best + width, len(lines)))
            if page.prose(start, place) < 0.3 * ahead:
                return next((after for after in range(place, best + 1) if lines[after].prose), start)
    return start


# ---- title


def _element_title(tree: lxml.html.HtmlElement) -> str:
    element = next(iter(tree.iter("title")), None)
    return " ".join((element.text_content() if element is not None else "").split())


class _Candidate(msgspec.Struct):
    text: str
    place: int
    linked: bool
    bonus: float


def _title(
    tree: lxml.html.HtmlElement, page: Outline, metas: dict[str, str], linked: Sequence[dict[str, Any]], begin: int
) -> tuple[str, int | None]:
    """The headline as it stands on the page, and its place.

    `<title>` mostly holds the headline with the names of site and column around it, metas repeat it or are cut at a
    quotation mark, headings of all ranks hold other things, too. Every line is scored by what speaks for it: that the
    page says so elsewhere, its rank, its name, time and medium right behind it, the text soon after it.
    """
    whole = _element_title(tree)
    said = [whole, *(metas[name] for name in _TITLE_METAS if name in metas)]
    said += [one[name] for one in linked for name in ("headline", "title") if isinstance(one.get(name), str)]
    said = [" ".join(text.split()) for text in dict.fromkeys(said) if text.strip()]
    spoken, parts, exact = _spoken(said)
    # A page that is called like its site or a column everywhere leaves only what stands before its text, and what its
    # scripts call it.
    bare = all(_is_site_name(text) for text in said)
    columns = _columns(said) if bare else set()
    if bare:
        said = _scripted_titles(tree)
        spoken, parts, exact = _spoken(said)
    informed = [
        place
        for place, line in enumerate(page.lines)
        if len(line.text) <= 150
        and not line.prose
        and (_DATE.search(line.text) or phrases.INFORMATION.search(line.text))
    ]
    told = [
        (
            one.bonus
            + _agreement(one.text, spoken, exact, parts)
            # What is called like its column may be so as well: 警情通报.
            + (3.0 if one.bonus > 0 and 0 <= begin - one.place <= 3 and _plain(one.text) in columns else 0.0),
            one,
        )
        for one in (*_candidates(page, begin), *_broken_titles(page, begin, exact | parts, spoken))
    ]
    score, best = _best(told, informed, begin)
    if best is not None and score >= (BARE if bare else SURE):
        title = _tidy_title(_without_kind(best.text, page.lines[best.place]), said)
        below = _second_line(page, best.place, title)
        return (f"{title}{below}", best.place + 1) if below else (title, best.place)
    if bare:
        return _without_site(whole), None
    named = [text for text in said[1:] if not whole or whole.startswith(text[:8])]
    title = max(named, key=len, default="") or whole
    return _without_site(title), None


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


def _columns(said: Sequence[str]) -> set[str]:
    """The short names in titles that are no site's."""
    parts = {part.strip() for text in said for part in _SEPARATORS.split(text) if part}
    return {_plain(part) for part in parts if 2 <= len(part) < 6 and not phrases.SITE_ENDING.search(part)}


def _spoken(said: Sequence[str]) -> tuple[list[str], set[str], set[str]]:
    """Titles, also without a mark in brackets before them; the plain words of their parts, and of each as a whole."""
    spoken = [*said, *(match["rest"] for text in said if (match := _MARKED.match(text)))]
    parts = {_plain(part) for text in spoken for part in _SEPARATORS.split(text) if part}
    return spoken, parts, {_plain(text) for text in spoken}


def _scripted_titles(tree: lxml.html.HtmlElement) -> list[str]:
    """What scripts set as the title of what is shared."""
    scripts = (script.text or "" for script in tree.iter("script"))
    return [match["title"] for text in scripts if len(text) < 500_000 for match in _SCRIPTED_TITLE.finditer(text)][:8]


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


def _is_site_name(text: str) -> bool:
    parts = [part for part in _SEPARATORS.split(text) if part and part.strip()]
    return all(
        len(part) < 6 or phrases.NOT_TITLES.match(part) or (len(part) <= 16 and phrases.SITE_ENDING.search(part))
        for part in map(str.strip, parts)
    )


def _candidates(page: Outline, begin: int) -> Iterator[_Candidate]:
    lines = page.lines
    ranks = {1: 3.0, 2: 2.0, 3: 1.5, 4: 1.5, 5: 1.0, 6: 0.5}
    for place, line in enumerate(lines):
        if len(line.text) > 150 or place > begin + 40:
            continue
        rank = ranks.get(line.heading, 0.0) - (
            3.0 if line.element.tag == "tr" and _is_particular(line.element) else 0.0
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


def _is_particular(row: lxml.html.HtmlElement) -> bool:
    """Whether a row of a table is a label with its value: `发布单位 | 云江市气象台`."""
    cells = [text for cell in row if (text := " ".join(cell.text_content().split()))]
    return len(cells) in (2, 4) and all(len(label) <= 6 for label in cells[::2])


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
    label = _plain(before.text_content()[:20])
    return _TITLE_LABEL.fullmatch(label) is not None


def _broken_titles(page: Outline, begin: int, said: set[str], whole: Sequence[str]) -> Iterator[_Candidate]:
    """Headlines that are broken over two or three lines of one element, or of two that look alike, and that the page
    says elsewhere: whole, or cut by its length."""
    long = [text for text in said if len(text) >= 12]
    cut = [plain for text in whole if "…" in text or "..." in text if len(plain := _plain(_CUT.split(text)[0])) >= 12]
    lines = page.lines[: begin + 10]
    for place, line in enumerate(lines):
        plain = _plain(line.text)
        if not 4 <= len(plain) <= 80 or not any(len(text) > len(plain) and text.startswith(plain) for text in long):
            continue
        text = line.text
        for after in range(place + 1, min(place + 3, len(lines))):
            if not _is_alike(lines[after].element, line.element):
                break
            text += lines[after].text
            if _plain(text) in said or any(
                _plain(text).startswith(one) and len(_plain(text)) < 2 * len(one) for one in cut
            ):
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


def _agreement(text: str, said: Sequence[str], exact: set[str], parts: set[str]) -> float:
    """How far a line is what the page calls itself elsewhere."""
    plain = _plain(text)
    if len(plain) < 2:
        return 0.0
    if plain in exact:
        return 6.5
    if len(plain) >= 6 and any(_agrees(text, one) for one in said):
        return 6.0
    if plain in parts:
        return 5.0 if len(plain) >= 6 else 3.0
    return 0.0


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
    day = _DATE.search(one.text)
    return day is not None and not _WORDS_ON.match(one.text, day.end())


def _agrees(visible: str, said: str) -> bool:
    """Whether a visible line is the headline that the page's title begins with, or was cut from."""
    short, long = _plain(visible), _plain(said)
    if len(short) < 4 or len(visible) > 200 or (short not in long and long[:4] != short[:4]):
        return False
    if long.startswith(short):
        rest = said[len(visible) :] if said.startswith(visible) else ""
        if rest[:1] == " " and len(rest) <= 16 and phrases.SITE_ENDING.search(rest):
            return True
        return len(short) * 10 >= len(_plain(_without_site(said))) * 7
    # A title that was cut behind a question or a comma goes on in the headline.
    first = _SEPARATORS.split(said)[0].rstrip()
    if (
        first.endswith(("？", "！", "，", "?", "!", ","))
        and len(_plain(first)) >= 6
        and short.startswith(_plain(first))
    ):
        return True
    # So does one that was cut at a quotation mark or by its length.
    cut = _plain(_CUT.split(said)[0] if _CUT.search(said) else said.rstrip(".· "))
    if len(cut) >= 8 and short.startswith(cut):
        return len(short) < 3 * len(cut)
    # Some sites put their own name, or that of a column, first.
    return any(
        part.endswith(short) and len(short) * 10 >= len(part) * 5 for part in (long, _plain(_without_site(said)))
    )


def _tidy_title(text: str, said: Sequence[str]) -> str:
    """The headline without a mark in brackets before it, where the page itself leaves that out or it is a programme's
    name, and without the count of its pages."""
    text = _PAGE_COUNT.sub("", text)
    match = _MARKED.match(text)
    if match and (any(one.startswith(match["rest"]) for one in said) or _PROGRAMME.search(match["mark"])):
        return match["rest"].strip()
    return text.strip()


@lru_cache(maxsize=1024)
def _without_site(title: str) -> str:
    """The title without the names of site and column around it."""
    parts = [part.strip() for part in _SEPARATORS.split(title) if part and part.strip()]
    if not parts:
        return title.strip()
    names = [part for part in parts if not (len(part) <= 16 and phrases.SITE_ENDING.search(part))]
    if len(parts[0]) >= 6 and parts[0] in names:
        return parts[0]
    return max(names, key=len, default=parts[0]) if names else title.strip()


# ---- time, medium, author


def _near(page: Outline, title: str, headline: int | None, begin: int) -> tuple[list[str], list[str]]:
    """The lines around the headline, where time and medium stand, without the headline itself: those over the text,
    and those in it and behind it."""
    lines = page.lines
    wanted = _plain(title)
    if headline is None:
        around = range(max(begin - NEAR, 0), min(begin + 3, len(lines)))
        over, within = [place for place in around if place < begin], [place for place in around if place >= begin]
    else:
        places = list(range(headline, min(headline + NEAR, len(lines))))
        # A headline may stand twice: as the page's name first, then over the text with its time.
        for place in range(headline + 1, min(begin + 1, len(lines))):
            # Decrees begin with their own title, too: 《办法》已经通过，现予公布。
            if wanted and not lines[place].prose and _plain(lines[place].text).startswith(wanted):
                places = list(range(place, min(place + NEAR, len(lines))))
        before = [place for place in range(max(headline - 4, 0), headline) if place not in places]
        over = [*(place for place in places if place < begin), *before]
        # What stands in the text, such as the day of signing, says less than what stands over the headline.
        within = [place for place in places if place >= begin]
    told = _informing(lines, over, title)
    if headline is not None and not any(map(_DATE.search, told)):
        # Tables of particulars over a headline are long: their labels speak for them.
        farther = range(max(headline - NEAR, 0), max(headline - 4, 0))
        told += [text for text in _informing(lines, farther, title) if _LABEL.search(text) and _DATE.search(text)]
    return told, _informing(lines, within, title)


def _informing(lines: Sequence[Line], places: Sequence[int], title: str) -> list[str]:
    """What lines say that may inform, without the headline; a label on a line of its own stands with what follows."""
    found = []
    for place in places:
        if not _may_inform(lines[place]):
            continue
        text = western_years(lines[place].text)
        before = lines[place - 1].text if place else ""
        text = _day_apart(before, text, lines[place + 1].text if place + 1 < len(lines) else "")
        if text[:2] in ("信息", "发布"):
            text = _OFFICE.sub(r"\1：", text)
        if len(before) <= 6 and _OFFICE.match(f"{before}局"):
            text = f"{before.rstrip(' :：')}：{text}"
        if len(before) <= 8 and _LABEL_ALONE.fullmatch(before) and _DATE.match(text):
            text = f"{before.rstrip(' :：')}：{text}"
        found.append(text.replace(title, " ") if title else text)
    return found


def _day_apart(before: str, text: str, behind: str) -> str:
    """A line with its day in one piece, where day and month stand apart: on it, or on it and the line before; with the
    clock that is the line behind it."""
    if not text[:1].isdigit():
        return text
    if len(text) > 24:
        match = _DAY_APART.match(text) if text[:2] == "20" else None
        return text if match is None or not match["clock"] else f"{_day_apart('', match[0], '')}{text[match.end() :]}"
    match = _DAY_APART.fullmatch(text) or (_DAY_APART.fullmatch(f"{before} {text}") if len(before) <= 7 else None)
    if match is None:
        return text
    day = "-".join(match[part] or match[f"{part}2"] or match[f"{part}3"] for part in ("year", "month", "day"))
    clock = match["clock"] or (behind if phrases.CLOCK.match(behind) else None)
    return f"{day} {clock}" if clock else day


def _may_inform(line: Line) -> bool:
    """Whether a line may say time and medium: it is short, no running text that only mentions a date, and no link to
    another article with its date."""
    if line.linked > 10 and line.linked * 2 > len(line.text):
        return False
    return len(line.text) <= 200 and (not line.prose or bool(phrases.INFORMATION.search(line.text)))


def _published(
    tree: lxml.html.HtmlElement,
    page: Outline,
    metas: dict[str, str],
    linked: Sequence[dict[str, Any]],
    dating: tuple[Sequence[str], Sequence[str]],
    over: datetime | None,
    url: str,
    now: datetime,
) -> tuple[datetime | None, str | None]:
    """The time, and what the page says of it where that can't be read; `dating` are the lines over the text, and those
    in it, `over` the day without a year that stands over it."""
    lines = page.texts()
    near = [*dating[0], *dating[1]]
    said = [metas[name] for name in _TIME_METAS if name in metas]
    said += [
        one[name]
        for one in linked
        for name in ("datePublished", "pubDate", "uploadDate")
        if isinstance(one.get(name), str)
    ]
    labelled, seen, fresh, signed = _times_near(dating)
    far = [line for line in lines if len(line) <= 120 and _LABEL.search(line) and _DATE.search(line)]
    far = [line for line in far if line in dating[0] or not _PERIOD.search(line)][:2]
    vague = [metas[name] for name in _VAGUE_TIME_METAS if name in metas]
    candidates = [text for text in (*said, *labelled, *seen, *fresh) if _date_of(text, now)]
    if not candidates or not _CLOCK.search(candidates[0]):
        # Scripts are long, and seldom the only place; but what they call the time of publishing says more than a day
        # of signing.
        candidates += [text for text in _scripted(tree) if _date_of(text, now)]
    if not candidates and over is not None:
        # One behind it may be that of signing, or a comment's.
        candidates.append(f"{over:%Y-%m-%d}")
    if not candidates and not any(map(_CHANGED.search, near)) and (day := _date_in(url, now)):
        # A text is signed before it is published.
        candidates.append(f"{day:%Y-%m-%d}")
    candidates += [text for text in (*signed, *far) if _date_of(text, now)]
    if candidates:
        return _exact(candidates, now), None
    changed = [match[0] for line in near if (match := _CHANGED.search(line))]
    if found := next((time for text in changed if (time := parse_time(text, now)) and believable(time, now)), None):
        return found, None
    if found := _date_in(url, now):
        return found, None
    days = (match["day"] for line in lines if len(line) <= 20 and (match := _SHORT_DAY.fullmatch(line)))
    if found := next((time for day in days if (time := parse_time(day, now)) and believable(time, now)), None):
        return found, None
    short = next((line for line in lines if len(line) <= 60 and _DATE.search(line) and _date_of(line, now)), None)
    for text in (short, *vague):
        if text and (found := _date_of(text, now)):
            return found, None
    raw = next(iter((*said, *seen, *signed)), None)
    return None, raw[:100] if raw else None


def _times_near(dating: tuple[Sequence[str], Sequence[str]]) -> tuple[list[str], list[str], list[str], list[str]]:
    """The lines near the headline that say a time: those with a label, those over the text without one, those without
    a year, and those in the text, which say when it was signed or held. `dating` as for `_published`."""
    near = [*dating[0], *dating[1]]
    labelled = [line for line in near if _LABEL.search(line) and _DATE.search(line)]
    # A message is as old as itself, not as its answer.
    labelled.sort(key=lambda line: _ANSWERED.search(line) is not None)
    seen, signed = (
        [line for line in part if _DATE.search(line) and line not in labelled and len(line) <= 120] for part in dating
    )
    # A day with a clock is the page's; a speech was held on the day in brackets under its title.
    seen.sort(key=lambda line: _CLOCK.search(line) is None)
    held = [line for line in seen if phrases.BRACKETED_DAY.fullmatch(line)]
    seen, signed = [line for line in seen if line not in held], [*held, *signed]
    # What a text calls a time is that of its matter where one stands over it, and always where it goes from one day to
    # another: 时间：11月27日至12月3日.
    in_text = [line for line in labelled if line not in dating[0]]
    labelled = [line for line in labelled if line not in in_text]
    seen += [line for line in in_text if not _PERIOD.search(line)]
    fresh = [line for line in near if _FRESH.search(line) and len(line) <= 60 and not _DATE.search(line)]
    if fresh and fresh[0] in dating[0] and not any(map(_CLOCK.search, seen)):
        # A day in a text's first lines says less than a time before it, if that has no year.
        behind = set(near[near.index(fresh[0]) :])
        seen, signed = [line for line in seen if line not in behind], [*(one for one in seen if one in behind), *signed]
    return labelled, seen, fresh, signed


def _day_over(page: Outline, headline: int | None, begin: int, now: datetime) -> datetime | None:
    """The day without a year that an element of its own names between headline and text."""
    for element, span in page.spans.items():
        if span.start >= begin:
            break
        if headline is not None and span.start > headline and not len(element):
            match = _DAY_ALONE.fullmatch((element.text or "").strip())
            if match and (day := parse_time(match[0], now)) and _is_recent(day, now):
                return day
    return None


def _is_recent(day: datetime, now: datetime) -> bool:
    """Whether a day without a year may be past: what seems to be most of a year ago is yet to come, as lectures are."""
    return now - day < timedelta(days=300)


def _exact(candidates: Sequence[str], now: datetime) -> datetime:
    """The first time; where that is a day only, made exact by a clock on the same day elsewhere."""
    first = _date_of(candidates[0], now)
    assert first is not None
    if _CLOCK.search(candidates[0]) or candidates[0].isdigit():
        return first
    for text in candidates[1:]:
        found = _date_of(text, now)
        if found and found.astimezone(first.tzinfo).date() == first.date() and (found.hour, found.minute) != (0, 0):
            return found
    return first


def _scripted(tree: lxml.html.HtmlElement) -> list[str]:
    """Times that scripts set into the page."""
    found: list[str] = []
    for script in tree.iter("script"):
        text = script.text or ""
        if len(text) < 500_000:
            found += [match["time"] for match in _SCRIPTED.finditer(text)]
        if len(found) > 20:
            break
    return found


def _date_of(text: str, now: datetime) -> datetime | None:
    """The first time in a line that is not when it was changed, or ends."""
    text = _OTHER_TIMES.sub("\x00", text) if _OTHER_TIMES.search(text) else text
    if "\x00" in text:
        # What follows the label is that other time: up to the next label or field.
        text = re.sub(r"\x00[\d\-/.年月日\s:：时分]*", " ", text)
    labelled = _LABEL.search(text)
    if (labelled and (match := _DATE.search(text, labelled.end())) and match.start() - labelled.end() < 12) or (
        match := _DATE.search(text)
    ):
        text = text[match.start() :]
    elif match := _FRESH.search(text):
        text = text[match.start() :].strip(" ：:|·")
        found = parse_time(text, now)
        return found if found and believable(found, now) and _is_recent(found, now) else None
    else:
        return None
    found = parse_time(text, now)
    return found if found and believable(found, now) else None


def _date_in(url: str, now: datetime) -> datetime | None:
    match = _URL_DATE.search(urlsplit(url).path)
    if match is None:
        return None
    return _date_of("-".join(part for part in match.groups() if part), now)


def _named(page: Outline, headline: int | None, begin: int) -> list[tuple[str, str]]:
    """Class and id, and words, of the small elements around the headline."""
    low = (headline if headline is not None else begin - NEAR) - 6
    high = begin if headline is None or begin > headline else headline + 6
    found = []
    for element, span in page.spans.items():
        if span.start > high:
            break
        if span.start < low or span.end - span.start > 1:
            continue
        names = f"{element.get('class', '')} {element.get('id', '')} {element.get('itemprop', '')}"
        if (element.text or "").lstrip().startswith(("来源", "來源")):
            # Read by itself, because the words of the next element follow it without a space.
            names += " source"
        elif len(names) == 2 or not (_OUTLET_NAMES.search(names) or _AUTHOR_NAMES.search(names)) or _is_mixed(element):
            continue
        text = " ".join(element.text_content().split())
        if 2 <= len(text) <= 30 and span.start != headline:
            found.append((names, text))
    return found


def _is_mixed(element: lxml.html.HtmlElement) -> bool:
    """Whether several elements in one have words: it holds names, rather than being one."""
    return sum(bool((one.text or "").strip()) for one in element.iter(etree.Element)) > 1


def _outlet(metas: dict[str, str], near: Sequence[str], page: Outline, named: Sequence[tuple[str, str]]) -> str | None:
    for names, text in named:
        if names.endswith(" source") and (match := _OUTLET.match(text)):
            name = _OUTLET_END.split(match["name"])[0].strip(" :：·-_、。")
            if len(name) >= 2 and "http" not in name:
                return name
    # Near the headline first, where the name may also stand on the line after the word.
    for words in ("\n".join(near), *(line.text for line in page.lines if len(line.text) <= 200)):
        for match in _OUTLET.finditer(words):
            name = _OUTLET_END.split(match["name"])[0].strip(" :：·-_、。")
            if len(name) >= 2 and "http" not in name:
                return name
    for place, line in enumerate(near):
        behind = near[place + 1] if place + 1 < len(near) else ""
        # The name alone, with the time on the next line, or both on one.
        if (first := _OUTLET_FIRST.match(line)) and (
            first.end() < len(line) or _DATE.search(behind) or _FRESH.search(behind)
        ):
            return first["name"]
    for names, text in named:
        if _OUTLET_NAMES.search(names) and not _DATE.search(text):
            name = _OUTLET_END.split(re.sub(r"^(?:来源|來源)\s*[:：]?\s*", "", text))[0].strip()
            if 2 <= len(name) <= 20:
                return name
    said = next((metas[name] for name in _OUTLET_METAS if name in metas), None)
    said = re.sub(r"^(?:来源|來源)\s*[:：]\s*", "", said) if said else None
    return said[:60] if said and not said.startswith("http") and not said.isdigit() else None


def _author(
    metas: dict[str, str],
    linked: Sequence[dict[str, Any]],
    near: Sequence[str],
    named: Sequence[tuple[str, str]],
    title: str,
) -> str | None:
    for line in near:
        if len(line) <= 100 and (match := _AUTHOR.search(line)):
            name = _FIELD.split(next(group for group in match.groups() if group))[0]
            if not _NO_AUTHOR.search(name):
                return name
    for names, text in named:
        if _AUTHOR_NAMES.search(names):
            name = re.sub(r"^(?:作者|记者|本报记者|文|由)\s*[:：/]?\s*", "", text).strip(" □◎|")
            if 2 <= len(name) <= 20 and not _NO_AUTHOR.search(name):
                return name
    said: list[Any] = []
    for one in linked:
        who = one.get("author")
        who = who[0] if isinstance(who, list) and who else who
        said.append(who.get("name") if isinstance(who, dict) else who)
    said += [metas.get("author"), metas.get("article:author")]
    # Many sites name themselves as the author of all they have.
    sites = " ".join((metas.get("og:site_name", ""), title))
    for name in said:
        if (
            isinstance(name, str)
            and name.strip() not in sites
            and 2 <= len(name.strip()) <= 20
            and not _NO_AUTHOR.search(name.strip())
        ):
            return name.strip()
    return None


def _in_dateline(page: Outline, begin: int) -> str | None:
    """The reporter whom the text's first paragraph names in brackets."""
    for line in page.lines[begin : begin + 2]:
        if match := _DATELINE.search(line.text[:60]):
            return match["name"]
    return None


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return _NOT_WORDS.sub("", text)
