"""The newest posts on the duty desk: chosen by labels, within what the viewer may see, written down now and then."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from fastapi.testclient import TestClient

from minsheng.records import scores_of
from tests.briefings.small_world import record
from tests.console.world import EVIL, HEATING, ConsoleWorld


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("incoming"))
    yield made
    made.close()


def incoming(client: TestClient, **chosen: str) -> str:
    answer = client.get("/desk/posts", params=chosen)
    assert answer.status_code == 200
    return answer.text


def test_the_desk_asks_for_the_newest_posts_by_itself(world: ConsoleWorld) -> None:
    shown = world.client("duty").get("/desk").text
    assert 'hx-get="/desk/posts"' in shown and 'id="incoming-filters"' in shown


def test_what_comes_in_stands_first_within_seconds(world: ConsoleWorld) -> None:
    client = world.client("duty")
    assert "刚刚停暖" not in incoming(client)
    late = record("late", world.clock.now(), "刚刚停暖，家里老人冻得不行。", policy=HEATING)
    world.world.index.write([late])
    world.world.index.refresh()
    world.clock.advance(seconds=6)
    shown = incoming(client)
    assert shown.index("刚刚停暖") < shown.index("</li>")


def test_what_sells_under_a_measures_name_says_so(world: ConsoleWorld) -> None:
    sold = record("sold", world.clock.now(), "供暖新规落地，地暖机特惠，到店送礼。", policy=HEATING)
    assessed = msgspec.structs.replace(sold.assessed, advert=scores_of("advert"))
    world.world.index.write([msgspec.structs.replace(sold, assessed=assessed)])
    world.world.index.refresh()
    world.clock.advance(seconds=6)
    first, *others = incoming(world.client("duty")).split("</li>")
    assert "地暖机特惠" in first and "广告" in first
    assert not any("广告" in one for one in others)


def test_it_is_chosen_by_label_and_policy(world: ConsoleWorld) -> None:
    client = world.client("duty")
    everything, negative = incoming(client), incoming(client, sentiment="negative", request="", kind="", policy="")
    assert everything != negative and "负面" in negative and "正面" not in negative
    assert "招生" not in incoming(client, policy=HEATING)
    assert "没有符合条件的信息" in incoming(client, policy="nonsense")


def test_nobody_sees_posts_beyond_their_scope_also_after_others_looked(world: ConsoleWorld) -> None:
    assert "供暖" in incoming(world.client("duty"))
    assert "供暖" not in incoming(world.client("duty", "schools"))


def test_who_may_not_search_has_no_stream(world: ConsoleWorld) -> None:
    operator = world.client("operator")
    assert operator.get("/desk/posts").status_code == 403


def test_looking_on_is_written_down_once_in_ten_minutes_and_at_each_choice(world: ConsoleWorld) -> None:
    client = world.client("duty")

    def lines() -> int:
        return sum("incoming" in line.detail for line in world.console.audit.list())

    for _ in range(3):
        incoming(client)
    assert lines() == 1
    incoming(client, sentiment="negative")
    assert lines() == 2
    world.clock.advance(minutes=11)
    incoming(client)
    assert lines() == 3


def test_texts_stay_texts(world: ConsoleWorld) -> None:
    assert EVIL not in incoming(world.client("duty"))
