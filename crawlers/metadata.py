"""What a page says of itself, by rules for Chinese pages: headline, time of publication, the medium it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import lxml.html
import msgspec

from crawlers.dates import believable, parse_time
from crawlers.markup import element_text

_NOT_WORDS = re.compile(r"[\W_]+")
_SEPARATORS = re.compile(r"\s*[_|｜丨]\s*|\s+[-–—]+\s*|\s*[-–—]+\s+|-(?=[^-]*$)|—+(?=[^—]*$)")
_TITLE_METAS = ("og:title", "articletitle", "title", "twitter:title", "headline")
_TIME_METAS = (
    "article:published_time", "og:published_time", "datepublished", "pubdate", "publishdate", "publish_date",
    "pubtime", "publishtime", "og:time", "og:release_date", "article:create_at", "weibo:article:create_at",
    "dc.date", "date", "firstpublishtime",
)  # fmt: skip
_OUTLET_METAS = ("contentsource", "source", "og:article:source", "mediaid", "article:source")
_HEADLINE_CLASS = re.compile(r"(?:^|[-_ ])(?:title|headline|tit|bt|biaoti|subject|h1)(?:$|[-_ \d])", re.IGNORECASE)
_DATE = re.compile(r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|[〇○零一二三四五六七八九]{4}年")
_FRESH = re.compile(
    r"^(?:发布[时日][间期][:：]\s*)?(?:刚刚|\d+\s*(?:秒|分钟|小时|天)前|(?:今天|昨天|前天)(?:\s*\d{1,2}:\d{2})?)"
)
_CLOCK = re.compile(r"\d{1,2}\s*[:时点]\s*\d{1,2}")
_LABEL = re.compile(r"(?:发布|发表|发稿|公开|刊登|留言|生成)?[时日][间期]\s*[:：]|pubtime", re.IGNORECASE)
_OUTLET = re.compile(
    r"(?<!图片)(?<!视频)(?<!数据)(?:信息来源|文章来源|稿件来源|本文来源|新闻来源|来源)\s*[:：]\s*"
    r"(?P<name>[^\s|｜【】\[\]（(,，;；<>]{2,40})"
)
_OUTLET_END = re.compile(r"作者|编辑|责任|字号|字体|发布|时间|日期|浏览|阅读|点击|分享|打印|记者|审核|\d{4}[-年/]")
_URL_DATE = re.compile(r"/(20\d{2})[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)|t(20\d{2})(\d{2})(\d{2})_")
NEAR = 14
"""Lines after the headline in which its time and its medium are looked for."""


class Metadata(msgspec.Struct, kw_only=True):
    """Title, time and medium; empty or None where the page names none."""

    title: str = ""
    published_at: datetime | None = None
    published_raw: str | None = None
    outlet: str | None = None


def read_metadata(tree: lxml.html.HtmlElement, url: str, now: datetime) -> Metadata:
    """Read the metadata of a page.

    Parameters
    ----------
    tree:
        The whole page.
    url:
        Where it lies; some addresses carry the date.
    now:
        What relative times count from.
    """
    metas = _metas(tree)
    linked = list(_linked_data(tree))
    body = tree.find("body")
    lines = element_text(body if body is not None else tree).split("\n")
    title = _title(tree, metas, linked, lines)
    near = _near(lines, title)
    published, raw = _published(metas, linked, lines, near, url, now)
    return Metadata(title=title, published_at=published, published_raw=raw, outlet=_outlet(metas, near, lines))


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
            value = msgspec.json.decode((script.text or "").encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            continue
        waiting = value if isinstance(value, list) else [value]
        for one in waiting:
            if isinstance(one, dict):
                yield one
                yield from (inner for inner in one.get("@graph", ()) if isinstance(inner, dict))


def _title(
    tree: lxml.html.HtmlElement, metas: dict[str, str], linked: Sequence[dict[str, Any]], lines: Sequence[str]
) -> str:
    """The headline as it stands on the page, where it agrees with what the page says its title is.

    `<title>` mostly holds the headline, then the site's name; headings of all ranks hold other things, too. What both
    agree on is the headline.
    """
    element = next(iter(tree.iter("title")), None)
    whole = " ".join((element.text_content() if element is not None else "").split())
    said = [whole, *(metas[name] for name in _TITLE_METAS if name in metas)]
    said += [one["headline"] for one in linked if isinstance(one.get("headline"), str)]
    said = [text for text in said if text]
    first = [_line(heading) for heading in tree.iter("h1")]
    others = [_line(heading) for heading in tree.iter("h2", "h3")]
    others += [
        _line(node)
        for node in tree.xpath("//body//*[@class or @id]")
        if _HEADLINE_CLASS.search(f"{node.get('class', '')} {node.get('id', '')}") and len(node) < 8
    ]
    for group in (first, others, lines):
        agreed = [text for text in dict.fromkeys(group) if any(_agrees(text, title) for title in said)]
        if agreed:
            return max(agreed, key=len) if group is not first else agreed[0]
    metas_only = [text for text in said[1:] if whole.startswith(text)]
    if metas_only:
        return max(metas_only, key=len)
    if len(headings := [text for text in dict.fromkeys(first) if len(text) >= 4]) == 1:
        return headings[0]
    return _without_site(whole) or next(iter(said), "") or next(iter(headings), "")


def _agrees(visible: str, said: str) -> bool:
    """Whether a visible line is the headline that the page's title begins with, or was cut from."""
    short, long = _plain(visible), _plain(said)
    if len(short) < 4 or len(visible) > 200:
        return False
    if long.startswith(short):
        return len(short) * 10 >= len(_plain(_without_site(said))) * 7
    # A title that was cut, at a quotation mark or by its length, goes on in the headline.
    cut = _plain(said.rstrip("….· "))
    if len(cut) >= 8 and short.startswith(cut):
        return len(short) < 3 * len(cut)
    # Some sites put their own name first.
    return long.endswith(short) and len(short) * 10 >= len(long) * 6


def _without_site(title: str) -> str:
    """The title without the names of site and column after it."""
    parts = [part for part in _SEPARATORS.split(title) if part.strip()]
    return parts[0].strip() if parts and len(parts[0].strip()) >= 4 else title.strip()


def _near(lines: Sequence[str], title: str) -> list[str]:
    """The lines around the headline, where time and medium stand; the last place where it is followed by a date."""
    wanted = _plain(title)
    places = [place for place, line in enumerate(lines) if wanted and _plain(line).startswith(wanted)]
    for place in places:
        near = [line for line in lines[place : place + NEAR] if len(line) <= 200]
        if any(_DATE.search(line.replace(title, "")) for line in near):
            return [*near, *lines[max(place - 3, 0) : place]]
    if places:
        place = places[0]
        return [line for line in (*lines[place : place + NEAR], *lines[max(place - 3, 0) : place]) if len(line) <= 200]
    return []


def _published(
    metas: dict[str, str],
    linked: Sequence[dict[str, Any]],
    lines: Sequence[str],
    near: Sequence[str],
    url: str,
    now: datetime,
) -> tuple[datetime | None, str | None]:
    said = [metas[name] for name in _TIME_METAS if name in metas]
    said += [one["datePublished"] for one in linked if isinstance(one.get("datePublished"), str)]
    seen = [line for line in near[1:] if _DATE.search(line)]
    seen += [line for line in near if line not in seen and _FRESH.match(line)]
    seen += [line for line in lines if len(line) <= 120 and _LABEL.search(line) and _DATE.search(line)][:2]
    candidates = [text for text in (*said, *seen) if _date_of(text, now)]
    for text in candidates:
        found = _date_of(text, now)
        assert found is not None
        if _CLOCK.search(text) or (found.hour, found.minute) != (0, 0):
            day = _date_of(candidates[0], now)
            # A day only, by the first place that names one, is made exact by a clock on the same day elsewhere.
            if day is None or day.date() == found.date() or _CLOCK.search(candidates[0]):
                return found, None
    if candidates:
        return _date_of(candidates[0], now), None
    if found := _date_in(url, now):
        return found, None
    short = next((line for line in lines if len(line) <= 60 and _DATE.search(line) and _date_of(line, now)), None)
    if short:
        return _date_of(short, now), None
    raw = next(iter((*said, *seen)), None)
    return None, raw[:100] if raw else None


def _date_of(text: str, now: datetime) -> datetime | None:
    match = _DATE.search(text)
    found = parse_time(text[match.start() :] if match else text, now)
    return found if found and believable(found, now) else None


def _date_in(url: str, now: datetime) -> datetime | None:
    match = _URL_DATE.search(urlsplit(url).path)
    if match is None:
        return None
    return _date_of("-".join(part for part in match.groups() if part), now)


def _outlet(metas: dict[str, str], near: Sequence[str], lines: Sequence[str]) -> str | None:
    # Near the headline first, where the name may also stand on the line after the word.
    for words in ("\n".join(near), *(line for line in lines if len(line) <= 200)):
        for match in _OUTLET.finditer(words):
            name = _OUTLET_END.split(match["name"])[0].strip(" :：·-_、。")
            if len(name) >= 2 and "http" not in name:
                return name
    named = next((metas[name] for name in _OUTLET_METAS if name in metas), None)
    return named[:60] if named and not named.startswith("http") else None


def _line(element: lxml.html.HtmlElement) -> str:
    return " ".join(element_text(element).split())


def _plain(text: str) -> str:
    return _NOT_WORDS.sub("", text)
