"""Opens the model that the settings name."""

from __future__ import annotations

from classifiers.model import Model
from minsheng.errors import WrongSettings
from minsheng.settings import Settings

MODELS = ("ngram",)
"""The names that `classify.model` may have."""


def load_model(settings: Settings) -> Model:
    """The model of `settings.classify.model`.

    Raises
    ------
    WrongSettings
        If no model has this name.
    BadInput
        If its files can't be used.
    """
    if settings.classify.model == "ngram":
        from classifiers.ngram import NgramModel

        return NgramModel()
    raise WrongSettings(f"classify.model: no model '{settings.classify.model}'", f"known are: {', '.join(MODELS)}")
