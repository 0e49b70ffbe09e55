"""Makes the files that ship from a fine-tuned encoder: `python -m training.export --folder RUN`.

Writes model.onnx, tokenizer.json and card.json to `classifiers/models/encoder`. The activations' ranges are measured on
texts to learn from; temperatures, the n-gram expert's weights and the thresholds of "unsure" are chosen on the texts
held back for choosing. Prints what the rounding to int8 costs. A model below a pinned floor is not shipped.

    python -m training.export --keep-network

After `training.ngram` has learnt anew: the shipped network stays as it is, only what is chosen is chosen anew.
`training.added_heads` follows either.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from tokenizers import Tokenizer

from classifiers.encoder.batches import batches, token_ids
from classifiers.encoder.model import FOLDER, Card, EncoderModel, Head
from classifiers.model import Text
from classifiers.ngram import NgramModel, log_softmax
from training import data, ngram
from training.added_heads import without
from training.evaluate import FLOORS, below_floors, figures
from training.graph import Builder, Ranges, Weights
from training.labels.reading import labels as label_rows
from training.tasks import FILES, OWN_LABELS, Task, labels_of, score_tasks, tasks
from training.written_set import score_written

MEASURED_ON = 1_500
"""Texts."""

KEPT = 0.9999
"""Share of an activation's values that lies within its range; the few beyond are cut to its ends."""

EXPERT_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
SURE = 0.55
"""Share of the labels with a score that must be right for the model to stand by them."""

HIGHEST_THRESHOLD = 0.6
LEAST_IN_BAND = 10

METHOD = (
    "characters and hashed pairs, a convolution, transformer layers; masked-language-model pretraining, all heads "
    "fine-tuned together; {thinned}int8; mixed with a linear n-gram expert; temperature scaling"
)
THINNED = "thinned out, taught by the whole network; "

LIMITS = (
    "Reads at most 96 characters of a text, its start and its end; the n-gram expert beside it reads 800.",
    "Small: sarcasm, quoted official text and mixed feelings are judged better than by words alone, not well.",
    "Sentiment and emotion were learnt from Weibo posts of 2013-2020; messages and news are another language.",
    "Topics were learnt from messages to one government's board; other texts get the nearest area. Eight of the "
    "taxonomy's fifteen areas have no examples and are never given.",
    "The request type and the stance were learnt from few texts that one reader labelled; stances mostly from posts on "
    "one epidemic.",
    "Slang, dialects and groups of speakers that the posts hold little of are judged worse, by how much is unknown.",
)


class Fitted:
    """Everything about one fine-tuned model, thinned out or not: weights, shape, labels."""

    def __init__(self, folder: Path) -> None:
        path = folder / ("thin.pt" if (folder / "thin.pt").exists() else "heads.pt")
        state = torch.load(path, weights_only=True, map_location="cpu")
        if path.name == "thin.pt" and state["made_of"] != data.sha256(folder / "heads.pt"):
            raise SystemExit(f"{path} was made of another heads.pt: run training.thin again, or remove it")
        self.weights: Weights = {name: value.float().numpy() for name, value in state["model"].items()}
        self.labels: dict[str, tuple[str, ...]] = {head: tuple(names) for head, names in state["labels"].items()}
        self.shape = state["shape"]
        self.method = METHOD.format(thinned=THINNED if path.name == "thin.pt" else "")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def builder(self, ranges: Ranges | None = None) -> Builder:
        sizes = {head: len(names) for head, names in self.labels.items()}
        return Builder(
            self.weights, layers=self.shape["layers"], heads=self.shape["heads"], labels=sizes, ranges=ranges,
            activation=self.shape.get("activation", "gelu"),
        )  # fmt: skip


def run(model: onnx.ModelProto, tokenizer: Tokenizer, texts: Sequence[Text]) -> NDArray[np.float32]:
    """The scores of a graph, shape (texts, labels)."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    parts: list[tuple[list[int], NDArray[np.float32]]] = []
    for batch in batches(token_ids(tokenizer, texts)):
        given = {"ids": batch.ids, "pairs": batch.pairs, "mask": batch.mask}
        parts.append((batch.places, session.run(["scores"], given)[0]))
    found = np.empty((len(texts), parts[0][1].shape[1]), np.float32)
    for places, scores in parts:
        found[places] = scores
    return found


def measure(fitted: Fitted, texts: Sequence[Text]) -> Ranges:
    """The range of each activation over these texts."""
    builder = fitted.builder()
    model = builder.build()
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = list(dict.fromkeys(builder.measured.values()))
    lows: dict[str, list[float]] = {name: [] for name in names}
    highs: dict[str, list[float]] = {name: [] for name in names}
    for batch in batches(token_ids(fitted.tokenizer, texts)):
        given = {"ids": batch.ids, "pairs": batch.pairs, "mask": batch.mask}
        for name, values in zip(names, session.run(names, given), strict=True):
            seen = values[batch.mask.astype(bool)] if values.ndim == 3 else values
            low, high = np.quantile(seen, [1 - KEPT, KEPT])
            lows[name].append(float(low))
            highs[name].append(float(high))
    # The median of the batches' ends would cut short texts' values: the outermost ones are kept.
    of = {name: (min(0.0, min(lows[name])), max(0.0, max(highs[name]))) for name in names}
    return {place: of[name] for place, name in builder.measured.items()}


def choose(
    labels: Mapping[str, tuple[str, ...]],
    found: Sequence[Task],
    scores_of: Mapping[Text, NDArray[np.float32]],
    expert: NgramModel,
) -> dict[str, Head]:
    """Temperature, the expert's weight and the threshold of each head, by the likelihood of the choosing texts."""
    heads: dict[str, Head] = {}
    start = 0
    for name, names in labels.items():
        columns = slice(start, start + len(names))
        start += len(names)
        examples = [one for task in found if task.head == name for one in task.choose]
        wanted = np.array([names.index(one.label) for one in examples])
        texts = [one.text for one in examples]
        scores = np.stack([scores_of[text][columns] for text in texts])
        beside = expert.log_probabilities(texts)[name]
        best: tuple[float, float, float] = (np.inf, 1.0, 0.0)
        for weight in EXPERT_WEIGHTS:
            temperature, loss = _temperature(scores, wanted, weight * beside)
            best = min(best, (loss, temperature, weight))
        loss, temperature, weight = best
        logs = log_softmax(log_softmax(scores / temperature) + weight * beside)
        heads[name] = Head(names, round(temperature, 4), weight, _threshold(np.exp(logs), wanted))
        shown = {"head": name, "loss": round(loss, 4), **msgspec.to_builtins(heads[name])}
        print(json.dumps(shown, ensure_ascii=False), file=sys.stderr)
    return heads


def _temperature(
    scores: NDArray[np.float32], wanted: NDArray[np.int64], beside: NDArray[np.float64]
) -> tuple[float, float]:
    def loss(temperature: float) -> float:
        logs = log_softmax(log_softmax(scores / temperature) + beside)
        return float(-logs[np.arange(len(wanted)), wanted].mean())

    found = minimize_scalar(loss, bounds=(0.3, 6.0), method="bounded")
    return float(found.x), float(found.fun)


def _threshold(probabilities: NDArray[np.float64], wanted: NDArray[np.int64]) -> float:
    """The lowest score from which on a band of labels is right often enough."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == wanted
    for low in np.arange(0.25, HIGHEST_THRESHOLD, 0.05):
        band = (confidence >= low) & (confidence < low + 0.1)
        if band.sum() >= LEAST_IN_BAND and right[band].mean() >= SURE:
            return round(float(low), 2)
    return HIGHEST_THRESHOLD


def write(folder: Path, tokenizer: Path, model: onnx.ModelProto, heads: Mapping[str, Head]) -> None:
    """The three files; the card without scores yet."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    files = {name: data.sha256(folder / name) for name in ("model.onnx", "tokenizer.json")}
    expert = NgramModel().versions["sentiment"]
    version = hashlib.sha256(json.dumps([files, expert, msgspec.to_builtins(heads)], sort_keys=True).encode())
    card = Card(f"encoder-{version.hexdigest()[:8]}", files, dict(heads), expert)
    _write_card(folder, msgspec.to_builtins(card))


def _write_card(folder: Path, card: Mapping[str, Any]) -> None:
    (folder / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")


def rounded(
    fitted: Fitted, found: Sequence[Task], texts: Sequence[Text]
) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
    """The int8 graph of a fine-tuned model, and its scores of some texts; prints what the rounding costs."""
    learnt = [one.text for task in found for one in task.train]
    random = np.random.default_rng(1)
    sample = [learnt[place] for place in random.choice(len(learnt), MEASURED_ON, replace=False)]
    model = fitted.builder(measure(fitted, sample)).build()
    scores = run(model, fitted.tokenizer, texts)
    exact = run(fitted.builder().build(), fitted.tokenizer, texts)
    start = 0
    for head, names in fitted.labels.items():
        columns = slice(start, start + len(names))
        start += len(names)
        same = (scores[:, columns].argmax(1) == exact[:, columns].argmax(1)).mean()
        print(f"{head}: {same:.4f} of the labels are the same in int8", file=sys.stderr)
    return model, scores


def kept(folder: Path, texts: Sequence[Text]) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
    """The graph that ships, without the heads that were added to it, and its scores of some texts."""
    model = onnx.load(str(folder / "model.onnx"))
    without(model.graph)
    return model, run(model, Tokenizer.from_file(str(folder / "tokenizer.json")), texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    whence = parser.add_mutually_exclusive_group(required=True)
    whence.add_argument("--folder", type=Path, help="of the run, with thin.pt or heads.pt, and tokenizer.json")
    whence.add_argument("--keep-network", action="store_true", help="of the model that ships; choose all else anew")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the model")
    parser.add_argument("--force", action="store_true", help="ship it also where a score is below its pinned floor")
    chosen = parser.parse_args()
    found = tasks()
    texts = list({one.text for task in found for one in task.choose})
    if chosen.keep_network:
        source, labels = chosen.output, labels_of(found)
        method = json.loads((source / "card.json").read_bytes())["method"]
        model, scores = kept(source, texts)
    else:
        source, fitted = chosen.folder, Fitted(chosen.folder)
        labels, method = fitted.labels, fitted.method
        model, scores = rounded(fitted, found, texts)
    with tempfile.TemporaryDirectory() as folder:
        # The shipped expert has learnt the choosing texts: its weight is chosen with one that has not.
        ngram.make(Path(folder), data.FOLDER, found, everything=False)
        heads = choose(labels, found, dict(zip(texts, scores, strict=True)), NgramModel(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        made = chosen.folder / "made" if chosen.folder else Path(folder)
        write(made, source / "tokenizer.json", model, heads)
        fallen = finish(made, found, method)
        size = sum(path.stat().st_size for path in made.iterdir())
        print(f"{made}: {size / 1e6:.1f} MB", file=sys.stderr)
        if fallen and not chosen.force:
            sys.exit("\n".join([*fallen, "not shipped; --force ships it all the same"]))
        shutil.copytree(made, chosen.output, dirs_exist_ok=True)


def finish(folder: Path, found: Sequence[Task], method: str) -> list[str]:
    """Score the model and complete its card. Returns what fell below the pinned floors."""
    model = EncoderModel(folder)
    results = score_tasks(model, found)
    named = {row.source for name in OWN_LABELS for row in label_rows(name)}
    card = msgspec.json.decode((folder / "card.json").read_bytes()) | {
        "method": method,
        "data": {name: data.sha256(data.FOLDER / name) for name in sorted({*FILES, *named})},
        "limits": LIMITS,
        "scores": {
            name: {"accuracy": round(one.accuracy, 4), "macro_f1": round(one.macro_f1, 4)}
            for name, one in results.items()
        },
    }
    _write_card(folder, card)
    print(json.dumps(card["scores"], indent=1), file=sys.stderr)
    floors = tomllib.loads(FLOORS.read_text(encoding="utf-8"))["floors"].get("encoder", {})
    return below_floors(figures({**results, **score_written(model)}), floors)


if __name__ == "__main__":
    main()
