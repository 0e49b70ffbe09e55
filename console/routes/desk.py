"""值班台: what needs the duty officer now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from markupsafe import Markup

from console.access import Visit, needs
from console.consulting import pressing
from console.duty import now_on_duty
from console.live import changes
from console.rendering import rendering, show
from crawlers.health import coverage

router = APIRouter()
Desk = Annotated[Visit, needs("desk")]


@router.get("/desk")
def desk(visit: Desk) -> Response:
    now = visit.console.clock.now()
    seen = coverage(visit.console.store, visit.console.clock, now - timedelta(hours=24), now)
    return show(
        visit, "desk.html.j2", coverage=seen, now_on_duty=now_on_duty(visit), consultations=pressing(visit),
        board=_board(visit),
    )  # fmt: skip


@router.get("/desk/tickets")
def desk_tickets(visit: Desk) -> Response:
    """The part that changes: the page asks for it when a ticket of the viewer's has changed."""
    return HTMLResponse(_board(visit))


@router.get("/desk/live")
async def live(visit: Desk) -> Response:
    stream: AsyncIterator[str] = changes(visit, visit.console.pulse)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _board(visit: Visit) -> Markup:
    return visit.console.boards.html(
        visit, lambda visitor, values: rendering(visit.request).part("desk_tickets.html.j2", visit=visitor, **values)
    )
