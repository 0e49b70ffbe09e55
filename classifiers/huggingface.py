"""A user's own model for a head: a folder of Hugging Face's format, or an id on its hub, run by PyTorch.

transformers and PyTorch are imported only here, and only when such a model is set. Code that a model brings along is
never run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifiers.model import EMOTIONS, REQUESTS, SENTIMENTS, STANCES, Text
from minsheng.errors import MinshengError, WrongSettings
from minsheng.logs import get_logger
from minsheng.records import Judgement
from minsheng.settings import HeadSettings, Settings

log = get_logger(__name__)

LABELS: Mapping[str, tuple[str, ...]] = {
    "sentiment": SENTIMENTS,
    "emotion": EMOTIONS,
    "request": REQUESTS,
    "stance": STANCES,
}
"""The labels that a head must end up with. Topics are the model's own."""

DECIMALS = 4
CHARACTERS_A_TOKEN = 8
"""No tokenizer makes fewer tokens of a text than its characters by this; what lies beyond is cut off before."""


class HuggingFaceModel:
    """One head, judged by a sequence classifier.

    Parameters
    ----------
    chosen:
        Which model for which head, and how it is run.
    folder:
        Where the model lies; None where `chosen.model` is an id on the hub.
    threads:
        Of PyTorch; 0: as many as it takes itself.

    Raises
    ------
    MinshengError
        If PyTorch is not installed.
    WrongSettings
        If the model can't be had, is no classifier, or its labels are not those of the head.
    """

    def __init__(self, chosen: HeadSettings, folder: Path | None, threads: int = 0) -> None:
        _need_torch(chosen)
        # Without a word to anybody: a model that is loaded here is nobody else's business.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        import torch

        if threads:
            torch.set_num_threads(threads)
        self._torch = torch
        self._device = _device(chosen, torch)
        self._batch = chosen.batch
        self._tokenizer, self._model = _load(chosen, folder, torch)
        self._model.to(self._device)
        self._model.eval()
        self._most = _most_tokens(chosen, self._tokenizer, self._model)
        self._labels, self._columns = _columns(chosen, self._model.config)
        self.heads: tuple[str, ...] = (chosen.head,)
        self.versions: Mapping[str, str] = {chosen.head: _version(chosen, folder, self._model)}
        self.thresholds: Mapping[str, float] = {} if chosen.unsure_below is None else {chosen.head: chosen.unsure_below}

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        """The head's judgement of each text, in order."""
        rows = self._tokens([_reading(text, self._most) for text in texts])
        # Texts of about the same length together: the shorter ones are padded to the longest of their batch.
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        judged: list[dict[str, Judgement]] = [{} for _ in texts]
        for start in range(0, len(order), self._batch):
            places = order[start : start + self._batch]
            scores = self._scores([rows[place] for place in places])
            for place, row in zip(places, scores.tolist(), strict=True):
                best = max(range(len(row)), key=row.__getitem__)
                row[best] = round(row[best] + 1 - sum(row), DECIMALS)
                judgement = Judgement(label=self._labels[best], scores=dict(zip(self._labels, row, strict=True)))
                judged[place] = {self.heads[0]: judgement}
        return judged

    def _tokens(self, readings: list[str]) -> list[list[int]]:
        if not readings:
            return []
        found = self._tokenizer(
            readings, truncation=True, max_length=self._most, padding=False, return_attention_mask=False
        )
        # A tokenizer without marks of its own makes nothing of an empty text, and a network can't read nothing.
        return [list(row) or [self._tokenizer.pad_token_id or 0] for row in found["input_ids"]]

    def _scores(self, rows: list[list[int]]) -> NDArray[np.float64]:
        """Probabilities of the head's labels, rounded; shape (texts, labels)."""
        torch = self._torch
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self._tokenizer.pad_token_id or 0, dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        left = self._tokenizer.padding_side == "left"
        for place, row in enumerate(rows):
            span = slice(longest - len(row), longest) if left else slice(0, len(row))
            ids[place, span] = torch.tensor(row, dtype=torch.long)
            mask[place, span] = 1
        with torch.inference_mode():
            logits = self._model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device)).logits
            probabilities = torch.softmax(logits.float(), dim=-1).double().cpu().numpy()
        # Numbers of half precision can overflow; a network that says nothing usable says every label alike.
        probabilities[~np.isfinite(probabilities).all(axis=1)] = 1 / probabilities.shape[1]
        found: NDArray[np.float64] = np.round(probabilities @ self._columns, DECIMALS)
        return found


def open_heads(settings: Settings) -> list[HuggingFaceModel]:
    """The models that `[[classify.heads]]` names, in its order."""
    heads = [chosen.head for chosen in settings.classify.heads]
    if twice := {head for head in heads if heads.count(head) > 1}:
        raise WrongSettings(f"classify.heads: two models for {', '.join(sorted(twice))}", "leave one of them")
    return [
        HuggingFaceModel(chosen, _folder(chosen, settings), settings.classify.threads)
        for chosen in settings.classify.heads
    ]


def _need_torch(chosen: HeadSettings) -> None:
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise MinshengError(
                f"the model {chosen.model} (classify.heads, {chosen.head}) needs {package}, which is not installed",
                "pip install 'minsheng[torch]'; where there is no GPU, PyTorch's own wheels for the CPU are much "
                "smaller: docs/how-to/use-your-own-model.md",
            )


def _folder(chosen: HeadSettings, settings: Settings) -> Path | None:
    """Where the model lies; None for an id on the hub."""
    folder = settings.path(str(Path(chosen.model).expanduser()))
    if folder.is_dir():
        return folder
    if chosen.model.startswith(("/", ".", "~")) or chosen.model.count("/") > 1:
        raise WrongSettings(f"classify.heads, {chosen.head}: there is no folder {folder}", "see model in that table")
    return None


def _device(chosen: HeadSettings, torch: Any) -> str:
    if chosen.device == "cuda" and not torch.cuda.is_available():
        raise WrongSettings(
            f"classify.heads, {chosen.head}: PyTorch finds no GPU here", 'set device = "auto", or check the driver'
        )
    return ("cuda" if torch.cuda.is_available() else "cpu") if chosen.device == "auto" else chosen.device


def _load(chosen: HeadSettings, folder: Path | None, torch: Any) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    place = chosen.model if folder is None else str(folder)
    # A folder is read as it lies there: nothing is looked for on the hub.
    options: dict[str, Any] = {"local_files_only": folder is not None, "trust_remote_code": False}
    log.info("model_loading", head=chosen.head, model=place)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **options)
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            place, dtype=getattr(torch, chosen.dtype), output_loading_info=True, **options
        )
    except (OSError, ValueError, ImportError, RuntimeError, KeyError) as error:
        told = str(error).strip().split("\n")[0]
        raise WrongSettings(
            f"classify.heads, {chosen.head}: {place} can't be loaded: {told}",
            "name a folder with config.json, the tokenizer's files and the weights"
            if folder is None
            else "it needs config.json, the tokenizer's files and the weights (model.safetensors)",
        ) from error
    if loading["missing_keys"]:
        # transformers fills what is missing with random numbers, and only warns.
        missing = ", ".join(sorted(loading["missing_keys"])[:3])
        raise WrongSettings(
            f"classify.heads, {chosen.head}: {place} is no trained classifier: it lacks {missing}",
            "fine-tune it for sequence classification first",
        )
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is not None:
        tokenizer.pad_token = tokenizer.eos_token
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    return tokenizer, model


def _most_tokens(chosen: HeadSettings, tokenizer: Any, model: Any) -> int:
    """The setting, or what the model can take if that is less."""
    # Some tokenizers say 10^30 where they know no limit.
    limits = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None) or chosen.max_tokens]
    if getattr(model.config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        limits[1] -= 2  # their positions begin at 2
    return int(min(chosen.max_tokens, *limits))


def _columns(chosen: HeadSettings, config: Any) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The head's labels, and a matrix (the model's labels, the head's labels) of which becomes which.

    Where several of the model's labels become one, their probabilities add up: five stars can be three moods.
    """
    own = [str(config.id2label[place]) for place in range(config.num_labels)]
    if len(own) < 2:
        raise WrongSettings(f"classify.heads, {chosen.head}: {chosen.model} gives a number and no labels")
    if unknown := sorted(set(chosen.labels) - set(own)):
        raise WrongSettings(
            f"classify.heads, {chosen.head}: the model has no label {', '.join(unknown)}", f"it has {', '.join(own)}"
        )
    meant = [chosen.labels.get(label, label) for label in own]
    known = LABELS.get(chosen.head) or tuple(dict.fromkeys(meant))
    if wrong := [label for label in meant if label not in known]:
        raise WrongSettings(
            f"classify.heads, {chosen.head}: {', '.join(wrong)} is none of the head's labels",
            f"say in labels which of {', '.join(known)} each of the model's labels means: {', '.join(own)}",
        )
    matrix = np.zeros((len(own), len(known)))
    for place, label in enumerate(meant):
        matrix[place, known.index(label)] = 1
    return known, matrix


def _version(chosen: HeadSettings, folder: Path | None, model: Any) -> str:
    """Changes with the model's files and with what of the settings its answers depend on."""
    digest = hashlib.sha256(
        msgspec.json.encode([chosen.labels, chosen.max_tokens, chosen.dtype, getattr(model.config, "_commit_hash", "")])
    )
    for file in sorted(folder.iterdir()) if folder is not None else ():
        if file.suffix in (".json", ".safetensors", ".bin", ".txt", ".model"):
            digest.update(file.name.encode())
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
    return f"{(folder.name if folder is not None else chosen.model)[-60:]}-{digest.hexdigest()[:12]}"


def _reading(text: Text, most: int) -> str:
    """What the model reads: the title's line and the text, as much of it as can become tokens."""
    whole = f"{text.title}\n{text.text}" if text.title.strip() and text.text.strip() else text.text or text.title
    cut = whole[: most * CHARACTERS_A_TOKEN]
    return cut.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # lone surrogates are no characters
