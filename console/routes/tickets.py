"""工单: the list, and a ticket with why, posts, plan, clocks, timeline, and what may be done."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from alerts.levels import LEVELS
from alerts.notices import REASONS
from alerts.risk_kind import CHINESE as RISK_KINDS
from alerts.tickets import STATUS_WORDS, STATUSES, Status, TicketBook, TimelineEvent
from alerts.timeline import SYSTEM, TITLES
from console.access import Visit, needs
from console.actions import actions
from console.rendering import show
from console.words import moment
from minsheng.errors import WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("tickets")]
Worker = Annotated[Visit, needs("tickets.work")]

LISTED = 200
POSTS = 200
"""Posts of a ticket that its page shows, the newest."""


@router.get("/tickets")
def ticket_list(visit: Reader, status: str = "unclosed", level: str = "", policy: str = "") -> Response:
    found = visit.view.tickets(
        status=status if status in (*STATUSES, "unclosed") else None,
        level=level if level in LEVELS else None,
        policy=policy or None,
        limit=LISTED,
    )
    return show(
        visit, "tickets.html.j2", tickets=found, status=status, level=level, policy=policy, statuses=STATUS_WORDS,
        limit=LISTED,
    )  # fmt: skip


@router.get("/tickets/{number}")
def ticket_page(visit: Reader, number: str) -> Response:
    return _page(visit, number)


@router.post("/tickets/{number}/move")
def move(visit: Worker, number: str) -> Response:
    ticket = visit.view.ticket(number)
    status, reason = visit.field("status"), visit.field("reason")
    back = visit.field("back")
    target = back if back == "/desk" else f"/tickets/{ticket.number}"
    if ticket.status == status:  # pressed twice
        return RedirectResponse(target, 303)
    allowed = {one.status: one for one in actions(ticket)}
    problem = ""
    if status not in allowed:
        problem = "工单的状态已经改变，不能再这样处理。下面是现在的状态。"
    elif visit.field("version") != str(ticket.version):
        problem = "您打开页面之后，这张工单已被更新，没有保存您的操作。请看过最新情况后再处理。"
    elif allowed[status].needs_reason and not reason:
        problem = "请写明理由。"
    if problem:
        return _page(visit, number, problem=problem, reason=reason, code=409 if status not in allowed else 400)
    try:
        book = TicketBook(visit.console.store, visit.console.clock)
        step = cast(Status, status)  # one of those that the ticket itself allows
        book.move(ticket.number, step, actor=visit.actor, reason=reason, version=ticket.version)
    except WrongUse as error:
        return _page(visit, number, problem=str(error), reason=reason, code=409)
    visit.record("ticket-moved", ticket.number, {"to": status, "reason": reason})
    return RedirectResponse(target, 303)


def _page(visit: Visit, number: str, *, problem: str = "", reason: str = "", code: int = 200) -> Response:
    ticket = visit.view.ticket(number)
    timeline = TicketBook(visit.console.store, visit.console.clock).timeline(ticket.id)
    found = visit.view.index.get(ticket.documents[:POSTS])
    posts = sorted(found.values(), key=lambda record: record.document.published_at, reverse=True)
    visit.record("ticket-read", ticket.number, {"posts": len(posts)})
    return show(
        visit,
        "ticket.html.j2",
        code=code,
        ticket=ticket,
        timeline=[_line(event) for event in reversed(timeline)],
        posts=posts,
        by_id=found,
        source_names=visit.view.source_names(),
        actions=actions(ticket) if visit.may("tickets.work") else [],
        statuses=STATUS_WORDS,
        risk_kinds=RISK_KINDS,
        policy=visit.view.policies.get(ticket.policy or ""),
        problem=problem,
        reason=reason,
        hidden=len(ticket.documents[:POSTS]) - len(found),
    )


def _line(event: TimelineEvent) -> dict[str, Any]:
    """A line of the timeline in the words of the duty room."""
    detail = event.detail
    words = []
    if "from" in detail and "to" in detail:
        names = {**STATUS_WORDS, **_LEVELS}
        words.append(f"{names.get(str(detail['from']), detail['from'])} → {names.get(str(detail['to']), detail['to'])}")
    if event.kind.startswith("notice-") and detail.get("reason") in REASONS:
        detail = {**detail, "reason": REASONS[detail["reason"]]}
    told = ("title", "reason", "why", "channel", "error", "other", "plan")
    words += [str(detail[key]) for key in told if detail.get(key)]
    return {
        "title": TITLES.get(event.kind, event.kind),
        "at": event.at,
        "who": "" if event.actor == SYSTEM else event.actor,
        "words": "　".join(words),
        "event_time": moment(event.event_time),
    }


_LEVELS = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色", "none": "无风险"}
