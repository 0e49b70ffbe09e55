"""Feeds of every format, and what services make of them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from crawlers.feeds import feed_links, read_feed
from crawlers.markup import parse_html
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import BODY, article

URL = "http://feeds.example/yunjiang/feed.xml"
NOON = datetime(2026, 11, 23, 12, 30, tzinfo=CHINA)

RSS_091 = """<?xml version="1.0"?><rss version="0.91"><channel><title>云江日报</title><link>http://yunjiang.example/</link>
<item><title>水费退款进展</title><link>http://yunjiang.example/a/1.html</link>
<description>核查进展公布。</description></item></channel></rss>"""
RSS_090 = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>云江日报</title><link>http://yunjiang.example/</link></channel>
<item><title>水费退款进展</title><link>http://yunjiang.example/a/1.html</link></item></rdf:RDF>"""
RSS_10 = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="http://yunjiang.example/"><title>云江日报</title><link>http://yunjiang.example/</link></channel>
<item rdf:about="http://yunjiang.example/a/1.html"><title>水费退款进展</title><link>http://yunjiang.example/a/1.html</link>
<dc:date>2026-11-23T12:30:00+08:00</dc:date></item></rdf:RDF>"""
RSS_20 = """<rss version="2.0"><channel><title>云江日报</title><link>http://yunjiang.example/</link>
<item><title>水费退款进展</title><link>http://yunjiang.example/a/1.html</link>
<pubDate>Mon, 23 Nov 2026 12:30:00 +0800</pubDate></item></channel></rss>"""
ATOM_03 = """<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>云江日报</title>
<entry><title>水费退款进展</title><link rel="alternate" type="text/html" href="http://yunjiang.example/a/1.html"/>
<issued>2026-11-23T12:30:00+08:00</issued></entry></feed>"""
ATOM_10 = """<feed xmlns="http://www.w3.org/2005/Atom"><title>云江日报</title>
<entry><title type="html">水费&lt;b&gt;退款&lt;/b&gt;进展</title>
<link href="http://yunjiang.example/a/1.html"/><published>2026-11-23T04:30:00Z</published></entry></feed>"""
JSON_1 = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1",
        "title": "云江日报",
        "items": [
            {
                "id": 1,
                "url": "http://yunjiang.example/a/1.html",
                "title": "水费退款进展",
                "content_html": "<p>核查<b>进展</b></p>",
                "author": {"name": "小周"},
                "date_published": "2026-11-23T12:30:00+08:00",
            }
        ],
    }
)
NO_DATE = (RSS_091, RSS_090)
FORMATS = {
    "rss 0.91": RSS_091,
    "rss 0.90": RSS_090,
    "rss 1.0": RSS_10,
    "rss 2.0": RSS_20,
    "atom 0.3": ATOM_03,
    "atom 1.0": ATOM_10,
    "json 1": JSON_1,
    "json 1.1 as RSSHub writes it": JSON_1.replace(
        '"https://jsonfeed.org/version/1"', '"https://jsonfeed.org/version/1.1"'
    )
    .replace('"author": {"name": "\\u5c0f\\u5468"}', '"authors": [{"name": "\\u5c0f\\u5468"}]')
    .replace('"id": 1', '"id": "http://yunjiang.example/a/1.html"'),
    "a warning before the feed": "<br />\n<b>Warning</b>: mysql_connect() in /www/feed.php\n" + RSS_20,
    "empty lines before the declaration": "\n\n<?xml version='1.0'?>" + RSS_20,
    "a raw ampersand": RSS_20.replace("<title>水", "<title>A & B 水"),
    "an entity of HTML": RSS_20.replace(
        "</link>\n<pub", "</link><description>核查&nbsp;进展&hellip;</description><pub"
    ),
    "a control character": RSS_20.replace("水费", "水\x0b费"),
    "cut in the middle": RSS_20.removesuffix("</channel></rss>"),
    "an undeclared prefix": RSS_20.replace("<pubDate>", "<content:encoded>x</content:encoded><pubDate>"),
    "a byte-order mark within": "\ufeff" + RSS_20,
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_entry(name: str) -> None:
    text = FORMATS[name]
    feed = read_feed(text, URL, NOW)
    assert len(feed.entries) == 1
    entry = feed.entries[0]
    assert entry.title.endswith("水费退款进展")
    assert entry.url == entry.key == "http://yunjiang.example/a/1.html"
    if text not in NO_DATE:
        from crawlers.dates import parse_time

        assert parse_time(str(entry.published), NOW) == NOON
    else:
        assert entry.published is None


def item(title: str, link: str = "", guid: str = "", date: str = "") -> str:
    return (
        f"<item><title>{title}</title>{f'<link>{link}</link>' if link else ''}"
        f"{f'<guid isPermaLink=%sfalse%s>{guid}</guid>' % (chr(34), chr(34)) if guid else ''}"
        f"{f'<pubDate>{date}</pubDate>' if date else ''}</item>"
    )


def rss(*items: str, site: str = "") -> str:
    link = f"<link>{site}</link>" if site else ""
    return f'<rss version="2.0"><channel><title>t</title>{link}{"".join(items)}</channel></rss>'


def keys(*items: str) -> list[str]:
    return [entry.key for entry in read_feed(rss(*items, site="http://yunjiang.example/"), URL, NOW).entries]


def test_relative_links_count_from_the_feeds_site() -> None:
    (entry,) = read_feed(rss(item("甲", "/a/1.html"), site="http://yunjiang.example/news/"), URL, NOW).entries
    assert entry.url == "http://yunjiang.example/a/1.html"
    (entry,) = read_feed(rss(item("甲", "a/1.html")), URL, NOW).entries
    assert entry.url == "http://feeds.example/yunjiang/a/1.html"
    based = ATOM_10.replace("<feed ", '<feed xml:base="http://b.example/x/" ').replace("http://yunjiang.example/a/", "")
    assert read_feed(based, URL, NOW).entries[0].url == "http://b.example/x/1.html"


def test_a_used_id_does_not_hide_the_next_thing() -> None:
    # Ids that count places, the site's own address, or nothing at all: the title makes the difference, now and later.
    assert keys(item("甲", guid="1")) != keys(item("乙", guid="1"))
    assert keys(item("甲", "http://yunjiang.example/", "http://yunjiang.example/")) != keys(
        item("乙", "http://yunjiang.example/", "http://yunjiang.example/")
    )
    assert len(set(keys(item("甲", guid="tag:yunjiang.example"), item("乙", guid="tag:yunjiang.example")))) == 2
    # A real id stays, whatever becomes of the headline.
    assert keys(item("甲", guid="tag:yunjiang.example,2026:7")) == keys(
        item("甲改", guid="tag:yunjiang.example,2026:7")
    )
    # Addresses are what they lead to, whoever counts the readers.
    assert keys(item("甲", "http://yunjiang.example/a?id=1&amp;utm_source=rss")) == keys(
        item("甲", "http://yunjiang.example/a?id=1", "9")
    )


def test_without_a_date_the_address_may_carry_the_day() -> None:
    (entry,) = read_feed(rss(item("甲", "http://yunjiang.example/gov/202611/t20261122_77.html")), URL, NOW).entries
    assert entry.published == datetime(2026, 11, 22, tzinfo=CHINA)
    (entry,) = read_feed(rss(item("甲", "http://yunjiang.example/a/2026/11/22/7.html", date="soon")), URL, NOW).entries
    assert entry.published == datetime(2026, 11, 22, tzinfo=CHINA)
    (entry,) = read_feed(rss(item("甲", "http://yunjiang.example/a/7.html", date="soon")), URL, NOW).entries
    assert entry.published == "soon"


def test_rsshubs_error_page_is_told_as_what_it_is() -> None:
    page = (
        "<!DOCTYPE html><html><head><title>Welcome to RSSHub!</title></head><body>"
        "<h1>Looks like something went wrong</h1>"
        "<p>Error Message:<br/><code>this route is empty, please check the original site</code></p></body></html>"
    )
    with pytest.raises(BadInput, match="RSSHub answers with an error: this route is empty"):
        read_feed(page, URL, NOW)


def test_a_page_that_names_its_feeds_is_no_feed_and_says_which() -> None:
    page = (
        '<html><head><link rel="alternate" type="application/rss+xml" href="/rss.xml">'
        '<link rel="stylesheet" href="/a.css">'
        '<link rel="alternate" hreflang="en" href="/en/"></head>'
        '<body><a href="/news/index.html">新闻</a><a href="/zt/feed/">专题</a>'
        '<a href="/sub.aspx">RSS订阅</a></body></html>'
    )
    tree = parse_html(page)
    assert tree is not None
    wanted = ["http://feeds.example/rss.xml", "http://feeds.example/zt/feed/", "http://feeds.example/sub.aspx"]
    assert feed_links(tree, URL) == wanted
    with pytest.raises(BadInput, match=r"names: http://feeds.example/rss.xml"):
        read_feed(page, URL, NOW)


@pytest.mark.parametrize("text", ['{"items": 3}', '{"items": [{"a": 1}]}', '{"a"', "plain words", "<html></html>"])
def test_what_is_no_feed_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_feed(text, URL, NOW)


@pytest.mark.parametrize("media_type", ["text/html", "text/plain", "application/octet-stream", "image/png", "", "x"])
def test_the_media_type_does_not_matter(media_type: str, crawling: Crawling, site: LocalSite) -> None:
    site.put("/feed", RSS_20, media_type=media_type)
    crawling.source("one", "feed", f"{site.url}/feed")
    assert crawling.run().new == 1


def test_older_pages_are_followed_as_far_as_said(crawling: Crawling, site: LocalSite) -> None:
    def page(number: int) -> str:
        following = f'<link rel="next" href="/feed?p={number + 1}"/>' if number < 4 else ""
        entry = f'<entry><title>第{number}号消息</title><link href="/a/{number}.html"/></entry>'
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>{following}{entry}</feed>'

    for number in range(1, 5):
        site.put(f"/feed?p={number}", page(number))
    crawling.source("one", "feed", f"{site.url}/feed?p=1", pages=3)
    assert crawling.run().new == 3
    site.put("/json?p=2", json.dumps({"items": [{"url": "/b/2", "title": "乙", "content_text": "乙"}]}))
    first = {"items": [{"url": "/b/1", "title": "甲", "content_text": "甲"}], "next_url": "/json?p=2"}
    site.put("/json?p=1", json.dumps(first))
    crawling.source("two", "feed", f"{site.url}/json?p=1", pages=9)
    assert crawling.run("two").new == 2


def test_the_summary_stands_in_until_the_article_can_be_had(crawling: Crawling, site: LocalSite) -> None:
    site.put("/feed", rss(item("水费退款进展", "/a/1.html", date="2026-11-23 12:30"), item("已删", "/a/2.html")))
    site.put("/a/1.html", "", status=503)
    crawling.source("one", "feed", f"{site.url}/feed", full_text=True)
    report = crawling.run()
    assert (report.new, report.failed, report.rejected) == (2, 1, {"answered 404": 1})
    site.put("/a/1.html", article("水费退款进展", "2026-11-23 12:30"))
    assert crawling.run().items == 1
    whole = crawling.documents()[-1]
    assert (whole.text, whole.revision) == ("\n".join(BODY), 2)
    assert whole.published_at == datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
    assert crawling.run().items == 0


def test_a_feed_behind_many_comments_is_read_at_once() -> None:
    began = time.perf_counter()
    assert len(read_feed("<!-- 栏目 -->\n" * 200 + RSS_20, URL, NOW).entries) == 1
    with pytest.raises(BadInput, match="no feed"):
        read_feed("<!-- 栏目 -->\n" * 200 + "<html><body>登录</body></html>", URL, NOW)
    assert time.perf_counter() - began < 2.0
