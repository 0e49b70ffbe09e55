"""A government column: a document with particulars and a file, and a link that leads to a file."""

from __future__ import annotations

from sample.files import pdf
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes.scene import Scene, article

TITLES = ("关于印发城镇居民生活用水阶梯价格管理办法的通知", "关于公开征求老旧小区加装电梯补贴标准意见的公告")


def build(site: LocalSite, time: str, charset: str) -> str:
    rows = "".join(
        f'<li><a href="/zc/{number}.html">{title}</a><span>2026-11-23</span></li>'
        for number, title in enumerate(TITLES)
    )
    page = f'<html><head><meta charset="{charset}"></head><body><ul class="list">{rows}</ul></body></html>'
    site.put("/zc/", page.encode(charset))
    for number, title in enumerate(TITLES):
        body = article(title, time, charset).replace(
            '<div class="foot">', '<p>附件：<a href="/zc/a.pdf">任务分工</a></p><div class="foot">'
        )
        table = f"<table><tr><th>文　　号</th><td>云发改价格〔2026〕4{number}号</td></tr></table>"
        site.put(f"/zc/{number}.html", body.replace("<h1>", f"{table}<h1>").encode(charset))
    site.put("/zc/a.pdf", pdf(["任务分工", "联系电话13800138000"]), media_type="application/pdf")
    return "/zc/"


SCENE = Scene(build, TITLES, content=("/zc/0.html", "/zc/1.html"), days_in_list=True)
