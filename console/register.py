"""Changes to the register of policies, by pages and API alike: within one's own scope, against what others change
meanwhile, and written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from console.access import Visit
from minsheng.errors import WrongUse
from minsheng.policies import Policy, PolicyRegister
from minsheng.policies.reading import Mistake, WrongPolicy, checked
from minsheng.policies.register import PolicyConflict

FIELDS: dict[str, str] = {
    "id": "编号", "title": "标题", "number": "文号", "department": "主管部门", "aliases": "别名", "topics": "领域",
    "stage": "效力", "consultation_opens": "征求意见开始", "consultation_closes": "征求意见截止",
    "released_on": "发布日期", "effective_on": "施行日期", "amended_on": "修改日期", "repealed_on": "废止日期",
    "successor": "替代它的政策", "url": "原文网址", "plans": "应对预案", "sensitivity": "敏感程度",
    "watch_words": "监看用词", "exclude_words": "排除用词",
}  # fmt: skip
"""A policy's fields, as people call them, in the order of the form."""
LISTS = ("aliases", "topics", "plans", "watch_words", "exclude_words")
SENSITIVITIES = {"low": "低", "normal": "一般", "high": "高"}
_MISTAKES = {
    "missing": "没有填写", "empty": "没有填写", "control": "只能写一行", "type": "格式不对",
    "date": "不是日期，请写成 2026-05-01", "id": "最多 100 字，不能有空格、逗号和斜线", "stage": "请从列表里选",
    "order": "早于它前面的那个日期", "url": "应以 http:// 或 https:// 开头", "self": "不能由自己替代",
}  # fmt: skip


class OutOfScope(WrongUse):
    """The policy would not be in the scope of who changes it."""


def mistake_words(mistake: Mistake) -> str:
    """What is wrong with a policy, in Chinese."""
    said = _MISTAKES.get(mistake.code)
    return f"{FIELDS.get(mistake.field, mistake.field)}：{said}" if said else mistake.message


def typed(visit: Visit) -> dict[str, Any]:
    """The policy that a form sends, as `checked` takes it; what was left empty is left out."""
    found: dict[str, Any] = {}
    for name in FIELDS:
        text = visit.field(name)
        if name in LISTS:
            found[name] = tuple(line.strip() for line in text.splitlines() if line.strip())
        elif text:
            found[name] = text
    return found


def save(visit: Visit, policy: Policy, before: Policy | None, reason: str = "") -> tuple[str, ...]:
    """Keep a policy, and write down who changed what. Returns what looks wrong without being an error.

    Raises
    ------
    OutOfScope
        It would not be in the viewer's own scope.
    PolicyConflict
        Another one has changed it since it was `before`, or has taken its id.
    """
    others = [one for one in visit.view.policies.values() if one.id != policy.id]
    grant = visit.console.units.tree().grant(visit.user.unit_id, [*others, policy])
    if grant.policies is not None and policy.id not in grant.policies:
        raise OutOfScope("the policy would not be in your own scope", "name a department or topic of yours")
    register = PolicyRegister(visit.console.store, visit.console.clock)
    seen = {policy.id: before.content_hash() if before else None}
    register.import_policies([policy], seen=seen, actor=visit.actor, reason=reason)
    known = msgspec.to_builtins(before) if before else {}
    changed = msgspec.to_builtins(policy)
    detail = {key: changed.get(key) for key in sorted({*known, *changed}) if known.get(key) != changed.get(key)}
    visit.record("policy-changed" if before else "policy-added", policy.id, {**detail, "reason": reason})
    mine = {**visit.view.policies, policy.id: policy}
    if before is not None and before.successor == policy.successor and policy.successor not in mine:
        return ()  # one of others, which was there before: it is not named
    return _warnings(policy, mine)


def repealed(policy: Policy, values: Mapping[str, Any]) -> Policy:
    """The policy, repealed on a day and perhaps followed by another one. Raises `WrongPolicy`."""
    kept = {name: value for name, value in msgspec.structs.asdict(policy).items() if value is not None}
    return checked({**kept, **values})


def _warnings(policy: Policy, mine: Mapping[str, Policy]) -> tuple[str, ...]:
    """Told from the viewer's own policies alone: that one of others is there is none of their business."""
    if policy.successor is None:
        return ()
    if policy.successor not in mine:
        return (f"policy {policy.id}: its successor {policy.successor} is not in the register, or not yours to see",)
    at, seen = mine[policy.successor], {policy.id}
    while at.id not in seen and at.successor is not None and at.successor in mine:
        seen.add(at.id)
        at = mine[at.successor]
    return (f"policy {policy.id}: its successors lead back to itself",) if at.id == policy.id else ()


__all__ = ["FIELDS", "OutOfScope", "PolicyConflict", "WrongPolicy", "mistake_words", "repealed", "save", "typed"]
