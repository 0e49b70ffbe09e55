"""`minsheng qa`, as it is typed, on the sample world's answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from minsheng.cli.app import app
from minsheng.errors import MinshengError
from minsheng.parts import open_store
from minsheng.settings import load_settings
from sample.load import Served, load_sample
from sample.policies import moved_policies
from tests.answers.conftest import TEXT
from tests.stores import lay_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    settings = load_settings(folder)
    lay_store(folder / "store.db")
    store = open_store(settings)
    served = Served(anchor=datetime.now(UTC), live=False, base_url="http://127.0.0.1:8765")
    assert load_sample(settings, store, served).answers == 68
    assert load_sample(settings, store, served, keep=True).answers == 0
    store.close()
    return folder


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["--data-dir", str(folder), "qa", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def found(folder: Path, *arguments: str) -> Any:
    return json.loads(run(folder, *arguments, "--json"))


def test_the_sample_answers_what_people_ask(folder: Path) -> None:
    answer = found(folder, "search", "自来水公司多收了我的钱，几天能退")
    assert answer["answered"] is True
    assert answer["hits"][0]["entry"]["id"] == "water-price-8"
    assert "没有合适的答案" in run(folder, "search", "护照怎么补办")
    flagged = found(folder, "list", "--flagged")
    assert "water-price-trial-1" in [one["id"] for one in flagged]


def test_the_samples_answers_state_what_their_policies_do(folder: Path) -> None:
    anchor = datetime.now(UTC)
    assert {one["content"]["policy"] for one in found(folder, "list")} == {one.id for one in moved_policies(anchor)}
    # Two questions in the same words, one about employees, one about pensioners: a sign to look, and no more.
    assert [one["entries"] for one in found(folder, "check") if one["kind"] == "contradiction"] == [
        ["outpatient-insurance-2", "outpatient-insurance-3"]
    ]


def test_an_entry_is_written_reviewed_signed_and_withdrawn(folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "办法.txt"
    text.write_text(TEXT, encoding="utf-8")
    assert found(folder, "text", "water-price", str(text))["clauses"][-1]["label"] == "第十四条"
    draft = found(folder, "draft", "多收的水费几天退", "--policy", "water-price", "--keep")
    assert "5个工作日" in draft["content"]["answer"]
    name = draft["id"]
    edited = found(folder, "edit", name, "--title", "退还", "--clause", "第十四条", "--note", "改标题")
    assert edited["version"] == 2
    found(folder, "review", name)
    assert found(folder, "sign", name)["status"] == "published"
    shown = found(folder, "show", name)
    assert [one["action"] for one in shown["history"]] == ["created", "edited", "reviewed", "signed"]
    out = tmp_path / "out.xlsx"
    run(folder, "export", str(out))
    assert {row["outcome"] for row in found(folder, "import", str(out))["rows"]} == {"unchanged"}
    assert "entries on" in run(folder, "portal", str(tmp_path / "portal"))
    assert found(folder, "withdraw", name, "--reason", "重复")["status"] == "withdrawn"
    with pytest.raises(MinshengError, match="withdrawn already"):
        run(folder, "withdraw", name, "--reason", "重复")
    assert found(folder, "add", "--policy", "water-price", "--title", "一", "--question", "二？", "--answer", "三",
                 "--valid-until", "2031-01-01")["content"]["valid_until"] == "2031-01-01"  # fmt: skip


def test_questions_and_coverage_are_empty_before_anything_is_crawled(folder: Path) -> None:
    assert found(folder, "candidates") == []
    assert found(folder, "refresh")["mined"]["questions"] == 0
    coverage = found(folder, "coverage", "--policy", "talent")
    assert [row["people"] for row in coverage["clauses"]] == [0] * len(coverage["clauses"])
    assert coverage["effects"] == []
