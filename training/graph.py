"""Writes the fine-tuned encoder as an ONNX graph: int8 weights, fixed activation ranges, all heads in one pass.

The graph is put together operator by operator, so that two things hold that an automatic conversion doesn't give:

- A text's scores don't depend on its company: activations are quantised by ranges fixed here, not by the batch's.
- Weights fit 7 bits, so that processors without VNNI, whose pair sums saturate at 16 bits, compute the same numbers.

Tables of embeddings are looked up as they are: characters in 8 bits, pairs in 4, each with a scale a block. Where ONNX
Runtime has one operator for what others do together, the fast ones are taken: SkipLayerNormalization and the look-up of
4-bit tables compute number by number on processors, and were a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]
Ranges = dict[str, tuple[float, float]]
"""Name of an activation → the lowest and the highest value that is kept."""

OPSET = 17
BLOCK = 32
"""Entries of an embedding that share a scale."""
WEIGHT_LEVELS = 63


class Builder:
    """Makes the graph of one model.

    Parameters
    ----------
    weights:
        State of `training.network.Classifier`, as float32 arrays.
    layers, heads:
        Of the encoder: its layers and its attention heads.
    activation:
        Of the feed-forward part: `gelu` or `relu`.
    labels:
        Head → number of its labels, in the order of the output's columns.
    ranges:
        Where to cut the activations. None: computes in float32 and gives the activations out, for measuring.
    """

    def __init__(
        self, weights: Weights, *, layers: int, heads: int, labels: Mapping[str, int], ranges: Ranges | None = None,
        activation: str = "gelu",
    ) -> None:  # fmt: skip
        self._weights, self._activation = weights, activation
        self._layers, self._attention_heads, self._labels = layers, heads, labels
        self._ranges = ranges
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self.measured: dict[str, str] = {}

    def build(self) -> onnx.ModelProto:
        """The model: `ids` and `pairs` (texts, length), int64, and `mask` (texts, length), int32, to `scores` (texts,
        all labels side by side), before the softmax."""
        hidden = self._embeddings()
        for number in range(self._layers):
            hidden = self._layer(hidden, f"encoder.bert.encoder.layer.{number}.", number)
        self._scores(self._pooled(hidden))
        outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["texts", sum(self._labels.values())])]
        outputs += [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in dict.fromkeys(self.measured.values())
        ]
        shape = ["texts", "length"]
        inputs = [
            helper.make_tensor_value_info("ids", TensorProto.INT64, shape),
            helper.make_tensor_value_info("pairs", TensorProto.INT64, shape),
            helper.make_tensor_value_info("mask", TensorProto.INT32, shape),
        ]
        graph = helper.make_graph(self._nodes, "minsheng-encoder", inputs, outputs, list(self._constants.values()))
        model = helper.make_model(
            graph,
            producer_name="minsheng",
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        )
        model.ir_version = 9
        return model

    def _embeddings(self) -> str:
        base = "encoder.bert.embeddings."
        characters = self._table("character_table", self._weights[base + "word_embeddings.weight"], "ids", bits=8)
        pairs = self._table("pair_table", self._weights["encoder.pairs.weight"], "pairs", bits=4)
        places = (
            self._weights[base + "position_embeddings.weight"] + self._weights[base + "token_type_embeddings.weight"]
        )
        visible = self._add("Cast", ["mask"], to=TensorProto.FLOAT)
        last = self._constant("last", np.array([-1], np.int64))
        embedded = self._add(
            "Mul", [self._add("Add", [characters, pairs]), self._add("Unsqueeze", [visible, last])]
        )  # fmt: skip
        near = self._add("Concat", [self._moved(embedded, 1), embedded, self._moved(embedded, -1)], axis=2)
        local = self._linear(near, self._weights["encoder.local.weight"], None, "local")
        local = self._gelu(local, "local_bias", self._weights["encoder.local.bias"])
        length = self._add("Gather", [self._add("Shape", ["ids"]), self._constant("one", np.array([1], np.int64))])
        zero = self._constant("zero", np.array([0], np.int64))
        place = self._add("Slice", [self._constant("places", places), zero, length, zero])
        summed = self._add("Add", [self._add("Add", [embedded, local]), place])
        return self._norm(summed, base + "LayerNorm.")

    def _moved(self, given: str, by: int) -> str:
        """Each position's vector moved one position to the right (1) or to the left (-1), zeros moving in."""
        before, after = (1, 0) if by > 0 else (0, 1)
        widths = self._constant(f"pad{by}", np.array([0, before, 0, 0, after, 0], np.int64))
        padded = self._add("Pad", [given, widths])
        start = self._constant(f"start{by}", np.array([0 if by > 0 else 1], np.int64))
        end = self._constant(f"end{by}", np.array([-1 if by > 0 else np.iinfo(np.int64).max], np.int64))
        return self._add("Slice", [padded, start, end, self._constant("middle", np.array([1], np.int64))])

    def _gelu(self, given: str, name: str, bias: NDArray[np.float32]) -> str:
        return self._add("BiasGelu", [given, self._constant(name, bias)], domain="com.microsoft")

    def _table(self, name: str, table: NDArray[np.float32], index: str, *, bits: int) -> str:
        if self._ranges is None:
            return self._add("Gather", [self._constant(name, table), index])
        levels, scale = quantised_table(table, bits)
        scales = self._constant(f"{name}_scale", scale)
        if bits == 4:
            return self._scaled(self._unpacked(self._constant(name, packed(levels)), index), scales, index)
        zero = np.full(scale.shape, 1 << (bits - 1), np.uint8)
        inputs = [self._constant(name, levels), index, scales, self._constant(f"{name}_zero", zero)]
        return self._add(
            "GatherBlockQuantized", inputs, domain="com.microsoft", gather_axis=0, quantize_axis=1, block_size=BLOCK,
            bits=bits,
        )  # fmt: skip

    def _unpacked(self, table: str, index: str) -> str:
        """The levels of a table that `packed` made, around 0."""
        rows = self._add("Gather", [table, index])
        high = self._add("BitShift", [rows, self._constant("half_byte", np.uint8(4))], direction="RIGHT")
        high = self._add("Cast", [high], to=TensorProto.FLOAT)
        above = self._add("Mul", [high, self._constant("sixteen", np.float32(16))])
        low = self._add("Sub", [self._add("Cast", [rows], to=TensorProto.FLOAT), above])
        levels = self._add("Concat", [low, high], axis=2)
        return self._add("Sub", [levels, self._constant("eight", np.float32(8))])

    def _scaled(self, levels: str, scales: str, index: str) -> str:
        """Each block of the levels times its scale."""
        blocks = self._add("Reshape", [levels, self._constant("blocks", np.array([0, 0, -1, BLOCK], np.int64))])
        scale = self._add(
            "Unsqueeze", [self._add("Gather", [scales, index]), self._constant("within", np.array([3], np.int64))]
        )  # fmt: skip
        scaled = self._add("Mul", [blocks, scale])
        return self._add("Reshape", [scaled, self._constant("whole", np.array([0, 0, -1], np.int64))])

    def _layer(self, hidden: str, base: str, number: int) -> str:
        attention = base + "attention."
        names = [f"{attention}self.{part}." for part in ("query", "key", "value")]
        joined = np.concatenate([self._weights[name + "weight"] for name in names])
        bias = np.concatenate([self._weights[name + "bias"] for name in names])
        sizes = self._constant(f"sizes{number}", np.array([len(self._weights[name + "bias"]) for name in names]))
        parts = self._add(
            "Split", [self._linear(hidden, joined, bias, f"layer{number}_input"), sizes], outputs=3, axis=2,
        )  # fmt: skip
        query, key, value = parts.split(" ")
        mixed = self._add(
            "MultiHeadAttention", [query, key, value, "", "mask"], domain="com.microsoft",
            num_heads=self._attention_heads,
        )  # fmt: skip
        out = attention + "output."
        mixed = self._linear(mixed, *self._dense(out), f"layer{number}_mixed")
        hidden = self._norm(self._add("Add", [mixed, hidden]), out + "LayerNorm.")
        inner = base + "intermediate.dense."
        weight, bias = self._weights[inner + "weight"], self._weights[inner + "bias"]
        if self._activation == "relu":
            # Rounded to unsigned bytes from 0 on, what is negative becomes 0 by itself.
            grown = self._linear(hidden, weight, bias, f"layer{number}_middle")
            grown = grown if self._ranges else self._add("Relu", [grown])
        else:
            grown = self._linear(hidden, weight, None, f"layer{number}_middle")
            grown = self._gelu(grown, f"layer{number}_gelu_bias", bias)
        out = base + "output."
        shrunk = self._linear(grown, *self._dense(out), f"layer{number}_grown")
        return self._norm(self._add("Add", [shrunk, hidden]), out + "LayerNorm.")

    def _dense(self, base: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._weights[base + "dense.weight"], self._weights[base + "dense.bias"]

    def _pooled(self, hidden: str) -> str:
        """The first position's vector and the mean of all, side by side."""
        first = self._add("Gather", [hidden, self._constant("first", np.int64(0))], axis=1)
        weights = self._add("Cast", ["mask"], to=TensorProto.FLOAT)
        last = self._constant("last", np.array([-1], np.int64))
        weighted = self._add("Mul", [hidden, self._add("Unsqueeze", [weights, last])])
        summed = self._add("ReduceSum", [weighted, self._constant("middle", np.array([1], np.int64))], keepdims=0)
        count = self._add("ReduceSum", [weights, self._constant("middle", np.array([1], np.int64))], keepdims=1)
        return self._add("Concat", [first, self._add("Div", [summed, count])], axis=1)

    def _scores(self, pooled: str) -> None:
        """The first layers of all heads are one matrix, the second ones the blocks on the diagonal of another."""
        first = np.concatenate([self._weights[f"heads.{head}.0.weight"] for head in self._labels])
        first_bias = np.concatenate([self._weights[f"heads.{head}.0.bias"] for head in self._labels])
        inner = first.shape[0] // len(self._labels)
        second = np.zeros((sum(self._labels.values()), first.shape[0]), np.float32)
        row = 0
        for number, (head, size) in enumerate(self._labels.items()):
            columns = slice(number * inner, (number + 1) * inner)
            second[row : row + size, columns] = self._weights[f"heads.{head}.3.weight"]
            row += size
        second_bias = np.concatenate([self._weights[f"heads.{head}.3.bias"] for head in self._labels])
        grown = self._gelu(self._linear(pooled, first, None, "pooled"), "heads_bias", first_bias)
        scores = self._linear(grown, second, None, "heads")
        self._nodes.append(helper.make_node("Add", [scores, self._constant("scores_bias", second_bias)], ["scores"]))

    def _linear(self, given: str, weight: NDArray[np.float32], bias: NDArray[np.float32] | None, name: str) -> str:
        """`given` times the transposed weight (outputs × inputs), plus the bias."""
        if self._ranges is None:
            self.measured[name] = given
            made = self._add("MatMul", [given, self._constant(f"{name}_weight", np.ascontiguousarray(weight.T))])
            return made if bias is None else self._add("Add", [made, self._constant(f"{name}_bias", bias)])
        low, high = self._ranges[name]
        step = np.float32((high - low) / 255)
        zero = np.uint8(np.clip(round(-low / step), 0, 255))
        scale = np.maximum(np.abs(weight).max(axis=1), 1e-8) / WEIGHT_LEVELS
        rounded = np.clip(np.round(weight / scale[:, None]), -WEIGHT_LEVELS, WEIGHT_LEVELS).astype(np.int8)
        step_name = self._constant(f"{name}_step", step)
        zero_name = self._constant(f"{name}_zero", zero)
        quantised = self._add("QuantizeLinear", [given, step_name, zero_name])
        inputs = [
            quantised, self._constant(f"{name}_weight", np.ascontiguousarray(rounded.T)), step_name,
            self._constant(f"{name}_scale", scale.astype(np.float32)), zero_name,
            self._constant(f"{name}_weight_zero", np.zeros(len(scale), np.int8)),
        ]  # fmt: skip
        if bias is not None:
            inputs.append(self._constant(f"{name}_bias", bias))
        return self._add("MatMulIntegerToFloat", inputs, domain="com.microsoft")

    def _norm(self, given: str, base: str) -> str:
        return self._add("LayerNormalization", [given, *self._gamma_beta(base)], axis=-1, epsilon=1e-12)

    def _gamma_beta(self, base: str) -> list[str]:
        return [self._constant(base + part, self._weights[base + part]) for part in ("weight", "bias")]

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def _add(self, kind: str, inputs: list[str], *, outputs: int = 1, domain: str = "", **attributes: object) -> str:
        """One node more. Returns the name of its output, or of its outputs with spaces between."""
        made = [f"{kind}_{len(self._nodes)}" + (f"_{place}" if outputs > 1 else "") for place in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, made, domain=domain, **attributes))
        return " ".join(made)


def quantised_table(table: NDArray[np.float32], bits: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A table's entries as unsigned levels around the middle, same shape, and the scale of each block of a row."""
    middle = 1 << (bits - 1)
    blocks = table.reshape(len(table), -1, BLOCK)
    scale = np.maximum(np.abs(blocks).max(axis=2), 1e-8) / (middle - 1)
    levels = np.clip(np.round(blocks / scale[:, :, None]) + middle, 0, 2 * middle - 1)
    return levels.astype(np.uint8).reshape(table.shape), scale.astype(np.float32)


def packed(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two levels below 16 in a byte, shape (rows, columns / 2): the right half above the left."""
    left, right = np.split(levels, 2, axis=1)
    return left | (right << 4)


def save(model: onnx.ModelProto, path: Path) -> None:
    """Check and write the model."""
    onnx.save(model, str(path))
