"""The label files are well formed, and every labelled text lies in the shared data."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path

import pytest

from classifiers.model import REQUESTS, Text
from minsheng.errors import BadInput
from tests.shared_data import shared_data
from training.labels import reading

STANCES = ("support", "against", "question", "neutral")
TEXT = Text(title="关于路灯", text="我们村口的路灯坏了半个月,请派人来修。")
LINE = Text(title="", text="今天的晚霞真好看")


@pytest.fixture
def own_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A label file of two texts, and a data folder that holds both."""
    rows = [f"{reading.text_hash(LINE)},posts.txt.gz,none", f"{reading.text_hash(TEXT)},messages.csv.gz,complaint"]
    (tmp_path / "own.csv").write_text("\n".join(["hash,source,label", *rows, ""]), encoding="utf-8")
    with gzip.open(tmp_path / "messages.csv.gz", "wt", encoding="utf-8") as file:
        file.write(f'title,text\n别的,"别的"\n{TEXT.title},"{TEXT.text}"\n{TEXT.title},"{TEXT.text}"\n')
    with gzip.open(tmp_path / "posts.txt.gz", "wt", encoding="utf-8") as file:
        file.write(f"别的一行\n{LINE.text}\n")
    monkeypatch.setattr(reading, "LABELS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "known", "least", "least_of_each"), [("request", REQUESTS, 4000, 180), ("stance", STANCES, 2100, 350)]
)
def test_labels_are_well_formed(name: str, known: tuple[str, ...], least: int, least_of_each: int) -> None:
    rows = reading.labels(name)
    counts = Counter(row.label for row in rows)
    assert len(rows) >= least
    assert set(counts) == set(known)
    assert min(counts.values()) >= least_of_each, counts
    assert len({row.hash for row in rows}) == len(rows)
    assert all(re.fullmatch(r"[0-9a-f]{24}", row.hash) for row in rows)
    assert all(re.fullmatch(r"\w+\.(csv|txt)\.gz", row.source) for row in rows)


def test_every_stance_names_its_measure() -> None:
    assert all(2 <= len(row.target) <= 12 and row.target.strip() == row.target for row in reading.labels("stance"))


@pytest.mark.parametrize("name", ["request", "stance"])
def test_every_label_finds_its_text(name: str) -> None:
    folders = {shared_data(source).parent for source in {row.source for row in reading.labels(name)}}
    (folder,) = folders
    examples = reading.labelled(name, folder)
    assert [example.label for example in examples] == [row.label for row in reading.labels(name)]
    assert all((example.text.title or example.text.text).strip() for example in examples)


def test_labels_join_texts_of_tables_and_lines_in_order(own_labels: Path) -> None:
    examples = reading.labelled("own", own_labels)
    assert [(example.text, example.label) for example in examples] == [(LINE, "none"), (TEXT, "complaint")]
    assert all(0 <= example.part < 10 for example in examples)


def test_missing_texts_are_counted(own_labels: Path) -> None:
    (own_labels / "posts.txt.gz").unlink()
    with pytest.raises(BadInput, match=r"1 of 2 texts .* 1 of posts\.txt\.gz"):
        reading.labelled("own", own_labels)
