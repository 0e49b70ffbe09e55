"""Export and import for the hotline, and the portal's pages."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import openpyxl
import pytest

from answers.book import AnswerBook
from answers.exchange import COLUMNS, exported, import_file, json_of, xlsx_of
from answers.portal import page_of, write_portal
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.store import Store
from tests.answers.conftest import OLD, WATER, content, publish

POLICIES = {one.id: one for one in (WATER, OLD)}


@pytest.mark.parametrize("kind", ["json", "xlsx"])
def test_what_is_exported_comes_back_the_same(book: AnswerBook, store: Store, tmp_path: Path, kind: str) -> None:
    publish(book, "a-1", valid_until=date(2027, 1, 1), region="云和市", owner="王", keywords=("退费", "多收"))
    publish(book, "a-2", answer='=HYPERLINK("http://x")\n第二行，𠮷', clauses=(), keywords=())
    file = tmp_path / f"out.{kind}"
    rows = exported(book, POLICIES)
    file.write_bytes({"json": json_of, "xlsx": xlsx_of}[kind](rows))
    report = import_file(file, book, PolicyRegister(store), actor="hotline")
    assert [row.outcome for row in report.rows] == ["unchanged", "unchanged"], report
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(file).worksheets[0]
        assert [cell.value for cell in sheet[1]] == list(COLUMNS.values())
        assert sheet.cell(3, 5).data_type == "s"


def test_an_import_takes_good_rows_and_refuses_the_others_with_the_reason(
    book: AnswerBook, store: Store, tmp_path: Path
) -> None:
    publish(book, "a-1")
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["知识编号", "标题", "问题", "答案", "文号", "条款", "失效日期", "版本", "热线自己的列"])
    sheet.append(
        [
            "hot-9",
            "新的",
            "新的问题？",
            "新的答案。",
            "云发[2026]3号",
            "第五条、第八条",
            "2027/5/1",
            None,
            "x",
        ]
    )
    sheet.append(["a-1", "改了", "水费多收了怎么办？", "六个工作日。", "云发〔2026〕3号", None, None, 3, None])
    sheet.append([])
    sheet.append(["a-1", "旧的", "水费？", "旧版本上改的。", "云发〔2026〕3号", None, None, 1, None])
    sheet.append([None, "缺答案", "问题？", "", "云发〔2026〕3号", None, None, None, None])
    sheet.append([None, "没有这政策", "问题？", "答案", "云发〔1999〕1号", None, None, None, None])
    sheet.append([None, "日期不对", "问题？", "答案", "云发〔2026〕3号", None, "明年", None, None])
    file = tmp_path / "in.xlsx"
    workbook.save(file)
    report = import_file(file, book, PolicyRegister(store), actor="hotline")
    assert [(row.row, row.outcome) for row in report.rows] == [
        (2, "added"), (3, "changed"), (5, "refused"), (6, "refused"), (7, "refused"), (8, "refused"),
    ]  # fmt: skip
    reasons = [row.reason for row in report.rows if row.outcome == "refused"]
    for words, reason in zip(("已不是现行版本", "answer is empty", "没有政策", "不是日期"), reasons, strict=True):
        assert words in reason
    made = book.get("hot-9")
    assert (made.status, made.content.clauses, made.content.valid_until) == (
        "draft",
        ("第五条", "第八条"),
        date(2027, 5, 1),
    )
    changed = book.get("a-1")
    assert changed.status == "draft"
    assert changed.published == content()


def test_files_of_another_shape_are_refused_as_a_whole(book: AnswerBook, store: Store, tmp_path: Path) -> None:
    register = PolicyRegister(store)
    for name, body, words in (
        ("a.csv", b"x", "not read"),
        ("a.json", b"{", "no list of objects"),
        ("b.json", json.dumps([{"title": "x"}]).encode(), "lacks the columns"),
        ("a.xlsx", b"PK", "can't be read as XLSX"),
    ):
        (tmp_path / name).write_bytes(body)
        with pytest.raises(WrongUse, match=words):
            import_file(tmp_path / name, book, register, actor="x")


def test_an_export_since_a_day_names_what_is_to_be_taken_down(
    book: AnswerBook, store: Store, clock: ManualClock
) -> None:
    publish(book, "a-1")
    publish(book, "a-2", policy="water-old")
    book.create(content(title="草稿"), actor="wang", entry="a-3")
    clock.advance(days=3)
    since = clock.now()
    assert exported(book, POLICIES, since=since) == []
    book.withdraw("a-1", actor="li", note="有误")
    gone = msgspec.structs.replace(OLD, stage="repealed", repealed_on=date(2026, 3, 13))
    PolicyRegister(store).import_policies([gone])
    rows = exported(book, {**POLICIES, "water-old": gone}, since=since)
    assert [(row["id"], row["state"]) for row in rows] == [("a-1", "停用"), ("a-2", "停用")]
    assert exported(book, {**POLICIES, "water-old": gone}) == []


def test_the_portal_loads_nothing_from_elsewhere_and_shows_no_markup(
    book: AnswerBook, clock: ManualClock, tmp_path: Path
) -> None:
    publish(book, "a-1", answer="</script><script>alert(1)</script>退还", title="<b>粗</b>")
    publish(book, "later", valid_from=date(2027, 1, 1))
    folder = tmp_path / "portal"
    written = write_portal(folder, book.public(), POLICIES, clock.now(), title="云和问答", unit="云和市")
    assert (written.entries, written.policies) == (1, 1)
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "http://" not in text, file
        assert "https://" not in text, file
        assert "<script>alert" not in text, file
    data = (folder / "questions.js").read_text(encoding="utf-8")
    assert json.loads(data.removeprefix("window.QUESTIONS = ").rstrip(";\n"))[0]["title"] == "<b>粗</b>"
    assert 'lang="zh-CN"' in (folder / "index.html").read_text(encoding="utf-8")
    book.withdraw("a-1", actor="li", note="有误")
    write_portal(folder, book.public(), POLICIES, clock.now(), title="云和问答", unit="云和市")
    assert not (folder / page_of("water")).exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(WrongUse, match="other files"):
        write_portal(tmp_path / "other", [], POLICIES, clock.now(), title="x", unit="")
    assert page_of("政策 1").startswith("policy-x")


@pytest.mark.chromium
def test_the_portal_is_searched_in_a_browser_from_the_disk(
    book: AnswerBook, tmp_path: Path, chromium_path: str
) -> None:
    from playwright.sync_api import sync_playwright

    publish(book, "a-1")
    publish(
        book, "a-2", title="缴费", question="老人能用现金缴水费吗？", answer="可以，窗口收现金。", keywords=("现金",)
    )
    write_portal(
        tmp_path / "portal", book.public(), POLICIES, datetime(2026, 3, 10, tzinfo=UTC), title="云和问答", unit=""
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "portal" / "index.html").as_uri())
        page.get_by_label("用自己的话提问").fill("请问老年人怎么用现金交水费")
        page.get_by_role("button", name="查找").click()
        assert "老人能用现金缴水费吗" in page.locator("#results li").first.inner_text()
        assert "2 条" in page.locator("#status").inner_text()
        page.locator("#results a").first.click()
        assert "窗口收现金" in page.locator("#a-2").inner_text()
        page.goto((tmp_path / "portal" / "index.html").as_uri())
        page.get_by_label("用自己的话提问").fill("护照")
        page.keyboard.press("Enter")
        assert "没有找到答案" in page.locator("#status").inner_text()
        browser.close()
    assert errors == []
