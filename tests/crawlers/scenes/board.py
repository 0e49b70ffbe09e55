"""A message board."""

from __future__ import annotations

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene


def build(site: LocalSite, time: str, charset: str) -> str:
    rows = "".join(
        f'<tr><td class="title"><a href="/msg?tid={tid}">{title}</a></td><td>{state}</td></tr>'
        for tid, title, state in ((1, "水费被重复扣了两次怎么办", "已办理"), (2, "小区门口路灯坏了一个月", "办理中"))
    )
    page = f'<html><head><meta charset="{charset}"></head><body><table>{rows}</table></body></html>'
    site.put("/board/", page.encode(charset))
    for tid, title, reply in ((1, "水费被重复扣了两次怎么办", True), (2, "小区门口路灯坏了一个月", False)):
        answer = (
            f'<div class="reply"><span class="reply-by">市水务局</span><span class="reply-time">{time}</span>'
            '<div class="reply-content"><p>已经退款。</p></div></div>'
        )
        site.put(
            f"/msg?tid={tid}",
            f'<html><head><meta charset="{charset}"></head><body><h2 class="message-title">{title}</h2>'
            f'<ul class="message-info"><li>编号：<span class="tid">{tid}</span></li>'
            f'<li>留言人：<span class="author">王先生</span></li><li><span class="time">{time}</span></li></ul>'
            f'<div class="message-content"><p>{title}，请尽快处理，电话13800138000。</p></div>'
            f"{answer if reply else ''}</body></html>".encode(charset),
        )
    return "/board/"


SCENE = Scene(
    build,
    ("水费被重复扣了两次怎么办", "小区门口路灯坏了一个月", "已经退款。"),
    content=("/msg?tid=1", "/msg?tid=2"),
)
