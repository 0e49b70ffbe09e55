"""`minsheng briefing`: reports for leaders."""

from __future__ import annotations

import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.errors import MinshengError, WrongUse

app = typer.Typer(help="Reports for leaders.", no_args_is_help=True)


class Format(StrEnum):
    html = "html"
    json = "json"


@app.command()
def daily(
    date: Annotated[
        str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="China date; default: today.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="A page for people or JSON for programs.")] = Format.html,  # noqa: A002
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, - for standard output; default: in the data folder."),
    ] = None,
) -> None:
    """Make the daily briefing (舆情风险日报) of one day."""
    import msgspec

    from briefings.daily import daily_briefing
    from briefings.gather import gather
    from briefings.html import daily_html
    from minsheng.clock import CHINA, SystemClock
    from minsheng.parts import open_index, open_log
    from minsheng.policies import PolicyRegister

    settings = context.settings()
    clock = SystemClock()
    day = _day(date) if date else clock.now().astimezone(CHINA).date()
    store = context.store()
    index = open_index(settings)
    log = open_log(settings)
    try:
        index.ensure()
        briefing = daily_briefing(
            day,
            index=index,
            policies=PolicyRegister(store).all(),
            facts=gather(store, log, day, clock),
            unit=settings.briefing.unit,
            clock=clock,
            release_days=settings.alert.release_days,
        )
    finally:
        log.close()
        index.close()
        store.close()
    if format is Format.json:
        content = msgspec.json.format(msgspec.json.encode(briefing), indent=2)
    else:
        content = daily_html(briefing).encode()
    if output == Path("-"):
        typer.get_binary_stream("stdout").write(content)
        return
    target = output or settings.path("briefings") / f"daily-{day}.{format.value}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as error:
        raise MinshengError(f"{target} can't be written: {error.strerror}", "choose another file with -o") from error
    context.errors().print(f"written to {target}", markup=False, soft_wrap=True)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is no date", "write it as 2026-05-01") from None
