"""The n-gram model's features and files."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.features import HEAD, TAIL, count_ngrams, reading
from classifiers.model import Text
from classifiers.ngram import FOLDER, NgramModel, rounded
from minsheng.errors import BadInput


def counted(text: str) -> dict[int, float]:
    counts = count_ngrams([text])
    return dict(zip(counts.buckets.tolist(), counts.counts.tolist(), strict=True))


@given(st.lists(st.text(max_size=12), max_size=6))
@settings(max_examples=80, deadline=None)
def test_each_text_of_a_batch_has_the_ngrams_it_has_alone(texts: list[str]) -> None:
    counts = count_ngrams(texts)
    assert counts.starts.tolist()[0] == 0 and len(counts.starts) == len(texts) + 1
    for place, text in enumerate(texts):
        row = slice(counts.starts[place], counts.starts[place + 1])
        assert dict(zip(counts.buckets[row].tolist(), counts.counts[row].tolist(), strict=True)) == counted(text)


@given(st.text(alphabet="政策好不\n\ud800a", max_size=30))
def test_counts_are_those_of_plain_python(text: str) -> None:
    plain = Counter(text[at : at + size] for size in (1, 2, 3) for at in range(len(text) - size + 1))
    assert sorted(counted(text).values()) == sorted(plain.values())


def test_order_of_characters_matters() -> None:
    assert counted("好不好") != counted("不好好")


def test_a_long_text_is_read_at_head_and_tail() -> None:
    text = "头" * HEAD + "中" * 10_000 + "尾" * TAIL
    read = reading(Text("", text))
    assert "中" not in read and read.count("头") == HEAD and read.count("尾") == TAIL


def test_width_case_and_spaces_make_no_difference() -> None:
    assert reading(Text("", "ＡＢＣ　１２  三\n\n四")) == reading(Text("", "abc 12 三 四"))


def test_emoji_read_as_the_emoticons_of_posts() -> None:
    assert reading(Text("", "好👍")) == "好[赞]"


def test_rounded_scores_still_sum_to_one() -> None:
    probabilities = np.random.default_rng(1).dirichlet(np.ones(7) * 0.2, size=500)
    result = rounded(probabilities)
    assert np.allclose(result.sum(axis=1), 1, atol=1e-9)
    assert (result.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert np.abs(result - probabilities).max() < 1e-4 + 1e-12


def test_rounding_turns_no_two_scores() -> None:
    near = np.random.default_rng(2).dirichlet(np.ones(7) * 50, size=2_000)
    result = rounded(near)
    by_size = np.take_along_axis(result, near.argsort(axis=1), axis=1)
    assert (np.diff(by_size, axis=1) >= 0).all()


def test_the_shipped_files_are_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 8_000_000


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "ngram")
    weights = tmp_path / "ngram" / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BadInput, match=r"card\.json"):
        NgramModel(tmp_path / "ngram")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=str(tmp_path)):
        NgramModel(tmp_path)
