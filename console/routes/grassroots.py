"""基层视图: the same figures for each unit below one, each number with the list behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.days import china_day
from console.grassroots import GROUPS, HEADINGS, TASKS, Span, address, grassroots_of, named_unit, sheet_rows
from console.rendering import show
from console.sheets import check_format, export_sheet

router = APIRouter()
Reader = Annotated[Visit, needs("grassroots")]

LISTED = 500
"""Tasks that a list shows."""


@router.get("/grassroots")
def grassroots(visit: Reader, unit: str = "", since: str = "", until: str = "") -> Response:
    """`unit`: whose units below, by its number, default the viewer's own; `since`, `until`: days, default the last
    30."""
    ground = grassroots_of(visit)
    top = named_unit(ground, unit)
    span = Span.of(china_day(since), china_day(until), ground.today)
    return show(
        visit, "grassroots.html.j2", table=ground.table(top, span), way=ground.path(top), span=span, groups=GROUPS,
        address=address, exports=visit.may("export"), unit=top,
    )  # fmt: skip


@router.get("/grassroots/export")
def export(
    visit: Annotated[Visit, needs("export")],
    unit: str = "",
    since: str = "",
    until: str = "",
    format: str = "xlsx",  # noqa: A002
) -> Response:
    """The same table, `format` csv or xlsx."""
    check_format(format)
    ground = grassroots_of(visit)
    top = named_unit(ground, unit)
    span = Span.of(china_day(since), china_day(until), ground.today)
    rows = sheet_rows(ground.table(top, span))
    return export_sheet(
        visit, rows, HEADINGS, what="grassroots", name=f"基层视图-{span.since}-{span.until}", format=format,
        asked={"unit": unit, "days": span.words},
    )  # fmt: skip


@router.get("/grassroots/tasks")
def tasks(visit: Reader, figure: str = "passed", below: str = "", since: str = "", until: str = "") -> Response:
    """The tasks passed down that a figure counts: `figure` passed, in-time, late or waiting; `below`: of which unit."""
    if figure not in TASKS:
        raise HTTPException(404)
    ground = grassroots_of(visit)
    unit = named_unit(ground, below)
    span = Span.of(china_day(since), china_day(until), ground.today)
    found = ground.tasks(unit, span, figure)
    return show(
        visit, "grassroots_tasks.html.j2", found=found[:LISTED], total=len(found), title=TASKS[figure][0], unit=unit,
        span=span, limit=LISTED, reads=visit.may("tickets"),
    )  # fmt: skip
