"""`minsheng tickets`: risk tickets, with why, plan, clocks and what happened."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minsheng.cli import casework, context
from minsheng.clock import CHINA, SystemClock
from minsheng.errors import Unavailable, WrongUse
from minsheng.exercises import MARK
from minsheng.problems import Problem

if TYPE_CHECKING:
    from alerts.tickets import Ticket, TicketBook, TicketLine, TimelineEvent
    from alerts.timeline import Chain
    from minsheng.records import Grouped

app = typer.Typer(help="Risk tickets: why, plan, clocks, and what was done.", no_args_is_help=True)

_POSTS = 20
TicketName = Annotated[str, typer.Argument(metavar="TICKET", help="The ticket's number, e.g. T20261124-001, or id.")]


@app.command("list")
def list_tickets(
    status: Annotated[
        str | None,
        typer.Option(help="A status, e.g. open or responding; or unclosed for all that have not ended."),
    ] = None,
    level: Annotated[str | None, typer.Option(help="blue, yellow, orange or red.")] = None,
    policy: Annotated[str | None, typer.Option(help="Policy id.")] = None,
    unit: Annotated[str | None, typer.Option(help="The unit that is to deal with it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 100,
    json: bool = context.JSON_OPTION,
) -> None:
    """List tickets, newest first."""
    from alerts.levels import CHINESE, LEVELS
    from alerts.tickets import STATUS_WORDS, STATUSES

    _one_of("status", status, (*STATUSES, "unclosed"))
    _one_of("level", level, LEVELS[1:])
    book = _book()
    found = book.list(status=status, level=level, policy=policy, unit=unit, limit=limit)
    if json:
        context.print_json(book.whole(found))  # what programs were once promised stays
        return
    context.print_table(
        f"工单 {len(found)} 件",
        ("编号", "等级", "状态", "事件", "触发时间", "最近时限"),
        [
            (
                ticket.number,
                CHINESE[ticket.level] + ("（历史）" if ticket.historical else "（演练）" if ticket.exercise else ""),
                STATUS_WORDS[ticket.status],
                ticket.title,
                _time(ticket.opened_at),
                _next_deadline(ticket),
            )
            for ticket in found
        ],
    )


@app.command("show")
def show_ticket(ticket: TicketName, json: bool = context.JSON_OPTION) -> None:
    """Show one ticket: why, with its parts and the posts behind them, plan, clocks and timeline."""
    book = _book()
    found = book.get(ticket)
    timeline = book.timeline(found.id)
    posts = _posts(found)
    work = _casework(found.number)
    if found.exercise:
        from alerts.drills.book import DrillBook

        DrillBook(context.store(), SystemClock()).note_plan_opened(found.event, actor=getpass.getuser())
    if json:
        context.print_json(
            {
                **{name: getattr(found, name) for name in found.__struct_fields__},
                **work,
                "timeline": timeline,
                "posts": [_plain_post(post) for post in posts],
            }
        )
        return
    _print(found, timeline, posts, work)


def _casework(number: str) -> dict[str, Any]:
    """What officers have added to the ticket."""
    from alerts.casework.assignments import assignments_of
    from alerts.casework.attachments import attachments_of
    from alerts.casework.links import links_of, related_to
    from alerts.casework.research import sheets_of
    from alerts.casework.tasks import tasks_of

    store = context.store()
    return {
        "tasks": tasks_of(store, number),
        "assignments": assignments_of(store, number),
        "sheets": sheets_of(store, number),
        "attachments": attachments_of(store, number),
        "links": links_of(store, number),
        "related": related_to(store, number),
    }


@app.command("verify")
def verify(
    ticket: Annotated[
        str | None, typer.Argument(metavar="TICKET", help="The ticket's number; default: all.", show_default=False)
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="What an earlier verify --json printed: nothing of it may be gone.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Check that no timeline was changed after it was written. Exit code 1 where one was.

    Keep what --json prints where the database's administrators can't write; compared with it later (--against), even a
    timeline that was made anew as a whole shows.
    """
    from alerts import timeline

    store = context.store()
    found = timeline.verify(store, _book().get(ticket).number if ticket else None)
    differences = timeline.differences(found, _kept(against), store) if against is not None else []
    broken = [chain for chain in found if chain.problems]
    if json:
        context.print_json(found)
    for line in (*(f"{chain.ticket}: {problem}" for chain in broken for problem in chain.problems), *differences):
        context.errors().print(line, markup=False, soft_wrap=True)
    if not json:
        lines = sum(chain.length for chain in found)
        context.console().print(f"{len(found)} timelines with {lines} lines, {len(broken)} of them changed")
    if broken or differences:
        raise typer.Exit(1)


def _kept(path: Path) -> list[Chain]:
    import msgspec

    from alerts.timeline import Chain

    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Chain])
    except OSError as error:
        raise WrongUse(Problem("file-unreadable", file=path, reason=error.strerror)) from error
    except msgspec.DecodeError as error:
        raise WrongUse(f"{path} is not what verify --json prints: {error}") from None


def _book() -> TicketBook:
    from alerts.tickets import TicketBook

    return TicketBook(context.store(), SystemClock())


def _one_of(option: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise WrongUse(f"--{option} {value} is not known", f"use one of {', '.join(choices)}")


def _posts(ticket: Ticket) -> list[Grouped]:
    """The documents behind the ticket as the index has them, newest first; none where the index is away."""
    from minsheng.parts import open_index

    index = open_index(context.settings())
    try:
        found = index.get(ticket.documents[:_POSTS])
    except Unavailable as error:
        context.errors().print(f"warning: {error}", markup=False, soft_wrap=True)
        return []
    finally:
        index.close()
    return sorted(found.values(), key=lambda record: record.document.published_at, reverse=True)


def _plain_post(record: Grouped) -> dict[str, Any]:
    from alerts.observations import headline

    document = record.document
    return {
        "id": document.id,
        "source": document.source,
        "native_id": document.native_id,
        "title": headline(document),
        "url": document.url,
        "published_at": document.published_at,
        "sentiment": record.assessed.sentiment.label,
    }


def _print(ticket: Ticket, timeline: Sequence[TimelineEvent], posts: list[Grouped], work: dict[str, Any]) -> None:
    from alerts.levels import CHINESE
    from alerts.risk_kind import CHINESE as KINDS
    from alerts.tickets import STATUS_WORDS

    console = context.console()

    def line(text: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True)

    old = "（历史，不发通知）" if ticket.historical else ""
    drill = MARK if ticket.exercise else ""
    line(f"{drill}{ticket.number}  {CHINESE[ticket.level]}{old}  {STATUS_WORDS[ticket.status]}  版本 {ticket.version}")
    line(ticket.title)
    line(f"研判理由：{ticket.why}")
    line(f"风险类型：{KINDS[ticket.risk_kind]}  当前风险：{CHINESE[ticket.current_level]}")
    if ticket.unit:
        line(f"责任单位：{ticket.unit}")
    line(f"触发时间：{_time(ticket.opened_at)}  建单时间：{_time(ticket.created_at)}  事件：{ticket.event}")
    context.print_table(
        f"风险构成（综合 {ticket.score:.2f}）",
        ("指标", "得分", "权重", "依据"),
        [(part["title"], f"{part['score']:.2f}", f"{part['weight']:.2f}", part["value"]) for part in ticket.parts],
    )
    context.print_table(
        f"相关信息 {len(ticket.documents)} 条" + (f"，列出 {len(posts)} 条" if posts else ""),
        ("时间", "来源", "标题", "编号"),
        [
            (_time(post["published_at"]), post["source"], post["title"], post["native_id"] or post["id"])
            for post in map(_plain_post, posts)
        ],
    )
    _print_plan(ticket.plan, line)
    for clock in ticket.deadlines:
        line(f"时限　{clock.name}：{_time(clock.due_at)}{_clock_state(clock)}")
    _print_work(work, line)
    line()
    for event in timeline:
        line(f"{_time(event.at)}  {_event_words(event)}")


def _print_plan(plan: dict[str, Any] | None, line: Any) -> None:
    if plan is None:
        line("预案：无匹配预案")
        return
    line()
    filled = f"，按 {_time(datetime.fromisoformat(plan['filled_at']))} 的情况填写" if plan.get("filled_at") else ""
    line(f"预案：{plan['title']}（{plan['id']} 第 {plan['version']} 版{filled}）")
    for number, point in enumerate(plan["judgement"], 1):
        line(f"  研判要点 {number}：{point}")
    for number, step in enumerate(plan["steps"], 1):
        minutes = step["within_minutes"]
        within = f"（{minutes} 分钟内）" if minutes else ""
        who = f" {step['who']}：" if step["who"] else " "
        line(f"  步骤 {number}{within}{who}{step['title']}")
    for do_not in plan["do_nots"]:
        line(f"  禁止事项：{do_not}")
    if plan["statements"]["holding"]:
        line(f"  首次回应稿：\n{plan['statements']['holding'].strip()}")
    line()


def _print_work(work: dict[str, Any], line: Any) -> None:
    from alerts.casework.assignments import STATE_WORDS

    for task in work["tasks"]:
        state = "已完成" if task.done_at else "已取消" if task.cancelled_at else "已超时" if task.overdue_at else "待办"
        due = f"，{_time(task.due_at)} 前" if task.due_at else ""
        line(f"任务 {task.number}［{state}］{task.owner or '未指定'}：{task.title}{due}")
    for one in work["assignments"]:
        due = f"，{_time(one.due_at)} 前" if one.due_at else ""
        line(f"督办 {one.number}［{STATE_WORDS[one.state]}］{one.unit}：{one.demand}{due}")
    for sheet in work["sheets"]:
        signed = f"{sheet.signed_by} {_time(sheet.signed_at)} 签发" if sheet.signed_by else "草稿"
        line(f"研判单 第 {sheet.version} 版（{sheet.written_by}，{signed}）{'' if sheet.intact else '【内容被改动】'}")
    for file in work["attachments"]:
        line(f"附件 {file.name}（{file.size:,} 字节，{file.hash[:12]}）")
    for link in work["links"]:
        line(f"材料 {link.kind}：{link.target} {link.note}".rstrip())
    for other in work["related"]:
        line(f"关联工单 {other.ticket} {other.title}")


def _clock_state(clock: Any) -> str:
    if clock.met_at is not None:
        return f"（{_time(clock.met_at)} {'超时' if clock.met_at > clock.due_at else '按时'}完成）"
    if clock.cancelled_at is not None:
        return "（等级变化后不再适用）" if clock.replaced else "（未办，已终止）"
    if clock.paused_at is not None:
        return "（暂停）"
    return "（已触发）" if clock.fired_at is not None else ""


def _next_deadline(ticket: TicketLine) -> str:
    for clock in ticket.deadlines:
        if not clock.is_warning and clock.fired_at is None and clock.waiting:
            paused = "（暂停）" if clock.paused_at else ""
            return f"{_time(clock.due_at)} {clock.name}{paused}"
    return ""


def _event_words(event: TimelineEvent) -> str:
    from alerts.timeline import SYSTEM, TITLES
    from alerts.timeline_words import words_of

    who = "" if event.actor == SYSTEM else f"（{event.actor}）"
    return f"{TITLES.get(event.kind, event.kind)}{who}　{words_of(event.kind, event.detail)}".rstrip("　")


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M}"


casework.add_to(app)
