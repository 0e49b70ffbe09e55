"""The crawler's state on PostgreSQL: the same crawls, remembered in the other store."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from crawlers import tables
from crawlers.health import coverage, overview, state_of, states
from crawlers.rhythm import HOUR, Hour, learn
from crawlers.sources import Source, save
from minsheng.clock import ManualClock
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import SCENES, put_up
from tests.stores import made_store

pytestmark = pytest.mark.postgresql


def test_crawls_are_remembered(tmp_path: Path, site: LocalSite, postgresql_url: str) -> None:
    crawling = Crawling(tmp_path)
    crawling.store.close()
    crawling.store = made_store(postgresql_url)
    try:
        since = crawling.clock.now()
        for kind in SCENES:
            url, options = put_up(kind, site)
            crawling.source(kind.replace("_", "-"), kind, url, **options)
        (tmp_path / "sources" / "broken.toml").write_text("oops", encoding="utf-8")
        first = crawling.stage.run_once()
        again = crawling.stage.run_once()
        assert sum(report.new for report in first) == sum(len(scene.expect) for scene in SCENES.values())
        assert all(report.ok and not report.items for report in again[:-1])
        # The message without a reply is asked for again, and the list has nothing to say of it.
        crawling.clock.advance(hours=7)
        before = len(site.asked)
        assert crawling.run("board").ok
        assert "/msg?tid=2" in site.paths(since=before, status=304)
        assert "/msg?tid=1" not in site.paths(since=before)
        seen = coverage(crawling.store, crawling.clock, since, crawling.clock.now())
        assert seen.seen == ["board"]
        assert seen.total == len(SCENES)
    finally:
        crawling.close()


def test_sources_are_judged_by_their_rhythms(postgresql_url: str) -> None:
    store, clock = made_store(postgresql_url), ManualClock(NOW)
    rhythm = learn([Hour(NOW - hours * HOUR, 5) for hours in range(24 * 14, 0, -1)], NOW)
    assert rhythm is not None
    with store.begin() as connection:
        for name, silent in (("lively", 1), ("silent", 60)):
            save(store, [(Source(id=name, kind="feed", url="http://h/"), None)], connection)
            values = {"source_id": name, "last_run_at": NOW, "last_ok_at": NOW, "last_item_at": NOW - silent * HOUR,
                      "rhythm": msgspec.to_builtins(rhythm)}  # fmt: skip
            connection.execute(tables.crawl_state.insert().values(**values))
    found = overview(store, clock, NOW - 24 * HOUR, NOW)
    assert {one.id: one.state for one in found.sources} == {"lively": "well", "silent": "quiet"}
    assert found.coverage.seen == ["lively"]
    assert [one.state for one in states(store, clock)] == ["well", "quiet"]
    alone = state_of(store, clock, "silent")
    assert alone is not None and alone.expected is not None and alone.expected.typical > 50
    store.close()
