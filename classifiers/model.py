"""The model seam: texts in, one judgement a head out.

Implementations are handed texts and know nothing of documents, logs or stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from minsheng.records import Judgement

SENTIMENTS = ("positive", "neutral", "negative")
EMOTIONS = ("happy", "angry", "sad", "fear", "surprise", "neutral")
REQUESTS = ("complaint", "inquiry", "suggestion", "praise", "report", "help", "none")
STANCES = ("support", "against", "question", "neutral")
HARMS = ("harm", "none")
ADVERTS = ("advert", "none")

LABELS: Mapping[str, tuple[str, ...]] = {
    "sentiment": SENTIMENTS,
    "emotion": EMOTIONS,
    "request": REQUESTS,
    "stance": STANCES,
    "harm": HARMS,
    "advert": ADVERTS,
}
"""Head → its labels. Those of `topic`, and of heads that records have no room for, are the model's own."""

EVERY_MODEL = ("sentiment", "emotion", "topic", "request")
"""The heads that no model may lack: every record has them."""

HEADS = (*EVERY_MODEL, "stance", "harm", "advert")
"""The heads that a record has room for. A stance is one to a policy: it is kept only where one is linked."""


class Text(NamedTuple):
    """What a model reads of a document. Either may be empty."""

    title: str
    text: str


class Model(Protocol):
    """Judges texts with all its heads at once. Safe to use from one thread; each worker makes its own.

    Attributes
    ----------
    heads:
        What it judges: all of `EVERY_MODEL`, and any others.
    versions:
        Head → a name of the model that changes when its answers may change; kept in every record. One for each head.
    thresholds:
        Head → the least probability of a label that the model stands by; below it, `judge_with` marks a judgement as
        unsure. A head without one is always sure.
    """

    @property
    def heads(self) -> tuple[str, ...]: ...

    @property
    def versions(self) -> Mapping[str, str]: ...

    @property
    def thresholds(self) -> Mapping[str, float]: ...

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        """For each text, head → judgement, for every head in `heads`. Never raises for any text, however odd."""
        ...


def judge_with(model: Model, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
    """The model's judgements, those below its thresholds marked as unsure."""
    judged = model.judge(texts)
    for head, threshold in model.thresholds.items():
        for heads in judged:
            judgement = heads[head]
            if judgement.scores[judgement.label] < threshold:
                heads[head] = msgspec.structs.replace(judgement, unsure=True)
    return judged
