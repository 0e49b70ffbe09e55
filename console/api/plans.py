"""Response plans, to be read."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import Response

from alerts.plan_model import Plan
from alerts.planning.shelf import book_of
from console.access import Visit
from console.api.describing import told
from console.api.problems import missing
from console.api.routing import answer, needs, resource

router = resource("Plans")
Reader = Annotated[Visit, needs("plans")]


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in a list. `policies`: those of the caller's scope; `*` stands for a general plan."""

    id: str
    version: int
    title: str
    policies: list[str]
    topics: tuple[str, ...]
    risk_kinds: tuple[str, ...]
    levels: tuple[str, ...]
    owner: str


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    """Plans that tickets which open now may take, by id."""

    items: list[PlanLine]


_PLAN = {"id": "general", "version": 1, "title": "通用应对预案", "policies": ["*"]}


@router.get(
    "/plans",
    **told(
        Plans, "List response plans",
        example={"items": [{**_PLAN, "topics": [], "risk_kinds": [], "levels": [], "owner": ""}]},
    ),
)  # fmt: skip
def list_plans(visit: Reader) -> Response:
    """Those in force: shipped ones, files, and the store's."""
    lines = [
        PlanLine(
            id=one.id, version=one.version, title=one.title, policies=_policies(visit, one), topics=one.topics,
            risk_kinds=one.risk_kinds, levels=one.levels, owner=one.owner,
        )
        for one in _plans(visit).values()
    ]  # fmt: skip
    return answer(Plans(items=sorted(lines, key=lambda one: one.id)))


@router.get("/plans/{plan_id}", **told(Plan, "One response plan", missing=True, example=_PLAN))
def get_plan(visit: Reader, plan_id: str) -> Response:
    """Points to judge, actors, steps with their time, drafts of statements, what not to do."""
    found = _plans(visit).get(plan_id)
    if found is None:
        raise missing(f"plan {plan_id}")
    return answer(msgspec.structs.replace(found, policies=tuple(_policies(visit, found))))


def _plans(visit: Visit) -> dict[str, Plan]:
    book = book_of(visit.console.store, visit.console.settings.path("plans"))
    return {one.id: one for one in book.plans.values() if visit.view.sees_plan(one)}


def _policies(visit: Visit, plan: Plan) -> list[str]:
    return [one for one in plan.policies if one == "*" or one in visit.view.policies]
