"""What a look at a source shows and proposes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from crawlers.charset import decode
from crawlers.checking import check, check_address, rhythm
from crawlers.linking import article_links, block_selector, next_page, selected_links
from crawlers.markup import parse_html
from crawlers.privacy.named_accounts import FILE
from crawlers.sources import Source, make_source, source_file
from minsheng.clock import CHINA, SystemClock
from sample.site import SampleSite
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import article, put_up
from tests.crawlers.test_crawl_feeds import item, rss
from tests.shared_data import shared_data

LISTED = {
    "dfa66_announcement": (10, "li.clearfix > a"),
    "hrfund_announcement": (10, "h2.fnt_18 > a"),
    "hsqhfunds_announcement": (20, "div.list-all > a"),
    "netease_international_news": (140, "div.news_title > h3 > a"),
    "rtfund_xxpl": (15, "div#expertList1 > ul > li > a"),
    "tencent_important_news": (10, "div.detail > h3 > a"),
    "zhihu_search_result": (56, "h2.ContentItem-title > a"),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", LISTED)
def test_real_lists_are_found_with_a_selector(name: str) -> None:
    page = shared_data("pages") / "list" / f"{name}.html"
    tree = parse_html(decode(page.read_bytes()))
    assert tree is not None
    found = article_links(tree, "http://h.example/")
    assert (len(found), block_selector(tree, "http://h.example/")) == LISTED[name]
    assert selected_links(tree, "http://h.example/", LISTED[name][1]) == found


def test_a_next_page_lies_at_the_same_host() -> None:
    tree = parse_html('<a href="http://other.example/2">下一页</a><a href="/list_2.html">2</a>')
    assert tree is not None
    assert next_page(tree, "http://h.example/", 1) == "http://h.example/list_2.html"


def test_a_rhythm_is_half_the_mean_pause_and_three_times_the_longest() -> None:
    assert rhythm([NOW - timedelta(hours=2 * n) for n in range(10)]) == ("1h", "6h")
    assert rhythm([NOW - timedelta(minutes=4 * n) for n in range(10)]) == ("5m", "6h")
    assert rhythm([NOW - timedelta(days=30 * n) for n in range(10)]) == ("1d", "8w")
    days = [NOW.astimezone(CHINA).replace(hour=0, minute=0) - timedelta(days=n // 5) for n in range(20)]
    assert rhythm(days) == ("1h", "3d")
    assert rhythm([NOW] * 9) == rhythm([NOW, NOW - timedelta(days=1)]) == ("", "")


def test_all_that_is_listed_is_shown_and_some_of_it_fetched(crawling: Crawling, site: LocalSite) -> None:
    url, _ = put_up("listing", site)
    checked = check_address(url, None, {}, crawling.settings, crawling.clock, limit=1)
    assert [(one.title, one.text is not None) for one in checked.taken] == [
        ("水费重复扣收核查进展公布", True),
        ("学区划分方案公开征求意见", False),
        ("老旧小区加装电梯补贴标准", False),
    ]
    assert [f"{one.published_at:%m-%d}" for one in checked.taken if one.published_at] == ["11-23"] * 3
    assert checked.proposed.options == {"links": "ul.list > li > a"}
    again = make_source({"id": "x", **_read(source_file(checked.proposed))}, "file")
    assert check(again, crawling.settings, crawling.clock, limit=1).taken == checked.taken


def _read(text: str) -> dict[str, object]:
    import tomllib

    values = tomllib.loads(text)
    del values["id"]
    return values


def test_a_look_goes_one_page_further_than_the_first(crawling: Crawling, site: LocalSite) -> None:
    for number in (1, 2, 3):
        rows = "".join(f'<li><a href="/n/{number}{n}.html">第{number}{n}号关于水价的公告</a></li>' for n in range(4))
        site.put(f"/list_{number}.html", f'<ul class="a">{rows}</ul><a href="/list_{number + 1}.html">下一页</a>')
    source = Source(id="one", kind="listing", url=f"{site.url}/list_1.html")
    checked = check(source, crawling.settings, crawling.clock, limit=1)
    assert len(checked.taken) == 8
    assert "/list_3.html" not in site.paths()


@pytest.mark.parametrize(("entries", "kind"), [((0, 1), "feed"), ((7, 8, 9), "listing")])
def test_a_page_is_read_by_its_feed_where_that_tells_the_same(
    entries: tuple[int, ...], kind: str, crawling: Crawling, site: LocalSite
) -> None:
    url, _ = put_up("listing", site)
    page = site.pages["/news/"].body.replace(
        b"<head>", b'<head><link rel="alternate" type="application/rss+xml" href="/f">'
    )
    site.put("/news/", page)
    site.put("/f", rss(*(item(f"第{n}条", f"{site.url}/n/{n}.html", date="2026-11-23 12:30") for n in entries)))
    checked = check_address(url, None, {}, crawling.settings, crawling.clock)
    assert checked.source.kind == kind
    assert checked.feeds == [f"{site.url}/f"]
    if kind == "feed":
        assert checked.proposed.url == f"{site.url}/f"
        assert checked.proposed.options == {"full_text": True}


def test_boards_and_government_columns_are_told_from_lists(crawling: Crawling) -> None:
    with SampleSite(anchor=crawling.clock.now(), clock=crawling.clock) as sample:
        for path, kind in (("gov", "government"), ("board", "board"), ("lanyang", "listing")):
            checked = check_address(f"{sample.base_url}/{path}/", None, {}, crawling.settings, crawling.clock, limit=4)
            assert (checked.source.kind, bool(checked.documents)) == (kind, True)


def test_a_list_whose_titles_only_read_like_documents_stays_a_list(crawling: Crawling, site: LocalSite) -> None:
    rows = "".join(f'<li><a href="/n/{n}.html">第{n}号公告发布引发热议</a></li>' for n in range(4))
    site.put("/news/", f'<ul class="a">{rows}</ul>')
    for n in range(4):
        site.put(f"/n/{n}.html", article(f"第{n}号公告发布引发热议", "2026-11-23 12:30"))
    assert check_address(f"{site.url}/news/", None, {}, crawling.settings, crawling.clock).source.kind == "listing"


def test_a_look_leaves_hosts_alone_that_rest(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    site.put(url.removeprefix(site.url), "", status=429)
    crawling.source("one", "listing", url, **options)
    crawling.run()
    asked = len(site.asked)
    source = make_source({"id": "one", "kind": "listing", "url": url, "options": options}, "a test")
    checked = check(source, crawling.settings, crawling.clock, store=crawling.store)
    assert (checked.report.ok, checked.report.resting_until is not None) == (False, True)
    assert len(site.asked) == asked


def test_a_look_is_within_the_days_budget_and_counts_to_it(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    crawling.crawl["per_host_daily"] = 3
    source = make_source({"id": "one", "kind": "listing", "url": url, "options": options}, "a test")
    check(source, crawling.settings, crawling.clock, store=crawling.store)
    asked = len(site.paths())
    assert asked <= 3
    again = check(source, crawling.settings, crawling.clock, store=crawling.store)
    assert "all that its budget allows" in again.report.error
    assert len(site.paths()) == asked


def test_a_look_names_the_accounts_that_keep_their_names(crawling: Crawling, site: LocalSite) -> None:
    crawling.settings.path(FILE).write_text("云江发布\n", encoding="utf-8")
    site.put("/f", rss(item("@云江发布 答复 @张三丰 说水价不变", "/1")), media_type="text/xml")
    source = make_source({"id": "one", "kind": "feed", "url": f"{site.url}/f"}, "a test")
    (document,) = check(source, crawling.settings, crawling.clock).documents
    assert document.title == "@云江发布 答复 @用户 说水价不变"


def test_a_look_is_told_by_its_answer_not_by_the_log(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    with capture_logs() as looked:
        assert check_address(url, None, {}, crawling.settings, SystemClock()).source.kind == "listing"
    assert [one["event"] for one in looked if one["log_level"] != "debug"] == []
    crawling.source("one", "listing", url, **options)
    with capture_logs() as crawled:
        crawling.run()
    assert "crawled" in [one["event"] for one in crawled if one["log_level"] == "info"]
