"""Article pages crawled from a server: several pages of one article, and answers that are none."""

from __future__ import annotations

import gzip

import pytest

from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import BODY, article

TITLE = "水费重复扣收核查进展公布"
OTHER = "学区划分方案征求意见稿公布"
PARTS = (BODY[:1], BODY[1:2], BODY[2:])


def several_pages(site: LocalSite, *, missing: int = 0) -> None:
    """A list with one article of three pages, of which number `missing` is not there."""
    rows = "".join(f'<li><a href="/n/{name}.html">{title}</a></li>' for name, title in ((7, TITLE), (8, OTHER)))
    site.put("/list.html", f"<ul class=list>{rows}</ul>")
    site.put("/n/8.html", article(OTHER, "2026-11-22 09:00"))
    for number, part in enumerate(PARTS, start=1):
        path = "/n/7.html" if number == 1 else f"/n/7_{number}.html"
        following = f'<a href="7_{number + 1}.html">下一页</a>' if number < len(PARTS) else ""
        html = article(TITLE, "2026-11-23 12:30", body=part).replace("</body>", f"<div>{following}</div></body>")
        if number != missing:
            site.put(path, html)
        else:
            site.pages.pop(path, None)


@pytest.mark.parametrize("kind", ["listing", "page", "feed"])
def test_an_article_over_several_pages_is_one_document(kind: str, crawling: Crawling, site: LocalSite) -> None:
    several_pages(site)
    feed = (
        f"<rss version='2.0'><channel><title>云江日报</title><item><title>{TITLE}</title><link>/n/7.html</link>"
        "<description>核查进展公布。</description></item></channel></rss>"
    )
    site.put("/feed.xml", feed)
    path = {"listing": "/list.html", "page": "/n/7.html", "feed": "/feed.xml"}[kind]
    crawling.source("one", kind, f"{site.url}{path}", **({"full_text": True} if kind == "feed" else {}))
    report = crawling.run()
    assert report.ok, report.error
    document = next(one for one in crawling.documents() if one.title == TITLE)
    assert document.text == "\n".join(BODY)
    assert sorted(path for path in site.paths() if "/n/7" in path) == ["/n/7.html", "/n/7_2.html", "/n/7_3.html"]


def test_a_page_of_an_article_that_is_missing_is_told_and_tried_again(crawling: Crawling, site: LocalSite) -> None:
    several_pages(site, missing=3)
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert report.failed == 1
    assert "7_3.html" in report.error and "404" in report.error
    part = next(one for one in crawling.documents() if one.title == TITLE)
    assert part.text == "\n".join(BODY[:2])
    several_pages(site)
    crawling.clock.advance(hours=1)
    assert crawling.run().failed == 0
    whole = [one for one in crawling.documents() if one.title == TITLE]
    assert whole[-1].text == "\n".join(BODY)
    assert whole[-1].id == part.id


def test_pages_that_lead_in_a_circle_end(crawling: Crawling, site: LocalSite) -> None:
    several_pages(site)
    html = article(TITLE, "2026-11-23 12:30", body=PARTS[2]).replace("</body>", '<a href="7_2.html">下一页</a></body>')
    site.put("/n/7_3.html", html)
    crawling.source("one", "page", f"{site.url}/n/7.html")
    assert crawling.run().ok
    assert len(site.paths()) == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html><title>出错了</title><body>抱歉，您访问的页面不存在或已删除</body></html>", "gone"),
        ("<html><body><noscript>请开启JavaScript</noscript><div id=app></div></body></html>", "JavaScript"),
        ("<html><title>安全验证</title><body>请拖动滑块完成验证</body></html>", "captcha"),
        ("<html><title>登录</title><form><input type=password></form></html>", "login"),
        ("<html><body>您所在的IP访问过于频繁，请稍后再试</body></html>", "refuses"),
    ],
)
def test_what_is_no_article_is_a_failure_and_no_text(
    body: str, reason: str, crawling: Crawling, site: LocalSite
) -> None:
    several_pages(site)
    site.put("/n/8.html", body)
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert report.failed == 1
    assert reason in report.error
    assert [one.title for one in crawling.documents()] == [TITLE]


def test_a_body_that_unpacks_to_gigabytes_is_refused(crawling: Crawling, site: LocalSite) -> None:
    several_pages(site)
    bomb = gzip.compress(b"<p>" + b" " * 60_000_000)
    assert len(bomb) < 100_000
    site.put("/n/8.html", bomb, headers=(("Content-Encoding", "gzip"),))
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert report.rejected == {"larger than crawl.max_body": 1}
    assert [one.title for one in crawling.documents()] == [TITLE]


def test_a_page_of_ten_megabytes_is_read(crawling: Crawling, site: LocalSite) -> None:
    several_pages(site)
    filling = "<li><a href=/n/1.html>城区三座立交桥本月底通车</a></li>" * 120_000
    site.put("/n/8.html", article(OTHER, "2026-11-22 09:00").replace("</body>", filling))
    crawling.crawl["timeout"] = 30.0
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert report.ok and not report.failed, report.error
    assert any(one.text == "\n".join(BODY) for one in crawling.documents() if one.title == OTHER)


def test_an_article_that_redirects_for_ever_is_a_failure(crawling: Crawling, site: LocalSite) -> None:
    several_pages(site)
    site.put("/n/8.html", "", status=302, headers=(("Location", "/n/8.html?a"),))
    site.put("/n/8.html?a", "", status=302, headers=(("Location", "/n/8.html"),))
    crawling.source("one", "listing", f"{site.url}/list.html")
    report = crawling.run()
    assert report.failed + sum(report.rejected.values()) == 1
    assert len([path for path in site.paths() if "8.html" in path]) < 10
