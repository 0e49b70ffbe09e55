"""Backfills of kinds whose finds stand in the source's own pages: back to the window's start, bounded, gone on with."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.backfills import Window
from crawlers.run import RunReport
from crawlers.spiders import base
from minsheng.clock import CHINA
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite

OCTOBER = Window(datetime(2026, 10, 10, tzinfo=CHINA), datetime(2026, 11, 1, tzinfo=CHINA))
PAGES = 6
"""Page 1 is of November, then five days of October a page; what is of the tenth or later stands on pages 2 to 5."""


def day(page: int, row: int) -> str:
    return f"2026-11-0{2 - row}" if page == 1 else f"2026-10-{31 - (page - 2) * 6 - row * 3:02d}"


class Kind(NamedTuple):
    path: str
    options: dict[str, Any]


def json_api(site: LocalSite) -> Kind:
    for page in range(1, PAGES + 1):
        rows = [{"id": page * 10 + n, "title": f"第{page}页{n}", "time": f"{day(page, n)} 12:30"} for n in (0, 1)]
        site.put(f"/api?page={page}", json.dumps({"rows": rows}))
    return Kind("/api?page={page}", {})


def by_mark(site: LocalSite) -> Kind:
    for page in range(1, PAGES + 1):
        rows = [{"id": page * 10 + n, "title": f"第{page}页{n}", "time": f"{day(page, n)} 12:30"} for n in (0, 1)]
        site.put(f"/c?after={'' if page == 1 else f'm{page}'}", json.dumps({"rows": rows, "next": f"m{page + 1}"}))
    return Kind("/c?after={cursor}", {"cursor": "next"})


def weibo_search(site: LocalSite) -> Kind:
    for page in range(1, PAGES + 1):
        posts = [
            {"id": f"{page}{n}", "text": f"水价{page}{n}", "user": {"id": 7}, "created_at": f"{day(page, n)} 12:30:00"}
            for n in (0, 1)
        ]
        site.put(f"/s?page={page}", json.dumps({"ok": 1, "data": {"statuses": posts}}))
    return Kind("/s?page={page}", {})


def mastodon(site: LocalSite) -> Kind:
    for page in range(1, PAGES + 1):
        posts = [
            {
                "id": f"{page}{n}",
                "created_at": f"{day(page, n)}T12:30:00+08:00",
                "content": f"水价{page}{n}",
                "account": {"acct": "zhou"},
            }
            for n in (0, 1)
        ]
        following = (("Link", f'</api/v1/timelines/public?p={page + 1}>; rel="next"'),)
        site.put(f"/api/v1/timelines/public?p={page}", json.dumps(posts), headers=following)
    return Kind("/api/v1/timelines/public?p=1", {})


KINDS = {"json_api": json_api, "json_api by mark": by_mark, "weibo_search": weibo_search, "mastodon": mastodon}


def begin(kind: str, crawling: Crawling, site: LocalSite) -> None:
    made = KINDS[kind](site)
    crawling.source("one", kind.partition(" ")[0], f"{site.url}{made.path}", **made.options)


def backfill(crawling: Crawling, limit: int | None = None) -> RunReport:
    return crawling.stage.backfill("one", OCTOBER, limit=limit)


def places(crawling: Crawling) -> int:
    with crawling.store.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.backfill_positions)).scalar_one()


every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


@every_kind
def test_goes_back_to_the_windows_start_and_no_further(kind: str, crawling: Crawling, site: LocalSite) -> None:
    begin(kind, crawling, site)
    report = backfill(crawling)
    assert (report.ok, report.error, report.unfinished) == (True, "", False)
    days = sorted(one.published_at.astimezone(CHINA).strftime("%m-%d") for one in crawling.documents())
    assert days == ["10-10", "10-13", "10-16", "10-19", "10-22", "10-25", "10-28", "10-31"]
    # Page 6 is the first on which all is older than the window.
    assert len(site.paths()) == PAGES
    assert places(crawling) == 0


@every_kind
def test_a_limit_is_kept_and_the_next_one_goes_on(kind: str, crawling: Crawling, site: LocalSite) -> None:
    begin(kind, crawling, site)
    reports = [backfill(crawling, limit=2)]
    assert (reports[0].unfinished, len(site.paths()), len(crawling.documents())) == (True, 2, 2)
    while reports[-1].unfinished:
        reports.append(backfill(crawling, limit=2))
        assert len(reports) < 9
    assert all(report.ok for report in reports)
    assert len(crawling.documents()) == 8
    # Each begins with the page that the one before it ended with.
    assert len(site.paths()) == 2 + 2 * 4
    assert places(crawling) == 0


@every_kind
def test_goes_on_where_the_host_failed(kind: str, crawling: Crawling, site: LocalSite) -> None:
    begin(kind, crawling, site)
    fourth = [path for path in site.pages if path != "/robots.txt"][3]
    whole = site.pages[fourth]
    site.put(fourth, "broken", status=500)
    assert not backfill(crawling).ok
    assert len(crawling.documents()) == 4
    site.pages[fourth] = whole
    first = len(site.asked)
    assert backfill(crawling).ok
    assert len(crawling.documents()) == 8
    assert len(site.paths(since=first)) == 4  # the third page once more, and the three after it


def test_a_mark_that_is_not_known_any_more_is_told_and_the_next_one_begins_anew(
    crawling: Crawling, site: LocalSite
) -> None:
    begin("json_api by mark", crawling, site)
    backfill(crawling, limit=3)
    site.put("/c?after=m3", json.dumps({"code": 410, "msg": "游标已过期"}))
    report = backfill(crawling)
    assert not report.ok
    assert "游标已过期" in report.error
    begin("json_api by mark", crawling, site)
    assert backfill(crawling).ok
    assert len(crawling.documents()) == 8
    site.put("/c?after=m3", "", status=410)
    backfill(crawling, limit=2)


def test_a_service_that_gives_its_last_page_for_ever_comes_to_an_end(crawling: Crawling, site: LocalSite) -> None:
    rows = [{"id": 1, "title": "水价", "time": "2026-10-20 12:30"}]
    for page in range(1, 9):
        site.put(f"/api?page={page}", json.dumps({"rows": rows}))
    crawling.source("one", "json_api", f"{site.url}/api?page={{page}}")
    assert backfill(crawling).ok
    assert site.paths() == ["/api?page=1", "/api?page=2"]


def test_no_backfill_reads_without_bounds(crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    begin("json_api", crawling, site)
    monkeypatch.setattr(base, "MOST_PAGES", 3)
    report = backfill(crawling)
    assert (report.ok, report.unfinished, len(site.paths())) == (True, True, 3)
    report = backfill(crawling)
    assert (report.unfinished, len(site.paths())) == (True, 6)
    assert not backfill(crawling).unfinished
    assert len(crawling.documents()) == 8


def test_windows_are_told_apart(crawling: Crawling, site: LocalSite) -> None:
    begin("json_api", crawling, site)
    backfill(crawling, limit=2)
    first = len(site.asked)
    crawling.stage.backfill("one", OCTOBER._replace(since=datetime(2026, 10, 25, tzinfo=CHINA)))
    assert site.paths(since=first)[0] == "/api?page=1"
