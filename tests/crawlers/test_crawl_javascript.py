"""Pages that scripts make, in a real Chromium: what they give, and what they are kept from."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scrapy.http import Request, Response

from crawlers import chromium as browsers
from crawlers.checking import check_address
from crawlers.reactor import submit
from crawlers.rendering import Rendering
from minsheng.errors import BadInput
from minsheng.settings import BrowserSettings
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite

pytestmark = pytest.mark.chromium

SHELL = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>公告</title></head>
<body><noscript>请开启JavaScript</noscript><div id="app"></div>{scripts}</body></html>"""
LIST = """
fetch("/api/list").then(answer => answer.json()).then(items => {
  document.getElementById("app").innerHTML = "<ul class='list'>" + items.map(
    item => `<li><a href="/a/${item.id}.html">${item.title}</a><span>2026-11-23</span></li>`).join("") + "</ul>";
});
"""
ITEMS = "[" + ",".join(f'{{"id": {n}, "title": "关于调整城区第{n}水厂供水价格的公告"}}' for n in range(1, 6)) + "]"
WORDS = "自2026年12月1日起，云江市区居民生活用水价格按新的标准执行，阶梯水量不变，低保家庭继续享受优惠。" * 3
ARTICLE = f"""<html><head><meta charset="utf-8"><title>公告</title></head><body>
<h1>关于调整城区第{{n}}水厂供水价格的公告</h1>
<div>发布时间：2026-11-23 12:30 来源：云江市发改委</div><div id="text"></div>
<script>document.getElementById("text").innerHTML = "<p>{WORDS}</p><p>{WORDS}</p>";</script></body></html>"""


@pytest.fixture(scope="module", autouse=True)
def browser(chromium_path: str) -> Iterator[None]:
    """One browser for all tests here: stages end theirs, which is tested by itself."""
    yield
    submit(browsers.close_browser()).result(30)


@pytest.fixture(autouse=True)
def kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stays() -> None:
        pass

    monkeypatch.setattr("crawlers.stage.close_browser", stays)
    monkeypatch.setattr("crawlers.checking.close_browser", stays)


@pytest.fixture
def settings(crawling: Crawling, chromium_path: str) -> dict[str, Any]:
    """The settings of the browser. Its sandbox does not work for root, which some test machines run as."""
    given: dict[str, Any] = {"path": chromium_path, "timeout": 8.0, "sandbox": os.geteuid() != 0}
    crawling.crawl["browser"] = BrowserSettings(**given)
    return given


def put_up(site: LocalSite, scripts: str = f"<script>{LIST}</script>") -> None:
    site.put("/list.html", SHELL.format(scripts=scripts))
    site.put("/api/list", ITEMS, media_type="application/json")
    for n in range(1, 6):
        site.put(f"/a/{n}.html", ARTICLE.replace("{n}", str(n)))


def test_a_list_and_its_articles(crawling: Crawling, site: LocalSite, settings: dict[str, Any]) -> None:
    put_up(site)
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="all")
    report = crawling.run()
    assert (report.ok, report.new, report.error) == (True, 5, "")
    assert all(document.text.count("阶梯水量不变") >= 2 for document in crawling.documents())
    assert site.asked[-1].headers["User-Agent"].startswith("Minsheng/")
    # The list is made anew, whether its page has changed or not; known articles are left alone.
    put_up(site)
    site.put("/api/list", ITEMS.replace('"id": 1,', '"id": 6,'), media_type="application/json")
    site.put("/a/6.html", ARTICLE.replace("{n}", "6"))
    before = len(site.asked)
    again = crawling.run()
    assert (again.new, again.failed) == (1, 0)
    assert site.paths(since=before) == ["/list.html", "/api/list", "/a/6.html"]


def test_only_the_list_is_run_where_only_that_is_asked_for(
    crawling: Crawling, site: LocalSite, settings: dict[str, Any]
) -> None:
    put_up(site)
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
    report = crawling.run()
    assert (report.ok, report.new) == (True, 5)
    assert not any("阶梯水量不变" in document.text for document in crawling.documents())


def test_check_proposes_it(crawling: Crawling, site: LocalSite, settings: dict[str, Any]) -> None:
    put_up(site)
    checked = check_address(f"{site.url}/list.html", None, {}, crawling.settings, crawling.clock, limit=2)
    assert (checked.proposed.kind, checked.proposed.options["javascript"]) == ("listing", "list")
    assert len(checked.taken) == 5


def test_check_says_how_to_get_a_browser(crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    put_up(site)
    monkeypatch.setattr(browsers, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"needs JavaScript.*minsheng\[browser\].*javascript=list"):
        check_address(f"{site.url}/list.html", None, {}, crawling.settings, crawling.clock)
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
    report = crawling.run()
    assert not report.ok
    assert "minsheng[browser]" in report.error


def test_without_the_option_it_says_that_it_needs_it(crawling: Crawling, site: LocalSite) -> None:
    put_up(site)
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert not report.ok
    assert "needs JavaScript" in report.error
    assert "option javascript" in report.error


def test_robots_and_refused_parts_hold_for_scripts(
    crawling: Crawling, site: LocalSite, settings: dict[str, Any]
) -> None:
    put_up(site)
    site.put("/robots.txt", "User-agent: *\nDisallow: /api/\n", media_type="text/plain")
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
    report = crawling.run()
    assert not report.ok
    assert "/api/list" not in site.paths()


def test_no_way_to_where_the_operator_lists_nothing(
    crawling: Crawling, site: LocalSite, settings: dict[str, Any]
) -> None:
    """By address, by name, by a redirect, by a script's source, by a frame, a form, a socket or a worker."""
    inner = LocalSite("127.0.0.2")
    try:
        inner.put("/secret", '{"secret": "内部"}', media_type="application/json")
        site.put("/redirect", b"", status=302, headers=(("Location", f"{inner.url}/secret"),))
        ways = f"""<script>
        const tries = [
          () => fetch("{inner.url}/secret").then(a => a.text()),
          () => fetch("/redirect").then(a => a.text()),
          () => new Promise((good, bad) => {{
            const x = new XMLHttpRequest(); x.open("GET", "{inner.url}/secret"); x.onload = () => good(x.responseText);
            x.onerror = bad; x.send(); }}),
        ];
        for (const attempt of tries) attempt().then(t => document.title += t).catch(() => 0);
        for (const tag of ["script", "iframe", "img", "embed", "video"]) {{
          const e = document.createElement(tag); e.src = "{inner.url}/" + tag; document.body.append(e); }}
        const link = document.createElement("link"); link.rel = "preconnect"; link.href = "{inner.url}";
        document.head.append(link);
        try {{ new WebSocket("{inner.url.replace("http", "ws")}/socket"); }} catch (_) {{}}
        try {{ navigator.sendBeacon("{inner.url}/beacon", "x"); }} catch (_) {{}}
        try {{ window.open("{inner.url}/popup"); }} catch (_) {{}}
        try {{ new Worker(URL.createObjectURL(new Blob([
          `new WebSocket("{inner.url.replace("http", "ws")}/worker"); fetch("{inner.url}/worker")`]))); }}
        catch (_) {{}}
        try {{ new RTCPeerConnection({{iceServers: [{{urls: "stun:127.0.0.2:{inner.port}"}}]}}).createOffer(); }}
        catch (_) {{}}
        const form = document.createElement("form"); form.action = "{inner.url}/form"; form.method = "post";
        document.body.append(form); try {{ form.submit(); }} catch (_) {{}}
        </script>"""
        put_up(site, ways + f"<script>{LIST}</script>")
        crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
        report = crawling.run()
        assert (report.ok, report.new) == (True, 5)
        assert inner.asked == []
    finally:
        inner.close()


def test_a_page_that_leads_elsewhere_is_read_there_and_no_further_than_it_may(
    crawling: Crawling, site: LocalSite, settings: dict[str, Any]
) -> None:
    inner = LocalSite("127.0.0.2")
    try:
        put_up(site)
        site.put("/there", b"", status=302, headers=(("Location", "/list.html"),))
        site.put("/start.html", SHELL.format(scripts="<script>location.href = '/there'</script>"))
        crawling.source("one", "listing", f"{site.url}/start.html", javascript="list")
        assert crawling.run().new == 5
        inner.put("/page.html", "<title>内部</title>")
        site.put("/out.html", SHELL.format(scripts=f"<script>location.href = '{inner.url}/page.html'</script>"))
        crawling.source("two", "listing", f"{site.url}/out.html", javascript="list")
        assert not crawling.run("two").ok
        assert inner.asked == []
    finally:
        inner.close()


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ("<script>while (true) {}</script>", "don't come to an end"),
        ("<script>document.body.innerText = '水'.repeat(30000)</script>", "larger than crawl.max_body"),
        (
            # It goes on changing, or else a busy machine takes it for made before the memory is full.
            "<script>const all = []; setInterval(() => { const b = new Uint8Array(4e7); b.fill(1); all.push(b);"
            " document.body.append('水'); }, 10)</script>",
            "crawl.browser.memory_mb",
        ),
    ],
    ids=["endless", "huge", "memory"],
)
def test_bad_pages_are_told_and_the_next_one_is_made(
    scripts: str, words: str, crawling: Crawling, site: LocalSite, settings: dict[str, Any]
) -> None:
    crawling.crawl["browser"] = BrowserSettings(**{**settings, "timeout": 6.0, "memory_mb": 400})
    crawling.crawl["max_body"] = 20_000
    put_up(site)
    site.put("/bad.html", SHELL.format(scripts=scripts))
    crawling.source("bad", "listing", f"{site.url}/bad.html", javascript="list")
    crawling.source("good", "listing", f"{site.url}/list.html", javascript="list")
    report = crawling.run("bad")
    assert not report.ok
    assert words in report.error
    assert crawling.run("good").new == 5


def test_a_page_that_asks_for_ever_is_cut_with_what_it_has(
    crawling: Crawling, site: LocalSite, settings: dict[str, Any]
) -> None:
    crawling.crawl["browser"] = BrowserSettings(**{**settings, "timeout": 3.0, "requests": 20})
    put_up(site, f"<script>{LIST} setInterval(() => fetch('/api/list?' + Math.random()), 50)</script>")
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
    assert crawling.run().new == 5
    assert len(site.paths()) <= 20 + 6 + 1


def test_a_browser_that_died_is_started_again(
    crawling: Crawling, site: LocalSite, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_up(site)
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
    assert crawling.run().new == 5
    opened = browsers._opened[0]
    assert opened._browser is not None
    submit(opened._browser.close()).result(10)
    crawling.source("two", "listing", f"{site.url}/list.html", javascript="list")
    assert crawling.run("two").new == 5


def test_an_unreachable_sandbox_is_said(crawling: Crawling, site: LocalSite, settings: dict[str, Any]) -> None:
    if os.geteuid() != 0:
        pytest.skip("root only")
    put_up(site)
    crawling.crawl["browser"] = BrowserSettings(**{**settings, "sandbox": True})
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
    report = crawling.run()
    assert not report.ok
    assert "sandbox" in report.error


def test_the_browser_is_ended_with_the_crawl(
    crawling: Crawling, site: LocalSite, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawlers.stage.close_browser", browsers.close_browser)
    put_up(site)
    crawling.source("one", "listing", f"{site.url}/list.html", javascript="list")
    stop = threading.Event()
    assert crawling.stage.run_once(None, stop)[0].new == 5
    assert browsers._opened == []


@pytest.mark.parametrize(("login", "times"), [({}, 1), ({"Cookie": "me=1"}, 2)])
def test_scripts_that_an_account_is_given_are_kept_for_nobody(login: dict[str, str], times: int) -> None:
    asked: list[str] = []
    url = f"http://h{times}.example/app.js"

    async def fetch(request: Request) -> Response:
        asked.append(request.url)
        return Response(request.url, body=b"1", headers={"Content-Type": "text/javascript"})

    async def look() -> None:
        for _ in range(2):
            page = Rendering(Response("http://h.example/"), fetch, lambda _: login, BrowserSettings(), 10_000)
            route = SimpleNamespace(request=SimpleNamespace(resource_type="script", url=url))
            answer = await page._answer_to(cast(Any, route))
            assert answer is not None
            assert answer[2] == b"1"

    asyncio.run(look())
    assert asked == [url] * times
