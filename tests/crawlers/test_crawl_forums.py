"""Forums in their forms, and Mastodon-like services."""

from __future__ import annotations

import json
from threading import Event
from typing import Any

import pytest

from crawlers.privacy import AuthorKeys
from crawlers.run import Run
from crawlers.sink import LogSink
from crawlers.sources import Source, check_options
from crawlers.spiders.mastodon import MastodonSpider
from crawlers.threads import floors_in_json
from minsheng.records import document_id
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.forum import floor
from tests.crawlers.scenes.mastodon import status

TIME = "2026-11-23T12:30:00+08:00"


def put(site: LocalSite, path: str, answer: Any, **served: Any) -> None:
    site.put(path, json.dumps(answer), media_type="application/json", **served)


def discourse(number: int, cooked: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "post_number": number, "username": f"u{number}", "created_at": TIME, "cooked": cooked, **more}


def test_discourse_with_quotes_answers_and_pages(crawling: Crawling, site: LocalSite) -> None:
    topics = [{"id": 7, "title": "水费怎么扣了两次", "posts_count": 3, "last_posted_at": TIME}]
    put(site, "/latest.json", {"topic_list": {"topics": topics, "more_topics_url": "/latest?page=1"}})
    put(site, "/latest.json?page=1", {"topic_list": {"topics": []}})
    posts = [
        discourse(1, "<p>扣了两次</p>", actions_summary=[{"id": 2, "count": 5}]),
        discourse(2, '<aside class="quote"><blockquote>扣了两次</blockquote></aside><p>我家也是</p>'),
    ]
    stream = {"posts": posts, "stream": [1, 2, 3]}
    put(site, "/t/7.json", {"id": 7, "title": "水费怎么扣了两次", "post_stream": stream})
    third = discourse(3, "<p>同问</p>", reply_to_post_number=2)
    put(site, "/t/7.json?page=2", {"id": 7, "title": "水", "post_stream": {"posts": [third], "stream": [1, 2, 3]}})
    crawling.source("one", "forum", f"{site.url}/latest.json", pages=2)
    report = crawling.run()
    assert (report.ok, report.new, report.failed) == (True, 3, 0)
    first, second, last = sorted(crawling.documents(), key=lambda document: (document.kind, document.text))
    assert (first.kind, first.title, first.text, first.engagement.likes) == ("post", "水费怎么扣了两次", "扣了两次", 5)
    assert (last.text, last.parent_id) == ("我家也是", first.id)
    assert (second.text, second.parent_id) == ("同问", document_id("one", f"{site.url}/t/7.json#2"))
    assert first.url == f"{site.url}/t/7"
    # Nobody wrote: nothing is asked for again. Somebody wrote: the thread is.
    asked = site.paths().count("/t/7.json")
    crawling.run()
    assert site.paths().count("/t/7.json") == asked
    topics[0]["posts_count"] = 4
    put(site, "/latest.json", {"topic_list": {"topics": topics}})
    crawling.run()
    assert site.paths().count("/t/7.json") == asked + 1


def test_nodebb(crawling: Crawling, site: LocalSite) -> None:
    put(
        site,
        "/api/recent",
        {"topics": [{"tid": 9, "title": "医保 &amp; 门诊", "postcount": 2, "lastposttimeISO": TIME}]},
    )
    posts = [
        {
            "pid": 50,
            "tid": 9,
            "index": 0,
            "content": "<p>怎么报销</p>",
            "timestampISO": TIME,
            "user": {"username": "a"},
        },
        {
            "pid": 51,
            "tid": 9,
            "index": 1,
            "content": "<p>带卡就行</p>",
            "timestampISO": TIME,
            "user": {"username": "b"},
            "toPid": 50,
        },
    ]
    put(site, "/api/topic/9", {"tid": 9, "title": "医保 &amp; 门诊", "posts": posts, "pagination": {"pageCount": 1}})
    crawling.source("one", "forum", f"{site.url}/api/recent")
    assert crawling.run().new == 2
    first = next(document for document in crawling.documents() if document.kind == "post")
    assert (first.title, first.text) == ("医保 & 门诊", "怎么报销")


PHPBB_LIST = (
    '<ul class="topiclist"><li><dl><dt><a href="./viewtopic.php?t=5" class="topictitle">水价听证会</a></dt>'
    "<dd>{replies}</dd></dl></li></ul>"
)


def phpbb(number: int, text: str) -> str:
    return (
        f'<div id="p{number}" class="post has-profile bg2"><div class="postbody"><p class="author">由 '
        f'<strong><a class="username" href="/u">用户{number}</a></strong> » <time datetime="{TIME}">昨天</time></p>'
        f'<div class="content">{text}</div></div></div>'
    )


def test_phpbb_with_pages_and_quotes(crawling: Crawling, site: LocalSite) -> None:
    site.put("/viewforum.php?f=1", PHPBB_LIST.format(replies=3))
    following = '<a href="./viewtopic.php?t=5&start=2">下一页</a>'
    quote = "<blockquote><cite>用户1 写道</cite>要涨价吗</blockquote>不知道"
    site.put("/viewtopic.php?t=5", f"<body>{phpbb(101, '要涨价吗')}{phpbb(102, quote)}{following}</body>")
    site.put("/viewtopic.php?t=5&start=2", f"<body>{phpbb(103, '等通知')}</body>")
    crawling.source("one", "forum", f"{site.url}/viewforum.php?f=1")
    report = crawling.run()
    assert (report.new, report.failed) == (3, 0)
    texts = {document.text: document for document in crawling.documents()}
    assert set(texts) == {"要涨价吗", "不知道", "等通知"}
    assert texts["要涨价吗"].title == "水价听证会"
    assert {texts[text].parent_id for text in ("不知道", "等通知")} == {texts["要涨价吗"].id}
    assert not any(document.published_estimated for document in texts.values())
    assert len({document.author_key for document in texts.values()}) == 3


def test_a_floor_that_answers_a_floor(crawling: Crawling, site: LocalSite) -> None:
    from tests.crawlers.scenes.forum import build, floor

    build(site, "2026-11-23 12:30", "utf-8")
    answer = '<div class="quote"><blockquote>小李 发表于 2楼：我家也是</blockquote></div>打电话问过了'
    floors = floor(1, "a", TIME, "水费") + floor(2, "b", TIME, "我家也是") + floor(3, "c", TIME, answer)
    site.put("/thread-7-1-1.html", f"<body>{floors}</body>")
    crawling.source("one", "forum", f"{site.url}/forum.html")
    crawling.run()
    third = next(document for document in crawling.documents() if document.text == "打电话问过了")
    assert third.parent_id == document_id("one", f"{site.url}/thread-7-1-1.html#2")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"a": 1}', "no list of threads"),
        ("<html><body><p>请先登录</p></body></html>", "login"),
        ("<p>x</p>", "no thread"),
    ],
)
def test_what_is_no_forum_is_told(body: str, words: str, crawling: Crawling, site: LocalSite) -> None:
    site.put("/f", body)
    crawling.source("one", "forum", f"{site.url}/f")
    assert words in crawling.run().error


def test_a_timeline_is_paged_by_its_link_header(
    crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOT", "geheim")
    link = (("Link", f'<{site.url}/api/v1/timelines/public?max_id=2>; rel="next", <{site.url}/x>; rel="prev"'),)
    shared = status("10", "原来的话", TIME)
    first = [
        status("3", "转一下", TIME, reblog=shared),
        status("4", "同意", TIME, in_reply_to_id="3", spoiler_text="水价"),
    ]
    put(site, "/api/v1/timelines/public?limit=40&local=true", first, headers=link)
    put(site, "/api/v1/timelines/public?max_id=2", [status("1", "更早的话", TIME)])
    crawling.source("one", "mastodon", f"{site.url}/", pages=2, token={"env": "TOOT"})
    assert crawling.run().new == 4
    documents = {document.native_id: document for document in crawling.documents()}
    assert documents["3"].parent_id == documents["10"].id
    assert (documents["4"].kind, documents["4"].text) == ("reply", "水价\n同意")
    assert {asked.headers.get("Authorization") for asked in site.asked if "/api/" in asked.path} == {"Bearer geheim"}


def test_the_address_of_a_post_names_nobody(crawling: Crawling, site: LocalSite) -> None:
    posts = [
        status("1", "水费又扣了两次", TIME, url="https://toot.example/@laozhou/1"),
        status("2", "学区怎么划", TIME, url="/notes/9a", uri="https://toot.example/users/laozhou/2"),
        status("3", "医保新规", TIME, uri="https://toot.example/users/LaoZhou/statuses/3"),
    ]
    put(site, "/api/v1/timelines/public?limit=40&local=true", posts)
    crawling.source("one", "mastodon", f"{site.url}/")
    assert crawling.run().new == 3
    assert [document.url for document in crawling.documents()] == [
        f"{site.url}/web/statuses/1",
        f"{site.url}/notes/9a",
        f"{site.url}/web/statuses/3",
    ]


def test_tags_and_searches(crawling: Crawling, site: LocalSite) -> None:
    put(site, "/api/v1/timelines/tag/水价?limit=40", [status("1", "水价", TIME)])
    crawling.source("one", "mastodon", f"{site.url}/", read="tags", tags=["#水价"])
    assert crawling.run("one").new == 1
    put(site, "/api/v2/search?type=statuses&limit=40&q=水价", {"statuses": [status("2", "水价贵了", TIME)]})
    crawling.source("two", "mastodon", f"{site.url}/", read="search", queries=["水价"])
    assert crawling.run("two").new == 1
    put(site, "/api/v2/search?type=statuses&limit=40&q=水价", {"error": "This method requires an authenticated user"})
    report = crawling.run("two")
    assert (report.ok, report.fault) == (False, "login")


def test_a_token_goes_to_no_other_host(crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOT", "geheim")
    other = LocalSite()
    put(other, "/next", [status("1", "更早的话", TIME)])
    put(site, "/api/v1/timelines/public?limit=40", [status("3", "话", TIME)],
        headers=(("Link", f'<{other.url}/next>; rel="next"'),))  # fmt: skip
    crawling.source("one", "mastodon", f"{site.url}/", read="public", pages=2, token={"env": "TOOT"})
    report = crawling.run()
    assert report.new == 1
    assert "another host" in report.error
    assert other.asked == []
    other.close()


def test_secrets_are_kept_to_https_where_the_source_is(crawling: Crawling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services behind a proxy name themselves without it."""
    monkeypatch.setenv("TOOT", "geheim")
    made = Source(id="one", kind="mastodon", url="https://h.example/", options={"token": {"env": "TOOT"}})
    authors = AuthorKeys(b"0123456789abcdef")
    run = Run(made, LogSink(None, Event()), None, crawling.clock, authors, login="a=b")  # type: ignore[arg-type]
    spider = MastodonSpider(source=made, options=check_options(made), run=run)
    assert spider._as_safe("http://h.example/api?max_id=1") == "https://h.example/api?max_id=1"
    assert spider._login("https://H.example/a") == {"Cookie": "a=b"}
    assert spider._login("http://h.example/a") == spider._login("https://other.example/a") == {}


def test_answers_that_are_not_quite_as_they_should_be() -> None:
    nodebb = {
        "tid": 7,
        "title": "水费",
        "posts": [
            None,
            "x",
            {"pid": 1, "index": "0", "content": "甲", "user": "周"},
            {"pid": 2, "toPid": 1, "user": {}},
        ],
        "pagination": {"pageCount": "2"},
    }  # fmt: skip
    read = floors_in_json(nodebb)
    assert read is not None
    assert [(floor.number, floor.text, floor.author, floor.answers) for floor in read[1]] == [
        ("1", "甲", "", ""), ("2", "", "", "1")
    ]  # fmt: skip
    assert read[2] == 2
    odd = {
        "post_stream": {
            "posts": [7, {"cooked": "<p>甲</p>", "actions_summary": [{"id": 2, "count": "x"}]}],
            "stream": 9,
        }
    }
    read = floors_in_json(odd)
    assert read is not None
    assert [(floor.text, floor.likes) for floor in read[1]] == [("甲", 0)]


def test_readers_alone_are_no_reason_to_ask_for_a_thread_again(crawling: Crawling, site: LocalSite) -> None:
    def listed(replies: int, views: int, ago: str) -> None:
        row = (
            '<tr><th><a class="s xst" href="/thread-7-1-1.html">第2次听证会</a></th>'
            f'<td class="num"><a>{replies}</a><em>{views}</em></td><td>查看：{views}</td><td class="by">{ago}</td></tr>'
        )
        site.put("/forum.html", f"<table>{row}</table>")

    def asked() -> int:
        return site.paths().count("/thread-7-1-1.html")

    listed(1, 10, "5 分钟前")
    site.put("/thread-7-1-1.html", floor(1, "老周", "2026-11-23 12:30", "水费被扣了两次"))
    crawling.source("one", "forum", f"{site.url}/forum.html")
    assert crawling.run().new == 1
    listed(1, 999, "7 分钟前")
    assert crawling.run().unchanged == 1
    assert asked() == 1
    listed(2, 1000, "1 分钟前")
    crawling.run()
    assert asked() == 2
