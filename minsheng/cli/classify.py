"""`minsheng classify`: JSON lines in, the same lines with the models' opinions out."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse


def classify(
    file: Annotated[str, typer.Argument(help="JSON lines with `text`, optional `title`; .gz too; - for stdin.")] = "-",
    policies: Annotated[
        Path | None, typer.Option(help="Folder of policy files: adds `policies`, which the text is about, and why.")
    ] = None,
) -> None:
    """Judge texts: each line comes back with sentiment, emotion, topic and request.

    A judgement that the model does not stand by has `unsure`. With --policies, a text that is about one has a `stance`
    to it too, where the model gives one.

    Lines keep their order. One that can't be judged comes back with `error`, which says why.
    """
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from classifiers.lines import LineClassifier, open_lines, read_batches
    from classifiers.load import load_model

    linker = None
    if policies is not None:
        from classifiers.linking import PolicyLinker
        from minsheng.policies import read_policies

        linker = PolicyLinker(read_policies(policies))
    classifier = LineClassifier(load_model(context.settings()), linker)
    try:
        source = open_lines(None if file == "-" else Path(file))
    except OSError as error:
        raise WrongUse(f"{file}: {error.strerror or error}") from error
    console = context.errors()
    columns = (TextColumn("judging"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[lines]:,} lines"))
    with closing(source), Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=source.size, lines=0)
        try:
            for batch in read_batches(source.stream):
                for line in classifier.classify(batch):
                    sys.stdout.buffer.write(line + b"\n")
                sys.stdout.buffer.flush()
                progress.update(task, completed=source.position(), lines=classifier.lines)
        except (EOFError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise WrongUse(f"{file}: can't be read to its end: {error}") from error
    if classifier.errors:
        console.print(f"{classifier.lines:,} lines, {classifier.errors:,} of them with an error")
