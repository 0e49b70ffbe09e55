"""Listing pages that lead to articles."""

from __future__ import annotations

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene, article


def build(site: LocalSite, time: str, charset: str) -> str:
    titles = ("水费重复扣收核查进展公布", "学区划分方案公开征求意见", "老旧小区加装电梯补贴标准")
    rows = "".join(
        f'<li><a href="/n/{number}.html">{title}</a><span>11-23</span></li>' for number, title in enumerate(titles)
    )
    page = f'<html><head><meta charset="{charset}"></head><body><ul class="list">{rows}</ul></body></html>'
    site.put("/news/", page.encode(charset))
    for number, title in enumerate(titles):
        site.put(f"/n/{number}.html", article(title, time, charset).encode(charset))
    return "/news/"


SCENE = Scene(
    build,
    ("水费重复扣收核查进展公布", "学区划分方案公开征求意见", "老旧小区加装电梯补贴标准"),
    content=("/n/0.html", "/n/1.html", "/n/2.html"),
    days_in_list=True,
)
