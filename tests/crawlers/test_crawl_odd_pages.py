"""What sites do that is neither right nor rare: bases of links, records for scripts, calls around JSON, pages that only
lead on, and pages of guards."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from crawlers.checking import check_address
from crawlers.extraction import extract
from crawlers.feeds import feed_links
from crawlers.forwarding import forwarded_to
from crawlers.health import states
from crawlers.hot_lists import read_hot
from crawlers.json_values import is_json, json_of
from crawlers.markup import base_of, parse_html
from crawlers.record_lists import with_records
from minsheng.errors import BadInput
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import BODY, article

TITLES = ("水费重复扣收核查进展公布", "学区划分方案征求意见稿公布", "老旧小区加装电梯补贴办法解读")


def rows(prefix: str) -> str:
    return "".join(
        f'<li><a href="{prefix}{n}.html">{title}</a><span>2026-11-2{n}</span></li>' for n, title in enumerate(TITLES)
    )


def put_articles(site: LocalSite, folder: str) -> None:
    for n, title in enumerate(TITLES):
        site.put(f"{folder}{n}.html", article(title, f"2026-11-2{n} 09:00"))


@pytest.mark.parametrize(
    ("head", "base"),
    [
        ('<base href="/gk/">', "http://h.example/gk/"),
        ('<base target="_blank"><base href="http://other.example/a/b.html">', "http://other.example/a/b.html"),
        ('<base href="javascript:void(0)">', "http://h.example/list/1.html"),
        ('<base href="http://[">', "http://h.example/list/1.html"),
        ("", "http://h.example/list/1.html"),
    ],
)
def test_links_count_from_the_pages_base(head: str, base: str) -> None:
    tree = parse_html(f"<html><head>{head}</head><body><p>公告</p></body></html>")
    assert tree is not None
    assert base_of(tree, "http://h.example/list/1.html") == base


def test_a_list_its_pages_and_files_with_a_base(crawling: Crawling, site: LocalSite) -> None:
    put_articles(site, "/gk/")
    listed = f'<html><head><base href="/gk/"></head><ul class=list>{rows("")}</ul><a href="l2.html">下一页</a></html>'
    site.put("/col/list.html", listed)
    site.put("/gk/l2.html", f"<ul class=list>{rows('/gk/')}</ul>")
    crawling.source("one", "listing", f"{site.url}/col/list.html", pages=2)
    report = crawling.run()
    assert report.ok and not report.failed, report.error
    assert report.new == len(TITLES)
    assert "/gk/l2.html" in site.paths()


def test_an_articles_files_and_next_page_count_from_its_base() -> None:
    html = article(TITLES[0], "2026-11-23 12:30").replace("<head>", '<head><base href="/">', 1)
    assert "<base" in html
    html = html.replace("</body>", '<a href="n/7_2.html">下一页</a></body>')
    page = extract(html, "http://h.example/n/7.html", NOW)
    assert page.next_page == "http://h.example/n/7_2.html"
    tree = parse_html('<html><head><base href="/x/"><link rel=alternate type=application/rss+xml href=f.xml></html>')
    assert tree is not None
    assert feed_links(tree, "http://h.example/n/") == ["http://h.example/x/f.xml"]


CALLS = [
    "jQuery1720_16({});",
    "/**/ cb({})",
    "try{{hot.list({});}}catch(e){{console.log(e)}}",
    "var list = {};\n",
    "window.__DATA__={};window.x=1",
    ")]}}',\n{}",
    "for(;;);{}",
    "\ufeff {}",
]


@pytest.mark.parametrize("call", CALLS)
def test_json_in_a_call_is_json(call: str) -> None:
    value = {"data": [{"word": title, "num": 9 - n, "title": "a);b"} for n, title in enumerate(TITLES)]}
    text = call.format(json.dumps(value, ensure_ascii=False))
    assert is_json(text)
    assert json_of(text, "h.example") == value
    assert [term.word for term in read_hot(text, "http://h.example/")] == list(TITLES)


@pytest.mark.parametrize("text", ["<p>a = {}</p>", "cb()", "说明（{1}）", "", "var a = 1; b({})", "x" * 100_000])
def test_what_is_no_json_is_none(text: str) -> None:
    assert not is_json(text)
    with pytest.raises(BadInput, match="is no JSON"):
        json_of(text, "h.example")


def test_an_interface_and_a_board_that_answer_with_calls(crawling: Crawling, site: LocalSite) -> None:
    day = "2026-11-23 12:30"
    entries = [{"id": str(n), "title": title, "text": "内容", "time": day} for n, title in enumerate(TITLES)]
    site.put("/api.js", f"callback({json.dumps({'data': {'list': entries}})});", media_type="text/javascript")
    site.put("/board.js", f"callback({json.dumps(entries)});", media_type="text/javascript")
    crawling.source("api", "json_api", f"{site.url}/api.js")
    crawling.source("board", "board", f"{site.url}/board.js")
    assert [(report.error, report.new) for report in crawling.stage.run_once()] == [("", 3), ("", 3)]


def test_a_column_whose_entries_are_records_for_scripts(crawling: Crawling, site: LocalSite) -> None:
    put_articles(site, "/art/")
    entries = rows("/art/").split("</li>")[:-1]
    records = "".join(f"<record><![CDATA[\n{entry}</li>]]></record>" for entry in entries)
    menu = "".join(f'<li><a href="/col/{n}.html">政务公开专题栏目之{n}</a></li>' for n in range(8))
    site.put(
        "/col/1.html",
        f"<html><ul>{menu}</ul><div id='217'><script type='text/xml'><datastore><totalrecord>3</totalrecord>"
        f"<nextgroup><![CDATA[<a href='/dataproxy.jsp?page=1'></a>]]></nextgroup><recordset>{records}</recordset>"
        "</datastore></script><script>jpage(217)</script></div></html>",
    )
    checked = check_address(f"{site.url}/col/1.html", None, {}, crawling.settings, crawling.clock)
    assert (checked.source.kind, [one.title for one in checked.taken]) == ("listing", list(TITLES))
    assert "datastore" in checked.proposed.options["links"]
    crawling.source("one", "listing", f"{site.url}/col/1.html", **checked.proposed.options)
    assert crawling.run().new == len(TITLES)


@pytest.mark.parametrize(
    "link",
    [
        "href=\"javascript:openNews('{url}')\"",
        "href='javascript:void(0)' onclick=\"window.open('{url}','_blank')\"",
        "href='#' onclick='location.href=\"{url}\"'",
        "onclick=\"show('{url}')\"",
        "href='javascript:;' data-url='{url}'",
    ],
)
def test_links_that_only_scripts_open_are_followed(link: str, crawling: Crawling, site: LocalSite) -> None:
    put_articles(site, "/n/")
    menu = "".join(f"<li><a href='javascript:;'>栏目{n}</a></li>" for n in range(12))
    listed = "".join(
        f"<li><a {link.replace('{url}', f'/n/{n}.html')}>{title}</a><span>2026-11-2{n}</span></li>"
        for n, title in enumerate(TITLES)
    )
    site.put("/list.html", f"<html><ul>{menu}</ul><ul class=list>{listed}</ul></html>")
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert (report.new, report.error) == (len(TITLES), "")


def test_a_list_in_a_frame_is_told_where_it_is(crawling: Crawling, site: LocalSite) -> None:
    site.put(
        "/col.html", "<html><body><iframe src='about:blank'></iframe><iframe src=list.html></iframe></body></html>"
    )
    crawling.source("one", "listing", f"{site.url}/col.html")
    assert f"may hold the list: {site.url}/list.html" in crawling.run().error


def test_records_that_never_end_take_no_time() -> None:
    assert with_records("<script><datastore>" * 50_000) == "<script><datastore>" * 50_000
    assert with_records("<p>一</p>") == "<p>一</p>"
    assert with_records("<script><datastore><record>x</record></script>y") == '<div class="datastore"></div>y'


def test_a_list_that_is_gone_is_no_list_of_what_the_site_recommends(crawling: Crawling, site: LocalSite) -> None:
    put_articles(site, "/n/")
    recommended = f"<ul class=list>{rows('/n/')}</ul>"
    site.put("/list.html", f"<title>页面不存在_云江网</title><p>您访问的页面已删除</p>{recommended}")
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert not report.ok
    assert "gone" in report.error
    assert crawling.documents() == []
    site.put("/list.html", f"<title>通知公告</title><ul class=list>{rows('/n/')}</ul>")
    assert crawling.run().new == len(TITLES)


FORWARDS = [
    '<html><head><meta http-equiv="Refresh" content="0; url=/n/0.html"></head></html>',
    "<meta http-equiv=refresh content=\"0;URL='/n/0.html'\"><title>跳转</title>正在跳转，请稍候…",
    "<script>window.location.href='/n/0.html';</script>",
    '<html><body><script type="text/javascript">\nlocation.replace("/n/0.html")\n</script></body></html>',
    '<script>top.location = "/n/0.html"</script>',
]
STAYS = [
    "<meta http-equiv=refresh content='0;url=/page.html'>",  # to itself
    "<meta http-equiv=refresh content='300;url=/n/0.html'>",
    "<noscript><meta http-equiv=refresh content='0;url=/n/0.html'></noscript><script src=app.js></script>",
    "<script>document.cookie='a=1';location.href='/n/0.html'</script>",
    "<script>if(/mobile/.test(navigator.userAgent)){location.href='/n/0.html'}</script>",
    "<script>location.href='/n/0.html';location.href='/n/1.html'</script>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<meta http-equiv=refresh content='0;url=http://['>",
    "<title>页面不存在</title><meta http-equiv=refresh content='3;url=/'>您访问的页面不存在，3秒后返回首页",
    f"<meta http-equiv=refresh content='0;url=/n/0.html'><p>{BODY[0]}</p>",
]


@pytest.mark.parametrize("page", FORWARDS)
def test_a_page_that_only_leads_on_is_followed(page: str, crawling: Crawling, site: LocalSite) -> None:
    put_articles(site, "/n/")
    site.put("/page.html", page)
    crawling.source("one", "page", f"{site.url}/page.html")
    report = crawling.run()
    assert report.ok, report.error
    assert [document.title for document in crawling.documents()] == [TITLES[0]]


@pytest.mark.parametrize("page", STAYS)
def test_a_page_that_says_more_is_not(page: str) -> None:
    assert forwarded_to(page.encode(), "http://h.example/page.html") is None


def test_pages_that_lead_to_each_other_end(crawling: Crawling, site: LocalSite) -> None:
    site.put("/page.html", "<script>location.href='/other.html'</script>")
    site.put("/other.html", "<script>location.href='/page.html'</script>")
    crawling.source("one", "page", f"{site.url}/page.html")
    report = crawling.run()
    assert not report.ok or sum(report.rejected.values())
    assert len(site.paths()) < 10
    assert crawling.documents() == []


def test_a_page_leads_nowhere_inside(crawling: Crawling, site: LocalSite) -> None:
    site.put("/page.html", "<meta http-equiv=refresh content='0;url=http://169.254.169.254/latest/'>")
    crawling.source("one", "page", f"{site.url}/page.html")
    report = crawling.run()
    assert "no public address" in report.error + str(report.rejected)
    assert crawling.documents() == []


def test_a_login_is_led_nowhere(crawling: Crawling, site: LocalSite) -> None:
    put_articles(site, "/n/")
    site.put("/page.html", "<script>location.href='/n/0.html'</script>")
    crawling.source("one", "page", f"{site.url}/page.html")
    from crawlers.logins import Logins

    Logins.from_settings(crawling.settings, crawling.store).give("one", "SUB=1", crawling.clock.now())
    crawling.run()
    assert site.paths() == ["/page.html"]


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (412, "<html><script>$_ts=window['$_ts'];</script></html>", "blocked"),
        (521, "<script>document.cookie=('_')+('_j');location.href=location.pathname</script>", "blocked"),
        (521, "error code: 521", "failing"),
        (412, "", "failing"),
    ],
)
def test_a_guard_that_tests_who_asks_has_refused(
    status: int, body: str, state: str, crawling: Crawling, site: LocalSite
) -> None:
    site.put("/list.html", body, status=status)
    crawling.source("one", "listing", f"{site.url}/list.html")
    assert f"answered {status}" in crawling.run().error
    assert [one.state for one in states(crawling.store, crawling.clock)] == [state]


WALLS = [
    ("<html><title>页面不存在</title><body>您访问的页面不存在</body></html>", "gone", "failing"),
    ("<html><title>安全验证</title><body>请拖动滑块完成验证</body></html>", "captcha", "blocked"),
    ("<html><title>登录</title><form><input type=password></form></html>", "login", "blocked"),
    ("<html><body>您所在的IP访问过于频繁，请稍后再试</body></html>", "refuses", "blocked"),
]


@pytest.mark.parametrize("kind", ["feed", "sitemap", "json_api", "hot", "mastodon"])
@pytest.mark.parametrize(("page", "words", "state"), WALLS)
def test_a_wall_in_place_of_an_answer_is_told_as_what_it_is(
    kind: str, page: str, words: str, state: str, crawling: Crawling, site: LocalSite
) -> None:
    site.put("/x", page)
    site.put("/api/v1/timelines/public?limit=40&local=true", page)
    crawling.source("one", kind, site.url if kind == "mastodon" else f"{site.url}/x")
    report = crawling.run()
    assert not report.ok
    assert words in report.error
    assert [one.state for one in states(crawling.store, crawling.clock)] == [state]


def test_a_list_that_asks_its_readers_to_log_in_is_still_found(crawling: Crawling, site: LocalSite) -> None:
    titles = [f"第{n}号供水工作通知公告全文" for n in range(12)]
    listed = "".join(f"<li><a href=/n/{n}.html>{title}</a></li>" for n, title in enumerate(titles))
    site.put("/list.html", f"<title>通知公告</title><p>请登录后订阅</p><ul class=list>{listed}</ul>")
    for n, title in enumerate(titles):
        site.put(f"/n/{n}.html", article(title, "2026-11-23 09:00"))
    assert check_address(f"{site.url}/list.html", None, {}, crawling.settings, crawling.clock).source.kind == "listing"


@pytest.mark.parametrize(
    ("page", "obstacle"),
    [
        (
            "<html><title>云江市人民政府</title><div id=app>正在加载…</div><script src=/js/app.js></script></html>",
            "JavaScript",
        ),
        ("<html><title>云江</title><p>页面加载中，请稍候...</p><script>window['app']={}</script></html>", "JavaScript"),
        ("<html><script>$_ts=window['$_ts'];</script></html>", "JavaScript"),
    ],
)
def test_a_page_that_waits_for_its_scripts_is_no_article(
    page: str, obstacle: str, crawling: Crawling, site: LocalSite
) -> None:
    site.put("/a.html", page)
    crawling.source("one", "page", f"{site.url}/a.html")
    assert obstacle in crawling.run().error
    assert crawling.documents() == []


@pytest.mark.parametrize("kind", ["feed", "listing"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_source_that_unpacks_to_too_much_has_not_refused(
    kind: str, encoding: str, crawling: Crawling, site: LocalSite
) -> None:
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](b"<rss>" + b" " * 60_000_000)
    site.put("/x", packed, headers=(("Content-Encoding", encoding),))
    crawling.source("one", kind, f"{site.url}/x")
    assert "larger than crawl.max_body" in crawling.run().error
    assert [one.state for one in states(crawling.store, crawling.clock)] == ["failing"]


def test_a_source_that_redirects_for_ever_has_not_refused(crawling: Crawling, site: LocalSite) -> None:
    site.put("/x", "", status=302, headers=(("Location", "/y"),))
    site.put("/y", "", status=302, headers=(("Location", "/x"),))
    crawling.source("one", "listing", f"{site.url}/x")
    assert "leads on and on" in crawling.run().error
    assert [one.state for one in states(crawling.store, crawling.clock)] == ["failing"]
