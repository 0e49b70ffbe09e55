"""What the columns of a register of applications are called, and which of them tell who made an application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from crawlers.columns import matched, plain_name
from minsheng.errors import WrongUse

COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("number", "申请编号", "登记编号", "登记号", "受理编号", "收件编号", "申请登记编号", "流水号", "编号"),
    "received_on": (
        "received_on", "收到申请日期", "收到申请时间", "收到日期", "收到时间", "收件日期", "收件时间", "受理日期",
        "受理时间", "登记日期", "登记时间", "申请日期", "申请时间",
    ),
    "title": (
        "title", "申请事项", "信息名称", "所需信息名称", "申请公开信息名称", "申请信息名称", "申请标题", "标题", "事项",
    ),
    "content": (
        "content", "所需信息内容", "所需政府信息", "所需政府信息内容", "所需的政府信息", "所需信息", "所需信息内容描述",
        "所需信息的内容描述", "申请公开内容", "申请内容", "信息内容描述", "内容描述", "特征描述", "内容",
    ),
    "department": (
        "department", "答复机关", "答复单位", "承办单位", "承办机关", "承办部门", "办理单位", "受理机关", "受理单位",
        "行政机关", "责任单位", "公开机关",
    ),
    "region": ("region", "地区", "所属地区", "区域", "所属区县", "区县"),
    "policy": ("policy", "相关政策", "政策编号", "政策", "政策名称", "文号"),
    "correction_asked_on": (
        "correction_asked_on", "补正告知日期", "补正告知时间", "告知补正日期", "补正通知日期", "要求补正日期",
        "补正日期",
    ),
    "corrected_on": (
        "corrected_on", "收到补正日期", "收到补正时间", "补正收到日期", "补正提交日期", "补正完成日期", "补正回复日期",
    ),
    "opinion_asked_on": (
        "opinion_asked_on", "征求意见日期", "征求意见时间", "征求第三方意见日期", "第三方征求意见日期",
        "征求意见开始日期",
    ),
    "opinion_given_on": (
        "opinion_given_on", "收到意见日期", "收到第三方意见日期", "第三方意见反馈日期", "意见反馈日期",
        "征求意见结束日期",
    ),
    "extended": ("extended", "是否延期", "延期", "是否延长", "延长答复"),
    "extended_on": (
        "extended_on", "延期告知日期", "延期告知时间", "延期日期", "延期时间", "延长答复日期", "延期答复日期",
    ),
    "extension_days": ("extension_days", "延期天数", "延期工作日", "延长天数", "延长工作日"),
    "answered_on": ("answered_on", "答复日期", "答复时间", "办结日期", "办结时间", "实际答复日期"),
    "outcome": (
        "outcome", "答复结果", "答复类型", "办理结果", "处理结果", "答复情况", "公开情况", "公开结果", "答复种类",
    ),
    "review": ("review", "行政复议结果", "复议结果", "行政复议情况", "行政复议", "复议情况"),
    "litigation": ("litigation", "行政诉讼结果", "诉讼结果", "行政诉讼情况", "行政诉讼", "诉讼情况"),
}  # fmt: skip
"""Fields and the names that they are recognised by; the first that a file has counts. No other column is kept."""

_KNOWN = frozenset(plain_name(name) for names in COLUMNS.values() for name in names)
_IDENTITY = re.compile(
    r"姓名|申请人(?!类)|联系人|联系方式|联系电话|电话|手机|传真|邮箱|邮件|邮编|邮政|住址|地址|通讯|通信|身份证|证件|护照|"
    r"性别|年龄|出生|民族|法定代表|法人代表|代理人|代表人|工作单位|单位名称|信用代码|机构代码|微信|qq|签名|"
    r"email|phone|mobile|tel|address|applicant|idcard|idnumber|^name$|realname|username|gender"
)


def known_name(name: str) -> bool:
    """Whether a column of this name is one of `COLUMNS`."""
    return plain_name(name) in _KNOWN


def recognise(names: Iterable[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    """Field → column. Raises `WrongUse` for a wrong mapping, and where what every application needs is missing."""
    present = list(names)
    if people := [column for column in mapping if _IDENTITY.search(plain_name(column))]:
        raise WrongUse(f"the column '{people[0]}' tells who made the application: it is not stored", "leave it out")
    columns = matched(present, mapping, where, COLUMNS)
    missing = [COLUMNS[field][1] for field in ("number", "received_on") if field not in columns]
    if "title" not in columns and "content" not in columns:
        missing.append(f"{COLUMNS['title'][1]}（或{COLUMNS['content'][1]}）")
    if missing:
        raise WrongUse(
            f"{where} lacks the columns {'、'.join(missing)}: it has {'、'.join(present[:20])}",
            "see docs/reference/disclosure.md for the column map, or say which: --map 你的列名=content",
        )
    return columns


def identity_columns(names: Iterable[str], columns: Mapping[str, str]) -> list[str]:
    """Columns that tell who made an application, by their names; none of `columns` (field → column) is among them."""
    used = set(columns.values())
    return [name for name in names if name not in used and _IDENTITY.search(plain_name(name))]
