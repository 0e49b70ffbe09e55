"""Labels that persons have set, as examples to learn from: reads what `minsheng labels export` has written."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from classifiers.model import HEADS, Text
from minsheng.errors import BadInput
from training.data import Example, key, part_of
from training.tasks import CHOOSING_PART, HELD_OUT_PART, Task

NAME = "corrections"


def read_corrections(path: Path) -> dict[str, list[Example]]:
    """Head → its examples, each text once; of several labels for one text the one set last counts.

    Labels of policies (`policy:<id>`) are no head's and are left out, and so are rows whose text has changed since the
    person looked at it.

    Raises
    ------
    BadInput
        If the file is no such export; the text says where.
    """
    latest: dict[tuple[str, bytes], tuple[str, Example]] = {}
    for number, row in enumerate(_rows(path), start=1):
        try:
            head, label, at = row["head"], row["label"], row["at"]
            text = Text(title=row["title"] or "", text=row["text"] or "")
        except (KeyError, TypeError) as error:
            raise BadInput(f"{path}, row {number}: no row of an export: {error} is missing") from error
        if head not in HEADS or row.get("changed") in (True, "yes") or not (text.title + text.text).strip():
            continue
        place = (head, key(text))
        if place not in latest or latest[place][0] <= at:
            latest[place] = (at, Example(text, label, part_of(text)))
    found: dict[str, list[Example]] = {}
    for (head, _), (_, example) in latest.items():
        found.setdefault(head, []).append(example)
    return found


def correction_tasks(path: Path, held_out: Collection[bytes]) -> list[Task]:
    """A task for each head that was corrected, split by the texts' hashes as all others are.

    Parameters
    ----------
    held_out:
        Keys of texts that other tasks are scored on: none of them is learnt from.
    """
    tasks = []
    for head, examples in read_corrections(path).items():
        to_learn = [one for one in examples if one.part != HELD_OUT_PART and key(one.text) not in held_out]
        tasks.append(
            Task(
                head,
                NAME,
                train=[one for one in to_learn if one.part != CHOOSING_PART],
                choose=[one for one in to_learn if one.part == CHOOSING_PART],
                held_out=[one for one in examples if one.part == HELD_OUT_PART],
            )
        )
    return tasks


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} can't be read: {error}") from error
    if ".jsonl" not in path.name:
        yield from csv.DictReader(io.StringIO(text, newline=""))
        return
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{path}, line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise BadInput(f"{path}, line {number}: no JSON object")
        yield row
