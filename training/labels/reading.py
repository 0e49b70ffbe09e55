"""Joining the labels with the texts they were given to.

A file here holds the hash of each text, the data file that it lies in, and its label; never the text.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from classifiers.model import Text
from minsheng.errors import BadInput
from training.data import FOLDER, Example, key, part_of

LABELS = Path(__file__).parent
HASH_DIGITS = 24


class Label(NamedTuple):
    """One row: `hash` of the text (hexadecimal digits), `source` the data file's name.

    `target` names the measure that a stance is about; the other label files have none.
    """

    hash: str
    source: str
    label: str
    target: str = ""


def labels(name: str) -> list[Label]:
    """The rows of `name`.csv, in its order."""
    with (LABELS / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return [Label(**row) for row in csv.DictReader(lines)]


def labelled(name: str, folder: Path = FOLDER) -> list[Example]:
    """The texts of `folder` that `name`.csv labels, in its order.

    Reads each data file that is named there once.

    Raises
    ------
    BadInput
        Where texts are missing: the data file is not there, or is another version.
    """
    rows = labels(name)
    wanted: dict[str, set[str]] = {}
    for row in rows:
        wanted.setdefault(row.source, set()).add(row.hash)
    found: dict[str, Text] = {}
    for source, hashes in wanted.items():
        path = folder / source
        if path.exists():
            for text in _texts(path):
                digits = text_hash(text)
                if digits in hashes:
                    found.setdefault(digits, text)
    missing = Counter(row.source for row in rows if row.hash not in found)
    if missing:
        where = ", ".join(f"{count} of {source}" for source, count in sorted(missing.items()))
        raise BadInput(
            f"{missing.total()} of {len(rows)} texts labelled in {name}.csv were not found in {folder}: {where}",
            "use the data files that the labels were made from",
        )
    return [Example(found[row.hash], row.label, part_of(found[row.hash])) for row in rows]


def text_hash(text: Text) -> str:
    """What stands for `text` in the label files."""
    return key(text).hex()[:HASH_DIGITS]


def _texts(path: Path) -> Iterator[Text]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        if path.name.endswith(".csv.gz"):
            for row in csv.DictReader(lines):
                yield Text(title=row.get("title") or "", text=row.get("text") or "")
        else:
            for line in lines:
                yield Text(title="", text=line.strip())
