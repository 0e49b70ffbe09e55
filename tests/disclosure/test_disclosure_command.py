"""`minsheng disclosure`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from minsheng.cli.app import app
from minsheng.errors import WrongUse
from tests.disclosure.conftest import written
from tests.stores import lay_store

ROWS = (
    "1,2026-03-02,张三丰,,东河村征地补偿安置方案,,市局,云江省望津市,,,,,,,2026-03-20,予以公开",
    "2,2026-03-02,李四光,,申请公开东河村征地补偿安置方案,,市局,云江省望津市,是,,,,,,2026-06-20,不予公开,纠正,败诉",
    "3,坏日期,王五一,,事项,,市局",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    lay_store(folder / "store.db")
    path = written(folder / "册.csv", *ROWS)
    result = CliRunner().invoke(app, ["--data-dir", str(folder), "disclosure", "import", str(path)])
    assert result.exit_code == 1 and "2 added, 0 changed, 0 unchanged, 1 refused" in result.stdout
    assert "第 4 行：收到申请日期“坏日期”不是日期" in result.stdout and "已略去：申请人姓名、联系电话" in result.stdout
    assert "王五一" not in (folder / "rejects" / "册.csv.disclosure.jsonl").read_text("utf-8")
    return folder


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["--data-dir", str(folder), "disclosure", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def found(folder: Path, *arguments: str) -> Any:
    return json.loads(run(folder, *arguments, "--json"))


def test_lists_figures_and_suggestions(folder: Path) -> None:
    assert [one["number"] for one in found(folder, "list", "--state", "late")] == ["2"]
    assert found(folder, "list", "--outcome", "disclosed")[0]["standing"]["due"] == "2026-03-30"
    assert "超期答复" in run(folder, "list") and "按期答复" in run(folder, "show", "1")
    assert found(folder, "show", "2", "--department", "市局")["history"][0]["file"] == "册.csv"
    figures = found(folder, "figures", "--from", "2026-01-01", "--to", "2026-12-31")
    assert (figures["received"], figures["corrected"], figures["lost"], figures["in_time_share"]) == (2, 1, 1, 0.5)
    assert "按期答复率" in run(folder, "figures", "--from", "2026-01-01")
    (one,) = found(folder, "suggestions", "--from", "2026-01-01", "--often", "2")
    assert (one["applications"], one["advice"]) == (2, "publish")
    assert "建议主动公开" in run(folder, "suggestions", "--from", "2026-01-01", "--often", "2")
    assert found(folder, "list", "--matter", str(one["matter"]), "--region", "云江省", "--words", "申请公开")


def test_exports_read_back(folder: Path) -> None:
    for kind in ("csv", "xlsx"):
        path = folder / f"出.{kind}"
        run(folder, "export", str(path))
        assert found(folder, "import", str(path))["unchanged"] == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("list", "--state", "nonsense"), "--state nonsense is not known"),
        (("list", "--outcome", "nonsense"), "--outcome nonsense is not known"),
        (("show", "99"), "there is no application 99"),
        (("export", "a.pdf"), "files of this kind are not written"),
        (("import", "nothing.csv"), "can't be read"),
        (("import", "nothing.csv", "--map", "x"), "not of the form"),
    ],
)
def test_wrong_use_is_told(folder: Path, arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        run(folder, *arguments)
