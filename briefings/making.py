"""Makes a briefing from the parts of a road, and writes it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from briefings.gather import gather_between
from briefings.head import Head
from briefings.html import page_of
from briefings.kept import Kept
from briefings.looks import Look
from briefings.model import Figures
from briefings.period import period_figures
from briefings.periodical import periodical
from briefings.report import PUBLIC, Report
from briefings.shelf import BriefingShelf
from briefings.spans import Kind, span
from minsheng.clock import Clock
from minsheng.errors import MinshengError
from minsheng.policies import PolicyRegister
from minsheng.settings import Settings
from minsheng.store import Store
from search.index import Index
from stream.log import Log

Format = Literal["html", "pdf", "docx", "json"]


class Parts(Protocol):
    """What briefings are made from: a road, or the console."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> Store: ...
    @property
    def index(self) -> Index: ...
    @property
    def log(self) -> Log: ...
    @property
    def clock(self) -> Clock: ...


def make_figures(road: Parts, kind: Kind, day: date) -> Figures:
    """The figures of the day, week or month that a day lies in, China time.

    Raises `Unavailable` where index, store or log can't be reached, and `WrongUse` for a day to come.
    """
    period = span(kind, day)
    return period_figures(
        period,
        index=road.index,
        policies=PolicyRegister(road.store).all(),
        facts=gather_between(road.store, road.log, period.since, period.end, road.clock, road.settings.path("plans")),
        unit=road.settings.briefing.unit,
        clock=road.clock,
        release_days=road.settings.alert.release_days,
    )


def make(road: Parts, kind: Kind, day: date) -> Report:
    """The briefing of the day, week or month that a day lies in; errors as of `make_figures`."""
    return periodical(make_figures(road, kind, day))


def make_and_keep(road: Parts, kind: Kind, day: date, *, actor: str, unless_there: bool = False) -> Kept:
    """Make a briefing and keep it as a draft, with the look of this moment; errors as of `make_figures`.

    Parameters
    ----------
    unless_there:
        Give back the one that is kept already, where there is one that is not withdrawn.
    """
    report = make(road, kind, day)
    shelf = BriefingShelf(road.store, road.settings, road.clock)
    look = Look.from_settings(road.settings)
    return shelf.keep(report, look, code=span(kind, day).code, actor=actor, unless_there=unless_there)


def render(report: Report, format: Format, head: Head | None = None, look: Look | None = None) -> bytes:  # noqa: A002
    """The briefing as a page, a PDF, a Word document, or JSON for programs.

    Raises
    ------
    WrongUse
        Where a template has a mistake.
    MinshengError
        Where this machine lacks what a PDF needs.
    """
    report = report.outward()
    if head is None and report.kind in PUBLIC:
        head = Head(mark="")
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(report), indent=2)
    # Layout is loaded where it is wanted: the console and the alarms must not wait for it.
    if format == "pdf":
        from briefings.pdf import pdf_of

        return pdf_of(report, head, look)
    if format == "docx":
        from briefings.docx import docx_of

        return docx_of(report, head, look)
    return page_of(report, head, look).encode()


def write(
    road: Parts,
    kind: Kind,
    day: date,
    format: Format = "html",  # noqa: A002
    target: Path | None = None,
) -> Path:
    """Make a briefing and write it to `target`, by default into the data folder. Returns where it lies.

    Raises
    ------
    Unavailable
        Where index, store or log can't be reached.
    MinshengError
        Where the file can't be written, or as `render`.
    """
    content = render(make(road, kind, day), format, look=Look.from_settings(road.settings))
    path = target or road.settings.path("briefings") / f"{kind}-{span(kind, day).first}.{format}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise MinshengError(f"{path} can't be written: {error.strerror}", "choose another file with -o") from error
    return path


def write_daily(road: Parts, day: date) -> Path:
    """The daily briefing of a day as a page in the data folder; errors as of `write`."""
    return write(road, "daily", day)
