"""How hosts are asked: robots.txt, pace, budgets, hours, and what happens when they refuse us."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest
from structlog.testing import capture_logs

from crawlers.host_rules import HostRule, HostRules
from crawlers.politeness import (
    FIRST_PAUSE,
    FORBIDDEN_RUN,
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    HostGate,
    user_agent,
)
from crawlers.robots import MOST_HOSTS, RobotsMemory, _Kept
from minsheng.clock import CHINA, ManualClock
from minsheng.errors import WrongSettings
from minsheng.settings import CrawlSettings, HostSettings, load_settings
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import put_up
from tests.crawlers.test_crawl_runs import serve_list

NOON = datetime(2026, 11, 24, 12, tzinfo=CHINA)


def robots(site: LocalSite, text: str, **served: object) -> None:
    site.put("/robots.txt", text, media_type="text/plain", **served)


def all_paths(site: LocalSite, since: int = 0) -> list[str]:
    return [asked.path for asked in site.asked[since:]]


def test_robots_txt_is_asked_for_once_by_all_sources(crawling: Crawling, site: LocalSite) -> None:
    robots(site, "User-agent: *\nDisallow: /secret/")
    url, options = put_up("feed", site)
    for n in range(3):
        crawling.source(f"s{n}", "feed", url, **options)
    stage = crawling.stage
    assert all(report.ok for report in [*stage.run_once(), *stage.run_once()])
    assert all_paths(site).count("/robots.txt") == 1


def test_what_robots_txt_forbids_is_not_asked_for(crawling: Crawling, site: LocalSite) -> None:
    robots(site, "User-agent: *\nAllow: /\n\nUser-agent: Minsheng\nDisallow: /a/")
    serve_list(site, 3)
    crawling.source("one", "listing", f"{site.url}/list/")
    report = crawling.run()
    assert report.rejected == {"forbidden by robots.txt": 3}
    assert site.paths() == ["/list/"]


def test_what_was_forbidden_is_asked_for_when_it_may_be(crawling: Crawling, site: LocalSite) -> None:
    robots(site, "User-agent: *\nDisallow: /a/")
    serve_list(site, 3)
    crawling.source("one", "listing", f"{site.url}/list/")
    assert crawling.run().new == 0
    crawling.crawl["hosts"] = (HostSettings(host="127.0.0.1", robots_permission="网站管理处，2026-11-24，来函"),)
    site.put("/list/", site.pages["/list/"].body + b"<!-- changed -->")
    assert crawling.run().new == 0  # not asked again at each run
    crawling.clock.advance(hours=7)
    site.put("/list/", site.pages["/list/"].body + b"<!-- changed again -->")
    assert crawling.run().new == 3


def test_robots_txt_of_only_so_many_hosts_are_kept() -> None:
    memory = RobotsMemory()
    for n in range(MOST_HOSTS + 100):
        memory.locks[f"h{n}.example"] = asyncio.Lock()
        memory.keep(f"h{n}.example", _Kept(None, 0.0))
    assert len(memory.kept) == len(memory.locks) == MOST_HOSTS
    assert "h0.example" not in memory.kept
    assert f"h{MOST_HOSTS + 99}.example" in memory.kept


def test_without_its_robots_txt_a_host_is_not_asked(crawling: Crawling, site: LocalSite) -> None:
    robots(site, "", status=503)
    serve_list(site, 2)
    crawling.source("one", "listing", f"{site.url}/list/")
    report = crawling.run()
    assert not report.ok
    assert "/robots.txt answered 503" in report.error
    assert site.paths() == []
    del site.pages["/robots.txt"]
    assert crawling.run().new == 2


def test_crawl_delay_is_obeyed(crawling: Crawling, site: LocalSite) -> None:
    robots(site, "User-agent: *\nCrawl-delay: 0.4")
    serve_list(site, 3)
    crawling.source("one", "listing", f"{site.url}/list/")
    report = crawling.run()
    assert report.new == 3
    # The list and three articles: three pauses after the first.
    assert report.seconds >= 1.2


def test_a_crawl_delay_beyond_patience_ends_the_run_and_the_next_goes_on(crawling: Crawling, site: LocalSite) -> None:
    robots(site, "User-agent: *\nRequest-rate: 1/600")
    serve_list(site, 2)
    crawling.source("one", "listing", f"{site.url}/list/")
    report = crawling.run()
    assert (report.ok, report.failed, report.blocked) == (True, 2, False)
    assert "wants long pauses" in report.error
    assert site.paths() == ["/list/"]


def test_a_written_permission_is_named_in_the_log(crawling: Crawling, site: LocalSite) -> None:
    robots(site, "User-agent: *\nDisallow: /")
    serve_list(site, 2)
    crawling.source("one", "listing", f"{site.url}/list/")
    assert "forbidden by robots.txt" in crawling.run().error
    note = "网信科 2026-03-01 函〔2026〕5号，存档于值班室"
    crawling.crawl["hosts"] = (HostSettings(host="127.0.0.1", robots_permission=note),)
    with capture_logs() as logs:
        assert crawling.run().new == 2
    said = [entry for entry in logs if entry["event"] == "robots_txt_passed_over"]
    assert [(entry["source"], entry["permission"]) for entry in said] == [("one", note)]


def test_a_permission_must_say_something() -> None:
    with pytest.raises(WrongSettings, match="says too little"):
        load_settings(environ={"MINSHENG_CRAWL__HOSTS": '[{ host = "a.example", robots_permission = "ok" }]'})


@pytest.mark.parametrize("hours", ["22-6-8", "25:00-06:00", "22:00", "06:00-06:00"])
def test_hours_that_are_none_are_told(hours: str) -> None:
    with pytest.raises(WrongSettings, match=r"crawl\.hosts"):
        load_settings(environ={"MINSHENG_CRAWL__HOSTS": f'[{{ host = "a.example", hours = "{hours}" }}]'})


def test_too_many_requests_stops_the_crawl_for_as_long_as_the_host_says(crawling: Crawling, site: LocalSite) -> None:
    serve_list(site, 20)
    crawling.crawl["per_host_concurrency"] = 1
    crawling.source("one", "listing", f"{site.url}/list/")
    for n in range(3, 20):
        site.put(f"/a/{n}.html", "", status=429, headers=(("Retry-After", "600"),))
    report = crawling.run()
    assert report.blocked
    assert report.resting_until == crawling.clock.now() + timedelta(seconds=600)
    refused = [asked for asked in site.asked if asked.status == 429]
    assert len(refused) == 1
    # Neither the next run nor a new process asks again before.
    before = len(site.asked)
    crawling.clock.advance(seconds=590)
    again = crawling.run()
    assert (again.ok, again.blocked) == (False, True)
    assert "answered 429; asked again from" in again.error
    assert all_paths(site, before) == []
    serve_list(site, 20)
    crawling.clock.advance(seconds=20)
    assert crawling.run().ok
    assert len({document.url for document in crawling.documents()}) == 20


def test_a_date_is_kept_too(crawling: Crawling, site: LocalSite) -> None:
    crawling.clock.set(datetime(2026, 11, 24, 4, 0, tzinfo=UTC))
    late = (("Retry-After", "Tue, 24 Nov 2026 05:30:00 GMT"),)
    site.put("/feed.xml", "", status=503, headers=late)
    crawling.source("one", "feed", f"{site.url}/feed.xml")
    assert crawling.run().resting_until is None  # it says so only after it was asked
    report = crawling.run()
    assert report.resting_until == datetime(2026, 11, 24, 5, 30, tzinfo=UTC)


def test_pauses_grow_and_end_with_a_good_answer() -> None:
    clock = ManualClock(NOON)
    gate = HostGate(clock=clock)
    pauses = []
    for _ in range(12):
        gate.answered("http://h/", 429)
        pause = gate._pause_of("h")
        assert pause is not None
        pauses.append(pause.until - clock.now())
        clock.set(pause.until)
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    gate.answered("http://h/", 200)
    gate.answered("http://h/", 429)
    pause = gate._pause_of("h")
    assert pause is not None
    assert pause.until - clock.now() == FIRST_PAUSE


def test_one_forbidden_page_is_a_page_and_a_row_of_them_is_for_us() -> None:
    gate = HostGate(clock=ManualClock(NOON))
    for _ in range(5):
        gate.answered("http://h/a", 403)
        gate.answered("http://h/b", 200)
    assert gate._pause_of("h") is None
    for _ in range(FORBIDDEN_RUN):
        gate.answered("http://h/a", 403)
    assert gate._pause_of("h") is not None


def test_the_days_budget_ends_the_run_and_the_next_day_goes_on(crawling: Crawling, site: LocalSite) -> None:
    serve_list(site, 10)
    crawling.clock.set(datetime(2026, 11, 24, 23, 0, tzinfo=CHINA))
    crawling.crawl["per_host_daily"] = 6
    crawling.source("one", "listing", f"{site.url}/list/")
    report = crawling.run()
    assert (report.new, report.failed, report.blocked) == (4, 6, False)  # and robots.txt, and the list
    assert "all that its budget allows" in report.error
    assert report.resting_until == datetime(2026, 11, 25, 0, 0, tzinfo=CHINA)
    assert len(site.asked) == 6
    # A new process knows of it.
    again = crawling.run()
    assert len(site.asked) == 6
    assert not again.ok
    crawling.crawl["per_host_daily"] = 50
    crawling.clock.advance(hours=2)
    assert crawling.run().new == 6


def test_a_host_with_hours_is_left_alone_outside_them(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("feed", site)
    crawling.source("one", "feed", url, **options)
    crawling.crawl["hosts"] = (HostSettings(host="127.0.0.1", hours="22:00-06:00"),)
    crawling.clock.set(NOON)
    report = crawling.run()
    assert site.asked == []
    assert report.resting_until == datetime(2026, 11, 24, 22, 0, tzinfo=CHINA)
    assert not report.blocked
    crawling.clock.advance(hours=10)
    assert crawling.run().new == 2


@pytest.mark.parametrize(
    ("hours", "clock", "opens"),
    [
        ("22:00-06:00", 23, 23), ("22:00-06:00", 5, 5), ("22:00-06:00", 6, 22), ("22:00-06:00", 12, 22),
        ("08:00-20:00", 12, 12), ("08:00-20:00", 20, 32), ("08:00-20:00", 3, 8),
    ],
)  # fmt: skip
def test_hours_over_midnight_and_within_a_day(hours: str, clock: int, opens: int) -> None:
    begin, end = (time.fromisoformat(part) for part in hours.split("-"))
    midnight = datetime(2026, 11, 24, tzinfo=CHINA)
    rule = HostRule(0.0, 1, hours=(begin, end))
    assert rule.opens_at(midnight + timedelta(hours=clock)) == midnight + timedelta(hours=opens)


def test_single_hosts_have_rules_of_their_own() -> None:
    entries = (
        HostSettings(host="www.a.example", delay=5.0),
        HostSettings(host=".a.example", concurrency=7, daily=0),
        HostSettings(host="b.example:81", delay=0.0),
    )
    rules = HostRules(HostRule(1.0, 2, 100), entries)
    assert rules["www.a.example"] == HostRule(5.0, 2, 100)
    assert rules["www.a.example:8080"].delay == 5.0
    assert rules["x.y.a.example"] == rules["a.example"] == HostRule(1.0, 7, 0)
    assert rules["nota.example"] == HostRule(1.0, 2, 100)
    assert (rules["b.example:81"].delay, rules["b.example"].delay) == (0.0, 1.0)


def test_we_say_who_we_are_and_how_to_reach_the_operator(crawling: Crawling, site: LocalSite) -> None:
    crawling.crawl["contact"] = "yuqing@gov.example"
    url, options = put_up("feed", site)
    crawling.source("one", "feed", url, **options)
    crawling.run()
    agents = {asked.headers["User-Agent"] for asked in site.asked}
    assert agents == {user_agent(CrawlSettings(contact="yuqing@gov.example"))}
    assert "(+yuqing@gov.example)" in agents.pop()


def test_a_host_may_be_asked_faster_than_others(crawling: Crawling, site: LocalSite) -> None:
    serve_list(site, 8, seconds=0.3)
    crawling.source("one", "listing", f"{site.url}/list/")
    crawling.crawl |= {
        "per_host_delay": 2.0,
        "per_host_concurrency": 1,
        "hosts": (HostSettings(host="127.0.0.1", delay=0.0, concurrency=4),),
    }
    report = crawling.run()
    assert report.new == 8
    assert report.seconds < 8
    assert site.most_at_once > 1


@pytest.mark.parametrize("header", ["9" * 5000, "-1", "soon", "Tue, 99 Nov 2026 12:00:00 GMT"])
def test_a_retry_after_that_is_none_is_a_pause_all_the_same(header: str) -> None:
    gate = HostGate(clock=ManualClock(NOON))
    gate.answered("http://h.example/", 429, header)
    pause = gate._pause_of("h.example")
    assert pause is not None
    assert NOON + FIRST_PAUSE <= pause.until <= NOON + LONGEST_RETRY_AFTER
