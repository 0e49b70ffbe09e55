"""A public timeline of a Mastodon-like service."""

from __future__ import annotations

import json
from typing import Any

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene


def status(number: str, text: str, time: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "created_at": time,
        "content": f"<p>{text}</p>",
        "account": {"acct": "laozhou@yunjiang.example"},
        "visibility": "public",
        **more,
    }


def build(site: LocalSite, time: str, charset: str) -> str:
    statuses = [
        status("1", "水费又扣了两次，电话13800138000", time, favourites_count=3),
        status("2", "不想被收录", time, account={"acct": "x", "noindex": True}),
        status("3", "只给关注者看", time, visibility="private"),
    ]
    site.put("/api/v1/timelines/public?limit=40", json.dumps(statuses, ensure_ascii=False).encode(charset))
    return "/api/v1/timelines/public?limit=40"


SCENE = Scene(build, ("水费又扣了两次，电话[电话]",))
