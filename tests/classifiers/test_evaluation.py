"""The gate, on our own written posts: it passes the shipped model, and stops a worse one."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from classifiers.model import EMOTIONS, REQUESTS, SENTIMENTS
from classifiers.ngram import FOLDER, NgramModel
from tests.shared_data import shared_data
from training import data
from training.evaluate import FLOORS, OWN_SET, QUALITY, below_floors, check_data, score_own_set
from training.scores import calibration_error, macro_f1, score_slices

PINNED = tomllib.loads(FLOORS.read_text(encoding="utf-8"))


def test_the_shipped_model_keeps_its_floors_on_our_own_posts() -> None:
    scores = score_own_set(NgramModel())
    assert {"sentiment/own", "topic/own", "request/own"} <= scores.keys()
    assert below_floors(scores, PINNED["floors"]) == []


def test_a_score_below_its_floor_is_named() -> None:
    scores = {"topic/own": {"accuracy": 0.9, "macro_f1": 0.1}}
    (problem,) = below_floors(scores, {"topic/own": {"accuracy": 0.5, "macro_f1": 0.5}})
    assert "topic/own" in problem and "macro_f1" in problem


def test_our_own_posts_are_labelled_with_known_labels() -> None:
    rows = [msgspec.json.decode(line) for line in OWN_SET.read_bytes().splitlines()]
    assert len(rows) >= 120 and len({row["text"] for row in rows}) == len(rows)
    areas = set(msgspec.json.decode((FOLDER / "card.json").read_bytes())["heads"]["topic"]["labels"])
    assert {row["topic"] for row in rows} == areas
    assert {row["sentiment"] for row in rows} == set(SENTIMENTS)
    assert {row["request"] for row in rows} == set(REQUESTS)
    assert {"sarcasm", "quotation", "emoji"} <= {row["slice"] for row in rows}


def test_card_and_quality_speak_of_the_shipped_weights() -> None:
    card = msgspec.json.decode((FOLDER / "card.json").read_bytes())
    assert card["version"] in QUALITY.read_text(encoding="utf-8")
    assert card["heads"]["emotion"]["labels"] == list(EMOTIONS)
    assert card["data"] == PINNED["data"]
    assert below_floors(card["scores"], PINNED["floors"]) == []


def test_macro_f1_is_the_mean_over_labels() -> None:
    assert macro_f1(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(2 / 3)
    assert macro_f1(["a", "a"], ["b", "b"]) == 0


def test_calibration_error_of_an_overconfident_model() -> None:
    import numpy as np

    assert calibration_error(np.array([0.95] * 10), np.array([True] * 5 + [False] * 5)) == pytest.approx(0.45)


@pytest.mark.shared_data
def test_the_shipped_model_keeps_its_floors_on_the_held_out_texts() -> None:
    folder = shared_data(data.FILES[0]).parent
    assert check_data(folder, PINNED["data"]) == []
    slices = data.slices(folder)
    for part in slices:
        learnt = {data.key(one.text) for one in part.train}
        assert learnt.isdisjoint(data.key(one.text) for other in slices for one in other.held_out)
    assert below_floors(score_slices(FOLDER, slices), PINNED["floors"]) == []
