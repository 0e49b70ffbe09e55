"""The supervisor's score sheet: five fixed items, each from 1 to 5."""

from __future__ import annotations

from collections.abc import Mapping

from minsheng.errors import WrongUse
from minsheng.problems import Problem

ITEMS: dict[str, str] = {
    "timely": "回应及时",
    "relevant": "答其所问",
    "settled": "问题解决",
    "plain": "通俗得体",
    "effect": "群众认可",
}
"""Item → what is judged by it."""
LOWEST, HIGHEST = 1, 5


def checked(items: Mapping[str, int]) -> dict[str, int]:
    """A complete sheet. Raises `WrongUse` where an item is missing, unknown or out of range."""
    unknown = sorted(items.keys() - ITEMS.keys())
    missing = [name for name in ITEMS if name not in items]
    if unknown or missing:
        problem = f"unknown items {', '.join(unknown)}" if unknown else f"no score for {', '.join(missing)}"
        raise WrongUse(Problem("scores-incomplete", problem=problem), f"score each of {', '.join(ITEMS)} from 1 to 5")
    for name, value in items.items():
        if not LOWEST <= value <= HIGHEST:
            raise WrongUse(
                Problem("score-range", item=ITEMS[name], score=value, lowest=LOWEST, highest=HIGHEST),
                f"a score lies between {LOWEST} and {HIGHEST}",
            )
    return {name: items[name] for name in ITEMS}


def share(items: Mapping[str, int]) -> float:
    """A sheet's score from 0 to 1."""
    return sum(value - LOWEST for value in items.values()) / (len(items) * (HIGHEST - LOWEST))
