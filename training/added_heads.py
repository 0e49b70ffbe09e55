"""Gives the shipped encoder a head that is fitted on its finished vectors: `python -m training.added_heads`.

A few hundred texts are too few to teach the encoder itself: taught beside the other heads, `harm` was found less often
than by a logistic regression on the vectors of the encoder as it is, and the other heads' scores moved. So the graph
stays as `training.export` wrote it; one matrix on the pooled vector is put beside the other scores. Done again, it
takes the place of the one before.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from classifiers.model import HARMS, Text
from classifiers.scoring import macro_f1
from training import data
from training.labels.harm import beside_others, harm_texts
from training.tasks import HELD_OUT_LABELLED

HEAD = "harm"
COST = 0.01
"""The inverse strength of the regression's penalty."""
THRESHOLD = 0.5

SCORES, TAUGHT = "scores", "taught_scores"
"""The graph's output, and what it was before a head was added."""


def without(graph: onnx.GraphProto) -> None:
    """Take away the head that was added before, if there is one."""
    made = [node for node in graph.node if node.name.startswith(f"{HEAD}_")]
    if not made:
        return
    for node in made:
        graph.node.remove(node)
    for constant in [one for one in graph.initializer if one.name.startswith(f"{HEAD}_")]:
        graph.initializer.remove(constant)
    _rename_output(graph, TAUGHT, SCORES)
    graph.output[0].type.tensor_type.shape.dim[1].dim_value -= len(HARMS)


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


def fit(given: NDArray[np.float32], wanted: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (size x 2) and bias (2), whose softmax gives the probabilities of `HARMS`."""
    mean, deviation = given.mean(axis=0), given.std(axis=0) + 1e-6
    machine = LogisticRegression(C=COST, class_weight="balanced", max_iter=3_000)
    machine.fit((given - mean) / deviation, wanted)
    weight = machine.coef_[0] / deviation
    bias = machine.intercept_[0] - mean @ weight
    weights = np.stack([weight, np.zeros_like(weight)], axis=1)
    return weights.astype(np.float32), np.array([bias, 0.0], np.float32)


def add(graph: onnx.GraphProto, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    """Put the head's scores behind all others."""
    pooled = pooled_name(graph)
    _rename_output(graph, SCORES, TAUGHT)
    graph.initializer.extend(
        [numpy_helper.from_array(weights, f"{HEAD}_weights"), numpy_helper.from_array(bias, f"{HEAD}_bias")]
    )
    graph.node.extend(
        [
            helper.make_node("MatMul", [pooled, f"{HEAD}_weights"], [f"{HEAD}_product"], name=f"{HEAD}_product"),
            helper.make_node("Add", [f"{HEAD}_product", f"{HEAD}_bias"], [f"{HEAD}_scores"], name=f"{HEAD}_scores"),
            helper.make_node("Concat", [TAUGHT, f"{HEAD}_scores"], [SCORES], name=f"{HEAD}_beside", axis=1),
        ]
    )
    graph.output[0].type.tensor_type.shape.dim[1].dim_value += len(HARMS)


def _rename_output(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]


def ship(folder: Path = FOLDER) -> dict[str, float]:
    """Fit the head, write model.onnx and card.json anew, and give the scores on the texts that are held out."""
    card: dict[str, Any] = json.loads((folder / "card.json").read_bytes())
    model = onnx.load(str(folder / "model.onnx"))
    without(model.graph)
    card["heads"].pop(HEAD, None)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    examples = harm_texts()
    learnt = [one for one in examples if one.part not in HELD_OUT_LABELLED]
    learnt += beside_others(learnt)
    weights, bias = fit(
        vectors(model, tokenizer, [one.text for one in learnt]), np.array([one.label == HEAD for one in learnt])
    )
    held_out = [one for one in examples if one.part in HELD_OUT_LABELLED]
    margins = vectors(model, tokenizer, [one.text for one in held_out]) @ weights + bias
    scores = _scores(margins[:, 0] - margins[:, 1] > 0, np.array([one.label == HEAD for one in held_out]))
    add(model.graph, weights, bias)
    onnx.save(model, str(folder / "model.onnx"))
    card["heads"][HEAD] = msgspec.to_builtins(Head(HARMS, 1.0, 0.0, THRESHOLD))
    card["files"]["model.onnx"] = data.sha256(folder / "model.onnx")
    named = json.dumps([card["files"], card["expert_model"], card["heads"]], sort_keys=True)
    card["version"] = f"encoder-{hashlib.sha256(named.encode()).hexdigest()[:8]}"
    card["scores"][f"{HEAD}/written"] = scores
    (folder / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    return scores


def _scores(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> dict[str, float]:
    names = [[HEAD if one else "none" for one in listed] for listed in (wanted, found)]
    return {"accuracy": round(float((found == wanted).mean()), 4), "macro_f1": round(macro_f1(*names), 4)}


def main() -> None:
    print(json.dumps(ship()), file=sys.stderr)


if __name__ == "__main__":
    main()
