"""事件: what is being spoken about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.casework import people_names
from console.problems import in_words
from console.rendering import show
from console.routes.documents import names
from console.searching import Asked
from console.tiles import map_of
from grouping.by_hand import EventDesk
from grouping.detail import EventDetail
from grouping.history import History, list_changes
from grouping.listing import EventSummary
from minsheng.errors import WrongUse
from search.index import Filters, Search

router = APIRouter()
Reader = Annotated[Visit, needs("events")]
Changer = Annotated[Visit, needs("events.change")]
POSTS = 30
OTHERS, OTHERS_WITHIN = 100, timedelta(days=14)
"""Events offered to be merged with, and how long before this one began they may have ended."""
CHANGES = {
    "merged": ("并入另一个事件", "并入本事件的"), "parted": ("分出", "分出自"), "split": ("拆出", "拆自"),
}  # fmt: skip
"""Kind of change → what it is called at the event that it names first, and at the other one."""


@router.get("/events")
def event_list(visit: Reader, days: int = 7, policy: str = "") -> Response:
    days = min(max(days, 1), 400)
    since = visit.console.clock.now() - timedelta(days=days)
    found = visit.view.events(since=since, policy=policy if policy in visit.view.policies else None, limit=100)
    return show(visit, "events.html.j2", events=found, days=days, policy=policy, policies=visit.view.policies)


@router.get("/events/{event_id}")
def event_page(visit: Reader, event_id: str) -> Response:
    return _page(visit, event_id)


@router.post("/events/{event_id}/merge")
def merge(visit: Changer, event_id: str) -> Response:
    """Make two events one: `other`, `reason`. Their open tickets become one, too."""
    other = visit.field("other").rstrip("/").rsplit("/", 1)[-1]
    reason = visit.field("reason")
    if visit.view.event(event_id) is None:
        raise HTTPException(404)
    try:
        if not reason:
            raise WrongUse("请写明理由。")
        if visit.view.event(other) is None:
            raise WrongUse("没有这个事件。")
        history = History.read(visit.console.store)
        if history.today(event_id) == history.today(other) and event_id != other:  # sent twice
            return RedirectResponse(f"/events/{history.today(event_id)}", 303)
        kept, lost = _desk(visit).merge(event_id, other, by=visit.actor, reason=reason)
    except WrongUse as error:
        return _page(visit, event_id, problem=in_words(error), typed=dict(visit.items()))
    visit.record("event-changed", kept, {"merged": lost, "reason": reason})
    return RedirectResponse(f"/events/{kept}", 303)


@router.post("/events/{event_id}/split")
def split(visit: Changer, event_id: str) -> Response:
    """Make a new event of some documents: `document`, repeatable, `reason`."""
    chosen, reason = visit.fields("document"), visit.field("reason")
    if visit.view.event(event_id) is None:
        raise HTTPException(404)
    try:
        if not reason:
            raise WrongUse("请写明理由。")
        if not chosen or set(chosen) - set(visit.view.index.get(chosen)):
            raise WrongUse("请勾选属于另一件事的信息。")
        new, moved = _desk(visit).split(event_id, chosen, by=visit.actor, reason=reason)
    except WrongUse as error:
        return _page(visit, event_id, problem=in_words(error), typed=dict(visit.items()), chosen=chosen)
    visit.record("event-changed", event_id, {"split": new, "documents": len(moved), "reason": reason})
    # The new event is seen once its documents have gone through the log again.
    return RedirectResponse(f"/events/{event_id}", 303)


def _desk(visit: Visit) -> EventDesk:
    console = visit.console
    return EventDesk(console.store, console.index, console.log, console.clock)


def _page(
    visit: Visit, event_id: str, *, problem: str = "", typed: dict[str, str] | None = None, chosen: Sequence[str] = ()
) -> Response:
    found = visit.view.event(event_id)
    if found is None:
        raise HTTPException(404)
    posts = visit.view.index.search(Search(filters=Filters(events=found.ids), size=POSTS, highlight=False))
    tickets = visit.view.tickets_of(found.ids) if visit.may("tickets") else []
    visit.record("event-read", found.id, {"posts": len(posts.hits)})
    return show(
        visit, "event.html.j2", code=400 if problem else 200, problem=problem, typed=typed or {}, chosen=set(chosen),
        changes=_changes(visit, found) if visit.view.grant.everything else [], others=_others(visit, found),
        display=people_names(visit), event=found,
        posts=[hit.record for hit in posts.hits], total=posts.total,
        names=names(visit.view), tickets=tickets, of_event=Asked(given={"event": (found.id,)}),
        map=map_of(visit, None, Filters(events=found.ids)),
    )  # fmt: skip


def _others(visit: Visit, found: EventDetail) -> list[EventSummary]:
    """Events that this one may be merged with, the largest of its weeks; by its id alone where each has to be counted
    within what the viewer sees."""
    if not (visit.may("events.change") and visit.view.grant.everything):
        return []
    since = found.first_at - OTHERS_WITHIN
    return [one for one in visit.view.events(since=since, limit=OTHERS) if one.id not in found.ids]


def _changes(visit: Visit, found: EventDetail) -> list[dict[str, Any]]:
    """What was merged and split, newest first: `words` and the `other` event, with its `title` where it has a page of
    its own."""
    told = []
    for change in list_changes(visit.console.store, [*found.ids], limit=20):
        here = change.other == found.id
        other = change.event if here else change.other
        shown = None if other in found.ids else visit.view.event(other)
        title = shown.title if shown is not None else ""
        told.append({"words": CHANGES[change.kind][here], "other": other, "title": title, "change": change})
    return told
