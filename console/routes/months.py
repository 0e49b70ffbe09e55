"""月度回应情况: a month's tickets by unit, each figure with the tickets that it is taken from."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from alerts.responses.monthly import FIGURES, NOBODY
from alerts.tables import tickets as ticket_table
from alerts.tickets import STATUS_WORDS
from console.access import Visit, needs
from console.months import (
    GROUPS,
    HEADINGS,
    WHOLE,
    address,
    cell,
    is_bad,
    month_of,
    neighbours,
    sheet_rows,
    this_month,
)
from console.rendering import show
from console.sheets import check_format, export_sheet

router = APIRouter()
Reader = Annotated[Visit, needs("tickets")]

LISTED = 200
"""Tickets on a page of a list."""


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to: a unit's name, or empty, and the month."""

    name: str
    words: str


@router.get("/responses/month")
def month_page(visit: Reader, month: str = "") -> Response:
    """`month`: 2026-11, default this one."""
    month = month or this_month(visit)
    found = month_of(visit, month)
    before, after = neighbours(month)
    return show(
        visit, "responses_month.html.j2", rows=found.by_unit(), whole=found.whole(WHOLE), month=month, before=before,
        after=after if month < this_month(visit) else "", groups=GROUPS, cell=cell, is_bad=is_bad, address=address,
        exports=visit.may("export"), nobody=NOBODY,
    )  # fmt: skip


@router.get("/responses/month/export")
def export(
    visit: Annotated[Visit, needs("export")],
    month: str = "",
    format: str = "xlsx",  # noqa: A002
) -> Response:
    """The same table, `format` csv or xlsx."""
    check_format(format)
    month = month or this_month(visit)
    return export_sheet(
        visit, sheet_rows(month_of(visit, month)), HEADINGS, what="responses-month", name=f"月度回应情况-{month}",
        format=format, asked={"month": month},
    )  # fmt: skip


@router.get("/responses/month/tickets")
def month_tickets(visit: Reader, figure: str, month: str = "", unit: str | None = None, page: int = 1) -> Response:
    """The tickets that a figure is taken from. `unit`: by its name, default all; `page`: of the list."""
    if figure not in FIGURES or page < 1:
        raise HTTPException(404)
    month = month or this_month(visit)
    counted = month_of(visit, month).tickets(unit, figure)
    here = counted[(page - 1) * LISTED : page * LISTED]
    asked = {"month": month, "figure": figure, **({} if unit is None else {"unit": unit})}
    older = f"/responses/month/tickets?{urlencode({**asked, 'page': page + 1})}" if len(counted) > page * LISTED else ""
    narrowed = Narrowed(name=unit or "", words=month)
    return show(
        visit, "tickets.html.j2", statuses=STATUS_WORDS, limit=LISTED, older=older, total=len(counted),
        tickets=visit.view.tickets(where=[ticket_table.c.id.in_([one.id for one in here])], limit=LISTED),
        status="all", level="", policy="", below="", unit=narrowed if unit else None, figure=FIGURES[figure][0],
        span=narrowed, back=f"/responses/month?{urlencode({'month': month})}",
    )  # fmt: skip
