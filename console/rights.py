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
    "search",
    "labels",
    "export",
    "events",
    "policies",
    "policies.edit",
    "sources",
    "sources.check",
    "briefing",
    "users",
    "audit",
    "own",
]
RIGHTS: tuple[Right, ...] = get_args(Right)

RIGHT_WORDS: dict[Right, str] = {
    "desk": "值班台",
    "tickets": "查看工单",
    "tickets.work": "处理工单",
    "search": "检索并阅读信息",
    "labels": "更正标签",
    "export": "导出",
    "events": "查看事件",
    "policies": "查看政策",
    "policies.edit": "登记和修改政策",
    "sources": "查看信源",
    "sources.check": "试抓信源",
    "briefing": "领导视图和日报",
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

_READING: frozenset[Right] = frozenset({"own", "tickets", "search", "events", "policies"})

ROLE_RIGHTS: dict[Role, frozenset[Right]] = {
    "duty": _READING | {"desk", "tickets.work", "labels", "export", "sources", "briefing"},
    "editor": _READING | {"tickets.work", "labels", "export", "policies.edit"},
    "reader": _READING,
    "leader": _READING | {"briefing"},
    # Who runs the machine reads no posts, and who manages accounts neither.
    "operator": frozenset({"own", "sources", "sources.check", "policies", "policies.edit"}),
    "administrator": frozenset({"own", "users"}),
    "auditor": frozenset({"own", "audit"}),
}


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """Everything that somebody with these roles may do; a role of a newer program grants nothing."""
    found: frozenset[Right] = frozenset()
    for role in roles:
        found |= ROLE_RIGHTS.get(role, frozenset())  # type: ignore[call-overload]
    return found
