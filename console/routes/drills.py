"""演练: what was practised, how fast each step was, and starting one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from alerts.drills.book import DrillBook
from alerts.drills.report import DrillReport
from alerts.drills.scenario import FOLDER, VARIABLES, find_scenario, scenarios
from alerts.drills.start import start_drill
from alerts.notices import REASONS
from alerts.risk_kind import CHINESE as KINDS
from briefings.drill import met_words, report_of, seconds_words, summary_of, time_words
from console.access import Visit, needs
from console.casework import people_names
from console.problems import in_words
from console.rendering import attachment, show
from minsheng.errors import WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("drills")]
Starter = Annotated[Visit, needs("drills.start")]


@router.get("/drills")
def drill_list(visit: Reader) -> Response:
    return _list(visit)


@router.post("/drills")
def start(visit: Starter) -> Response:
    policy = visit.view.policies.get(visit.field("policy"))
    try:
        if policy is None:
            raise WrongUse("请选择演练涉及的政策。")
        if visit.field("sure") != "1":
            raise WrongUse("请确认：值班人员会收到带【演练】标记的通知。")
        chosen = find_scenario(visit.field("scenario"), visit.console.settings.path(FOLDER))
        console = visit.console
        number = start_drill(console.store, console.log, console.clock, chosen, policy, actor=visit.actor)
    except WrongUse as error:
        return _list(visit, problem=in_words(error))
    visit.record("drill-started", number, {"scenario": chosen.id, "policy": policy.id})
    return RedirectResponse(f"/drills/{number}", 303)


@router.get("/drills/{number}")
def drill_page(visit: Reader, number: str) -> Response:
    report = _report(visit, number)
    return show(
        visit, "drill.html.j2", drill=report, display=people_names(visit),
        summary=summary_of(report, visit.view.policy_title(report.policy)), reasons=REASONS, met=met_words,
        took=seconds_words, at=time_words, reads_ticket=visit.may("tickets"),
    )  # fmt: skip


@router.get("/drills/{number}/report")
def report_file(visit: Reader, number: str, format: str = "docx") -> Response:  # noqa: A002
    report = _report(visit, number)
    if format == "json":
        content = msgspec.json.format(msgspec.json.encode(report), indent=2)
        kind = "application/json"
    elif format == "docx":
        from briefings.docx import docx_of  # python-docx is loaded where it is wanted
        from briefings.head import Head

        made = report_of(report, visit.console.settings.briefing.unit, visit.view.policy_title(report.policy))
        content = docx_of(made, Head(number=report.number, status="signed"))
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    else:
        raise HTTPException(404)
    visit.record("exported", report.number, {"format": format})
    headers = {"Content-Disposition": attachment(f"演练评估报告-{report.number}.{format}")}
    return Response(content, media_type=kind, headers=headers)


def _list(visit: Visit, *, problem: str = "") -> Response:
    book = DrillBook(visit.console.store, visit.console.clock)
    own = visit.view.grant.policies
    starts = visit.may("drills.start")
    near = _near(visit)
    found = [one for one in book.list(policies=own) if near(one.actor)]
    known, wrong = [], ""
    try:
        known = list(scenarios(visit.console.settings.path(FOLDER)).values()) if starts else []
    except WrongUse as error:  # a file of the unit's own; what was practised can be read all the same
        wrong = in_words(error)
    return show(
        visit, "drills.html.j2", code=400 if problem else 200, drills=found, scenarios=known,
        problem=problem or wrong, policies=visit.view.policies, kinds=KINDS, display=people_names(visit), starts=starts,
        chosen=visit.field("scenario"), chosen_policy=visit.field("policy"), named=_named,
    )  # fmt: skip


def _named(text: str) -> str:
    """A scenario's text before a policy is chosen: what stands for it in words."""
    for name, words in VARIABLES.items():
        text = text.replace(f"{{{name}}}", f"〔{words}〕")
    return text


def _report(visit: Visit, number: str) -> DrillReport:
    book, near = DrillBook(visit.console.store, visit.console.clock), _near(visit)
    whose = book.whose(number)
    if whose is None or not visit.view.sees_policy(whose[0]) or not near(whose[1]):
        raise HTTPException(404)
    return book.report(number)


def _near(visit: Visit) -> Callable[[str], bool]:
    """Whether a drill that this user started is one of the viewer's region. The posts of a drill may name none: it is
    where those are who started it, in the viewer's unit or below."""
    if visit.view.grant.regions is None or visit.user.unit_id is None:
        return lambda _actor: True
    units = {one.id for one in visit.console.units.tree().with_below(visit.user.unit_id)}
    names = {one.name for one in visit.console.users.all() if one.unit_id in units}
    return names.__contains__
