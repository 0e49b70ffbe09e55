"""Hot lists in the forms that services give them, and the places of their terms over time."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from crawlers.hot_lists import read_hot
from crawlers.hot_ranks import Seen, Step, record, record_unchanged, stays
from minsheng.errors import BadInput
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite

URL = "http://hot.example/"
WORDS = ["望津阶梯水价", "老人水费被扣两次", "云江一夜入冬"]

WEIBO = {
    "ok": 1,
    "data": {"realtime": [{"note": w, "word": w, "num": 900 - n, "realpos": n} for n, w in enumerate(WORDS)]},
}
BAIDU = {
    "data": {
        "cards": [
            {
                "component": "hotList",
                "content": [
                    {
                        "word": w,
                        "hotScore": str(900 - n),
                        "desc": "详情",
                        "url": f"https://b.example/s?wd={n}",
                        "index": n,
                    }
                    for n, w in enumerate(WORDS)
                ],
                "topContent": [{"word": "置顶", "hotScore": "0"}],
            }
        ]
    }
}
ZHIHU = {
    "data": [
        {"target": {"title": w, "excerpt": "摘要", "url": f"https://z.example/{n}"}, "detail_text": f"{9 - n}00 万热度"}
        for n, w in enumerate(WORDS)
    ]
}
TOUTIAO = {
    "data": [{"Title": w, "HotValue": str(900 - n), "Url": f"https://t.example/{n}"} for n, w in enumerate(WORDS)]
}
DOUYIN = {
    "data": {"word_list": [{"word": w, "hot_value": 900 - n, "event_time": 1763900000} for n, w in enumerate(WORDS)]}
}
PAGE = (
    "<html><body><ul class='nav'><li><a href='/'>首页</a></li><li><a href='/b'>帮助中心</a></li></ul><table>"
    + "".join(
        f"<tr><td class='rank'>{n + 1}</td><td><a href='/s?q={n}'>#{w}#</a><span>{900 - n}</span></td><td>热</td></tr>"
        for n, w in enumerate(WORDS)
    )
    + "</table></body></html>"
)
CARDS = "".join(
    f"<div class='item'><div class='index'>{n + 1}</div><a href='/x{n}'><div>{w}</div>"
    f"<div>这件事的来龙去脉，一文看懂</div></a><div class='hot'>{9 - n}.1万</div></div>"
    for n, w in enumerate(WORDS)
)


@pytest.mark.parametrize("answer", [WEIBO, BAIDU, ZHIHU, TOUTIAO, DOUYIN, PAGE, f"<body>{CARDS}</body>"])
def test_every_form_gives_the_terms_in_order(answer: Any) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    terms = read_hot(text, URL)
    assert [term.word for term in terms] == WORDS
    heats = [term.heat or 0 for term in terms]
    assert heats == sorted(heats, reverse=True)
    assert min(heats) > 800


def test_the_list_can_be_named() -> None:
    answer = {"a": [{"k": w} for w in WORDS], "b": [{"word": f"别的{n}"} for n in range(9)]}
    terms = read_hot(json.dumps(answer), URL, items="a", fields={"word": "k"})
    assert [term.word for term in terms] == WORDS
    with pytest.raises(BadInput, match="no hot list"):
        read_hot(json.dumps(answer), URL, items="nowhere")
    with pytest.raises(BadInput, match="no hot list"):
        read_hot("<html><body><p>云江热榜</p></body></html>", URL)
    with pytest.raises(BadInput, match="asks for a login"):
        read_hot("<html><body><p>请登录</p></body></html>", URL)


def test_places_are_kept_over_time(crawling: Crawling, site: LocalSite) -> None:
    def show(*words: str) -> None:
        site.put("/hot.json", json.dumps({"data": [{"word": word, "num": 1000} for word in words]}))
        crawling.run()

    crawling.source("one", "hot", f"{site.url}/hot.json")
    show("水价", "入冬", "地铁", "公积金")
    crawling.clock.advance(seconds=600)
    show("入冬", "水价", "地铁", "医保")
    crawling.clock.advance(seconds=600)
    crawling.run()  # unchanged: answered by 304
    crawling.clock.advance(seconds=600)
    show("医保", "入冬", "地铁", "公积金")
    (water,) = stays(crawling.store, NOW, word="水价")
    assert [(step.at - NOW, step.rank) for step in water.steps] == [
        (timedelta(), 1),
        (timedelta(minutes=10), 2),
        (timedelta(minutes=30), 0),
    ]
    assert (water.best, water.rank, water.last_seen - NOW) == (1, 0, timedelta(minutes=20))
    # Away for less than a day is the same stay, and the same document.
    (fund,) = stays(crawling.store, NOW, word="公积金")
    assert fund.steps[-1] == Step(NOW + timedelta(minutes=30), 4, 1000)
    documents = crawling.documents()
    assert sorted(document.title for document in documents) == sorted(["水价", "入冬", "地铁", "公积金", "医保"])
    assert {document.published_at for document in documents if document.title == "水价"} == {NOW}
    crawling.clock.advance(seconds=2 * 86400)
    show("水价", "台风", "高考", "公积金")
    assert [stay.best for stay in stays(crawling.store, NOW, word="水价")] == [1, 1]
    assert sum(document.title == "水价" for document in crawling.documents()) == 2


def test_terms_that_read_alike_are_one_and_long_stays_are_divided(crawling: Crawling) -> None:
    def stays_of() -> list[tuple[int, int]]:
        return [(stay.best, len(stay.steps)) for stay in stays(crawling.store, NOW - timedelta(days=90), word="@用户")]

    record(crawling.store, "one", [Seen("@用户", 1, 9), Seen("水价", 2, 8), Seen("@用户", 3, 7)], NOW)
    assert stays_of() == [(1, 1)]
    for day in range(1, 32):
        record_unchanged(crawling.store, "one", NOW + timedelta(days=day) - timedelta(hours=day))
    later = NOW + timedelta(days=30)
    since = record(crawling.store, "one", [Seen("@用户", 2, 9)], later)
    assert since == {"@用户": later}
    record_unchanged(crawling.store, "one", later + timedelta(hours=1))
    assert sorted(stays_of()) == [(1, 1), (2, 1)]
    (old, new) = sorted(stays(crawling.store, NOW, word="@用户"), key=lambda stay: stay.since)
    assert old.last_seen < new.last_seen == later + timedelta(hours=1)


def test_a_look_keeps_nothing(crawling: Crawling, site: LocalSite) -> None:
    from crawlers.checking import check
    from crawlers.sources import Source

    site.put("/hot.json", json.dumps(WEIBO))
    checked = check(Source(id="one", kind="hot", url=f"{site.url}/hot.json"), crawling.settings, crawling.clock)
    assert [taken.title for taken in checked.taken] == WORDS
    assert stays(crawling.store, NOW - timedelta(days=1)) == []


def test_a_long_answer_takes_no_longer_than_its_length() -> None:
    answer = {"data": [{"word": f"水价{n}"} for n in range(5)], "more": [[n] for n in range(200_000)]}
    text = json.dumps(answer)
    began = time.process_time()
    assert len(read_hot(text, "http://h/", "")) == 5
    assert time.process_time() - began < 8
