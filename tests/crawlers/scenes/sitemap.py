"""A sitemap that leads to articles."""

from __future__ import annotations

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene, article

TITLES = ("水费重复扣收核查进展公布", "学区划分方案公开征求意见")


def build(site: LocalSite, time: str, charset: str) -> str:
    rows = "".join(
        f"<url><loc>{site.url}/s/{number}.html</loc><lastmod>2026-11-23</lastmod></url>"
        for number in range(len(TITLES))
    )
    xml = (
        f'<?xml version="1.0" encoding="{charset}"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"<!-- 云江日报 -->{rows}</urlset>"
    )
    site.put("/sitemap.xml", xml.encode(charset), media_type="application/xml")
    for number, title in enumerate(TITLES):
        site.put(f"/s/{number}.html", article(title, time, charset).encode(charset))
    return "/sitemap.xml"


SCENE = Scene(build, TITLES, content=("/s/0.html", "/s/1.html"))
