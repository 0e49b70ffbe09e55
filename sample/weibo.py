"""The Weibo-like JSON: search results in cards, each with an `mblog`, as the mobile site's interface gives them."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from sample.content import HotTerm, Post
from sample.timeline import Dated

PAGE_SIZE = 10
LONG_TEXT = 140
"""Posts longer than so many characters are cut in search results and marked `isLongText`."""

LOGIN_FOR = timedelta(minutes=10)
LOGIN_WANTED = {"ok": -100, "errno": "100005", "msg": "请先登录", "url": "/weibo/login"}
"""What members' pages answer to others: with status 200, as the real ones do."""
_LOGIN = re.compile(r"(?:^|;\s*)SUB=yunjiang-(\d{1,12})(?:;|$)")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MARKUP = re.compile(r"#(?P<tag>[^#\s]{2,30})#|(?<![\w.])@(?P<user>[\w-]{2,20})|\[(?P<emoji>[\w]{1,8})\]")


def mid_of(post: Post) -> str:
    """The post's number: sixteen digits that stay the same whenever the world is served."""
    return str(5_000_000_000_000_000 + _digits(f"{post.by}\n{post.text}") % 100_000_000_000_000)


def mblog(item: Dated[Post], by_id: Mapping[str, Dated[Post]], *, whole: bool = False) -> dict[str, Any]:
    """One post as the search gives it.

    Parameters
    ----------
    by_id:
        Posts by their `id`, to find the one that is reposted.
    whole:
        Do not cut long texts.
    """
    post, mid = item.entry, mid_of(item.entry)
    long = len(post.text) > LONG_TEXT and not whole
    text = markup(post.text[:LONG_TEXT]) + f'...<a href="/weibo/status/{mid}">全文</a>' if long else markup(post.text)
    found: dict[str, Any] = {
        "created_at": created_at(item.at),
        "id": mid,
        "mid": mid,
        "bid": mid,
        "text": text,
        "isLongText": long,
        "source": "微博网页版",
        "region_name": f"发布于 {post.region}",
        "user": {"id": _digits(post.by) % 10_000_000_000, "screen_name": post.by},
        "reposts_count": post.reposts,
        "comments_count": post.comments,
        "attitudes_count": post.likes,
    }
    if post.of is not None:
        found["retweeted_status"] = mblog(by_id[post.of], by_id, whole=whole)
    return found


def search_answer(
    items: Sequence[Dated[Post]], by_id: Mapping[str, Dated[Post]], query: str, page: int
) -> dict[str, Any]:
    """The answer to one page of a search: every word of `query` stands in the post or in the one it reposts."""
    found = [item for item in items if _matches(item, by_id, query)]
    chosen = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    if not chosen:
        return {"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}}
    cards = [{"card_type": 9, "itemid": f"seqid:{mid_of(item.entry)}", "mblog": mblog(item, by_id)} for item in chosen]
    # The first page carries its results inside a group, the later ones bare: so does the real one.
    return {
        "ok": 1,
        "data": {
            "cardlistInfo": {"total": len(found), "page": page + 1 if page * PAGE_SIZE < len(found) else None},
            "cards": [{"card_type": 11, "card_group": cards}] if page == 1 else cards,
        },
    }


def comments_answer(item: Dated[Post], posts: Sequence[Dated[Post]]) -> dict[str, Any]:
    """What people said when they passed a post on, as its comments; one page."""
    said = [other for other in posts if other.entry.of is not None and other.entry.of == item.entry.id]
    return {
        "ok": 1,
        "data": {
            "data": [
                {
                    "id": f"c{mid_of(other.entry)}",
                    "created_at": created_at(other.at),
                    "text": markup(other.entry.text),
                    "source": f"来自{other.entry.region}",
                    "user": {"id": _digits(other.entry.by) % 10_000_000_000, "screen_name": other.entry.by},
                    "like_count": other.entry.likes,
                    "rootid": f"c{mid_of(other.entry)}",
                }
                for other in said
                if other.entry.text
            ],
            "max_id": 0,
        },
    }


def hot_answer(terms: Sequence[Dated[HotTerm]]) -> dict[str, Any]:
    """The hot-search list, hottest first."""
    ordered = sorted(terms, key=lambda item: -item.entry.heat)
    return {
        "ok": 1,
        "data": {
            "realtime": [
                {
                    "rank": rank,
                    "realpos": rank,
                    "word": item.entry.word,
                    "word_scheme": f"#{item.entry.word}#",
                    "num": item.entry.heat,
                    "label_name": item.entry.label,
                    "onboard_time": int(item.at.timestamp()),
                }
                for rank, item in enumerate(ordered, 1)
            ]
        },
    }


def created_at(at: datetime) -> str:
    """`Tue Nov 24 12:30:00 +0800 2026`, in English whatever the machine's language."""
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at:%d %H:%M:%S %z %Y}"


def markup(text: str) -> str:
    """A post's text as HTML: hashtags and names are links, emoji codes are pictures."""

    def link(found: re.Match[str]) -> str:
        if found["tag"]:
            return (
                f'<a href="/weibo/search?q={quote(found["tag"])}"><span class="surl-text">#{found["tag"]}#</span></a>'
            )
        if found["user"]:
            return f'<a href="/weibo/search?q={quote(found["user"])}">@{found["user"]}</a>'
        return f'<span class="url-icon"><img alt="[{found["emoji"]}]" src="/static/emoji.svg"></span>'

    return _MARKUP.sub(link, html.escape(text, quote=False)).replace("\n", "<br />")


def _matches(item: Dated[Post], by_id: Mapping[str, Dated[Post]], query: str) -> bool:
    text = item.entry.text
    if item.entry.of is not None:
        text += by_id[item.entry.of].entry.text
    return all(word in text for word in query.replace("#", " ").replace('"', " ").split())


def _digits(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def login(now: datetime) -> str:
    """The cookie of a login that ends after `LOGIN_FOR`."""
    return f"SUB=yunjiang-{int((now + LOGIN_FOR).timestamp())}"


def is_logged_in(cookie: str, now: datetime) -> bool:
    found = _LOGIN.search(cookie)
    return found is not None and int(found[1]) > now.timestamp()
