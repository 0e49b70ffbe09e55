"""One grade from the parts of an evaluation, "well or not", with what each part rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from alerts.responses.answers import Answer, answers_to
from alerts.responses.demands import Asked, demands_of
from alerts.responses.outcome import CHINESE as OUTCOME_WORDS
from alerts.responses.outcome import WORTH, outcome_of
from alerts.responses.substance import statements
from alerts.responses.wording import wording_of

METHOD = 1
"""Counts changes of how evaluations are made; stands in every one."""

Grade = Literal["good", "fair", "middling", "poor"]
CHINESE: dict[str, str] = {"good": "好", "fair": "较好", "middling": "一般", "poor": "差"}
WELL: tuple[Grade, ...] = ("good", "fair")
_FROM: tuple[tuple[Grade, float], ...] = (("good", 0.75), ("fair", 0.6), ("middling", 0.4))

WEIGHTS = {
    "answered": 0.25,
    "outcome": 0.25,
    "substance": 0.20,
    "wording": 0.08,
    "timely": 0.10,
    "aftermath": 0.07,
    "repeats": 0.05,
}
"""How much each part counts. Parts that nothing is known of yet count for nothing, and the others for more."""

SHEET_SHARE = 0.5
"""How much the supervisor's own score counts beside the parts."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part: its name and Chinese title, its score from 0 to 1 or None where nothing is known, and why."""

    name: str
    title: str
    score: float | None
    value: str
    detail: dict[str, Any] = {}


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation: score from 0 to 1, grade, and its parts.

    `unanswered`: the demands that the reply does not answer, in people's own words.
    """

    score: float
    grade: Grade
    parts: tuple[Part, ...]
    unanswered: tuple[str, ...] = ()
    method: int = METHOD

    @property
    def well(self) -> bool:
        """Well or not."""
        return self.grade in WELL


def grade_of(score: float) -> Grade:
    """The grade of a score."""
    return next((grade for grade, least in _FROM if score >= least), "poor")


def evaluate_text(posts: Sequence[Asked], reply: str, documents: Sequence[str] = ()) -> tuple[list[Part], list[Answer]]:
    """The parts of an evaluation that the texts alone tell.

    Parameters
    ----------
    posts:
        What people wrote.
    reply:
        What was published in answer.
    documents:
        Texts of the policies it is about, to find what was only copied.

    Returns
    -------
    The parts `answered`, `outcome`, `substance` and `wording`, and each demand with its answer.
    """
    answers = answers_to(demands_of(posts), reply)
    said = statements(reply)
    outcome = outcome_of(said, answers)
    wording = wording_of(reply, documents)
    signs = {sign for one in said for sign in one.signs}
    missing = 1.0
    for one in said:
        missing *= 1.0 - one.weight / 2
    concrete = (1.0 - missing) * 2 / 3 + len(signs) / len(_SIGN_WORDS) / 3
    answered = [answer for answer in answers if answer.answered]
    parts = [
        Part(
            name="answered",
            title="答其所问",
            score=_answered(answers),
            value=f"{len(answers)} 项诉求中 {len(answered)} 项得到回答" if answers else "群众未提出具体诉求",
        ),
        Part(
            name="outcome",
            title="办理结果",
            score=WORTH[outcome],
            value=OUTCOME_WORDS[outcome],
            detail={"outcome": outcome},
        ),
        Part(
            name="substance",
            title="内容实在",
            score=round(concrete, 3),
            value="有" + "、".join(_SIGN_WORDS[sign] for sign in _SIGN_WORDS if sign in signs)
            if signs
            else "无实质内容",
        ),
        Part(
            name="wording",
            title="表达得当",
            score=wording.score,
            value=_wording_words(wording.length, wording.sentence, wording.copied, courteous=wording.courteous),
            detail={"slogans": list(wording.slogans), "cold": list(wording.cold), "copied": wording.copied},
        ),
    ]
    return parts, answers


def combine(parts: Sequence[Part], answers: Sequence[Answer] = (), sheet: float | None = None) -> Evaluation:
    """One evaluation.

    Parameters
    ----------
    sheet:
        The supervisor's score from 0 to 1; None where there is none yet.
    """
    known = [(part.score, WEIGHTS[part.name]) for part in parts if part.score is not None]
    score = sum(value * weight for value, weight in known) / sum(weight for _, weight in known) if known else 0.0
    if sheet is not None:
        score = (1 - SHEET_SHARE) * score + SHEET_SHARE * sheet
    return Evaluation(
        score=round(score, 3),
        grade=grade_of(score),
        parts=tuple(parts),
        unanswered=tuple(answer.demand.text for answer in answers if not answer.answered),
    )


_SIGN_WORDS = {
    "found": "调查情况",
    "done": "已办事项",
    "planned": "办理时间",
    "intended": "下步打算",
    "grounds": "政策依据",
    "reason": "原因说明",
    "figures": "具体数字",
    "contact": "联系方式",
}


def _answered(answers: Sequence[Answer]) -> float | None:
    """The mean over the demands, by the root of what each says and of how many posts put it."""
    if not answers:
        return None
    weights = [(min(answer.demand.weight, 250.0) * answer.demand.asked) ** 0.5 for answer in answers]
    total = sum(weights)
    return round(sum(answer.score * weight for answer, weight in zip(answers, weights, strict=True)) / total, 3)


def _wording_words(length: int, sentence: float, copied: float, *, courteous: bool) -> str:
    words = [f"正文 {length} 字", f"平均句长 {sentence:.0f} 字"]
    if copied >= 0.1:
        words.append(f"{copied:.0%} 照抄文件原文")
    if not courteous:
        words.append("缺少问候或致谢")
    return "，".join(words)
