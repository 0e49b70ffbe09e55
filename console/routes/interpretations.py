"""解读: each released policy beside its interpretation, by form and date, and the figures that a unit answers for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from answers.interpreted import COLUMNS, SHOWS, Interpreted, Show, chosen, figures, interpreted, sheet_rows
from console.access import Visit, needs
from console.days import china_day
from console.rendering import show as show_page
from console.sheets import check_format, export_sheet
from minsheng.clock import CHINA

router = APIRouter()


@router.get("/interpretations")
def interpretation_room(
    visit: Annotated[Visit, needs("policies")], show: str = "all", since: str = "", until: str = ""
) -> Response:
    """`show`: one of the lists behind the figures; `since`, `until`: days of release."""
    rows, chosen_list = _asked(visit, show, since, until)
    settings = visit.console.settings.interpretation
    return show_page(
        visit, "interpretations.html.j2", rows=chosen(rows, chosen_list), figures=figures(rows, settings),
        shows=SHOWS, show=show, since=since, until=until, exports=visit.may("export"), compares=visit.may("search"),
        limit=settings.copied_share,
    )  # fmt: skip


@router.get("/interpretations/export")
def export_file(
    visit: Annotated[Visit, needs("export")],
    show: str = "all",
    since: str = "",
    until: str = "",
    format: str = "xlsx",  # noqa: A002
) -> Response:
    """The same list, `format` csv or xlsx."""
    check_format(format)
    rows = sheet_rows(chosen(*_asked(visit, show, since, until)))
    stamp = f"{visit.console.clock.now().astimezone(CHINA):%Y%m%d}"
    return export_sheet(
        visit, rows, COLUMNS, what="interpretations", name=f"政策解读-{stamp}", format=format,
        asked={"what": "interpretations", "show": show, "since": since, "until": until},
    )  # fmt: skip


def _asked(visit: Visit, show: str, since: str, until: str) -> tuple[list[Interpreted], Show]:
    """The viewer's policies, and which list of them. Texts are compared where the viewer may read them."""
    if show not in SHOWS:
        raise HTTPException(404)
    index = visit.view.index if visit.may("search") else None
    rows = interpreted(
        visit.console.store, visit.console.clock, index, list(visit.view.policies.values()),
        visit.console.settings.interpretation, since=china_day(since), until=china_day(until),
    )  # fmt: skip
    return rows, show
