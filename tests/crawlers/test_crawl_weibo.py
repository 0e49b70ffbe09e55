"""Weibo-like services: times, reposts, comments, logins."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.backfills import Window
from crawlers.health import states
from crawlers.logins import KEY_FILE, Logins, _own_key
from minsheng.clock import CHINA
from minsheng.errors import WrongSettings, WrongUse
from minsheng.records import document_id
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite


def post(mid: str, text: str = "水费又扣了两次", time: str = "2026-11-23 12:30", **more: Any) -> dict[str, Any]:
    return {"mid": mid, "created_at": time, "text": text, "user": {"id": 7, "screen_name": "老周"}, **more}


def put(site: LocalSite, path: str, answer: Any, **served: Any) -> None:
    site.put(path, json.dumps(answer), media_type="application/json", **served)


def cards(*posts: dict[str, Any]) -> dict[str, Any]:
    return {"ok": 1, "data": {"cards": [{"mblog": one} for one in posts]}}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("刚刚", "2026-11-24 12:30"),
        ("30秒前", "2026-11-24 12:29"),
        ("5分钟前", "2026-11-24 12:25"),
        ("2小时前", "2026-11-24 10:30"),
        ("今天 09:15", "2026-11-24 09:15"),
        ("昨天 22:05", "2026-11-23 22:05"),
        ("11-20", "2026-11-20 00:00"),
        ("12-30", "2025-12-30 00:00"),
        ("2025-12-30", "2025-12-30 00:00"),
        ("11月20日 08:01", "2026-11-20 08:01"),
        ("Mon Nov 23 12:30:00 +0800 2026", "2026-11-23 12:30"),
    ],
)
def test_times_as_the_service_writes_them(written: str, expected: str, crawling: Crawling, site: LocalSite) -> None:
    put(site, "/s", cards(post("1", time=written)))
    crawling.source("one", "weibo_search", f"{site.url}/s")
    crawling.run()
    (document,) = crawling.documents()
    assert not document.published_estimated
    assert document.published_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") == expected


def test_a_repost_keeps_its_chain_and_points_at_the_first_post(crawling: Crawling, site: LocalSite) -> None:
    text = '说得对//<a href="/n/a">@小李</a>:转给大家看看//<a href="/n/b">@阿明</a>:太过分了'
    put(site, "/s", cards(post("3", text, retweeted_status=post("1", "阶梯水价首期账单来了。"))))
    crawling.source("one", "weibo_search", f"{site.url}/s")
    crawling.run()
    repost = next(document for document in crawling.documents() if document.native_id == "3")
    assert repost.text == "说得对//@用户:转给大家看看//@用户:太过分了"
    assert repost.parent_id == document_id("one", "1")


def test_a_deleted_post_is_left_out(crawling: Crawling, site: LocalSite) -> None:
    gone = {"mid": "1", "created_at": "2026-11-23 12:30", "text": "抱歉，此微博已被删除。", "user": None}
    put(site, "/s", cards(post("2", retweeted_status=gone)))
    crawling.source("one", "weibo_search", f"{site.url}/s")
    assert crawling.run().new == 1


def comment(number: str, text: str, root: str = "", **more: Any) -> dict[str, Any]:
    return post(number, text, rootid=root or number, like_count=3, source="来自四川", **more)


def test_comments_are_replies_page_by_page(crawling: Crawling, site: LocalSite) -> None:
    options = {"comments": f"{site.url}/c?id={{id}}&max_id={{cursor}}", "comment_pages": 5}
    put(site, "/s", cards(post("1", comments_count=8), post("2", "没人评论", comments_count=2)))
    inner = [comment("13", "回复层主", root="11")]
    first = [comment("11", "确实", comments=inner), comment("12", "退款了吗")]
    put(site, "/c?id=1&max_id=", {"ok": 1, "data": {"data": first, "max_id": 99}})
    put(site, "/c?id=1&max_id=99", {"ok": 1, "data": {"data": [comment("14", "等通知"), first[0]], "max_id": 0}})
    crawling.source("one", "weibo_search", f"{site.url}/s", **options)
    report = crawling.run()
    assert (report.new, report.failed) == (6, 0)
    replies = {document.native_id: document for document in crawling.documents() if document.kind == "reply"}
    assert sorted(filter(None, replies)) == ["11", "12", "13", "14"]
    assert replies["11"].parent_id == document_id("one", "1")
    assert replies["13"].parent_id == document_id("one", "11")
    assert (replies["11"].region, replies["11"].engagement.likes) == ("四川", 3)
    asked = site.paths().count("/c?id=1&max_id=")
    crawling.run()
    assert site.paths().count("/c?id=1&max_id=") == asked
    # Many more comments: they are asked for again.
    put(site, "/s", cards(post("1", comments_count=16)))
    crawling.run()
    assert site.paths().count("/c?id=1&max_id=") == asked + 1
    assert site.paths().count("/c?id=2&max_id=") == 0


def test_comments_that_break_off_are_asked_for_again(crawling: Crawling, site: LocalSite) -> None:
    put(site, "/s", cards(post("1", comments_count=8)))
    put(site, "/c?id=1&m=", {"ok": 1, "data": {"data": [comment("11", "确实")], "max_id": 5}})
    site.put("/c?id=1&m=5", "", status=403)
    crawling.source(
        "one", "weibo_search", f"{site.url}/s", comments=f"{site.url}/c?id={{id}}&m={{cursor}}", comment_pages=2
    )
    report = crawling.run()
    assert (report.new, report.failed) == (2, 1)
    put(site, "/c?id=1&m=5", {"ok": 1, "data": {"data": [comment("12", "退款了吗")], "max_id": 0}})
    assert crawling.run().new == 1


LOGIN_PAGE = '<html><head><title>登录</title></head><body><p>请先登录</p><input type="password"></body></html>'


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": -100, "url": "https://passport.weibo.example/signin?entry=wapsso"},
        {"ok": -1, "msg": "请登录后使用"},
        {"ok": 0, "msg": "登录后查看更多"},
        {"errno": "-100", "msg": "登录"},
        {"error_code": 20003, "error": "login required"},
        LOGIN_PAGE,
        302,
        401,
    ],
)
def test_an_ended_login_is_told_and_never_silently_empty(answer: Any, crawling: Crawling, site: LocalSite) -> None:
    crawling.source("one", "weibo_search", f"{site.url}/s")
    logins = Logins.from_settings(crawling.settings, crawling.store)
    put(site, "/s", cards(post("1")))
    crawling.run()
    logins.give("one", "SUB=abc; SUBP=def", NOW)
    assert crawling.run().ok
    assert site.asked[-1].headers["Cookie"] == "SUB=abc; SUBP=def"
    if isinstance(answer, int):
        site.put("/s", "", status=answer, headers=(("Location", "/login"),))
    elif isinstance(answer, str):
        site.put("/s", answer)
    else:
        put(site, "/s", answer)
    report = crawling.run()
    assert (report.ok, report.fault) == (False, "login")
    assert "/login" not in site.paths()
    assert "login ID" not in report.error
    assert [state.state for state in states(crawling.store, crawling.clock)] == ["cookie"]


def test_an_empty_search_is_no_fault(crawling: Crawling, site: LocalSite) -> None:
    put(site, "/s", {"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}})
    crawling.source("one", "weibo_search", f"{site.url}/s")
    report = crawling.run()
    assert (report.ok, report.fault, report.error) == (True, "", "")


def test_a_login_is_sealed_and_for_one_host(crawling: Crawling, site: LocalSite) -> None:
    other = LocalSite()
    logins = Logins.from_settings(crawling.settings, crawling.store)
    logins.give("one", "Cookie: SUB=geheim;\n SUBP=def", datetime.now(CHINA))
    login = logins.of("one")
    assert login is not None
    assert login.cookie == "SUB=geheim; SUBP=def"
    with crawling.store.read() as connection:
        row = connection.execute(sa.select(tables.source_logins)).one()
    assert "geheim" not in str(row)
    key = crawling.settings.path(KEY_FILE)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    put(site, "/s", cards({**post("1", "长文……全文"), "isLongText": True}))
    put(other, "/long?id=1", {"ok": 1, "data": {"longTextContent": "长文全文"}})
    crawling.source("one", "weibo_search", f"{site.url}/s", long_text=f"{other.url}/long?id={{id}}")
    assert crawling.run().new == 1
    assert [asked.headers.get("Cookie") for asked in other.asked] == [None, None]
    other.close()
    key.write_bytes(b"x" * 3)
    with pytest.raises(WrongSettings, match="can't be used"):
        Logins.from_settings(crawling.settings, crawling.store)
    key.unlink()
    with pytest.raises(WrongSettings, match="another key"):
        Logins.from_settings(crawling.settings, crawling.store).of("one")
    with pytest.raises(WrongUse, match="no cookie"):
        logins.give("one", "nonsense", NOW)
    assert logins.forget("one")
    assert logins.of("one") is None


def test_the_login_command_takes_the_cookie_from_standard_input(tmp_path: Path, site: LocalSite) -> None:
    from typer.testing import CliRunner

    from minsheng.cli.app import app
    from minsheng.parts import open_store
    from minsheng.settings import load_settings

    folder = tmp_path / "data"
    (folder / "sources").mkdir(parents=True)
    (folder / "sources" / "one.toml").write_text(f'kind = "weibo_search"\nurl = "{site.url}/s"\n')
    result = CliRunner().invoke(app, ["--data-dir", str(folder), "sources", "login", "one"], input="SUB=abc\n")
    assert result.exit_code == 0, result.output
    assert "abc" not in result.output
    store = open_store(load_settings(folder))
    login = Logins.from_settings(load_settings(folder), store).of("one")
    store.close()
    assert login is not None
    assert login.cookie == "SUB=abc"


def test_threads_that_need_the_first_key_at_once_get_the_same(crawling: Crawling) -> None:
    keys: list[bytes] = []
    for round_ in range(20):
        path = crawling.settings.path(KEY_FILE).with_name(f"{round_}.key")
        with ThreadPoolExecutor(8) as pool:
            keys = list(pool.map(_own_key, [path] * 8))
        assert len(set(keys)) == 1
        assert keys[0] == path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
    assert not [one for one in path.parent.iterdir() if one.suffix != ".key"]


def test_a_backfill_asks_for_no_long_text_outside_its_window(crawling: Crawling, site: LocalSite) -> None:
    posts = [post(str(n), time=f"2026-11-{n} 12:30", isLongText=True) for n in (20, 22)]
    put(site, "/search", cards(*posts))
    for n in (20, 22):
        put(site, f"/long/{n}", {"data": {"longTextContent": f"{n}日的长文"}})
    crawling.source("one", "weibo_search", f"{site.url}/search", long_text=f"{site.url}/long/{{id}}")
    window = Window(NOW - timedelta(days=3), NOW)
    assert crawling.stage.backfill("one", window).new == 1
    assert [path for path in site.paths() if path.startswith("/long")] == ["/long/22"]
