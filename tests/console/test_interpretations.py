"""政策解读 in the browser: figures that open their lists, the scope, and files without formulas."""

from __future__ import annotations

import io
import re
from datetime import date

from openpyxl import load_workbook

from minsheng.policies import Policy, PolicyRegister
from minsheng.policies.interpretations import Interpretations
from tests.console.world import ConsoleWorld


def test_each_figure_opens_its_list_in_ones_scope(world: ConsoleWorld) -> None:
    risky = Policy(id="risky", title="=1+1", department="云岭市人民政府", released_on=date(2026, 5, 1))
    PolicyRegister(world.store, world.clock).import_policies([risky])
    Interpretations(world.store, world.clock).add("heating", "picture", "一图读懂", date(2026, 5, 6), actor="li")
    duty = world.client("duty")
    page = duty.get("/interpretations").text
    links = dict(re.findall(r'href="(/interpretations\?show=[\w-]+)[^"]*"[^>]*>[^<]* <b>(\d+)</b>', page))
    assert len(links) == 10 and "要求不低于" in page
    for link, count in links.items():
        assert duty.get(link).text.count("data-row") == int(count), link
    assert duty.get("/interpretations?show=nothing").status_code == 404
    assert duty.get("/interpretations?since=soon").status_code == 400
    book = load_workbook(io.BytesIO(duty.get("/interpretations/export?show=official").content))
    assert [row[2] for row in book.active.values] == ["标题", "'=1+1"]
    assert duty.get("/interpretations/export?format=csv").content.startswith(b"\xef\xbb\xbf")
    assert duty.get("/interpretations/export?format=exe").status_code == 404
    assert [line.subject for line in world.console.audit.list(action="exported", limit=9)] == ["interpretations"] * 2
    schools = world.client("duty", "schools").get("/interpretations").text
    assert "供暖" not in schools and "一图读懂" not in schools
    assert "没有比对" in world.client("operator").get("/interpretations").text
