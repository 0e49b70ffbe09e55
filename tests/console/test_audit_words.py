"""The audit log as people read it: words for what programs wrote down, and days to narrow it by."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import console
from console.audit import ACTIONS
from console.audit_words import KEYS, detail_words
from console.translation import catalogue
from tests.console.world import ConsoleWorld, send

FOLDER = Path(console.__file__).parent
_NAMES = {"unit": {1: "省政府办公厅"}, "policy": {"heating": "供暖办法"}, "source": {"forum": "云岭论坛"}}


def _recorded() -> Iterator[str]:
    """The names that details are written under, wherever a line is added."""
    for path in FOLDER.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in (
                "record", "add", "act", "_done",
            ):  # fmt: skip
                for given in ast.walk(call):
                    if isinstance(given, ast.Dict):
                        yield from (key.value for key in given.keys if isinstance(key, ast.Constant))


def test_everything_that_is_recorded_has_its_words() -> None:
    found = {key for key in _recorded() if isinstance(key, str)}
    assert len(found) > 50
    assert found - KEYS.keys() == set()
    assert {*KEYS.values(), *ACTIONS.values()} - set(catalogue("en")) == set()


@pytest.mark.parametrize(
    ("action", "detail", "told"),
    [
        ("user-added", '{"roles":["duty","leader"],"unit":1}', "角色：值班员、领导；单位：省政府办公厅"),
        ("user-changed", '{"roles":["auditor"],"unit":null,"disabled":true}', "角色：审计员；停用：是"),
        ("searched", '{"q":"供暖","policy":["heating","other"],"sort":"reach","total":0}',
         "检索词：供暖；政策：供暖办法、other；排序：互动最多；找到：0"),
        ("searched", '{"q":"供水","sort":"newest","total":2}', "找到：2"),
        ("ticket-moved", '{"what":"move","to":"acknowledged"}', "操作：变更状态；改为：已签收"),
        ("ticket-moved", '{"what":"task-7","task":7}', "操作：任务 7；任务：7"),
        ("label-corrected", '{"head":"sentiment","from":"negative","to":"neutral","reason":"说的是别处"}',
         "标签：情感；原为：负面；改为：中性；理由：说的是别处"),
        ("source-added", '{"kind":"feed","url":"https://a.example"}', "网址：https://a.example；类型：订阅源（RSS、Atom）"),
        ("refused", '{"right":"audit"}', "权限：查看审计日志"),
        ("channel-tested", '{"ok":false}', "发送成功：否"),
        ("policy-changed", '{"aliases":["新政"],"reason":"到期","stage":"repealed"}',
         "别名：新政；效力：已废止；理由：到期"),
        ("searched", "{}", ""),
    ],
)  # fmt: skip
def test_details_are_told_in_words(action: str, detail: str, told: str) -> None:
    found = detail_words(action, "供水", detail, _NAMES, ACTIONS)
    assert "；".join(f"{what}：{value}" for what, value in found) == told


def test_the_page_shows_words_and_the_export_what_was_written(world: ConsoleWorld) -> None:
    administrator = world.client("administrator")
    send(administrator, "/admin/users", "/admin/users", name="wang", display="王", roles="reader", unit="1")
    client = world.client("auditor")
    rows = "".join(re.findall("<tr data-row>.*?</tr>", client.get("/admin/audit?action=user-added").text, re.S))
    assert "角色：部门阅览" in rows and "reader" not in rows and "{" not in rows
    exported = client.get("/admin/audit/export?action=user-added&format=csv").text
    assert '""roles"":[""reader""]' in exported


def test_lines_are_narrowed_by_days(world: ConsoleWorld) -> None:
    client = world.client("auditor")
    client.get("/admin/audit")
    day = re.findall(r'<td class="nowrap">(\d{4}-\d\d-\d\d) ', client.get("/admin/audit").text)[0]
    found = client.get(f"/admin/audit?since={day}&until={day}").text
    assert f'value="{day}"' in found and "<tr data-row>" in found
    assert "没有符合条件的记录。" in client.get("/admin/audit?until=2001-01-01").text
    assert len(client.get("/admin/audit/export?until=2001-01-01").text.splitlines()) == 1
    assert client.get("/admin/audit?since=soon").status_code == 400
