"""A plan as the text of a file, and back."""

from __future__ import annotations

from typing import Any

import msgspec
import tomlkit

from alerts.plan_files import read_plan
from alerts.plan_model import Plan
from minsheng.errors import WrongUse
from minsheng.problems import Problem


def from_toml(text: str) -> Plan:
    """The plan of a text. Raises `WrongUse` with every problem, a line each, with its number in the text."""
    plan, mistakes = read_plan(text)
    if plan is None:
        raise WrongUse(
            Problem(
                "plan-text-wrong",
                english="\n".join(f"line {line}: {what}" for line, what in mistakes),
                chinese="\n".join(f"第 {line} 行：{what.chinese}" for line, what in mistakes),
            ),
            "see docs/reference/plans.md",
        )
    return plan


def as_toml(plan: Plan) -> str:
    """The plan as a file: what says nothing is left out."""

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shown(item) for key, item in value.items() if item not in ("", None, [], {})}
        if isinstance(value, list):
            return [shown(item) for item in value]
        if isinstance(value, str) and "\n" in value:
            return tomlkit.string(value, multiline=True)
        return value

    plain = shown(msgspec.to_builtins(plan))
    if plan.inherit:
        plain.pop("inherit", None)
    if plan.expires_on is not None:
        plain["expires_on"] = plan.expires_on
    return tomlkit.dumps(plain)
