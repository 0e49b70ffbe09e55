"""`minsheng briefing`: reports for leaders."""

from __future__ import annotations

import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse

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
    from briefings.making import make_daily, render, write_daily
    from minsheng.clock import CHINA, SystemClock
    from minsheng.road import Road
    from minsheng.store.migrate import migrate

    road = Road(context.settings(), SystemClock())
    day = _day(date) if date else road.clock.now().astimezone(CHINA).date()
    try:
        migrate(road.store)
        road.index.ensure()
        if output == Path("-"):
            typer.get_binary_stream("stdout").write(render(make_daily(road, day), format.value))
            return
        target = write_daily(road, day, format.value, output)
    finally:
        road.close()
    context.errors().print(f"written to {target}", markup=False, soft_wrap=True)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is no date", "write it as 2026-05-01") from None
