"""An interface that answers with JSON, page by page."""

from __future__ import annotations

import json

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene


def build(site: LocalSite, time: str, charset: str) -> str:
    for page, titles in ((1, ("水费重复扣收已退款", "学区划分方案征求意见")), (2, ())):
        entries = [
            {"id": f"{page}{n}", "title": title, "content": f"<p>{title}，电话13800138000。</p>", "publishTime": time}
            for n, title in enumerate(titles)
        ]
        answer = json.dumps({"code": 0, "data": {"list": entries}}, ensure_ascii=False)
        site.put(f"/api?page={page}", answer.encode(charset), media_type="application/json")
    return "/api?page={page}"


SCENE = Scene(build, ("水费重复扣收已退款", "学区划分方案征求意见"), options=lambda url: {"pages": 2})
