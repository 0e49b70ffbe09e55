"""依申请公开 at the page: clocks, figures that open their lists, suggestions, exports, and each unit's own."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path

import openpyxl
import pytest
from httpx import Response

from console.audit import AuditLog
from console.disclosures import may_keep
from console.units import Grant
from disclosure.importing import import_file
from disclosure.model import Application
from tests.console.world import ConsoleWorld, form_token
from tests.disclosure.conftest import written

HEADER = "申请编号,收到申请日期,申请人,申请事项,答复机关,地区,相关政策,答复日期,答复结果,行政复议结果"
ROWS = (
    "H1,2026-03-02,张三丰,供暖收费依据,市住房和城乡建设局,云岭省东市,,2026-03-20,予以公开",
    "H2,2026-03-10,张三丰,申请公开供暖收费依据,住建局,云岭省西市,,,",
    "H3,2026-05-06,李四光,请求公开供暖收费依据,市住房和城乡建设局,,,,",
    "H4,2026-05-06,李四光,申请公开供暖收费依据和标准,市住房和城乡建设局,,,,",
    'H5,2026-05-07,李四光,"=HYPERLINK(""http://evil.example"")",住建局,,,,',
    "S1,2026-04-01,王五一,学区划片方案,招生办,云岭省东市,school,2026-04-30,不予公开,纠正",
    "X1,2026-04-01,王五一,<script>公交线路,公交公司,云岭省东市,,,",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    folder = tmp_path_factory.mktemp("disclosure")
    made = ConsoleWorld(folder)
    import_file(
        written(Path(folder) / "a.csv", *ROWS, header=HEADER), made.store, made.clock, made.settings, actor="li"
    )
    yield made
    made.close()


def numbers(page: str) -> set[str]:
    """The applications that a page lists."""
    return set(re.findall(r'<a href="/disclosure/\d+">(\w+)</a>', page))


def test_what_is_open_comes_first_with_its_clock(world: ConsoleWorld) -> None:
    page = world.client("editor").get("/disclosure").text
    assert numbers(page) == {"H2", "H3", "H4", "H5", "X1"}
    assert page.index(">H2<") < page.index(">H3<")
    assert "超期 20 个工作日" in page and "还有 " in page
    assert "<script>公交" not in page and "张三丰" not in page
    assert numbers(world.client("reader").get("/disclosure?state=all&q=学区").text) == {"S1"}


def test_each_number_opens_exactly_what_it_counts(world: ConsoleWorld) -> None:
    client = world.client("leader")
    page = client.get("/disclosure?state=all").text
    links = {
        (unescape(href), int(count)) for href, count in re.findall(r'<a href="(/disclosure\?[^"]+)">(\d+)</a>', page)
    }
    assert len(links) > 6
    for href, count in links:
        assert len(numbers(client.get(href).text)) == count, href
    # Answered in time: H1, S1; late: H2, X1. Those of May are not due yet.
    assert '<div class="figure">50.0%</div>' in page


def test_what_is_often_asked_is_suggested(world: ConsoleWorld) -> None:
    page = world.client("duty").get("/disclosure").text
    assert "常被申请的事项 1" in page and "建议主动公开" in page
    (matter,) = set(re.findall(r"matter=(\d+)", page))
    assert numbers(world.client("duty").get(f"/disclosure?state=all&matter={matter}").text) == {"H1", "H3", "H4"}


def test_a_unit_sees_what_is_its_own(world: ConsoleWorld) -> None:
    seen = {scope: numbers(world.client("editor", scope).get("/disclosure?state=all").text) for scope in
            ("whole", "housing", "schools", "none")}  # fmt: skip
    assert seen == {
        "whole": {"H1", "H2", "H3", "H4", "H5", "S1", "X1"}, "housing": {"H1", "H2", "H3", "H4", "H5"},
        "schools": {"S1"}, "none": set(),
    }  # fmt: skip
    page = world.client("editor").get("/disclosure?state=all").text
    own, other = (re.search(rf'href="(/disclosure/\d+)">{number}<', page)[1] for number in ("S1", "H1"))  # type: ignore[index]
    schools = world.client("editor", "schools")
    assert schools.get(own).status_code == 200
    assert schools.get(other).status_code == schools.get("/disclosure/999999").status_code == 404
    assert schools.get("/disclosure/99999999999999").status_code == 404
    for path in ("/disclosure", "/disclosure?state=all", "/disclosure/export?state=all"):
        assert "供暖收费" not in schools.get(path).text and "住房" not in schools.get(path).text
    for path in ("/disclosure", "/disclosure/export", own):
        assert world.client("operator").get(path).status_code == 403
    assert world.client("reader").get("/disclosure/export").status_code == 403


def test_a_unit_with_regions_sees_them_alone(world: ConsoleWorld) -> None:
    from console.disclosures import own
    from console.units import Grant
    from disclosure.register import Register

    register = Register(world.store, world.clock, world.settings)
    east = own(Grant(policies=None, regions=("云岭省东市",)))
    assert {one.application.number for one in register.list(where=east)} == {"H1", "S1", "X1"}
    both = own(Grant(policies=("school",), regions=("云岭省东市",), departments=("住建局",)))
    assert {one.application.number for one in register.list(where=both)} == {"S1"}


def test_one_application_with_its_history(world: ConsoleWorld) -> None:
    client = world.client("editor")
    path = re.search(r'href="(/disclosure/\d+)">H1<', client.get("/disclosure?state=all").text)[1]  # type: ignore[index]
    page = client.get(path).text
    assert "2026-03-30" in page and "按期答复" in page and "a.csv" in page and "H3" in page
    assert AuditLog(world.store, world.clock).list(action="application-read")[0].subject == "市住房和城乡建设局 H1"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_holds_the_list_and_no_formula_and_is_audited(world: ConsoleWorld, kind: str) -> None:
    answer = world.client("editor", "housing").get(f"/disclosure/export?state=all&format={kind}")
    assert answer.status_code == 200 and "filename" in answer.headers["content-disposition"]
    if kind == "csv":
        text = answer.content.decode("utf-8-sig")
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        text = "\n".join(",".join(str(cell or "") for cell in row) for row in sheet.iter_rows(values_only=True))
    assert all(name in text for name in ("H1", "H5", "申请编号", "答复期限", "超期工作日")) and "S1" not in text
    assert "'=HYPERLINK" in text and not re.search(r"(^|,|\")=HYPER", text, re.M)
    line = AuditLog(world.store, world.clock).list(action="exported")[0]
    assert line.actor == "editor-housing" and "/disclosure" in line.subject and '"rows":5' in line.detail
    assert world.client("editor").get("/disclosure/export?format=pdf").status_code == 404


@pytest.mark.parametrize(
    "query", ["from=gestern", "state=nonsense&outcome=%27&review=x", "matter=99999999999999999999", "q=%00", "page=-3",
              "page=9999999", "department=%25", "region=_"],
)  # fmt: skip
def test_addresses_that_say_nonsense_are_answered(world: ConsoleWorld, query: str) -> None:
    assert world.client("editor").get(f"/disclosure?{query}").status_code in (200, 400)


def send(world: ConsoleWorld, scope: str, content: str, role: str = "editor", **fields: str) -> Response:
    client = world.client(role, scope)
    token = form_token(client.get("/disclosure/import"))
    files = {"file": ("台账.csv", content.encode(), "text/csv")} if content else None
    answer: Response = client.post("/disclosure/import", data={"form_token": token, **fields}, files=files)
    return answer


def test_a_register_is_imported_at_the_page_again_and_again(world: ConsoleWorld) -> None:
    head = "申请编号,收到申请日期,申请人,申请事项,答复机关,答复日期,备用列"
    first = send(
        world, "whole", f"{head}\nI1,2026-05-06,赵六郎,停气补偿依据,燃气公司,,x\nI2,坏日期,赵六郎,<script>,燃气公司,,\n"
    )
    assert first.status_code == 200 and "新增 1" in first.text and "退回 1" in first.text
    assert "已略去：申请人" in first.text and "未使用的列：备用列" in first.text and "坏日期" in first.text
    assert "赵六郎" not in first.text and "<script>" not in first.text
    again = send(world, "whole", f"{head}\nI1,2026-05-06,赵六郎,停气补偿依据,燃气公司,2026-05-08,x\n")
    assert "变更 1" in again.text
    assert "未变 1" in send(world, "whole", f"{head}\nI1,2026-05-06,赵六郎,停气补偿依据,燃气公司,2026-05-08,x\n").text
    assert numbers(world.client("reader").get("/disclosure?state=answered&q=停气").text) == {"I1"}
    lines = [one for one in AuditLog(world.store, world.clock).list() if one.action == "applications-imported"]
    assert lines and lines[0].subject == "台账.csv" and lines[0].actor == "editor-whole"


def test_a_unit_imports_its_own_alone(world: ConsoleWorld) -> None:
    head = "申请编号,收到申请日期,申请事项,答复机关"
    rows = "J1,2026-05-06,供暖账目,市住房和城乡建设局\nJ2,2026-05-06,招生人数,教育局\nJ3,2026-05-06,校车,\n"
    other = send(world, "schools", f"{head}\n{rows}", department="教育局")
    assert "新增 2" in other.text and "不属于本单位" in other.text
    # Nor does it change another's by naming its number.
    changed = send(world, "schools", f"{head}\nH1,2026-05-06,改掉,市住房和城乡建设局\n")
    assert "退回 1" in changed.text
    (found,) = numbers(world.client("reader").get("/disclosure?state=all&q=H1").text)
    assert found == "H1" and "改掉" not in world.client("reader").get("/disclosure?state=all&q=H1").text


def test_what_can_not_be_imported_is_told(world: ConsoleWorld) -> None:
    for content in ("", "一,二\n1,2\n", "\x00\x01", "申请编号\n"):
        answer = send(world, "whole", content)
        assert answer.status_code == 400 and 'role="alert"' in answer.text and "/tmp" not in answer.text
    assert world.client("reader").get("/disclosure/import").status_code == 403
    assert world.client("leader").post("/disclosure/import").status_code == 403
    assert 'href="/disclosure/import"' in world.client("editor").get("/disclosure").text
    assert 'href="/disclosure/import"' not in world.client("reader").get("/disclosure").text


@pytest.mark.parametrize(
    ("grant", "mine", "others"),
    [
        (Grant(policies=None), ("甲局", ""), None),
        (Grant(policies=("p",), departments=("甲局",)), ("甲局", ""), ("乙局", "")),
        (Grant(policies=None, regions=("云岭省东市",)), ("乙局", "云岭省东市北区"), ("乙局", "云岭省西市")),
        (Grant(policies=None, regions=("云岭省东市",)), ("乙局", "云岭省东市"), ("乙局", "")),
    ],
)
def test_whose_an_application_is_to_keep(grant: Grant, mine: tuple[str, str], others: tuple[str, str] | None) -> None:
    def one(department: str, region: str) -> Application:
        return Application(department=department, number="1", received_on=date(2026, 5, 1), region=region, policy="p")

    assert may_keep(grant, one(*mine))
    assert others is None or not may_keep(grant, one(*others))
