"""Who is on duty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import Query, Response
from pydantic import AwareDatetime

from alerts.duty.book import BookShelf
from alerts.duty.changes import DutyChanges
from alerts.duty.roster import Watch, on_duty
from console.access import Visit
from console.api.describing import told
from console.api.problems import invalid
from console.api.routing import answer, needs, resource
from minsheng.workdays import WorkCalendar

router = resource("Duty")
Reader = Annotated[Visit, needs("tickets")]
NEAR = timedelta(days=2)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Watches(msgspec.Struct, frozen=True, kw_only=True):
    """The watches of a moment. Nobody is on duty where none has `watchers`."""

    at: datetime
    items: list[Watch]


@router.get(
    "/duty",
    **told(
        Watches, "Who is on duty",
        example={
            "at": "2026-05-08T01:00:00Z",
            "items": [{"roster": "main", "shift": "day", "start": "2026-05-08T00:00:00Z", "end": "2026-05-08T10:00:00Z",
                       "watchers": [{"person": "li", "name": "李静", "instead_of": None, "why": ""}], "missing": []}],
        },
    ),
)  # fmt: skip
def get_duty(
    visit: Reader, at: Annotated[AwareDatetime | None, Query(description="Past or future; default: now.")] = None
) -> Response:
    """By every roster, stand-ins and swaps included."""
    console = visit.console
    moment = at or console.clock.now()
    if not _EARLIEST <= moment <= _LATEST:
        raise invalid("query.at", "the year is none from 2000 to 2099")
    book = BookShelf(console.store).current(moment)
    changes = DutyChanges(console.store, console.clock).between(moment - NEAR, moment + NEAR)
    calendar = WorkCalendar.from_settings(console.settings)
    return answer(Watches(at=moment, items=on_duty(book, changes, moment, None, calendar)))
