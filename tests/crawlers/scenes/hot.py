"""A hot list as JSON."""

from __future__ import annotations

import json

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene

WORDS = ("望津阶梯水价", "老人水费被扣两次", "云江一夜入冬")


def build(site: LocalSite, time: str, charset: str) -> str:
    rows = [{"word": "某某手机新品", "is_ad": 1, "num": 9}]
    rows += [{"word": word, "num": 900_000 - place, "onboard_time": time} for place, word in enumerate(WORDS)]
    answer = json.dumps({"ok": 1, "data": {"realtime": rows, "hotgov": {"word": "置顶"}}}, ensure_ascii=False)
    site.put("/hot.json", answer.encode(charset), media_type="application/json")
    return "/hot.json"


SCENE = Scene(build, WORDS)
