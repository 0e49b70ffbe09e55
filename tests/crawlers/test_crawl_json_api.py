"""Interfaces that answer with JSON: their ways of paging, their refusals, their keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crawlers.health import states
from crawlers.sources import make_source
from minsheng.errors import WrongUse
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite


def put(site: LocalSite, path: str, answer: Any, **served: Any) -> None:
    site.put(path, json.dumps(answer), media_type="application/json", **served)


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": n, "title": f"第{n}号公告", "content": f"正文{n}", "time": "2026-11-23 12:30"} for n in numbers]


def test_pages_are_counted_from_where_the_interface_counts(crawling: Crawling, site: LocalSite) -> None:
    for page in range(3):
        put(site, f"/api?p={page}", {"rows": rows(page * 2, page * 2 + 1) if page < 2 else []})
    crawling.source("one", "json_api", f"{site.url}/api?p={{page}}", pages=9, first_page=0)
    assert crawling.run().new == 4
    assert site.paths() == ["/api?p=0", "/api?p=1", "/api?p=2"]


def test_offsets(crawling: Crawling, site: LocalSite) -> None:
    put(site, "/api?from=0", {"rows": rows(1, 2)})
    put(site, "/api?from=2", {"rows": rows(3)})
    crawling.source("one", "json_api", f"{site.url}/api?from={{offset}}", pages=2, page_size=2)
    assert crawling.run().new == 3


def test_marks_and_addresses_of_the_next_page(crawling: Crawling, site: LocalSite) -> None:
    put(site, "/c?after=", {"rows": rows(1), "meta": {"next": "a b"}})
    put(site, "/c?after=a b", {"rows": rows(2), "meta": {"next": None}})
    crawling.source("cursor", "json_api", f"{site.url}/c?after={{cursor}}", pages=9, cursor="meta.next")
    assert crawling.run("cursor").new == 2
    put(site, "/n", {"rows": rows(1), "next": "/n?2"})
    put(site, "/n?2", {"rows": rows(2), "next": "/n"})
    crawling.source("next", "json_api", f"{site.url}/n", pages=9, next_page="next")
    assert crawling.run("next").new == 2
    assert site.paths().count("/n") <= 2
    put(site, "/h", rows(1), headers=(("Link", '</h?2>; rel="next", </h>; rel="prev"'),))
    put(site, "/h?2", rows(2))
    crawling.source("header", "json_api", f"{site.url}/h", pages=9, next_page="header")
    assert crawling.run("header").new == 2


@pytest.mark.parametrize("way", ["next", "header"])
def test_a_secret_is_not_sent_to_another_host_that_an_answer_names(
    way: str, crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_TOKEN", "Bearer geheim")
    other = LocalSite()
    put(other, "/n", {"rows": rows(2)})
    link = (("Link", f'<{other.url}/n>; rel="next"'),) if way == "header" else ()
    put(site, "/n", {"rows": rows(1), "next": f"{other.url}/n"}, headers=link)
    headers = {"Authorization": {"env": "SAMPLE_TOKEN"}}
    crawling.source("one", "json_api", f"{site.url}/n", pages=9, next_page=way, headers=headers)
    report = crawling.run()
    assert (report.ok, report.new) == (False, 1)
    assert "another host" in report.error
    assert other.asked == []
    crawling.source("one", "json_api", f"{site.url}/n?2", pages=9, next_page=way, headers={"X-From": "duty"})
    put(site, "/n?2", {"rows": rows(1), "next": f"{other.url}/n"}, headers=link)
    assert crawling.run().new == 1
    assert other.paths() == ["/n"]
    other.close()


def test_posted_questions(crawling: Crawling, site: LocalSite) -> None:
    put(site, "/search", {"rows": rows(1)})
    crawling.source(
        "one", "json_api", f"{site.url}/search", post='{"word": "{query}", "page": {page}}', queries=['水"价', "医保"]
    )
    assert crawling.run().new == 1
    bodies = [json.loads(asked.body) for asked in site.asked if asked.path == "/search"]
    # Both are on their way at once: which comes first is not said.
    assert sorted(bodies, key=str) == [{"word": "医保", "page": 1}, {"word": '水"价', "page": 1}]
    crawling.source("two", "json_api", f"{site.url}/search", post="word={query}&page={page}", queries=["水 价&"])
    crawling.run("two")
    assert site.asked[-1].body == b"word=%E6%B0%B4%20%E4%BB%B7%26&page=1"


def test_fields_are_named_in_jmespath(crawling: Crawling, site: LocalSite) -> None:
    entry = {
        "node": {
            "no": 7,
            "t": "水价听证会",
            "tags": ["水价", "听证"],
            "ts": 1795408200,
            "u": {"nickname": "老周"},
            "zan": "1.2万",
        }
    }
    put(site, "/api", {"data": {"edges": [entry]}})
    crawling.source(
        "one",
        "json_api",
        f"{site.url}/api",
        items="data.edges[].node",
        kind="post",
        post_url=f"{site.url}/p/{{id}}",
        fields={
            "native_id": "to_string(no)",
            "title": "t",
            "text": "join('，', tags)",
            "published_at": "ts",
            "author": "u.nickname",
            "likes": "zan",
        },
    )
    assert crawling.run().new == 1
    (document,) = crawling.documents()
    assert (document.title, document.text, document.kind) == ("水价听证会", "水价，听证", "post")
    assert (document.url, document.engagement.likes) == (f"{site.url}/p/7", 12000)
    assert document.author_key is not None
    assert f"{document.published_at:%Y-%m-%d %H:%M}" == "2026-11-23 04:30"


@pytest.mark.parametrize(
    ("answer", "options", "words", "fault"),
    [
        ({"code": 401, "msg": "登录已过期，请重新登录"}, {}, "wants a login: 登录已过期", "login"),
        ({"errno": 5, "message": "invalid token"}, {"items": "data"}, "wants a login: invalid token", "login"),
        ({"code": 500, "msg": "系统繁忙", "data": None}, {"items": "data"}, "refuses: 系统繁忙", ""),
        ({"code": 0, "data": {"rows": []}}, {"items": "data.list"}, "nothing is at items = data.list", "layout"),
        ({"rows": [{"a": 1, "b": 2}]}, {"items": "rows"}, "none of 1 entries has a title or text", "layout"),
        ({"a": 1}, {}, "no list of entries", ""),
    ],
)
def test_a_refusal_is_not_an_empty_list(
    answer: Any, options: dict[str, Any], words: str, fault: str, crawling: Crawling, site: LocalSite
) -> None:
    put(site, "/api", answer)
    crawling.source("one", "json_api", f"{site.url}/api", **options)
    report = crawling.run()
    assert not report.ok
    assert words in report.error
    assert report.fault == fault
    if fault:
        # It was never read, so that nothing can have changed.
        said = {"login": "cookie", "layout": "failing"}
        assert [state.state for state in states(crawling.store, crawling.clock)] == [said[fault]]


def test_an_empty_list_is_no_failure(crawling: Crawling, site: LocalSite) -> None:
    put(site, "/api", {"code": 0, "data": {"list": [], "total": 0}})
    crawling.source("one", "json_api", f"{site.url}/api")
    assert (crawling.run().ok, crawling.run().error) == (True, "")


def test_a_key_goes_to_its_address_only(
    crawling: Crawling, site: LocalSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_TOKEN", "Bearer geheim")
    put(site, "/api", {"rows": rows(1)})
    headers = {"Authorization": {"env": "SAMPLE_TOKEN"}, "X-From": "duty"}
    crawling.source("one", "json_api", f"{site.url}/api", headers=headers)
    assert crawling.run().new == 1
    assert site.asked[-1].headers["Authorization"] == "Bearer geheim"
    assert site.asked[-1].headers["X-From"] == "duty"
    site.put("/api", "", status=302, headers=(("Location", "/elsewhere"),))
    report = crawling.run()
    assert "answered 302" in report.error
    assert report.fault == "login"
    assert "/elsewhere" not in site.paths()
    monkeypatch.delenv("SAMPLE_TOKEN")
    report = crawling.run()
    assert "SAMPLE_TOKEN is not set" in report.error
    assert "geheim" not in report.error


def test_full_text(crawling: Crawling, site: LocalSite) -> None:
    from tests.crawlers.scenes import BODY, article

    put(site, "/api", {"rows": [{"id": 1, "title": "水费退款进展公布", "url": "/a/1.html", "summary": "摘要"}]})
    site.put("/a/1.html", article("水费退款进展公布", "2026-11-23 12:30"))
    crawling.source("one", "json_api", f"{site.url}/api", full_text=True)
    crawling.run()
    assert crawling.documents()[0].text == "\n".join(BODY)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"items": "data["}, "'data\\[' is no JMESPath"),
        ({"fields": {"titel": "a"}}, "no field titel"),
        ({"fields": {"title": "a["}}, "no JMESPath"),
        ({"pages": 0}, "pages must be between"),
        ({"post_url": "http://h/"}, "{id}"),
        ({"headers": {"a": {"env": "A", "file": "b"}}}, "one place"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        make_source({"id": "one", "kind": "json_api", "url": "http://h.example/", "options": options}, "file")


def test_an_article_over_several_pages_is_whole(crawling: Crawling, site: LocalSite) -> None:
    from tests.crawlers.scenes import BODY, article

    put(site, "/api", {"rows": [{"id": 1, "title": "水费退款进展公布", "url": "/a/1.html", "summary": "摘要"}]})
    more = ("第二页说明退款办理的具体步骤，居民凭户号在网上或者营业厅都可以查询到账情况和金额。", *BODY[1:])
    whole = article("水费退款进展公布", "2026-11-23 12:30")
    link = '<div class="pages"><a href="1_2.html">下一页</a></div></body>'
    site.put("/a/1.html", whole.replace("</body>", link))
    site.put("/a/1_2.html", "gone", status=503)
    crawling.source("one", "json_api", f"{site.url}/api", full_text=True)
    report = crawling.run()
    assert (report.ok, report.failed, report.new) == (True, 1, 1)
    site.put("/a/1_2.html", article("水费退款进展公布", "2026-11-23 12:30", body=more))
    assert crawling.run().failed == 0
    assert crawling.documents()[-1].text.startswith("\n".join((*BODY, more[0])))
