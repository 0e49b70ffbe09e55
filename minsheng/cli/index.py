"""`minsheng index`: looking after the index."""

from __future__ import annotations

from contextlib import closing

import typer

from minsheng.cli import context

app = typer.Typer(help="Looking after the index.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Looking after the index."""


@app.command()
def rebuild() -> None:
    """Make the index anew from the records it keeps, while searching and writing go on.

    Needed after the analysis of text has changed. One that was stopped goes on where it was: run it again.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from minsheng.parts import open_index

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with closing(open_index(context.settings())) as index, Progress(*columns, console=context.errors()) as shown:
        tasks = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what)
            shown.update(tasks[what], completed=done, total=total)

        documents = index.rebuild(progress)
    context.console().print(f"{documents:,} documents indexed anew")
