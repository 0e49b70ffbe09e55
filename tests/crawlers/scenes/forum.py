"""A forum whose pages look like those of Discuz!."""

from __future__ import annotations

from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene


def floor(number: int, author: str, time: str, text: str) -> str:
    return (
        f'<div id="post_{number}"><div class="authi"><a class="xw1" href="/u">{author}</a></div>'
        f'<a id="postnum{number}"><em>{number}</em>#</a><em id="authorposton{number}">发表于 {time}</em>'
        f'<table><tr><td class="t_f" id="postmessage_{number}">{text}</td></tr></table></div>'
    )


def build(site: LocalSite, time: str, charset: str) -> str:
    row = '<tr><th><a class="s xst" href="/thread-7-1-1.html">水费怎么扣了两次</a></th><td>1</td></tr>'
    site.put("/forum.html", f'<meta charset="{charset}"><table>{row}</table>'.encode(charset))
    floors = floor(1, "老周", time, "水费被扣了两次，电话13800138000") + floor(2, "小李", time, "我家也是")
    site.put("/thread-7-1-1.html", f'<meta charset="{charset}"><body>{floors}</body>'.encode(charset))
    return "/forum.html"


SCENE = Scene(build, ("水费怎么扣了两次", "我家也是"), content=("/thread-7-1-1.html",))
