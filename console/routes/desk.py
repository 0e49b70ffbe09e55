"""值班台: what needs the duty officer now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from alerts.levels import rank
from alerts.tickets import STATUS_WORDS, Ticket
from console.access import Visit, needs
from console.actions import actions
from console.duty import now_on_duty
from console.live import Pulse, changes
from console.rendering import show
from console.words import LEVEL_ORDER, next_deadline
from crawlers.health import coverage

router = APIRouter()
Desk = Annotated[Visit, needs("desk")]


@router.get("/desk")
def desk(visit: Desk) -> Response:
    now = visit.console.clock.now()
    seen = coverage(visit.console.store, visit.console.clock, now - timedelta(hours=24), now)
    return show(visit, "desk.html.j2", coverage=seen, now_on_duty=now_on_duty(visit), **board(visit))


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
    """Open tickets, gravest first; of a level drills last, and the one first whose clock ends first."""
    found = [one for one in visit.view.tickets(status="unclosed", limit=500) if one.status != "merged"]

    def order(ticket: Ticket) -> tuple[bool, int, bool, bool, float]:
        due = next_deadline(ticket)
        return (
            ticket.historical,
            -rank(ticket.level),
            ticket.exercise,
            ticket.acknowledged_at is not None,
            due.due_at.timestamp() if due else float("inf"),
        )

    found.sort(key=order)
    counts = {level: sum(one.level == level and not one.exercise for one in found) for level in LEVEL_ORDER}
    return {"tickets": found, "counts": counts, "statuses": STATUS_WORDS, "actions": actions}
