"""The encoder at run time: ONNX Runtime for the network, a linear n-gram expert beside it, calibrated scores.

Its files (`models/encoder/`) are made by `make model`; the card beside them says from what, and how well they do.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.encoder.batches import batches, token_ids
from classifiers.model import Text
from classifiers.ngram import NgramModel, log_softmax, rounded
from minsheng.errors import BadInput
from minsheng.records import Judgement

FOLDER = Path(__file__).parents[1] / "models" / "encoder"
CHUNK = 256
"""Texts tokenised at a time."""

CACHED = 20_000
"""Texts whose judgements are remembered, about 3 kB each: the same text comes again and again within a day."""


class Head(msgspec.Struct, frozen=True):
    """One head of the card.

    Attributes
    ----------
    labels:
        In the order of the network's columns.
    temperature:
        Divides the network's scores.
    expert:
        Weight of the n-gram expert's log-probabilities, added to the network's; 0: none.
    threshold:
        Least probability of a label that the model stands by.
    """

    labels: tuple[str, ...]
    temperature: float
    expert: float
    threshold: float


class Card(msgspec.Struct, frozen=True):
    """What `card.json` must hold for the model to run; the rest of it is for people.

    `files`: the SHA-256 of each. `expert_model`: the version of the n-gram model that its weights were chosen with.
    """

    version: str
    files: dict[str, str]
    heads: dict[str, Head]
    expert_model: str = ""


class EncoderModel:
    """All heads in one pass over characters.

    Parameters
    ----------
    folder:
        Holds `card.json`, `model.onnx`, `tokenizer.json`.
    threads:
        Of ONNX Runtime.
    cached:
        How many texts' judgements are remembered.

    Raises
    ------
    BadInput
        If the files are missing, damaged, or don't belong together.

    Examples
    --------
    >>> model = EncoderModel()
    >>> model.judge([Text("", "太好了，谢谢！")])[0]["sentiment"].label
    'positive'
    """

    def __init__(self, folder: Path = FOLDER, *, threads: int = 1, cached: int = CACHED) -> None:
        card, network = _read(folder)
        self._heads = card.heads
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that wait by spinning would take the processor from the other stages of the road.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._width = sum(len(head.labels) for head in card.heads.values())
        self._expert = _expert(card) if any(head.expert for head in card.heads.values()) else None
        self._cached = cached
        self._known: OrderedDict[bytes, dict[str, Judgement]] = OrderedDict()
        self.heads = tuple(card.heads)
        self.versions: Mapping[str, str] = dict.fromkeys(card.heads, card.version)
        self.thresholds: Mapping[str, float] = {name: head.threshold for name, head in card.heads.items()}

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        """Head → judgement for each text, in order; the same for the same text, whatever its company."""
        keys = [_key(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        fresh: dict[bytes, dict[str, Judgement]] = {}
        waiting = list(new.items())
        for start in range(0, len(waiting), CHUNK):
            part = waiting[start : start + CHUNK]
            judged = self._judge([text for _, text in part])
            fresh.update(zip((key for key, _ in part), judged, strict=True))
        result = [dict(fresh.get(key) or self._known[key]) for key in keys]
        for key in keys:
            self._remember(key, fresh)
        return result

    def scores(self, texts: Sequence[Text]) -> NDArray[np.float32]:
        """The network's scores of all heads' labels side by side, shape (texts, labels), before calibration."""
        found = np.empty((len(texts), self._width), np.float32)
        for batch in batches(token_ids(self._tokenizer, texts)):
            given = {"ids": batch.ids, "pairs": batch.pairs, "mask": batch.mask}
            found[batch.places] = self._session.run(["scores"], given)[0]
        return found

    def _judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        scores = self.scores(texts)
        beside = {} if self._expert is None else self._expert.log_probabilities(texts)
        judged: list[dict[str, Judgement]] = [{} for _ in texts]
        start = 0
        for name, head in self._heads.items():
            end = start + len(head.labels)
            logs = log_softmax(scores[:, start:end] / head.temperature)
            if head.expert:
                logs = log_softmax(logs + head.expert * beside[name])
            probabilities = rounded(np.exp(logs))
            best = probabilities.argmax(axis=1).tolist()
            for one, label, values in zip(judged, best, probabilities.tolist(), strict=True):
                one[name] = Judgement(label=head.labels[label], scores=dict(zip(head.labels, values, strict=True)))
            start = end
        return judged

    def _remember(self, key: bytes, fresh: Mapping[bytes, dict[str, Judgement]]) -> None:
        if key in self._known:
            self._known.move_to_end(key)
        elif key in fresh:
            self._known[key] = fresh[key]
            if len(self._known) > self._cached:
                self._known.popitem(last=False)


def _expert(card: Card) -> NgramModel:
    expert = NgramModel()
    if card.expert_model not in expert.versions.values():
        raise BadInput(f"the encoder was made with {card.expert_model}, which is not here", "install Minsheng again")
    return expert


def _key(text: Text) -> bytes:
    whole = f"{len(text.title)}\n{text.title}\n{text.text}"
    return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _read(folder: Path) -> tuple[Card, bytes]:
    """The card and the network, after checking that the files belong together."""
    try:
        card = msgspec.json.decode((folder / "card.json").read_bytes(), type=Card)
        contents = {name: (folder / name).read_bytes() for name in card.files}
        network = contents["model.onnx"]
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        raise BadInput(f"the model in {folder} can't be read: {error}", "install Minsheng again") from error
    for name, digest in card.files.items():
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise BadInput(f"{folder}/{name} is not the file that card.json describes", "install Minsheng again")
    return card, network
