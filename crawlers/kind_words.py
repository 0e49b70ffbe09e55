"""The kinds of sources, as people call them."""

from __future__ import annotations

KIND_WORDS = {
    "feed": "订阅源（RSS、Atom）", "sitemap": "网站地图", "listing": "栏目列表", "page": "单个网页",
    "government": "政府网站栏目", "board": "问政留言板", "forum": "论坛", "hot": "热榜", "weibo_search": "微博搜索",
    "mastodon": "Mastodon", "json_api": "JSON 接口", "mail": "邮箱",
}  # fmt: skip
"""Kind of source → what pages call it."""
