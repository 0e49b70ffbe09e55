"""The sources of a data folder that crawls the sample site."""

from __future__ import annotations

from crawlers.sources import Source
from sample.content import load_world

QUERIES = (
    "水价",
    "水费",
    "停车",
    "医保",
    "门诊共济",
    "公积金",
    "烟花",
    "燃放",
    "课后服务",
    "纾困",
    "征收",
    "人才新政",
    "灵活就业",
    "一窗通办",
    "不打烊",
    "禁放",
    "延时服务",
    "惠企",
    "江才计划",
)
"""What the Weibo-like search is asked for; together they find every post of the world that names a policy."""


def sample_sources(base_url: str, *, live: bool) -> list[Source]:
    """One source for each site of the sample world.

    Parameters
    ----------
    live:
        The world is playing out: look every few seconds.
    """
    every = "5s" if live else "1m"
    outlets = [
        Source(
            id=f"sample-{outlet.id}",
            kind="feed" if outlet.feed else "government" if outlet.layout == "government" else "listing",
            name=outlet.name,
            url=f"{base_url}/{outlet.id}/{'feed.xml' if outlet.feed else ''}",
            every=every,
            quiet_after="1d",
            options={"full_text": True} if outlet.feed else {"pages": 3},
        )
        for outlet in load_world().outlets
    ]
    return [
        *outlets,
        Source(
            id="sample-weibo",
            kind="weibo_search",
            name="微博搜索（示例）",
            url=f"{base_url}/weibo/search?q={{query}}&page={{page}}",
            every=every,
            quiet_after="6h",
            options={
                "queries": list(QUERIES),
                "pages": 10,
                "long_text": f"{base_url}/weibo/statuses/extend?id={{id}}",
                "post_url": f"{base_url}/weibo/status/{{id}}",
            },
        ),
        Source(
            id="sample-board",
            kind="board",
            name="云江问政（示例）",
            url=f"{base_url}/board/",
            every=every,
            quiet_after="1d",
            options={"pages": 10},
        ),
    ]
