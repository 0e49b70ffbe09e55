"""Precision and recall of policy linking on the written cases, for the gate.

    python -m training.linking_scores [FILE]...

What is counted are pairs of a case and a policy. A link of confidence 0.5 or more asserts its pair; a case's `links`
without `?` are the pairs that ought to be asserted, those with `?` ought to be kept below 0.5, all of them, and an
assertion of one is as wrong as any other. Links below 0.5 that a case does not list count for nothing.
"""

from __future__ import annotations

import argparse
import random
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from alerts.responses import aftermath
from classifiers.linking import SURE, PolicyLinker, inherit
from minsheng.policies import Policy
from minsheng.records import PolicyLink

FOLDER = Path(__file__).parents[1] / "tests" / "classifiers"
REGISTER = FOLDER / "linking_policies.toml"
FIRST = FOLDER / "linking_cases.toml"
DEVELOPMENT = FOLDER / "linking_cases_more.toml"
FROZEN = FOLDER / "linking_cases_frozen.toml"
LAST = FOLDER / "linking_cases_last.toml"
DAILY = FOLDER / "linking_cases_daily.toml"
CASES = (FIRST, DEVELOPMENT, FROZEN, LAST, DAILY)

SAMPLES = 1_000
"""Bootstrap samples of the cases for the interval of F1."""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One written case.

    Attributes
    ----------
    links:
        `policy reason` of each link, with `?` where it ought to be below 0.5; none where the text is a trap.
    parent:
        Text of the document that this one answers or reposts.
    matched:
        The words that the first link ought to have matched.
    slice:
        What the case is there for.
    """

    text: str
    links: list[str]
    title: str = ""
    url: str | None = None
    parent: str | None = None
    matched: str | None = None
    slice: str = "first"

    def asserted(self) -> set[str]:
        """Ids of the policies that ought to be linked for sure."""
        return {link.split()[0] for link in self.links if not link.endswith("?")}

    def possible(self) -> set[str]:
        """Ids of those that ought to be kept as possible."""
        return {link.split()[0] for link in self.links if link.endswith("?")}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A case and what the linker made of it: policy ids."""

    case: Case
    asserted: frozenset[str]
    possible: frozenset[str]

    @property
    def right(self) -> frozenset[str]:
        return self.asserted & self.case.asserted()

    @property
    def false(self) -> frozenset[str]:
        return self.asserted - self.case.asserted()

    @property
    def missed(self) -> frozenset[str]:
        return frozenset(self.case.asserted() - self.asserted)

    @property
    def forgotten(self) -> frozenset[str]:
        """What ought to be kept as possible and was not; mere weak evidence may be left out."""
        weak = {link.split()[0] for link in self.case.links if link.endswith(" weak?")}
        return frozenset(self.case.possible() - self.possible - weak)


def read_register(path: Path = REGISTER) -> list[Policy]:
    """The invented policies that the cases are about."""
    return [msgspec.convert(table, Policy) for table in tomllib.loads(path.read_text(encoding="utf-8"))["policy"]]


def read_cases(*paths: Path) -> list[Case]:
    """The cases of these files, in their order."""
    return [
        msgspec.convert(table, Case)
        for path in paths
        for table in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


def links_of(linker: PolicyLinker, case: Case) -> Sequence[PolicyLink]:
    """What the linker gives for a case, with what its parent is about."""
    links = linker.link(case.title, case.text, case.url)
    return links if case.parent is None else inherit(links, linker.link("", case.parent))


def outcomes(linker: PolicyLinker, cases: Iterable[Case]) -> list[Outcome]:
    """What the linker makes of each case."""
    found = []
    for case in cases:
        links = links_of(linker, case)
        found.append(
            Outcome(
                case=case,
                asserted=frozenset(link.policy_id for link in links if link.confidence >= SURE),
                possible=frozenset(link.policy_id for link in links if link.confidence < SURE),
            )
        )
    return found


def score_linking(files: Sequence[Path] = CASES, register: Path = REGISTER) -> dict[str, Any]:
    """Score the linker on written cases.

    Returns
    -------
    `precision`, `recall`, `f1` (0 to 1) with `precision_interval` and `recall_interval` (95 %, Wilson) and
    `f1_interval` (95 %, bootstrap over cases); `cases`, `traps` (cases with nothing to assert), `pairs`;
    `ambiguous_kept`: share of the policies to be kept as possible that were; `slices`: the same three scores by slice;
    `wrong`: the cases that came out wrong, each with `text`, `false`, `missed` and `forgotten` (policy ids).
    """
    found = outcomes(PolicyLinker(read_register(register)), read_cases(*files))
    possible = [len(one.case.possible()) for one in found]
    forgotten = sum(len(one.forgotten) for one in found)
    slices = dict.fromkeys(one.case.slice for one in found)
    return {
        **_scores(found, intervals=True),
        "cases": len(found),
        "traps": sum(not one.case.asserted() for one in found),
        "pairs": sum(len(one.case.asserted()) for one in found),
        "ambiguous_kept": round(1 - forgotten / sum(possible), 4) if sum(possible) else 1.0,
        "slices": {name: _scores([one for one in found if one.case.slice == name]) for name in slices},
        "wrong": [
            {
                "text": one.case.text,
                "slice": one.case.slice,
                "false": sorted(one.false),
                "missed": sorted(one.missed),
                "forgotten": sorted(one.forgotten),
            }
            for one in found
            if one.false or one.missed or one.forgotten
        ],
    }


def wilson(right: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); it stays within 0 and 1 and does not shrink to nothing at 1.

    Examples
    --------
    >>> wilson(98, 100)
    (0.93, 0.9945)
    """
    if of == 0:
        return 0.0, 1.0
    _, low, high = aftermath.wilson(right, of, z)
    return round(low, 4), round(high, 4)


def _scores(found: Sequence[Outcome], *, intervals: bool = False) -> dict[str, Any]:
    right, false, missed = _counts(found)
    scores: dict[str, Any] = {
        "precision": _share(right, right + false),
        "recall": _share(right, right + missed),
        "f1": _f1(found),
    }
    if intervals:
        scores["precision_interval"] = wilson(right, right + false)
        scores["recall_interval"] = wilson(right, right + missed)
        scores["f1_interval"] = _bootstrap(found, _f1)
    return scores


def _counts(found: Iterable[Outcome]) -> tuple[int, int, int]:
    right = false = missed = 0
    for one in found:
        right += len(one.right)
        false += len(one.false)
        missed += len(one.missed)
    return right, false, missed


def _f1(found: Iterable[Outcome]) -> float:
    right, false, missed = _counts(found)
    return _share(2 * right, 2 * right + false + missed)


def _share(part: int, whole: int) -> float:
    """1 where there is nothing to be wrong about."""
    return round(part / whole, 4) if whole else 1.0


def _bootstrap(found: Sequence[Outcome], score: Callable[[Sequence[Outcome]], float]) -> tuple[float, float]:
    pick = random.Random(1)
    values = sorted(score(pick.choices(found, k=len(found))) for _ in range(SAMPLES))
    return values[int(0.025 * SAMPLES)], values[int(0.975 * SAMPLES) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", default=list(CASES))
    found = score_linking(parser.parse_args().files)
    for name in ("cases", "traps", "pairs", "ambiguous_kept"):
        print(f"{name:16} {found[name]}")
    for name in ("precision", "recall", "f1"):
        low, high = found[f"{name}_interval"]
        print(f"{name:16} {found[name]:.4f}  ({low:.3f} to {high:.3f})")
    for name, scores in found["slices"].items():
        print(f"  {name:14} precision {scores['precision']:.3f}  recall {scores['recall']:.3f}")
    for case in found["wrong"]:
        marks = [f"{what}: {', '.join(case[what])}" for what in ("false", "missed", "forgotten") if case[what]]
        print(f"  wrong  {case['text'][:60]!r}  {'; '.join(marks)}")


if __name__ == "__main__":
    main()
