"""预案: the plans that count, their versions from draft to being in force, and an editor that checks."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from alerts.plan_model import VARIABLES, Plan
from alerts.planning import shelf
from alerts.planning.shelf import STATE_WORDS, StoredPlan, book_of, problems_of, stored_plans
from alerts.planning.text import as_toml, from_toml
from alerts.plans import fill
from alerts.risk_kind import CHINESE as KINDS
from console.access import Visit, needs
from console.casework import people_names
from console.problems import in_words
from console.rendering import show
from console.translation import translate
from minsheng.errors import WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("plans")]
Writer = Annotated[Visit, needs("plans.write")]
Decider = Annotated[Visit, needs("plans.decide")]

START = """id = "{id}"
title = "预案名称"
version = 1
policies = ["{policy}"]
owner = ""
judgement = ["先研判什么"]
channels = ["政府门户网站"]
do_nots = ["不要做什么"]

[[steps]]
title = "第一步做什么"
who = "牵头处室"
within_minutes = 60

[statements]
holding = "我们已关注到网友反映的《{{policy}}》有关问题，正在核实，将及时公布情况。"
"""


@router.get("/plans")
def plan_list(visit: Reader) -> Response:
    book, stored = book_of(visit.console.store, _folder(visit)), stored_plans(visit.console.store)
    in_force = {one.plan.id for one in stored if one.state == "in-force"}
    return show(
        visit, "plans.html.j2", plans=[one for one in book.plans.values() if _sees(visit, one)], in_force=in_force,
        waiting=[one for one in stored if one.state in ("draft", "reviewed") and _sees(visit, one.plan)],
        problems=[one for one in problems_of(book, stored, visit.console.clock)
                  if one.plan in KINDS or (one.plan in book.plans and _sees(visit, book.plans[one.plan]))],
        kinds=KINDS, states=STATE_WORDS, display=people_names(visit), policies=visit.view.policies,
        writes=visit.may("plans.write"),
    )  # fmt: skip


@router.get("/plans/edit")
def editor(visit: Writer, plan: str = "", version: int | None = None, policy: str = "") -> Response:
    if plan:
        return _editor(visit, as_toml(_found(visit, plan, version)))
    own = policy if policy in visit.view.policies else ("*" if visit.view.grant.everything else "")
    return _editor(visit, START.format(id=f"{own}-plan" if own not in ("", "*") else "my-plan", policy=own))


@router.post("/plans/edit")
def save(visit: Writer) -> Response:
    """Check a plan and keep it as a draft; `check`: only check it."""
    text = visit.field("content")
    try:
        plan = from_toml(text + "\n")
        if not _sees(visit, plan):
            raise WrongUse("预案只能用于本单位的政策或领域：policies 里有不属于本单位的政策。")
        if visit.field("check") == "1":
            return _editor(visit, text, right=True)
        # Told only to who keeps a plan, which is written down: nobody looks through the ids of others by checking.
        if any(not _sees(visit, one.plan) for one in stored_plans(visit.console.store, plan.id)):
            visit.record("refused", plan.id, {"right": "plans.write", "taken": True})
            raise WrongUse("这个编号已被使用，请换一个 id。")
        kept = shelf.save_draft(visit.console.store, visit.console.clock, plan, actor=visit.actor)
    except WrongUse as error:
        return _editor(visit, text, problem=in_words(error))
    visit.record("plan-changed", kept.plan.id, {"version": kept.plan.version, "to": kept.state})
    return RedirectResponse(f"/plans/{kept.plan.id}?version={kept.plan.version}", 303)


@router.get("/plans/{plan_id}")
def plan_page(visit: Reader, plan_id: str, version: int | None = None) -> Response:
    return _page(visit, plan_id, version)


@router.post("/plans/{plan_id}/{version}")
def decide(visit: Decider, plan_id: str, version: int) -> Response:
    """`do`: `review`, `put-in-force` or `retire`."""
    _found(visit, plan_id, version)
    do = visit.field("do")
    work = {"review": shelf.review, "put-in-force": shelf.put_in_force, "retire": shelf.retire}.get(do)
    after = {"review": "reviewed", "put-in-force": "in-force", "retire": "retired"}
    versions = stored_plans(visit.console.store, plan_id)
    stored = next((one for one in versions if one.plan.version == version), None)
    if stored is not None and stored.state == after.get(do):  # sent twice
        return RedirectResponse(f"/plans/{plan_id}?version={version}", 303)
    try:
        if work is None:
            raise WrongUse("请选择要做的操作。")
        work(visit.console.store, visit.console.clock, plan_id, version, actor=visit.actor)
    except WrongUse as error:
        return _page(visit, plan_id, version, problem=in_words(error))
    visit.record("plan-changed", plan_id, {"version": version, "to": after[do]})
    return RedirectResponse(f"/plans/{plan_id}?version={version}", 303)


def _page(visit: Visit, plan_id: str, version: int | None, *, problem: str = "") -> Response:
    plan = _found(visit, plan_id, version)
    versions = [one for one in stored_plans(visit.console.store, plan_id) if _sees(visit, one.plan)]
    shown = next((one for one in versions if one.plan == plan), None)
    return show(
        visit, "plan.html.j2", code=409 if problem else 200, plan=_readable(plan), stored=shown, versions=versions,
        states=STATE_WORDS, kinds=KINDS, problem=problem, display=people_names(visit), diff=_diff(plan, versions),
        policies=visit.view.policies, writes=visit.may("plans.write"), decides=visit.may("plans.decide"),
    )  # fmt: skip


def _readable(plan: Plan) -> Plan:
    """The plan with words for what is put in when a ticket opens: 〔责任单位〕 for {department}."""
    words = {name: f"〔{translate(word)}〕" for name, word in VARIABLES.items()}
    return msgspec.convert(fill(plan, words), Plan)


def _diff(plan: Plan, versions: list[StoredPlan]) -> list[str]:
    """What a version changes against the one before it in the store."""
    before = [one.plan for one in versions if one.plan.version < plan.version]
    if not before:
        return []
    lines = difflib.unified_diff(
        as_toml(before[-1]).splitlines(), as_toml(plan).splitlines(), f"第 {before[-1].version} 版",
        f"第 {plan.version} 版", lineterm="", n=2,
    )  # fmt: skip
    return list(lines)


def _found(visit: Visit, plan_id: str, version: int | None) -> Plan:
    """A plan that the viewer may see: a version in the store, or the one that counts, or the newest draft."""
    view = visit.view  # before it is known whether there is one: what is asked of the store tells nothing
    stored = [one.plan for one in stored_plans(visit.console.store, plan_id)]
    found = next((one for one in stored if one.version == version), None)
    if found is None and version is None:
        found = book_of(visit.console.store, _folder(visit)).get(plan_id) or (stored[-1] if stored else None)
    if found is None or not view.sees_plan(found):
        raise HTTPException(404)
    return found


def _sees(visit: Visit, plan: Plan) -> bool:
    return visit.view.sees_plan(plan)


def _editor(visit: Visit, text: str, *, problem: str = "", right: bool = False) -> Response:
    return show(
        visit, "plan_edit.html.j2", code=400 if problem else 200, text=text, problem=problem, right=right, kinds=KINDS,
        variables=VARIABLES, policies=visit.view.policies,
    )  # fmt: skip


def _folder(visit: Visit) -> Path:
    return visit.console.settings.path("plans")
