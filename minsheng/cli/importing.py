"""`minsheng import`: files of collected texts onto the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from rich.progress import Progress

    from crawlers.importing import ImportReport


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX, XLS, JSON Lines, WARC, mbox or .eml, also .gz.")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Read this column as that field; can be repeated."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Id of the source that the rows belong to; default: made of the file's name.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="Of rows that name none: news, post, message, reply, hot-search.")
    ] = "message",
    sort_by_time: Annotated[
        bool, typer.Option(help="Send the rows in the order of their times, as they happened.")
    ] = True,
    rejects: Annotated[
        Path | None, typer.Option(help="Where unusable rows are written; default: rejects/ in the data folder.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Import a file of texts: each row becomes a document on the log, once, however often it is imported."""
    from crawlers.importing import import_file as run
    from crawlers.intake import Intake
    from crawlers.privacy import author_keys
    from minsheng.clock import SystemClock
    from minsheng.parts import open_log, topic_partitions
    from minsheng.records import KINDS

    known = {name: name for name in KINDS}
    if kind not in known:
        raise WrongUse(f"there is no kind '{kind}'", f"known are: {', '.join(KINDS)}")
    mapping = dict(pair(text) for text in columns or ())
    settings = context.settings()
    clock = SystemClock()
    log = open_log(settings)
    try:
        log.ensure_topics(topic_partitions(settings))
        with _progress() as progress:
            task = progress.add_task(file.name, total=None)
            report = run(
                file,
                Intake(context.store(), log.producer(), clock),
                author_keys(settings, clock.now()),
                clock,
                source=source,
                kind=known[kind],
                mapping=mapping,
                sort_by_time=sort_by_time,
                rejects=rejects or settings.path("rejects") / f"{file.name}.jsonl",
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    finally:
        log.close()
    if json:
        context.print_json(report)
    else:
        _show(report)
    if report.rows and report.skipped == report.rows:
        raise typer.Exit(1)


def _show(report: ImportReport) -> None:
    context.print_table(
        f"{report.file} → source {report.source}",
        ("", ""),
        [
            ("rows", report.rows),
            ("imported", report.imported),
            ("known already", report.unchanged),
            ("repeated in the file", report.duplicates),
            ("skipped", report.skipped),
            ("dates estimated", report.dates_estimated),
            ("columns", ", ".join(f"{column} → {field}" for field, column in report.columns.items())),
            *((f"skipped: {reason}", times) for reason, times in report.reasons.items()),
            *((f"line {row.line}", row.reason) for row in report.examples),
            *([("skipped rows are in", report.rejects)] if report.rejects else []),
        ],
    )


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=context.errors(),
        transient=True,
    )


def pair(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not equals or not column or not field:
        raise WrongUse(f"--map {text}: not of the form COLUMN=FIELD", "for example --map 留言详情=text")
    return column, field
