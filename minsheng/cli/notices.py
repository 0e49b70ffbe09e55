"""`minsheng notices`: what people were told, and why or why not."""

from __future__ import annotations

from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock

app = typer.Typer(help="What people were told, by what channel, and why or why not.", no_args_is_help=True)


@app.command("list")
def list_notices(
    ticket: Annotated[str, typer.Option(help="Only of this ticket.")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what has not got through yet.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """List messages, newest first: to whom, by what channel, sent, read and acknowledged when."""
    from alerts.notify.overview import messages

    found = messages(context.store(), ticket=ticket, waiting=waiting, limit=limit)
    if json:
        context.print_json(found)
        return
    rows = [
        (one.id, one.ticket or "—", one.subject, one.channel, one.name, context.local_time(one.created_at), one.state)
        for one in found
    ]
    context.print_table(f"通知 {len(rows)} 条", ("编号", "工单", "内容", "渠道", "对象", "产生时间", "状态"), rows)


@app.command("why")
def why(
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The ticket's number.")],
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="A person's id or name, or a channel's name; without: everybody.")
    ] = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Explain why somebody did, or did not, get the notices of a ticket."""
    from alerts.notify.scene import OUTCOMES, STAGES
    from alerts.notify.why import explain

    found = explain(context.store(), SystemClock(), ticket, person)
    if json:
        context.print_json(found)
        return
    screen = context.console()

    def line(text: str) -> None:
        screen.print(text, markup=False, soft_wrap=True)

    line(f"{found.ticket} 的通知" + (f"：{found.name}" if found.name else ""))
    if not found.notices:
        line("没有产生过通知（历史工单不发通知）。")
    for notice in found.notices:
        line(f"\n{context.local_time(notice.created_at)}  {notice.reason}  {notice.subject}")
        line(f"  {notice.summary if person else _count(len(notice.messages))}")
        for one in notice.decisions:
            who = f"（{one.receiver}）" if one.receiver and not person else ""
            line(
                f"  {context.local_time(one.at)}  {STAGES.get(one.stage, one.stage)}·"
                f"{OUTCOMES.get(one.outcome, one.outcome)}{who}：{one.why}"
            )
    for step in found.escalation:
        state = "已触发" if step.fired_at else f"已取消（{step.why}）" if step.cancelled_at else "待触发"
        line(f"\n升级链 {step.chain} 第 {step.step} 步：{context.local_time(step.due_at)} {state}")


def _count(messages: int) -> str:
    return f"共 {messages} 条消息"
