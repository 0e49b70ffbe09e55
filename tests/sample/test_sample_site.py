"""The sample site speaks the formats it claims to, and shows nothing before its time."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.error import HTTPError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import Request, urlopen
from urllib.robotparser import RobotFileParser

import feedparser
import lxml.html
import pytest

from minsheng.clock import CHINA, ManualClock
from minsheng.errors import WrongUse
from sample.site import SampleSite
from sample.timeline import LIVE_SECONDS

ANCHOR = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def site():
    with SampleSite(clock=ManualClock(ANCHOR)) as site:
        yield site


def fetch(site, path, **headers):
    return urlopen(Request(urljoin(site.base_url, path), headers=headers))


def text(site, path):
    with fetch(site, path) as response:
        return response.read().decode(response.headers.get_content_charset() or "gbk")


def status(site, path, **headers):
    try:
        with fetch(site, path, **headers) as response:
            return response.status
    except HTTPError as error:
        return error.code


def search(site, query, page=1):
    return json.loads(text(site, f"/weibo/search?q={quote(query)}&page={page}"))


def mblogs(answer):
    for card in answer["data"]["cards"]:
        for inner in card.get("card_group", [card]):
            yield inner["mblog"]


@pytest.mark.parametrize(("path", "version"), [("/yunjiang/feed.xml", "rss20"), ("/wangjin/feed.xml", "atom10")])
def test_feeds(site, path, version):
    feed = feedparser.parse(text(site, path))
    assert not feed.bozo
    assert feed.version == version
    assert len(feed.entries) >= 7
    for entry in feed.entries:
        published = datetime(*entry.published_parsed[:6], tzinfo=UTC)
        assert ANCHOR - timedelta(days=3) < published < ANCHOR
        assert entry.link.startswith(site.base_url)
        assert entry.title in text(site, urlsplit(entry.link).path)


def test_an_unchanged_page_is_not_sent_again(site):
    with fetch(site, "/yunjiang/feed.xml") as response:
        etag, modified = response.headers["ETag"], response.headers["Last-Modified"]
    assert parsedate_to_datetime(modified) < ANCHOR
    assert status(site, "/yunjiang/feed.xml", **{"If-None-Match": etag}) == 304
    assert status(site, "/yunjiang/feed.xml", **{"If-Modified-Since": modified}) == 304
    assert status(site, "/yunjiang/feed.xml", **{"If-None-Match": '"another"', "If-Modified-Since": modified}) == 200
    assert status(site, "/yunjiang/feed.xml", **{"If-Modified-Since": "yesterday"}) == 200


def test_the_old_site_is_gbk_and_says_so_only_in_the_page(site):
    with fetch(site, "/lanyang/") as response:
        body = response.read()
        assert response.headers["Content-Type"] == "text/html"
    assert b"charset=gb2312" in body
    assert "岚阳新闻" in body.decode("gbk")
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")


def test_government_pages_carry_number_and_validity(site):
    page = lxml.html.fromstring(text(site, "/gov/"))
    (link,) = [link for link in page.iter("a") if "城镇居民生活用水" in link.text_content()]
    words = lxml.html.fromstring(text(site, link.get("href"))).text_content()
    assert "云发改价格〔2026〕47号" in words
    assert "现行有效" in words
    assert "2026-10-31" in words


def test_search_results_look_like_the_mobile_site(site):
    first = search(site, "水费")
    assert first["ok"] == 1
    assert [card["card_type"] for card in first["data"]["cards"]] == [11]
    found, page = list(mblogs(first)), 1
    while (answer := search(site, "水费", page := page + 1))["ok"]:
        found += mblogs(answer)
    assert len(found) == first["data"]["cardlistInfo"]["total"] >= 35
    assert len({post["mid"] for post in found}) == len(found)
    times = [datetime.strptime(post["created_at"], "%a %b %d %H:%M:%S %z %Y") for post in found]
    assert times == sorted(times, reverse=True)
    assert times[0] <= ANCHOR
    reposts = [post for post in found if "retweeted_status" in post]
    assert reposts
    assert all(post["retweeted_status"]["user"]["screen_name"] for post in reposts)
    assert any('<img alt="[微笑]"' in post["text"] for post in found)


def test_a_search_without_results_says_so(site):
    assert search(site, "没有这样的词")["ok"] == 0


def test_all_words_of_a_search_must_be_there(site):
    both = list(mblogs(search(site, "水费 低保户")))
    assert both
    assert all("低保户" in post["text"] and "水费" in post["text"] for post in both)
    assert len(both) < len(list(mblogs(search(site, "低保"))))


def test_long_posts_are_cut_and_can_be_had_whole(site):
    (post,) = mblogs(search(site, "课后服务 工资条"))
    assert post["isLongText"]
    assert "工资条" not in post["text"]
    assert post["text"].endswith("全文</a>")
    whole = json.loads(text(site, f"/weibo/statuses/extend?id={post['mid']}"))["data"]["longTextContent"]
    assert len(whole) > len(re.sub("<[^>]+>", "", post["text"]))
    assert whole.endswith("也看一看工资条。")


def test_the_board_lists_all_messages_and_their_answers(site):
    rows, path = [], "/board/"
    while path:
        page = lxml.html.fromstring(text(site, path))
        rows += page.xpath("//tbody/tr")
        following = page.xpath("//a[@class='next']/@href")
        path = following[0] if following else None
    assert len(rows) >= 40
    answered = [row for row in rows if row.xpath("string(td[@class='state'])") == "已办理"]
    assert len(answered) >= 15
    for row in rows:
        page = lxml.html.fromstring(text(site, row.xpath("string(td[@class='title']/a/@href)")))
        assert page.xpath("string(//*[@class='message-title'])") == row.xpath("string(td[@class='title']/a)")
        assert bool(page.xpath("//*[@class='reply-content']")) == (row in answered)


def test_the_hot_list_is_ordered(site):
    terms = json.loads(text(site, "/hot/search.json"))["data"]["realtime"]
    assert [term["rank"] for term in terms] == list(range(1, len(terms) + 1))
    assert [term["num"] for term in terms] == sorted((term["num"] for term in terms), reverse=True)


def test_robots_are_kept_from_print_versions_only(site):
    robots = RobotFileParser()
    robots.parse(text(site, "/robots.txt").splitlines())
    assert robots.can_fetch("Minsheng", f"{site.base_url}/gov/")
    page = lxml.html.fromstring(text(site, "/yunjiang/"))
    article = lxml.html.fromstring(text(site, page.xpath("//h3/a/@href")[0]))
    printed = article.xpath("//a[@rel='nofollow']/@href")[0]
    assert status(site, printed) == 200
    assert not robots.can_fetch("Minsheng", site.base_url + printed)


def test_all_links_lead_somewhere(site):
    waiting, seen = ["/"], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        with fetch(site, quote(path, safe="/?=&%")) as response:
            body, kind = response.read(), response.headers.get_content_type()
        if kind == "text/html":
            page = lxml.html.fromstring(body)
            for link in (*page.xpath("//@href"), *page.xpath("//@src")):
                target = urlsplit(urljoin(path, link))
                if not target.netloc:
                    waiting.append(target.path + (f"?{target.query}" if target.query else ""))
    assert len(seen) > 120


@pytest.mark.parametrize(
    "path", ["/nothing", "/gov/index_99.html", "/weibo/status/1", "/board/detail?tid=1", "/board/list?page=99", "/hot/"]
)
def test_what_is_not_there_is_not_found(site, path):
    assert status(site, path) == 404


def test_head_has_no_body(site):
    with urlopen(Request(f"{site.base_url}/", method="HEAD")) as response:
        assert int(response.headers["Content-Length"]) > 0
        assert response.read() == b""


def test_the_same_anchor_gives_the_same_pages(site):
    with SampleSite(clock=ManualClock(ANCHOR + timedelta(hours=1)), anchor=ANCHOR) as again:
        for path in ("/wangjin/", "/lanyang/", "/board/", "/weibo/search?q=%E6%B0%B4%E8%B4%B9", "/hot/search.json"):
            assert text(again, path) == text(site, path)


def test_live_the_last_hour_appears_bit_by_bit():
    clock = ManualClock(ANCHOR)
    with SampleSite(clock=clock, live=True) as site:
        counts, newest = [], []
        for _ in range(4):
            answer = search(site, "阶梯水价")
            counts.append(answer["data"]["cardlistInfo"]["total"])
            newest.append(datetime.strptime(next(mblogs(answer))["created_at"], "%a %b %d %H:%M:%S %z %Y"))
            assert newest[-1] <= clock.now()
            clock.advance(seconds=LIVE_SECONDS / 3)
    assert counts == sorted(set(counts))
    assert counts[-1] - counts[0] >= 20
    assert newest[-1].astimezone(CHINA) > ANCHOR


def test_a_taken_port_is_said(site):
    with pytest.raises(WrongUse, match="can't be used"):
        SampleSite(port=urlsplit(site.base_url).port)
