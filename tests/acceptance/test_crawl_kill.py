"""A crawl killed around the moment at which the log takes what it found: on the log once.

And what is on the log twice all the same, as whoever writes to it may cause, is counted once by all that follow.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import sqlalchemy as sa

from alerts.tables import observations, policy_hours
from minsheng.records import Document, decode
from minsheng.road import Road
from stream.log import DOCUMENTS
from stream.messages import document_message
from tests.acceptance.conftest import Variables, drain, minsheng, opened
from tests.acceptance.outcome import outcome
from tests.acceptance.written import messages
from tests.crawlers.local_site import LocalSite

pytestmark = pytest.mark.timeout(400)
FEEDS, ENTRIES = 1, 60

POLICY = """
id = "second-supply"
title = "云江省城镇二次供水管理办法"
aliases = ["二次供水水质发黄", "二次供水"]
department = "云江省住房和城乡建设厅"
topics = ["城乡建设"]
stage = "in_force"
released_on = 2026-01-05
effective_on = 2026-02-01
"""

_CRAWLER = """
import os, signal, sys
from crawlers.intake import Intake
from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from minsheng.road import Road
from minsheng.settings import load_settings
name, kill = sys.argv[1:]

def killed(instead):
    def call(*given):
        if kill.endswith("after"):
            instead(*given)
        os.kill(os.getpid(), signal.SIGKILL)
    return call

if kill != "live":
    step = "_" + kill.split("-")[0]
    setattr(Intake, step, killed(getattr(Intake, step)))
road = Road(load_settings(), SystemClock())
road.prepare()
(report,) = CrawlStage(road.settings, road.store, road.log, road.clock).run_once([name])
assert report.ok, report
"""


@pytest.fixture
def feeds() -> Iterator[LocalSite]:
    """Feeds of grievances about few matters; every fifth entry has no time."""
    site = LocalSite()
    pick = random.Random(3)
    begun = datetime.now(UTC) - timedelta(hours=6)
    told = list(messages(FEEDS * ENTRIES))
    for feed in range(FEEDS):
        items = []
        for n, (title, text) in enumerate(told[feed * ENTRIES : (feed + 1) * ENTRIES]):
            at = begun + timedelta(minutes=feed * 100 + n)
            when = f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate>" if pick.random() < 0.8 else ""
            items.append(
                f"<item><title>{escape(title)}</title><link>/{feed}/{n}.html</link>{when}"
                f"<description>{escape(text)}</description></item>"
            )
        site.put(f"/{feed}.xml", f"<rss version='2.0'><channel>{''.join(items)}</channel></rss>")
    yield site
    site.close()


def crawl(variables: dict[str, str], name: str, *, kill: str = "live") -> int:
    """Crawl a source, killed before or behind a step of the intake where `kill` names one."""
    environ = {**os.environ, **variables, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", _CRAWLER, name, kill]
    return subprocess.run(command, env=environ, stderr=subprocess.DEVNULL, timeout=120).returncode


def counted(road: Road) -> tuple[list[object], list[object]]:
    """What alerts count by: each document once, and the hours of each policy."""
    kept = (observations.c.document_id, observations.c.event_id, observations.c.version)
    hours = (policy_hours.c.policy_id, policy_hours.c.voices, policy_hours.c.concerned)
    with road.store.read() as connection:
        return (
            sorted(map(tuple, connection.execute(sa.select(*kept)))),
            sorted(map(tuple, connection.execute(sa.select(*hours)))),
        )


def test_what_is_on_the_log_twice_is_counted_once(variables: Variables, feeds: LocalSite, tmp_path: Path) -> None:
    calm = {**variables("embedded"), "MINSHENG_DATA_DIR": str(tmp_path / "calm")}
    shaken = {**variables("embedded"), "MINSHENG_DATA_DIR": str(tmp_path / "shaken")}
    for of in (calm, shaken):
        of |= {
            "MINSHENG_CRAWL__ALLOWED_NETWORKS": "127.0.0.1",
            "MINSHENG_CRAWL__PER_HOST_DELAY": "0",
            "MINSHENG_STREAM__DOCUMENTS_PARTITIONS": "1",
        }
        (tmp_path / "policies").mkdir(exist_ok=True)
        (tmp_path / "policies" / "water.toml").write_text(POLICY, encoding="utf-8")
        minsheng(of, "policies", "import", tmp_path / "policies")
        sources = Path(of["MINSHENG_DATA_DIR"]) / "sources"
        sources.mkdir(parents=True)
        for feed in range(FEEDS):
            text = f'kind = "feed"\nurl = "{feeds.url}/{feed}.xml"\n[options]\nkind = "message"\n'
            (sources / f"feed-{feed}.toml").write_text(text, encoding="utf-8")
    for feed in range(FEEDS):
        assert crawl(calm, f"feed-{feed}") == 0
        for step in ("announce-after", "remember-before", "remember-after"):
            assert crawl(shaken, f"feed-{feed}", kill=step) == -9
        assert crawl(shaken, f"feed-{feed}") == 0

    with opened(calm) as road:
        drain(road)
        expected, expected_counts = outcome(road), counted(road)
    assert len(expected.indexed) == FEEDS * ENTRIES
    assert expected.events
    assert expected_counts[1]
    with opened(shaken) as road:
        stored = road.log.read(DOCUMENTS)
        # What a broker that answered too late, or another collector, may do.
        twice = [decode(Document, message.value) for message in stored]
        assert len(twice) == FEEDS * ENTRIES
        road.log.producer().send(document_message(document) for document in twice)
        sent = [decode(Document, message.value) for message in road.log.read(DOCUMENTS)]
        drain(road)
        found, counts = outcome(road), counted(road)
    assert len(sent) == 2 * FEEDS * ENTRIES
    assert {document.revision for document in sent} == {1}
    assert len({(document.id, document.published_at) for document in sent}) == FEEDS * ENTRIES
    assert {name: row[0] for name, row in found.indexed.items()} == {n: row[0] for n, row in expected.indexed.items()}
    assert sorted(count for _, count in found.events.values()) == sorted(n for _, n in expected.events.values())
    assert len(counts[0]) == FEEDS * ENTRIES
    assert [row[0] for row in counts[0]] == [row[0] for row in expected_counts[0]]  # type: ignore[index]
    assert counts[1] == expected_counts[1]
    assert (len(found.tickets), found.notices) == (len(expected.tickets), expected.notices)
