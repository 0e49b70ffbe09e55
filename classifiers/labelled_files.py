"""Reading labelled texts from a file: CSV or JSON lines, plain or gzipped, as training data is usually kept."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from classifiers.model import Text
from classifiers.scoring import Labelled
from minsheng.errors import BadInput

SENTIMENT_OF_EMOTION = {
    "happy": "positive",
    "neutral": "neutral",
    "angry": "negative",
    "sad": "negative",
    "fear": "negative",
}
"""Surprise is neither: it is left out of the sentiment examples."""

COLUMNS = {"news": ("news", "topic", "label"), "sentiment": ("sentiment", "label", "emotion")}
"""Where a head's label stands, first choice first; for the other heads under the head's name, or under `label`."""

csv.field_size_limit(10_000_000)


class LabelledFile(NamedTuple):
    """`examples`, the `column` that the labels were read from, and the rows left out: reason → how many."""

    examples: list[Labelled]
    column: str
    left_out: dict[str, int]


def read_labelled(path: Path, head: str, known: Sequence[str]) -> LabelledFile:
    """The texts of a file with their labels for one head.

    Parameters
    ----------
    path:
        `.csv` with a header row, or `.jsonl`; with `.gz` behind it gzipped. Columns `text` and, if there is one,
        `title`; the label under the head's name or `label`. Sentiment is derived from `emotion` where it has no column.
    known:
        The head's labels; rows with another one are left out and counted.

    Raises
    ------
    BadInput
        If the file can't be read, has no such column, or no row that can be scored. The text says which.
    """
    left_out: Counter[str] = Counter()
    examples: list[Labelled] = []
    column = ""
    for row in _rows(path):
        column = column or _column(path, head, row)
        text = Text(str(row.get("title") or ""), str(row.get("text") or ""))
        label = str(row.get(column) or "")
        if column == "emotion" and head == "sentiment":
            if label == "surprise":
                left_out["surprise is neither side"] += 1
                continue
            label = SENTIMENT_OF_EMOTION.get(label, label)
        if not (text.title or text.text).strip():
            left_out["no text"] += 1
        elif not label:
            left_out["no label"] += 1
        elif label not in known:
            left_out[f"unknown label '{label[:40]}'"] += 1
        else:
            examples.append(Labelled(text, label))
    if not examples:
        reasons = ", ".join(f"{count} × {reason}" for reason, count in left_out.most_common(5)) or "it is empty"
        raise BadInput(f"{path}: no row can be scored: {reasons}", f"labels of {head} are: {', '.join(known)}")
    return LabelledFile(examples, column, dict(left_out))


def _column(path: Path, head: str, row: dict[str, Any]) -> str:
    for name in COLUMNS.get(head, (head, "label")):
        if name in row:
            return name
    raise BadInput(
        f"{path}: no column for the head '{head}'; it has: {', '.join(map(str, row))}",
        f"name the column of the labels '{head}' or 'label', those of the texts 'text' and 'title'",
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    names = path.name.lower().removesuffix(".gz")
    try:
        raw = gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # noqa: SIM115
        with raw as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as lines:
            if names.endswith((".jsonl", ".json")):
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield _json_row(path, number, line)
            else:
                yield from csv.DictReader(lines)
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror or error}", "name a CSV or JSON-lines file") from error
    except (UnicodeDecodeError, EOFError, csv.Error) as error:
        raise BadInput(f"{path}: {error}", "save it as UTF-8 CSV with a header row, or as JSON lines") from error


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise BadInput(f"{path}, line {number}: {error}", "write one JSON object a line") from error
    if not isinstance(row, dict):
        raise BadInput(f"{path}, line {number}: no JSON object", "write one JSON object a line")
    return row
