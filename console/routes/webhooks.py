"""接口推送: one's own webhooks, a test, and what they were told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.problems import in_words
from console.rendering import show
from console.webhooks import EVENTS, Webhook
from minsheng.errors import WrongUse

router = APIRouter()
Owner = Annotated[Visit, needs("webhooks")]


@router.get("/webhooks")
def webhook_list(visit: Owner) -> Response:
    return _list(visit)


@router.post("/webhooks")
def add(visit: Owner) -> Response:
    """`name`, `url`, `event` (repeatable): the secret is shown this once."""
    try:
        secret, hook = visit.console.webhooks.add(
            visit.user, visit.field("name"), visit.field("url"), visit.fields("event")
        )
    except WrongUse as error:
        return _list(visit, problem=in_words(error))
    visit.record("webhook-changed", hook.name, {"webhook": hook.id, "host": hook.host, "events": list(hook.events)})
    return _page(visit, hook, secret=secret)


@router.get("/webhooks/{webhook_id}")
def webhook_page(visit: Owner, webhook_id: int) -> Response:
    return _page(visit, _own(visit, webhook_id))


@router.post("/webhooks/{webhook_id}")
def act(visit: Owner, webhook_id: int) -> Response:
    """`do`: `test` or `stop`."""
    hook, do = _own(visit, webhook_id), visit.field("do")
    if do == "stop":
        visit.console.webhooks.stop(hook.id)
    elif do == "test" and hook.stopped_at is None:
        visit.console.webhooks.test(hook.id)
    visit.record("webhook-changed", hook.name, {"webhook": hook.id, "do": do[:20]})
    return RedirectResponse(f"/webhooks/{hook.id}", 303)


def _own(visit: Visit, number: int) -> Webhook:
    try:
        return visit.console.webhooks.get(number, user_id=visit.user.id)
    except WrongUse:
        raise HTTPException(404) from None


def _list(visit: Visit, *, problem: str = "") -> Response:
    return show(
        visit, "webhooks.html.j2", code=400 if problem else 200, problem=problem, events=EVENTS,
        hooks=visit.console.webhooks.list(visit.user.id), name=visit.field("name"), url=visit.field("url"),
        chosen=visit.fields("event"),
    )  # fmt: skip


def _page(visit: Visit, hook: Webhook, *, secret: str = "") -> Response:
    return show(
        visit, "webhook.html.j2", hook=hook, secret=secret, events=EVENTS,
        deliveries=visit.console.webhooks.deliveries(hook.id),
    )  # fmt: skip
