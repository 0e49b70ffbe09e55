"""What holds for every model that the settings can name, whatever it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.load import MODELS, load_model
from classifiers.model import EMOTIONS, EVERY_MODEL, REQUESTS, SENTIMENTS, STANCES, Model, Text, judge_with
from minsheng.errors import WrongSettings
from minsheng.records import Judgement, scores_of
from minsheng.settings import ClassifySettings, HeadSettings, Settings
from tests.classifiers.tiny_model import write_tiny_model

AREAS = ("交通运输", "劳动和社会保障", "卫生计生", "商贸旅游", "城乡建设", "教育文体", "环境保护")
LABELS = {"sentiment": SENTIMENTS, "emotion": EMOTIONS, "topic": AREAS, "request": REQUESTS, "stance": STANCES}
"""Of the heads that records have room for. A model may judge more, with labels of its own."""
ODD = [
    Text("", ""),
    Text(" \n\t", "\u200b"),
    Text("", "\ud800"),
    Text("\udfff题", "正\ud83d文"),
    Text("", "\x00\x01\x7f"),
    Text("", "😀😀👨‍👩‍👧"),
    Text("", "e\u0301" * 5_000),
    Text("字" * 5_000, "字" * 300_000),
    Text("", "ﷺ" * 2_000),
    Text("标题", ""),
    Text("", "a"),
    Text("", "\U0010ffff\ufffe"),
]


@pytest.fixture(scope="module", params=[*MODELS, pytest.param("transformers", marks=pytest.mark.torch)])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Each shipped model, and one with a user's own model for a head."""
    if request.param != "transformers":
        return load_model(Settings(classify=ClassifySettings(model=request.param)))
    request.getfixturevalue("torch_installed")
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder, STANCES)
    return load_model(Settings(classify=ClassifySettings(heads=(HeadSettings(head="stance", model=str(folder)),))))


def assert_alike(one: dict[str, Judgement], other: dict[str, Judgement]) -> None:
    """The same labels; scores may differ by the order in which a network's sums are taken."""
    assert one.keys() == other.keys()
    for head, judgement in one.items():
        assert judgement.scores == pytest.approx(other[head].scores, abs=2e-4)
        assert judgement.label == other[head].label or judgement.scores[other[head].label] >= (
            judgement.scores[judgement.label] - 2e-4
        )


def assert_whole(model: Model, judged: dict[str, Judgement]) -> None:
    assert set(judged) == set(model.heads)
    for head, judgement in judged.items():
        assert set(judgement.scores) == set(LABELS.get(head, judgement.scores))
        assert judgement.scores[judgement.label] == max(judgement.scores.values())
        assert sum(judgement.scores.values()) == pytest.approx(1, abs=1e-9)
        assert min(judgement.scores.values()) >= 0
        assert not judgement.unsure  # thresholds are for `judge_with`


def test_no_head_that_records_need_is_missing(model: Model) -> None:
    assert set(EVERY_MODEL) <= set(model.heads)
    assert len(set(model.heads)) == len(model.heads)


def test_a_version_for_each_head(model: Model) -> None:
    assert set(model.versions) == set(model.heads)
    assert all(model.versions.values())


def test_thresholds_are_probabilities_of_heads_it_has(model: Model) -> None:
    assert set(model.thresholds) <= set(model.heads)
    assert all(0 < threshold < 1 for threshold in model.thresholds.values())


def test_odd_texts_are_judged(model: Model) -> None:
    judged = model.judge(ODD)
    assert len(judged) == len(ODD)
    for one in judged:
        assert_whole(model, one)


def test_no_text_no_judgement(model: Model) -> None:
    assert model.judge([]) == []


@given(texts=st.lists(st.tuples(st.text(max_size=20), st.text()), max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_text_is_judged_the_same_alone_and_in_company(model: Model, texts: list[tuple[str, str]]) -> None:
    given_texts = [Text(*one) for one in texts]
    together = model.judge(given_texts)
    for text, judged in zip(given_texts, together, strict=True):
        assert_whole(model, judged)
        assert_alike(model.judge([text])[0], judged)


def test_many_texts_keep_their_order(model: Model) -> None:
    texts = [Text("", "太好了，谢谢" if number % 3 else "气死我了，凭什么") for number in range(700)]
    labels = [judged["sentiment"].label for judged in model.judge(texts)]
    assert labels == ["positive" if number % 3 else "negative" for number in range(700)]


@pytest.mark.parametrize(
    ("title", "text", "head", "label"),
    [
        ("", "太好了，终于通车了，开心！", "sentiment", "positive"),
        ("", "气死我了，什么破系统，垃圾！", "sentiment", "negative"),
        ("", "气死我了，什么破系统，垃圾！", "emotion", "angry"),
        ("", "本办法自2026年7月1日起施行。", "sentiment", "neutral"),
        ("", "好害怕，一个人不敢出门", "emotion", "fear"),
        ("工厂夜间排放废气", "化工厂每天半夜排放刺鼻废气，污染空气", "topic", "环境保护"),
        ("咨询养老保险", "请问养老保险断缴以后怎么补缴？", "topic", "劳动和社会保障"),
        ("咨询养老保险", "请问养老保险断缴以后怎么补缴？", "request", "inquiry"),
    ],
)
def test_plain_cases_are_judged_right(model: Model, title: str, text: str, head: str, label: str) -> None:
    assert model.judge([Text(title, text)])[0][head].label == label


class Hesitant:
    """Asks much of its sentiment and nothing of its request."""

    heads = ("sentiment", "request")
    versions = dict.fromkeys(heads, "hesitant-1")
    thresholds: ClassVar[dict[str, float]] = {"sentiment": 0.6}

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        return [{head: scores_of("neutral", {"other": 1 - float(text.text)}) for head in self.heads} for text in texts]


def test_what_a_model_does_not_stand_by_is_marked() -> None:
    judged = judge_with(Hesitant(), [Text("", "0.59"), Text("", "0.6")])
    assert [one["sentiment"].unsure for one in judged] == [True, False]
    assert [one["sentiment"].label for one in judged] == ["neutral", "neutral"]
    assert not any(one["request"].unsure for one in judged)


def test_an_unknown_model_is_refused_with_the_known_names() -> None:
    with pytest.raises(WrongSettings, match="ngram"):
        load_model(Settings(classify=ClassifySettings(model="bert")))
