"""A line of a timeline in the words of the duty room: what the console and the commands show of its detail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.notices import REASONS, channel_name
from alerts.transitions import STATUS_WORDS
from minsheng.clock import CHINA

_LEVELS = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色", "none": "无风险"}
_WORDS = (
    "title", "reason", "why", "channel", "person", "error", "other", "plan", "text", "unit", "demand", "report", "name",
    "owner", "note", "ticket", "into", "off", "took", "coverage",
)  # fmt: skip
"""What is shown as it is, in this order."""
_TICKETS = {
    "merged": {"into": "并入 {}", "took": "{} 并入本工单"},
    "split": {"into": "分出 {}", "off": "从 {} 分出"},
}
"""Kind → what a ticket that it names is to this one."""


def words_of(kind: str, detail: Mapping[str, Any]) -> str:
    """What a line says beside its title, who and when; empty where that is all."""
    said = []
    if "from" in detail and "to" in detail:
        said.append(f"{_named(detail['from'])} → {_named(detail['to'])}")
    elif kind in ("opened", "flared", "reopened") and detail.get("level") in _LEVELS:
        said.append(_named(detail["level"]))
    if kind.startswith("notice-") and detail.get("reason") in REASONS:
        detail = {**detail, "reason": REASONS[detail["reason"]]}
    if detail.get("channel"):
        detail = {**detail, "channel": channel_name(str(detail["channel"]))}
    for key, words in _TICKETS.get(kind, {}).items():
        if detail.get(key):
            detail = {**detail, key: words.format(detail[key])}
    if kind in ("plan-suggested", "plan-changed"):  # told by its title
        detail = {**detail, "plan": None}
    if "accepted" in detail:
        said.append("通过" if detail["accepted"] else "退回")
    if detail.get("cancelled"):
        said.append("取消")
    if detail.get("sheet"):
        said.append(f"第 {detail['sheet']} 版")
    if kind == "escalated":
        said.append(f"第 {detail.get('step')} 步")
    said += [str(detail[key]) for key in _WORDS if detail.get(key)]
    if kind == "clock-met":
        said.append(f"{datetime.fromisoformat(detail['at']).astimezone(CHINA):%m月%d日 %H:%M}")
    if detail.get("due_at"):
        said.append(f"时限 {datetime.fromisoformat(detail['due_at']).astimezone(CHINA):%m月%d日 %H:%M}")
    return "　".join(said)


def _named(value: object) -> str:
    return {**STATUS_WORDS, **_LEVELS}.get(str(value), str(value))
