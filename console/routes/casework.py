"""What officers do with a ticket from its page; each form is one address, and each goes through `console.casework`."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.exceptions import HTTPException

from alerts.casework import actions, assignments, attachments, links, tasks
from alerts.casework import plan as plans
from alerts.casework.clocks import meet_clock, waive_clock
from alerts.casework.merging import merge_with_policy
from alerts.casework.splitting import require_event, split_off
from alerts.evidence import is_of_policy
from alerts.levels import Level
from alerts.planning.shelf import book_of
from alerts.tickets import STATUSES, Status, Ticket, TicketBook
from alerts.transitions import held
from console.access import Visit, needs
from console.casework import Typed, act, done_already
from console.problems import in_words
from console.rendering import attachment, show
from console.routes.tickets import POSTS, ticket_response
from grouping.by_hand import EventDesk
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.problems import Problem

router = APIRouter()
Reader = Annotated[Visit, needs("tickets")]
Worker = Annotated[Visit, needs("tickets.work")]


@router.post("/tickets/{number}/move")
def move(visit: Worker, number: str) -> Response:
    """To another status. `open` is opening it again, with new clocks."""
    status, reason = visit.field("status"), visit.field("reason")
    back = "/desk" if visit.field("back") == "/desk" else ""
    ticket = visit.view.ticket(number)
    if ticket.status == status:  # pressed twice
        return RedirectResponse(back or f"/tickets/{ticket.number}", 303)

    def work(ticket: Ticket, version: int) -> object:
        if status not in STATUSES:
            raise WrongUse("请选择要做的操作。")
        store, clock, settings = visit.console.store, visit.console.clock, visit.console.settings
        if status == "open":
            return actions.reopen(
                store, clock, settings, ticket.number, actor=visit.actor, reason=reason, version=version
            )
        return TicketBook(store, clock).move(
            ticket.number, cast(Status, status), actor=visit.actor, reason=reason, version=version
        )

    kind = {"acknowledged": "acknowledged", "closed": "closed", "false-alarm": "false-alarm", "open": "reopened"}.get(
        status, "status-changed"
    )
    return act(visit, number, "move", work, ticket_response, kind=kind, detail={"to": status}, back=back)


@router.post("/tickets/{number}/level")
def set_level(visit: Worker, number: str) -> Response:
    level, reason = visit.field("level"), visit.field("reason")

    def work(ticket: Ticket, version: int) -> object:
        console = visit.console
        return actions.set_level(
            console.store, console.clock, console.settings, ticket.number, cast(Level, level),
            actor=visit.actor, reason=reason, version=version,
        )  # fmt: skip

    return act(visit, number, "level", work, ticket_response, kind="level-set", detail={"to": level})


@router.post("/tickets/{number}/transfer")
def transfer(visit: Worker, number: str) -> Response:
    unit, reason = visit.field("unit"), visit.field("reason")

    def work(ticket: Ticket, version: int) -> object:
        console = visit.console
        return actions.transfer(
            console.store, console.clock, console.settings, ticket.number, unit,
            actor=visit.actor, reason=reason, version=version,
        )  # fmt: skip

    return act(visit, number, "transfer", work, ticket_response, kind="transferred", detail={"to": unit})


@router.post("/tickets/{number}/pause")
def pause(visit: Worker, number: str) -> Response:
    reason = visit.field("reason")

    def work(ticket: Ticket, version: int) -> object:
        console = visit.console
        return actions.pause(
            console.store, console.clock, ticket.number, actor=visit.actor, reason=reason, version=version
        )

    return act(visit, number, "pause", work, ticket_response, kind="paused", detail={"reason": reason})


@router.post("/tickets/{number}/resume")
def resume(visit: Worker, number: str) -> Response:
    def work(ticket: Ticket, version: int) -> object:
        console = visit.console
        return actions.resume(
            console.store, console.clock, console.settings, ticket.number, actor=visit.actor, version=version
        )

    return act(visit, number, "pause", work, ticket_response, kind="resumed")


@router.post("/tickets/{number}/clock")
def settle_clock(visit: Worker, number: str) -> Response:
    """What one clock asks for was done, or is not needed."""
    kind, done, reason = visit.field("kind"), visit.field("done") != "no", visit.field("reason")

    def work(ticket: Ticket, version: int) -> object:
        store, clock = visit.console.store, visit.console.clock
        if done:
            return meet_clock(
                store, clock, ticket.number, kind, actor=visit.actor, at=visit.moment("at"), note=reason,
                version=version,
            )  # fmt: skip
        return waive_clock(store, clock, ticket.number, kind, actor=visit.actor, reason=reason, version=version)

    what = "clock-met" if done else "clock-waived"
    return act(visit, number, "clock", work, ticket_response, kind=what, detail={"deadline": kind})


@router.post("/tickets/{number}/comment")
def comment(visit: Worker, number: str) -> Response:
    text = visit.field("text")

    def work(ticket: Ticket, version: int) -> object:
        console = visit.console
        return actions.comment(
            console.store, console.clock, ticket.number, text, actor=visit.actor, version=version
        )  # fmt: skip

    return act(visit, number, "comment", work, ticket_response, kind="comment", detail={"text": text}, adds=True)


@router.post("/tickets/{number}/tasks")
def add_task(visit: Worker, number: str) -> Response:
    title, owner = visit.field("title"), visit.field("owner")

    def work(ticket: Ticket, version: int) -> object:
        return tasks.add_task(
            visit.console.store, visit.console.clock, ticket.number, title,
            actor=visit.actor, owner=owner, due_at=visit.moment("due"), version=version,
        )  # fmt: skip

    detail = {"title": title, "owner": owner}
    return act(visit, number, "tasks", work, ticket_response, kind="task-added", detail=detail, adds=True)


@router.post("/tickets/{number}/tasks/{task}")
def change_task(visit: Worker, number: str, task: int) -> Response:
    """`do`: `done` with a note, `own`, `change` with owner and time, or `cancel` with a reason."""
    do = visit.field("do")
    kind = "task-done" if do == "done" else "task-changed"
    if done_already(visit, visit.view.ticket(number), kind, {"task": task}):
        return RedirectResponse(f"/tickets/{number}#tasks", 303)

    def work(ticket: Ticket, version: int) -> object:
        store, clock, actor = visit.console.store, visit.console.clock, visit.actor
        if do == "done":
            return tasks.finish_task(store, clock, ticket.number, task, actor=actor, note=visit.field("note"))
        if do == "own":
            return tasks.change_task(
                store, clock, ticket.number, task, actor=actor, owner=visit.user.display, version=version
            )
        owner = visit.field("owner")
        return tasks.change_task(
            store, clock, ticket.number, task,
            actor=actor, owner=owner if do != "cancel" else None,
            due_at=visit.moment("due") if do != "cancel" else None, cancel=do == "cancel",
            reason=visit.field("reason"), version=version,
        )  # fmt: skip

    form = f"task-{task}"
    return act(visit, number, form, work, ticket_response, kind=kind, detail={"task": task}, adds=do in ("done", "own"))


@router.post("/tickets/{number}/assignments")
def pass_down(visit: Worker, number: str) -> Response:
    unit, demand = visit.field("unit"), visit.field("demand")

    def work(ticket: Ticket, version: int) -> object:
        return assignments.pass_down(
            visit.console.store, visit.console.clock, ticket.number, unit, demand,
            actor=visit.actor, due_at=visit.moment("due"), version=version,
        )  # fmt: skip

    detail = {"unit": unit, "demand": demand}
    return act(visit, number, "assignments", work, ticket_response, kind="passed-down", detail=detail, adds=True)


@router.post("/tickets/{number}/assignments/{assignment}")
def settle(visit: Worker, number: str, assignment: int) -> Response:
    """`do`: `report` with its text, `accept`, or `return` with a reason and, if wanted, a new time."""
    do = visit.field("do")
    form = f"assignment-{assignment}"
    if do == "report":
        report = visit.field("report")

        def report_back(ticket: Ticket, version: int) -> object:
            return assignments.report_back(
                visit.console.store, visit.console.clock, ticket.number, assignment, report,
                actor=visit.actor, version=version,
            )  # fmt: skip

        detail = {"assignment": assignment, "report": report}
        return act(
            visit, number, form, report_back, ticket_response, kind="reported-back", detail=detail, adds=True
        )  # fmt: skip
    accepted = do == "accept"
    said = {"assignment": assignment, "accepted": accepted}
    if done_already(visit, visit.view.ticket(number), "report-settled", said):
        return RedirectResponse(f"/tickets/{number}#{form}", 303)

    def work(ticket: Ticket, _version: int) -> object:
        return assignments.settle(
            visit.console.store, visit.console.clock, ticket.number, assignment,
            actor=visit.actor, accepted=accepted, reason=visit.field("reason"), due_at=visit.moment("due"),
        )  # fmt: skip

    return act(visit, number, form, work, ticket_response, kind="report-settled", detail=said, adds=True)


@router.post("/tickets/{number}/attachments")
def attach(visit: Annotated[Visit, needs("tickets.work", files=1)], number: str) -> Response:
    def work(ticket: Ticket, _version: int) -> object:
        file = visit.file("file")
        if file is None or file.filename is None:
            raise WrongUse("请选择文件。")
        console = visit.console
        return attachments.attach(
            console.store, console.clock, console.settings, ticket.number, file.file, file.filename, actor=visit.actor
        )

    return act(visit, number, "attachments", work, ticket_response, kind="attached", adds=True)


@router.get("/tickets/{number}/attachments/{digest}")
def download(visit: Reader, number: str, digest: str) -> Response:
    ticket = visit.view.ticket(number)
    found = [one for one in attachments.attachments_of(visit.console.store, ticket.number) if one.hash == digest]
    if not found:
        raise HTTPException(404)
    path = attachments.path_of(visit.console.store, visit.console.settings, ticket.number, digest)
    visit.record("attachment-read", ticket.number, {"name": found[0].name, "hash": digest})
    # Never shown in the browser: whatever it holds, it is a file to be saved.
    headers = {"Content-Disposition": attachment(found[0].name)}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


@router.post("/tickets/{number}/attachments/{digest}/remove")
def detach(visit: Worker, number: str, digest: str) -> Response:
    reason = visit.field("reason")
    if done_already(visit, visit.view.ticket(number), "attachment-removed", {"hash": digest}):
        return RedirectResponse(f"/tickets/{number}#attachments", 303)

    def work(ticket: Ticket, _version: int) -> None:
        attachments.detach(
            visit.console.store, visit.console.clock, ticket.number, digest, actor=visit.actor, reason=reason
        )

    return act(
        visit, number, "attachments", work, ticket_response, kind="attachment-removed", detail={"hash": digest},
        adds=True,
    )  # fmt: skip


@router.post("/tickets/{number}/links")
def link(visit: Worker, number: str) -> Response:
    """`do`: `add` with kind, target and note, or `remove` with the target."""
    target, removes = visit.field("target"), visit.field("do") == "remove"
    if done_already(visit, visit.view.ticket(number), "unlinked" if removes else "linked", {"target": target}):
        return RedirectResponse(f"/tickets/{number}#links", 303)

    def work(ticket: Ticket, _version: int) -> object:
        store, clock = visit.console.store, visit.console.clock
        if removes:
            if not _sees_link(visit, ticket, target):
                raise WrongUse(Problem("link-unknown", number=ticket.number, target=target))
            return links.unlink(store, clock, ticket.number, target, actor=visit.actor)
        kind, aim = _aim(visit, target)
        return links.link(store, clock, ticket.number, kind, aim, actor=visit.actor, note=visit.field("note"))

    kind = "unlinked" if removes else "linked"
    return act(visit, number, "links", work, ticket_response, kind=kind, detail={"target": target}, adds=True)


@router.post("/tickets/{number}/related")
def relate(visit: Worker, number: str) -> Response:
    other = visit.field("other").upper()
    if done_already(visit, visit.view.ticket(number), "related", {"ticket": other}):
        return RedirectResponse(f"/tickets/{number}#related", 303)

    def work(ticket: Ticket, _version: int) -> object:
        found = visit.view.ticket(other)
        return links.relate(
            visit.console.store, visit.console.clock, ticket.number, found.number,
            actor=visit.actor, reason=visit.field("reason"),
        )  # fmt: skip

    return act(visit, number, "related", work, ticket_response, kind="related", detail={"ticket": other}, adds=True)


@router.post("/tickets/{number}/plan")
def take_plan(visit: Worker, number: str) -> Response:
    """Another plan for the ticket, or the one it holds with the figures of now."""
    console, chosen, reason = visit.console, visit.field("plan"), visit.field("reason")

    def work(ticket: Ticket, version: int) -> object:
        policy = PolicyRegister(console.store, console.clock).get(ticket.policy) if ticket.policy else None
        book = book_of(console.store, console.settings.path("plans"))
        return plans.take_plan(
            console.store, console.clock, console.settings, book, policy, ticket.number, chosen,
            actor=visit.actor, reason=reason, version=version,
        )  # fmt: skip

    return act(visit, number, "plan", work, ticket_response, kind="plan-changed", detail={"plan": chosen})


@router.post("/tickets/{number}/merge")
def merge(visit: Worker, number: str) -> Response:
    """Make two tickets one, and their events; the one that was opened first stays."""
    ticket, reason = visit.view.ticket(number), visit.field("reason")
    try:
        other = visit.view.ticket(visit.field("other").upper())
        if not reason:
            raise WrongUse("请写明理由。")
        for one in (ticket, other):
            if one.closed_at is not None:
                if one.status == "merged" and _are_one(ticket, other):  # pressed twice
                    return RedirectResponse(f"/tickets/{ticket.number}", 303)
                raise WrongUse(Problem("ticket-over", number=one.number))
        console = visit.console
        if not merge_with_policy(console.store, console.clock, ticket, other, actor=visit.actor, reason=reason):
            _events(visit).merge(ticket.event, other.event, by=visit.actor, reason=reason)
    except WrongUse as error:
        typed = Typed(form="merge", fields=dict(visit.items()), problem=in_words(error))
        return ticket_response(visit, ticket, typed, 400)
    visit.record("ticket-moved", ticket.number, {"what": "merge", "other": other.number, "reason": reason})
    stays = next((one for one in (ticket, other) if visit.view.ticket(one.number).closed_at is None), ticket)
    return RedirectResponse(f"/tickets/{stays.number}", 303)


def _are_one(ticket: Ticket, other: Ticket) -> bool:
    """Whether two tickets were merged: with their events, or as those of one policy."""
    return ticket.event == other.event or (
        ticket.policy == other.policy and (is_of_policy(ticket.event) or is_of_policy(other.event))
    )


@router.get("/tickets/{number}/split")
def split_page(visit: Worker, number: str) -> Response:
    return _split_page(visit, visit.view.ticket(number), Typed(), 200)


@router.post("/tickets/{number}/split")
def split(visit: Worker, number: str) -> Response:
    """Give the chosen documents a ticket and an event of their own."""
    console, ticket = visit.console, visit.view.ticket(number)
    chosen, title, reason = visit.fields("document"), visit.field("title"), visit.field("reason")
    made: list[str] = []
    try:
        require_event(ticket)
        if not chosen:
            raise WrongUse("请勾选属于另一件事的信息。")
        if visit.number("version") != ticket.version:
            raise WrongUse("您打开页面之后，这张工单已被更新，没有分案。请核对下面的信息后再提交。")
        if set(chosen) - set(visit.view.index.get(chosen)):
            raise WrongUse("所选信息不属于这个事件。")

        def also(connection: object, event: str, documents: object) -> None:
            change = held(console.store, connection, console.clock, ticket.number, actor=visit.actor)  # type: ignore[arg-type]
            made.append(split_off(change, event, documents, console.settings, title=title, reason=reason))  # type: ignore[arg-type]

        _events(visit).split(ticket.event, chosen, by=visit.actor, reason=reason, within=also)
    except WrongUse as error:
        typed = Typed(form="split", fields=dict(visit.items()), problem=in_words(error))
        return _split_page(visit, ticket, typed, 400, chosen=chosen)
    visit.record("ticket-moved", ticket.number, {"what": "split", "into": made[0], "documents": len(chosen)})
    return RedirectResponse(f"/tickets/{made[0]}", 303)


def _split_page(visit: Visit, ticket: Ticket, typed: Typed, code: int, *, chosen: list[str] | None = None) -> Response:
    found = visit.view.index.get(ticket.documents[:POSTS])
    posts = sorted(found.values(), key=lambda record: record.document.published_at, reverse=True)
    visit.record("ticket-read", ticket.number, {"posts": len(posts)})
    return show(
        visit, "ticket_split.html.j2", code=code, ticket=ticket, posts=posts, typed=typed, chosen=set(chosen or ()),
        source_names=visit.view.source_names(),
    )  # fmt: skip


def _sees_link(visit: Visit, ticket: Ticket, target: str) -> bool:
    """Whether the page of the ticket shows what it is linked to."""
    kinds = {one.kind for one in links.links_of(visit.console.store, ticket.number) if one.target == target}
    return (
        "page" in kinds
        or ("policy" in kinds and target in visit.view.policies)
        or ("document" in kinds and target in visit.view.index.get([target]))
    )


def _aim(visit: Visit, target: str) -> tuple[links.LinkKind, str]:
    """What is meant by an address, a policy's or a document's page in this console, an id, a number or a title."""
    inside = target.removeprefix(visit.console.settings.console.public_url) if target else ""
    for kind, path in (("document", "/documents/"), ("policy", "/policies/")):
        place = inside.find(path)
        if place >= 0 and (inside.startswith(path) or visit.request.headers.get("host", "-") in inside[:place]):
            target, inside = inside[place + len(path) :].split("?")[0], f"{kind}:"
            break
    if inside == "document:" or (inside != "policy:" and len(target) >= 16 and set(target) <= set("0123456789abcdef")):
        if target not in visit.view.index.get([target]):
            raise WrongUse("没有这条信息。")
        return "document", target
    if target.startswith(("http://", "https://")):
        return "page", target
    policy = next(
        (one for one in visit.view.policies.values() if target in (one.id, one.number, one.title, *one.aliases)), None
    )
    if policy is None:
        raise WrongUse("请填网页地址、政策名称或文号，或本系统里信息的地址。")
    return "policy", policy.id


def _events(visit: Visit) -> EventDesk:
    console = visit.console
    return EventDesk(console.store, console.index, console.log, console.clock)
