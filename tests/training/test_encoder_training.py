"""Training the encoder, in small: the ONNX graph computes what PyTorch computes, and runs go on where they stopped."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from classifiers.encoder.characters import SPECIAL
from classifiers.model import Text

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_installed")]

LABELS = {"sentiment": 3, "topic": 7}
SHAPE = {"hidden": 64, "layers": 2, "heads": 2, "feed_forward": 128}
CHARACTERS = "今天停水了太好谢谢气死我政策补贴路灯公交车噪音晚上怎么办理请问"


def given_tokens(texts: int, length: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    mask = np.ones((texts, length), np.int32)
    mask[0, length // 2 :] = 0
    ids = np.where(mask, draw.integers(7, 100, (texts, length)), 0)
    return {"ids": ids, "pairs": np.where(mask, draw.integers(0, 500, (texts, length)), 0), "mask": mask}


def test_the_graph_computes_what_the_network_computes() -> None:
    import torch

    from training.graph import Builder
    from training.network import Classifier, Encoder

    torch.manual_seed(1)
    network = Classifier(Encoder(120, **SHAPE, dropout=0.0), LABELS).eval()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    given = given_tokens(6, 24)
    with torch.no_grad():
        parts = network(*(torch.from_numpy(given[name].astype(np.int64)) for name in ("ids", "pairs", "mask")))
    wanted = np.concatenate([part.numpy() for part in parts.values()], axis=1)

    def run(builder: Builder, names: list[str]) -> list[np.ndarray]:
        session = onnxruntime.InferenceSession(builder.build().SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(names or None, given)

    exact = Builder(weights, layers=2, heads=2, labels=LABELS)
    scores, *activations = run(exact, [])
    assert np.abs(scores - wanted).max() < 1e-5
    names = list(dict.fromkeys(exact.measured.values()))
    of = {name: (float(values.min()), float(values.max())) for name, values in zip(names, activations, strict=True)}
    ranges = {place: of[name] for place, name in exact.measured.items()}
    (rounded,) = run(Builder(weights, layers=2, heads=2, labels=LABELS, ranges=ranges), ["scores"])
    assert 0 < np.abs(rounded - wanted).max() < 0.2 * wanted.std()


def test_a_deeper_network_begins_as_the_shallow_one_twice() -> None:
    import torch

    from training.network import Encoder, MaskedModel
    from training.pretrain import doubled

    shallow = MaskedModel(Encoder(60, **{**SHAPE, "layers": 1}))
    deep = MaskedModel(Encoder(60, **SHAPE))
    deep.load_state_dict(doubled(shallow.state_dict()))
    layers = deep.encoder.bert.encoder.layer
    assert torch.equal(layers[0].attention.self.query.weight, layers[1].attention.self.query.weight)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokens = [*SPECIAL, "[怒]", *dict.fromkeys(CHARACTERS)]
    tokenizer = Tokenizer(models.WordLevel({token: place for place, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def pretrained(folder: Path, seconds: float) -> dict[str, object]:
    import torch

    from training.pretrain import Run

    draw = np.random.default_rng(2)
    lengths = draw.integers(5, 20, 200)
    ids = draw.integers(7, 30, int(lengths.sum())).astype(np.uint16)
    Run(folder, SHAPE, seconds).learn(ids, np.concatenate([[0], np.cumsum(lengths)]))
    state: dict[str, object] = torch.load(folder / "checkpoint.pt", weights_only=True)
    return state


def test_pretraining_deepens_and_goes_on(folder: Path) -> None:
    first = pretrained(folder, 2.0)
    assert first["shape"] == SHAPE and first["step"]
    again = pretrained(folder, 4.0)
    assert again["step"] > first["step"] and again["tokens"] > first["tokens"]  # type: ignore[operator]


def test_finetuning_learns_and_goes_on_after_the_last_epoch(folder: Path) -> None:
    import torch

    from training.data import Example
    from training.finetune import Run, judge
    from training.tasks import Task

    pretrained(folder, 1.0)
    draw = random.Random(1)
    texts = ["".join(draw.choices(CHARACTERS, k=12)) for _ in range(60)]
    good = [Example(Text("", f"太好谢谢{text}"), "positive", place % 10) for place, text in enumerate(texts)]
    bad = [Example(Text("", f"气死我了{text}"), "negative", place % 10) for place, text in enumerate(texts)]
    dull = [Example(Text("", f"怎么办理{text}"), "neutral", place % 10) for place, text in enumerate(texts)]
    every = [*good, *bad, *dull]
    task = Task(
        "sentiment", "made", [one for one in every if one.part > 1], [one for one in every if one.part == 1], []
    )
    Run(folder, [task], 2).learn()
    half = torch.load(folder / "finetune.pt", weights_only=True)
    assert half["done"] == 2
    run = Run(folder, [task], 12)
    run.learn()
    whole = torch.load(folder / "finetune.pt", weights_only=True)
    assert whole["done"] == 12 and whole["step"] > half["step"]
    assert whole["best"] > 0.9
    other = Task("topic", "made", task.train, task.choose, [])
    with pytest.raises(SystemExit, match="of another run"):
        Run(folder, [other], 12)
    assert judge(run._model, "sentiment", [[2, 9, 10, 3]]).shape == (1, 3)
