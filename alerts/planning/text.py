"""A plan as the text of a file, and back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from alerts.plan_files import read_plans
from alerts.plan_model import Plan
from minsheng.errors import WrongUse


def from_toml(text: str) -> Plan:
    """The plan of a text. Raises `WrongUse` with every problem, a line each, with its number in the text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "plan.toml")
        file.write_text(text, encoding="utf-8")
        try:
            return read_plans(file)[0]
        except WrongUse as error:
            lines = [line.removeprefix(f"{file}:") for line in error.message.splitlines()[1:]]
            raise WrongUse("\n".join(f"第 {line.replace(':', ' 行：', 1)}" for line in lines), error.hint) from None


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
