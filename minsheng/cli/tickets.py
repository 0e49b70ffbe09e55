"""`minsheng tickets`: risk tickets, with why, plan, clocks and what happened."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minsheng.cli import context
from minsheng.clock import CHINA, SystemClock
from minsheng.errors import Unavailable, WrongUse

if TYPE_CHECKING:
    from alerts.tickets import Ticket, TicketBook, TimelineEvent
    from minsheng.records import Grouped

app = typer.Typer(help="Risk tickets: why, plan, clocks, and what was done.", no_args_is_help=True)

_POSTS = 20
TicketName = Annotated[str, typer.Argument(metavar="TICKET", help="The ticket's number, e.g. T20261124-001, or id.")]


@app.command("list")
def list_tickets(
    status: Annotated[
        str | None,
        typer.Option(help="open, acknowledged, responding, responded, closed, or unclosed for all but closed."),
    ] = None,
    level: Annotated[str | None, typer.Option(help="blue, yellow, orange or red.")] = None,
    policy: Annotated[str | None, typer.Option(help="Policy id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 100,
    json: bool = context.JSON_OPTION,
) -> None:
    """List tickets, newest first."""
    from alerts.levels import CHINESE, LEVELS
    from alerts.tickets import STATUS_WORDS, STATUSES

    _one_of("status", status, (*STATUSES, "unclosed"))
    _one_of("level", level, LEVELS[1:])
    found = _book().list(status=status, level=level, policy=policy, limit=limit)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"工单 {len(found)} 件",
        ("编号", "等级", "状态", "事件", "触发时间", "最近时限"),
        [
            (
                ticket.number,
                CHINESE[ticket.level] + ("（历史）" if ticket.historical else ""),
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
    if json:
        context.print_json(
            {
                **{name: getattr(found, name) for name in found.__struct_fields__},
                "timeline": timeline,
                "posts": [_plain_post(post) for post in posts],
            }
        )
        return
    _print(found, timeline, posts)


@app.command("acknowledge")
def acknowledge(ticket: TicketName, json: bool = context.JSON_OPTION) -> None:
    """Say that somebody is looking after the ticket."""
    _moved(_book().move(ticket, "acknowledged", actor=getpass.getuser()), json)


@app.command("close")
def close(
    ticket: TicketName,
    reason: Annotated[str, typer.Option(help="Why it is closed; kept in the timeline.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Close the ticket. Its event can open another one with what is published from now on."""
    _moved(_book().move(ticket, "closed", actor=getpass.getuser(), reason=reason), json)


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


def _moved(ticket: Ticket, json: bool) -> None:
    from alerts.tickets import STATUS_WORDS

    if json:
        context.print_json(ticket)
    else:
        words = STATUS_WORDS[ticket.status]
        context.console().print(f"{ticket.number} {words}", markup=False)


def _print(ticket: Ticket, timeline: Sequence[TimelineEvent], posts: list[Grouped]) -> None:
    from alerts.levels import CHINESE
    from alerts.risk_kind import CHINESE as KINDS
    from alerts.tickets import STATUS_WORDS

    console = context.console()

    def line(text: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True)

    old = "（历史，不发通知）" if ticket.historical else ""
    line(f"{ticket.number}  {CHINESE[ticket.level]}{old}  {STATUS_WORDS[ticket.status]}")
    line(ticket.title)
    line(f"研判理由：{ticket.why}")
    line(f"风险类型：{KINDS[ticket.risk_kind]}  当前风险：{CHINESE[ticket.current_level]}")
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
        line(f"时限　{_deadline_words(clock.kind)}：{_time(clock.due_at)}{_clock_state(clock)}")
    line()
    for event in timeline:
        line(f"{_time(event.at)}  {_event_words(event)}")


def _print_plan(plan: dict[str, Any] | None, line: Any) -> None:
    if plan is None:
        line("预案：无匹配预案")
        return
    line()
    line(f"预案：{plan['title']}（{plan['id']} 第 {plan['version']} 版）")
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


def _deadline_words(kind: str) -> str:
    from alerts.deadlines import TITLES, WARNING

    title = TITLES[kind.removesuffix(WARNING)]
    return f"{title}（预警）" if kind.endswith(WARNING) else title


def _clock_state(clock: Any) -> str:
    if clock.cancelled_at is not None:
        return "（已取消）"
    return "（已触发）" if clock.fired_at is not None else ""


def _next_deadline(ticket: Ticket) -> str:
    from alerts.deadlines import WARNING

    for clock in ticket.deadlines:
        if not clock.kind.endswith(WARNING) and clock.fired_at is None and clock.cancelled_at is None:
            return f"{_time(clock.due_at)} {_deadline_words(clock.kind)}"
    return ""


def _event_words(event: TimelineEvent) -> str:
    from alerts.timeline import SYSTEM, TITLES

    detail = "，".join(f"{name}={value}" for name, value in event.detail.items() if name != "document")
    who = "" if event.actor == SYSTEM else f"（{event.actor}）"
    return f"{TITLES.get(event.kind, event.kind)}{who} {detail}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M}"
