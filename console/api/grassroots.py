"""The grassroots view: the same figures for each unit below one."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query, Response

from console.access import Visit
from console.api.describing import told
from console.api.problems import invalid, missing
from console.api.routing import answer, needs, resource
from console.grassroots import GROUPS, NotBelow, Row, Span, Table, grassroots_of
from minsheng.errors import WrongUse

router = resource("Grassroots")
Reader = Annotated[Visit, needs("grassroots")]

_ROW = {
    "id": 2, "unit": "望津市", "kind": "city", "has_below": True,
    **{group: dict.fromkeys(names, 0) for group, (_, names) in GROUPS.items()},
    "tickets": {"opened": 5, "open": 1, "on-time": 3, "late": 1, "responded": 4, "evaluated": 3, "well": 2},
}  # fmt: skip
assert tuple(_ROW) == Row.__struct_fields__


@router.get(
    "/grassroots",
    **told(
        Table, "Figures of the units below", missing=True,
        example={
            "since": "2026-05-01", "until": "2026-05-31", "whole": {**_ROW, "id": 1, "unit": "云江省"}, "rows": [_ROW]
        },
    ),
)  # fmt: skip
def get_grassroots(
    visit: Reader,
    unit: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Whose units below; default: the caller's own unit.")
    ] = None,
    since: Annotated[date | None, Query(description="First day; default: 30 days.")] = None,
    until: Annotated[date | None, Query(description="Last day; default: today.")] = None,
) -> Response:
    """Of each unit directly below one: tickets (by the day they were opened) and the responses to them, tasks passed
    down (by that day), applications (by the day of receipt) and consultations (by the day on which their result was to
    be public). A matter may be of several units; `whole` counts it once, and what is of no unit below, too."""
    ground = grassroots_of(visit)
    try:
        top = ground.unit(unit)
    except NotBelow:
        raise missing(f"unit {unit}") from None
    try:
        span = Span.of(since, until, ground.today)
    except WrongUse as error:
        raise invalid("query.since", error.message) from None
    return answer(ground.table(top, span))
