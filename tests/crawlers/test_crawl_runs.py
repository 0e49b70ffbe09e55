"""Runs of sources: bad hosts, kills, changes, and a log that is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from crawlers.health import coverage
from crawlers.stage import CrawlStage
from minsheng.errors import Unavailable
from minsheng.records import MAX_TEXT
from stream.embedded import EmbeddedLog
from stream.log import Message, Received
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite, wait_until
from tests.crawlers.scenes import BODY, article, put_up

MANY = 40


def serve_list(site: LocalSite, count: int, seconds: float = 0.0, path: str = "/list/") -> None:
    rows = "".join(f'<li><a href="/a/{n}.html">第{n}号关于供水工作的通知公告</a></li>' for n in range(count))
    site.put(path, f"<html><body><ul>{rows}</ul></body></html>")
    for n in range(count):
        page = article(f"第{n}号关于供水工作的通知公告", "2026-11-23 12:30", body=(*BODY, f"编号为{n}的通知到此结束。"))
        site.put(f"/a/{n}.html", page, seconds=seconds)


def test_kill_in_the_middle_then_resume(crawling: Crawling, site: LocalSite) -> None:
    # Slow enough that the kill comes before the end on a machine that is busy with other things too.
    serve_list(site, MANY, seconds=0.2)
    crawling.source("one", "listing", f"{site.url}/list/")
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(crawling.folder)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: len(crawling.documents()) >= 8)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    stored = {document.url for document in crawling.documents()}
    assert 8 <= len(stored) < MANY
    before = len(site.asked)
    report = crawling.run()
    assert report.ok
    documents = crawling.documents()
    assert len({document.id for document in documents}) == MANY
    assert {document.revision for document in documents} == {1}
    # Only the batch that was being written at the moment of the kill may be there twice, with the same id and revision.
    twice = [key for key, times in Counter(document.id for document in documents).items() if times > 1]
    assert len(twice) <= MANY // 2
    again = {path for path in site.paths(since=before) if path.startswith("/a/")}
    assert len(again) <= MANY - len(stored) + len(twice) + 2
    # And now that it is complete, nothing is fetched again.
    before = len(site.asked)
    crawling.run()
    assert site.paths(since=before) == ["/list/"]


_CHILD = """
import sys
from pathlib import Path
from crawlers.stage import CrawlStage
from minsheng.clock import SystemClock
from minsheng.settings import CrawlSettings, Settings
from minsheng.store import Store
from stream.embedded import EmbeddedLog
folder = Path(sys.argv[1])
crawl = CrawlSettings(per_host_delay=0.0, per_host_concurrency=2, allowed_networks=("127.0.0.1",))
settings = Settings(data_dir=folder, crawl=crawl)
store = Store(f"sqlite:///{folder / 'store.db'}")
CrawlStage(settings, store, EmbeddedLog(folder / "log.db"), SystemClock()).run_once()
"""


def test_one_hanging_host_does_not_hold_up_the_others(crawling: Crawling, site: LocalSite) -> None:
    slow = LocalSite()
    try:
        slow.put("/robots.txt", "", media_type="text/plain")
        slow.put("/feed.xml", "", seconds=60)
        crawling.source("hanging", "feed", f"{slow.url}/feed.xml")
        url, options = put_up("feed", site)
        for n in range(8):
            crawling.source(f"good-{n}", "feed", url, **options)
        crawling.crawl["source_timeout"] = 8.0
        done: list[str] = []
        stage = CrawlStage(
            crawling.settings, crawling.store, crawling.log, crawling.clock, on_report=lambda r: done.append(r.source)
        )
        reports = {report.source: report for report in stage.run_once()}
    finally:
        slow.close()
    assert done[-1] == "hanging"
    assert not reports["hanging"].ok
    assert "source_timeout" in reports["hanging"].error
    assert all(reports[f"good-{n}"].ok and reports[f"good-{n}"].new == 2 for n in range(8))


@pytest.mark.parametrize("concurrency", [1, 2])
def test_sources_on_one_host_share_its_limits(concurrency: int, crawling: Crawling, site: LocalSite) -> None:
    serve_list(site, 6, seconds=0.02)
    for n in range(4):
        crawling.source(f"s{n}", "listing", f"{site.url}/list/")
    crawling.crawl["per_host_concurrency"] = concurrency
    assert all(report.new == 6 for report in crawling.stage.run_once())
    assert site.most_at_once <= concurrency


def test_entries_of_a_feed_that_share_an_address_stay_apart(crawling: Crawling, site: LocalSite) -> None:
    items = "".join(
        f"<item><title>第{n}号通知</title><link>/</link><description>内容{n}</description></item>" for n in range(3)
    )
    site.put("/feed.xml", f'<rss version="2.0"><channel>{items}</channel></rss>')
    crawling.source("one", "feed", f"{site.url}/feed.xml")
    assert crawling.run().new == 3
    site.put("/feed.xml", f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>')
    assert crawling.run().items == 0


def test_a_feed_is_read_as_far_as_it_goes(crawling: Crawling, site: LocalSite) -> None:
    whole = "<item><title>第1号通知</title><link>/1</link><description>内容 & 附件</description></item>"
    site.put("/feed.xml", f'<rss version="2.0"><channel>{whole}<item><title>第2号')
    crawling.source("one", "feed", f"{site.url}/feed.xml")
    report = crawling.run()
    assert report.ok
    first = crawling.documents()[0]
    assert (first.title, first.text, first.published_estimated) == ("第1号通知", "内容 & 附件", True)


def test_full_text_follows_the_entries(crawling: Crawling, site: LocalSite) -> None:
    url, _ = put_up("feed", site)
    for n in (1, 2):
        site.put(f"/a/{n}.html", article("页面上的标题", "2026-11-20 08:00"))
    crawling.source("one", "feed", url, full_text=True)
    assert crawling.run().new == 2
    assert {document.text for document in crawling.documents()} == {"\n".join(BODY)}
    assert {document.title for document in crawling.documents()} == {"水费重复扣收已退款", "学区划分方案征求意见"}


def test_a_wrong_selector_is_told(crawling: Crawling, site: LocalSite) -> None:
    serve_list(site, 3)
    crawling.source("one", "listing", f"{site.url}/list/", links="ul[")
    report = crawling.run()
    assert not report.ok
    assert "'ul[' is no selector" in report.error


@pytest.mark.parametrize("place", ["crawlers.spiders.listing.extract", "crawlers.run.Admission.__call__"])
def test_what_nobody_foresaw_is_told_and_tried_again(
    place: str, crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_list(site, 3)
    crawling.source("one", "listing", f"{site.url}/list/")

    def breaks(*_: object) -> None:
        raise KeyError("surprise")

    with monkeypatch.context() as patched:
        patched.setattr(place, breaks)
        assert "KeyError: 'surprise'" in crawling.run().error
    assert crawling.run().new == 3


def test_no_answer_in_time_is_told(crawling: Crawling, site: LocalSite) -> None:
    site.put("/robots.txt", "", media_type="text/plain")
    site.put("/feed.xml", "", seconds=60)
    crawling.crawl["timeout"] = 0.3
    crawling.source("one", "feed", f"{site.url}/feed.xml")
    assert "no answer in time" in crawling.run().error


def test_a_host_that_is_not_there_is_told(crawling: Crawling) -> None:
    crawling.source("one", "feed", "http://127.0.0.1:9/feed.xml")
    assert "connection refused" in crawling.run().error


def test_changed_words_are_a_new_revision_with_the_first_time(crawling: Crawling, site: LocalSite) -> None:
    site.put("/notice.html", article("关于水价调整的公告", "2026-11-23 12:30"))
    crawling.source("one", "page", f"{site.url}/notice.html")
    crawling.run()
    site.put("/notice.html", article("关于水价调整的公告", "2026-11-24 09:00", body=(*BODY, "补充：即日起施行。")))
    assert crawling.run().items == 1
    first, second = crawling.documents()
    assert first.id == second.id
    assert (first.revision, second.revision) == (1, 2)
    assert second.published_at == first.published_at
    assert second.text.endswith("补充：即日起施行。")


@pytest.mark.parametrize(("likes", "sent"), [(9, 0), (18, 0), (25, 1)])
def test_reach_alone_is_news_only_when_it_grew_much(likes: int, sent: int, crawling: Crawling, site: LocalSite) -> None:
    import json

    def serve(count: int) -> None:
        post = {"mid": "1", "created_at": "5分钟前", "text": "水费贵", "user": {"id": 1}, "attitudes_count": count}
        site.put("/s", json.dumps({"ok": 1, "data": {"cards": [{"mblog": post}]}}))

    serve(9)
    crawling.source("one", "weibo_search", f"{site.url}/s")
    crawling.run()
    serve(likes)
    assert crawling.run().items == sent
    assert len(crawling.documents()) == 1 + sent


def test_a_page_that_fails_is_tried_again_and_one_that_is_gone_is_not(crawling: Crawling, site: LocalSite) -> None:
    serve_list(site, 4)
    good = site.pages["/a/1.html"]
    site.put("/a/1.html", "<html><title>登录</title><body>请先登录后查看</body></html>")
    site.put("/a/2.html", "gone", status=404)
    crawling.source("one", "listing", f"{site.url}/list/")
    report = crawling.run()
    assert report.ok
    assert (report.new, report.failed, report.rejected) == (2, 1, {"answered 404": 1})
    assert "login" in report.error
    site.pages["/a/1.html"] = good
    report = crawling.run()
    assert (report.new, report.failed) == (1, 0)
    assert site.paths().count("/a/2.html") == 1
    assert site.paths().count("/a/0.html") == 1


def test_a_changed_headline_in_the_list_fetches_the_article_again(crawling: Crawling, site: LocalSite) -> None:
    serve_list(site, 3)
    crawling.source("one", "listing", f"{site.url}/list/")
    crawling.run()
    body = site.pages["/list/"].body.decode()
    site.put("/list/", body.replace("第1号关于", "（更正）第1号关于"))
    site.put("/a/1.html", article("（更正）第1号关于供水工作的通知公告", "2026-11-23 12:30"))
    assert crawling.run().items == 1
    assert site.paths().count("/a/1.html") == 2
    assert site.paths().count("/a/0.html") == 1


def test_list_pages_are_followed_as_far_as_said(crawling: Crawling, site: LocalSite) -> None:
    for page in (1, 2, 3):
        rows = "".join(f'<li><a href="/a/{page}{n}.html">第{page}{n}号供水工作通知</a></li>' for n in range(3))
        more = f'<a href="/list/{page + 1}">下一页</a>'
        site.put(f"/list/{page}", f"<html><body><ul>{rows}</ul><div>{more}</div></body></html>")
        for n in range(3):
            site.put(f"/a/{page}{n}.html", article(f"第{page}{n}号供水工作通知", "2026-11-23 12:30"))
    crawling.source("one", "listing", f"{site.url}/list/1", pages=2)
    assert crawling.run().new == 6
    assert "/list/3" not in site.paths()


def test_a_reply_that_comes_later_is_found(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("board", site)
    crawling.source("one", "board", url, **options)
    crawling.run()
    answered = site.pages["/msg?tid=1"].body.decode()
    reply = answered[answered.index('<div class="reply">') : answered.index("</body>")]
    page = site.pages["/msg?tid=2"].body.decode()
    site.put("/msg?tid=2", page.replace("</body>", f"{reply}</body>"))
    # The list says nothing new, and it is too early to ask again.
    assert crawling.run().items == 0
    crawling.clock.advance(hours=7)
    report = crawling.run()
    assert report.new == 1
    last = crawling.documents()[-1]
    message = next(document for document in crawling.documents() if document.native_id == "2")
    assert (last.kind, last.parent_id, last.outlet) == ("reply", message.id, "市水务局")


def test_a_text_that_is_too_long_is_cut_and_says_so(crawling: Crawling, site: LocalSite) -> None:
    site.put("/long.html", article("很长的一篇", "2026-11-23 12:30", body=("水价调整说明。" * 40_000,)))
    crawling.source("one", "page", f"{site.url}/long.html")
    assert crawling.run().new == 1
    document = crawling.documents()[0]
    assert document.truncated
    assert len(document.text) == MAX_TEXT


def test_endless_redirects_end(crawling: Crawling, site: LocalSite) -> None:
    site.put("/feed.xml", "", status=302, headers=(("Location", "/feed.xml?again"),))
    site.put("/feed.xml?again", "", status=302, headers=(("Location", "/feed.xml"),))
    crawling.source("one", "feed", f"{site.url}/feed.xml")
    report = crawling.run()
    assert not report.ok
    assert len(site.paths()) < 10


class _AwayLog(EmbeddedLog):
    """The embedded log behind a connection that is cut at first."""

    failures = 2

    def producer(self):  # type: ignore[no-untyped-def]
        log, real = self, super().producer()

        class Producer:
            def send(self, messages: Iterable[Message]) -> None:
                if log.failures:
                    log.failures -= 1
                    raise Unavailable("log", "no broker")
                real.send(messages)

            def find(self, topic: str, keys: Mapping[str, str], *, since_ms: int) -> list[Received]:
                return real.find(topic, keys, since_ms=since_ms)

            def close(self) -> None:
                real.close()

        return Producer()


def test_a_log_that_is_away_is_waited_for(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    crawling.source("one", "listing", url, **options)
    log = _AwayLog(crawling.folder / "log.db")
    stage = CrawlStage(crawling.settings, crawling.store, log, crawling.clock)
    assert stage.run_once()[0].new == 3
    assert log.failures == 0
    log.close()
    assert len(crawling.documents()) == 3


def test_what_the_log_never_took_is_not_remembered(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    crawling.source("one", "listing", url, **options)
    log = _AwayLog(crawling.folder / "log.db")
    log.failures = 10**9
    stopping = threading.Event()
    stopping.set()
    report = CrawlStage(crawling.settings, crawling.store, log, crawling.clock).run_once(stop=stopping)[0]
    log.close()
    assert not report.ok
    assert "no broker" in report.error
    assert crawling.run().new == 3


def test_state_is_written_and_covers(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("feed", site)
    crawling.source("good", "feed", url, **options)
    crawling.source("bad", "feed", f"{site.url}/none.xml")
    since = crawling.clock.now()
    crawling.stage.run_once()
    crawling.clock.advance(minutes=30)
    seen = coverage(crawling.store, crawling.clock, since, crawling.clock.now())
    assert seen.seen == ["good"]
    assert [(unseen.source, "404" in unseen.reason, unseen.since) for unseen in seen.unseen] == [("bad", True, None)]
    crawling.clock.advance(hours=2)
    late = coverage(crawling.store, crawling.clock, since, crawling.clock.now())
    assert late.seen == []
    assert late.total == 2
