"""`minsheng search`."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from classifiers.corrections import corrected
from search.embedded import EmbeddedIndex
from tests import commands
from tests.search.corpus import corpus, grouped


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    index = EmbeddedIndex(folder / "index.db")
    index.write(corpus())
    index.write(
        [grouped(100, "[red]刚刚[/red] 说到 [bold]医保", at=datetime.now(UTC) - timedelta(hours=1), url="http://a/1")]
    )
    index.close()
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.minsheng("--data-dir", str(folder), "search", *arguments)


def found(folder: Path, *arguments: str) -> Any:
    done = run(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_json_holds_what_programs_need(folder: Path) -> None:
    answer = found(folder, "公积金", "--facet", "sentiment", "--facet", "kind", "--histogram", "month")
    assert answer["total"] == 4
    assert [hit["native_id"] for hit in answer["hits"]] == ["13", "12", "11", "10"]
    hit = answer["hits"][-1]
    assert hit["title"] == "公积金贷款额度上调"
    assert (hit["source"], hit["kind"], hit["policies"], hit["event"]) == ("gov", "news", ["housing-fund"], "event-1")
    assert hit["published_at"] == "2026-11-02T10:00:00Z"
    assert hit["sentiment"] == "neutral"
    assert answer["cursor"] is None
    assert {"value": "news", "count": 1} in answer["facets"]["kind"]
    assert answer["histogram"] == [{"value": "2026-11-01T00:00:00+08:00", "count": 4}]


def test_filters_and_pages(folder: Path) -> None:
    options = ("了", "--policy", "outpatient", "--policy", "heating", "--source", "forum", "--size", "2")
    first = found(folder, *options)
    second = found(folder, *options, "--after", first["cursor"])
    seen = [hit["native_id"] for hit in first["hits"] + second["hits"]]
    assert seen == ["23", "22", "3", "1"][: len(seen)]
    assert first["total"] == len(seen)
    assert found(folder, "--event", "event-3", "--sentiment", "positive", "--kind", "reply")["total"] == 1
    assert found(folder, "--area", "城")["total"] >= found(folder, "--region", "城东区")["total"] > 0
    assert found(folder, "--area", "别处")["total"] == 0
    assert found(folder, "--region", "城东区", "--request", "inquiry", "--topic", "社会")["total"] > 0


def test_days_end_in_china(folder: Path) -> None:
    day = found(folder, "--since", "2026-11-01", "--until", "2026-11-01")
    assert [hit["published_at"] for hit in day["hits"]] == [
        "2026-11-01T13:00:00Z",
        "2026-11-01T06:00:00Z",
        "2026-10-31T23:00:00Z",
        "2026-10-31T16:00:00Z",
    ]
    assert [hit["native_id"] for hit in found(folder, "--since", "2h")["hits"]] == ["100"]
    assert found(folder, "医保", "--until", "2h")["total"] == found(folder, "医保")["total"] - 1


def test_people_get_a_table_and_text_is_never_markup(folder: Path) -> None:
    done = run(folder, "医保", "--facet", "policy", "--histogram", "day", "--size", "3")
    assert done.returncode == 0
    assert "[red]刚刚[/red] 说到 [bold]医保" in done.stdout
    assert "8 documents" in done.stdout
    assert "outpatient" in done.stdout
    assert "█" in done.stdout
    assert "--after" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "gestern"),
        ("--kind", "poem"),
        ("--facet", "author"),
        ("--after", "nonsense"),
        ("--sort", "author"),
        ("--size", "1001"),
        ("(" * 40 + "医保",),
    ],
)
def test_wrong_use_ends_with_two(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_it_is_told_what_the_model_is_unsure_of_and_what_a_person_set(tmp_path: Path) -> None:
    record = grouped(1, "停车费", stance="against", policies=("parking",))
    doubtful = msgspec.structs.replace(record.assessed.sentiment, unsure=True)
    assessed = msgspec.structs.replace(record.assessed, sentiment=doubtful)
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write([msgspec.structs.replace(record, assessed=corrected(assessed, {"request": "help"}))])
    index.close()
    lines = run(tmp_path, "停车费", "--stance", "against").stdout
    assert "negative 不确定" in lines and "help 人工" in lines and "against" in lines
    answer = found(tmp_path, "停车费", "--facet", "sentiment", "--facet", "stance")
    (hit,) = answer["hits"]
    assert (hit["unsure"], hit["corrected"], hit["stance"]) == (["sentiment"], ["request"], "against")
    assert answer["facets"] == {
        "sentiment": [{"value": "negative", "count": 1}], "stance": [{"value": "against", "count": 1}]
    }  # fmt: skip


def test_nothing_indexed_yet(tmp_path: Path) -> None:
    assert found(tmp_path, "医保")["total"] == 0
