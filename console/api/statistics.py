"""Figures: what was said, and how tickets stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import Query, Response

from alerts.levels import LEVELS
from alerts.responses.monthly import UnitMonth
from console.access import Visit
from console.api.describing import told
from console.api.problems import invalid
from console.api.routing import answer, needs, resource
from console.months import WHOLE, month_of, this_month
from minsheng.errors import WrongUse
from search.index import Bucket, Filters, Interval, Search

router = resource("Statistics")
Reader = Annotated[Visit, needs("search")]
TicketReader = Annotated[Visit, needs("tickets")]


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Documents of the caller's scope since then: in all, over time (split by sentiment), and by kind."""

    since: datetime
    total: int
    histogram: tuple[Bucket, ...]
    facets: dict[str, tuple[Bucket, ...]]


class TicketStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of the caller's scope that have not ended: by level, by status; how many have a clock that ran out."""

    open: int
    levels: dict[str, int]
    statuses: dict[str, int]
    overdue: int


class ResponseStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of the caller's scope that were opened in a month, what became of them, by unit and in all."""

    month: str
    units: list[UnitMonth]
    whole: UnitMonth


_MONTH = {
    "unit": "市水务局", "tickets": 4, "false_alarms": 1, "kept": 1, "late": 2, "overdue": 2, "responded": 2,
    "evaluated": 2, "well": 1, "score": 0.6, "satisfaction": None, "repeated": 1, "to_acknowledge": 2.0,
    "to_judge": None, "to_handle": None, "to_respond": 40.0, "to_evaluate": None, "to_close": 27.5,
}  # fmt: skip
assert tuple(_MONTH) == UnitMonth.__struct_fields__


@router.get(
    "/statistics/documents",
    **told(
        Statistics, "Count documents",
        example={
            "since": "2026-05-01T01:00:00Z", "total": 40,
            "histogram": [{"value": "2026-05-08T00:00:00+08:00", "count": 40, "split": {"negative": 31}}],
            "facets": {"topic": [{"value": "城乡建设", "count": 40}]},
        },
    ),
)  # fmt: skip
def count_documents(
    visit: Reader,
    days: Annotated[int, Query(ge=1, le=400)] = 7,
    interval: Annotated[Interval, Query()] = "day",
) -> Response:
    """The last so many days. Audited."""
    since = visit.console.clock.now() - timedelta(days=days)
    page = visit.view.index.search(
        Search(
            filters=Filters(since=since), size=0, highlight=False, histogram=interval, histogram_split="sentiment",
            facets=("policy", "topic", "sentiment", "request", "kind", "source", "region"),
        )
    )  # fmt: skip
    visit.record("searched", "", {"statistics": days, "total": page.total})
    return answer(Statistics(since=since, total=page.total, histogram=page.histogram, facets=page.facets))


@router.get(
    "/statistics/tickets",
    **told(
        TicketStatistics, "Count open tickets",
        example={"open": 3, "levels": {"red": 0, "orange": 1, "yellow": 2, "blue": 0}, "statuses": {"open": 3},
                 "overdue": 1},
    ),
)  # fmt: skip
def count_tickets(visit: TicketReader) -> Response:
    """Historical ones and exercises are left out."""
    levels: dict[str, int] = dict.fromkeys(LEVELS[1:], 0)
    statuses: dict[str, int] = {}
    for one in visit.view.open_counts():
        if not one.historical and not one.exercise:
            levels[one.level] = levels.get(one.level, 0) + one.count
            statuses[one.status] = statuses.get(one.status, 0) + one.count
    return answer(
        TicketStatistics(
            open=sum(levels.values()), levels=levels, statuses=statuses, overdue=visit.view.overdue_tickets()
        )
    )


@router.get(
    "/statistics/responses",
    **told(
        ResponseStatistics, "Count a month's tickets by unit",
        example={"month": "2026-11", "units": [_MONTH], "whole": {**_MONTH, "unit": WHOLE}},
    ),
)  # fmt: skip
def count_responses(
    visit: TicketReader,
    month: Annotated[
        str, Query(pattern=r"^(\d{4}-\d{2})?$", description="2026-11, in China's time; default: this one.")
    ] = "",
) -> Response:
    """Clocks that were kept and missed, responses and how good they were, and median hours from a ticket's opening to
    each state. Historical ones and exercises are left out. Shares are from 0 to 1; null where there is nothing to take
    them from."""
    month = month or this_month(visit)
    try:
        found = month_of(visit, month)
    except WrongUse as error:
        raise invalid("query.month", error.message) from None
    return answer(ResponseStatistics(month=month, units=found.by_unit(), whole=found.whole(WHOLE)))
