"""Trains the n-gram model from the shared data: `python -m training.ngram`. About a minute on two cores.

The same data gives the same file: seeds are fixed and nothing depends on time or machine. The order of work: count
n-grams, keep the buckets that enough texts have, fit one linear support vector machine a head, find the temperature
that makes its scores probabilities on a part it has not seen, fit again on everything, round to int8, write, score.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from classifiers.features import BITS, Counts, count_ngrams, reading
from classifiers.ngram import BATCH, FOLDER, NgramModel, softmax, vectors
from training import data
from training.tasks import CHOOSING_PART, FILES, Task, labels_of, score_tasks, tasks

SEED = 20230516
MINIMUM_TEXTS = 5
"""A bucket is kept if so many training texts have it; below, it is noise that only makes the file larger."""

COST = {"sentiment": 0.5, "emotion": 0.5, "topic": 1.0, "news": 0.5, "request": 1.0, "stance": 1.0}
BALANCED = {"sentiment", "emotion", "request", "stance"}
"""Heads whose labels count alike, however rare; the shares of the others' labels are those of real streams."""

LIMITS = (
    "Reads characters, not meaning: sarcasm, quoted official text and mixed feelings are beyond it.",
    "Sentiment and emotion were learnt from Weibo posts of 2013-2020; messages and news are another language, and "
    "sober complaints tend to be called neutral.",
    "Topics were learnt from messages to one government's board; other texts get the nearest area.",
    "The request type and the stance were learnt from few texts that one reader labelled; stances mostly from "
    "posts on one epidemic.",
    "Slang, dialects and groups of speakers that the posts hold little of are judged worse, by how much is unknown.",
)


class Fitted(NamedTuple):
    """One head: labels, weights (rows × labels), bias (labels), temperature."""

    labels: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    temperature: float


def count_all(readings: Sequence[str]) -> Counts:
    """`count_ngrams` over many texts, in batches."""
    parts = [count_ngrams(readings[start : start + BATCH]) for start in range(0, len(readings), BATCH)]
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    return Counts(
        np.concatenate(([0], np.cumsum(lengths))),
        np.concatenate([part.buckets for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )


def vocabulary(parts: Sequence[Task]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The buckets that enough distinct training texts have, ascending, and their inverse document frequencies."""
    texts = {data.key(one.text): one.text for part in parts for one in part.learnt}
    counts = count_all([reading(text) for text in texts.values()])
    documents = np.bincount(counts.buckets, minlength=1 << BITS)
    buckets = np.flatnonzero(documents >= MINIMUM_TEXTS)
    idf = 1 + np.log((1 + len(texts)) / (1 + documents[buckets]))
    # The rounding of the file, so that training sees what run time sees.
    return buckets, idf.astype(np.float16).astype(np.float32)


def fit(name: str, examples: Sequence[data.Example], features: csr_matrix, labels: tuple[str, ...]) -> Fitted:
    """Fit one head and calibrate it."""
    wanted = np.array([labels.index(example.label) for example in examples])
    unseen = np.array([example.part == CHOOSING_PART for example in examples])
    balance = "balanced" if name in BALANCED else None
    machine = LinearSVC(C=COST[name], class_weight=balance, random_state=SEED, max_iter=5000)
    machine.fit(features[~unseen], wanted[~unseen])
    temperature = calibrate(machine.decision_function(features[unseen]), wanted[unseen])
    machine.fit(features, wanted)
    return Fitted(labels, machine.coef_.T, machine.intercept_, temperature)


def calibrate(margins: NDArray[np.float64], wanted: NDArray[np.int64]) -> float:
    """The temperature under which the margins' softmax gives the right labels the highest likelihood."""

    def loss(temperature: float) -> float:
        probabilities = softmax(margins / temperature)
        return float(-np.log(probabilities[np.arange(len(wanted)), wanted] + 1e-12).mean())

    return float(minimize_scalar(loss, bounds=(0.05, 5.0), method="bounded").x)


def pack(buckets: NDArray[np.int64], idf: NDArray[np.float32], heads: Sequence[Fitted]) -> bytes:
    """All heads in one file, weights as int8 with one scale a label."""
    weights = np.concatenate([head.weights for head in heads], axis=1)
    scale = np.abs(weights).max(axis=0) / 127
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        bucket_steps=np.diff(buckets, prepend=0).astype(np.uint32),
        idf=idf.astype(np.float16),
        weights=np.round(weights / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=np.concatenate([head.bias for head in heads]).astype(np.float32),
    )
    return packed.getvalue()


def train(parts: Sequence[Task]) -> tuple[bytes, dict[str, Fitted]]:
    """The weights file's bytes, and the heads in the order of its columns."""
    buckets, idf = vocabulary(parts)
    row_of = np.full(1 << BITS, -1, dtype=np.int32)
    row_of[buckets] = np.arange(len(buckets), dtype=np.int32)
    heads: dict[str, Fitted] = {}
    for name, names in labels_of(parts).items():
        examples = [one for part in parts if part.head == name for one in part.learnt]
        vector = vectors(count_all([reading(one.text) for one in examples]), row_of, idf)
        features = csr_matrix((vector.counts, vector.buckets, vector.starts), shape=(len(examples), len(buckets)))
        heads[name] = fit(name, examples, features, names)
        print(f"{name}: {len(examples)} texts, temperature {heads[name].temperature:.2f}", file=sys.stderr)
    return pack(buckets, idf, list(heads.values())), heads


def write(folder: Path, packed: bytes, heads: dict[str, Fitted], source: Path) -> None:
    """Write weights and card."""
    digest = hashlib.sha256(packed).hexdigest()
    card: dict[str, Any] = {
        "version": f"ngram-{digest[:8]}",
        "weights_sha256": digest,
        "heads": {
            name: {"labels": head.labels, "temperature": round(head.temperature, 4)} for name, head in heads.items()
        },
        "method": "character 1-3-grams, hashed; TF-IDF; linear support vector machines; temperature scaling",
        "seed": SEED,
        "data": {name: data.sha256(source / name) for name in FILES},
        "limits": LIMITS,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.npz").write_bytes(packed)
    path = folder / "card.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    found = score_tasks(NgramModel(folder), tasks(source))
    card["scores"] = {
        name: {"accuracy": round(one.accuracy, 4), "macro_f1": round(one.macro_f1, 4)} for name, one in found.items()
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data.FOLDER, help="folder of the labelled files")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the model")
    options = parser.parse_args()
    packed, heads = train(tasks(options.data))
    write(options.output, packed, heads, options.data)
    print(f"{options.output}: {len(packed) / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
