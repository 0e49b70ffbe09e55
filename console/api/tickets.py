"""Tickets: lists, one ticket, its timeline and notices, and everything that an officer does with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query, Request, Response
from msgspec.structs import replace

from alerts.casework import actions, tasks
from alerts.casework.clocks import meet_clock, waive_clock
from alerts.casework.tasks import Task
from alerts.notify.overview import MessageLine, messages
from alerts.tickets import Status, Ticket, TicketBook, TicketLine, TimelineEvent
from alerts.transitions import NEXT, TicketConflict
from console.access import Visit
from console.api.describing import told
from console.api.lists import Cursor, Listed, Size
from console.api.problems import ApiError, invalid, missing
from console.api.routing import answer, needs, read_body, resource
from minsheng.errors import WrongUse
from search import cursors

router = resource("Tickets")
Reader = Annotated[Visit, needs("tickets")]
Worker = Annotated[Visit, needs("tickets.work")]

Reason = Annotated[str, msgspec.Meta(max_length=2000, description="Why; kept in the timeline.")]
Level = Literal["blue", "yellow", "orange", "red"]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
DOCUMENTS = 1_000
"""Ids of documents that a ticket is answered with, the newest."""


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class NewStatus(_Body, frozen=True, kw_only=True):
    """Where the ticket is to go; `next` of the ticket names what may follow. `open` opens an ended one again."""

    status: Status
    reason: Reason = ""


class NewLevel(_Body, frozen=True, kw_only=True):
    """The level, by judgement of a person."""

    level: Level
    reason: Reason


class Transfer(_Body, frozen=True, kw_only=True):
    """The unit that is to deal with it from now on."""

    unit: Line
    reason: Reason


class Pause(_Body, frozen=True, kw_only=True):
    """Why the clocks are to stand still."""

    reason: Reason


class ClockDone(_Body, frozen=True, kw_only=True):
    """What a clock asks for was done, or is not needed.

    `met`: false where it is not needed, which takes a reason. `at`: when it was done; default: now. `reason`: why it is
    not needed, or where and how it was done.
    """

    met: bool = True
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Comment(_Body, frozen=True, kw_only=True):
    """A comment."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=actions.LONGEST_COMMENT)]


class NewTask(_Body, frozen=True, kw_only=True):
    """Something to be done, by whom and by when."""

    title: Line
    owner: Annotated[str, msgspec.Meta(max_length=200)] = ""
    detail: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    due_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class TaskChange(_Body, frozen=True, kw_only=True):
    """What is to be different; what is left out stays. `done` and `cancelled` end the task."""

    done: bool = False
    cancelled: bool = False
    owner: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    due_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class TicketDetail(Ticket, frozen=True, kw_only=True):
    """A ticket with what may follow. `documents`: the newest 1,000 that are in the caller's scope."""

    next: list[str]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a ticket, oldest first."""

    items: list[TimelineEvent]


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's tasks, by their number."""

    items: list[Task]


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """Messages, newest first."""

    items: list[MessageLine]


_TICKET: dict[str, Any] = {
    "id": 1, "number": "T20260508-001", "level": "orange", "current_level": "orange", "status": "open",
    "policy": "heating", "event": "e-1", "risk_kind": "cost", "title": "供暖价格引发集中投诉", "why": "3 小时 40 条",
    "score": 0.71, "parts": [], "documents": ["5f2b0a7f9d3c4e61a8b7c6d5e4f30211"], "plan": None,
    "deadlines": [{"kind": "respond", "due_at": "2026-05-08T06:00:00Z", "fired_at": None, "cancelled_at": None,
                   "met_at": None, "paused_at": None, "title": "首次回应", "round": 1, "replaced": False,
                   "apart": False}],
    "historical": False, "opened_at": "2026-05-08T01:00:00Z", "raised_at": "2026-05-08T01:00:00Z",
    "created_at": "2026-05-08T01:01:00Z", "acknowledged_at": None, "closed_at": None, "version": 1,
    "unit": "市住房和城乡建设局", "exercise": False, "round": 1, "posts": 40, "last_post_at": "2026-05-08T01:00:00Z",
    "responded_at": None, "paused_at": None,
}  # fmt: skip
_LISTED = {name: value for name, value in _TICKET.items() if name in TicketLine.__struct_fields__}
_DETAIL = {**_TICKET, "next": ["acknowledged", "judging", "responding", "responded", "closed", "false-alarm"]}
_LINE = {
    "kind": "opened", "at": "2026-05-08T01:01:00Z", "event_time": "2026-05-08T01:00:00Z", "actor": "system",
    "detail": {"level": "orange"}, "version": 1,
}  # fmt: skip
_TASK = {
    "number": 1, "origin": "officer", "title": "核实收费标准", "detail": "", "owner": "价格科",
    "due_at": "2026-05-08T04:00:00Z", "created_at": "2026-05-08T01:05:00Z", "created_by": "li", "done_at": None,
    "done_by": None, "note": "", "cancelled_at": None, "overdue_at": None,
}  # fmt: skip
_MESSAGE = {
    "id": 7, "ticket": "T20260508-001", "reason": "new", "subject": "【橙色·新发现】供暖价格", "channel": "duty",
    "person": None, "name": "", "created_at": "2026-05-08T01:01:00Z", "next_try_at": "9999-12-31T00:00:00Z",
    "attempts": 1, "sent_at": "2026-05-08T01:01:02Z", "read_at": None, "acknowledged_at": None, "dead_at": None,
    "last_error": None, "state": "05-08 09:01 送达",
}  # fmt: skip


@router.get(
    "/tickets", **told(Listed[TicketLine], "List tickets, newest first", example={"items": [_LISTED], "next": None})
)
def list_tickets(
    visit: Reader,
    status: Annotated[Status | Literal["unclosed"] | None, Query(description="`unclosed`: not ended.")] = None,
    level: Annotated[Level | None, Query()] = None,
    policy: Annotated[str, Query(max_length=100)] = "",
    unit: Annotated[str, Query(max_length=200, description="Who is to deal with it.")] = "",
    size: Size = 50,
    cursor: Cursor = "",
) -> Response:
    """Without `parts`, `documents` and `plan`, which each ticket's own address gives."""
    found = visit.view.tickets(
        status=status, level=level, policy=policy or None, unit=unit or None, before=_place(cursor), limit=size + 1
    )
    page = found[:size]
    last = page[-1] if len(found) > size else None
    place = cursors.write(last.opened_at.isoformat(), last.id) if last else None
    return answer(Listed(items=page, next=place))


@router.get("/tickets/{number}", **told(TicketDetail, "One ticket", missing=True, example=_DETAIL))
def get_ticket(visit: Reader, number: str) -> Response:
    """With its plan and clocks. The ETag is what its changes want as If-Match. Audited."""
    ticket = _ticket(visit, number)
    visit.record("ticket-read", ticket.number)
    return _shown(visit, ticket)


@router.get(
    "/tickets/{number}/timeline", **told(Timeline, "A ticket's timeline", missing=True, example={"items": [_LINE]})
)
def get_ticket_timeline(visit: Reader, number: str) -> Response:
    """Each line once it is there stays as it is. Of tickets, policies and documents outside of the caller's scope it
    says only that there is one."""
    ticket = _ticket(visit, number)
    return answer(Timeline(items=visit.view.timeline(ticket.id)))


@router.get(
    "/tickets/{number}/notices",
    **told(Notices, "What people were told of it", missing=True, example={"items": [_MESSAGE]}),
)
def get_ticket_notices(visit: Reader, number: str) -> Response:
    """The newest 500 messages."""
    ticket = _ticket(visit, number)
    return answer(Notices(items=messages(visit.console.store, ticket=ticket.number, limit=500)))


@router.post(
    "/tickets/{number}/status",
    **told(
        TicketDetail, "Move a ticket on", body=NewStatus, locked=True, missing=True, example=_DETAIL,
        body_example={"status": "acknowledged"},
    ),
)  # fmt: skip
def move_ticket(
    visit: Worker, request: Request, number: str, body: Annotated[NewStatus, read_body(NewStatus)]
) -> Response:
    """Acknowledge it, judge it, respond, evaluate, close it with a reason, declare a false alarm with one; or open an
    ended one again. Audited."""
    console = visit.console

    def work(name: str, version: int | None) -> Ticket:
        if body.status == "open":
            return actions.reopen(
                console.store, console.clock, console.settings, name, actor=visit.actor, reason=body.reason,
                version=version,
            )  # fmt: skip
        return _book(visit).move(name, body.status, actor=visit.actor, reason=body.reason, version=version)

    return _change(visit, request, number, "ticket-moved", {"to": body.status, "reason": body.reason}, work)


@router.post(
    "/tickets/{number}/level",
    **told(
        TicketDetail, "Set a ticket's level", body=NewLevel, locked=True, missing=True, example=_DETAIL,
        body_example={"level": "red", "reason": "出现人员聚集"},
    ),
)  # fmt: skip
def set_ticket_level(
    visit: Worker, request: Request, number: str, body: Annotated[NewLevel, read_body(NewLevel)]
) -> Response:
    """Its clocks become those of that level; a higher one brings a notice. Audited."""
    console = visit.console
    return _change(
        visit, request, number, "ticket-changed", {"level": body.level, "reason": body.reason},
        lambda name, version: actions.set_level(
            console.store, console.clock, console.settings, name, body.level, actor=visit.actor, reason=body.reason,
            version=version,
        ),
    )  # fmt: skip


@router.post(
    "/tickets/{number}/transfer",
    **told(
        TicketDetail, "Hand a ticket over", body=Transfer, locked=True, missing=True, example=_DETAIL,
        body_example={"unit": "市发展和改革委员会", "reason": "价格由其核定"},
    ),
)  # fmt: skip
def transfer_ticket(
    visit: Worker, request: Request, number: str, body: Annotated[Transfer, read_body(Transfer)]
) -> Response:
    """The unit has to acknowledge it anew; the clocks go on. Audited."""
    console = visit.console
    return _change(
        visit, request, number, "ticket-changed", {"unit": body.unit, "reason": body.reason},
        lambda name, version: actions.transfer(
            console.store, console.clock, console.settings, name, body.unit, actor=visit.actor, reason=body.reason,
            version=version,
        ),
    )  # fmt: skip


@router.post(
    "/tickets/{number}/pause",
    **told(
        TicketDetail, "Let a ticket's clocks stand still", body=Pause, locked=True, missing=True, example=_DETAIL,
        body_example={"reason": "等待上级批复"},
    ),
)  # fmt: skip
def pause_ticket(visit: Worker, request: Request, number: str, body: Annotated[Pause, read_body(Pause)]) -> Response:
    """A rise of the level ends it. Audited."""
    console = visit.console
    return _change(
        visit, request, number, "ticket-changed", {"paused": True, "reason": body.reason},
        lambda name, version: actions.pause(
            console.store, console.clock, name, actor=visit.actor, reason=body.reason, version=version
        ),
    )  # fmt: skip


@router.post(
    "/tickets/{number}/resume",
    **told(TicketDetail, "Let a ticket's clocks run again", locked=True, missing=True, conflict=True, example=_DETAIL),
)
def resume_ticket(visit: Worker, request: Request, number: str) -> Response:
    """Each with the time that it had left. Audited."""
    console = visit.console
    return _change(
        visit, request, number, "ticket-changed", {"paused": False},
        lambda name, version: actions.resume(
            console.store, console.clock, console.settings, name, actor=visit.actor, version=version
        ),
    )  # fmt: skip


@router.post(
    "/tickets/{number}/clocks/{kind}",
    **told(
        TicketDetail, "Settle one clock of a ticket", body=ClockDone, locked=True, missing=True, example=_DETAIL,
        body_example={"met": True, "reason": "市政府新闻办发布厅"},
    ),
)  # fmt: skip
def settle_clock(
    visit: Worker, request: Request, number: str, kind: str, body: Annotated[ClockDone, read_body(ClockDone)]
) -> Response:
    """What it asks for was done, or is not needed. To move a ticket to `responded` meets all but those that are
    `apart`, such as the press conference. Audited."""
    console = visit.console

    def work(name: str, version: int | None) -> Ticket:
        store, clock, actor = console.store, console.clock, visit.actor
        if body.met:
            return meet_clock(store, clock, name, kind, actor=actor, at=body.at, note=body.reason, version=version)
        return waive_clock(store, clock, name, kind, actor=actor, reason=body.reason, version=version)

    return _change(visit, request, number, "ticket-changed", {"clock": kind, "met": body.met}, work)


@router.post(
    "/tickets/{number}/comments",
    **told(
        TicketDetail, "Comment on a ticket", body=Comment, status=201, missing=True, example=_DETAIL,
        body_example={"text": "已与供热公司核实"},
    ),
)  # fmt: skip
def comment_ticket(visit: Worker, number: str, body: Annotated[Comment, read_body(Comment)]) -> Response:
    """It overwrites nothing, and so wants no If-Match. It can't be changed; another one can follow. Audited."""
    ticket = _ticket(visit, number)
    console = visit.console
    with _possible():
        done = actions.comment(console.store, console.clock, ticket.number, body.text, actor=visit.actor)
    visit.record("ticket-changed", ticket.number, {"comment": len(body.text)})
    return _shown(visit, done, 201)


@router.get("/tickets/{number}/tasks", **told(Tasks, "A ticket's tasks", missing=True, example={"items": [_TASK]}))
def list_ticket_tasks(visit: Reader, number: str) -> Response:
    """Done and cancelled ones are among them."""
    ticket = _ticket(visit, number)
    return answer(Tasks(items=tasks.tasks_of(visit.console.store, ticket.number)))


@router.post(
    "/tickets/{number}/tasks",
    **told(
        Task, "Add a task", body=NewTask, status=201, missing=True, example=_TASK,
        body_example={"title": "核实收费标准", "owner": "价格科"},
    ),
)  # fmt: skip
def add_ticket_task(visit: Worker, number: str, body: Annotated[NewTask, read_body(NewTask)]) -> Response:
    """Of a ticket that has not ended. Audited."""
    ticket = _ticket(visit, number)
    console = visit.console
    with _possible():
        task = tasks.add_task(
            console.store, console.clock, ticket.number, body.title, actor=visit.actor, owner=body.owner,
            due_at=body.due_at, detail=body.detail,
        )  # fmt: skip
    visit.record("ticket-changed", ticket.number, {"task": task.number})
    return answer(task, 201)


@router.patch(
    "/tickets/{number}/tasks/{task}",
    **told(
        Task, "Change or end a task", body=TaskChange, missing=True, example=_TASK,
        body_example={"done": True, "note": "标准无误"},
    ),
)  # fmt: skip
def change_ticket_task(
    visit: Worker, number: str, task: int, body: Annotated[TaskChange, read_body(TaskChange)]
) -> Response:
    """A task that is done or cancelled stays so. Cancelling wants a `note`. Audited."""
    ticket = _ticket(visit, number)
    console = visit.console
    if all(one.number != task for one in tasks.tasks_of(console.store, ticket.number)):
        raise missing(f"task {task} of {ticket.number}")
    with _possible():
        if body.done:
            if body.cancelled or body.owner is not None or body.due_at is not None:
                raise invalid("body", "a task that is done is not changed in the same request")
            done = tasks.finish_task(
                console.store, console.clock, ticket.number, task, actor=visit.actor, note=body.note
            )
        else:
            done = tasks.change_task(
                console.store, console.clock, ticket.number, task, actor=visit.actor, owner=body.owner,
                due_at=body.due_at, cancel=body.cancelled, reason=body.note,
            )  # fmt: skip
    visit.record("ticket-changed", ticket.number, {"task": task})
    return answer(done)


class _possible:  # noqa: N801 - reads as a word
    """Makes a problem of what is not possible as things stand."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, WrongUse) and not isinstance(error, TicketConflict):
            raise ApiError("conflict", error.message) from error


def _change(
    visit: Visit,
    request: Request,
    number: str,
    action: str,
    detail: dict[str, Any],
    work: Callable[[str, int | None], Ticket],
) -> Response:
    ticket = _ticket(visit, number)
    version = _version(request)
    with _possible():
        done = work(ticket.number, version)
    visit.record(action, ticket.number, detail)
    return _shown(visit, done)


def _version(request: Request) -> int | None:
    """The version that the caller has seen; None where any will do."""
    given = request.headers.get("if-match")
    if given is None:
        raise ApiError("precondition-required", "If-Match is missing", "send the ETag of the ticket that you have read")
    if given.strip() == "*":
        return None
    number = given.strip().removeprefix("W/").strip('"').partition(".")[0]
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise ApiError("precondition-failed", "If-Match is no ETag of a ticket", "send the ETag that you have read")
    return int(number)


def _shown(visit: Visit, ticket: Ticket, status: int = 200) -> Response:
    following = NEXT.get(ticket.status, ())  # type: ignore[call-overload]
    detail = TicketDetail(**msgspec.structs.asdict(_mine(visit, ticket)), next=list(following))
    body = msgspec.json.encode(detail)
    tag = f'"{ticket.version}.{hashlib.sha256(body).hexdigest()[:12]}"'
    return Response(body, status, {"ETag": tag}, "application/json")


def _mine(visit: Visit, ticket: Ticket) -> Ticket:
    """The ticket, with documents of the caller's scope alone."""
    named = ticket.documents[:DOCUMENTS]
    if visit.view.grant.everything:
        return replace(ticket, documents=named)
    ids = {*named, *(one for part in ticket.parts for one in part.get("documents", ()))}
    mine = visit.view.index.get(list(ids))
    parts = [
        {**part, "documents": [one for one in part["documents"] if one in mine]} if "documents" in part else part
        for part in ticket.parts
    ]
    return replace(ticket, documents=[one for one in named if one in mine], parts=parts)


def _ticket(visit: Visit, number: str) -> Ticket:
    try:
        return visit.view.ticket(number)
    except WrongUse:
        raise missing(f"ticket {number}") from None


def _place(cursor: str) -> tuple[datetime, int] | None:
    if not cursor:
        return None
    try:
        at, number = cursors.read(cursor, str, int)
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or abs(number) >= 1 << 62:
            raise ValueError(at)
    except (WrongUse, ValueError):
        raise invalid("query.cursor", "the cursor is none of this list") from None
    return moment, number


def _book(visit: Visit) -> TicketBook:
    return TicketBook(visit.console.store, visit.console.clock)
