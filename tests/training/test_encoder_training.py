"""Training the encoder, in small: the ONNX graph computes what PyTorch computes, and runs go on where they stopped."""

from __future__ import annotations

import itertools
import random
import types
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


@pytest.mark.parametrize("other", [{}, {"feed_forward": 64, "query": 8, "value": 16, "activation": "relu"}])
def test_the_graph_computes_what_the_network_computes(other: dict[str, object]) -> None:
    import torch

    from training.graph import Builder
    from training.network import Classifier, Encoder

    torch.manual_seed(1)
    network = Classifier(Encoder(120, **{**SHAPE, **other}, dropout=0.0), LABELS).eval()
    activation = str(other.get("activation", "gelu"))
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    given = given_tokens(6, 24)
    with torch.no_grad():
        parts = network(*(torch.from_numpy(given[name].astype(np.int64)) for name in ("ids", "pairs", "mask")))
    wanted = np.concatenate([part.numpy() for part in parts.values()], axis=1)

    def run(builder: Builder, names: list[str]) -> list[np.ndarray]:
        session = onnxruntime.InferenceSession(builder.build().SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(names or None, given)

    exact = Builder(weights, layers=2, heads=2, labels=LABELS, activation=activation)
    scores, *activations = run(exact, [])
    assert np.abs(scores - wanted).max() < 1e-5
    names = list(dict.fromkeys(exact.measured.values()))
    of = {name: (float(values.min()), float(values.max())) for name, values in zip(names, activations, strict=True)}
    ranges = {place: of[name] for place, name in exact.measured.items()}
    rounding = Builder(weights, layers=2, heads=2, labels=LABELS, ranges=ranges, activation=activation)
    (rounded,) = run(rounding, ["scores"])
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
    tokenizer = Tokenizer(models.BPE({token: place for place, token in enumerate(tokens)}, [], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


@pytest.fixture(autouse=True)
def steady_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock takes a tenth of a second, so that a run's steps don't depend on the machine."""
    from training import pretrain

    ticks = itertools.count()
    clock = types.SimpleNamespace(monotonic=lambda: next(ticks) / 10)
    monkeypatch.setattr(pretrain, "time", clock)


def pretrained(folder: Path, seconds: float) -> dict[str, object]:
    import torch

    from training.pretrain import Run

    draw = np.random.default_rng(2)
    lengths = draw.integers(5, 20, 200)
    ids = draw.integers(7, 30, int(lengths.sum())).astype(np.uint16)
    Run(folder, SHAPE, seconds).learn(ids, np.concatenate([[0], np.cumsum(lengths)]))
    state: dict[str, object] = torch.load(folder / "checkpoint.pt", weights_only=True)
    return state


def test_pairs_on_the_device_are_those_of_the_run_time() -> None:
    import torch

    from classifiers.encoder.characters import pairs as wanted
    from training.token_batches import pairs

    ids = np.random.default_rng(4).integers(0, 8_000, (40, 30))
    assert np.array_equal(pairs(torch.from_numpy(ids)).numpy(), wanted(ids))


def test_a_corpus_gives_every_text_once_an_epoch_and_masks_some_of_each_kind() -> None:
    import torch

    from classifiers.encoder.characters import CLS, MASK, PAD, SEP
    from training.token_batches import Corpus, Masked

    draw = np.random.default_rng(5)
    lengths = draw.integers(5, 90, 400)
    ids = draw.integers(10, 300, int(lengths.sum())).astype(np.uint16)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    corpus = Corpus(ids, starts, torch.device("cpu"))
    wanted = {tuple(ids[first:last].tolist()) for first, last in itertools.pairwise(starts)}
    seen: list[tuple[int, ...]] = []
    for batch in corpus.batches(draw, 1_000):
        assert batch.numel() <= 1_000 + 8 * len(batch) and batch.shape[1] % 8 == 0
        for row in batch.tolist():
            text = row[1 : row.index(SEP)]
            assert row == [CLS, *text, SEP, *[PAD] * (len(row) - len(text) - 2)]
            seen.append(tuple(text))
        if len(seen) == 400:
            break
    assert set(seen) == wanted

    whole = corpus.gather(np.arange(400))
    batch = Masked(whole, codes=50, common=300)
    assert torch.equal(batch.answers, whole.flatten()[batch.places])
    changed = (batch.ids != whole).flatten().nonzero().squeeze(1)
    assert set(changed.tolist()) <= set(batch.places.tolist())
    code = (whole >= 7) & (whole < 50)
    plain = whole >= 50
    chosen = torch.zeros(whole.numel(), dtype=torch.bool)
    chosen[batch.places] = True
    chosen = chosen.view(whole.shape)
    assert 0.15 < chosen[plain].float().mean() < 0.25 < 0.5 < chosen[code].float().mean() < 0.7
    assert 0.75 < (batch.ids[chosen] == MASK).float().mean() < 0.85
    assert not chosen[:, 0].any() and corpus.gather(np.array([0]), most=6).shape == (1, 6)


def test_pretraining_deepens_and_goes_on(folder: Path) -> None:
    first = pretrained(folder, 2.0)
    assert first["shape"] == SHAPE and first["step"] == 20
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


def test_the_small_encoder_learns_from_what_the_larger_one_says_of_unlabelled_texts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from training import finetune

    monkeypatch.setattr(finetune, "BATCH_TOKENS", 512)

    from classifiers.encoder.batches import token_ids
    from training.data import Example
    from training.finetune import Run, judge
    from training.tasks import Task
    from training.token_batches import Corpus

    pretrained(folder, 1.0)
    (folder / "teacher").mkdir()
    for name in ("tokenizer.json", "checkpoint.pt"):
        (folder / "teacher" / name).write_bytes((folder / name).read_bytes())
    draw = random.Random(2)
    texts = ["".join(draw.choices(CHARACTERS, k=12)) for _ in range(60)]
    marks = {"positive": "太好谢谢", "negative": "气死我了", "neutral": "怎么办理"}
    every = [
        Example(Text("", mark + text), label, place % 10)
        for label, mark in marks.items()
        for place, text in enumerate(texts)
    ]
    task = Task("sentiment", "made", [one for one in every if one.part > 1], every[1::10], [])
    Run(folder / "teacher", [task], 12).learn()
    with pytest.raises(ValueError, match="needs texts"):
        Run(folder, [task], 1)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = token_ids(tokenizer, [one.text for one in every])
    ids = np.concatenate([np.array(row[1:-1], np.uint16) for row in rows])
    starts = np.concatenate([[0], np.cumsum([len(row) - 2 for row in rows])])
    # It is given labels of one text a label alone; all it knows of the others it has from the teacher.
    few = Task("sentiment", "made", every[::60] * 20, task.choose, [])
    run = Run(folder, [few], 80, corpus=Corpus(ids, starts, torch.device("cpu")))
    run.learn()
    found = judge(run._model, "sentiment", rows).argmax(1)
    names = ("positive", "neutral", "negative")
    assert np.mean([names[place] == one.label for place, one in zip(found, every, strict=True)]) > 0.9


def test_heads_can_be_taught_without_pretraining(tmp_path: Path) -> None:
    from training.base import pretrained
    from training.network import STUDENT, Encoder

    weights, shape = pretrained(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert shape == STUDENT
    Encoder(tokenizer.get_vocab_size(), **shape).load_state_dict(weights)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(SystemExit, match="of its own"):
        pretrained(tmp_path)


def test_the_base_that_is_kept_is_nearly_the_one_that_was_learnt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training import base

    learnt = pretrained(folder, 0.5)["model"]
    monkeypatch.setattr(base, "FILE", folder / "base" / "encoder.npz")
    monkeypatch.setattr(base, "TOKENIZER", folder / "base" / "tokenizer.json")
    base.keep(folder)
    (folder / "checkpoint.pt").unlink()
    weights, shape = base.pretrained(folder)
    assert shape == SHAPE
    for name, value in weights.items():
        wanted = learnt[f"encoder.{name}"]  # type: ignore[index]
        assert np.abs(value.numpy() - wanted.numpy()).max() <= np.abs(wanted.numpy()).max() / 200 + 1e-6
