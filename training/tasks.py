"""What the heads learn from and are scored on: all labelled texts, split three ways by a hash of the text.

One part in ten is held out to score on (of the few texts that we labelled ourselves two), another one to choose on;
files called dev are held out whole. Our own written posts are only learnt from: another set of them is scored on.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from classifiers.model import EMOTIONS, REQUESTS, SENTIMENTS, STANCES, Model
from classifiers.scoring import Labelled, Score, score
from training import data
from training.data import FOLDER, Example, key, read, slices
from training.labels.own import own_posts
from training.labels.reading import labelled

CHOOSING_PART = 1
"""The tenth of the training texts by which epochs, temperatures and shares are chosen."""

HELD_OUT_PARTS = (0,)
HELD_OUT_LABELLED = (0, 2)
"""Of the texts that we labelled ourselves, the rare labels need more than one tenth to be scored on."""

OWN_LABELS = ("request", "stance")
ORDER = {"sentiment": SENTIMENTS, "emotion": EMOTIONS, "request": REQUESTS, "stance": STANCES}
NEWS = "news_toutiao_train.csv.gz"

FILES = (*data.FILES, NEWS)
"""The files of labelled texts, beside those that `training.labels` names."""


class Task(NamedTuple):
    """One head's texts from one place."""

    head: str
    name: str
    train: list[Example]
    choose: list[Example]
    held_out: list[Example]

    @property
    def learnt(self) -> list[Example]:
        """All but the held-out ones, for what is fitted once everything is chosen."""
        return [*self.train, *self.choose]


def tasks(folder: Path = FOLDER) -> list[Task]:
    """All tasks. No text of a held-out part is in the training part of any task."""
    found = [Task(one.head, one.name, one.train, [], one.held_out) for one in slices(folder)]
    found.append(_split("news", "headlines", read(NEWS, "topic", folder), HELD_OUT_PARTS))
    found.extend(_split(name, "labelled", labelled(name, folder), HELD_OUT_LABELLED) for name in OWN_LABELS)
    found.extend(Task(head, "written", examples, [], []) for head, examples in own_posts().items())
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


def score_tasks(model: Model, found: Iterable[Task]) -> dict[str, Score]:
    """`head/task` → scores on the held-out texts, for the heads that the model has."""
    return {
        f"{task.head}/{task.name}": score(model, task.head, [Labelled(one.text, one.label) for one in task.held_out])
        for task in found
        if task.held_out and task.head in model.heads
    }


def labels_of(found: Iterable[Task]) -> dict[str, tuple[str, ...]]:
    """Head → its labels, in the order of `ORDER` or by name."""
    heads: dict[str, set[str]] = {}
    for task in found:
        heads.setdefault(task.head, set()).update(example.label for example in task.train)
    return {head: ORDER.get(head, tuple(sorted(labels))) for head, labels in heads.items()}


def _split(head: str, name: str, examples: list[Example], held_out: tuple[int, ...]) -> Task:
    return Task(
        head,
        name,
        [one for one in examples if one.part not in held_out],
        [],
        [one for one in examples if one.part in held_out],
    )
