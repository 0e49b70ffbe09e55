"""The model seam: texts in, one judgement a head out.

Implementations are handed texts and know nothing of documents, logs or stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from minsheng.records import Judgement

SENTIMENTS = ("positive", "neutral", "negative")
EMOTIONS = ("happy", "angry", "sad", "fear", "surprise", "neutral")
REQUESTS = ("complaint", "inquiry", "suggestion", "praise", "report", "help", "none")
HEADS = ("sentiment", "emotion", "topic", "request")


class Text(NamedTuple):
    """What a model reads of a document. Either may be empty."""

    title: str
    text: str


class Model(Protocol):
    """Judges texts with all its heads at once. Safe to use from one thread; each worker makes its own.

    Attributes
    ----------
    versions:
        Head → a name of the model that changes when its answers may change; kept in every record.
    """

    versions: dict[str, str]

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        """For each text, head → judgement, for every head in `HEADS`. Never raises for any text, however odd."""
        ...
