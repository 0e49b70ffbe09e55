"""The encoder's reading of a text, its files, its memory of texts, and what the expert adds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from classifiers.encoder.batches import TOKENS, batches, token_ids
from classifiers.encoder.characters import CLS, LENGTH, SEP, TAIL, UNK, cut, normalise, pairs
from classifiers.encoder.model import FOLDER, EncoderModel, Head
from classifiers.model import Text
from classifiers.ngram import FOLDER as NGRAM_FOLDER
from classifiers.ngram import rounded
from minsheng.errors import BadInput

MIXED = [Text("", "停水三天了没人管[怒]"), Text("路灯", "路灯坏了，请问找哪个部门？" * 40), Text("", "好")]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


@pytest.fixture(scope="module")
def model() -> EncoderModel:
    return EncoderModel(threads=1)


def test_what_means_the_same_reads_the_same() -> None:
    assert normalise("ＡＢＣ　１２  三\n四") == "abc 12 三 四"
    assert normalise("@某某 看 https://example.org/a?b=1 啊啊啊啊啊啊") == "[USER] 看 [URL] 啊啊啊"
    assert normalise("好👍\ud800") == "好[赞]"


def test_an_emoji_code_is_one_token_and_a_rare_sign_none_of_its_own(tokenizer: Tokenizer) -> None:
    (row,) = token_ids(tokenizer, [Text("", "怒[怒]\U00031350")])
    assert len(row) == 5 and row[0] == CLS and row[-1] == SEP and row[3] == UNK
    assert row[1] != row[2]


def test_of_a_long_text_head_and_tail_are_read() -> None:
    assert cut([], []) == [CLS, SEP]
    assert cut([7, 8], [9]) == [CLS, 7, 8, SEP, 9, SEP]
    row = cut([], list(range(100, 400)))
    assert len(row) == LENGTH and row[-2] == 399 and row[-1 - TAIL] == 400 - TAIL and row[1] == 100
    row = cut(list(range(50, 150)), list(range(200, 600)))
    assert len(row) == LENGTH and row[1 + LENGTH // 2] == SEP and row[-2] == 599


def test_pairs_are_of_neighbours_that_are_characters() -> None:
    row = np.array([[CLS, 300, 301, 300, SEP, 0]])
    (found,) = pairs(row)
    assert found[[0, 1, 4, 5]].tolist() == [0, 0, 0, 0]
    assert 0 < found[2] != found[3] > 0
    assert pairs(np.array([[301, 300]]))[0, 1] == found[3]


def test_batches_hold_each_text_once_and_no_more_than_a_batch_may() -> None:
    rows = [[CLS, *[300] * length, SEP] for length in (1, 5, 30, 94, 6, 94) * 30]
    seen: list[int] = []
    for batch in batches(rows):
        assert batch.ids.size <= TOKENS and batch.ids.shape == batch.pairs.shape == batch.mask.shape
        assert [int(one) for one in batch.mask.sum(1)] == [len(rows[place]) for place in batch.places]
        seen.extend(batch.places)
    assert sorted(seen) == list(range(len(rows)))


def test_threads_and_batches_change_no_label(model: EncoderModel) -> None:
    texts = [Text("", f"{one.text}{number}") for number in range(40) for one in MIXED]
    together = model.judge(texts)
    other = EncoderModel(threads=2, cached=0)
    alone = [other.judge([text])[0] for text in texts]
    for one, wanted in zip(alone, together, strict=True):
        for head, judged in wanted.items():
            assert one[head].scores == pytest.approx(judged.scores, abs=2e-4)


def test_a_text_seen_before_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = EncoderModel(threads=1, cached=2)
    asked: list[int] = []
    compute = model._judge
    monkeypatch.setattr(model, "_judge", lambda texts: asked.append(len(texts)) or compute(texts))
    first = model.judge([MIXED[0], MIXED[0], MIXED[1]])
    assert asked == [2] and first[0] == first[1]
    assert model.judge([MIXED[0]]) == [first[0]] and asked == [2]
    first[0].clear()
    assert model.judge([MIXED[0]])[0], "what is given out is the caller's own"
    model.judge([MIXED[2]])
    model.judge([MIXED[1]])
    assert asked == [2, 1, 1], "the text that was longest unasked for is forgotten"


def test_the_label_named_has_the_largest_score_given_also_where_two_are_near() -> None:
    # Six scores just below a half step: rounding each alone would leave too little for the largest.
    near = np.array([[0.28108, 0.28105, *[0.07296] * 6, 0.00011]])
    near /= near.sum()
    given = rounded(near)
    assert given.sum() == pytest.approx(1, abs=1e-9)
    assert given[0, 0] >= given[0, 1]
    head = Head(tuple("abcdefghi"), 1.0, 0.0, 0.5)
    model = EncoderModel(threads=1)
    model._heads, model._expert = {"made": head}, None
    model.scores = lambda _: np.log(near).astype(np.float32)  # type: ignore[method-assign]
    (judged,) = model._judge([Text("", "a")])
    assert judged["made"].scores[judged["made"].label] == max(judged["made"].scores.values())


def test_title_and_text_are_not_one(model: EncoderModel) -> None:
    one, other = model.judge([Text("路灯坏了", "谢谢"), Text("", "路灯坏了谢谢")])
    assert one["request"].scores != other["request"].scores


def test_the_shipped_files_are_small_and_told_of() -> None:
    files = [*FOLDER.iterdir(), *NGRAM_FOLDER.iterdir()]
    assert sum(file.stat().st_size for file in files) <= 16 * 2**20
    card = json.loads((FOLDER / "card.json").read_text("utf-8"))
    assert card["data"] and card["limits"] and card["scores"]
    assert all(len(digest) == 64 for digest in card["data"].values())


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "card.json"])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(FOLDER, folder)
    (folder / name).write_bytes((folder / name).read_bytes()[:-3])
    with pytest.raises(BadInput, match=r"card\.json|can't be read"):
        EncoderModel(folder)
    (folder / name).unlink()
    with pytest.raises(BadInput, match="can't be read"):
        EncoderModel(folder)


def test_an_expert_of_another_making_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(FOLDER, folder)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    (folder / "card.json").write_text(json.dumps(card | {"expert_model": "ngram-00000000"}), "utf-8")
    with pytest.raises(BadInput, match="ngram-00000000"):
        EncoderModel(folder)
