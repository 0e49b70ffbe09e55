"""What `minsheng labels export` writes is what training and evaluation read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classifiers.correction_export import Row, check_name, write
from classifiers.model import Text
from minsheng.errors import BadInput, WrongUse
from training.corrections import correction_tasks, read_corrections
from training.data import key, read

AT = datetime(2026, 5, 1, tzinfo=UTC)
FORMATS = ("labels.csv", "labels.csv.gz", "labels.jsonl", "labels.jsonl.gz")


def make_row(text: str, head: str, label: str, *, minutes: int = 0, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "title": "",
        "model_label": "neutral",
        "model_score": 0.61,
        "model_version": "m-1",
        "by": "李敏",
        "at": (AT + timedelta(minutes=minutes)).isoformat(timespec="seconds"),
        "reason": '他说"好"，\n其实不好',
        "document_id": "d",
        "text_key": key(Text("", text)).hex(),
        "policies": ("housing",),
        "changed": False,
    }
    return Row(text=text, head=head, label=label, **{**values, **changes})


ROWS = [
    make_row('停车费太贵,\n"真好"', "sentiment", "negative", title="收费，新规"),
    make_row("什么时候施行？", "request", "inquiry"),
    make_row("真是为民着想啊[微笑]", "sentiment", "positive", minutes=1),
    make_row("真是为民着想啊 [微笑]", "sentiment", "negative", minutes=2, document_id="e"),
    make_row("房子的事", "policy:housing", "about"),
    make_row("改过的话", "sentiment", "positive", changed=True),
]


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_written_is_read(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, ROWS)
    found = read_corrections(tmp_path / name)
    assert {head: [(one.text, one.label) for one in examples] for head, examples in found.items()} == {
        "sentiment": [
            (Text("收费，新规", '停车费太贵,\n"真好"'), "negative"),
            (Text("", "真是为民着想啊 [微笑]"), "negative"),  # the same text, set later
        ],
        "request": [(Text("", "什么时候施行？"), "inquiry")],
    }
    again = (tmp_path / name).read_bytes()
    write(tmp_path / name, ROWS)
    assert (tmp_path / name).read_bytes() == again


def test_each_heads_column_is_read_like_any_labelled_file(tmp_path: Path) -> None:
    write(tmp_path / "labels.csv.gz", ROWS)
    assert [one.label for one in read("labels.csv.gz", "request", tmp_path)] == ["inquiry"]
    assert [one.label for one in read("labels.csv.gz", "sentiment", tmp_path)] == ["negative", "positive", "positive"]


def test_nothing_that_is_scored_on_is_learnt_from(tmp_path: Path) -> None:
    rows = [make_row(f"第{number}条意见", "sentiment", "negative") for number in range(200)]
    write(tmp_path / "labels.jsonl", rows)
    scored_on = key(Text("", "第7条意见"))
    (task,) = correction_tasks(tmp_path / "labels.jsonl", {scored_on})
    keys = [{key(one.text) for one in part} for part in (task.train, task.choose, task.held_out)]
    assert all(keys) and not keys[0] & keys[1] and not keys[2] & (keys[0] | keys[1])
    assert scored_on not in keys[0] | keys[1]
    assert (task.head, task.name) == ("sentiment", "corrections")
    assert 195 <= sum(map(len, keys)) <= 200


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "text,label\nx,y\n", "row 1: no row of an export"),
        ("a.jsonl", '{"text": "x"}\n', "row 1: no row of an export"),
        ("a.jsonl", "nonsense\n", "line 1: not JSON"),
        ("a.jsonl", "[1]\n", "line 1: no JSON object"),
        ("a.csv.gz", "not packed", "can't be read"),
        ("a.csv", "\udcff", "can't be read"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadInput, match=words):
        read_corrections(tmp_path / name)


def test_a_file_that_is_not_there_and_one_of_no_known_format(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't be read"):
        read_corrections(tmp_path / "nothing.csv")
    with pytest.raises(WrongUse, match="in which format"):
        check_name(tmp_path / "labels.xlsx")
