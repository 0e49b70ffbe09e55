"""The crawler's state on PostgreSQL: the same crawls, remembered in the other store."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawlers.health import coverage
from tests.crawlers.conftest import Crawling
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
