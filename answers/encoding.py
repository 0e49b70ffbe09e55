"""Short texts as the encoder's vectors, one a character: what questions and answers are compared by.

A pooled vector, made for telling moods and topics apart, finds the right answer among few; comparing each character of
the question with the nearest one of the answer (late interaction, as in ColBERT, Khattab and Zaharia 2020) finds it
nearly always. So the vectors are those of the first layer: the last one's have forgotten the words for the moods that
they were trained to tell (see docs/reference/qa.md for the figures). Frequent directions, which say nothing, are
scaled down: `vectors.npz` (made by `training/answer_vectors.py`) holds the mean, the projection and how rare each
character is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from answers.graph import first_layer, with_output
from classifiers.encoder.batches import batches, token_ids
from classifiers.encoder.model import FOLDER, Card
from classifiers.model import Text
from minsheng.errors import BadInput

FILE = Path(__file__).with_name("vectors.npz")

WINDOW = 80
"""Characters that the encoder reads at once; longer texts are read in pieces that end where sentences do."""

LONGEST = 800
"""Characters of a text that are read."""

_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]?")

Array = NDArray[np.float32]


class Encoded(NamedTuple):
    """A text: a unit vector for each token, shape (tokens, dimensions); each token's weight, summing to 1; and the unit
    vector of them all. A text with nothing to read has no tokens and a zero vector."""

    tokens: Array
    weights: Array
    whole: Array


class Parts(NamedTuple):
    """What `vectors.npz` holds: the tokens' `mean`, the `projection` (hidden, dimensions), the mean of whole texts,
    `rarity` of each token in nats, and the version of the encoder that all this was measured on."""

    mean: Array
    projection: Array
    centre: Array
    rarity: Array
    encoder: str


class TextEncoder:
    """Encodes texts, the same for the same text whatever its company.

    Raises
    ------
    BadInput
        If the encoder and `vectors.npz` do not belong together.
    """

    def __init__(self, parts: Parts | None = None, folder: Path = FOLDER) -> None:
        self._hidden = Hidden(folder)
        self._parts = parts or read_parts()
        if self._parts.encoder != self._hidden.version:
            raise BadInput(
                f"answers/vectors.npz was made for the encoder {self._parts.encoder}, not {self._hidden.version}",
                "make it anew: python -m training.answer_vectors",
            )
        self.dimensions = self._parts.projection.shape[1]

    @property
    def version(self) -> str:
        """Changes when the vectors do."""
        return self._parts.encoder

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """One `Encoded` a text, in order."""
        pieces = [(place, piece) for place, text in enumerate(texts) for piece in windows(text)]
        ids: list[list[NDArray[np.int64]]] = [[] for _ in texts]
        vectors: list[list[Array]] = [[] for _ in texts]
        for (place, _), (tokens, hidden) in zip(pieces, self._hidden.run([text for _, text in pieces]), strict=True):
            ids[place].append(tokens)
            vectors[place].append(hidden)
        return [self._encoded(own, rows) for own, rows in zip(ids, vectors, strict=True)]

    def _encoded(self, ids: list[NDArray[np.int64]], vectors: list[Array]) -> Encoded:
        parts = self._parts
        if not ids or sum(one.size for one in ids) == 0:
            empty = np.zeros((0, self.dimensions), np.float32)
            return Encoded(empty, np.zeros(0, np.float32), np.zeros(self.dimensions, np.float32))
        weights = parts.rarity[np.concatenate(ids)]
        weights = weights / max(float(weights.sum()), 1e-6)
        rows = (np.concatenate(vectors) - parts.mean) @ parts.projection
        whole = unit(unit(weights @ rows) - parts.centre)
        return Encoded(unit(rows), weights, whole)


class Hidden:
    """The vectors of the encoder's first layer, without special tokens."""

    def __init__(self, folder: Path = FOLDER) -> None:
        card = msgspec.json.decode((folder / "card.json").read_bytes(), type=Card)
        network = (folder / "model.onnx").read_bytes()
        self.version = card.files["model.onnx"][:12]
        self._output = first_layer(network)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            with_output(network, self._output), options, providers=["CPUExecutionProvider"]
        )

    @property
    def vocabulary(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def run(self, texts: Sequence[str]) -> list[tuple[NDArray[np.int64], Array]]:
        """For each text its token ids and their vectors, shape (tokens, hidden)."""
        rows = token_ids(self._tokenizer, [Text("", text) for text in texts])
        found: list[tuple[NDArray[np.int64], Array]] = [_NOTHING] * len(rows)
        for batch in batches(rows):
            given = {"ids": batch.ids, "pairs": batch.pairs, "mask": batch.mask}
            hidden = self._session.run([self._output], given)[0]
            for line, place in enumerate(batch.places):
                end = len(rows[place]) - 1
                found[place] = (np.array(rows[place][1:end], np.int64), hidden[line, 1:end])
        return found


_NOTHING: tuple[NDArray[np.int64], Array] = (np.zeros(0, np.int64), np.zeros((0, 0), np.float32))


@lru_cache(maxsize=1)
def encoder() -> TextEncoder:
    """The shipped encoder; read at first use (0.3 s)."""
    return TextEncoder()


def read_parts(file: Path = FILE) -> Parts:
    with np.load(file, allow_pickle=False) as kept:
        return Parts(
            mean=kept["mean"].astype(np.float32),
            projection=kept["projection"].astype(np.float32),
            centre=kept["centre"].astype(np.float32),
            rarity=kept["rarity"].astype(np.float32),
            encoder=str(kept["encoder"]),
        )


def windows(text: str) -> Iterator[str]:
    """The text in pieces of at most `WINDOW` characters, cut where sentences end if they do."""
    piece = ""
    for found in _SENTENCE.finditer(text[:LONGEST]):
        sentence = found[0]
        if piece and len(piece) + len(sentence) > WINDOW:
            yield piece
            piece = ""
        piece += sentence
        while len(piece) > WINDOW:
            yield piece[:WINDOW]
            piece = piece[WINDOW:]
    if piece.strip():
        yield piece


def unit(rows: NDArray[np.floating[Any]]) -> Array:
    """Each row divided by its length."""
    result: Array = (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6)).astype(np.float32)
    return result


def likenesses(texts: Sequence[Encoded]) -> Iterator[Array]:
    """For each text in turn the likeness of it and each text before it: the same as `likeness`, many at a time."""
    sizes = np.array([one.weights.size for one in texts])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    read = np.flatnonzero(sizes)  # a text with nothing to read is like none
    tokens = np.concatenate([one.tokens for one in texts]) if texts else np.zeros((0, 1), np.float32)
    weights = np.concatenate([one.weights for one in texts]) if texts else np.zeros(0, np.float32)
    for place, one in enumerate(texts):
        found = np.zeros(place, np.float32)
        before = read[read < place]
        if sizes[place] and before.size:
            cosines = one.tokens @ tokens[: starts[place]].T
            begins = starts[before]
            forth = one.weights @ np.maximum.reduceat(cosines, begins, axis=1)
            back = np.add.reduceat(cosines.max(axis=0) * weights[: starts[place]], begins)
            found[before] = (forth + back) / 2
        yield found


def likeness(one: Encoded, other: Encoded) -> float:
    """How much two texts say the same, both ways, 0 to about 1."""
    if not one.weights.size or not other.weights.size:
        return 0.0
    cosines = one.tokens @ other.tokens.T
    forth = float(one.weights @ cosines.max(axis=1))
    back = float(other.weights @ cosines.max(axis=0))
    return (forth + back) / 2
