"""What is there for a policy's release: response plan, interpretation, Q&A."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Literal

import msgspec
import sqlalchemy as sa

from alerts.plan_model import Plan
from alerts.plans import PlanBook
from answers.tables import qa_entries
from minsheng.clock import CHINA, Clock
from minsheng.policies import Policy
from minsheng.policies.interpretations import FORMS, Interpretation, Interpretations
from minsheng.settings import Settings
from minsheng.store import Store

Part = Literal["plan", "interpretation", "qa"]
PARTS: dict[Part, str] = {"plan": "应对预案", "interpretation": "解读材料", "qa": "政策问答"}
"""What a release needs, in the words that people are shown."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What is there for one policy.

    Attributes
    ----------
    plans:
        Titles of the response plans in force that are bound to the policy itself, valid on the day of its release.
    general:
        Where there is none: the title of the plan of its topic, which would be taken; empty where only general ones
        are there.
    interpretations:
        The materials that the register has.
    same_day:
        Whether one of them is out by the day of release; None where no such day is known.
    answers:
        How many published Q&A entries.
    """

    policy_id: str
    plans: tuple[str, ...]
    general: str
    interpretations: tuple[Interpretation, ...]
    same_day: bool | None
    answers: int

    @property
    def missing(self) -> tuple[Part, ...]:
        """What is not there, in the order of `PARTS`."""
        there: Mapping[Part, bool] = {
            "plan": bool(self.plans), "interpretation": bool(self.interpretations), "qa": self.answers > 0
        }  # fmt: skip
        return tuple(part for part in PARTS if not there[part])

    def words(self, part: Part) -> str:
        """What is there of a part, in Chinese."""
        if part == "plan":
            if self.plans:
                return "、".join(self.plans)
            return f"无专项预案（可用领域预案：{self.general}）" if self.general else "无专项预案（仅有通用预案）"
        if part == "interpretation":
            forms = [FORMS[form] for form in dict.fromkeys(one.form for one in self.interpretations)]
            late = "，晚于发布日" if self.same_day is False else ""
            return f"{len(self.interpretations)} 件（{'、'.join(forms)}{late}）" if forms else "无"
        return f"{self.answers} 条已发布" if self.answers else "无"


def released_at(policy: Policy, settings: Settings) -> datetime | None:
    """The moment of a policy's release; None where no day is known."""
    if policy.released_on is None:
        return None
    return moment_of(policy.released_on, settings)


def moment_of(day: date, settings: Settings) -> datetime:
    """The moment of a release on a day, with its zone."""
    return datetime.combine(day, time.fromisoformat(settings.release.time), CHINA)


def readiness_of(store: Store, clock: Clock, plans: PlanBook, policies: Sequence[Policy]) -> dict[str, Readiness]:
    """Policy id → what is there.

    Parameters
    ----------
    plans:
        The plans in force: `alerts.planning.shelf.book_of`.
    """
    materials: dict[str, list[Interpretation]] = {}
    for one in Interpretations(store, clock).of():
        materials.setdefault(one.policy_id, []).append(one)
    published = (
        sa.select(qa_entries.c.policy_id, sa.func.count())
        .where(qa_entries.c.published_version.is_not(None))
        .group_by(qa_entries.c.policy_id)
    )
    with store.read() as connection:
        answers: dict[str, int] = {row[0]: row[1] for row in connection.execute(published)}
    today = clock.now().astimezone(CHINA).date()
    found = {}
    for policy in policies:
        mine = tuple(materials.get(policy.id, ()))
        day = max(policy.released_on or today, today)
        valid = [plan for plan in plans.plans.values() if plan.expires_on is None or plan.expires_on >= day]
        topical = [plan for plan in valid if not _own(plan, policy) and set(plan.topics) & set(policy.topics)]
        found[policy.id] = Readiness(
            policy_id=policy.id,
            plans=tuple(plan.title for plan in valid if _own(plan, policy)),
            general=topical[0].title if topical else "",
            interpretations=mine,
            same_day=any(one.same_day(policy) for one in mine) if mine and policy.released_on is not None else None,
            answers=answers.get(policy.id, 0),
        )
    return found


def _own(plan: Plan, policy: Policy) -> bool:
    return policy.id in plan.policies or plan.id in policy.plans
