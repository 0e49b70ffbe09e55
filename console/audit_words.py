"""What a line of the audit log says beside its subject, in words: the log itself keeps names and values as programs
write them, and the export gives them so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from alerts.clocks import TITLES as CLOCKS
from alerts.planning.shelf import STATE_WORDS as PLAN_STATES
from alerts.responses.grade import CHINESE as GRADES
from alerts.tickets import STATUS_WORDS
from answers.model import STATUSES as ANSWER_STATES
from console import words
from console.register import FIELDS, SENSITIVITIES
from console.rights import RIGHT_WORDS, ROLE_WORDS
from console.searching import SORTS
from console.translation import translate
from console.webhooks import EVENTS
from consultations.model import ACTION_WORDS as CONSULTATION_ACTIONS
from consultations.model import OUTCOMES
from crawlers.kind_words import KIND_WORDS
from minsheng.policies import STAGES

KEYS: dict[str, str] = {
    "what": "操作", "do": "操作", "head": "标签", "q": "检索词", **FIELDS, **words.FILTERS, "url": "网址",
    # searches, lists and what was taken from them
    "since": "自", "until": "至", "sort": "排序", "total": "找到", "totals": "各找到", "rows": "行数",
    "format": "格式", "cursor": "下一页", "incoming": "值班台实时信息", "suggested": "联想词", "analysis": "热词和传播",
    "statistics": "统计天数", "answers": "答复数", "saved": "已保存的检索", "new": "新增", "exclude": "不含",
    "notify": "有新增时通知", "removed": "删除", "first": "政策一", "second": "政策二", "first_since": "政策一自",
    "first_until": "政策一至", "second_since": "政策二自", "second_until": "政策二至", "days": "天数", "month": "月份",
    "posts": "信息数", "show": "列出", "figure": "指标", "result": "时限结果", "hours": "发布后小时数",
    "state": "状态", "outcome": "结果", "review": "复议", "litigation": "诉讼", "matter": "事项", "from": "原为",
    "below": "下级单位",
    # accounts
    "roles": "角色", "unit": "单位", "disabled": "停用", "display": "姓名", "by": "方式", "why": "原因",
    "right": "权限",
    "rights": "权限", "token": "接口令牌编号", "parent": "上级单位", "whole": "看全部信息", "policies": "政策",
    "departments": "部门", "regions": "地区", "actor": "用户名", "action": "动作", "lines": "条数", "broken": "断开处",
    "webhook": "接口推送编号", "host": "主机", "events": "事项",
    # tickets and events
    "to": "改为", "deadline": "时限", "comment": "批注字数", "text": "内容",
    "task": "任务",
    "owner": "责任人", "demand": "办理要求", "report": "办理情况", "assignment": "督办", "accepted": "审核通过",
    "hash": "文件校验值", "name": "文件名", "target": "材料", "ticket": "工单", "plan": "预案", "other": "另一张工单",
    "into": "新工单", "documents": "信息数", "merged": "并入的事件", "split": "拆出的事件", "sheet": "研判单版本",
    "response": "有回应", "grade": "评价", "channel": "发布渠道", "page": "网址", "note": "说明",
    "timely": "回应及时", "relevant": "答其所问", "settled": "问题解决", "plain": "通俗得体", "effect": "群众认可",
    # everything else
    "version": "版本", "person": "人员", "ok": "发送成功", "sent": "重发的死信",
    "count": "条数",
    "fields": "改动的项目", "interpretation": "解读材料编号", "interpretation-withdrawn": "撤回的解读材料",
    "scenario": "演练情景", "tickets": "工单数", "changed": "修改", "added": "新增", "refused": "未收",
    "unchanged": "未变",
    "opinion": "意见", "opinions": "意见", "taken": "编号已被占用",
    "reason": "理由",
}  # fmt: skip
"""What a line's detail names → what pages call it, in the order in which it is told."""
_ORDER = {key: place for place, key in enumerate(KEYS)}

_STEPS = {
    "move": "变更状态", "level": "调整等级", "transfer": "转办", "pause": "暂停或恢复计时", "clock": "办理时限",
    "comment": "批注", "tasks": "添加任务", "assignments": "下达督办", "attachments": "附件", "links": "关联材料",
    "related": "关联工单", "plan": "更换预案或更新文稿", "merge": "并案", "split": "分案", "report": "采纳情况报告",
    "opinions": "意见", "comments": "来件",
}  # fmt: skip
_NUMBERED = {"task": "任务", "assignment": "督办"}
_DOINGS = {
    "stand-in": "顶班", "away": "不在岗", "swap": "换班", "withdraw": "撤销", "test": "测试", "stop": "停用",
}  # fmt: skip
_TARGETS = {
    **STATUS_WORDS, **words.LEVELS, **PLAN_STATES, **ANSWER_STATES, **CONSULTATION_ACTIONS, "imported": "导入",
    "dismissed": "不需要答复",
}  # fmt: skip
_VALUES: dict[str, Mapping[Any, str]] = {
    **words.LABELS,
    "roles": ROLE_WORDS, "rights": RIGHT_WORDS, "right": RIGHT_WORDS, "head": words.HEADS, "sort": SORTS,
    "grade": GRADES, "deadline": CLOCKS, "what": _STEPS, "do": _DOINGS, "to": _TARGETS, "events": EVENTS,
    "stage": STAGES, "sensitivity": SENSITIVITIES, "outcome": OUTCOMES, "by": {"single-sign-on": "统一身份认证"},
    "result": {"kept": "按时", "late": "超时"}, "analysis": {"words": "热词", "layers": "扩散层级"},
    "fields": FIELDS,
}  # fmt: skip


def detail_words(
    action: str, subject: str, detail: str, names: Mapping[str, Mapping[Any, str]], actions: Mapping[str, str]
) -> list[tuple[str, str]]:
    """What the detail of a line says beside its subject, as (what, value); nothing where it says nothing.

    Parameters
    ----------
    detail:
        JSON, as the log keeps it.
    names:
        `unit`, `policy` and `source`: what people call them, by id.
    """
    found = msgspec.json.decode(detail)
    assert isinstance(found, dict)
    known = {
        "unit": names["unit"], "parent": names["unit"], "policy": names["policy"], "policies": names["policy"],
        "first": names["policy"], "second": names["policy"], "source": names["source"], "action": actions,
    }  # fmt: skip
    if action.startswith("source-"):
        known["kind"] = KIND_WORDS
    told = []
    for key, value in sorted(found.items(), key=lambda pair: _ORDER.get(pair[0], len(_ORDER))):
        if (value in (None, "", [], {}, False) and key not in ("ok", "accepted", "total")) or (key, value) in (
            ("q", subject), ("sort", "newest"),
        ):  # fmt: skip
            continue
        title = KEYS.get(key, str(key))
        if action == "label-corrected" and key in ("from", "to"):
            known[key] = words.LABELS.get(str(found.get("head", "")), {})
        elif action == "consultation-changed" and key == "from":
            title = "文件"
        told.append((translate(title), _value(key, value, known.get(key) or _VALUES.get(key, {}))))
    return told


def _value(key: str, value: Any, known: Mapping[Any, str]) -> str:
    if isinstance(value, bool):
        return translate("是" if value else "否")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "、".join(_value(key, one, known) for one in value)
    if isinstance(value, Mapping):
        return "；".join(f"{name} {_value(key, one, {})}" for name, one in value.items())
    if key == "format":
        return str(value).upper()
    if key == "what":
        form, _, number = str(value).partition("-")
        if number and form in _NUMBERED:
            return f"{translate(_NUMBERED[form])} {number}"
    word = known.get(value)
    return translate(str(value) if word is None else word)
