"""`minsheng channels`: the ways by which notices go out, how they do, and a test message."""

from __future__ import annotations

from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock
from minsheng.errors import MinshengError, WrongUse

app = typer.Typer(help="The channels of notices: how they do, and a test message.", no_args_is_help=True)


@app.command("list")
def list_channels(json: bool = context.JSON_OPTION) -> None:
    """List the channels of the settings: their levels, budget, when each last worked, what went wrong."""
    from alerts.levels import SHORT
    from alerts.notify.overview import channels

    found = channels(context.store(), context.settings(), SystemClock())
    if json:
        context.print_json(found)
        return
    rows = [
        (
            one.name,
            one.kind + ("（发给个人）" if one.personal else ""),
            "、".join(SHORT[level].removesuffix("预警") for level in one.levels) or "仅运维",
            one.waiting,
            context.local_time(one.last_ok_at) or "—",
            one.state_words,
        )
        for one in found
    ]
    context.print_table(f"渠道 {len(rows)} 个", ("名称", "类型", "等级", "待发", "上次成功", "状态"), rows)


@app.command("test")
def test(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The channel's name in the settings.")],
    person: Annotated[str, typer.Option(help="To this person of the duty book.")] = "",
    to: Annotated[str, typer.Option(help="To this address or number instead.")] = "",
) -> None:
    """Send a test message by one channel, and say what the other side answered. Nothing else changes."""
    from alerts.notify.testing import send_test

    if person and to:
        raise WrongUse("one receiver at a time", "give --person or --to")
    done = send_test(context.store(), context.settings(), SystemClock(), name, person=person, to=to)
    if not done.ok:
        raise MinshengError(f"channel {name}: {done.error}", "check its settings; docs/how-to/add-a-notifier.md")
    context.console().print(f"渠道 {name} 已确认收到测试消息（{done.seconds:.1f} 秒）", markup=False)
