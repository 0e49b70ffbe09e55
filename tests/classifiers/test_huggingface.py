"""A user's own model for a head: what is loaded, how its labels become ours, and what is told where that fails."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from classifiers import huggingface
from classifiers.composed import ComposedModel
from classifiers.load import load_model
from classifiers.model import EMOTIONS, REQUESTS, SENTIMENTS, Model, Text, judge_with
from minsheng.errors import MinshengError, WrongSettings
from minsheng.records import Judgement, scores_of
from minsheng.settings import ClassifySettings, HeadSettings, Settings, load_settings
from tests.classifiers.tiny_model import CHARACTERS, write_tiny_model

TEXTS = [Text("", CHARACTERS[start : start + 1 + start % 9]) for start in range(40)]


class Fixed:
    """Judges its heads always alike."""

    def __init__(self, name: str, heads: Sequence[str], thresholds: Mapping[str, float] | None = None) -> None:
        self.heads = tuple(heads)
        self.versions = dict.fromkeys(heads, name)
        self.thresholds = dict(thresholds or {})

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        return [{head: scores_of(self.versions[head], {"other": 0.3}) for head in self.heads} for _ in texts]


def test_a_model_put_together_takes_each_head_from_the_last_that_has_it() -> None:
    base = Fixed("base", ("sentiment", "topic", "request"), {"sentiment": 0.9, "topic": 0.9})
    model: Model = ComposedModel(
        base, Fixed("mine", ("sentiment", "stance")), Fixed("ours", ("stance",), {"stance": 0.8})
    )
    assert model.heads == ("sentiment", "topic", "request", "stance")
    assert model.versions == {"sentiment": "mine", "topic": "base", "request": "base", "stance": "ours"}
    (judged,) = judge_with(model, [Text("", "x")])
    assert {head: judgement.label for head, judgement in judged.items()} == dict(model.versions)
    assert {head for head, judgement in judged.items() if judgement.unsure} == {"topic", "stance"}


def settings(folder: Path, *heads: HeadSettings) -> Settings:
    return Settings(data_dir=folder, classify=ClassifySettings(heads=heads))


def test_without_pytorch_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        huggingface.importlib.util, "find_spec", lambda name: None if name == "torch" else real(name)
    )  # fmt: skip
    (tmp_path / "mine").mkdir()
    with pytest.raises(MinshengError, match="torch, which is not installed") as caught:
        load_model(settings(tmp_path, HeadSettings(head="sentiment", model="mine")))
    assert "pip install 'minsheng[torch]'" in caught.value.hint


def test_a_folder_that_is_not_there_and_a_head_named_twice(tmp_path: Path) -> None:
    for place in ("./mine", str(tmp_path / "nothing"), "models/mine/best"):
        with pytest.raises(WrongSettings, match="there is no folder"):
            huggingface.open_heads(settings(tmp_path, HeadSettings(head="topic", model=place)))
    twice = [HeadSettings(head="topic", model=name) for name in ("a", "b")]
    with pytest.raises(WrongSettings, match="two models for topic"):
        huggingface.open_heads(settings(tmp_path, *twice))


def test_heads_in_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "minsheng.toml").write_text(
        '[[classify.heads]]\nhead = "sentiment"\nmodel = "mine"\nlabels = { LABEL_0 = "negative" }\n', encoding="utf-8"
    )
    (head,) = load_settings(tmp_path, environ={}).classify.heads
    assert (head.model, head.labels, head.device) == ("mine", {"LABEL_0": "negative"}, "auto")
    with pytest.raises(WrongSettings, match="heads"):
        load_settings(tmp_path, environ={"MINSHENG_CLASSIFY__HEADS": '[{ head = "mood", model = "x" }]'})


@pytest.fixture
def tiny(tmp_path: Path, torch_installed: None) -> Path:
    write_tiny_model(tmp_path / "mine", SENTIMENTS)
    return tmp_path


def opened(folder: Path, **changes: Any) -> Model:
    (model,) = huggingface.open_heads(
        settings(folder, HeadSettings(**{"head": "sentiment", "model": "mine", **changes}))
    )
    return model


@pytest.mark.torch
def test_the_head_is_the_users_and_the_others_are_the_shipped_models(tiny: Path) -> None:
    shipped = load_model(Settings())
    model = load_model(settings(tiny, HeadSettings(head="sentiment", model="mine", unsure_below=0.99)))
    assert model.heads == shipped.heads
    assert model.versions["sentiment"].startswith("mine-")
    assert {**model.versions, "sentiment": ""} == {**shipped.versions, "sentiment": ""}
    for own, theirs, composed in zip(opened(tiny).judge(TEXTS), shipped.judge(TEXTS), model.judge(TEXTS), strict=True):
        assert composed == {**theirs, **own}
    assert any(one["sentiment"].unsure for one in judge_with(model, TEXTS))


@pytest.mark.torch
def test_it_says_what_the_network_says(tiny: Path) -> None:
    """Against the model run by hand, text by text, without batches and padding."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny / "mine")
    network = AutoModelForSequenceClassification.from_pretrained(tiny / "mine").eval()
    judged = opened(tiny, batch=7).judge(TEXTS)
    for text, one in zip(TEXTS, judged, strict=True):
        with torch.no_grad():
            wanted = network(**tokenizer(text.text, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert one["sentiment"].scores == pytest.approx(dict(zip(SENTIMENTS, wanted, strict=True)), abs=2e-4)
    assert len({tuple(one["sentiment"].scores.values()) for one in judged}) > 30, "it does read the texts"


@pytest.mark.torch
def test_title_and_text_are_both_read_and_long_texts_cut(tiny: Path) -> None:
    model = opened(tiny, max_tokens=16)
    title, text, both = (
        one["sentiment"].scores
        for one in model.judge([Text("住房新规", ""), Text("", "太好了"), Text("住房新规", "太好了")])
    )
    assert title != both != text
    long = "好" * 14 + "坏" * 300
    cut, whole = (opened(tiny, max_tokens=most).judge([Text("", long)])[0] for most in (16, 1_000))
    assert cut == model.judge([Text("", "好" * 14)])[0]
    assert whole != cut, "64 positions are read where more are asked for"


@pytest.mark.torch
def test_labels_are_mapped_and_those_that_become_one_add_up(tmp_path: Path, torch_installed: None) -> None:
    stars = [f"{number} star" for number in range(1, 6)]
    write_tiny_model(tmp_path / "mine", stars)
    meaning = dict(zip(stars, ("negative", "negative", "neutral", "positive", "positive"), strict=True))
    plain = opened(tmp_path, head="topic").judge(TEXTS)  # a topic may have any label
    assert set(plain[0]["topic"].scores) == set(stars)
    for one, five in zip(opened(tmp_path, labels=meaning).judge(TEXTS), plain, strict=True):
        scores = dict.fromkeys(SENTIMENTS, 0.0)
        for star, score in five["topic"].scores.items():
            scores[meaning[star]] += score
        assert one["sentiment"].scores == pytest.approx(scores, abs=3e-4)


@pytest.mark.torch
def test_labels_that_the_model_does_not_have_score_nothing(tmp_path: Path, torch_installed: None) -> None:
    write_tiny_model(tmp_path / "mine", ("neg", "pos"))
    model = opened(tmp_path, labels={"neg": "negative", "pos": "positive"})
    assert all(one["sentiment"].scores["neutral"] == 0 for one in model.judge(TEXTS))


@pytest.mark.torch
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"head": "emotion"}, "none of the head's labels"),
        ({"labels": {"happy": "positive"}}, "has no label happy"),
        ({"labels": {"negative": "bad"}}, "bad is none of the head's labels"),
        ({"model": "empty"}, "can't be loaded"),
        ({"model": "encoder"}, "no trained classifier"),
        ({"model": "number"}, "gives a number"),
        ({"model": "nobody/nothing-of-this-name"}, "can't be loaded"),
        ({"device": "cuda"}, "finds no GPU"),
    ],
)
def test_what_can_not_be_used_says_why(
    tiny: Path, changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import BertConfig, BertModel

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tiny / "empty").mkdir()
    write_tiny_model(tiny / "encoder", SENTIMENTS)
    BertModel(BertConfig(**json.loads((tiny / "encoder/config.json").read_text(encoding="utf-8")))).save_pretrained(
        tiny / "encoder"
    )
    write_tiny_model(tiny / "number", ("score",))
    with pytest.raises(WrongSettings, match=words):
        opened(tiny, **changes)


@pytest.mark.torch
def test_the_version_changes_with_what_the_answers_depend_on(tiny: Path) -> None:
    def version(**changes: Any) -> str:
        return opened(tiny, **changes).versions["sentiment"]

    first = version()
    assert version() == first == version(batch=3), "how it is run is not what it says"
    swapped = {"positive": "negative", "negative": "positive"}
    assert len({first, version(max_tokens=20), version(labels=swapped), version(dtype="bfloat16")}) == 4
    write_tiny_model(tiny / "mine", SENTIMENTS, seed=8)
    assert version() != first


@pytest.mark.torch
def test_a_tokenizer_without_padding_and_marks(tmp_path: Path, torch_installed: None) -> None:
    write_tiny_model(tmp_path / "mine", SENTIMENTS, pad=False)
    model = opened(tmp_path)
    texts = [Text("", ""), Text("", "太好了"), Text("", "坏"), Text("", "\ud800")]
    together = model.judge(texts)
    for text, judged in zip(texts, together, strict=True):
        assert model.judge([text])[0]["sentiment"].scores == pytest.approx(judged["sentiment"].scores, abs=2e-4)


@pytest.mark.torch
@pytest.mark.parametrize(("head", "labels"), [("emotion", EMOTIONS), ("request", REQUESTS)])
def test_in_half_precision(tmp_path: Path, torch_installed: None, head: str, labels: tuple[str, ...]) -> None:
    write_tiny_model(tmp_path / "mine", labels)
    exact, rough = (opened(tmp_path, head=head, dtype=dtype).judge(TEXTS) for dtype in ("float32", "bfloat16"))
    for one, other in zip(exact, rough, strict=True):
        assert one[head].scores == pytest.approx(other[head].scores, abs=0.1)


@pytest.mark.torch
def test_a_network_that_says_nothing_usable_says_every_label_alike(
    tmp_path: Path, torch_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(tmp_path / "mine", SENTIMENTS)
    import torch
    from transformers import BertForSequenceClassification

    forward = BertForSequenceClassification.forward

    def broken(self: Any, *given: Any, **more: Any) -> Any:
        answer = forward(self, *given, **more)
        answer.logits = answer.logits * torch.nan
        return answer

    monkeypatch.setattr(BertForSequenceClassification, "forward", broken)
    scores = opened(tmp_path).judge([Text("", "好")])[0]["sentiment"].scores
    assert sum(scores.values()) == pytest.approx(1) and max(scores.values()) == pytest.approx(1 / 3, abs=1e-3)
