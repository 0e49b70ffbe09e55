"""Hot words, spread and comparisons, each of one's own scope alone."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.comparing import hot_words_of, places_of, spread_of
from console.layers import DEEPEST, layers_of
from console.routes import analysis
from console.scope import View
from console.searching import wider
from grouping.hot_documents import HotWords
from minsheng.clock import CHINA
from search.embedded import EmbeddedIndex
from search.index import Filters, Index, Search
from search.query import Node, parse
from tests.briefings.small_world import MIDNIGHT, record
from tests.console.world import ConsoleWorld


def test_a_story_spreads_over_sources_in_their_order(shared_world: ConsoleWorld) -> None:
    index = shared_world.world.index
    spread = spread_of(index, None, Filters(policies=("heating",)))
    assert sum(one.documents for one in spread.sources) == sum(count for _, count, _ in spread.steps)
    assert sum(count for _, count, _ in spread.steps) == index.count(Filters(policies=("heating",)))
    assert [one.first for one in spread.sources] == sorted(one.first for one in spread.sources)
    assert spread.steps[-1][2] == len(spread.sources)
    assert spread_of(index, None, Filters(policies=("nothing",))).sources == ()


def test_the_page_shows_words_and_sources_of_the_scope(shared_world: ConsoleWorld) -> None:
    page = shared_world.client("duty").get("/search/analysis?q=供暖")
    assert page.status_code == 200 and "先后到过的信源" in page.text
    assert "<script>alert" not in page.text
    other = shared_world.client("duty", "schools").get("/search/analysis?q=供暖").text
    assert "没有找到" in other and "取暖" not in other
    assert shared_world.client("duty").get("/search/analysis?since=nonsense").status_code == 400


def test_hot_words_come_after_the_page_or_with_it(shared_world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def counted(index: Index, query: Node | None, filters: Filters) -> HotWords:
        asked.append(filters)
        return hot_words_of(index, query, filters)

    monkeypatch.setattr(analysis, "hot_words_of", counted)
    client, query = shared_world.client("duty"), "q=供暖&policy=heating"
    page = client.get(f"/search/analysis?{query}").text
    part = re.search(r'hx-get="([^"]+)"', page)
    assert part is not None and "说得比前四周多的词" not in page and asked == []
    words = client.get(html.unescape(part[1]))
    assert words.status_code == 200 and "说得比前四周多的词" in words.text and "<html" not in words.text
    whole = client.get(f"/search/analysis?{query}&words=1").text
    assert words.text.strip().splitlines()[-1] in whole and "hx-get" not in whole
    assert len(asked) == 1, "kept for those who see the same"
    details = [line.detail for line in shared_world.console.audit.list(action="searched", limit=3)]
    assert all('"policy":["heating"]' in one for one in details) and '"analysis":"words"' in details[1]
    assert shared_world.client("operator").get("/search/analysis/words").status_code == 403


def test_the_parts_of_the_page_take_its_search_as_it_was_widened(
    shared_world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    widened: list[object] = []

    def counted(search: Search, view: View) -> tuple[Search, bool]:
        widened.append(search)
        return wider(search, view)

    monkeypatch.setattr(analysis, "wider", counted)
    client, query = shared_world.client("duty"), "q=供暖+从没有人说过的词"
    for part in ("", "/words", "/layers"):
        assert client.get(f"/search/analysis{part}?{query}").status_code == 200
    assert len(widened) == 1
    shared_world.client("duty", "schools").get(f"/search/analysis/words?{query}")
    assert len(widened) == 2, "of each scope its own"


def test_layers_are_counted_by_what_answers_what(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    parents = {"first": None, "passed": "first", "comment": "passed", "beside": "not-there", "circle": "square",
               "square": "circle", "other": None, "reply": "other"}  # fmt: skip
    records = [record(name, MIDNIGHT, "别的事" if name == "other" else "供暖") for name in parents]
    ids = dict(zip(parents, (one.document.id for one in records), strict=True))
    index.write(
        [
            replace(one, assessed=replace(one.assessed, document=replace(one.document, parent_id=parent_id)))
            for one, parent in zip(records, parents.values(), strict=True)
            for parent_id in [ids.get(str(parent), parent)]
        ]
    )
    index.refresh()
    found = layers_of(index, parse("供暖"), Filters())
    # What was answered need not match itself; what is not there is a beginning; a circle comes to an end.
    assert {one.depth: one.documents for one in found.layers} == {0: 1, 1: 3, 2: 1, DEEPEST: 2}
    assert (found.total, found.read) == (7, 7)
    assert layers_of(index, parse("没有的词"), Filters()).layers == ()
    index.close()


def test_places_are_counted_with_what_is_negative_of_them(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    regions = ["云岭市东区"] * 4 + ["云岭市西区"] * 2 + [""] * 2
    records = [
        record(f"post-{number}", MIDNIGHT, "供暖", sentiment="negative" if number < 3 else "neutral")
        for number in range(len(regions))
    ]
    index.write(
        [
            replace(one, assessed=replace(one.assessed, places=(region,) if region else ()))
            for one, region in zip(records, regions, strict=True)
        ]
    )
    index.refresh()
    places = places_of(index, parse("供暖"), Filters())
    east, west = places.regions
    assert (east.region, east.documents, east.negative) == ("云岭市东区", 4, 3)
    assert (west.region, west.documents, west.negative) == ("云岭市西区", 2, 0)
    assert places.others == 2
    assert [one.negative for one in places_of(index, None, Filters(sentiments=("neutral",))).regions] == [0, 0]
    assert [one.region for one in places_of(index, None, Filters(), most=1).regions] == ["云岭市东区"]
    index.close()


def test_the_page_has_layers_and_places(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("duty")
    page = client.get("/search/analysis?words=1").text
    assert "原发" in page and "hx-get" not in page and "地区分布" in page
    assert "原发" in client.get("/search/analysis/layers").text
    assert shared_world.client("operator").get("/search/analysis/layers").status_code == 403


def test_the_figures_of_a_comparison_open_their_posts(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("duty")
    day = f"{MIDNIGHT.astimezone(CHINA):%Y-%m-%d}"
    asked = f"first=heating&first_since={day}&first_until={day}&second=school&second_since={day}&second_until={day}"
    page = client.get(f"/search/compare?{asked}").text
    links = re.findall(r'<td class="number"><a href="(/search[^"]+)">(\d+)</a>', page)
    assert len(links) > 4
    for address, count in links:
        assert f"<b>{count}</b> 篇" in client.get(html.unescape(address)).text, address


def test_two_policies_and_two_periods_are_compared(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("duty")
    shown = "first=heating&second=school&first_since=2026-04-01&first_until=2026-05-31"
    page = client.get(f"/search/compare?{shown}").text
    totals = re.search(r"<td>信息</td>" + 2 * r'<td class="number"><a href="[^"]*">(\d+)</a></td>', page)
    assert totals is not None
    index = shared_world.world.index
    assert [int(one) for one in totals.groups()] == [
        index.count(Filters(policies=(name,))) for name in ("heating", "school")
    ]
    other = shared_world.client("duty", "schools")
    hidden = other.get(f"/search/compare?{shown}").text
    missing = other.get(f"/search/compare?{shown.replace('heating', 'nothing')}").text
    assert hidden.replace("heating", "nothing") == missing, "what is not one's own reads like what is not there"
    assert client.get("/search/compare?first_since=x").status_code == 400
    for path in ("/search?until=9999-12-31", "/search?since=0001-01-01", "/search/compare?first_until=9999-12-31"):
        assert client.get(path).status_code == 400, path
    assert client.get("/search/compare?first_since=2026-05-02&first_until=2026-05-01").status_code == 400
