"""What the parts of a row or an entry are called, in files and in interfaces, and a find from its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from crawlers.admission import Found
from crawlers.sources import nearest
from minsheng.errors import WrongUse
from minsheng.records import Engagement, Kind

COLUMNS: dict[str, tuple[str, ...]] = {
    "native_id": (
        "native_id", "id", "message_id", "mid", "post_id", "编号", "留言编号", "帖子编号", "标识", "工单编号",
        "工单号", "受理编号", "申请编号", "信件编号", "序号",
    ),
    "title": (
        "title", "subject", "headline", "标题", "主题", "留言主题", "留言标题",
        "工单标题", "诉求标题", "来信标题", "申请事项",
    ),
    "text": (
        "text", "content", "body", "message", "内容", "正文", "文本", "留言详情", "留言内容", "微博正文", "诉求内容",
        "工单内容", "诉求描述", "来信内容", "申请内容", "所需信息内容", "意见内容", "意见建议", "反馈意见", "修改意见",
        "修改建议", "意见",
    ),
    "published_at": (
        "published_at", "posted_at", "publish_time", "pubdate", "created_at", "created", "date", "datetime", "time",
        "timestamp", "发布时间", "发表时间", "留言时间", "来电时间", "受理时间", "登记时间", "申请时间", "来信时间",
        "创建时间", "提交时间", "反馈时间", "日期", "时间",
    ),
    "author": (
        "author", "author_hash", "author_key", "author_id", "user", "user_id", "username", "screen_name", "nickname",
        "作者", "用户", "用户名", "留言用户", "昵称", "发布者", "发帖人", "来电人", "申请人", "反映人", "来信人",
        "提交人", "反馈人", "姓名",
    ),
    "url": ("url", "link", "href", "链接", "网址", "地址链接", "原文链接"),
    "parent_id": ("parent_id", "parent", "reply_to", "repost_of", "父编号", "回复编号", "原帖编号"),
    "likes": ("likes", "like_count", "attitudes_count", "点赞", "点赞数", "赞", "赞成数", "支持数"),
    "dislikes": ("dislikes", "dislike_count", "反对", "反对数", "踩"),
    "comments": ("comments", "comment_count", "comments_count", "replies", "评论", "评论数", "回复数"),
    "reposts": ("reposts", "repost_count", "reposts_count", "shares", "forwards", "转发", "转发数", "分享数"),
    "views": ("views", "view_count", "reads", "浏览量", "阅读量", "阅读数", "浏览数", "点击量"),
    "region": (
        "region", "area", "district", "city", "location", "地区", "区域", "所属地区", "地域", "城市",
        "事发区域", "所属区县", "区县",
    ),
    "outlet": ("outlet", "media", "来源媒体", "媒体", "媒体名称"),
    "source": ("source", "channel", "platform", "来源", "平台", "渠道"),
    "kind": ("kind", "type", "类型", "类别"),
    "reply": ("reply", "answer", "答复内容", "回复内容", "办理结果", "答复意见", "回复意见", "处理结果"),
    "reply_time": (
        "reply_time", "reply_date", "answered_at", "答复时间", "回复时间", "办结时间", "答复日期", "回复日期",
    ),
    "reply_by": ("reply_by", "reply_unit", "答复单位", "回复单位", "承办单位", "办理单位", "责任单位", "答复部门"),
}  # fmt: skip
"""Fields and the column names that they are recognised by; the first that a file has counts."""


def plain_name(name: str) -> str:
    """A column's name without what people write differently: spaces, brackets, capitals."""
    return re.sub(r"[\s_\-.（）()\ufeff]", "", name).lower()


COUNTS = ("likes", "dislikes", "comments", "reposts", "views")
_COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(万|亿|千|[kKwW])?\+?")
_TIMES = {"千": 1e3, "k": 1e3, "万": 1e4, "w": 1e4, "亿": 1e8}


_KNOWN = frozenset(plain_name(name) for names in COLUMNS.values() for name in names)


def known_name(name: str) -> bool:
    """Whether a column of this name is recognised by it."""
    return plain_name(name) in _KNOWN


def matched(
    names: Iterable[str], mapping: Mapping[str, str], where: str, known: Mapping[str, tuple[str, ...]] = COLUMNS
) -> dict[str, str]:
    """Field → column, by the columns' names.

    Parameters
    ----------
    names:
        The file's columns.
    mapping:
        Column → field, for columns that are not recognised by their names.
    where:
        What the file is called in messages.
    known:
        Field → the names that it is recognised by; the first that the file has counts.

    Raises
    ------
    WrongUse
        If the mapping names a column or a field that is not.
    """
    present = list(names)
    plain = {plain_name(name): name for name in reversed(present)}
    columns: dict[str, str] = {}
    for column, field in mapping.items():
        if column not in present:
            raise WrongUse(f"{where} has no column '{column}'", nearest(column, present))
        if field not in known:
            raise WrongUse(f"there is no field '{field}'", nearest(field, list(known)))
        columns[field] = column
    taken = set(columns.values())
    for field, words in known.items():
        if field in columns:
            continue
        for name in words:
            candidate = plain.get(plain_name(name))
            if candidate is not None and candidate not in taken:
                columns[field] = candidate
                taken.add(candidate)
                break
    return columns


def found_in(get: Callable[[str], str], key: str, kind: Kind, title: str, text: str, url: str | None) -> Found:
    """A find, with what its row says beside these.

    Parameters
    ----------
    get:
        The words of one of `COLUMNS`; empty where the row has none.
    """
    return Found(
        key=key,
        kind=kind,
        title=title,
        text=text,
        url=url,
        native_id=get("native_id") or None,
        parent_key=get("parent_id") or None,
        author=get("author") or None,
        published=get("published_at") or None,
        engagement=Engagement(**{name: count(get(name)) for name in COUNTS}),
        region=get("region") or None,
        outlet=get("outlet") or None,
    )


def count(text: str) -> int | None:
    """`1,204` → 1204, `3.5万` → 35000; None where it is no count.

    Examples
    --------
    >>> count("1.2万+"), count("-")
    (12000, None)
    """
    match = _COUNT.fullmatch(text.replace(",", "").replace("，", "").strip())
    if match is None:
        return None
    return min(int(float(match[1]) * _TIMES.get((match[2] or "").lower(), 1)), 2**53)
