"""Paragraphs as people edit them: text in which each number is followed by its evidence's code, 20[1].

A number keeps its evidence as long as number and code stay together; who writes another number has to take the code
away, for it would point at something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from briefings.evidence import Number
from briefings.report import Part
from minsheng.errors import WrongUse
from minsheng.problems import Problem

LONGEST = 5_000
"""Characters of one paragraph."""
_CODE = re.compile(r"\[(\d{1,4})\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff]+")


def written(parts: Iterable[Part]) -> str:
    """The parts as text with codes.

    Examples
    --------
    >>> written(["共", Number(value=20, evidence="evidence-1"), "条。"])
    '共20[1]条。'
    """
    return "".join(
        part if isinstance(part, str) else f"{part.text}[{code_of(part)}]" if part.evidence else part.text
        for part in parts
    )


def read(text: str, numbers: Sequence[Number]) -> tuple[Part, ...]:
    """The parts of an edited text; none where it is empty.

    Parameters
    ----------
    numbers:
        All numbers of the report.

    Raises
    ------
    WrongUse
        Where a code stands behind something else than its number, or the text is too long.
    """
    text = plain(text)
    if len(text) > LONGEST:
        raise WrongUse(Problem("paragraph-long", length=len(text), most=LONGEST), "write less")
    shown: dict[str, dict[str, Number]] = {}
    for number in numbers:
        if number.evidence:
            shown.setdefault(code_of(number), {})[number.text] = number
    found: list[Part] = []
    place = 0
    for match in _CODE.finditer(text):
        known = shown.get(match[1])
        if known is None:
            continue  # brackets of the text's own
        before = text[place : match.start()]
        fitting = [words for words in known if before.endswith(words) and not _runs_on(before, words)]
        if not fitting:
            raise WrongUse(
                Problem("code-astray", code=match[1], numbers=" or ".join(sorted(known)[:5])),
                "take the code away where you write another number: it would open something else",
            )
        words = max(fitting, key=len)
        found += [before[: len(before) - len(words)], known[words]]
        place = match.end()
    found.append(text[place:])
    return tuple(part for part in found if part != "")


def plain(text: str) -> str:
    """The text as a form of a browser sends it back: on one line, without spaces around it."""
    return _CONTROL.sub(" ", text).strip()


def code_of(number: Number) -> str:
    return (number.evidence or "").rpartition("-")[2]


def _runs_on(before: str, words: str) -> bool:
    """Whether the number is only the end of a longer one: 20 of 120."""
    rest = before[: len(before) - len(words)]
    return words[:1].isdecimal() and bool(re.search(r"\d[.,]?$", rest))
