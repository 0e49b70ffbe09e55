"""Pins the floors of a model a little below what it reaches: `python -m training.pin_floors NAME`.

A floor lies `MARGIN` below the score, so that only a real loss fails. Kinds of post with few texts get none.
"""

from __future__ import annotations

import sys
import tomllib
from typing import Any

import tomlkit

from classifiers.load import load_model
from minsheng.settings import ClassifySettings, Settings
from training import data
from training.evaluate import FLOORS, figures
from training.labels.reading import labels
from training.structure import score_structure
from training.tasks import FILES, OWN_LABELS, score_tasks, tasks
from training.written_set import score_written

MARGIN = 0.01


def main() -> None:
    name = sys.argv[1]
    model = load_model(Settings(classify=ClassifySettings(model=name)))
    found = figures({**score_tasks(model, tasks()), **score_written(model)})
    document: dict[str, Any] = tomlkit.parse(FLOORS.read_text(encoding="utf-8"))
    named = {row.source for file in OWN_LABELS for row in labels(file)}
    for file in sorted({*FILES, *named}):
        document["data"][file] = data.sha256(data.FOLDER / file)
    table = tomlkit.table()
    for key, measures in found.items():
        if "," not in key:
            row = tomlkit.inline_table()
            row.update({measure: round(max(0.0, value - MARGIN), 3) for measure, value in measures.items()})
            table[key] = row
    document["floors"][name] = table
    bound = tomlkit.table()
    for key, measures in score_structure(data.FOLDER).items():
        row = tomlkit.inline_table()
        row.update({measure: round(max(0.0, value - MARGIN), 3) for measure, value in measures.items()})
        bound[key] = row
    document["floors"]["structure"] = bound
    text = tomlkit.dumps(document)
    tomllib.loads(text)
    FLOORS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
