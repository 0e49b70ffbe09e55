"""What the search box suggests while somebody types: names and titles, each within what the viewer may see."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from console.searching import last_word, quoted
from search.query import parse
from tests.console.world import ConsoleWorld


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("suggestions"))
    yield made
    made.close()


def options(client: TestClient, typed: str) -> dict[str, str]:
    answer = client.get("/search/suggestions", params={"q": typed})
    assert answer.status_code == 200
    found = re.findall(r'<option value="([^"]*)" label="([^"]*)"></option>', answer.text)
    return {html.unescape(value): html.unescape(label) for value, label in found}


def test_a_policy_is_met_by_its_first_signs_and_by_its_sound(world: ConsoleWorld) -> None:
    client = world.client("duty")
    by_signs = options(client, "供暖")
    assert by_signs
    name = next(iter(by_signs))
    assert by_signs[name].endswith("篇") and "供暖" not in by_signs[name], "a browser finds it by its name"
    by_sound = options(client, "gongnuan")
    assert any("供暖" in one for one in by_sound)
    assert all(label.startswith("gongnuan") for label in by_sound.values()), "a browser finds it by its label"


def test_what_was_typed_before_stays(world: ConsoleWorld) -> None:
    client = world.client("duty")
    alone = options(client, "供暖")
    assert set(options(client, "缴费 AND 供暖")) == {f"缴费 AND {name}" for name in alone}


@pytest.mark.parametrize(
    "typed",
    ["", " ", "供暖 ", "-供暖", "source:供暖", "AND", "(", "？", "，" * 900],
)
def test_nothing_is_suggested_where_no_word_is_being_typed(world: ConsoleWorld, typed: str) -> None:
    assert options(world.client("duty"), typed) == {}


def test_nothing_is_suggested_of_what_the_viewer_may_not_see(world: ConsoleWorld) -> None:
    everywhere = world.client("duty")
    schools = world.client("editor", "schools")
    for typed in ("供暖", "gongnuan", "供"):
        assert options(everywhere, typed), typed
        assert not any("供暖" in one for one in options(schools, typed)), typed
    assert any("招生" in one for one in options(schools, "招生"))


def test_a_suggestion_is_written_down_with_what_was_typed(world: ConsoleWorld) -> None:
    client = world.client("duty")
    options(client, "供暖")
    last = next(line for line in world.console.audit.list() if line.action == "searched")
    assert '"suggested":' in last.detail


def test_markup_in_a_name_stays_text(world: ConsoleWorld) -> None:
    answer = world.client("duty").get("/search/suggestions", params={"q": "<script"})
    assert "<script" not in answer.text


@pytest.mark.parametrize("name", ["水价", "供暖 办法", 'a"b', "关于：水价", "AND", "第1-3号"])
def test_a_name_can_stand_in_a_query(name: str) -> None:
    query = parse(f"缴费 {quoted(name)} 补贴")
    assert query is not None
    assert type(query).__name__ == "And" and len(query.parts) == 3  # type: ignore[union-attr]


def test_the_word_that_is_being_typed() -> None:
    assert last_word("水价 供") == ("水价 ", "供")
    assert last_word("水价 “供") == ("水价 ", "供")
    assert last_word("(水价") == ("(", "水价")
    assert last_word("水价 -供") == ("水价 -供", "")
