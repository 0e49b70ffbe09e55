"""Scores everything that is shipped and fails where it falls below the pinned floors: `minsheng evaluate`.

Always scores our own written sets, which nothing is ever trained on. Where the shared data is at hand, its held-out
part too, after checking that the files are those that the floors were pinned on (`floors.toml`). `--write` makes
docs/quality.md.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from classifiers.load import load_model
from classifiers.model import Model, Text
from classifiers.scoring import Score
from minsheng.settings import ClassifySettings, Settings
from training import data
from training.structure import score_structure, structure_table
from training.tasks import score_tasks, tasks
from training.written_set import read_written, score_written

ROOT = Path(__file__).parents[1]
FLOORS = Path(__file__).with_name("floors.toml")
QUALITY = ROOT / "docs" / "quality.md"

Figures = dict[str, dict[str, float]]
"""Name → measure → value, of whatever kind was scored."""


def check_data(folder: Path, pinned: Mapping[str, str]) -> list[str]:
    """What is wrong with the data files, against the hashes that the floors were pinned on."""
    wrong = []
    for name, digest in pinned.items():
        path = folder / name
        if not path.exists():
            wrong.append(f"{name} is missing in {folder}")
        elif data.sha256(path) != digest:
            wrong.append(f"{name} is not the file that the floors were pinned on")
    return wrong


def figures(scores: Mapping[str, Score]) -> Figures:
    """What floors can be set on."""
    return {name: {"accuracy": one.accuracy, "macro_f1": one.macro_f1} for name, one in scores.items()}


def below_floors(found: Figures, floors: Mapping[str, Mapping[str, float]]) -> list[str]:
    """One line for each figure under its floor."""
    return [
        f"{name}: {measure} {found[name][measure]:.3f} is below its floor {floor:.3f}"
        for name, measures in floors.items()
        if name in found
        for measure, floor in measures.items()
        if found[name][measure] < floor
    ]


def speed(model: Model, seconds: float = 2.0) -> float:
    """Texts a second over our own written posts, made different from each other so that no cache answers."""
    posts = [post.text for post in read_written()]
    done, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        model.judge([Text("", f"{text}{done}") for text in posts])
        done += len(posts)
    return done / spent


def table(scores: Mapping[str, Score], floors: Mapping[str, Mapping[str, float]]) -> str:
    """The scores as a Markdown table."""
    lines = [
        "| head / texts | accuracy | macro-F1 | 95 % of samples | floor | calibration error | unsure | texts |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in scores.items():
        floor = floors.get(name, {}).get("macro_f1")
        low, high = one.macro_f1_interval
        lines.append(
            f"| {name} | {one.accuracy:.3f} | {one.macro_f1:.3f} | {low:.3f}-{high:.3f} "
            f"| {'' if floor is None else f'{floor:.3f}'} | {one.calibration_error:.3f} | {one.unsure:.0%} "
            f"| {one.texts:,} |"
        )
    return "\n".join(lines)


def label_table(name: str, one: Score) -> str:
    """Per label precision, recall, F1, and what it was taken for, as a Markdown table."""
    names = list(one.labels)
    lines = [
        f"**{name}**",
        "",
        f"| wanted ↓ given → | {' | '.join(names)} | precision | recall | F1 |",
        f"|---|{'---|' * (len(names) + 3)}",
    ]
    for (label, found), row in zip(one.labels.items(), one.confusion, strict=True):
        cells = " | ".join(str(count) for count in row)
        lines.append(f"| {label} | {cells} | {found.precision:.2f} | {found.recall:.2f} | {found.f1:.2f} |")
    return "\n".join(lines)


def report(
    model: Model,
    limits: Sequence[str],
    scores: Mapping[str, Score],
    floors: Mapping[str, Mapping[str, float]],
    structure: str,
) -> str:
    """The text of docs/quality.md."""
    own = {name: one for name, one in scores.items() if "/written" in name}
    held_out = {name: one for name, one in scores.items() if name not in own}
    shown = [name for name in held_out if not name.startswith("news/") and name != "topic/openings"]
    versions = ", ".join(f"`{version}`" for version in dict.fromkeys(model.versions.values()))
    confusions = "\n\n".join(label_table(name, held_out[name]) for name in shown)
    return f"""# How good the model is

Made by `make evaluate ARGS=--write`; don't edit by hand. Model: {versions}.

## On texts held out from training

Weibo posts of everyday life (usual), of one public-health crisis (virus), and with two-sided labels (polarity);
citizens' messages to a government board, whole, and cut to the length of a post (openings); headlines; and real texts
that we labelled by reading for the request and the stance (labelled). The files called dev are held out whole, of the
others one text in ten by a hash of the text, of those that we labelled two; no text is on both sides, also not with
other punctuation. On polarity the likelier of the two sides counts.

{table(held_out, floors)}

## On our own written policy posts

`tests/classifiers/own_set.jsonl`: posts on invented policies, among them sarcasm, quoted official text, captions of
forwarded posts, mixed feelings, dialect, emoji and news without an opinion. Nothing was trained on them. The set is
small: see the intervals before believing a difference.

{table(own, floors)}

The calibration error is by how much the score of the chosen label and its being right differ, over ten bands. Unsure is
the share of texts whose label's score lies below the model's threshold. The interval is what 95 of 100 samples of as
many such texts would give.

## Links, copies, events, searches, responses, questions

Links to policies on the written cases (worked on: [unseen hard cases](reference/classify.md#how-good-the-links-are) are
harder); copies of real texts by edits that outlets and reposters make, among look-alikes with other facts, through the
grouping memory in a stream; and the hot issues among 4,290 real messages that we read out by hand: found is the share
with an event whose members match with an F1 of .75 or more, on the half that nothing was tuned on and on all.
Situations of two to four short texts that we wrote: the share that is grouped as a duty officer would, of all, of those
that are one matter and of those that are several; on the half that nothing was tuned on.
Searches: nDCG@10 of 65 queries over 18,000 real texts and the sample world, sorted by relevance, against grades made by
reading what both engines and a search for pairs of characters put first (`python -m training.search_scores` shows each
query, and Elasticsearch beside). Answers of departments to real messages: how far their ranking by `alerts.responses`
agrees with a reader's scores (Spearman's rank correlation), on the half whose scores nothing was tuned on. Questions
that we wrote as citizens type them, on the sample world's answers: whether the right answer is among the first three
(among those alone, and beside the answers to 1,400 real messages), how many questions with an answer get one, and
how many without are told so; again on the half that nothing was tuned on.

{structure}

## What is taken for what

{confusions}

## Limits

{chr(10).join(f"- {limit}" for limit in limits)}
"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data.FOLDER, help="folder of the labelled files")
    parser.add_argument("--model", default=ClassifySettings().model, help="the model's name, as in classify.model")
    parser.add_argument("--write", action="store_true", help=f"write {QUALITY.relative_to(ROOT)}")
    parser.add_argument("--json", action="store_true", help="print everything that was measured as JSON")
    options = parser.parse_args(arguments)
    pinned = tomllib.loads(FLOORS.read_text(encoding="utf-8"))
    floors = pinned["floors"].get(options.model, {})
    model = load_model(Settings(classify=ClassifySettings(model=options.model)))
    problems: list[str] = []
    scores: dict[str, Score] = {}
    if options.data.is_dir():
        problems.extend(check_data(options.data, pinned["data"]))
        if not problems:
            scores.update(score_tasks(model, tasks(options.data)))
    else:
        print(f"no labelled files in {options.data}: scoring our own written posts alone", file=sys.stderr)
    scores.update(score_written(model))
    structure = score_structure(options.data)
    bound = pinned["floors"].get("structure", {})
    problems.extend([*below_floors(figures(scores), floors), *below_floors(structure, bound)])
    texts_per_second = speed(model)
    if options.json:
        value: dict[str, Any] = {
            "models": dict(model.versions),
            "scores": {name: one.plain() for name, one in scores.items()},
            "structure": structure,
            "texts_per_second": round(texts_per_second),
            "problems": problems,
        }
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    else:
        print(table(scores, floors))
        print(f"\n{structure_table(structure, bound)}\n\n{texts_per_second:,.0f} texts/s")
    if options.write and not problems:
        if not options.data.is_dir():
            sys.exit("docs/quality.md is made where the labelled files are")
        card = ROOT / "classifiers" / "models" / options.model / "card.json"
        limits = msgspec.json.decode(card.read_bytes())["limits"]
        QUALITY.write_text(report(model, limits, scores, floors, structure_table(structure, bound)), encoding="utf-8")
    for problem in problems:
        print(f"FAILED {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
