"""Pages to title, time, medium and text."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawlers.charset import decode
from crawlers.extraction import extract
from crawlers.linking import article_links, next_page, selected_links
from crawlers.markup import html_text, parse_html
from minsheng.clock import CHINA
from minsheng.errors import BadInput, WrongUse
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import BODY, article
from tests.shared_data import shared_data

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
TITLE = "水费重复扣收核查进展公布"
TEXT = "\n".join(BODY)


def page(head: str = "", body: str = "") -> str:
    paragraphs = "".join(f"<p>　　{text}</p>" for text in BODY)
    return f"<html><head>{head}</head><body>{body.replace('BODY', paragraphs)}</body></html>"


PORTAL = page(
    f'<title>{TITLE}_云江日报网</title><meta property="og:title" content="{TITLE}">'
    '<meta property="article:published_time" content="2026-11-23T12:30:05+08:00">',
    f"<nav><a href=/>首页</a></nav><article><h1>{TITLE}</h1><div class=info>2026-11-23 12:30　来源：云江晚报</div>"
    '<div class="article-content">BODY</div><p>（责任编辑：老周）</p></article>'
    '<div class="related"><h3>相关阅读</h3><ul><li><a href=/1>别的一条新闻标题</a>'
    "<li><a href=/2>再一条新闻标题</a></ul></div>"
    "<footer>云江日报社 版权所有</footer>",
)
GOVERNMENT = page(
    f'<title>{TITLE}-云江省人民政府网</title><meta name="ArticleTitle" content="{TITLE}">'
    '<meta name="PubDate" content="2026-11-23 12:30"><meta name="ContentSource" content="云江晚报">',
    "<div class=position>您现在的位置：<a href=/>首页</a>&gt;<a href=/zw>政务</a></div>"
    f"<table class=info><tr><th>发布日期</th><td>2026-11-23</td></tr></table><h1>{TITLE}</h1>"
    "<div class=xxly>发布时间：2026-11-23 12:30　信息来源：云江晚报</div>"
    '<div class="TRS_Editor" id="zoom">BODY</div><div class=bottom>【<a href=/p>打印</a>】</div>',
)
OLD = page(
    f"<title>{TITLE} - 岚阳新闻网</title>",
    "<table><tr><td><a href=/>岚阳新闻</a> | <a href=/s>社会</a></td></tr></table><table><tr><td><table>"
    f"<tr><td align=center><b><font size=5>{TITLE}</font></b></td></tr>"
    "<tr><td align=center>2026年11月23日 12:30　来源：云江晚报　编辑：本网</td></tr><tr><td>BODY</td></tr></table></td>"
    "<td><b>本地要闻</b><br>·<a href=/1>别的一条新闻标题</a><br></td></tr></table>"
    "<p>岚阳市融媒体中心 主办　投稿邮箱：a@lanyang.example</p>",
)
SITE_FIRST = page(
    f"<title>云江省水务局 {TITLE}</title>",
    f"<h1>云江省水务局</h1><h2>{TITLE}</h2><p>日期：2026/11/23 12:30:00</p><p>来源：<a href=/w>云江晚报</a></p>BODY",
)
CUT_TITLE = page(
    f'<title>{TITLE[:9]}...</title><meta property="og:title" content="{TITLE[:8]}">',
    f"<div class=headline>{TITLE}</div><div>2026-11-23 12:30 来源：云江晚报</div><div>BODY</div>",
)


@pytest.mark.parametrize(
    "html", [PORTAL, GOVERNMENT, OLD, SITE_FIRST, CUT_TITLE], ids=["portal", "gov", "old", "first", "cut"]
)
def test_reads_the_usual_layouts(html: str) -> None:
    found = extract(html, "http://yunjiang.example/a.html", NOW)
    assert found.title == TITLE
    assert found.published_at is not None
    assert found.published_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") == "2026-11-23 12:30"
    assert found.outlet == "云江晚报"
    assert found.text == TEXT


def test_a_headline_with_quotation_marks_is_whole() -> None:
    title = "“一户多人口”怎么办？水务集团：凭户口簿申请"
    html = page(f'<title>{title}-云江网</title><meta property="og:title" content="">', f"<h1>{title}</h1>BODY")
    assert extract(html, "http://h/a", NOW).title == title


def test_the_address_gives_the_day_where_nothing_else_does() -> None:
    html = page(f"<title>{TITLE}</title>", f"<h1>{TITLE}</h1>BODY")
    for url in ("http://h/2026/11-23/1.shtml", "http://h/202611/t20261123_99.html", "http://h/20261123/a.html"):
        assert extract(html, url, NOW).published_at == datetime(2026, 11, 23, tzinfo=CHINA)
    assert extract(html, "http://h/a.html", NOW).published_at is None


def test_a_comments_time_is_not_the_articles() -> None:
    html = article(TITLE, "2026-11-20 08:00").replace(
        "</body>", "<div class=comment>老王 2026-11-23 09:00</div></body>"
    )
    assert extract(html, "http://h/a", NOW).published_at == datetime(2026, 11, 20, 8, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("", "empty"),
        ("<html><head></head><body></body></html>", "neither title nor text"),
        ("<html><title>用户登录</title><body><form><input name=u><input type=password></form></body></html>", "login"),
        ("<html><body><p>请先登录后查看全文</p></body></html>", "login"),
        ("<html><title>安全验证</title><body>请完成安全验证：拖动滑块</body></html>", "captcha"),
        ("<html><body><noscript>请开启JavaScript</noscript><div id=app></div></body></html>", "JavaScript"),
        ("<html><body>您的访问过于频繁，请稍后再试</body></html>", "refuses"),
        ("<html><title>出错了</title><body>您访问的页面不存在或已删除</body></html>", "gone"),
        ("%PDF-1.4 不是网页", "no HTML"),
    ],
)
def test_walls_are_failures_not_texts(html: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        extract(html, "http://h/a", NOW)


def test_an_article_about_captchas_is_an_article() -> None:
    html = article(
        "验证码为何越来越难？记者调查", "2026-11-23 12:30", body=(*BODY, "不少网站要求用户登录后查看，还要输入验证码。")
    )
    assert extract(html, "http://h/a", NOW).text.endswith("还要输入验证码。")


@pytest.mark.parametrize(
    ("encoding", "declared", "meta"),
    [
        ("utf-8", None, ""),
        ("utf-8", "gb2312", "gb2312"),
        ("gb18030", None, ""),
        ("gb18030", "utf-8", "utf-8"),
        ("gb18030", "iso-8859-1", ""),
        ("gbk", None, "gb2312"),
        ("utf-16", None, ""),
        ("utf-8-sig", "gbk", ""),
    ],
)
def test_charsets(encoding: str, declared: str | None, meta: str) -> None:
    text = f'<html><head><meta charset="{meta}"></head><p>{TEXT}</p>'
    assert decode(text.encode(encoding), declared) == text


def test_big5_is_told_from_gbk() -> None:
    text = "市府公佈水費重複扣收的核查進展，退款將在五個工作日之內到帳，居民不需要到營業廳排隊，也不需要提供其他材料。"
    assert decode(text.encode("big5")) == text
    assert decode(text.encode("big5"), "gbk") == text


def test_one_broken_character_does_not_spoil_the_page() -> None:
    for encoding in ("utf-8", "gb18030"):
        body = TEXT.encode(encoding)
        broken = decode(body[:30] + b"\xff" + body[30:], encoding)
        assert broken.count("\ufffd") <= 2
        assert BODY[1] in broken


def test_html_to_text_keeps_emoticons_and_lines() -> None:
    assert (
        html_text('好<br>的<img alt="[微笑]" src=x><script>var a=1</script><p>第二段&amp;完</p>')
        == "好\n的[微笑]\n第二段&完"
    )
    assert html_text("3<5，且 a&b") == "3<5，且 a&b"


def test_links_by_themselves_and_by_selector() -> None:
    rows = "".join(
        f'<li><a href="/n/{n}.html">第{n}号供水工作通知公告</a><span>2026-11-{n + 10}</span></li>' for n in range(9)
    )
    menu = "".join(f'<li><a href="/c/{n}">栏目{n}</a></li>' for n in range(20))
    html = (
        f'<body><ul class=menu>{menu}</ul><ul class=list>{rows}</ul><div><a href="/list_2.html">下一页</a></div></body>'
    )
    tree = parse_html(html)
    assert tree is not None
    found = article_links(tree, "http://h/list.html")
    assert [link.url for link in found] == [f"http://h/n/{n}.html" for n in range(9)]
    assert found[3].date == "2026-11-13"
    assert next_page(tree, "http://h/list.html", 1) == "http://h/list_2.html"
    assert selected_links(tree, "http://h/", "ul.list a") == selected_links(tree, "http://h/", "//ul[@class='list']//a")
    assert len(selected_links(tree, "http://h/", "ul.list li")) == 9
    for wrong in ("ul[", "//ul["):
        with pytest.raises(WrongUse, match="no selector"):
            selected_links(tree, "http://h/", wrong)


# SHA-256 of the headline, and the time, of each real page.
REAL = {
    "china_news1.html": ("0b24b1f5939936d0", "2020-07-04 12:10"),
    "ifeng_news1.html": ("2e38716652111fb0", "2019-02-20 02:26"),
    "ifeng_news1_detail_20220630.html": ("2e38716652111fb0", "2019-02-20 02:26"),
    "netease_news1.html": ("8055df791a7ad59b", "2020-07-04 01:55"),
    "sample.html": ("8055df791a7ad59b", "2020-07-04 01:55"),
}


def fingerprint(text: str) -> str:
    return hashlib.sha256(re.sub(r"\s", "", text).encode()).hexdigest()[:16]


@pytest.mark.shared_data
@pytest.mark.parametrize("name", sorted(REAL))
def test_real_pages_crawled_from_a_server(name: str, crawling: Crawling, site: LocalSite) -> None:
    site.put("/a.html", (shared_data("pages") / "detail" / name).read_bytes(), media_type="text/html")
    crawling.source("one", "page", f"{site.url}/a.html")
    report = crawling.run()
    assert report.ok, report.error
    document = crawling.documents()[0]
    title, time = REAL[name]
    assert fingerprint(document.title) == title
    assert document.published_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") == time
    assert len(document.text) > 1000
    assert not re.search(r"责任编辑|相关阅读|版权所有|扫一扫|<", document.text)


LISTS = {
    "dfa66_announcement.html": 10,
    "hrfund_announcement.html": 10,
    "hsqhfunds_announcement.html": 15,
    "netease_international_news.html": 50,
    "netease_leaderboard_news.html": 50,
    "netease_rolling_news.html": 30,
    "rtfund_xxpl.html": 15,
    "tencent_important_news.html": 10,
    "zhihu_search_result.html": 10,
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", sorted(LISTS))
def test_real_lists(name: str) -> None:
    path: Path = shared_data("pages") / "list" / name
    tree = parse_html(decode(path.read_bytes()))
    assert tree is not None
    links = article_links(tree, f"http://site.example/list/{name}")
    assert len(links) >= LISTS[name]
    assert len({link.url for link in links}) == len(links)
    assert sum(len(link.title) >= 8 for link in links) > 0.8 * len(links)


@pytest.mark.parametrize(
    "under",
    [
        "<h2>——云江省城市供水改革综述</h2>",
        '<div class="subtitle">—— 云江省城市供水改革综述</div>',
        "<p>――云江省城市供水改革综述</p>",
        "<p>--云江省城市供水改革综述</p>",
    ],
)
def test_a_headline_of_two_lines_is_one(under: str) -> None:
    title = "让每一滴水都算得清楚"
    info = "<div class=info>2026-11-23 12:30　来源：云江晚报</div>"
    html = page(f"<title>{title}_云江日报网</title>", f"<h1>{title}</h1>{under}{info}<div class=content>BODY</div>")
    found = extract(html, "http://yunjiang.example/a.html", NOW)
    assert found.title == "让每一滴水都算得清楚——云江省城市供水改革综述"
    assert (found.outlet, found.text) == ("云江晚报", TEXT)
    assert found.published_at is not None


@pytest.mark.parametrize("under", ["<p>——</p>", "<p>——<a href=/zt>专题报道：城市供水改革</a></p>", "<p>云江省综述</p>"])
def test_what_else_stands_under_a_headline_is_no_part_of_it(under: str) -> None:
    title = "让每一滴水都算得清楚"
    info = "<div class=info>2026-11-23 12:30　来源：云江晚报</div>"
    html = page(f"<title>{title}_云江日报网</title>", f"<h1>{title}</h1>{under}{info}<div class=content>BODY</div>")
    assert extract(html, "http://yunjiang.example/a.html", NOW).title == title


def test_a_file_is_known_by_its_name_where_its_address_is_a_number() -> None:
    files = '<p>附件：<a href="/download?id=7">办事指南.docx</a> <a href="/1.mp4">视频</a> <a href="/2.html">续</a></p>'
    found = extract(PORTAL.replace("<p>（责任编辑", f"{files}<p>（责任编辑"), "http://yunjiang.example/a.html", NOW)
    assert [(file.url, file.name) for file in found.attachments] == [
        ("http://yunjiang.example/download?id=7", "办事指南.docx")
    ]
