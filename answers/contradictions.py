"""Answers that repeat or contradict one another, and answers that state what their clause does not.

Signs for a person to look at, not proofs: two answers to the same question with different figures in the same unit, or
with yes and no; an answer with a figure that its policy's text does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from answers.encoding import encoder, likenesses
from answers.figures import Statement, statement_of
from answers.model import Content, Entry
from answers.texts import PolicyText

ALIKE = 0.66
"""Likeness of two questions from which they may be the same one: on the sample's answers it leaves one pair that only
looks the same (employees and pensioners), and finds pairs that we worded anew."""
SAME = 0.8
"""Cosine of the answers from which two answers without a contradiction are doubles."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: `duplicate` and `contradiction` between two entries, `unsupported` between an entry and its policy."""

    kind: Literal["duplicate", "contradiction", "unsupported"]
    entries: tuple[str, ...]
    words: str


KIND_WORDS = {"duplicate": "重复", "contradiction": "矛盾", "unsupported": "与原文不符"}


def compare(entries: Sequence[Entry]) -> list[Finding]:
    """Doubles and contradictions among entries, contradictions first.

    Parameters
    ----------
    entries:
        Those that count, such as the published and the drafts: withdrawn and expired ones are passed over.
    """
    live = [one for one in entries if one.status not in ("withdrawn", "expired")]
    questions = encoder().encode([f"{one.content.title}。{one.content.question}" for one in live])
    pairs = [
        (int(other), place)
        for place, alike in enumerate(likenesses(questions))
        for other in np.flatnonzero(alike >= ALIKE)
    ]
    # Few questions are alike, and answers are long: only theirs are read.
    places = sorted({place for pair in pairs for place in pair})
    texts = [live[place].content.answer for place in places]
    answers = dict(zip(places, encoder().encode(texts), strict=True))
    statements = {place: statement_of(text) for place, text in zip(places, texts, strict=True)}
    found = []
    for one, other in pairs:
        pair = (live[one].id, live[other].id)
        against = _against(statements[one], statements[other])
        if against:
            found.append(Finding(kind="contradiction", entries=pair, words=against))
        elif float(answers[one].whole @ answers[other].whole) >= SAME:
            found.append(Finding(kind="duplicate", entries=pair, words="问题和答复都相近，可合并"))
    return sorted(found, key=lambda one: (one.kind != "contradiction", one.entries))


def unsupported(entries: Sequence[Entry], texts: Mapping[str, PolicyText]) -> list[Finding]:
    """Entries whose figures or clauses do not stand in their policy's text. Policies without a text are passed over."""
    found = []
    for one in entries:
        text = texts.get(one.content.policy)
        if text is None or one.status in ("withdrawn", "expired"):
            continue
        words = check(one.content, text)
        if words:
            found.append(Finding(kind="unsupported", entries=(one.id,), words="；".join(words)))
    return found


def check(content: Content, text: PolicyText) -> list[str]:
    """What an answer states that its policy's text does not, in Chinese; nothing where all of it stands there."""
    wrong = []
    cited = []
    for label in content.clauses:
        clause = text.clause(label)
        if clause is None:
            wrong.append(f"政策原文中没有{label}")
        else:
            cited.append(clause.text)
    whole = statement_of(text.text).values
    of_clauses = statement_of("\n".join(cited)).values if cited else whole
    for unit, values in statement_of(content.answer).values.items():
        missing = values - whole.get(unit, frozenset())
        elsewhere = values - missing - of_clauses.get(unit, frozenset())
        if missing:
            wrong.append(f"原文没有 {_shown(missing, unit)}")
        if elsewhere:
            wrong.append(f"{_shown(elsewhere, unit)} 不在所引条款中")
    return wrong


def _against(one: Statement, other: Statement) -> str:
    """How two statements on the same question differ; empty where they do not."""
    if one.says and other.says and one.says != other.says:
        return "一个答“是”，一个答“否”"
    for unit in one.values.keys() & other.values.keys():
        # One that says more than the other does not contradict it.
        if not (one.values[unit] <= other.values[unit] or other.values[unit] <= one.values[unit]):
            return f"数值不同：{_shown(one.values[unit], unit)} / {_shown(other.values[unit], unit)}"
    return ""


def _shown(values: frozenset[float], unit: str) -> str:
    if unit == "日期":
        return "、".join(f"{int(value) // 100 % 100}月{int(value) % 100}日" for value in sorted(values))
    return "、".join(f"{value:.12g}{unit}" for value in sorted(values))
