"""Every kind is watched, asked and masked alike: states, hosts that rest, addresses, leases, persons."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from crawlers.admission import Admission, Found
from crawlers.backfills import Window
from crawlers.health import states
from crawlers.hot_ranks import stays
from crawlers.leases import Leases
from crawlers.logins import Logins
from crawlers.operator_tickets import tickets
from crawlers.privacy import AuthorKeys, NamedAccounts
from crawlers.stage import backfill_lease
from minsheng.clock import CHINA
from minsheng.records import Attachment, Document, Official
from sample.files import pdf
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import article, put_up
from tests.crawlers.test_crawl_sitemaps import row, urlset

OCTOBER = Window(datetime(2026, 10, 1, tzinfo=CHINA), datetime(2026, 11, 1, tzinfo=CHINA))
PERSON = "联系张先生13800138000"
AUTHORS = AuthorKeys(b"0123456789abcdef", named=NamedAccounts(["云江发布"]))


def put(site: LocalSite, path: str, value: Any) -> None:
    site.put(path, json.dumps(value), media_type="application/json")


def state(crawling: Crawling) -> str:
    return states(crawling.store, crawling.clock)[0].state


def told(crawling: Crawling) -> list[tuple[str, str]]:
    return [(ticket.state, ticket.advice) for ticket in tickets(crawling.store)]


def test_an_ended_login_is_a_state_with_a_ticket_until_it_is_renewed(crawling: Crawling, site: LocalSite) -> None:
    good = {"ok": 1, "data": {"statuses": [{"id": "1", "text": "水价", "user": {"id": 7}, "created_at": "今天 09:30"}]}}
    crawling.source("one", "weibo_search", f"{site.url}/s")
    put(site, "/s", good)
    crawling.run()
    put(site, "/s", {"ok": -100, "url": "https://passport.weibo.example/signin"})
    report = crawling.run()
    assert (report.ok, report.fault, state(crawling)) == (False, "login", "cookie")
    ((named, advice),) = told(crawling)
    assert (named, "minsheng sources login one" in advice) == ("cookie", True)
    Logins.from_settings(crawling.settings, crawling.store).give("one", "SUB=abc", NOW)
    put(site, "/s", good)
    assert crawling.run().with_login
    assert (state(crawling), told(crawling)) == ("well", [])


def test_a_login_in_a_pages_way_is_a_state_though_the_list_answers(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    Logins.from_settings(crawling.settings, crawling.store).give("one", "SUB=abc", NOW)
    for path in [path for path in site.pages if path != "/robots.txt" and f"{site.url}{path}" != url]:
        site.put(path, "", status=302, headers=(("Location", "/login"),))
    crawling.source("one", "listing", url, **options)
    report = crawling.run()
    assert (report.ok, report.fault, state(crawling)) == (True, "login", "cookie")
    assert "/login" not in site.paths()


def test_an_interface_that_changed_is_a_state_with_a_ticket(crawling: Crawling, site: LocalSite) -> None:
    crawling.source("one", "json_api", f"{site.url}/api", items="data.list")
    put(site, "/api", {"data": {"rows": [{"id": "1", "title": "水价"}]}})
    crawling.run()
    assert state(crawling) == "failing"  # it was never read: its options are wrong
    put(site, "/api", {"data": {"list": [{"id": "1", "title": "水价"}]}})
    crawling.run()
    assert state(crawling) == "well"
    put(site, "/api", {"data": {"rows": [{"id": "1", "title": "水价"}]}})
    assert crawling.run().fault == "layout"
    assert state(crawling) == "layout"
    assert [named for named, _ in told(crawling)] == ["layout"]


def test_a_sitemap_without_news_is_not_empty(crawling: Crawling, site: LocalSite) -> None:
    site.put("/sitemap.xml", urlset(row(site, "/a.html", "2026-11-23")), media_type="text/xml")
    site.put("/a.html", article("水价", "2026-11-23 12:30"))
    crawling.source("one", "sitemap", f"{site.url}/sitemap.xml")
    assert crawling.run().new == 1
    crawling.clock.advance(days=30)
    for n in range(1, 6):
        # Changed each time, so that it is read and not only asked for.
        site.put("/sitemap.xml", urlset(row(site, "/a.html", "2026-11-23")) + " " * n, media_type="text/xml")
        crawling.clock.advance(hours=1)
        report = crawling.run()
        assert (report.looked, report.unchanged, report.named) == (True, 0, 1)
    assert state(crawling) != "empty"


def test_a_sitemap_whose_maps_have_not_changed_is_not_empty(crawling: Crawling, site: LocalSite) -> None:
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    index = f"<sitemapindex {space}><sitemap><loc>{site.url}/inner.xml</loc></sitemap></sitemapindex>"
    site.put("/inner.xml", urlset(row(site, "/a.html", "2026-11-23")), media_type="text/xml")
    site.put("/a.html", article("水价", "2026-11-23 12:30"))
    crawling.source("one", "sitemap", f"{site.url}/sitemap.xml")
    for n in range(5):
        site.put("/sitemap.xml", index + " " * n, media_type="text/xml")
        report = crawling.run()
        crawling.clock.advance(hours=1)
    assert (report.ok, report.looked, site.asked[-1].status) == (True, False, 304)
    assert state(crawling) == "well"


def government(crawling: Crawling, site: LocalSite, file: str) -> None:
    links = "".join(f'<li><a href="/d/{n}.html">关于调整第{n}号供水价格的通知</a></li>' for n in range(4))
    site.put("/g/", f"<html><body><ul class='list'>{links}</ul></body></html>")
    for n in range(4):
        body = "".join(
            f"<p>各区县人民政府：现将第{n}号供水价格调整的有关事项通知如下，请认真贯彻执行。</p>" for _ in range(9)
        )
        link = f'<p><a href="{file}">附件：价格表</a></p>' if n == 0 else ""
        site.put(f"/d/{n}.html", f"<html><body><h1>关于调整第{n}号供水价格的通知</h1>{body}{link}</body></html>")
    crawling.source("one", "government", f"{site.url}/g/", links=".list a")


def test_a_file_inside_our_own_network_is_not_asked_for(crawling: Crawling, site: LocalSite) -> None:
    government(crawling, site, site.url.replace("127.0.0.1", "127.0.0.2") + "/secret.pdf")
    report = crawling.run()
    assert (report.ok, report.new, report.rejected) == (True, 4, {"attachment can't be read": 1})
    assert "/secret.pdf" not in site.paths()


def test_a_sitemap_inside_our_own_network_is_not_asked_for(crawling: Crawling, site: LocalSite) -> None:
    inside = site.url.replace("127.0.0.1", "127.0.0.2") + "/inner.xml"
    index = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{inside}</loc></sitemap></sitemapindex>'
    site.put("/sitemap.xml", index, media_type="text/xml")
    crawling.source("one", "sitemap", f"{site.url}/sitemap.xml")
    report = crawling.run()
    assert (report.ok, report.blocked) == (False, False)
    assert "crawl.allowed_networks" in report.error
    assert "/inner.xml" not in site.paths()


def test_a_host_that_refuses_files_rests_and_nothing_is_lost(crawling: Crawling, site: LocalSite) -> None:
    files = LocalSite()
    files.put("/table.pdf", "", status=429, headers=(("Retry-After", "600"),))
    government(crawling, site, f"{files.url}/table.pdf")
    stage = crawling.stage
    first = stage.run_once()[0]
    assert (first.ok, first.new, first.failed) == (True, 4, 1)
    second = stage.run_once()[0]  # the host rests: it is not asked
    assert second.resting_until is not None
    assert files.paths() == ["/table.pdf"]
    files.put("/table.pdf", pdf(["priced at 3.10"]), media_type="application/pdf")
    crawling.clock.advance(hours=7)
    assert stage.run_once()[0].items == 1
    assert any("priced" in document.text for document in crawling.documents())
    files.close()


def test_a_page_is_taken_though_what_it_leads_to_cannot_be_had(crawling: Crawling, site: LocalSite) -> None:
    government(crawling, site, "http://127.0.0.1:1/table.pdf")
    report = crawling.run()
    assert (report.ok, report.new, report.failed) == (True, 4, 1)
    assert report.error == "http://127.0.0.1:1/table.pdf: http://127.0.0.1:1/robots.txt: connection refused"


def test_what_stands_in_for_a_page_is_taken_while_its_host_rests(crawling: Crawling, site: LocalSite) -> None:
    pages = LocalSite()
    pages.put("/1", "", status=429)
    entry = f"<item><title>水价</title><link>{pages.url}/%d</link><description>听证会</description></item>"
    items = "".join(entry % n for n in (1, 2, 3))
    site.put("/feed", f"<rss version='2.0'><channel><title>h</title>{items}</channel></rss>", media_type="text/xml")
    pages.put("/2", "", status=429)
    pages.put("/3", "", status=429)
    crawling.source("one", "feed", f"{site.url}/feed", full_text=True)
    crawling.run()
    assert {document.text for document in crawling.documents()} == {"听证会"}
    assert len({document.url for document in crawling.documents()}) == 3
    pages.close()


def test_one_backfill_of_a_source_at_a_time_beside_its_crawls(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    crawling.source("one", "listing", url, **options)
    stage = crawling.stage
    other = Leases(crawling.store, crawling.clock)
    other.beat()
    assert other.claim_named([backfill_lease("one")]) == [backfill_lease("one")]
    assert "another backfill" in stage.backfill("one", OCTOBER).error
    assert stage.run_once()[0].ok  # it is watched meanwhile
    other.leave()
    assert stage.backfill("one", OCTOBER).ok
    assert other.claim_named([backfill_lease("one")])  # given back
    assert [one.id for one in states(crawling.store, crawling.clock)] == ["one"]


def test_a_backfill_asks_no_host_that_rests(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    site.put(url.removeprefix(site.url), "", status=429)
    crawling.source("one", "listing", url, **options)
    crawling.run()
    asked = len(site.paths())
    report = crawling.stage.backfill("one", OCTOBER)
    assert (report.ok, report.resting_until is not None) == (False, True)
    assert len(site.paths()) == asked


def test_official_words_files_and_regions_name_no_person() -> None:
    found = Found(
        key="1",
        kind="news",
        text="@云江发布 答复 @张三丰",
        region=PERSON,
        attachments=(Attachment(url="http://h/a.pdf", name=f"{PERSON}.pdf"),),
        official=Official(
            number="云政办发〔2026〕33号", index_number="012345678/2026-00123", issuer=PERSON, topic=PERSON
        ),
    )
    document = Admission("one", AUTHORS)(found, NOW)
    assert isinstance(document, Document)
    assert b"138" not in msgspec.json.encode(document)
    assert document.text == "@云江发布 答复 @用户"
    assert document.official is not None
    assert document.official.number == "云政办发〔2026〕33号"
    assert document.official.index_number == "012345678/2026-00123"


def test_hot_terms_name_no_person(crawling: Crawling, site: LocalSite) -> None:
    terms = [{"word": word, "num": 10} for word in ("水价听证", "举报请打13800138000", "停车收费")]
    put(site, "/hot", {"data": {"realtime": terms}})
    crawling.source("one", "hot", f"{site.url}/hot")
    assert crawling.run().new == 3
    assert "举报请打[电话]" in {stay.word for stay in stays(crawling.store, NOW - timedelta(hours=1))}
    assert all("1380" not in document.title for document in crawling.documents())


@pytest.mark.parametrize("kind", ["hot", "json_api"])
def test_kinds_that_read_answers_obey_robots_txt(kind: str, crawling: Crawling, site: LocalSite) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /x", media_type="text/plain")
    put(site, "/x", {"data": [{"word": "a", "title": "a"}]})
    crawling.source("one", kind, f"{site.url}/x")
    report = crawling.run()
    assert (report.ok, report.blocked, state(crawling)) == (False, True, "blocked")
    assert site.paths() == []
