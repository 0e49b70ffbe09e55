"""值班台: what needs the duty officer now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from alerts.tickets import STATUS_WORDS
from console.access import Visit, needs
from console.actions import actions
from console.consulting import pressing
from console.duty import now_on_duty
from console.live import Pulse, changes
from console.rendering import show
from console.words import LEVEL_ORDER
from crawlers.health import coverage

router = APIRouter()
Desk = Annotated[Visit, needs("desk")]
LISTED = 200
"""Tickets that the board shows, the most pressing ones; all are counted."""


@router.get("/desk")
def desk(visit: Desk) -> Response:
    now = visit.console.clock.now()
    seen = coverage(visit.console.store, visit.console.clock, now - timedelta(hours=24), now)
    return show(
        visit, "desk.html.j2", coverage=seen, now_on_duty=now_on_duty(visit), consultations=pressing(visit),
        **board(visit),
    )  # fmt: skip


@router.get("/desk/tickets")
def desk_tickets(visit: Desk) -> Response:
    """The part that changes: the page asks for it when a ticket of the viewer's has changed."""
    return show(visit, "desk_tickets.html.j2", **board(visit))


@router.get("/desk/live")
async def live(visit: Desk) -> Response:
    state = visit.request.app.state
    if not hasattr(state, "pulse"):
        state.pulse = Pulse(visit.console)
    stream: AsyncIterator[str] = changes(visit, state.pulse)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def board(visit: Visit) -> dict[str, Any]:
    """Open tickets, gravest first; of a level drills last, and the one first whose clock ends first. Counts per level
    are of all open tickets but drills, however many are shown."""
    found = visit.view.pressing_tickets(limit=LISTED)
    counted = visit.view.open_counts()
    counts = {
        level: sum(one.count for one in counted if one.level == level and not one.exercise) for level in LEVEL_ORDER
    }
    more = max(0, sum(one.count for one in counted) - len(found))
    return {"tickets": found, "counts": counts, "more": more, "statuses": STATUS_WORDS, "actions": actions}
