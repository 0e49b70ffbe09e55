"""Posts a second of the shipped encoder with all its heads, against bert-base: `make bench-classify`.

    python -m benchmarks.encoder_speed [--threads 2] [--posts 64] [--json]

The peers are what one would otherwise ship: bert-base (12 layers of 768, Chinese vocabulary) in PyTorch, and the same
converted to ONNX with the library's own dynamic int8 quantisation. Random weights: speed does not depend on them. Each
does one pass over ready token ids, with no head; the encoder does all heads, and in its own row also tokenising, the
n-gram expert, calibration and records. All run on the same posts in turns, in this process; the best turn counts.

The encoder reads at most 96 tokens of a post, which is part of why it is fast on long ones; bert-base reads all.

The share of the int8 peak is against the fastest matrix product of int8 that the same ONNX Runtime reaches here, on
matrices of a good size, with as many threads.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import BertConfig, BertModel

from classifiers.encoder.characters import LENGTH
from classifiers.encoder.model import FOLDER, EncoderModel
from classifiers.model import Text

LENGTHS = (32, 128)
"""Characters of the posts; with the special tokens as many tokens less two."""

VOCABULARY = 21_128
BATCH = 16
TURNS = 5


class Bare(torch.nn.Module):
    """bert-base as ids and mask to vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel(
            BertConfig(vocab_size=VOCABULARY, attn_implementation="eager"), add_pooling_layer=False
        ).eval()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.bert(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[:, 0]
        return vectors


def session(model: bytes | str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bert_int8(bare: Bare, threads: int) -> onnxruntime.InferenceSession:
    """bert-base by PyTorch's exporter and ONNX Runtime's dynamic quantisation."""
    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {"ids": {0: "posts", 1: "length"}, "mask": {0: "posts", 1: "length"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full, small = Path(folder) / "bert.onnx", Path(folder) / "bert-int8.onnx"
        torch.onnx.export(
            bare, (ids, torch.ones_like(ids)), str(full), input_names=["ids", "mask"], output_names=["vectors"],
            dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
        quantize_dynamic(full, small, weight_type=QuantType.QInt8, per_channel=True)
        return session(str(small), threads)


def int8_peak(threads: int) -> float:
    """Multiply-adds a second of the fastest int8 matrix product."""
    rows, inner, columns = 2048, 1024, 1024
    random = np.random.default_rng(1)
    weight = random.integers(-63, 63, (inner, columns), dtype=np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["left", "weight"], ["product"])],
        "peak",
        [helper.make_tensor_value_info("left", TensorProto.UINT8, [rows, inner])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [rows, columns])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    stream = io.BytesIO()
    onnx.save(model, stream)
    product = session(stream.getvalue(), threads)
    left = {"left": random.integers(0, 255, (rows, inner), dtype=np.uint8)}
    best = min(timed(lambda: product.run(None, left)) for _ in range(3 * TURNS))
    return rows * inner * columns / best


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def in_batches(run: Callable[[np.ndarray], object], ids: np.ndarray) -> Callable[[], None]:
    def work() -> None:
        for start in range(0, len(ids), BATCH):
            run(ids[start : start + BATCH])

    return work


def products_a_token() -> int:
    """Multiply-adds of the encoder's int8 matrix products a token; those of the heads come once a post only."""
    constants = onnx.load(str(FOLDER / "model.onnx")).graph.initializer
    return sum(
        int(np.prod(one.dims))
        for one in constants
        if one.data_type == TensorProto.INT8 and len(one.dims) == 2 and not one.name.startswith(("pooled", "heads"))
    )


def measure(length: int, posts: int, threads: int, peers: dict[str, Any], model: EncoderModel) -> dict[str, float]:
    """Name → posts a second, the best of the turns."""
    random = np.random.default_rng(length)
    ids = random.integers(200, VOCABULARY, (posts, length))
    characters = [chr(0x4E00 + int(number)) for number in random.integers(0, 5000, posts * length)]
    texts = [Text("", "".join(characters[at * length : (at + 1) * length - 2])) for at in range(posts)]

    def torch_run(part: np.ndarray) -> object:
        given = torch.from_numpy(part)
        with torch.inference_mode():
            return peers["bert-base, PyTorch"](given, torch.ones_like(given))

    def onnx_run(part: np.ndarray) -> object:
        return peers["bert-base, ONNX int8"].run(None, {"ids": part, "mask": np.ones_like(part)})

    works: dict[str, Callable[[], object]] = {
        "bert-base, PyTorch": in_batches(torch_run, ids),
        "bert-base, ONNX int8": in_batches(onnx_run, ids),
        "encoder, all heads": lambda: model.scores(texts),
        "encoder, the whole of judging": lambda: model.judge(texts),
    }
    best = dict.fromkeys(works, 0.0)
    for _ in range(TURNS):
        for name, work in works.items():
            best[name] = max(best[name], posts / timed(work))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--posts", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    bare = Bare()
    peers = {"bert-base, PyTorch": bare, "bert-base, ONNX int8": bert_int8(bare, chosen.threads)}
    model = EncoderModel(threads=chosen.threads, cached=0)
    peak = int8_peak(chosen.threads)
    found: dict[str, Any] = {}
    for length in LENGTHS:
        speeds = measure(length, chosen.posts, chosen.threads, peers, model)
        encoder = speeds["encoder, all heads"]
        found[str(length)] = {
            **{name: round(speed, 1) for name, speed in speeds.items()},
            "times bert-base, PyTorch": round(encoder / speeds["bert-base, PyTorch"], 1),
            "times bert-base, ONNX int8": round(encoder / speeds["bert-base, ONNX int8"], 1),
            "share of the int8 peak": round(encoder * products_a_token() * min(length, LENGTH) / peak, 3),
        }
    found["int8 peak, 10^9 multiply-adds a second"] = round(peak / 1e9, 1)
    found["threads"] = chosen.threads
    if chosen.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    print(f"{'posts a second':34}" + "".join(f"{length:>7} tokens" for length in LENGTHS))
    for name in found[str(LENGTHS[0])]:
        print(f"{name:34}" + "".join(f"{found[str(length)][name]:14,.1f}" for length in LENGTHS))
    print(f"int8 peak here: {peak / 1e9:.0f}·10⁹ multiply-adds a second on {chosen.threads} threads")


if __name__ == "__main__":
    main()
