"""Response plans (预案): files that say what to do, prepared before it is needed.

A plan is bound to policies, topics, kinds of risk and levels. The most specific one is copied into a ticket when it
opens, variables filled in; what is changed later in the ticket or in the plan does not touch the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from alerts.levels import Level
from alerts.plan_files import read_plans
from alerts.plan_model import VARIABLES, Plan
from minsheng.policies import Policy

SHIPPED = Path(__file__).parent / "general_plans"
"""The general plans that come with the product."""

_VARIABLE = re.compile(r"\{([a-z_]+)\}")

__all__ = ["SHIPPED", "VARIABLES", "Plan", "PlanBook", "fill"]


class PlanBook:
    """All plans, with the rule that chooses among them.

    Parameters
    ----------
    plans:
        Where an id comes twice, the later one counts: so a user's file takes a shipped plan's place.
    """

    def __init__(self, plans: Iterable[Plan]) -> None:
        self.plans: dict[str, Plan] = {plan.id: plan for plan in plans}

    @classmethod
    def from_folder(cls, folder: Path | None = None, *, shipped: bool = True) -> PlanBook:
        """The shipped plans and those of a folder, which need not exist.

        Raises
        ------
        WrongUse
            If anything is wrong in any file: every problem with its file and line.
        """
        plans = read_plans(SHIPPED) if shipped else []
        if folder is not None and folder.is_dir():
            plans += read_plans(folder)
        return cls(plans)

    def get(self, plan_id: str) -> Plan | None:
        return self.plans.get(plan_id)

    def choose(self, policy: Policy | None, risk_kind: str, level: Level, topic: str | None = None) -> Plan | None:
        """The most specific plan that fits; None where none does.

        A plan for the policy goes before one for its topic, that before a general one; within each, one for this kind
        of risk before one for all, then one for this level before one for all; then the higher version, then the id.
        What it leaves empty is taken from the next of them that says it, unless it says `inherit = false`.
        """
        fitting = self._fitting(policy, risk_kind, level, topic)
        return _completed(fitting) if fitting else None

    def open_to(self, policy: Policy | None) -> list[Plan]:
        """The plans that a person may take for a ticket of that policy, whatever its kind of risk and its level: not
        those of other policies and topics. By title."""
        self.refresh()
        found = [plan for plan in self.plans.values() if _scope(plan, policy, None) is not None]
        return sorted(found, key=lambda plan: (plan.title, plan.id))

    def completed(self, plan_id: str, policy: Policy | None, risk_kind: str, level: Level) -> Plan | None:
        """One of `open_to`, with what it leaves empty from those that fit; None where it is none of them."""
        plan = next((one for one in self.open_to(policy) if one.id == plan_id), None)
        if plan is None:
            return None
        others = [one for one in self._fitting(policy, risk_kind, level, None) if one.id != plan_id]
        return _completed([plan, *others])

    def _fitting(self, policy: Policy | None, risk_kind: str, level: Level, topic: str | None) -> list[Plan]:
        """The plans that fit, the most specific one in front."""
        self.refresh()
        fitting = [
            (rank, plan)
            for plan in self.plans.values()
            if (rank := _specific(plan, policy, risk_kind, level, topic)) is not None
        ]
        fitting.sort(key=lambda item: (tuple(-value for value in item[0]), -item[1].version, item[1].id))
        return [plan for _, plan in fitting]

    def refresh(self) -> None:
        """Take in what has changed; a book of plans that were given once has nothing to look at."""


_SECTIONS = ("judgement", "actors", "channels", "do_nots", "legal_basis")
_STATEMENTS = ("holding", "full", "qa")


def _completed(fitting: list[Plan]) -> Plan:
    """The first plan, with what it leaves empty from the ones after it."""
    plan = fitting[0]
    if not plan.inherit:
        return plan
    taken: dict[str, str] = {}
    values: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for other in fitting[1:]:
        source = f"{other.id} v{other.version}"
        for name in _SECTIONS:
            if not getattr(plan, name) and name not in values and getattr(other, name):
                values[name] = getattr(other, name)
                taken[name] = source
        for name in _STATEMENTS:
            if not getattr(plan.statements, name) and name not in said and getattr(other.statements, name):
                said[name] = getattr(other.statements, name)
                taken[f"statements.{name}"] = source
    if not taken:
        return plan
    statements = msgspec.structs.replace(plan.statements, **said)
    return msgspec.structs.replace(plan, **values, statements=statements, inherited=taken)


def _specific(
    plan: Plan, policy: Policy | None, risk_kind: str, level: Level, topic: str | None
) -> tuple[int, int, int] | None:
    """How closely a plan is bound to the case; None where it is bound to another one."""
    if (plan.risk_kinds and risk_kind not in plan.risk_kinds) or (plan.levels and level not in plan.levels):
        return None
    scope = _scope(plan, policy, topic)
    return None if scope is None else (scope, int(bool(plan.risk_kinds)), int(bool(plan.levels)))


def _scope(plan: Plan, policy: Policy | None, topic: str | None) -> int | None:
    """2 for the policy's own plan, 1 for its topic's, 0 for a general one; None for others."""
    topics = {*(policy.topics if policy else ()), *((topic,) if topic else ())}
    if policy is not None and (policy.id in plan.policies or plan.id in policy.plans):
        return 2
    if topics & set(plan.topics):
        return 1
    return 0 if "*" in plan.policies and not plan.topics else None


def fill(plan: Plan, variables: Mapping[str, str]) -> dict[str, Any]:
    """The plan as plain values for a ticket, with every {variable} filled in.

    Parameters
    ----------
    variables:
        A value for each of `VARIABLES`; one that is missing stays in braces, for a person to fill in.
    """

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), value)
        if isinstance(value, list | tuple):
            return [filled(item) for item in value]
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return value

    plain: dict[str, Any] = filled(msgspec.to_builtins(plan))
    return plain
