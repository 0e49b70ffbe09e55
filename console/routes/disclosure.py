"""依申请公开: applications with their clocks, what became of them, and what is often asked for."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from alerts.statutory.telling import reminded
from console import words
from console.access import Visit, needs
from console.casework import people_names
from console.disclosures import ALL, OwnRegister, address, asked_of, may_keep, whole
from console.grassroots import grassroots_of, named_unit
from console.problems import in_words
from console.rendering import show
from console.sheets import check_format, export_sheet
from console.units import Unit
from console.uploads import uploaded
from disclosure import exchange
from disclosure.figures import count
from disclosure.importing import Report, import_file
from disclosure.model import OUTCOMES, REVIEWS, STATES, SUITS
from disclosure.register import CHOICES, Asked
from disclosure.suggestions import ADVICE, SOURCE, suggestions
from disclosure.terms import clock_words
from minsheng.errors import BadInput, WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("disclosure")]
Writer = Annotated[Visit, needs("disclosure.write")]
FileWriter = Annotated[Visit, needs("disclosure.write", files=1)]
LISTED = 200
LOOKED_BACK = timedelta(days=730)
"""How far what is often asked for is looked for."""


@router.get("/disclosure")
def applications(visit: Reader, page: int = 1, below: str = "") -> Response:
    """`below`: only those of a unit below, by its number."""
    asked = asked_of(visit.request.query_params)
    unit, own = _register(visit, below)
    found = own.list(asked)
    counted = whole(asked, own.register.today)
    lately = Asked(
        since=own.register.today - LOOKED_BACK, department=asked.department, region=asked.region
    )  # fmt: skip
    first = LISTED * (max(page, 1) - 1)
    return show(
        visit, "disclosure.html.j2", asked=asked, found=found[first : first + LISTED], total=len(found),
        first=first, page=max(page, 1), pages=-(-len(found) // LISTED), figures=count(own.register, own.list(counted)),
        counted=counted, suggested=suggestions(own.list(lately), visit.console.settings.disclosure.often),
        advice=ADVICE, source=SOURCE, states=STATES, choices=CHOICES, outcomes=OUTCOMES, all=ALL,
        address=partial(address, below=below), below=below, unit=unit,
        clock_words=clock_words, departments=own.departments(), warn=visit.console.settings.disclosure.warn_days,
    )  # fmt: skip


@router.get("/disclosure/export")
def export(
    visit: Annotated[Visit, needs("export")],
    format: str = "csv",  # noqa: A002
    below: str = "",
) -> Response:
    check_format(format)
    asked = asked_of(visit.request.query_params)
    found = _register(visit, below)[1].list(asked)
    limit = visit.console.settings.console.export_rows
    rows = exchange.rows(found[:limit], visit.view.policy_names())
    note = f"共 {len(found)} 件，本文件只含前 {len(rows)} 件；请缩小范围后再导出。" if len(found) > limit else ""
    stamp = words.moment(visit.console.clock.now()).replace("-", "").replace(":", "").replace(" ", "-")
    return export_sheet(
        visit, rows, exchange.HEADINGS, what=address(asked, below=below), name=f"依申请公开-{stamp}", format=format,
        asked={"total": len(found)}, note=note,
    )  # fmt: skip


@router.get("/disclosure/import")
def import_page(visit: Writer) -> Response:
    return _import(visit)


@router.post("/disclosure/import")
def import_register(visit: FileWriter) -> Response:
    """`file`: a register; `department`, `region`: of rows that name none. Only rows of the unit's own are taken."""
    console, grant = visit.console, visit.view.grant
    try:
        with uploaded(visit) as path:
            if path is None:
                raise WrongUse("请选择要导入的台账。")
            report = import_file(
                path, console.store, console.clock, console.settings, actor=visit.actor,
                department=visit.field("department")[:200], region=visit.field("region")[:200],
                own=partial(may_keep, grant),
            )  # fmt: skip
    except (WrongUse, BadInput) as error:
        return _import(visit, problem=in_words(error))
    counts = {"added": report.added, "changed": report.changed, "refused": len(report.refused)}
    visit.record("applications-imported", report.file, counts)
    return _import(visit, report=report)


def _import(visit: Visit, *, report: Report | None = None, problem: str = "") -> Response:
    return show(
        visit, "disclosure_import.html.j2", code=400 if problem else 200, report=report, problem=problem,
        names=visit.view.grant.departments, most=LISTED, department=visit.field("department"),
        region=visit.field("region"),
    )  # fmt: skip


@router.get("/disclosure/{application_id}")
def application(visit: Reader, application_id: int) -> Response:
    own = OwnRegister(visit)
    found = own.get(application_id) if application_id < 1 << 31 else None
    if found is None:
        raise HTTPException(404)
    one = found.application
    visit.record("application-read", f"{one.department} {one.number}".strip())
    same = own.list(Asked(matter=one.matter)) if one.matter is not None else []
    (cells,) = exchange.rows([found], visit.view.policy_names())
    return show(
        visit, "disclosure_application.html.j2", one=one, standing=found.standing, states=STATES,
        cells=[pair for pair in zip(exchange.HEADINGS, cells, strict=True) if pair[1]], clock_words=clock_words,
        same=[each for each in same if each.application.id != one.id], outcomes=OUTCOMES, reviews=REVIEWS, suits=SUITS,
        history=own.register.history(one.id), reminded=reminded(visit.console.store, f"application:{one.id}"),
        display=people_names(visit),
        headings=dict(zip(exchange.FIELDS, exchange.HEADINGS, strict=False)),
    )  # fmt: skip


def _register(visit: Visit, below: str) -> tuple[Unit | None, OwnRegister]:
    """What the viewer sees, or what of it is one unit's."""
    if not below:
        return None, OwnRegister(visit)
    ground = grassroots_of(visit)
    unit = named_unit(ground, below)
    return unit, OwnRegister(visit, ground.share(unit).applications)
