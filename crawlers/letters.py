"""A citizen's message and its replies from a page's own labels: 留言内容, 留言时间, 回复单位, 答复内容."""

from __future__ import annotations

import re

import lxml.html
import msgspec

from crawlers.markup import element_text

_LABELS: dict[str, tuple[str, ...]] = {
    "number": ("留言编号", "信件编号", "来信编号", "受理编号", "办件编号", "工单编号", "诉求编号", "编号"),
    "title": ("留言标题", "信件标题", "来信标题", "留言主题", "来信主题", "咨询标题", "诉求标题", "主题", "标题"),
    "author": (
        "留言人", "来信人", "写信人", "网友", "网民", "咨询人", "提问人", "发信人", "姓名", "昵称", "网名", "留言用户",
    ),
    "time": (
        "留言时间", "留言日期", "来信时间", "来信日期", "写信时间", "写信日期", "提问时间", "咨询时间", "提交时间",
        "提交日期", "发信时间", "诉求时间", "受理时间", "发表时间",
    ),
    "region": ("所属地区", "问题属地", "地区", "区域", "事发地点"),
    "text": (
        "留言内容", "信件内容", "来信内容", "咨询内容", "提问内容", "问题内容", "诉求内容", "问题描述", "留言详情",
        "内容",
    ),
    "reply_by": (
        "回复单位", "答复单位", "回复部门", "答复部门", "办理单位", "承办单位", "处理部门", "回复机构", "答复机构",
        "受理单位", "答复人", "回复人",
    ),
    "reply_time": (
        "回复时间", "回复日期", "答复时间", "答复日期", "办结时间", "办结日期", "办理时间", "反馈时间", "处理时间",
    ),
    "reply_text": (
        "回复内容", "答复内容", "办理结果", "处理结果", "回复意见", "答复意见", "办理情况", "官方回复", "处理情况",
    ),
    "": (
        "满意度", "评价", "附件", "信件类型", "留言类型", "信件类别", "办理状态", "状态", "浏览次数", "点击次数",
        "上一篇", "下一篇", "是否公开", "领域", "类型", "来信类别",
    ),
}  # fmt: skip
"""Fields and what pages call them; the last are labels that end what stands before them."""
_FIELD = {label: field for field, labels in _LABELS.items() for label in labels}
_LABEL = re.compile(
    r"(?:^|(?<=[\s|｜;；】]))[【\[]?("
    + "|".join(r"\s*".join(label) for label in sorted(_FIELD, key=len, reverse=True))
    + r")[】\]]?(?:\s*[:：]|\s*$|(?<=[】\]])\s*)"
)
_LONG = ("text", "reply_text")
_FOOT = re.compile(r"^(?:主办|承办|版权所有|网站标识码|.{0,8}ICP备|打印|关闭|返回|分享|【打印|【关闭|【返回)")


class Letter(msgspec.Struct, kw_only=True):
    """A message as its page gives it, with replies: unit, time and words of each, in their order."""

    title: str = ""
    text: str = ""
    number: str = ""
    author: str = ""
    time: str = ""
    region: str = ""
    replies: list[tuple[str, str, str]] = []


def read_letter(tree: lxml.html.HtmlElement) -> Letter | None:
    """Read a message's page by its labels; None where it has no label of a message's text, or nothing there."""
    body = tree.find("body")
    said: list[tuple[str, str]] = []
    for line in element_text(body if body is not None else tree).split("\n"):
        places = list(_LABEL.finditer(line)) if len(line) < 2000 else []
        before = line[: places[0].start()] if places else line
        if before.strip() and said and not _FOOT.match(before.strip()):
            said[-1] = (said[-1][0], f"{said[-1][1]}\n{before}".strip())
        elif said and _FOOT.match(before.strip()):
            said.append(("", ""))
        for place, match in enumerate(places):
            end = places[place + 1].start() if place + 1 < len(places) else len(line)
            said.append((_FIELD["".join(match[1].split())], line[match.end() : end].strip(" |｜；;")))
    return _letter(said, tree)


def _letter(said: list[tuple[str, str]], tree: lxml.html.HtmlElement) -> Letter | None:
    letter = Letter(replies=[])
    by = time = ""
    for field, value in said:
        if field == "reply_by":
            by = _first_line(value)
        elif field == "reply_time":
            time = _first_line(value)
            # The time of a reply may stand before its words or after them.
            if letter.replies and not letter.replies[-1][1]:
                letter.replies[-1] = (letter.replies[-1][0], time, letter.replies[-1][2])
                time = ""
        elif field == "reply_text":
            if value:
                letter.replies.append((by, time, value))
                time = ""
        elif field and not getattr(letter, field):
            setattr(letter, field, value if field in _LONG else _first_line(value))
        if field == "reply_by" and letter.replies and not letter.replies[-1][0]:
            letter.replies[-1] = (by, *letter.replies[-1][1:])
    if not letter.text:
        return None
    letter.title = letter.title or _heading(tree)
    return letter


def _heading(tree: lxml.html.HtmlElement) -> str:
    for tag in ("h1", "h2", "h3", "title"):
        for node in tree.iter(tag):
            if words := " ".join(element_text(node).split() if tag != "title" else (node.text or "").split()):
                return words.split("_")[0].split("-")[0] if tag == "title" else words
    return ""


def _first_line(text: str) -> str:
    return text.split("\n")[0].strip()
