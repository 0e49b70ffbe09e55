"""`minsheng tickets …`: what officers do with a ticket."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from minsheng.cli import context
from minsheng.cli.times import parse_due, parse_time
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from alerts.levels import Level
    from alerts.tickets import Status, Ticket

TicketName = Annotated[str, typer.Argument(metavar="TICKET", help="The ticket's number, e.g. T20261124-001, or id.")]
By = Annotated[str | None, typer.Option(help="Who acts; default: the user of this machine.", show_default=False)]
Seen = Annotated[
    int | None,
    typer.Option("--version", help="The version that you saw: refused if somebody has changed it since."),
]
Reason = Annotated[str, typer.Option(help="Why; kept in the timeline.")]
SomeReason = Annotated[str, typer.Option(help="Why, if that is worth keeping.")]
Due = Annotated[str | None, typer.Option(help="By when: 2026-11-24, 2026-11-24T18:00, or a span such as 4h, 2d.")]
ClockKind = Annotated[
    str, typer.Argument(metavar="CLOCK", help="The clock's short name: information, conference, response or your own.")
]
TaskNumber = Annotated[int, typer.Argument(metavar="NUMBER", help="The task's number in the ticket.")]


def acknowledge(ticket: TicketName, by: By = None, version: Seen = None, json: bool = context.JSON_OPTION) -> None:
    """Say that somebody is looking after the ticket (签收)."""
    _move(ticket, "acknowledged", by, "", version, json)


def _step(status: Status, what_for: str) -> Callable[..., None]:
    """The command that takes a ticket one step on; why may be said."""

    def step(
        ticket: TicketName,
        reason: SomeReason = "",
        by: By = None,
        version: Seen = None,
        json: bool = context.JSON_OPTION,
    ) -> None:
        _move(ticket, status, by, reason, version, json)

    step.__doc__ = what_for
    return step


def _end(status: Status, what_for: str) -> Callable[..., None]:
    """The command that ends a ticket, which needs a reason."""

    def end(
        ticket: TicketName,
        reason: Reason,
        by: By = None,
        version: Seen = None,
        json: bool = context.JSON_OPTION,
    ) -> None:
        _move(ticket, status, by, reason, version, json)

    end.__doc__ = what_for
    return end


def responded(
    ticket: TicketName,
    text: Annotated[str | None, typer.Option(help="The response as it was published: it is evaluated at once.")] = None,
    file: Annotated[Path | None, typer.Option(help="A UTF-8 file that holds it.")] = None,
    reason: SomeReason = "",
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Say that the response is published (已回应): its clocks stop. Its text is evaluated; without one, later:
    minsheng responses evaluate."""
    if text is not None or file is not None:
        _hand_over(ticket, text, file, by, version)
    _move(ticket, "responded", by, reason, None if text or file else version, json)


def _hand_over(ticket: str, text: str | None, file: Path | None, by: str | None, version: int | None) -> None:
    """Evaluate a response's text and keep it, before the ticket moves: so it is never lost between the two. Sent again
    with the same text it is not evaluated twice."""
    from alerts.responses.evaluation import ResponseBook
    from alerts.tickets import TicketBook
    from alerts.transitions import NEXT, changing
    from minsheng.cli.responses import evaluate_now, text_in

    if text is not None and file is not None:
        raise WrongUse("both --text and --file are given", "give one of them")
    store, clock, _ = _world()
    with changing(store, clock, ticket, actor=by or getpass.getuser(), version=version):
        pass  # who comes too late is told before anything is written
    found = TicketBook(store, clock).get(ticket)
    status = cast("Status", found.status)
    if "responded" not in NEXT[status]:
        possible = ", ".join(NEXT[status]) or "nothing, it has ended"
        raise WrongUse(
            Problem("ticket-step", number=found.number, status=status, to="responded"), f"possible: {possible}"
        )
    reply = text_in(file) if file is not None else text
    last = ResponseBook(store, clock).latest(found.number)
    if last is None or last.reply != reply:
        kept = evaluate_now(found.number, reply, None, [], actor=by)
        context.errors().print(f"response evaluated: {kept.grade} ({kept.score:.0%})", markup=False)


def reopen(
    ticket: TicketName,
    reason: Reason,
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Open an ended ticket again, with new clocks (重新开单)."""
    from alerts.casework import actions

    _told(actions.reopen(*_world(), ticket, actor=_who(by), reason=reason, version=version), json)


def set_level(
    ticket: TicketName,
    level: Annotated[str, typer.Argument(help="blue, yellow, orange or red.")],
    reason: Reason,
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Set the level by your own judgement, lower or higher (定级). The clocks become those of the level."""
    from typing import cast

    from alerts.casework import actions

    wanted = cast("Level", level)
    _told(actions.set_level(*_world(), ticket, wanted, actor=_who(by), reason=reason, version=version), json)


def transfer(
    ticket: TicketName,
    unit: Annotated[str, typer.Argument(help="The unit that is to deal with it from now on.")],
    reason: Reason,
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Hand the ticket over to another unit, which acknowledges it anew (转办). Its clocks go on."""
    from alerts.casework import actions

    _told(actions.transfer(*_world(), ticket, unit, actor=_who(by), reason=reason, version=version), json)


def pause(
    ticket: TicketName,
    reason: Reason,
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Let the ticket's clocks stand still (暂停计时). A rise of its level ends that."""
    from alerts.casework import actions

    store, clock, _ = _world()
    _told(actions.pause(store, clock, ticket, actor=_who(by), reason=reason, version=version), json)


def meet_clock(
    ticket: TicketName,
    kind: ClockKind,
    at: Annotated[
        str | None, typer.Option(help="When it was done: 2026-11-24T08:00, or an age such as 2h; default: now.")
    ] = None,
    note: Annotated[str, typer.Option(help="Where or how.")] = "",
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Say that what one clock asks for was done (时限事项办理完成): a press conference is not met by an answer."""
    from alerts.casework import clocks

    store, clock, _ = _world()
    done_at = parse_time(at) if at else None
    _told(clocks.meet_clock(store, clock, ticket, kind, actor=_who(by), at=done_at, note=note, version=version), json)


def waive_clock(
    ticket: TicketName, kind: ClockKind, reason: Reason, by: By = None, version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:  # fmt: skip
    """Say that what one clock asks for is not needed (时限事项不再需要): it counts as neither kept nor missed."""
    from alerts.casework import clocks

    store, clock, _ = _world()
    _told(clocks.waive_clock(store, clock, ticket, kind, actor=_who(by), reason=reason, version=version), json)


def resume(ticket: TicketName, by: By = None, version: Seen = None, json: bool = context.JSON_OPTION) -> None:
    """Let the ticket's clocks run again, each with the time it had left (恢复计时)."""
    from alerts.casework import actions

    _told(actions.resume(*_world(), ticket, actor=_who(by), version=version), json)


def comment(
    ticket: TicketName,
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Write a comment into the timeline (批注)."""
    from alerts.casework import actions

    store, clock, _ = _world()
    _told(actions.comment(store, clock, ticket, text, actor=_who(by)), json)


def add_task(
    ticket: TicketName,
    title: Annotated[str, typer.Argument(help="What is to be done.")],
    owner: Annotated[str, typer.Option(help="Who is to do it.")] = "",
    due: Due = None,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Add a task."""
    from alerts.casework import tasks

    store, clock, _ = _world()
    due_at = parse_due(due) if due else None
    _shown(tasks.add_task(store, clock, ticket, title, actor=_who(by), owner=owner, due_at=due_at), "任务已添加", json)


def finish_task(
    ticket: TicketName,
    number: TaskNumber,
    note: Annotated[str, typer.Option(help="What came of it.")] = "",
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Mark a task as done."""
    from alerts.casework import tasks

    store, clock, _ = _world()
    _shown(tasks.finish_task(store, clock, ticket, number, actor=_who(by), note=note), "任务已完成", json)


def change_task(
    ticket: TicketName,
    number: TaskNumber,
    owner: Annotated[str | None, typer.Option(help="Who is to do it from now on.")] = None,
    due: Due = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="It need not be done any more; needs --reason.")] = False,
    reason: SomeReason = "",
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Give a task to somebody else or another time, or cancel it. The plan it came from stays as it is."""
    from alerts.casework import tasks

    store, clock, _ = _world()
    changed = tasks.change_task(
        store, clock, ticket, number,
        actor=_who(by), owner=owner, due_at=parse_due(due) if due else None, cancel=cancel, reason=reason,
        version=version,
    )  # fmt: skip
    _shown(changed, "任务已变更", json)


def pass_down(
    ticket: TicketName,
    unit: Annotated[str, typer.Argument(help="The lower unit.")],
    demand: Annotated[str, typer.Argument(help="What it is to do.")],
    due: Due = None,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Ask a lower unit to do something and to report back (督办)."""
    from alerts.casework import assignments

    store, clock, _ = _world()
    due_at = parse_due(due) if due else None
    _shown(assignments.pass_down(store, clock, ticket, unit, demand, actor=_who(by), due_at=due_at), "督办已下达", json)


def report_back(
    ticket: TicketName,
    number: TaskNumber,
    text: Annotated[str, typer.Argument(help="What was done.")],
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Report on a task that was passed down (反馈)."""
    from alerts.casework import assignments

    store, clock, _ = _world()
    _shown(assignments.report_back(store, clock, ticket, number, text, actor=_who(by)), "已反馈", json)


def accept_report(ticket: TicketName, number: TaskNumber, by: By = None, json: bool = context.JSON_OPTION) -> None:
    """Accept a lower unit's report."""
    from alerts.casework import assignments

    store, clock, _ = _world()
    _shown(assignments.settle(store, clock, ticket, number, actor=_who(by), accepted=True), "反馈已通过", json)


def return_report(
    ticket: TicketName,
    number: TaskNumber,
    reason: Reason,
    due: Due = None,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Return a lower unit's report with what is missing."""
    from alerts.casework import assignments

    store, clock, _ = _world()
    due_at = parse_due(due) if due else None
    returned = assignments.settle(
        store, clock, ticket, number, actor=_who(by), accepted=False, reason=reason, due_at=due_at
    )
    _shown(returned, "反馈已退回", json)


def attach(
    ticket: TicketName,
    file: Annotated[Path, typer.Argument(help="The file; a copy of it is kept in the data folder.")],
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Attach a file."""
    from alerts.casework import attachments

    try:
        with file.open("rb") as opened:
            kept = attachments.attach(*_world(), ticket, opened, file.name, actor=_who(by))
    except OSError as error:
        raise WrongUse(Problem("file-unreadable", file=file, reason=error.strerror)) from error
    _shown(kept, f"附件已添加：{kept.name}", json)


def detach(
    ticket: TicketName,
    name: Annotated[str, typer.Argument(help="The attachment's name, or its whole hash.")],
    reason: Reason,
    by: By = None,
) -> None:
    """Show an attachment no longer; the timeline keeps its hash."""
    from alerts.casework import attachments

    store, clock, _ = _world()
    attachments.detach(store, clock, ticket, name, actor=_who(by), reason=reason)
    context.console().print("附件已移除")


def link(
    ticket: TicketName,
    kind: Annotated[str, typer.Argument(help="document, policy or page.")],
    target: Annotated[str, typer.Argument(help="The document's or policy's id, or the page's address.")],
    note: Annotated[str, typer.Option(help="What it is.")] = "",
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Let the ticket point at a document, a policy or a page."""
    from typing import cast

    from alerts.casework import links

    store, clock, _ = _world()
    found = links.link(store, clock, ticket, cast("links.LinkKind", kind), target, actor=_who(by), note=note)
    _shown(found, "材料已关联", json)


def unlink(
    ticket: TicketName,
    target: Annotated[str, typer.Argument(help="What it points at.")],
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Let the ticket point there no longer."""
    from alerts.casework import links

    store, clock, _ = _world()
    _shown(links.unlink(store, clock, ticket, target, actor=_who(by)), "关联已取消", json)


def relate(
    ticket: TicketName,
    other: Annotated[str, typer.Argument(help="The other ticket.")],
    reason: SomeReason = "",
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Say that two tickets belong together."""
    from alerts.casework import links

    store, clock, _ = _world()
    _shown(links.relate(store, clock, ticket, other, actor=_who(by), reason=reason), "工单已关联", json)


def sheet(
    ticket: TicketName,
    version: Annotated[int | None, typer.Option(help="Which version; default: the newest.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Print the research sheet (研判单) as TOML, to be edited and written again; before there is one, a beginning."""
    import tomlkit

    from alerts.casework import research

    store, clock, _ = _world()
    found = [one for one in research.sheets_of(store, ticket) if version is None or one.version == version]
    if version is not None and not found:
        raise WrongUse(f"the research sheet of {ticket} has no version {version}", "minsheng tickets show lists them")
    if json:
        context.print_json(found[-1] if found else research.start_sheet(store, clock, ticket))
        return
    content = found[-1].content if found else research.start_sheet(store, clock, ticket)
    document = tomlkit.document()
    if found:
        signed = f", signed by {found[-1].signed_by}" if found[-1].signed_by else ", draft"
        document.add(tomlkit.comment(f"version {found[-1].version} by {found[-1].written_by}{signed}"))
    for name, title in research.SECTIONS.items():
        value = getattr(content, name)
        document.add(tomlkit.comment(title))
        document.add(name, tomlkit.string(value, multiline="\n" in value) if isinstance(value, str) else list(value))
    typer.echo(tomlkit.dumps(document), nl=False)


def write_sheet(
    ticket: TicketName,
    file: Annotated[Path, typer.Argument(help="A TOML file as `sheet` prints it.")],
    based_on: Annotated[
        int | None,
        typer.Option(help="The version you worked on: refused if there is a newer one. Default: the newest."),
    ] = None,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Save a new version of the research sheet."""
    import tomllib

    import msgspec

    from alerts.casework import research

    try:
        content = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), research.Research)
    except OSError as error:
        raise WrongUse(Problem("file-unreadable", file=file, reason=error.strerror)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise WrongUse(f"{file}: {error}", f"see minsheng tickets sheet {ticket}") from None
    store, clock, _ = _world()
    if based_on is None:
        based_on = len(research.sheets_of(store, ticket))
    saved = research.write_sheet(store, clock, ticket, content, actor=_who(by), based_on=based_on)
    _shown(saved, f"研判单已保存，第 {saved.version} 版", json)


def sign_sheet(
    ticket: TicketName,
    version: Annotated[int, typer.Argument(help="The version that is signed: the newest.")],
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Sign the newest version of the research sheet (签发). It never changes from then on."""
    from alerts.casework import research

    store, clock, _ = _world()
    signed = research.sign_sheet(store, clock, ticket, version, actor=_who(by))
    _shown(signed, f"研判单已签发，第 {signed.version} 版，{signed.hash[:12]}", json)


def take_plan(
    ticket: TicketName,
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="The plan's id; default: the one that fits best as things stand.")
    ] = "",
    reason: SomeReason = "",
    by: By = None,
    version: Seen = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Put another plan into a ticket (更换预案), or the same one with the figures and the deadline of now.

    Another plan's steps become tasks, due from now on, in place of the old plan's that nobody has done.
    """
    from alerts.casework import plan as plans
    from alerts.planning.shelf import book_of
    from alerts.tickets import TicketBook
    from minsheng.policies import PolicyRegister

    store, clock, settings = _world()
    policy_id = TicketBook(store, clock).get(ticket).policy
    policy = PolicyRegister(store, clock).get(policy_id) if policy_id else None
    book = book_of(store, settings.path("plans"))
    taken = plans.take_plan(
        store, clock, settings, book, policy, ticket, plan, actor=_who(by), reason=reason, version=version
    )
    _told(taken, json)


def merge(
    ticket: TicketName,
    other: Annotated[str, typer.Argument(help="The other ticket.")],
    reason: Reason,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Make two tickets one (并案), and their events. The one that was opened first stays.

    A ticket for all that is said of a policy takes one of the same policy in, whichever was opened first.
    """
    from alerts.casework.merging import merge_with_policy
    from alerts.tickets import TicketBook

    store, clock, _ = _world()
    book = TicketBook(store, clock)
    one, two = book.get(ticket), book.get(other)
    for each in (one, two):
        if each.closed_at is not None:
            raise WrongUse(
                Problem("ticket-over", number=each.number), "only open tickets are merged; relate them instead"
            )
    if not merge_with_policy(store, clock, one, two, actor=_who(by), reason=reason):
        _with_events(lambda desk: desk.merge(one.event, two.event, by=_who(by), reason=reason))
    stays = next(found for found in (book.get(one.number), book.get(two.number)) if found.closed_at is None)
    _told(stays, json)


def split(
    ticket: TicketName,
    document: Annotated[list[str], typer.Argument(metavar="DOCUMENT...", help="Ids of documents of another matter.")],
    title: Annotated[str, typer.Option(help="The new ticket's title.")],
    reason: Reason,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Give some of a ticket's documents a ticket and an event of their own (分案)."""
    from alerts.casework.splitting import require_event, split_off
    from alerts.tickets import TicketBook
    from alerts.transitions import held

    store, clock, settings = _world()
    book = TicketBook(store, clock)
    old = book.get(ticket)
    require_event(old)
    made: list[str] = []

    def also(connection: sa.Connection, event: str, documents: Sequence[str]) -> None:
        change = held(store, connection, clock, old.number, actor=_who(by))
        made.append(split_off(change, event, documents, settings, title=title, reason=reason))

    _with_events(lambda desk: desk.split(old.event, document, by=_who(by), reason=reason, within=also))
    _told(book.get(made[0]), json)


_COMMANDS: dict[str, Callable[..., None]] = {
    "acknowledge": acknowledge,
    "judge": _step("judging", "Begin to research and judge the matter (研判)."),
    "respond": _step("responding", "Begin to deal with the matter (处置)."),
    "responded": responded,
    "evaluated": _step("evaluated", "Say that the response is evaluated (已评估)."),
    "close": _end("closed", "Close the ticket (办结). It reopens when its event flares up within `alert.reopen_days`."),
    "false-alarm": _end("false-alarm", "Declare the ticket a false alarm (误报). Rules are measured by these."),
    "reopen": reopen,
    "set-level": set_level,
    "transfer": transfer,
    "pause": pause,
    "resume": resume,
    "meet-clock": meet_clock,
    "waive-clock": waive_clock,
    "comment": comment,
    "add-task": add_task,
    "finish-task": finish_task,
    "change-task": change_task,
    "pass-down": pass_down,
    "report-back": report_back,
    "accept-report": accept_report,
    "return-report": return_report,
    "attach": attach,
    "detach": detach,
    "link": link,
    "unlink": unlink,
    "relate": relate,
    "sheet": sheet,
    "write-sheet": write_sheet,
    "sign-sheet": sign_sheet,
    "take-plan": take_plan,
    "merge": merge,
    "split": split,
}


def add_to(app: typer.Typer) -> None:
    """Make these commands of an application."""
    for name, command in _COMMANDS.items():
        app.command(name)(command)


def _world() -> tuple[Any, SystemClock, Any]:
    return context.store(), SystemClock(), context.settings()


def _who(by: str | None) -> str:
    return by or getpass.getuser()


def _move(ticket: str, status: Status, by: str | None, reason: str, version: int | None, json: bool) -> None:
    from alerts.tickets import TicketBook

    store, clock, _ = _world()
    moved = TicketBook(store, clock).move(ticket, status, actor=_who(by), reason=reason, version=version)
    _told(moved, json)


def _with_events(work: Any) -> None:
    """Do something with events, on the index and log of the settings."""
    from grouping.by_hand import EventDesk
    from minsheng.parts import open_index, open_log, topic_partitions

    store, clock, settings = _world()
    with closing(open_index(settings)) as index, closing(open_log(settings)) as log:
        log.ensure_topics(topic_partitions(settings))
        work(EventDesk(store, index, log, clock))


def _told(ticket: Ticket, json: bool) -> None:
    from alerts.levels import CHINESE
    from alerts.tickets import STATUS_WORDS

    if json:
        context.print_json(ticket)
        return
    words = f"{ticket.number} {STATUS_WORDS[ticket.status]} {CHINESE[ticket.level]} 版本 {ticket.version}"
    context.console().print(words, markup=False)


def _shown(found: Any, words: str, json: bool) -> None:
    if json:
        context.print_json(found)
    else:
        number = getattr(found, "number", None)
        context.console().print(f"{words}（{number}）" if number else words, markup=False, soft_wrap=True)
