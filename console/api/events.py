"""Events: what is being spoken about."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from fastapi import Query, Response
from msgspec.structs import replace

from console.access import Visit
from console.api.describing import told
from console.api.problems import missing
from console.api.routing import answer, needs, resource
from grouping.detail import EventDetail
from grouping.listing import EventSummary

router = resource("Events")
Reader = Annotated[Visit, needs("events")]


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """Events, largest first."""

    items: list[EventSummary]


_EVENT = {
    "id": "e-1", "title": "取暖费上涨", "first_document": "5f2b0a7f9d3c4e61a8b7c6d5e4f30211",
    "first_at": "2026-05-08T01:00:00Z", "last_at": "2026-05-08T06:00:00Z", "documents": 40, "aggrieved": 31,
    "policies": {"heating": 38},
}  # fmt: skip


@router.get("/events", **told(Events, "List events", example={"items": [_EVENT]}))
def list_events(
    visit: Reader,
    days: Annotated[int, Query(ge=1, le=400, description="With a document of the last so many days.")] = 7,
    policy: Annotated[str, Query(max_length=100)] = "",
    size: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Largest first, counted over the documents in the caller's scope."""
    if policy and policy not in visit.view.policies:
        return answer(Events(items=[]))
    since = visit.console.clock.now() - timedelta(days=days)
    return answer(Events(items=visit.view.events(since=since, policy=policy or None, limit=size)))


@router.get(
    "/events/{event_id}",
    **told(
        EventDetail, "One event", missing=True,
        example={
            **{key: value for key, value in _EVENT.items() if key != "first_document"}, "ids": ["e-1"],
            "key_sentence": "我家取暖费要多交100元。", "copies": 2, "authors": None, "step": "hour",
            "timeline": [{"value": "2026-05-08T09:00:00+08:00", "count": 12}], "sources": [], "kinds": [],
            "regions": [], "sentiments": [], "requests": [],
        },
    ),
)  # fmt: skip
def get_event(visit: Reader, event_id: str) -> Response:
    """Its documents: `/documents?event=`. Of events that were merged each id leads here. Audited."""
    found = visit.view.event(event_id)
    if found is None:
        raise missing(f"event {event_id}")
    visit.record("event-read", found.id)
    mine = {name: count for name, count in found.policies.items() if name in visit.view.policies}
    return answer(replace(found, policies=mine))
