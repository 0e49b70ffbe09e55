"""What services are searched for comes from the register."""

from __future__ import annotations

import json
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from crawlers.search_terms import fitted, packed, policy_terms
from minsheng.policies import Policy, PolicyRegister
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite

TODAY = date(2026, 11, 24)
WATER = Policy(
    id="water",
    title="云江省城镇居民生活用水阶梯价格管理办法",
    aliases=("阶梯水价", "水价新政"),
    watch_words=("阶梯水价 水费",),
    released_on=date(2026, 10, 31),
)


@pytest.mark.parametrize(
    ("words", "longest", "expected"),
    [
        ("阶梯水价", 20, ["阶梯水价"]),
        ("云江省城镇居民生活用水阶梯价格管理办法", 20, ["云江省城镇居民生活用水阶梯价格管理办法"]),
        ("云江省城镇居民生活用水阶梯价格管理办法", 14, ["城镇居民生活用水阶梯价格"]),
        ("云江省人民政府办公厅关于印发《云江省高层次人才引进和服务办法（试行）》的通知", 14, ["高层次人才引进和服务"]),
        ("关于支持中小微企业纾困发展的若干税费措施", 14, ["中小微企业纾困发展"]),
        ("关于做好灵活就业人员权益保障和就业帮扶工作的意见", 12, ["灵活就业人员权益保障", "就业帮扶"]),
        ("云江省人民政府关于加快推进政务服务标准化规范化便利化的指导意见", 14, ["服务标准化规范化便利化"]),
        ("水", 20, []),
    ],
)
def test_names_are_fitted_to_what_a_search_takes(words: str, longest: int, expected: list[str]) -> None:
    found = fitted(words, longest)
    assert all(len(term) <= longest for term in found)
    if words.startswith("云江省人民政府关于"):
        assert found[0].endswith(expected[0])
    else:
        assert found == expected


def test_terms_are_watched_from_release_and_left_after_the_end() -> None:
    draft = Policy(id="d", title="烟花办法", stage="draft", consultation_opens=date(2026, 11, 17))
    coming = Policy(id="c", title="停车办法", released_on=date(2026, 11, 25))
    ended = Policy(id="e", title="老水价办法", released_on=date(2019, 1, 1), repealed_on=date(2026, 1, 1))
    ending = Policy(id="f", title="公积金办法", released_on=date(2019, 1, 1), repealed_on=date(2026, 10, 1))
    undated = Policy(id="u", title="征收办法")
    terms = policy_terms([WATER, draft, coming, ended, ending, undated], TODAY, 20)
    assert terms == ["烟花办法", "阶梯水价", "水价新政", "阶梯水价 水费", WATER.title, "公积金办法", "征收办法"]
    assert "停车办法" in policy_terms([coming], date(2026, 11, 25), 20)


def test_terms_share_queries_where_the_service_can() -> None:
    queries = packed(["水价", "医保", "停车", "一个比较长的词"], " OR ", 9)
    assert queries == ["水价 OR 医保", "停车", "一个比较长的词"]
    assert packed(["水价", "医保"], "", 9) == ["水价", "医保"]


def asked(site: LocalSite) -> list[str]:
    return [parse_qs(urlsplit(path).query)["q"][0] for path in site.paths()]


@pytest.mark.parametrize("kind", ["weibo_search", "json_api"])
def test_a_new_policy_is_searched_for_from_the_next_run_on(kind: str, crawling: Crawling, site: LocalSite) -> None:
    empty = json.dumps({"ok": 1, "data": {"cards": []}})
    for word in ("阶梯水价", "水价新政", "阶梯水价 水费", WATER.title, "一网通办"):
        site.put(f"/s?q={word}", empty, media_type="application/json")
    crawling.source("one", kind, f"{site.url}/s?q={{query}}")
    report = crawling.run()
    assert not report.ok
    assert "nothing to search for" in report.error
    assert site.paths() == []
    PolicyRegister(crawling.store, crawling.clock).import_policies([WATER])
    assert crawling.run().ok
    assert sorted(asked(site)) == sorted(["阶梯水价", "水价新政", "阶梯水价 水费", WATER.title])
    # Queries of one's own stand alone, unless the terms are wanted beside them.
    before = len(site.asked)
    crawling.source("one", kind, f"{site.url}/s?q={{query}}", queries=["一网通办"])
    crawling.run()
    assert [parse_qs(urlsplit(path).query)["q"][0] for path in site.paths(since=before)] == ["一网通办"]
    before = len(site.asked)
    crawling.source("one", kind, f"{site.url}/s?q={{query}}", queries=["一网通办"], policy_terms=True)
    crawling.run()
    assert len(site.paths(since=before)) == 5
