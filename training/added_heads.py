"""Gives the shipped encoder heads that are fitted on its finished vectors: `python -m training.added_heads`.

A few hundred texts are too few to teach the encoder itself: taught beside the other heads, `harm` was found less often
than by a logistic regression on the vectors of the encoder as it is, and the other heads' scores moved. So the graph
stays as `training.export` wrote it; one matrix a head on the pooled vector is put beside the other scores. Done again,
they take the places of those before.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from classifiers.encoder.batches import batches, token_ids
from classifiers.encoder.model import FOLDER, Head
from classifiers.model import Text
from classifiers.scoring import macro_f1
from training import data
from training.labels.added import ADDED, Added
from training.tasks import HELD_OUT_LABELLED

SCORES, TAUGHT = "scores", "taught_scores"
"""The graph's output, and what it was before heads were added."""


def without(graph: onnx.GraphProto) -> None:
    """Take away the heads that were added before, if there are any."""
    prefixes = tuple(f"{added.head}_" for added in ADDED)
    made = [node for node in graph.node if node.name.startswith(prefixes)]
    if not made:
        return
    width = 0
    for node in made:
        graph.node.remove(node)
    for constant in [one for one in graph.initializer if one.name.startswith(prefixes)]:
        graph.initializer.remove(constant)
        width += constant.dims[0] if constant.name.endswith("_bias") else 0
    _rename_output(graph, TAUGHT, SCORES)
    graph.output[0].type.tensor_type.shape.dim[1].dim_value -= width


def pooled_name(graph: onnx.GraphProto) -> str:
    """The value that all heads read: one vector a text."""
    (node,) = (node for node in graph.node if node.op_type == "QuantizeLinear" and "pooled_step" in node.input)
    return str(node.input[0])


def vectors(model: onnx.ModelProto, tokenizer: Tokenizer, texts: Sequence[Text]) -> NDArray[np.float32]:
    """The pooled vectors, shape (texts, size)."""
    name = pooled_name(model.graph)
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    found: dict[int, NDArray[np.float32]] = {}
    for batch in batches(token_ids(tokenizer, texts)):
        given = {"ids": batch.ids, "pairs": batch.pairs, "mask": batch.mask}
        found.update(zip(batch.places, session.run([name], given)[0], strict=True))
    return np.stack([found[place] for place in range(len(texts))])


def fit(
    given: NDArray[np.float32], wanted: NDArray[np.bool_], cost: float, *, balanced: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (size x 2) and bias (2), whose softmax gives the probabilities of the head's two labels."""
    mean, deviation = given.mean(axis=0), given.std(axis=0) + 1e-6
    machine = LogisticRegression(C=cost, class_weight="balanced" if balanced else None, max_iter=3_000)
    machine.fit((given - mean) / deviation, wanted)
    weight = machine.coef_[0] / deviation
    bias = machine.intercept_[0] - mean @ weight
    weights = np.stack([weight, np.zeros_like(weight)], axis=1)
    return weights.astype(np.float32), np.array([bias, 0.0], np.float32)


class Fitted(NamedTuple):
    """A head's weights (size x labels) and bias (labels), and its scores on the texts that are held out."""

    added: Added
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    scores: dict[str, float]


def add(graph: onnx.GraphProto, heads: Sequence[Fitted]) -> None:
    """Put the heads' scores behind all others."""
    pooled = pooled_name(graph)
    _rename_output(graph, SCORES, TAUGHT)
    for name, weights, bias in ((one.added.head, one.weights, one.bias) for one in heads):
        graph.initializer.extend(
            [numpy_helper.from_array(weights, f"{name}_weights"), numpy_helper.from_array(bias, f"{name}_bias")]
        )
        graph.node.extend(
            [
                helper.make_node("MatMul", [pooled, f"{name}_weights"], [f"{name}_product"], name=f"{name}_product"),
                helper.make_node("Add", [f"{name}_product", f"{name}_bias"], [f"{name}_scores"], name=f"{name}_scores"),
            ]
        )
    beside = [TAUGHT, *(f"{one.added.head}_scores" for one in heads)]
    graph.node.append(helper.make_node("Concat", beside, [SCORES], name=f"{heads[-1].added.head}_beside", axis=1))
    graph.output[0].type.tensor_type.shape.dim[1].dim_value += sum(len(one.bias) for one in heads)


def _rename_output(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]


def fitted(added: Added, model: onnx.ModelProto, tokenizer: Tokenizer) -> Fitted:
    """A head, fitted on all texts but those that are held out, and scored on these."""
    looked_for = added.labels[0]
    examples = added.texts()
    learnt = [one for one in examples if one.part not in HELD_OUT_LABELLED]
    learnt += added.beside(learnt)
    given = vectors(model, tokenizer, [one.text for one in learnt])
    wanted_ones = np.array([one.label == looked_for for one in learnt])
    weights, bias = fit(given, wanted_ones, added.cost, balanced=added.balanced)
    held_out = [one for one in examples if one.part in HELD_OUT_LABELLED]
    margins = vectors(model, tokenizer, [one.text for one in held_out]) @ weights + bias
    found = [added.labels[place] for place in margins.argmax(axis=1)]
    wanted = [one.label for one in held_out]
    right = sum(one == other for one, other in zip(found, wanted, strict=True))
    scores = {"accuracy": round(right / len(wanted), 4), "macro_f1": round(macro_f1(wanted, found), 4)}
    return Fitted(added, weights, bias, scores)


def ship(folder: Path = FOLDER) -> dict[str, dict[str, float]]:
    """Fit the heads, write model.onnx and card.json anew, and give the scores on the texts that are held out."""
    card: dict[str, Any] = json.loads((folder / "card.json").read_bytes())
    model = onnx.load(str(folder / "model.onnx"))
    without(model.graph)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    heads = [fitted(added, model, tokenizer) for added in ADDED]
    add(model.graph, heads)
    onnx.save(model, str(folder / "model.onnx"))
    for one in heads:
        name, labels = one.added.head, one.added.labels
        card["heads"].pop(name, None)
        card["heads"][name] = msgspec.to_builtins(Head(labels, 1.0, 0.0, one.added.threshold))
        card["scores"][f"{name}/written"] = one.scores
    card["files"]["model.onnx"] = data.sha256(folder / "model.onnx")
    named = json.dumps([card["files"], card["expert_model"], card["heads"]], sort_keys=True)
    card["version"] = f"encoder-{hashlib.sha256(named.encode()).hexdigest()[:8]}"
    (folder / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    return {one.added.head: one.scores for one in heads}


def main() -> None:
    print(json.dumps(ship()), file=sys.stderr)


if __name__ == "__main__":
    main()
