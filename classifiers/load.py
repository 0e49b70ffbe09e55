"""Opens the model that the settings name."""

from __future__ import annotations

from classifiers.model import Model
from minsheng.errors import WrongSettings
from minsheng.settings import Settings

MODELS = ("encoder", "ngram")
"""The names that `classify.model` may have."""


def load_model(settings: Settings) -> Model:
    """The model of `settings.classify.model`, with those of `settings.classify.heads` for their heads.

    Raises
    ------
    WrongSettings
        If no model has this name.
    BadInput
        If its files can't be used.
    MinshengError
        If a head's model needs PyTorch, which is not installed.
    """
    base = _shipped(settings)
    if not settings.classify.heads:
        return base
    from classifiers.composed import ComposedModel
    from classifiers.huggingface import open_heads

    return ComposedModel(base, *open_heads(settings))


def _shipped(settings: Settings) -> Model:
    if settings.classify.model == "encoder":
        from classifiers.encoder.model import EncoderModel

        return EncoderModel(threads=settings.classify.threads)
    if settings.classify.model == "ngram":
        from classifiers.ngram import NgramModel

        return NgramModel()
    raise WrongSettings(f"classify.model: no model '{settings.classify.model}'", f"known are: {', '.join(MODELS)}")
