"""Hot words, spread and comparisons, each of one's own scope alone."""

from __future__ import annotations

import html
import re

import pytest

from console.comparing import hot_words_of, spread_of
from console.routes import analysis
from grouping.hot_documents import HotWords
from search.index import Filters, Index
from search.query import Node
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


def test_two_policies_and_two_periods_are_compared(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("duty")
    shown = "first=heating&second=school&first_since=2026-04-01&first_until=2026-05-31"
    page = client.get(f"/search/compare?{shown}").text
    totals = re.search(r"<td>信息</td><td class=\"number\">(\d+)</td><td class=\"number\">(\d+)</td>", page)
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
