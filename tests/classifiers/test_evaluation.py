"""The gate, on our own written posts: it passes the shipped models, and stops a worse one; and scoring of files."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from classifiers.labelled_files import read_labelled
from classifiers.load import MODELS, load_model
from classifiers.model import EMOTIONS, REQUESTS, SENTIMENTS, Model
from classifiers.ngram import FOLDER
from classifiers.scoring import calibration_error, macro_f1, score_labels
from minsheng.cli.app import app
from minsheng.errors import BadInput
from minsheng.settings import ClassifySettings, Settings
from tests.shared_data import shared_data
from training import data
from training.evaluate import FLOORS, QUALITY, below_floors, check_data, figures
from training.tasks import FILES, score_tasks, tasks
from training.written_set import HEADS, read_written, score_written

PINNED = tomllib.loads(FLOORS.read_text(encoding="utf-8"))
MODELS_FOLDER = FOLDER.parent


def opened(name: str) -> Model:
    return load_model(Settings(classify=ClassifySettings(model=name)))


@pytest.mark.parametrize("name", MODELS)
def test_the_shipped_models_keep_their_floors_on_our_own_posts(name: str) -> None:
    scores = figures(score_written(opened(name)))
    assert {f"{head}/written" for head in HEADS} <= scores.keys()
    assert below_floors(scores, PINNED["floors"][name]) == []


def test_a_score_below_its_floor_is_named() -> None:
    scores = {"topic/written": {"accuracy": 0.9, "macro_f1": 0.1}}
    (problem,) = below_floors(scores, {"topic/written": {"accuracy": 0.5, "macro_f1": 0.5}})
    assert "topic/written" in problem and "macro_f1" in problem


def test_our_own_posts_are_labelled_with_known_labels() -> None:
    posts = read_written()
    assert len(posts) >= 250 and len({post.text for post in posts}) == len(posts)
    areas = set(msgspec.json.decode((FOLDER / "card.json").read_bytes())["heads"]["topic"]["labels"])
    assert {post.topic for post in posts} - {None} == areas
    assert {post.sentiment for post in posts} == set(SENTIMENTS)
    assert {post.request for post in posts} == set(REQUESTS)
    assert {"sarcasm", "quotation", "emoji"} <= {post.slice for post in posts}


@pytest.mark.parametrize("name", MODELS)
def test_card_and_floors_speak_of_the_shipped_weights(name: str) -> None:
    card = msgspec.json.decode((MODELS_FOLDER / name / "card.json").read_bytes())
    assert card["heads"]["emotion"]["labels"] == list(EMOTIONS)
    assert set(card["data"]) <= set(PINNED["data"])
    assert all(PINNED["data"][file] == digest for file, digest in card["data"].items())
    assert below_floors(card["scores"], PINNED["floors"][name]) == []


def test_the_quality_page_is_that_of_the_default_model() -> None:
    card = msgspec.json.decode((MODELS_FOLDER / ClassifySettings().model / "card.json").read_bytes())
    assert card["version"] in QUALITY.read_text(encoding="utf-8")


def test_macro_f1_is_the_mean_over_labels() -> None:
    assert macro_f1(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(2 / 3)
    assert macro_f1(["a", "a"], ["b", "b"]) == 0


def test_calibration_error_of_an_overconfident_model() -> None:
    assert calibration_error(np.array([0.95] * 10), np.array([True] * 5 + [False] * 5)) == pytest.approx(0.45)


def test_intervals_hold_the_score_and_narrow_with_more_texts() -> None:
    wanted, given = ["a", "b"] * 20, ["a", "b", "b", "b"] * 10
    few = score_labels(wanted, given, np.full(40, 0.8))
    many = score_labels(wanted * 10, given * 10, np.full(400, 0.8))
    assert few.accuracy == many.accuracy == pytest.approx(0.75)
    assert few.macro_f1_interval[0] < few.macro_f1 < few.macro_f1_interval[1]
    assert np.subtract(*many.macro_f1_interval[::-1]) < np.subtract(*few.macro_f1_interval[::-1])
    assert few.confusion == [[10, 10], [0, 20]]
    assert few.labels["a"].recall == pytest.approx(0.5) and few.labels["a"].precision == 1


def test_accuracy_is_told_for_what_the_model_stands_by() -> None:
    found = score_labels(["a", "b"], ["a", "a"], np.array([0.9, 0.4]), threshold=0.5)
    assert found.unsure == 0.5 and found.accuracy_where_sure == 1


def test_sentiment_is_derived_from_emotion(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv.gz"
    path.write_bytes(gzip.compress("text,emotion\n好,happy\n坏,angry\n哇,surprise\n,happy\n哼,odd\n".encode()))
    found = read_labelled(path, "sentiment", SENTIMENTS)
    assert [one.label for one in found.examples] == ["positive", "negative"]
    assert found.left_out == {"surprise is neither side": 1, "no text": 1, "unknown label 'odd'": 1}


def test_json_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"title": "路灯", "text": "坏了", "request": "complaint"}\n\n', encoding="utf-8")
    (one,) = read_labelled(path, "request", REQUESTS).examples
    assert one.text.title == "路灯" and one.label == "complaint"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("posts.csv", b"text,mood\nx,happy\n", "no column for the head"),
        ("posts.csv", b"text,emotion\nx,odd\n", "no row can be scored"),
        ("posts.csv", b"", "empty"),
        ("posts.csv", "text,emotion\n好,happy\n".encode("gbk"), "UTF-8"),
        ("posts.csv.gz", b"no gzip", "can't be read"),
        ("posts.jsonl", b"[1]\n", "no JSON object"),
        ("posts.jsonl", b"{\n", "line 1"),
    ],
)
def test_a_file_that_cannot_be_scored_says_why(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_labelled(path, "emotion", EMOTIONS)
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_the_command_scores_a_file(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("text,sentiment\n太好了谢谢,positive\n气死我了,negative\n", encoding="utf-8")
    arguments = ["--data-dir", str(tmp_path), "evaluate", "--head", "sentiment", "--data", str(path)]
    shown = CliRunner().invoke(app, [*arguments, "--json"])
    assert shown.exit_code == 0, shown.output
    found = msgspec.json.decode(shown.output)
    assert found["texts"] == 2 and set(found["labels"]) == {"positive", "negative"}
    assert {"accuracy", "macro_f1", "macro_f1_interval", "confusion", "model", "left_out"} <= found.keys()
    table = CliRunner().invoke(app, arguments)
    assert table.exit_code == 0 and "macro-F1" in table.output


@pytest.mark.parametrize("arguments", [["--head", "mood", "--data", "x.csv"], ["--head", "topic"], ["--data", "x.csv"]])
def test_wrong_use_of_the_command_ends_with_two(tmp_path: Path, arguments: list[str]) -> None:
    shown = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "evaluate", *arguments])
    assert shown.exception is not None and getattr(shown.exception, "exit_code", None) == 2


@pytest.mark.shared_data
@pytest.mark.parametrize("name", sorted(set(MODELS) - {ClassifySettings().model}))
def test_the_shipped_models_keep_their_floors_on_the_held_out_texts(name: str) -> None:
    """All but the default model, which takes minutes and is what `make evaluate` scores."""
    folder = shared_data(FILES[0]).parent
    assert check_data(folder, PINNED["data"]) == []
    found = tasks(folder)
    learnt = {data.key(one.text) for task in found for one in task.learnt}
    assert learnt.isdisjoint(data.key(one.text) for task in found for one in task.held_out)
    assert below_floors(figures(score_tasks(opened(name), found)), PINNED["floors"][name]) == []
