"""研判单: what was found out about a matter, written in sections, kept by versions, signed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from alerts.casework.research import SECTIONS, Research, sheets_of, sign_sheet, start_sheet, write_sheet
from alerts.levels import LEVELS
from console.access import Visit, needs
from console.casework import people_names
from console.problems import in_words
from console.rendering import show
from minsheng.errors import WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("tickets")]
Worker = Annotated[Visit, needs("tickets.work")]


@router.get("/tickets/{number}/sheet")
def sheet(visit: Reader, number: str, version: int | None = None) -> Response:
    return _page(visit, number, version=version)


@router.post("/tickets/{number}/sheet")
def write(visit: Worker, number: str) -> Response:
    """Keep a new version; `sign`: and sign it at once."""
    store, clock = visit.console.store, visit.console.clock
    ticket = visit.view.ticket(number)
    content = Research(
        **{name: visit.field(name) for name in SECTIONS if name != "demands"},
        demands=tuple(line.strip() for line in visit.field("demands").splitlines() if line.strip()),
    )
    known = sheets_of(store, ticket.number)
    wants_signature = visit.field("sign") == "1"
    try:
        # What says the same as the newest version is that: also a form that was sent twice.
        if not known or known[-1].content != content:
            based_on = visit.number("based_on") or 0
            made = write_sheet(store, clock, ticket.number, content, actor=visit.actor, based_on=based_on)
            visit.record("sheet-written", ticket.number, {"sheet": made.version})
            known = [*known, made]
        if wants_signature and known[-1].signed_by is None:
            sign_sheet(store, clock, ticket.number, known[-1].version, actor=visit.actor)
            visit.record("sheet-signed", ticket.number, {"sheet": known[-1].version})
    except WrongUse as error:
        return _page(visit, number, problem=in_words(error), typed=content, code=409 if known else 400)
    return RedirectResponse(f"/tickets/{ticket.number}/sheet", 303)


def _page(
    visit: Visit,
    number: str,
    *,
    version: int | None = None,
    problem: str = "",
    typed: Research | None = None,
    code: int = 200,
) -> Response:
    ticket = visit.view.ticket(number)
    sheets = sheets_of(visit.console.store, ticket.number)
    shown = next((one for one in sheets if one.version == version), sheets[-1] if sheets else None)
    start = start_sheet(visit.console.store, visit.console.clock, ticket.number) if not sheets else None
    visit.record("ticket-read", ticket.number, {"sheet": shown.version if shown else 0})
    return show(
        visit, "ticket_sheet.html.j2", code=code, ticket=ticket, sheets=sheets, shown=shown, sections=SECTIONS,
        content=typed or (shown.content if shown else start), problem=problem, levels=LEVELS[:0:-1],
        display=people_names(visit), works=visit.may("tickets.work"), conflict=bool(typed and sheets),
    )  # fmt: skip
