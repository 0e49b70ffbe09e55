"""`minsheng evaluate`: how right the model is, on a file of the user's own or on everything that it was measured on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse


def evaluate(
    head: Annotated[str | None, typer.Option(help="Score this head, on the file of --data.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Labelled texts: .csv or .jsonl, also .gz, with `text`, optional `title`, and the label."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything that was measured as JSON.")] = False,
) -> None:
    """Score the model of the settings on labelled texts.

    With --head and --data: one head on one file, whose labels stand in the column of the head's name or in `label`.
    Without: every head on our own written posts and, where the training data is, on what was held out of it; this needs
    a checkout of Minsheng, and ends with 1 where a score lies below its pinned floor.
    """
    if (head is None) != (data is None):
        raise WrongUse("--head and --data belong together", "give both to score a file, or neither for the evaluation")
    if head is not None and data is not None:
        _score_file(head, data, as_json)
        return
    try:
        from training import evaluate as gate
    except ImportError as error:
        raise WrongUse(
            "the whole evaluation needs a checkout of Minsheng, with its `training` and `tests` folders",
            "run it there, or score a file of your own with --head and --data",
        ) from error
    gate.main(["--model", context.settings().classify.model, *(["--json"] if as_json else [])])


def _score_file(head: str, data: Path, as_json: bool) -> None:
    import msgspec
    from rich.table import Table

    from classifiers.labelled_files import read_labelled
    from classifiers.load import load_model
    from classifiers.model import Text
    from classifiers.scoring import score

    model = load_model(context.settings())
    if head not in model.heads:
        raise WrongUse(f"the model has no head '{head}'", f"it has: {', '.join(model.heads)}")
    known = tuple(model.judge([Text("", "字")])[0][head].scores)
    file = read_labelled(data, head, known)
    found = score(model, head, file.examples)
    if as_json:
        value = {
            "head": head,
            "model": model.versions[head],
            "column": file.column,
            "left_out": file.left_out,
            **found.plain(),
        }
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
        return
    console = context.console()
    low, high = found.accuracy_interval
    console.print(f"{head} ({model.versions[head]}) on {found.texts:,} texts of {data}, labels from `{file.column}`")
    console.print(f"accuracy  {found.accuracy:.3f}  (95 % of samples: {low:.3f}-{high:.3f})")
    low, high = found.macro_f1_interval
    console.print(f"macro-F1  {found.macro_f1:.3f}  (95 % of samples: {low:.3f}-{high:.3f})")
    console.print(f"calibration error {found.calibration_error:.3f}, unsure {found.unsure:.0%}")
    table = Table("wanted ↓ given →", *found.labels, "precision", "recall", "F1", box=None)
    for (label, one), row in zip(found.labels.items(), found.confusion, strict=True):
        table.add_row(label, *map(str, row), f"{one.precision:.3f}", f"{one.recall:.3f}", f"{one.f1:.3f}")
    console.print(table)
    for reason, count in file.left_out.items():
        console.print(f"left out: {count:,} × {reason}")
