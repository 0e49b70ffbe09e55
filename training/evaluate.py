"""Scores the shipped model and fails where it falls below the pinned floors: `python -m training.evaluate`.

Always scores our own written policy posts (`tests/classifiers/own_set.jsonl`), which nothing is ever trained on. Where
the shared data is at hand, its held-out part too, after checking that the files are those that the floors were pinned
on (`floors.toml`). `--write` makes docs/quality.md.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from classifiers.model import Model, Text
from classifiers.ngram import FOLDER, NgramModel
from training import data
from training.scores import score, score_slices

ROOT = Path(__file__).parents[1]
OWN_SET = ROOT / "tests" / "classifiers" / "own_set.jsonl"
FLOORS = Path(__file__).with_name("floors.toml")
QUALITY = ROOT / "docs" / "quality.md"

Scores = dict[str, dict[str, Any]]
OWN_HEADS = ("sentiment", "topic", "request")


def score_own_set(model: Model) -> Scores:
    """`head/own` → scores over all posts, and `sentiment/own <kind>` for each kind of post with five or more."""
    rows = [msgspec.json.decode(line) for line in OWN_SET.read_bytes().splitlines()]
    found: Scores = {}
    for head in OWN_HEADS:
        found[f"{head}/own"] = score(model, head, [_example(row, head) for row in rows])
    for kind in dict.fromkeys(row["slice"] for row in rows):
        examples = [_example(row, "sentiment") for row in rows if row["slice"] == kind]
        if len(examples) >= 5:
            # All three labels are open to the model, also where the posts of this kind have only one.
            found[f"sentiment/own {kind}"] = score(model, "sentiment", examples, two_sided=False)
    return found


def _example(row: dict[str, str], head: str) -> data.Example:
    text = Text("", row["text"])
    return data.Example(text, row[head], data.part_of(text))


def check_data(folder: Path, pinned: dict[str, str]) -> list[str]:
    """What is wrong with the data files, against the hashes that the floors were pinned on."""
    wrong = []
    for name, digest in pinned.items():
        path = folder / name
        if not path.exists():
            wrong.append(f"{name} is missing in {folder}")
        elif data.sha256(path) != digest:
            wrong.append(f"{name} is not the file that the floors were pinned on")
    return wrong


def below_floors(scores: Scores, floors: dict[str, dict[str, float]]) -> list[str]:
    """One line for each score under its floor."""
    return [
        f"{name}: {measure} {scores[name][measure]:.3f} is below its floor {floor:.3f}"
        for name, measures in floors.items()
        if name in scores
        for measure, floor in measures.items()
        if scores[name][measure] < floor
    ]


def table(scores: Scores, floors: dict[str, dict[str, float]]) -> str:
    """The scores as a Markdown table."""
    lines = [
        "| head / texts | accuracy | macro-F1 | floor (macro-F1) | calibration error | texts |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in scores.items():
        floor = floors.get(name, {}).get("macro_f1")
        lines.append(
            f"| {name} | {found['accuracy']:.3f} | {found['macro_f1']:.3f} | {'' if floor is None else f'{floor:.3f}'} "
            f"| {found['calibration_error']:.3f} | {found['texts']:,} |"
        )
    return "\n".join(lines)


def report(version: str, limits: list[str], scores: Scores, floors: dict[str, dict[str, float]]) -> str:
    """The text of docs/quality.md."""
    own = {name: found for name, found in scores.items() if "/own" in name}
    held_out = {name: found for name, found in scores.items() if name not in own}
    return f"""# How good the model is

Made by `python -m training.evaluate --write`; don't edit by hand. Model: `{version}`, request type: rules.

## On texts held out from training

Weibo posts of everyday life (usual), of one public-health crisis (virus), and with two-sided labels (polarity);
citizens' messages to a government board, whole, and cut to the length of a post (openings). The files called dev are
held out whole, of the others one text in ten by a hash of the text; no text is on both sides, also not with other
punctuation. On polarity the likelier of the two sides counts.

{table(held_out, floors)}

## On our own written policy posts

`tests/classifiers/own_set.jsonl`: short posts on invented policies, among them sarcasm, quoted official text, captions
of forwarded posts, dialect and emoji. Nothing was trained on them, the cue words of the request rules neither. The set
is small: a difference below 0.08 says little.

{table(own, floors)}

The calibration error is by how much the score of the chosen label and its being right differ, over ten bands.

## Limits

{chr(10).join(f"- {limit}" for limit in limits)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data.FOLDER, help="folder of the labelled files")
    parser.add_argument("--model", type=Path, default=FOLDER, help="folder of the model")
    parser.add_argument("--write", action="store_true", help=f"write {QUALITY.relative_to(ROOT)}")
    options = parser.parse_args()
    pinned = tomllib.loads(FLOORS.read_text(encoding="utf-8"))
    problems: list[str] = []
    scores: Scores = {}
    if options.data.is_dir():
        problems.extend(check_data(options.data, pinned["data"]))
        if not problems:
            scores.update(score_slices(options.model, data.slices(options.data)))
    else:
        print(f"no labelled files in {options.data}: scoring our own written posts alone", file=sys.stderr)
    model = NgramModel(options.model)
    scores.update(score_own_set(model))
    print(table(scores, pinned["floors"]))
    problems.extend(below_floors(scores, pinned["floors"]))
    if options.write and not problems:
        if not options.data.is_dir():
            sys.exit("docs/quality.md is made where the labelled files are")
        limits = msgspec.json.decode((options.model / "card.json").read_bytes())["limits"]
        QUALITY.write_text(report(model.versions["topic"], limits, scores, pinned["floors"]), encoding="utf-8")
    for problem in problems:
        print(f"FAILED {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
