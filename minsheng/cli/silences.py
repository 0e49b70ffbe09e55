"""`minsheng silences`: hold notices on a matter back for a while."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.cli.times import parse_moment, parse_span
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.notify.silences import Silence, Silences

app = typer.Typer(help="Hold notices on a matter back for a while, with a reason.", no_args_is_help=True)


@app.command("add")
def add(
    reason: Annotated[str, typer.Option(help="Why; it is shown to everybody who asks why nothing came.")],
    until: Annotated[str, typer.Option(help="Until when: 2026-12-01T08:00.")] = "",
    for_: Annotated[str, typer.Option("--for", help="For how long instead: 90m, 2h, 3d.")] = "",
    since: Annotated[str, typer.Option(help="From when; default: now.")] = "",
    ticket: Annotated[str, typer.Option(help="About this ticket, by its number.")] = "",
    policy: Annotated[str, typer.Option(help="About this policy, by its id.")] = "",
    department: Annotated[str, typer.Option(help="About policies of this department.")] = "",
    level: Annotated[
        list[str] | None, typer.Option(help="Only of this level, may be given again; default: all but red.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Hold notices back. When it ends, what is then still open is told. Red is silenced only with --level red."""
    if bool(until) == bool(for_):
        raise WrongUse("a silence has one end", "give --until TIME or --for 2h")
    begin = parse_moment(since) if since else None
    end = parse_moment(until) if until else (begin or SystemClock().now()) + parse_span(for_)
    if policy:
        from minsheng.policies import PolicyRegister

        if policy not in {one.id for one in PolicyRegister(context.store()).all()}:
            raise WrongUse(f"there is no policy {policy}", "see minsheng policies list")
    done = _silences().add(
        until=end,
        since=begin,
        reason=reason,
        actor=getpass.getuser(),
        ticket=ticket,
        policy=policy,
        department=department,
        levels=level or (),
    )
    _show([done], json)


@app.command("list")
def list_silences(
    ended: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the silences that are in force or to come."""
    _show(_silences().list(ended=ended), json)


@app.command("end")
def end(
    silence: Annotated[int, typer.Argument(metavar="NUMBER", help="The silence's number.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """End a silence before its time."""
    _show([_silences().end(silence, actor=getpass.getuser())], json)


def _silences() -> Silences:
    from alerts.notify.silences import Silences

    return Silences(context.store(), SystemClock())


def _show(found: Sequence[Silence], json: bool) -> None:
    from alerts.levels import CHINESE

    if json:
        context.print_json(found)
        return
    rows = [
        (
            one.id,
            "、".join(part for part in (one.ticket, one.policy, one.department) if part),
            "、".join(CHINESE[level] for level in one.levels) or "红色以外",
            context.local_time(one.since),
            context.local_time(one.ended_at or one.until) + (f"（{one.ended_by} 提前结束）" if one.ended_at else ""),
            one.reason,
            one.actor,
        )
        for one in found
    ]
    context.print_table(f"静默 {len(rows)} 条", ("编号", "对象", "等级", "自", "至", "理由", "设置人"), rows)
