"""Whose a page is: its medium or office, and its author."""

from __future__ import annotations

import re
from collections.abc import Sequence

import lxml.html
from lxml import etree

from crawlers.metadata.declared import Declared
from crawlers.metadata.nearby import NEAR
from crawlers.outline import Outline
from crawlers.time_marks import DATE, FRESH

_OUTLET = re.compile(
    r"(?<!图片)(?<!题图)(?<!视频)(?<!数据)(?<!资料)(?<!素材)(?:信息来源|文章来源|供稿单位|稿件来源|本文来源|新闻来源|稿源|发布单位"
    r"|发布机构|发布部门|征集单位|征集部门|發布單位"
    r"|发布人|来\s?源|來源|出处|^转自)\s*[:：]\s*"
    r"(?P<name>《[^》]{2,30}》|[^\s|｜丨【】\[\]（(,，;；<>·]{2,40})"
)
_OUTLET_END = re.compile(
    r"参与互动|征集状态|作者|编辑|責任|责任|字号|字体|发布[时日]|发布于|(?:成文|更新|发文|生成|征集)?(?:时间|日期)|浏览|阅读|访问|点击|分享|打印|记者|审核|类型"
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


def naming_elements(page: Outline, headline: int | None, begin: int) -> list[tuple[str, str]]:
    """Names and words of the small elements around the headline that may say a medium or an author: their class, id
    and item property in one string, `source` at its end where their words begin with 来源."""
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


def outlet(declared: Declared, page: Outline, near: Sequence[str], elements: Sequence[tuple[str, str]]) -> str | None:
    """The medium or office: as the elements and lines around the headline say, all lines, or the page declares; None
    where nothing names one."""
    for names, text in elements:
        if names.endswith(" source") and (match := _OUTLET.match(text)) and (name := _outlet_of(match)):
            return name
    # Near the headline first, where the name may also stand on the line after the word.
    for words in ("\n".join(near), *(line.text for line in page.lines if len(line.text) <= 200)):
        for match in _OUTLET.finditer(words):
            if name := _outlet_of(match):
                return name
    for place, line in enumerate(near):
        behind = near[place + 1] if place + 1 < len(near) else ""
        # The name alone, with the time on the next line, or both on one.
        if (first := _OUTLET_FIRST.match(line)) and (
            first.end() < len(line) or DATE.search(behind) or FRESH.search(behind)
        ):
            return first["name"]
    for names, text in elements:
        if _OUTLET_NAMES.search(names) and not DATE.search(text):
            name = _OUTLET_END.split(re.sub(r"^(?:来源|來源)\s*[:：]?\s*", "", text))[0].strip()
            if 2 <= len(name) <= 20:
                return name
    said = declared.outlet()
    said = re.sub(r"^(?:来源|來源)\s*[:：]\s*", "", said) if said else None
    return said[:60] if said and not said.startswith("http") and not said.isdigit() else None


def _outlet_of(match: re.Match[str]) -> str:
    """The name in a match of `_OUTLET`, up to the next field; empty where it is none."""
    name = _OUTLET_END.split(match["name"])[0].strip(" :：·-_、。")
    return name if len(name) >= 2 and "http" not in name else ""


def author(
    declared: Declared, page: Outline, near: Sequence[str], elements: Sequence[tuple[str, str]], begin: int
) -> str | None:
    """Who wrote it: as the lines or elements around the headline say, the page declares, or the text's first lines say;
    None where nothing names anybody."""
    for line in near:
        if len(line) <= 100 and (match := _AUTHOR.search(line)):
            name = _FIELD.split(next(group for group in match.groups() if group))[0].split("A+")[0]
            if not _NO_AUTHOR.search(name):
                return name
    for names, text in elements:
        if _AUTHOR_NAMES.search(names):
            name = re.sub(r"^(?:作者|记者|本报记者|文|由)\s*[:：/]?\s*|\s*A[+＋].*", "", text).strip(" □◎|")
            if 2 <= len(name) <= 20 and not _NO_AUTHOR.search(name):
                return name
    # Many sites name themselves as the author of all they have.
    sites = " ".join((declared.metas.get("og:site_name", ""), declared.title))
    for name in declared.authors():
        if name not in sites and 2 <= len(name) <= 20 and not _NO_AUTHOR.search(name):
            return name
    return _in_dateline(page, begin)


def _in_dateline(page: Outline, begin: int) -> str | None:
    """The reporter whom the text's first paragraph names in brackets."""
    for line in page.lines[begin : begin + 2]:
        if match := _DATELINE.search(line.text[:60]):
            return match["name"]
    return None
