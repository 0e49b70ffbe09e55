"""Scores the evaluation of responses: does its ranking agree with a reader's? On real messages with their answers.

`training/labels/responses.csv` holds a reader's score from 0 to 10 of each of 104 answers. Phrases and weights were
chosen on the half `develop`; `report` is the half to believe.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from alerts.responses.demands import Asked
from alerts.responses.grade import Evaluation, combine, evaluate_text
from classifiers.model import Text
from minsheng.errors import BadInput
from training.data import FOLDER
from training.labels.reading import LABELS, text_hash

PAIRS = "messages_with_replies.csv.gz"

Half = Literal["develop", "report"]


class Scored(NamedTuple):
    """A real message, its answer, the reader's score from 0 to 10, and which half it is in."""

    asked: Asked
    reply: str
    score: int
    half: Half


def scored(folder: Path = FOLDER) -> list[Scored]:
    """The pairs that a reader scored. Raises `BadInput` where the data is not there, or is another version."""
    path = folder / PAIRS
    if not path.exists():
        raise BadInput(f"{path} is not there", "the shared data is needed, see training/labels/README.md")
    with (LABELS / "responses.csv").open(encoding="utf-8", newline="") as lines:
        scores = {row["hash"]: row for row in csv.DictReader(lines)}
    found = {}
    for row in pairs(path):
        key = text_hash(Text(title=row["title"], text=f"{row['text']}\n{row['reply']}"))
        if key in scores:
            half: Half = "develop" if scores[key]["half"] == "develop" else "report"
            asked = Asked(title=row["title"], text=row["text"], document_id=row["message_id"])
            found[key] = Scored(asked, row["reply"], int(scores[key]["score"]), half)
    if missing := scores.keys() - found.keys():
        raise BadInput(f"{len(missing)} of the scored answers are not in {path}", "use the data named in README.md")
    return [found[key] for key in sorted(found)]


def pairs(path: Path) -> list[dict[str, str]]:
    """All messages with their answers."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def evaluate_pair(asked: Asked, reply: str) -> Evaluation:
    """What the texts alone tell."""
    parts, answers = evaluate_text([asked], reply)
    return combine(parts, answers)


def score_responses(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """How far ranks agree with the reader's, for each half.

    Returns
    -------
    Half → `pairs`, `spearman` (ours), and `length`, that of the reply's length alone.
    """
    rows = scored(folder)
    given = [row.score for row in rows]
    ours = [evaluate_pair(row.asked, row.reply).score for row in rows]
    length = [len(row.reply) for row in rows]
    found = {}
    for half in ("develop", "report"):
        chosen = [place for place, row in enumerate(rows) if row.half == half]

        def agreement(values: Sequence[float], chosen: Sequence[int] = tuple(chosen)) -> float:
            return spearman([values[place] for place in chosen], [given[place] for place in chosen])

        found[half] = {"pairs": len(chosen), "spearman": agreement(ours), "length": agreement(length)}
    return found


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation, ties at their mean rank."""
    ranks = [_ranks(np.asarray(values, dtype=float)) for values in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    distinct, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    del distinct
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


if __name__ == "__main__":
    print(score_responses(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
