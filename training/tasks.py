"""What the encoder's heads learn from and are scored on: all labelled texts, split three ways by a hash of the text.

One part in ten is held out to score on, another one to choose on; files called dev are held out whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from training.data import FOLDER, Example, key, read, slices
from training.labels.reading import labelled

CHOOSING_PART = 1
"""The tenth of the training texts by which epochs and temperatures are chosen."""

HELD_OUT_PART = 0

OWN_LABELS = ("request", "stance")


class Task(NamedTuple):
    """One head's texts from one place."""

    head: str
    name: str
    train: list[Example]
    choose: list[Example]
    held_out: list[Example]


def tasks(folder: Path = FOLDER) -> list[Task]:
    """All tasks. No text of a held-out part is in the training part of any task."""
    found = [Task(one.head, one.name, one.train, [], one.held_out) for one in slices(folder)]
    news = read("news_toutiao_train.csv.gz", "topic", folder)
    found.append(_tenths("news", "toutiao", news))
    found.extend(_tenths(name, "own", labelled(name, folder)) for name in OWN_LABELS)
    held_out = {key(example.text) for task in found for example in task.held_out}
    split = []
    for task in found:
        usable = [one for one in task.train if key(one.text) not in held_out]
        split.append(
            task._replace(
                train=[one for one in usable if one.part != CHOOSING_PART],
                choose=[one for one in usable if one.part == CHOOSING_PART],
            )
        )
    return split


def labels_of(found: list[Task]) -> dict[str, list[str]]:
    """Head → its labels, in a fixed order."""
    heads: dict[str, set[str]] = {}
    for task in found:
        heads.setdefault(task.head, set()).update(example.label for example in task.train)
    return {head: sorted(labels) for head, labels in heads.items()}


def _tenths(head: str, name: str, examples: list[Example]) -> Task:
    return Task(
        head,
        name,
        [one for one in examples if one.part != HELD_OUT_PART],
        [],
        [one for one in examples if one.part == HELD_OUT_PART],
    )
