"""RSS and Atom feeds."""

from __future__ import annotations

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene


def build(site: LocalSite, time: str, charset: str) -> str:
    xml = (
        f'<?xml version="1.0" encoding="{charset}"?><rss version="2.0"><channel><title>云江日报</title>'
        f"<item><title>水费重复扣收已退款</title><link>/a/1.html</link><pubDate>{time}</pubDate>"
        "<description>&lt;p&gt;核查进展公布。&lt;/p&gt;</description></item>"
        f"<item><title>学区划分方案征求意见</title><link>/a/2.html</link><pubDate>{time}</pubDate>"
        "<description>为期一个月。</description></item></channel></rss>"
    )
    site.put("/feed.xml", xml.encode(charset), media_type="application/rss+xml; charset=utf-8")
    return "/feed.xml"


SCENE = Scene(build, ("水费重复扣收已退款", "学区划分方案征求意见"))
