"""回应与评价: what was published in answer to a matter, how good it was, and the supervisor's score."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Annotated, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from alerts.casework import links
from alerts.casework.clocks import meet_clock, own_clocks
from alerts.clocks import CONFERENCE
from alerts.evidence import is_of_policy
from alerts.responses.evaluation import ResponseBook
from alerts.responses.grade import CHINESE as GRADES
from alerts.responses.grade import WEIGHTS
from alerts.responses.sheet import ITEMS
from alerts.tickets import STATUS_WORDS, Status, Ticket, TicketBook
from alerts.transitions import NEXT, Happened, TicketConflict
from console.access import Visit, needs
from console.casework import Typed, people_names, told
from console.problems import in_words
from console.rendering import show
from minsheng.errors import WrongUse
from minsheng.problems import Problem

router = APIRouter()
Reader = Annotated[Visit, needs("tickets")]
Worker = Annotated[Visit, needs("tickets.work")]
Supervisor = Annotated[Visit, needs("tickets.score")]

CONFERENCE_CHANNEL = "新闻发布会"
CHANNELS = (
    "政府门户网站",
    CONFERENCE_CHANNEL,
    "政务微博",
    "政务微信公众号",
    "政务短视频账号",
    "12345 热线答复",
    "原帖下回复",
    "主流媒体",
)
"""Where responses are published, to choose from; anything else may be typed. A response given at a press conference
meets the conference's clock, which no other response does."""


@router.get("/tickets/{number}/response")
def response_page(visit: Reader, number: str) -> Response:
    return _page(visit, visit.view.ticket(number), Typed(), 200)


@router.post("/tickets/{number}/response")
def record(visit: Worker, number: str) -> Response:
    """Keep what was published, evaluate it, and say that the ticket is responded to; sent again with the same text, it
    is only looked at again."""
    console, ticket = visit.console, visit.view.ticket(number)
    reply, channel, page = visit.field("reply"), visit.field("channel"), visit.field("page")
    at_conference = CONFERENCE_CHANNEL in channel
    book = ResponseBook(console.store, console.clock)
    policy = visit.view.policies.get(ticket.policy or "")
    moves = _may_respond(ticket)
    seen = visit.number("version")
    try:
        if moves and seen is not None and seen != ticket.version:
            # Nothing was written yet; who comes too late looks at what was done meanwhile.
            raise _conflict(visit, ticket, seen)
        if page and not page.startswith(("http://", "https://")):
            raise WrongUse("回应的网址应以 http:// 或 https:// 开头。")
        replied_at = visit.moment("replied_at")
        if at_conference and replied_at is not None and replied_at < ticket.opened_at:
            raise WrongUse(Problem("clock-time"))  # before anything is kept, as the clock would not take it after
        last = book.latest(ticket.number)
        if last is None or last.reply != reply:
            kept = book.evaluate(
                ticket.number,
                visit.view.index,
                policy,
                actor=visit.actor,
                reply=reply,
                replied_at=replied_at,
                at_conference=at_conference,
            )
            visit.record("response-recorded", ticket.number, {"grade": kept.grade, "channel": channel, "page": page})
        if page:
            with suppress(WrongUse):  # linked already
                links.link(
                    console.store, console.clock, ticket.number, "page", page, actor=visit.actor,
                    note=f"回应发布：{channel}" if channel else "回应发布",
                )  # fmt: skip
        if at_conference and _conference_waits(ticket):
            meet_clock(
                console.store, console.clock, ticket.number, CONFERENCE, actor=visit.actor, at=replied_at, note=page
            )
            visit.record("ticket-moved", ticket.number, {"what": "clock", "deadline": CONFERENCE})
        if moves:
            reason = "；".join(part for part in (f"发布渠道：{channel}" if channel else "", page) if part)
            TicketBook(console.store, console.clock).move(
                ticket.number, "responded", actor=visit.actor, reason=reason, answered_at=replied_at
            )
            visit.record("ticket-moved", ticket.number, {"to": "responded"})
    except TicketConflict as conflict:
        problem = "您打开页面之后，这张工单已被更新，回应还没有保存。您填写的内容还在，请看过最新情况后再提交。"
        typed = Typed(
            form="response", fields=dict(visit.items()), problem=problem, meanwhile=told(visit, conflict.happened)
        )
        return _page(visit, visit.view.ticket(number), typed, 409)
    except WrongUse as error:
        typed = Typed(form="response", fields=dict(visit.items()), problem=in_words(error))
        return _page(visit, visit.view.ticket(number), typed, 400)
    return RedirectResponse(f"/tickets/{ticket.number}/response", 303)


@router.post("/tickets/{number}/response/refresh")
def look_again(visit: Worker, number: str) -> Response:
    """Evaluate the same response again: what came after it is known better by now."""
    console, ticket = visit.console, visit.view.ticket(number)
    policy = visit.view.policies.get(ticket.policy or "")
    try:
        ResponseBook(console.store, console.clock).evaluate(
            ticket.number, visit.view.index, policy, actor=visit.actor
        )  # fmt: skip
    except WrongUse as error:
        return _page(visit, ticket, Typed(form="response", problem=in_words(error)), 400)
    return RedirectResponse(f"/tickets/{ticket.number}/response", 303)


@router.post("/tickets/{number}/response/score")
def score(visit: Supervisor, number: str) -> Response:
    """The supervisor's sheet: five items from 1 to 5, and a remark."""
    console, ticket = visit.console, visit.view.ticket(number)
    items = {name: value for name in ITEMS if (value := visit.number(name)) is not None}
    try:
        ResponseBook(console.store, console.clock).score(
            ticket.number, items, actor=visit.actor, note=visit.field("note")
        )  # fmt: skip
    except WrongUse as error:
        typed = Typed(form="score", fields=dict(visit.items()), problem=in_words(error))
        return _page(visit, ticket, typed, 400)
    visit.record("response-scored", ticket.number, dict(items))
    return RedirectResponse(f"/tickets/{ticket.number}/response#score", 303)


def _conflict(visit: Visit, ticket: Ticket, seen: int) -> TicketConflict:
    """What a change would raise that comes too late."""
    timeline = TicketBook(visit.console.store, visit.console.clock).timeline(ticket.id)
    happened = [
        Happened(at=one.at, actor=one.actor, kind=one.kind, detail=one.detail) for one in timeline if one.version > seen
    ]
    return TicketConflict(ticket.number, seen, ticket.version, happened)


def _may_respond(ticket: Ticket) -> bool:
    return "responded" in NEXT[cast(Status, ticket.status)]


def _conference_waits(ticket: Ticket) -> bool:
    return any(one.kind == CONFERENCE and one.waiting for one in own_clocks(ticket))


def _voiced(ticket: Ticket, demand: str) -> str:
    """The search for the posts of this ticket that voice a demand, by how it begins."""
    of = ("policy", ticket.policy or "") if is_of_policy(ticket.event) else ("event", ticket.event)
    words = demand.removeprefix("//@用户:").replace('"', " ")[:30]
    return urlencode([("q", f'"{words}"'), of])


def _page(visit: Visit, ticket: Ticket, typed: Typed, code: int) -> Response:
    kept = ResponseBook(visit.console.store, visit.console.clock).latest(ticket.number)
    visit.record("ticket-read", ticket.number, {"response": kept is not None})
    statements = (ticket.plan or {}).get("statements") or {}
    return show(
        visit, "ticket_response.html.j2", code=code, ticket=ticket, kept=kept, typed=typed, grades=GRADES, items=ITEMS,
        weights=WEIGHTS, channels=CHANNELS, works=visit.may("tickets.work"), scores=visit.may("tickets.score"),
        statuses=STATUS_WORDS, display=people_names(visit), source_names=visit.view.source_names(),
        drafts={key: statements[key] for key in ("full", "holding") if statements.get(key)},
        moves=_may_respond(ticket), conference_waits=_conference_waits(ticket), voiced=partial(_voiced, ticket),
    )  # fmt: skip
