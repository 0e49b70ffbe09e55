"""Heads that are added to the finished graph leave all others as they were, and replace themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from classifiers.encoder.model import FOLDER, EncoderModel
from classifiers.model import Text

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_installed")]

TEXTS = [
    Text("", "施工的吊臂掉下来，路过的老人当场没了"),
    Text("", "这个月水费涨了两块"),
    Text("通知", "周六停水检修。"),
    Text("", "净水器厂家直销，扫码立减五百，名额有限，加微信预约"),
]


def test_added_again_the_heads_replace_themselves_and_the_others_stay(tmp_path: Path) -> None:
    from training.added_heads import ship

    shutil.copytree(FOLDER, tmp_path / "encoder")
    before = EncoderModel(FOLDER).judge(TEXTS)
    scores = ship(tmp_path / "encoder")
    after = EncoderModel(tmp_path / "encoder").judge(TEXTS)
    assert all(score["macro_f1"] >= 0.8 for score in scores.values())
    assert (tmp_path / "encoder" / "model.onnx").stat().st_size == (FOLDER / "model.onnx").stat().st_size
    for old, new in zip(before, after, strict=True):
        assert set(old) == set(new) and {"harm", "advert"} <= set(new)
        for head in old:
            assert old[head].label == new[head].label
            assert np.allclose(list(old[head].scores.values()), list(new[head].scores.values()), atol=1e-6)
    assert [one["harm"].label for one in after] == ["harm", "none", "none", "none"]
    assert [one["advert"].label for one in after] == ["none", "none", "none", "advert"]


def test_a_network_that_is_kept_scores_as_before_without_the_heads_that_were_added() -> None:
    import onnx

    from training.export import kept, run
    from training.labels.added import ADDED

    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    every = run(onnx.load(str(FOLDER / "model.onnx")), tokenizer, TEXTS)
    added = sum(len(one.labels) for one in ADDED)
    model, scores = kept(FOLDER, TEXTS)
    assert np.array_equal(scores, every[:, :-added])
    assert not any(node.name.startswith(one.head) for node in model.graph.node for one in ADDED)
