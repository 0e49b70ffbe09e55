"""A model put together of others: each later one takes over the heads that it judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from classifiers.model import Model, Text
from minsheng.records import Judgement


class ComposedModel:
    """Judges with several models.

    Parameters
    ----------
    base:
        Judges the heads that no other model does.
    others:
        Models that may lack heads.
    """

    def __init__(self, base: Model, *others: Model) -> None:
        self._models = (base, *others)
        self.heads: tuple[str, ...] = tuple(dict.fromkeys(head for model in self._models for head in model.heads))
        self.versions: Mapping[str, str] = {
            head: version for model in self._models for head, version in model.versions.items()
        }
        # A head's threshold goes with the model that judges it, also where that one asks for none.
        thresholds: dict[str, float] = {}
        for model in self._models:
            thresholds = {head: least for head, least in thresholds.items() if head not in model.heads}
            thresholds |= model.thresholds
        self.thresholds: Mapping[str, float] = thresholds

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        judged: list[dict[str, Judgement]] = [{} for _ in texts]
        for model in self._models:
            for heads, more in zip(judged, model.judge(texts), strict=True):
                heads.update(more)
        return judged
