"""Every kind of source goes through the same checks against a local site."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawlers.spiders import KINDS
from minsheng.records import document_id
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import SCENES, put_up, words

TIME = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


def own_page(url: str, site: LocalSite) -> str:
    """The path of a source's own page."""
    return url.removeprefix(site.url).replace("{query}", "水费").replace("{page}", "1")


WEB = sorted(kind for kind, spider in KINDS.items() if "http" in spider.schemes)
"""Those of the web; test_crawl_mail.py does for mail folders what these checks do for them."""
every_kind = pytest.mark.parametrize("kind", WEB)


def test_every_kind_has_a_scene() -> None:
    assert sorted(SCENES) == WEB


@every_kind
def test_gives_its_documents(kind: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site)
    crawling.source("one", kind, url, **options)
    report = crawling.run()
    documents = crawling.documents()
    assert (report.ok, report.error, report.failed) == (True, "", 0)
    assert sorted(map(words, documents)) == sorted(SCENES[kind].expect)
    assert {document.published_at for document in documents} == {TIME}
    assert not any(document.published_estimated for document in documents)
    assert report.new == len(documents)
    assert all("13800138000" not in document.text for document in documents)


@every_kind
def test_is_honest_and_obeys_robots(kind: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site)
    site.put("/robots.txt", "User-agent: Minsheng\nDisallow: /\n", media_type="text/plain")
    crawling.crawl["contact"] = "duty@yunjiang.example"
    crawling.source("one", kind, url, **options)
    report = crawling.run()
    assert not report.ok
    assert "robots.txt" in report.error
    assert site.paths() == []
    assert site.asked[0].headers["User-Agent"].startswith("Minsheng/")
    assert site.asked[0].headers["User-Agent"].endswith("(+duty@yunjiang.example)")


@every_kind
def test_unchanged_is_not_fetched_twice(kind: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site)
    crawling.source("one", kind, url, **options)
    crawling.run()
    first = len(site.asked)
    before = crawling.documents()
    report = crawling.run()
    assert report.ok
    assert report.items == 0
    assert crawling.documents() == before
    assert site.paths(since=first) == site.paths(since=first, status=304) != []
    assert all(site.paths().count(path) == 1 for path in SCENES[kind].content)


@every_kind
def test_charset_is_found_in_spite_of_what_is_declared(kind: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site, charset="gbk")
    # Headers say UTF-8; the bytes are GBK.
    crawling.source("one", kind, url, **options)
    assert crawling.run().ok
    assert sorted(map(words, crawling.documents())) == sorted(SCENES[kind].expect)


@every_kind
@pytest.mark.parametrize("time", ["1970-01-01 08:00:00", "2027-11-23 12:30"])
def test_times_that_nobody_believes_are_estimated(kind: str, time: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site, time=time)
    crawling.source("one", kind, url, **options)
    crawling.run()
    documents = crawling.documents()
    assert len(documents) == len(SCENES[kind].expect)
    for document in documents:
        # A list may give a believable day where the article gives none.
        if document.published_estimated:
            assert document.published_at == document.fetched_at
            assert document.published_raw is not None
        assert datetime(2026, 11, 1, tzinfo=UTC) < document.published_at <= crawling.clock.now()
    assert SCENES[kind].days_in_list or all(document.published_estimated for document in documents)


@every_kind
@pytest.mark.parametrize(
    "body", [b"", b"   \n", b"<rss><channel><item></nonsense", b"\x00\x01\x02\xff\xfe", b"{", b"[]]"]
)
def test_what_cannot_be_read_is_a_clear_failure(kind: str, body: bytes, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site)
    site.put(own_page(url, site), body)
    crawling.source("one", kind, url, **options)
    report = crawling.run()
    assert crawling.documents() == []
    assert not report.ok
    assert report.error
    # It is seen again, whole, as soon as it is well.
    put_up(kind, site)
    assert crawling.run().new == len(SCENES[kind].expect)


@every_kind
def test_too_large_a_body_is_refused_and_told(kind: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site)
    site.put(own_page(url, site), b"<html>" + b"x" * 10_000_001)
    crawling.source("one", kind, url, **options)
    report = crawling.run()
    assert not report.ok
    assert "crawl.max_body" in report.error
    assert crawling.documents() == []


@every_kind
def test_an_error_answer_is_told(kind: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site)
    site.put(own_page(url, site), b"go away", status=403)
    crawling.source("one", kind, url, **options)
    report = crawling.run()
    assert not report.ok
    assert "403" in report.error


@every_kind
def test_ids_come_from_source_and_key(kind: str, crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up(kind, site)
    crawling.source("one", kind, url, **options)
    crawling.source("two", kind, url, **options)
    crawling.stage.run_once()
    by_source: dict[str, set[str]] = {"one": set(), "two": set()}
    for document in crawling.documents():
        by_source[document.source].add(document.id)
        if document.native_id and kind == "weibo_search":
            assert document.id == document_id(document.source, document.native_id)
    assert len(by_source["one"]) == len(by_source["two"]) == len(SCENES[kind].expect)
    assert not by_source["one"] & by_source["two"]
