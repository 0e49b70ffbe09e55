"""`minsheng tickets`, as the duty officer and programs use it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from minsheng.clock import ManualClock
from minsheng.parts import open_index, open_store
from minsheng.settings import Settings
from tests import commands
from tests.alerts.conftest import NOW, World, burst
from tests.stores import lay_store


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one ticket, whose documents are in the index."""
    from alerts.plans import PlanBook

    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    lay_store(settings.data_dir / "store.db")
    store = open_store(settings)
    world = World(store, settings, ManualClock(NOW), PlanBook.from_folder())
    documents = burst(30)
    world.take(documents)
    index = open_index(settings)
    index.ensure()
    index.write(documents)
    index.close()
    store.close()
    return settings.data_dir


@pytest.fixture
def minsheng(data_dir: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    return partial(commands.minsheng, "--data-dir", str(data_dir), "tickets")


def test_the_officers_way(minsheng: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    listed = minsheng("list", "--json", "--level", "yellow", "--policy", "water-price", "--status", "open")
    assert listed.returncode == 0, listed.stderr
    (ticket,) = json.loads(listed.stdout)
    number = ticket["number"]
    assert {"id", "number", "level", "status", "policy", "event", "title", "why", "parts", "documents", "plan",
            "deadlines", "opened_at", "historical"} <= set(ticket)  # fmt: skip
    assert json.loads(minsheng("list", "--json", "--level", "red").stdout) == []

    people = minsheng("show", number)
    assert people.returncode == 0, people.stderr
    for words in ("研判理由", "声量", "收费价格舆情应对预案（通用）", "步骤 1", "时限", "开单", "水费突然涨价", "Ⅲ级"):
        assert words in people.stdout
    shown = json.loads(minsheng("show", number.lower(), "--json").stdout)
    assert len(shown["documents"]) == 30
    assert len(shown["posts"]) == 20 and shown["posts"][0]["source"] == "weibo"
    assert [event["kind"] for event in shown["timeline"]] == ["opened", "level-rose"]

    assert "已签收" in minsheng("acknowledge", number).stdout
    again = minsheng("acknowledge", number)
    assert again.returncode == 2 and "can't become acknowledged" in again.stderr
    unknown = minsheng("meet-clock", number, "conference")
    assert unknown.returncode == 2 and "waiting: response（作出回应）" in unknown.stderr
    assert minsheng("waive-clock", number, "response").returncode == 2
    met = minsheng("meet-clock", number, "response", "--at", ticket["raised_at"], "--note", "热线回访")
    assert met.returncode == 0, met.stderr
    said = minsheng("show", number).stdout
    assert "按时完成" in said and "时限事项办理完成" in said and "热线回访" in said
    assert minsheng("close", number).returncode == 2
    empty = minsheng("close", number, "--reason", " ")
    assert empty.returncode == 2 and "--reason" in empty.stderr
    closed = json.loads(minsheng("close", number, "--reason", "已回应", "--json").stdout)
    assert closed["status"] == "closed" and closed["closed_at"] and closed["version"] == ticket["version"] + 3
    assert json.loads(minsheng("list", "--json", "--status", "unclosed").stdout) == []


def test_wrong_use_says_what_is_right(minsheng: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    unknown = minsheng("show", "T20260101-999")
    assert unknown.returncode == 2 and "there is no ticket T20260101-999" in unknown.stderr
    level = minsheng("list", "--level", "purple")
    assert level.returncode == 2 and "blue, yellow, orange, red" in level.stderr
