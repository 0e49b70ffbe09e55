"""Every kind is watched, asked and masked alike: states, hosts that rest, addresses, leases, persons."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from crawlers.admission import Admission, Found
from crawlers.health import states
from crawlers.hot_ranks import stays
from crawlers.leases import Leases
from crawlers.operator_tickets import tickets
from crawlers.privacy import AuthorKeys, NamedAccounts
from crawlers.run import Window
from crawlers.stage import backfill_lease
from minsheng.clock import CHINA
from minsheng.records import Attachment, Document, Official
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import put_up

OCTOBER = Window(datetime(2026, 10, 1, tzinfo=CHINA), datetime(2026, 11, 1, tzinfo=CHINA))
PERSON = "联系张先生13800138000"
AUTHORS = AuthorKeys(b"0123456789abcdef", named=NamedAccounts(["云江发布"]))


def put(site: LocalSite, path: str, value: Any) -> None:
    site.put(path, json.dumps(value), media_type="application/json")


def state(crawling: Crawling) -> str:
    return states(crawling.store, crawling.clock)[0].state


def told(crawling: Crawling) -> list[tuple[str, str]]:
    return [(ticket.state, ticket.advice) for ticket in tickets(crawling.store)]


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
