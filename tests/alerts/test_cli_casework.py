"""What officers do with a ticket, on the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.alerts.test_cli_tickets import data_dir, minsheng  # noqa: F401 - fixtures

T = "T20260310-001"
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_way_of_a_ticket(minsheng: Run, tmp_path: Path) -> None:  # noqa: F811
    assert "研判中" in minsheng("judge", T, "--by", "李敏").stdout
    late = minsheng("respond", T, "--by", "王强", "--version", "1")
    assert late.returncode == 2 and "李敏" in late.stderr
    sheet = tmp_path / "sheet.toml"
    text = minsheng("sheet", T).stdout
    sheet.write_text(text.replace("demands = []", 'demands = ["退费"]'), encoding="utf-8")
    assert "第 1 版" in minsheng("write-sheet", T, str(sheet), "--by", "李敏").stdout
    unsigned = minsheng("sign-sheet", T, "1", "--by", "陈主任")
    assert unsigned.returncode == 2 and "处置建议" in unsigned.stderr
    down = json.loads(minsheng("pass-down", T, "县局", "核实", "--due", "4h", "--json").stdout)
    assert (down["state"], down["number"]) == ("passed", 1)
    assert minsheng("attach", T, str(sheet)).returncode == 0
    shown = minsheng("show", T).stdout
    for words in ("任务 1［", "督办 1［办理中］县局", "附件 sheet.toml", "研判单 第 1 版", "研判中"):
        assert words in shown
    assert minsheng("verify", T).returncode == 0


def test_a_response_s_text_goes_on_to_its_evaluation(minsheng: Run) -> None:  # noqa: F811
    text = "经市发改委核查，部分账单跨了两档，属实，已要求供水公司于3月15日前重新核算并退还多收水费。"
    late = minsheng("responded", T, "--text", text, "--version", "1", "--by", "李敏")
    assert late.returncode == 2 and "was changed by somebody else" in late.stderr
    seen = minsheng("responded", T, "--text", text, "--by", "李敏")
    assert seen.returncode == 0 and "已回应" in seen.stdout and "response evaluated" in seen.stderr
    again = minsheng("responded", T, "--text", text)
    assert again.returncode == 2 and "can't become responded" in again.stderr
    assert minsheng("verify", T).returncode == 0
