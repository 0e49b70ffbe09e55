"""Who may do what: rights and roles as data. Pages, fragments, exports and the live stream all ask here (through
`console.access`), and `docs/reference/console.md` shows the same table: a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

Right = Literal[
    "desk",
    "tickets",
    "tickets.work",
    "tickets.score",
    "search",
    "labels",
    "export",
    "events",
    "events.change",
    "policies",
    "policies.change",
    "answers",
    "answers.write",
    "answers.sign",
    "consultations",
    "consultations.write",
    "consultations.publish",
    "disclosure",
    "disclosure.write",
    "grassroots",
    "plans",
    "plans.write",
    "plans.decide",
    "drills",
    "drills.start",
    "roster",
    "roster.change",
    "rules",
    "rules.install",
    "channels",
    "sources",
    "sources.check",
    "sources.change",
    "briefing",
    "briefing.write",
    "briefing.sign",
    "webhooks",
    "users",
    "audit",
    "own",
]
RIGHTS: tuple[Right, ...] = get_args(Right)

RIGHT_WORDS: dict[Right, str] = {
    "desk": "值班台",
    "tickets": "查看工单",
    "tickets.work": "处理工单",
    "tickets.score": "给回应打分",
    "search": "检索并阅读信息",
    "labels": "更正标签",
    "export": "导出",
    "events": "查看事件",
    "events.change": "合并、拆分事件",
    "policies": "查看政策",
    "policies.change": "登记和修改政策",
    "answers": "查看问答库",
    "answers.write": "起草和审核答复",
    "answers.sign": "签发和撤回答复",
    "consultations": "查看征求意见",
    "consultations.write": "办理征求意见",
    "consultations.publish": "登记公开采纳情况",
    "disclosure": "查看依申请公开",
    "disclosure.write": "导入依申请公开台账",
    "grassroots": "查看基层视图",
    "plans": "查看预案",
    "plans.write": "起草预案",
    "plans.decide": "审核、启用和停用预案",
    "drills": "查看演练和演练报告",
    "drills.start": "发起演练",
    "roster": "查看值班表",
    "roster.change": "调整值班、更新值守手册",
    "rules": "查看和试算规则",
    "rules.install": "启用规则",
    "channels": "查看通知和渠道、重发死信",
    "sources": "查看信源",
    "sources.check": "试抓信源",
    "sources.change": "添加、修改、停用和移除信源",
    "briefing": "领导视图和日报",
    "briefing.write": "生成、修改、审核和印发简报",
    "briefing.sign": "签发和撤回简报",
    "webhooks": "设置接口推送",
    "users": "管理用户、单位和会话",
    "audit": "查看审计日志",
    "own": "自己的账号",
}

Role = Literal["duty", "editor", "reader", "leader", "operator", "administrator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

ROLE_WORDS: dict[Role, str] = {
    "duty": "值班员",
    "editor": "部门经办",
    "reader": "部门阅览",
    "leader": "领导",
    "operator": "运维",
    "administrator": "管理员",
    "auditor": "审计员",
}

_READING: frozenset[Right] = frozenset(
    {"own", "tickets", "search", "events", "policies", "answers", "consultations", "disclosure", "grassroots", "plans"}
)

ROLE_RIGHTS: dict[Role, frozenset[Right]] = {
    "duty": _READING | {"desk", "tickets.work", "labels", "export", "events.change", "policies.change",
                        "answers.write", "consultations.write", "disclosure.write", "plans.write", "plans.decide",
                        "drills", "drills.start", "roster", "roster.change", "rules", "rules.install", "channels",
                        "sources", "briefing", "briefing.write", "webhooks"},
    "editor": _READING | {"tickets.work", "labels", "export", "policies.change", "answers.write", "consultations.write",
                          "disclosure.write", "plans.write", "webhooks"},
    "reader": _READING,
    # Who decides does not write: scores, signatures and plans in force come from another person than the words.
    "leader": _READING | {"tickets.score", "answers.sign", "consultations.publish", "plans.decide", "drills",
                          "briefing", "briefing.sign"},
    # Who runs the machine reads no posts, and who manages accounts neither.
    "operator": frozenset({"own", "sources", "sources.check", "sources.change", "policies", "roster", "rules",
                           "channels"}),
    "administrator": frozenset({"own", "users"}),
    "auditor": frozenset({"own", "audit"}),
}  # fmt: skip


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """Everything that somebody with these roles may do; a role of a newer program grants nothing."""
    found: frozenset[Right] = frozenset()
    for role in roles:
        found |= ROLE_RIGHTS.get(role, frozenset())  # type: ignore[call-overload]
    return found
