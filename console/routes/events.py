"""事件: what is being spoken about."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.rendering import show
from console.routes.documents import names
from search.index import Filters, Search

router = APIRouter()
Reader = Annotated[Visit, needs("events")]
POSTS = 30


@router.get("/events")
def event_list(visit: Reader, days: int = 7, policy: str = "") -> Response:
    days = min(max(days, 1), 400)
    since = visit.console.clock.now() - timedelta(days=days)
    found = visit.view.events(since=since, policy=policy if policy in visit.view.policies else None, limit=100)
    return show(visit, "events.html.j2", events=found, days=days, policy=policy, policies=visit.view.policies)


@router.get("/events/{event_id}")
def event_page(visit: Reader, event_id: str) -> Response:
    found = visit.view.event(event_id)
    if found is None:
        raise HTTPException(404)
    posts = visit.view.index.search(Search(filters=Filters(events=found.ids), size=POSTS, highlight=False))
    tickets = [one for one in visit.view.tickets(limit=500) if one.event in found.ids] if visit.may("tickets") else []
    visit.record("event-read", found.id, {"posts": len(posts.hits)})
    return show(
        visit, "event.html.j2", event=found, posts=[hit.record for hit in posts.hits], total=posts.total,
        names=names(visit.view), tickets=tickets, policies=visit.view.policies,
    )  # fmt: skip
