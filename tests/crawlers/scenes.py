"""One scene a kind of source: what its site serves, and what a crawl of it must give.

A new kind adds its scene here; the shared checks of test_crawl_every_kind.py then run over it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from minsheng.records import Document
from tests.crawlers.local_site import LocalSite

BODY = (
    "市水务集团今天上午公布了阶梯水价首期账单的核查进展，已经核实重复扣费两百余户，正在逐户退款。",
    "集团有关负责人表示，退款将在五个工作日之内到账，居民不需要到营业厅排队，也不需要提供其他材料。",
    "记者在新圃区看到，社区工作人员正挨家挨户核对账单，不少老人已经收到了退款短信，对处理结果表示满意。",
)


def article(title: str, time: str, charset: str = "utf-8", body: tuple[str, ...] = BODY) -> str:
    paragraphs = "".join(f"<p>{text}</p>" for text in body)
    return (
        f'<html><head><meta charset="{charset}"><title>{title}_云江日报网</title></head><body><h1>{title}</h1>'
        f'<div class="info">{time}　来源：云江日报　编辑：小周</div><div class="content">{paragraphs}</div>'
        '<div class="foot">云江日报社主办　投稿邮箱：a@yunjiang.example</div></body></html>'
    )


class Scene(NamedTuple):
    """A site for one kind.

    Attributes
    ----------
    build:
        Puts the pages of a site up; given the times of its things, and a charset. Returns the path of the source's own
        page.
    options:
        The source's options, given the site's address.
    expect:
        Title or text, and native time as written, of what must come of it.
    content:
        Paths that must be fetched once only, however often the source is crawled.
    """

    build: Callable[[LocalSite, str, str], str]
    expect: tuple[str, ...]
    options: Callable[[str], dict[str, Any]] = lambda url: {}
    content: tuple[str, ...] = ()


def _feed(site: LocalSite, time: str, charset: str) -> str:
    xml = (
        f'<?xml version="1.0" encoding="{charset}"?><rss version="2.0"><channel><title>云江日报</title>'
        f"<item><title>水费重复扣收已退款</title><link>/a/1.html</link><pubDate>{time}</pubDate>"
        "<description>&lt;p&gt;核查进展公布。&lt;/p&gt;</description></item>"
        f"<item><title>学区划分方案征求意见</title><link>/a/2.html</link><pubDate>{time}</pubDate>"
        "<description>为期一个月。</description></item></channel></rss>"
    )
    site.put("/feed.xml", xml.encode(charset), media_type="application/rss+xml; charset=utf-8")
    return "/feed.xml"


def _listing(site: LocalSite, time: str, charset: str) -> str:
    titles = ("水费重复扣收核查进展公布", "学区划分方案公开征求意见", "老旧小区加装电梯补贴标准")
    rows = "".join(
        f'<li><a href="/n/{number}.html">{title}</a><span>11-23</span></li>' for number, title in enumerate(titles)
    )
    page = f'<html><head><meta charset="{charset}"></head><body><ul class="list">{rows}</ul></body></html>'
    site.put("/news/", page.encode(charset))
    for number, title in enumerate(titles):
        site.put(f"/n/{number}.html", article(title, time, charset).encode(charset))
    return "/news/"


def _page(site: LocalSite, time: str, charset: str) -> str:
    site.put("/notice.html", article("关于水价调整的公告", time, charset).encode(charset))
    return "/notice.html"


def _weibo(site: LocalSite, time: str, charset: str) -> str:
    posts = [
        {
            "mid": "5001",
            "created_at": time,
            "text": '水费又扣了两次<span class="url-icon"><img alt="[怒]" src="/x.svg"></span> @水务集团 出来说说',
            "isLongText": False,
            "user": {"id": 7, "screen_name": "老周"},
            "reposts_count": 3,
            "comments_count": "1.2万",
            "attitudes_count": 5,
            "retweeted_status": {
                "mid": "5000",
                "created_at": time,
                "text": "阶梯水价首期账单来了。",
                "user": {"id": 8, "screen_name": "水务集团"},
            },
        },
        {"mid": "5002", "created_at": time, "text": "长文开头……全文", "isLongText": True, "user": {"id": 9}},
    ]
    cards = {"ok": 1, "data": {"cards": [{"card_group": [{"mblog": post} for post in posts]}]}}
    raw = json.dumps(cards, ensure_ascii=False).encode(charset)
    site.put("/search?q=水费&page=1", raw, media_type="application/json")
    whole = json.dumps({"ok": 1, "data": {"longTextContent": "长文开头<br />长文结尾"}}, ensure_ascii=False)
    site.put("/extend?id=5002", whole.encode(charset), media_type="application/json")
    return "/search?q={query}&page={page}"


def _board(site: LocalSite, time: str, charset: str) -> str:
    rows = "".join(
        f'<tr><td class="title"><a href="/msg?tid={tid}">{title}</a></td><td>{state}</td></tr>'
        for tid, title, state in ((1, "水费被重复扣了两次怎么办", "已办理"), (2, "小区门口路灯坏了一个月", "办理中"))
    )
    page = f'<html><head><meta charset="{charset}"></head><body><table>{rows}</table></body></html>'
    site.put("/board/", page.encode(charset))
    for tid, title, reply in ((1, "水费被重复扣了两次怎么办", True), (2, "小区门口路灯坏了一个月", False)):
        answer = (
            f'<div class="reply"><span class="reply-by">市水务局</span><span class="reply-time">{time}</span>'
            '<div class="reply-content"><p>已经退款。</p></div></div>'
        )
        site.put(
            f"/msg?tid={tid}",
            f'<html><head><meta charset="{charset}"></head><body><h2 class="message-title">{title}</h2>'
            f'<ul class="message-info"><li>编号：<span class="tid">{tid}</span></li>'
            f'<li>留言人：<span class="author">王先生</span></li><li><span class="time">{time}</span></li></ul>'
            f'<div class="message-content"><p>{title}，请尽快处理，电话13800138000。</p></div>'
            f"{answer if reply else ''}</body></html>".encode(charset),
        )
    return "/board/"


SCENES: dict[str, Scene] = {
    "feed": Scene(_feed, ("水费重复扣收已退款", "学区划分方案征求意见")),
    "listing": Scene(
        _listing,
        ("水费重复扣收核查进展公布", "学区划分方案公开征求意见", "老旧小区加装电梯补贴标准"),
        content=("/n/0.html", "/n/1.html", "/n/2.html"),
    ),
    "page": Scene(_page, ("关于水价调整的公告",)),
    "weibo_search": Scene(
        _weibo,
        ("水费又扣了两次[怒] @用户 出来说说", "阶梯水价首期账单来了。", "长文开头\n长文结尾"),
        options=lambda url: {"queries": ["水费"], "long_text": f"{url}/extend?id={{id}}"},
        content=("/extend?id=5002",),
    ),
    "board": Scene(
        _board,
        ("水费被重复扣了两次怎么办", "小区门口路灯坏了一个月", "已经退款。"),
        content=("/msg?tid=1", "/msg?tid=2"),
    ),
}


def put_up(
    kind: str, site: LocalSite, time: str = "2026-11-23 12:30", charset: str = "utf-8"
) -> tuple[str, dict[str, Any]]:
    """Serve a kind's scene; returns the source's address and options."""
    scene = SCENES[kind]
    path = scene.build(site, time, charset)
    return f"{site.url}{path}", scene.options(site.url)


def words(document: Document) -> str:
    """What a scene's `expect` names a document by."""
    return document.title or document.text
