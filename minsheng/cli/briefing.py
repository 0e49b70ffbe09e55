"""`minsheng briefing`: reports for leaders."""

from __future__ import annotations

import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from briefings.spans import Kind
    from minsheng.road import Road

app = typer.Typer(help="Reports for leaders.", no_args_is_help=True)


class Format(StrEnum):
    html = "html"
    pdf = "pdf"
    docx = "docx"
    json = "json"


DateOption = Annotated[
    str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="China date that lies in it; default: today.")
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="A page, a PDF or Word document on A4, or JSON for programs.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write, - for standard output; default: in the data folder."),
]


@app.command()
def daily(date: DateOption = None, format: FormatOption = Format.html, output: OutputOption = None) -> None:  # noqa: A002
    """Make the daily briefing (舆情风险日报) of one day: two A4 pages at most."""
    _periodical("daily", date, format, output)


@app.command()
def weekly(date: DateOption = None, format: FormatOption = Format.html, output: OutputOption = None) -> None:  # noqa: A002
    """Make the briefing of a week from Monday (周报), against the four weeks before."""
    _periodical("weekly", date, format, output)


@app.command()
def monthly(date: DateOption = None, format: FormatOption = Format.html, output: OutputOption = None) -> None:  # noqa: A002
    """Make the briefing of a month (月报), against the three months before."""
    _periodical("monthly", date, format, output)


def _periodical(kind: Kind, date: str | None, format: Format, output: Path | None) -> None:  # noqa: A002
    from briefings.looks import Look
    from briefings.making import make, render, write

    road = _road()
    day = _day(road, date)
    try:
        if output == Path("-"):
            content = render(make(road, kind, day), format.value, look=Look.from_settings(road.settings))
            typer.get_binary_stream("stdout").write(content)
            return
        target = write(road, kind, day, format.value, output)
    finally:
        road.close()
    context.errors().print(f"written to {target}", markup=False, soft_wrap=True)


def _road() -> Road:
    from minsheng.clock import SystemClock
    from minsheng.road import Road
    from minsheng.store.migrate import migrate

    road = Road(context.settings(), SystemClock())
    try:
        migrate(road.store)
        road.index.ensure()
    except BaseException:
        road.close()
        raise
    return road


def _day(road: Road, text: str | None) -> datetime.date:
    from minsheng.clock import CHINA

    if text is None:
        return road.clock.now().astimezone(CHINA).date()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is no date", "write it as 2026-05-01") from None
