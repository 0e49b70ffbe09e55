"""Scores near duplicates through the grouping memory, in a stream: `python -m training.duplicate_scores`.

A document is taken for a copy where the memory puts it into the group of an earlier one. That is right where the
group's first document is a version of the same text.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from grouping.duplicates import body_of, compare, is_other_fact
from grouping.memory import Memory
from training.data import FOLDER
from training.duplicate_pairs import Half, Made, assessed, stream
from training.linking_scores import wilson

WINDOW = timedelta(days=30)


def score_duplicates(folder: Path = FOLDER, half: Half = "report", limit: int | None = None) -> dict[str, Any]:
    """Precision and recall on a half of the made set, or on `limit` texts of each kind and their copies.

    Returns
    -------
    `precision`, `recall`, each with a 95 % Wilson interval (`precision_low`, `precision_high`, ...), and the counts
    `copies` (documents that are copies), `called` (documents called copies), `others` (look-alikes) and `texts`.
    """
    return scores(stream(half, folder, limit))


def scores(made: Iterable[Made]) -> dict[str, Any]:
    """The same for any stream of documents with known roots."""
    placed = place(made)
    copies = [one for one, _ in placed if one.how.startswith("copy")]
    called = [(one, right) for one, right in placed if right is not None]
    found = sum(1 for one, right in called if right and one.how.startswith("copy"))
    right = sum(1 for _, is_right in called if is_right)
    low, high = wilson(right, len(called))
    recall_low, recall_high = wilson(found, len(copies))
    return {
        "precision": right / max(1, len(called)),
        "precision_low": low,
        "precision_high": high,
        "recall": found / max(1, len(copies)),
        "recall_low": recall_low,
        "recall_high": recall_high,
        "copies": len(copies),
        "called": len(called),
        "others": sum(1 for one, _ in placed if one.how.startswith("other")),
        "texts": len(placed),
    }


def place(made: Iterable[Made]) -> list[tuple[Made, bool | None]]:
    """Each document with whether it was rightly called a copy; None where it was not called one."""
    memory = Memory(WINDOW)
    roots: dict[str, str] = {}
    found: list[tuple[Made, bool | None]] = []
    for one in made:
        member = memory.place(assessed(one.document)).member
        roots[one.document.id] = one.root
        found.append((one, None if member.kind == "first" else roots[member.duplicate_group] == one.root))
    return found


def _reason(source: str, one: Made) -> str:
    """How the document's body and that of the text it was made of compare."""
    found = compare(body_of("", source), body_of(one.document.title, one.document.text))
    facts = [(swap.one, swap.other) for swap in found.swapped if is_other_fact(swap)]
    return f"{found.shorter:.2f} of the shorter, {found.longer:.2f} of the longer, other facts {facts}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the texts")
    parser.add_argument("--half", choices=["develop", "report"], default="report")
    parser.add_argument("--errors", type=int, default=0, help="print so many wrong and missed documents of each edit")
    options = parser.parse_args()
    made = stream(options.half, options.data)
    found = scores(made)
    for measure in ("precision", "recall"):
        print(f"{measure} {found[measure]:.3f} ({found[measure + '_low']:.3f} to {found[measure + '_high']:.3f})")
    print(f"{found['copies']} copies, {found['others']} look-alikes, {found['texts']} texts in all")
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: dict[str, list[str]] = defaultdict(list)
    texts = {one.root: one.document.text for one in made if not one.how}
    for one, right in place(made):
        is_copy = one.how.startswith("copy")
        outcome = "missed" if is_copy and right is None else "wrong" if right is False else "right"
        for edit in one.how.split(": ")[-1].split(" + "):
            tally[f"{one.how.split(':')[0] or 'text'} {edit}"][outcome] += 1
        if outcome != "right":
            source = texts.get(one.root.split("-")[0], "")
            wrong[f"{outcome} {one.how}"].append(
                f"{_reason(source, one)}\n   {source[:300]!r}\n   → {one.document.title!r} {one.document.text[:300]!r}"
            )
    for edit, counted in sorted(tally.items()):
        print(f"{edit:28} right {counted['right']:>5}  missed {counted['missed']:>4}  wrong {counted['wrong']:>4}")
    for how, lines in wrong.items():
        for line in lines[: options.errors]:
            print(f"\n{how}\n   {line}")


if __name__ == "__main__":
    main()
