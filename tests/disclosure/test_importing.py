"""Registers into the store: each application once, nothing lost, nobody named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from disclosure import exchange
from disclosure.figures import count
from disclosure.importing import Report, import_file
from disclosure.register import Asked, Register
from disclosure.suggestions import suggestions
from disclosure.tables import applications
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.policies import Policy, PolicyRegister
from minsheng.settings import Settings
from minsheng.spreadsheets import as_csv, as_xlsx
from minsheng.store import Store
from tests.disclosure.conftest import HEADER, written

ROWS = (
    "1,2026-03-02,张三丰,13800138000,东河村征地补偿安置方案,张三丰要寄到家,市局,云江省望津市,否,,,,,,2026-03-20,予以公开",
    "2,2026-03-02,李四光,,东河村集体土地征收补偿安置方案及标准,,市局,云江省望津市,是,,,,,,2026-06-20,不予公开,纠正,败诉",
    "3,2026-10-20,王五一,,西山村征收土地的补偿安置方案,,市局,云江省望津市",
    "4,2026-11-20,王五一,,政府部门三公经费支出明细,,市局,云江省青川市,,,2026-11-24",
    "1,2026-11-23,赵六顺,,东河村征地补偿安置方案,,县局,云江省青川市",
)


Take = Callable[..., Report]


@pytest.fixture
def take(store: Store, clock: ManualClock, settings: Settings, tmp_path: Path) -> Take:
    def run(*rows: str, header: str = HEADER, **more: object) -> Report:
        path = written(tmp_path / "册.csv", *rows, header=header)
        return import_file(path, store, clock, settings, actor="li", **more)  # type: ignore[arg-type]

    return run


@pytest.fixture
def register(store: Store, clock: ManualClock, settings: Settings) -> Register:
    return Register(store, clock, settings)


def test_imported_again_nothing_changes(take: Take, register: Register) -> None:
    first = take(*ROWS)
    assert (first.rows, first.added, first.refused) == (5, 5, [])
    assert first.dropped == ["申请人姓名", "联系电话"]
    before = register.list()
    again = take(*ROWS)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 5)
    assert register.list() == before
    assert len(register.history(before[0].application.id)) == 1


def test_who_made_an_application_is_nowhere_in_the_store(take: Take, store: Store, tmp_path: Path) -> None:
    take(*ROWS, "9,坏日期,孙七娘,13900139000,孙七娘的事,,市局", rejects=tmp_path / "rejects.jsonl")
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("s.db*"))
    kept += (tmp_path / "rejects.jsonl").read_bytes()
    for name in ("张三丰", "李四光", "王五一", "赵六顺", "孙七娘", "13800138000", "13900139000"):
        assert name.encode() not in kept, name
    assert "[申请人]要寄到家".encode() in kept


def test_bad_rows_are_told_one_by_one_and_the_others_taken(take: Take, tmp_path: Path) -> None:
    report = take(
        ROWS[0], "5,坏日期,甲某,,事项", ROWS[2].replace("3,", "6,", 1), "6,2026-11-02,乙某,,另一件事,,市局",
        ROWS[0], "7,2026-11-02,,,事,,市局,,,,,,,,,公开了", rejects=tmp_path / "r.jsonl",
    )  # fmt: skip
    assert (report.rows, report.added, report.unchanged) == (6, 2, 1)
    assert [(one.line, one.reason.split("“")[0]) for one in report.refused] == [
        (3, "收到申请日期"), (5, "编号 6 已在第 4 行出现，内容不同"), (7, "有答复结果而没有答复日期"),
    ]  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text("utf-8").splitlines()]
    assert [line["line"] for line in lines] == [3, 5, 7]
    assert lines[0]["row"]["申请事项"] == "事项" and "申请人姓名" not in lines[0]["row"]


def test_a_later_file_changes_what_it_tells_and_leaves_the_rest(take: Take, register: Register) -> None:
    take(*ROWS)
    report = take("3,2026-10-20,西山村征收土地的补偿安置方案,市局,2026-11-26,部分公开",
                  header="申请编号,收到申请日期,申请事项,答复机关,答复日期,答复结果")  # fmt: skip
    assert (report.changed, report.added) == (1, 0)
    one = register.get("3")
    assert (one.application.region, one.application.outcome) == ("云江省望津市", "partly")
    assert one.standing.late  # due on 17 November
    assert register.history(one.application.id)[1].fields == {
        "answered_on": (None, "2026-11-26"), "outcome": (None, "partly"),
    }  # fmt: skip
    with pytest.raises(WrongUse, match="2 departments"):
        register.get("1")
    assert register.get("1", "县局").application.received_on == date(2026, 11, 23)


def test_a_policy_is_found_by_its_number_or_title(take: Take, store: Store, register: Register) -> None:
    PolicyRegister(store).import_policies([Policy(id="water", title="用水办法", number="云发〔2026〕3号")])
    header = "申请编号,收到申请日期,申请事项,相关政策"
    report = take("1,2026-11-20,水价,云发[2026]3号", "2,2026-11-20,水价,《用水办法》", "3,2026-11-20,水价,别的办法",
                  header=header)  # fmt: skip
    assert [register.get(number).application.policy for number in "123"] == ["water", "water", None]
    assert report.unknown_policies == 1 and register.get("3").application.policy_named == "别的办法"


def test_states_clocks_and_figures(take: Take, register: Register) -> None:
    take(*ROWS)
    assert [(one.application.department, one.application.number, one.standing.state) for one in register.list()] == [
        ("市局", "3", "overdue"), ("县局", "1", "pending"), ("市局", "4", "correcting"), ("市局", "2", "answered"),
        ("市局", "1", "answered"),
    ]  # fmt: skip
    found = count(register, register.list())
    for one in (*found.states, *found.outcomes, *found.reviews, *found.suits, found.in_time, found.out_of_time):
        assert len(register.list(Asked(**one.asked))) == one.count, one  # type: ignore[arg-type]
    assert {one.key: one.count for one in found.states if one.count} == {
        "pending": 1, "correcting": 1, "answered": 2, "overdue": 1,
    }  # fmt: skip
    assert (found.received, found.corrected, found.lost) == (5, 1, 1)
    assert found.in_time_share == pytest.approx(1 / 3)
    assert found.workdays == pytest.approx((14 + 75) / 2)


def test_often_asked_matters_are_found_within_a_department(take: Take, store: Store, register: Register) -> None:
    take(*reversed(ROWS))
    (one,) = suggestions(register.list(), 3)
    assert (one.department, one.applications, one.given, one.advice) == ("市局", 3, 1, "publish")
    assert one.title == "东河村征地补偿安置方案"  # whichever came first into the store, the oldest one leads
    assert len(register.list(Asked(matter=one.matter))) == 3
    assert suggestions(register.list(), 4) == []
    (refused,) = suggestions([each for each in register.list() if each.application.outcome != "disclosed"], 2)
    assert refused.advice == "explain"
    # Cut off before the comparing: the next import does it, though nothing else is new.
    with store.begin() as connection:
        connection.execute(applications.update().values(matter=None))
    take(*ROWS)
    assert len(suggestions(register.list(), 3)) == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_reads_back_as_it_was(
    take: Take, store: Store, clock: ManualClock, settings: Settings, register: Register, tmp_path: Path, kind: str
) -> None:
    take(*ROWS, "10,2026-11-20,,,=HYPERLINK(1),,市局")
    cells = exchange.rows(register.list(), {})
    body = b"".join(as_csv(exchange.HEADINGS, cells)) if kind == "csv" else as_xlsx("册", exchange.HEADINGS, cells)
    path = tmp_path / f"出.{kind}"
    path.write_bytes(body)
    assert b"'=HYPERLINK" in body or kind == "xlsx"
    if kind == "xlsx":
        rows = openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)
        assert "'=HYPERLINK(1)" in {cell for row in rows for cell in row}
    report = import_file(path, store, clock, settings, actor="li")
    assert (report.added, report.refused, report.unchanged) == (0, [], 5)  # that one has an apostrophe now
    with store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(applications)) == 6


def test_a_workbook_with_a_title_above_its_header_is_read(
    store: Store, clock: ManualClock, settings: Settings, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    book.active.append(["2026年依申请公开台账", None, "填报人：某某", None])
    book.active.append(["登记编号", "收件日期", "信息名称", "承办部门"])
    book.active.append(["A-1", date(2026, 11, 20), "三公经费", "市局"])
    book.save(tmp_path / "台账.xlsx")
    assert import_file(tmp_path / "台账.xlsx", store, clock, settings, actor="li").added == 1
