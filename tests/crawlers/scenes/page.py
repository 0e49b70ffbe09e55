"""One page that is watched."""

from __future__ import annotations

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene, article


def build(site: LocalSite, time: str, charset: str) -> str:
    site.put("/notice.html", article("关于水价调整的公告", time, charset).encode(charset))
    return "/notice.html"


SCENE = Scene(build, ("关于水价调整的公告",))
