"""Sitemaps, and backfills between two days."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta

import pytest

from crawlers.backfills import Window
from crawlers.inflate import inflated
from crawlers.sitemaps import read_sitemap
from minsheng.clock import CHINA
from minsheng.errors import BadInput, WrongUse
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import article

URL = "http://h.example/sitemap.xml"
OCTOBER = Window(datetime(2026, 10, 1, tzinfo=CHINA), datetime(2026, 11, 1, tzinfo=CHINA))


def urlset(*rows: str) -> str:
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(rows)}</urlset>'


def row(site: LocalSite, path: str, changed: str = "") -> str:
    return f"<url><loc>{site.url}{path}</loc>{f'<lastmod>{changed}</lastmod>' if changed else ''}</url>"


def test_the_news_extension_gives_title_and_time() -> None:
    text = (
        '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
        'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">'
        "<url><loc>http://h.example/a.html</loc><image:image><image:loc>http://h.example/a.jpg</image:loc></image:image>"
        "<news:news><news:publication_date>2026-11-23T12:30+08:00</news:publication_date><news:title>水价</news:title>"
        "</news:news></url></urlset>"
    )
    (entry,) = read_sitemap(text, URL).pages
    assert (entry.url, entry.title) == ("http://h.example/a.html", "水价")
    assert entry.time(NOW) == datetime(2026, 11, 23, 12, 30, tzinfo=CHINA)


def test_other_forms() -> None:
    assert [e.url for e in read_sitemap("http://h.example/a\n\nno address\nhttp://h.example/b", URL).pages] == [
        "http://h.example/a",
        "http://h.example/b",
    ]
    broken = urlset("<url><loc>http://h.example/a</loc>", "<url><loc>http://h.example/b</loc></url>")
    assert [e.url for e in read_sitemap(broken, URL).pages][:1] == ["http://h.example/a"]
    for wrong in ("<html><body>新闻</body></html>", "<rss/>", "words", "<"):
        with pytest.raises(BadInput, match="no sitemap"):
            read_sitemap(wrong, URL)


def test_an_external_entity_is_not_read() -> None:
    text = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{urlset("<url><loc>http://h.example/&e;</loc></url>")}'
    )
    assert all("root" not in entry.url for entry in read_sitemap(text, URL).pages)


def test_a_bomb_is_not_opened() -> None:
    bomb = gzip.compress(b"\0" * 2_000_000) * 3
    with pytest.raises(BadInput, match="holds more than"):
        inflated(bomb, URL, most=5_000_000)
    assert len(inflated(bomb, URL)) == 6_000_000
    with pytest.raises(BadInput, match="breaks off"):
        inflated(gzip.compress(b"abc" * 100)[:-9], URL)
    with pytest.raises(BadInput, match="broken gzip"):
        inflated(b"\x1f\x8bnonsense", URL)


def test_the_sites_address_leads_by_robots_through_an_index_to_gzipped_maps(
    crawling: Crawling, site: LocalSite
) -> None:
    site.put("/robots.txt", f"User-agent: *\nAllow: /\nsitemap: {site.url}/maps.xml\n", media_type="text/plain")
    maps = "".join(
        f"<sitemap><loc>{site.url}/{name}.xml.gz</loc><lastmod>{day}</lastmod></sitemap>"
        for name, day in (("new", "2026-11-23"), ("old", "2025-01-01"))
    )
    site.put("/maps.xml", f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{maps}</sitemapindex>')
    rows = [row(site, "/n/1.html", "2026-11-23"), row(site, "/n/2.html", "2026-08-01"), row(site, "/t/20260701/3.html")]
    site.put("/new.xml.gz", gzip.compress(urlset(*rows).encode()), media_type="application/gzip")
    site.put("/n/1.html", article("水费退款进展公布", "2026-11-23 12:30"))
    crawling.source("one", "sitemap", f"{site.url}/")
    assert crawling.run().new == 1
    assert site.paths() == ["/robots.txt", "/maps.xml", "/new.xml.gz", "/n/1.html"][1:]


def test_a_changed_page_is_asked_for_again(crawling: Crawling, site: LocalSite) -> None:
    site.put("/sitemap.xml", urlset(row(site, "/n/1.html", "2026-11-22")))
    site.put("/n/1.html", article("水费退款进展公布", "2026-11-22 12:30"))
    crawling.source("one", "sitemap", f"{site.url}/sitemap.xml")
    crawling.run()
    site.put("/sitemap.xml", urlset(row(site, "/n/1.html", "2026-11-23")))
    site.put("/n/1.html", article("水费退款进展公布（更新）", "2026-11-22 12:30"))
    assert crawling.run().items == 1
    assert [document.revision for document in crawling.documents()] == [1, 2]


def test_a_large_site_is_read_bit_by_bit(crawling: Crawling, site: LocalSite) -> None:
    names = [f"/n/{number}.html" for number in range(7)]
    site.put("/sitemap.xml", urlset(*(row(site, name) for name in names), row(site, "/about.html")))
    for name in names:
        site.put(name, article(f"第{name[3]}号关于水价的公告", "2026-11-22 12:30"))
    crawling.source("one", "sitemap", f"{site.url}/sitemap.xml", most=3, include=[r"/n/\d"], exclude=["/6"])
    assert [crawling.run().new for _ in range(3)] == [3, 3, 0]
    assert not {"/about.html", "/n/6.html"} & set(site.paths())


def test_sitemaps_that_lead_to_each_other_end(crawling: Crawling, site: LocalSite) -> None:
    for number in range(9):
        inner = (
            f"<sitemap><loc>{site.url}/{number + 1}.xml</loc></sitemap><sitemap><loc>{site.url}/0.xml</loc></sitemap>"
        )
        site.put(f"/{number}.xml", f"<sitemapindex>{inner}</sitemapindex>")
    crawling.source("one", "sitemap", f"{site.url}/0.xml")
    assert "more than 5 times" in crawling.run().error
    assert len(site.paths()) <= 7


def test_a_backfill_takes_the_window_only_and_goes_on_after_a_stop(crawling: Crawling, site: LocalSite) -> None:
    days = {
        f"/n/{number}.html": datetime(2026, 9, 25, tzinfo=CHINA) + timedelta(days=4 * number) for number in range(12)
    }
    site.put("/sitemap.xml", urlset(*(row(site, path, f"{day:%Y-%m-%d}") for path, day in days.items())))
    for path, day in days.items():
        site.put(path, article(f"关于水价的公告{path}", f"{day:%Y-%m-%d} 12:30"))
    crawling.source("one", "sitemap", f"{site.url}/sitemap.xml")
    crawling.run()
    before = len(site.asked)
    inside = [path for path, day in days.items() if OCTOBER.since <= day < OCTOBER.until]
    assert crawling.stage.backfill("one", OCTOBER, limit=3).new == 3
    report = crawling.stage.backfill("one", OCTOBER)
    assert (report.ok, report.new) == (True, len(inside) - 3)
    found = [document for document in crawling.documents() if document.published_at.astimezone(CHINA).month == 10]
    assert len(found) == len(inside) == 8
    # Pages before the window are not fetched; of those that changed after its start, each once.
    assert not {path for path, day in days.items() if day.month == 9} & set(site.paths(since=before))
    with pytest.raises(WrongUse, match="no source 'two'"):
        crawling.stage.backfill("two", OCTOBER)


def test_a_backfill_pages_through_a_list_until_it_is_past_the_window(crawling: Crawling, site: LocalSite) -> None:
    def day(page: int, place: int) -> datetime:
        return datetime(2026, 11, 23, tzinfo=CHINA) - timedelta(days=10 * (page - 1) + place)

    for page in range(1, 9):
        rows = ""
        for place in range(4):
            path = f"/n/{page}{place}.html"
            rows += (
                f'<li><a href="{path}">第{page}{place}号关于水价的公告</a><span>{day(page, place):%Y-%m-%d}</span></li>'
            )
            site.put(path, article(f"第{page}{place}号关于水价的公告", f"{day(page, place):%Y-%m-%d} 09:00"))
        site.put(f"/list_{page}.html", f'<ul class="a">{rows}</ul><a href="/list_{page + 1}.html">下一页</a>')
    crawling.source("one", "listing", f"{site.url}/list_1.html")
    crawling.run()
    report = crawling.stage.backfill("one", OCTOBER)
    assert report.ok
    expected = [1 for page in range(1, 9) for place in range(4) if day(page, place).month == 10]
    assert report.new == len(expected)
    # Page 7 is the first that lies wholly before the window.
    assert "/list_7.html" in site.paths()
    assert "/list_8.html" not in site.paths()
    # The next run of its own finds its first page unchanged, as before.
    assert crawling.run().items == 0
