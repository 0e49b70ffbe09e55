"""Weibo-like search results."""

from __future__ import annotations

import json

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene


def build(site: LocalSite, time: str, charset: str) -> str:
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


SCENE = Scene(
    build,
    ("水费又扣了两次[怒] @用户 出来说说", "阶梯水价首期账单来了。", "长文开头\n长文结尾"),
    options=lambda url: {"queries": ["水费"], "long_text": f"{url}/extend?id={{id}}"},
    content=("/extend?id=5002",),
)
