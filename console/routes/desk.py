"""值班台: what needs the duty officer now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from markupsafe import Markup
from msgspec.structs import replace

from console.access import Visit, needs
from console.consulting import pressing
from console.duty import now_on_duty
from console.live import changes
from console.rendering import rendering, show
from console.routes.documents import names
from console.searching import Asked
from crawlers.health import coverage
from search.index import Search

router = APIRouter()
Desk = Annotated[Visit, needs("desk")]
INCOMING = 15
"""Posts that the desk lists as they come in."""


@router.get("/desk")
def desk(visit: Desk) -> Response:
    now = visit.console.clock.now()
    seen = coverage(visit.console.store, visit.console.clock, now - timedelta(hours=24), now)
    return show(
        visit, "desk.html.j2", coverage=seen, now_on_duty=now_on_duty(visit), consultations=pressing(visit),
        board=_board(visit), policies=sorted(visit.view.policy_names().items(), key=lambda one: one[1]),
    )  # fmt: skip


@router.get("/desk/tickets")
def desk_tickets(visit: Desk) -> Response:
    """The part that changes: the page asks for it when a ticket of the viewer's has changed."""
    return HTMLResponse(_board(visit))


@router.get("/desk/posts")
def desk_posts(visit: Annotated[Visit, needs("search")]) -> Response:
    """What comes in, newest first, of what the viewer may see and has chosen. The desk asks for it every few seconds:
    that is written down once in ten minutes, and at each other choice."""
    console, view = visit.console, visit.view
    asked = replace(Asked.read(visit.request.query_params.multi_items()), words="", sort="newest", after="")
    search = Search(filters=asked.filters(console.store), size=INCOMING, highlight=False)
    page = console.incoming.get((view.grant, search.filters), lambda: view.index.search(search))
    chosen = tuple(sorted(asked.given.items()))
    console.watching.get(
        (visit.actor, chosen), lambda: visit.record("searched", "", {**asked.plain(), "incoming": page.total})
    )
    return show(visit, "desk_posts.html.j2", asked=asked, page=page, names=names(view))


@router.get("/desk/live")
async def live(visit: Desk) -> Response:
    stream: AsyncIterator[str] = changes(visit, visit.console.pulse)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _board(visit: Visit) -> Markup:
    return visit.console.boards.html(
        visit, lambda visitor, values: rendering(visit.request).part("desk_tickets.html.j2", visit=visitor, **values)
    )
