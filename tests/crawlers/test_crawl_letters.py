"""Messages and replies by the labels of their pages."""

from __future__ import annotations

import pytest

from crawlers.letters import Letter, read_letter
from crawlers.markup import parse_html
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite

TABLE = """<h1>云江市市长信箱</h1><table>
<tr><td>信件编号：</td><td>YJ20261123001</td><td>来信人：</td><td>王**</td></tr>
<tr><td>来信时间：</td><td>2026-11-23 12:30</td><td>信件类型：</td><td>投诉</td></tr>
<tr><td>来信标题：</td><td colspan=3>水费被重复扣收</td></tr>
<tr><td>来信内容：</td><td colspan=3><p>本月水费扣了两次。</p><p>请尽快退款。</p></td></tr>
<tr><td>答复单位：</td><td>市水务局</td><td>答复时间：</td><td>2026-11-24 09:00</td></tr>
<tr><td>答复内容：</td><td colspan=3><p>您好，已经退款。</p><p>感谢支持。</p></td></tr></table>
<div>【打印】【关闭】</div><div>主办：云江市人民政府</div>"""
LINES = """<h2>路灯坏了一个月</h2><p>网友：老周　提问时间：2026-11-23 12:30　地区：新圃区</p>
<div>【留言内容】小区门口路灯坏了一个月。</div>
<h3>回复单位：新圃区城管局</h3><div>回复内容：已安排维修。</div><div>回复时间：2026年11月24日</div>"""
HEADED = """<html><head><title>咨询公积金提取_云江问政</title></head><body><div>咨询内容</div><div>异地能提取吗？</div>
<div>官方回复</div><div>可以。</div><div>答复部门</div><div>公积金中心</div></body></html>"""
OPEN = "<h1>留言</h1><p>留言标题：学区怎么划</p><p>留言内容：今年学区有变化吗？</p><p>办理状态：办理中</p>"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            TABLE,
            Letter(
                title="水费被重复扣收",
                text="本月水费扣了两次。\n请尽快退款。",
                number="YJ20261123001",
                author="王**",
                time="2026-11-23 12:30",
                replies=[("市水务局", "2026-11-24 09:00", "您好，已经退款。\n感谢支持。")],
            ),
        ),
        (
            LINES,
            Letter(
                title="路灯坏了一个月",
                text="小区门口路灯坏了一个月。",
                author="老周",
                time="2026-11-23 12:30",
                region="新圃区",
                replies=[("新圃区城管局", "2026年11月24日", "已安排维修。")],
            ),
        ),
        (HEADED, Letter(title="咨询公积金提取", text="异地能提取吗？", replies=[("公积金中心", "", "可以。")])),
        (OPEN, Letter(title="学区怎么划", text="今年学区有变化吗？")),
        ("<h1>通知公告</h1><p>发布时间：2026-11-23</p><p>全文如下。</p>", None),
    ],
)
def test_labels_are_read(html: str, expected: Letter | None) -> None:
    tree = parse_html(html)
    assert tree is not None
    assert read_letter(tree) == expected


def test_a_board_without_selectors_is_read_by_its_labels(crawling: Crawling, site: LocalSite) -> None:
    rows = "".join(f'<li><a href="/x/{n}.html">水费被重复扣收怎么办 第{n}问</a></li>' for n in range(3))
    site.put("/x/", f'<ul class="a">{rows}</ul>')
    for n in range(3):
        site.put(f"/x/{n}.html", f"<html><body>{TABLE}</body></html>")
    crawling.source("one", "board", f"{site.url}/x/")
    report = crawling.run()
    assert (report.ok, report.new, report.failed) == (True, 6, 0)
    replies = [document for document in crawling.documents() if document.kind == "reply"]
    assert {(reply.outlet, f"{reply.published_at:%m-%d}") for reply in replies} == {("市水务局", "11-24")}
