"""Scores the search of the Q&A base: questions as citizens type them, against the sample world's answers.

    python -m training.answer_scores [DATA_FOLDER] [--fit] [--wrong]

`training/labels/questions.csv` holds questions that we wrote, each with the entry that answers it, or none. The ranking
and the confidence were chosen on the half `develop`; `report` is the half to believe. With the shared data, the answers
of 1,400 real messages are put into the base as well, so that the right one has to be found among many.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from answers.encoding import encoder
from answers.finding import WORDS, Finder, Sought
from answers.model import search_text
from sample.answers import sample_contents
from training.data import FOLDER
from training.labels.reading import LABELS

REPLIES = "messages_with_replies.csv.gz"


class Question(NamedTuple):
    """A question, the id of the entry that answers it (empty: none does), and its half."""

    half: str
    entry: str
    text: str


def questions() -> list[Question]:
    with (LABELS / "questions.csv").open(encoding="utf-8", newline="") as lines:
        return [Question(row["half"], row["entry"], row["question"]) for row in csv.DictReader(lines)]


def sample_answers() -> list[Sought]:
    return [Sought(name, search_text(content)) for name, content in sample_contents().items()]


def real_answers(folder: Path) -> list[Sought]:
    """Real messages with what the departments answered, as entries that answer none of our questions."""
    with gzip.open(folder / REPLIES, "rt", encoding="utf-8", newline="") as lines:
        return [
            Sought(f"real-{row['message_id']}", f"{row['title']}\n{row['reply'][:200]}")
            for row in csv.DictReader(lines)
        ]


def score_answers(folder: Path = FOLDER) -> dict[str, dict[str, float]]:
    """Name → measures: `recall_at_3`, `recall_at_1`, and the shares of questions with an answer that get one
    (`answered`) and of those without that are told so (`declined`)."""
    asked = [one for one in questions() if one.half == "report"]
    found = {"questions/written, report": measures(Finder(sample_answers(), encoder()), asked)}
    if (folder / REPLIES).exists():
        among = measures(Finder([*sample_answers(), *real_answers(folder)], encoder()), asked)
        # Real answers may truly answer what ours do not, so what is declined says nothing here.
        found["questions/written, among real answers, report"] = {
            name: among[name] for name in ("recall_at_3", "recall_at_1")
        }
    return found


def measures(finder: Finder, asked: Sequence[Question]) -> dict[str, float]:
    results = [(one, finder.find(one.text, size=3)) for one in asked]
    with_answer = [(one, result) for one, result in results if one.entry]
    without = [result for one, result in results if not one.entry]
    ranks = [[match.id for match in result.matches] for _, result in with_answer]
    wanted = [one.entry for one, _ in with_answer]
    return {
        "recall_at_3": _share(entry in rank for entry, rank in zip(wanted, ranks, strict=True)),
        "recall_at_1": _share(entry == rank[0] for entry, rank in zip(wanted, ranks, strict=True) if rank),
        "answered": _share(result.answered for _, result in with_answer),
        "declined": _share(not result.answered for result in without),
    }


def _share(values: object) -> float:
    found = list(values)  # type: ignore[call-overload]
    return round(sum(found) / max(1, len(found)), 4)


def fit() -> tuple[float, list[float]]:
    """The bias and weights of the confidence, by logistic regression on the half `develop`."""
    from sklearn.linear_model import LogisticRegression

    finder = Finder(sample_answers(), encoder())
    asked = [one for one in questions() if one.half == "develop"]
    rows = []
    for one in asked:
        vectors, whole, words, shares = finder.measured(one.text)
        best = int(np.argmax(vectors + WORDS * shares))
        rows.append([vectors[best], whole[best], words[best]])
    features = np.array(rows)
    model = LogisticRegression(C=10.0, class_weight="balanced").fit(features, [bool(one.entry) for one in asked])
    return float(model.intercept_[0]), [float(weight) for weight in model.coef_[0]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--fit", action="store_true", help="print the confidence's weights")
    parser.add_argument("--wrong", action="store_true", help="print what goes wrong on the half `develop`")
    options = parser.parse_args()
    if options.fit:
        bias, weights = fit()
        print(f"BIAS = {bias:.2f}\nFEATURES = ({', '.join(f'{weight:.2f}' for weight in weights)})")
    finder = Finder(sample_answers(), encoder())
    halves = {half: [one for one in questions() if one.half == half] for half in ("develop", "report")}
    for half, asked in halves.items():
        print(half, len(asked), measures(finder, asked))
    if (options.data / REPLIES).exists():
        among = Finder([*sample_answers(), *real_answers(options.data)], encoder())
        for half, asked in halves.items():
            print(half, "among real answers", measures(among, asked))
    for one in halves["develop"] if options.wrong else ():
        found = finder.find(one.text)
        if found.answered != bool(one.entry) or (one.entry and one.entry not in [match.id for match in found.matches]):
            print(one.entry or "none", one.text, found.matches[0].id, found.matches[0].confidence)


if __name__ == "__main__":
    main()
