"""信源: how each source does."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response

from console.access import Visit, needs
from console.rendering import show
from crawlers.health import coverage, states
from crawlers.operator_tickets import tickets
from crawlers.states import WORDS

router = APIRouter()


@router.get("/sources")
def source_list(visit: Annotated[Visit, needs("sources")], state: str = "") -> Response:
    console = visit.console
    now = console.clock.now()
    found = states(console.store, console.clock)
    counts: dict[str, int] = {}
    for one in found:
        counts[one.state] = counts.get(one.state, 0) + 1
    order = {name: place for place, name in enumerate(reversed(list(WORDS)))}
    found = [one for one in found if not state or one.state == state]
    found.sort(key=lambda one: (one.state in ("well", "off", "new"), order[one.state], one.id))
    return show(
        visit, "sources.html.j2", sources=found, counts=counts, state=state, state_words=WORDS,
        coverage=coverage(console.store, console.clock, now - timedelta(hours=24), now),
        waiting=tickets(console.store),
    )  # fmt: skip
