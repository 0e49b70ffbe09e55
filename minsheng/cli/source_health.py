"""`minsheng sources list`, `show`, `coverage`, `tickets`, `metrics`, `reset`: how the sources do; `pause`, `resume` and
`remove`: what is done about it."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context, sources
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from crawlers.health import SourceState
    from crawlers.source_keeping import SourceKeeper

app = sources.app

BARS = "▁▂▃▄▅▆▇█"


@app.command("list")
def list_sources(json: bool = context.JSON_OPTION) -> None:
    """List the sources: how each is doing, since when, and what it brought in the last 24 hours."""
    from crawlers.states import WORDS

    found, broken = _states()
    if json:
        context.print_json({"sources": found, "left_out": broken})
        return
    context.print_table(
        f"{len(found)} sources, {sum(state.state == 'well' for state in found)} well",
        ("id", "kind", "state", "since", "last 24 hours", "new (usual)", "last ok", "error"),
        [
            (
                state.id,
                state.kind,
                f"{state.state} {WORDS[state.state]}",
                context.local_time(state.since)[5:],
                sparkline(state.hours),
                _new(state),
                context.local_time(state.last_ok_at)[5:],
                state.last_error if state.state not in ("well", "off") else "",
            )
            for state in found
        ],
    )


@app.command()
def show(
    source: Annotated[str, typer.Argument(metavar="ID", help="The source.")], json: bool = context.JSON_OPTION
) -> None:
    """Show how one source is doing, the last good sample, and what to do."""
    from crawlers.sources import nearest
    from crawlers.states import WORDS

    found = {state.id: state for state in _states()[0]}
    if source not in found:
        raise WrongUse(f"there is no source '{source}'", nearest(source, list(found)) if found else "")
    state = found[source]
    if json:
        context.print_json(state)
        return
    sample = state.sample or {}
    rows = [
        ("信源", f"{state.name or state.id}（{state.kind}）"),
        ("网址", state.url),
        ("状态", WORDS[state.state] + (f"，自{context.local_time(state.since)}" if state.since else "")),
        ("近24小时", f"{sparkline(state.hours)}  {_new(state)}"),
        ("上次成功", context.local_time(state.last_ok_at)),
        ("上次有新内容", context.local_time(state.last_item_at)),
        ("最近一篇", f"{sample.get('title', '')} {sample.get('url') or ''}".strip()),
        ("下次采集", context.local_time(state.next_run_at)),
        *_push(state),
        ("最近的错误", _last_error(state)),
        ("怎么办", state.advice),
    ]
    context.print_table(state.id, ("", ""), rows)


def _last_error(state: SourceState) -> str:
    if state.last_error_at is None:
        return ""
    from crawlers.error_words import in_chinese

    return f"{context.local_time(state.last_error_at)} {in_chinese(state.last_error) or '（其后已恢复）'}"


@app.command("coverage")
def show_coverage(
    until: Annotated[
        str | None, typer.Option(help="End of the time: 2026-11-24T08:00, or 2h ago; default: now.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.1, help="Length of the time.")] = 1.0,
    json: bool = context.JSON_OPTION,
) -> None:
    """Say which sources were seen in a window of time, and which were not: quiet or blind?"""
    from datetime import timedelta

    from crawlers.health import coverage
    from minsheng.cli.times import parse_time
    from minsheng.clock import SystemClock

    clock = SystemClock()
    end = parse_time(until) if until else clock.now()
    found = coverage(context.store(), clock, end - timedelta(hours=hours), end)
    if json:
        context.print_json({"sentence": found.sentence(), "coverage": found})
    else:
        context.console().print(found.sentence(most=1000), markup=False, soft_wrap=True)


@app.command("tickets")
def list_tickets(
    closed: Annotated[bool, typer.Option("--closed", help="Those that are settled.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List operators' tickets: what is broken at which source, once for as long as it lasts, and what to do."""
    from crawlers.operator_tickets import tickets

    found = tickets(context.store(), closed=closed)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{len(found)} {'closed' if closed else 'open'} tickets",
        ("number", "source", "title", "since", "error", "what to do"),
        [(t.id, t.subject, t.title, context.local_time(t.opened_at), t.detail, t.advice) for t in found],
    )


@app.command()
def metrics() -> None:
    """Print how the sources do in Prometheus' text format, as the endpoint of `metrics.listen` serves it."""
    from minsheng.clock import SystemClock
    from minsheng.metrics import text

    context.console().print(text(context.store(), SystemClock()), markup=False, soft_wrap=True, end="")


@app.command()
def reset(source: Annotated[str, typer.Argument(metavar="ID", help="The source.")]) -> None:
    """Forget what was learned of a source, its rhythm and its documents' fields: after a change that is meant."""
    from crawlers.recording import forget
    from crawlers.sources import nearest
    from minsheng.clock import SystemClock

    known = [state.id for state in _states()[0]]
    if source not in known:
        raise WrongUse(f"there is no source '{source}'", nearest(source, known) if known else "")
    forget(context.store(), source, SystemClock().now())
    context.console().print(f"{source}: what was learned is forgotten", markup=False, soft_wrap=True)


REASON = Annotated[str, typer.Option(help="Why; it is shown with the source.")]
BY = Annotated[str | None, typer.Option("--by", help="Who decided it; default: who is signed in at the terminal.")]


@app.command()
def pause(
    source: Annotated[str, typer.Argument(metavar="ID", help="The source.")], reason: REASON, by: BY = None
) -> None:
    """Stop a source (停用): it is not crawled until `resume`, and not counted as unseen. What it brought stays."""
    _switch(source, reason, by, enabled=False)


@app.command()
def resume(
    source: Annotated[str, typer.Argument(metavar="ID", help="The source.")], reason: REASON, by: BY = None
) -> None:
    """Let a source that was stopped go on (启用): it is crawled at once."""
    _switch(source, reason, by, enabled=True)


@app.command()
def remove(
    source: Annotated[str, typer.Argument(metavar="ID", help="The source.")], reason: REASON, by: BY = None
) -> None:
    """Take a source away (移除). Its documents stay; a file of its own goes to the folder `removed` beside it."""
    from crawlers.source_keeping import REMOVED, mark

    keeper, known = _keeper(), sources.known(source)
    file = keeper.file_of(source)
    keeper.remove(source, seen=mark(known), actor=by or _who(), reason=reason)
    _audit(by or _who(), "source-removed", source, reason)
    kept = f"; its file is in {file.parent / REMOVED}" if file is not None else ""
    context.console().print(f"{source}: removed{kept}", markup=False, soft_wrap=True)


def _switch(source: str, reason: str, by: str | None, *, enabled: bool) -> None:
    from crawlers.source_keeping import mark

    known = sources.known(source)
    if not _keeper().switch(source, enabled=enabled, seen=mark(known), actor=by or _who(), reason=reason):
        context.console().print(f"{source}: it is {'on' if enabled else 'off'} already", markup=False, soft_wrap=True)
        return
    _audit(by or _who(), "source-resumed" if enabled else "source-paused", source, reason)
    words = "it is crawled at once" if enabled else "off"
    context.console().print(f"{source}: {words}", markup=False, soft_wrap=True)


def _keeper() -> SourceKeeper:
    from crawlers.source_keeping import SourceKeeper
    from crawlers.sources import FOLDER
    from minsheng.clock import SystemClock

    return SourceKeeper(context.store(), context.settings().path(FOLDER), SystemClock())


def _who() -> str:
    return f"terminal:{getpass.getuser()}"


def _audit(actor: str, action: str, source: str, reason: str) -> None:
    from console.audit import AuditLog
    from minsheng.clock import SystemClock

    AuditLog(context.store(), SystemClock()).add(actor, action, source, detail={"reason": reason})


def sparkline(hours: Sequence[int | None]) -> str:
    """One sign an hour: higher for more new documents, `·` where the source did not answer.

    Examples
    --------
    >>> sparkline([0, 1, 4, None, 8])
    '▁▂▅·█'
    """
    most = max((new for new in hours if new), default=1)
    return "".join("·" if new is None else BARS[-(-new * (len(BARS) - 1) // most)] for new in hours)


def _push(state: SourceState) -> list[tuple[str, str]]:
    """How its hub tells of news; nothing where there is none."""
    from crawlers.sources import period
    from crawlers.websub.subscriptions import WORDS

    if not state.push:
        return []
    words = WORDS[state.push]
    if state.push == "active":
        words += f"，改为每{period(state.pause)}采集一次"
    if state.pushed_at is not None:
        words += f"，上次推送{context.local_time(state.pushed_at)}"
    return [("推送", f"{words}（{state.push_hub}）"), *([("推送的错误", state.push_error)] if state.push_error else [])]


def _new(state: SourceState) -> str:
    total = sum(new for new in state.hours if new)
    usual = state.expected
    return f"{total} ({usual.low}–{usual.high})" if usual is not None else str(total)


def _states() -> tuple[list[SourceState], list[str]]:
    from crawlers.health import states
    from crawlers.sources import FOLDER, sync_folder
    from minsheng.clock import SystemClock

    store = context.store()
    broken = [str(error) for error in sync_folder(store, context.settings().path(FOLDER))]
    for error in broken:
        context.errors().print(f"left out: {error}", markup=False, soft_wrap=True)
    return states(store, SystemClock()), broken
