"""Which demands a reply answers: it must speak of the matter, and say something of its own about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from alerts.responses.demands import Demand, content, weight_of
from alerts.responses.substance import statements

_RESTATED = re.compile(
    r"(?:您|你|网友)?(?:来信|来函|留言|所)?(?:反映|咨询|提出|提到|投诉|关注)的?[“\"《「][^”\"》」]{2,80}[”\"》」](?:的?问题|一事|的留言|的贴文)?"
)

_FULL = 0.30
"""Share of what a demand says that a reply which treats it whole takes up; from real messages and their answers."""
_ENOUGH = 250.0
"""Nats of a demand that an answer can be asked to take up: who tells a long story asks for no more."""
_DIRECT = 0.4
"""A sentence that takes up so much of a demand answers it directly ("……的法律援助可联系司法局"), signs or no signs."""
ANSWERED = 0.5
"""From this on a demand counts as answered."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A demand, how far it is answered (0 to 1), and the sentence of the reply that comes nearest."""

    demand: Demand
    score: float
    sentence: str = ""

    @property
    def answered(self) -> bool:
        return self.score >= ANSWERED


def answers_to(demands: Sequence[Demand], reply: str) -> list[Answer]:
    """How far each demand is answered.

    Parameters
    ----------
    reply:
        The whole answer. What it only repeats of the question counts for nothing.
    """
    said = statements(_RESTATED.sub("", reply))
    grams = [content(statement.text) for statement in said]
    return [_answer(demand, [one.text for one in said], [one.weight for one in said], grams) for demand in demands]


def _answer(demand: Demand, sentences: Sequence[str], weights: Sequence[float], grams: Sequence[set[int]]) -> Answer:
    wanted = content(demand.text)
    whole = min(weight_of(wanted), _ENOUGH)
    if not sentences or whole == 0:
        return Answer(demand=demand, score=0.0)
    shares = [weight_of(wanted & said) / whole for said in grams]
    best = max(range(len(sentences)), key=lambda place: (shares[place] * (0.5 + weights[place]), -place))
    touched = weight_of(wanted & set().union(*grams)) / whole
    # What stands beside the nearest sentence belongs to the answer: "经查……。已于3月修复。"
    near = max(weights[max(0, best - 1) : best + 2])
    if shares[best] >= _DIRECT:
        near = max(near, 0.5 + weights[best] / 2)
    return Answer(
        demand=demand,
        score=round(min(1.0, touched / _FULL) * near, 3),
        sentence=sentences[best] if touched > 0 else "",
    )
