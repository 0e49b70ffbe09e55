"""Thinning an encoder out: what is kept is what says most, and what is lost is learnt again."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from classifiers.encoder.characters import SPECIAL
from classifiers.model import Text

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_installed")]

SHAPE = {"hidden": 64, "layers": 2, "heads": 2, "feed_forward": 128}
CHARACTERS = "今天停水了太好谢谢气死我政策补贴路灯公交车噪音晚上怎么办理请问"
MARKS = {"positive": "太好谢谢", "negative": "气死我了", "neutral": "怎么办理"}


def texts_of(number: int) -> list[str]:
    draw = random.Random(3)
    return [mark + "".join(draw.choices(CHARACTERS, k=12)) for _ in range(number) for mark in MARKS.values()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with a network that was fine-tuned for a moment."""
    import torch

    from training.data import Example
    from training.finetune import Run
    from training.network import Encoder, MaskedModel
    from training.tasks import Task

    tokens = [*SPECIAL, *dict.fromkeys(CHARACTERS)]
    tokenizer = Tokenizer(models.BPE({token: place for place, token in enumerate(tokens)}, [], unk_token="[UNK]"))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    torch.manual_seed(5)
    state = MaskedModel(Encoder(len(tokens), **SHAPE)).state_dict()
    torch.save({"model": state, "shape": SHAPE}, tmp_path / "checkpoint.pt")
    names = list(MARKS)
    every = [Example(Text("", text), names[place % 3], place % 10) for place, text in enumerate(texts_of(60))]
    Run(tmp_path, [Task("sentiment", "made", every, every[1::10], [])], 6).learn()
    return tmp_path


def judgements(model: Any, batches: list[Any]) -> np.ndarray:
    import torch

    from training.finetune import tensors

    with torch.no_grad():
        return np.concatenate([model(*tensors(ids))["sentiment"].numpy() for ids in batches])


@pytest.mark.parametrize("part", ["feed_forward", "query", "value"])
def test_the_fewer_are_kept_the_more_is_lost_and_of_all_nothing(folder: Path, part: str) -> None:
    import torch

    from training.finetune import padded
    from training.thin import look, thinned, whole

    model, rest = whole(folder)
    with torch.no_grad():
        for layer in model.encoder.bert.encoder.layer:
            layer.attention.self.query.weight *= 30  # so little learnt, each position looks at all alike
    rows = [[2, *draw, 3] for draw in np.random.default_rng(6).integers(7, 30, (200, 16)).tolist()]
    batches = [padded(rows[first : first + 50]) for first in range(0, 200, 50)]
    seen = look(model, batches[:3])
    wanted = judgements(model, batches[3:])
    most = {"feed_forward": 128, "query": 32, "value": 32}[part]
    lost = [
        float(
            np.abs(judgements(thinned(model, {**rest["shape"], part: kept}, seen).eval(), batches[3:]) - wanted).max()
        )
        for kept in (most, most * 3 // 4, most // 16)
    ]
    assert lost[0] < 1e-5 < lost[1] < lost[2]


def test_what_is_kept_is_what_moves_the_output_not_what_comes_first(folder: Path) -> None:
    import torch

    from training.finetune import padded
    from training.thin import look, thinned, whole

    model, rest = whole(folder)
    with torch.no_grad():
        for layer in model.encoder.bert.encoder.layer:
            layer.output.dense.weight[:, :64] *= 1e-4
    rows = [[2, *draw, 3] for draw in np.random.default_rng(7).integers(7, 30, (100, 16)).tolist()]
    batches = [padded(rows)]
    thin = thinned(model, {**rest["shape"], "feed_forward": 64}, look(model, batches)).eval()
    for old, new in zip(model.encoder.bert.encoder.layer, thin.encoder.bert.encoder.layer, strict=True):
        kept = {tuple(row) for row in new.intermediate.dense.weight.tolist()}
        assert kept == {tuple(row) for row in old.intermediate.dense.weight[64:].tolist()}
    assert np.abs(judgements(thin, batches) - judgements(model, batches)).max() < 0.05


def test_a_thin_network_learns_to_judge_as_the_whole_one_and_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from classifiers.encoder.batches import token_ids
    from training import finetune, thin
    from training.data import Example
    from training.export import Fitted
    from training.tasks import Task
    from training.token_batches import Corpus

    for module in (finetune, thin):
        monkeypatch.setattr(module, "BATCH_TOKENS", 512)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = token_ids(tokenizer, [Text("", text) for text in texts_of(80)])
    ids = np.concatenate([np.array(row[1:-1], np.uint16) for row in rows])
    corpus = Corpus(ids, np.concatenate([[0], np.cumsum([len(row) - 2 for row in rows])]), torch.device("cpu"))
    names = list(MARKS)
    every = [Example(Text("", text), names[place % 3], place % 10) for place, text in enumerate(texts_of(20))]
    task = Task("sentiment", "made", every, every[1::10], [])
    shape = {"feed_forward": 16, "query": 4, "value": 8, "activation": "relu"}
    ticks = iter(range(100_000))
    monkeypatch.setattr(thin.time, "monotonic", lambda: next(ticks) / 10)
    batches = [finetune.padded(rows[150:])]
    model, rest = thin.whole(folder)
    wanted = judgements(model, batches)
    first = thin.thinned(model, {**rest["shape"], **shape}, thin.look(model, batches)).eval()
    before = np.abs(judgements(first, batches) - wanted).mean()

    half = thin.Run(folder, [task], corpus, 15, shape)
    half.learn()
    steps = torch.load(folder / "thinning.pt", weights_only=True)["step"]
    run = thin.Run(folder, [task], corpus, 30, shape)
    assert run.learn()["sentiment/made"] > 0.9
    state = torch.load(folder / "thin.pt", weights_only=True)
    assert state["shape"] == {**SHAPE, **shape} and run._step > steps > 50
    assert np.abs(judgements(run._averaged.eval(), batches) - wanted).mean() < 0.5 * before
    assert Fitted(folder).shape == state["shape"]
    assert thin.Run(folder, [task], corpus, 30, shape)._step == run._step
    assert thin.Run(folder, [task], corpus, 30, {**shape, "query": 8})._step == 0
    state = torch.load(folder / "heads.pt", weights_only=True)
    torch.save({**state, "learnt": "anew"}, folder / "heads.pt")
    assert thin.Run(folder, [task], corpus, 30, shape)._step == 0
    with pytest.raises(SystemExit, match="of another"):
        Fitted(folder)
