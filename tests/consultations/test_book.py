"""The room over a store: letters in, opinions decided, the clock, publication, and the report."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from docx import Document as DocxDocument
from openpyxl import Workbook

from briefings.consultation import adoption
from briefings.making import render
from consultations.comments import read_comments
from consultations.deadline import months_after, standing
from consultations.model import Consultation
from minsheng.errors import BadInput, WrongUse
from minsheng.settings import ConsultationSettings
from search.embedded import EmbeddedIndex
from tests.consultations.conftest import CLOSES, DRAFT, OPENS, Room, judge

SECRET = "我叫王小明，住和平路8号3栋2单元501室，电话13912345678。建议把第三条的三十日改成六十日。"
ROWS = [
    ("序号", "姓名", "联系电话", "意见内容", "提交时间", "态度"),
    ("1", "王小明", "13800138000", SECRET, "2026-04-05 10:00", ""),
    ("2", "李四", "13800138001", "第三条的三十日太短。\n第五条罚款太高，我反对。", "2026-04-06", ""),
    ("3", "赵五", "13800138002", "第五条罚款太高，我反对！", "2026-04-07", ""),
    ("4", "赵五", "13800138002", "第五条罚款太高，我反对！", "2026-04-07", ""),
    ("5", "钱六", "13800138003", "总体很好", "2026-05-02", "同意"),
    ("6", "孙七", "13800138004", "", "2026-04-07", ""),
    ("7", "周八", "13800138005", "第八条好", "2026-04-07", "说不清"),
]


@pytest.fixture
def one(room: Room) -> Consultation:
    return room.book.add("ebike", DRAFT, origin="draft.txt", actor="li")


def letters(folder: Path) -> Path:
    book = Workbook()
    for row in ROWS:
        book.active.append(row)
    path = folder / "letters.xlsx"
    book.save(path)
    return path


def imported(room: Room, folder: Path) -> None:
    read = read_comments(letters(folder), now=room.clock.now())
    room.book.take("ZQ0001", read.comments, judge, actor="li", note="letters.xlsx")


def test_it_is_found_by_its_number_or_by_its_policy_where_that_has_one(room: Room, one: Consultation) -> None:
    assert room.book.get("ebike") == room.book.get("zq0001") == room.book.get(one.number)
    again = date(2027, 3, 1)
    second = room.book.add("ebike", DRAFT, origin="draft.txt", actor="li", opens_on=again, closes_on=again)
    with pytest.raises(WrongUse, match=f"ebike has several consultations: {one.number}、{second.number}"):
        room.book.get("ebike")


def test_letters_are_placed_folded_and_counted_once(room: Room, one: Consultation, tmp_path: Path) -> None:
    read = read_comments(letters(tmp_path), now=room.clock.now())
    assert [row.line for row in read.unusable] == [7, 8]
    assert "说不清" in read.unusable[1].reason
    taken = room.book.take(one.number, read.comments, judge, actor="li")
    assert (taken.new, taken.known, taken.comments) == (5, 0, 6)
    found = [(each.place, each.stance, each.people) for each in room.book.opinions(one)]
    assert found == [
        ("第三条", "neutral", 1),
        ("第三条", "neutral", 1),
        ("第五条", "against", 3),  # two letters with the same words are two, and the part of a third
        ("草案整体", "support", 1),
    ]
    again = room.book.take(one.number, read.comments, judge, actor="li")
    assert (again.new, again.known) == (0, 5)
    assert room.book.letters(one) == 5
    csv = tmp_path / "letters.csv"
    csv.write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS), encoding="gb18030")
    read = read_comments(csv, now=room.clock.now())
    assert room.book.take(one.number, read.comments, judge, actor="li").new == 0, "the same letters as CSV"


def test_nothing_in_the_store_tells_who_wrote(room: Room, one: Consultation, tmp_path: Path) -> None:
    imported(room, tmp_path)
    with room.store.read() as connection:
        tables = sa.inspect(connection).get_table_names()
        held = "\n".join(
            str(row)
            for name in tables
            if name.startswith("consultation")
            for row in connection.execute(sa.text(f"select * from {name}"))
        )
    assert "三十日" in held
    for hidden in ("王小明", "李四", "13912345678", "13800138000", "501"):
        assert hidden not in held


def test_files_that_hold_no_letters_say_so(room: Room, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("意见内容\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no rows"):
        read_comments(empty, now=room.clock.now())
    other = tmp_path / "other.csv"
    other.write_text("颜色,大小\n红,3\n", encoding="utf-8")
    with pytest.raises(WrongUse, match="no column for a title or a text"):
        read_comments(other, now=room.clock.now())
    lines = tmp_path / "letters.jsonl"
    lines.write_text('{"说了什么": "第五条反对", "哪条": "第5条"}\n{broken\n', encoding="utf-8")
    read = read_comments(lines, mapping={"说了什么": "text", "哪条": "clause"}, now=room.clock.now())
    assert [given.clause for given in read.comments] == ["第五条"] and len(read.unusable) == 1


def test_a_comment_is_put_right(room: Room, one: Consultation, tmp_path: Path) -> None:
    imported(room, tmp_path)
    book = room.book
    (whole,) = [each for each in book.comments(one) if not each.clause]
    moved = book.correct(one.number, whole.name, actor="li", clause="第12条", stance="neutral")
    assert (moved.clause, moved.how, moved.stance, moved.stance_by) == ("第十二条", "editor", "neutral", "li")
    assert "草案整体" not in [each.place for each in book.opinions(one)]
    first, second = (each.number for each in book.opinions(one) if each.clause == "第三条")
    joined = book.correct(one.number, book.comments(one, opinion=second)[0].name, actor="li", opinion=first)
    assert joined.opinion == first
    assert [each.people for each in book.opinions(one) if each.clause == "第三条"] == [2]
    for wrong in ({"clause": "第九十条"}, {"stance": "angry"}, {"opinion": 99}, {}):
        with pytest.raises(WrongUse):
            book.correct(one.number, whole.name, actor="li", **wrong)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="no comment"):
        book.correct(one.number, "nothing-0", actor="li", stance="support")


def test_each_opinion_is_decided_before_it_is_public(room: Room, one: Consultation, tmp_path: Path) -> None:
    imported(room, tmp_path)
    book = room.book
    numbers = [each.number for each in book.opinions(one)]
    with pytest.raises(WrongUse, match="4 opinions of ZQ0001 are not decided"):
        book.publish(one.number, actor="wang")
    with pytest.raises(WrongUse, match="decided with a reason"):
        book.decide(one.number, numbers[:1], "rejected", actor="li")
    for outcome, chosen in (("", numbers[:1]), ("adopted", []), ("adopted", [99])):
        with pytest.raises(WrongUse):
            book.decide(one.number, chosen, outcome, actor="li")
    with pytest.raises(WrongUse, match="one opinion"):
        book.decide(one.number, numbers[:2], "adopted", actor="li", wording="x")
    book.decide(one.number, numbers[:1], "adopted", actor="li", wording="建议延长登记期限", version=1)
    with pytest.raises(WrongUse, match="decided meanwhile by li"):
        book.decide(one.number, numbers[:1], "noted", actor="wu", version=1)
    book.decide(one.number, numbers[1:], "partly", actor="li", reason="已在实施细则中考虑")
    with pytest.raises(WrongUse, match="lies ahead"):
        book.publish(one.number, actor="wang", on=date(2026, 5, 9))
    with pytest.raises(WrongUse, match="closes on"):
        book.publish(one.number, actor="wang", on=CLOSES)
    with pytest.raises(WrongUse, match="no link"):
        book.publish(one.number, actor="wang", url="javascript:alert(1)")
    assert book.publish(one.number, actor="wang", url="https://yunling.example/1").published_on == date(2026, 5, 8)
    for change in (
        lambda: book.decide(one.number, numbers[:1], "noted", actor="li"),
        lambda: book.change(one.number, actor="li", closes_on=date(2026, 5, 30)),
        lambda: book.correct(one.number, book.comments(one)[0].name, actor="li", stance="support"),
        lambda: book.publish(one.number, actor="wang"),
    ):
        with pytest.raises(WrongUse, match="public since"):
            change()
    with pytest.raises(WrongUse, match="no reason"):
        book.take_back(one.number, actor="wang", reason=" ")
    assert book.take_back(one.number, actor="wang", reason="链接错了").published_on is None
    assert [step.action for step in book.history(one)][-2:] == ["published", "taken-back"]


def test_a_draft_needs_days_and_words(room: Room, one: Consultation) -> None:
    book = room.book
    with pytest.raises(WrongUse, match="is there already"):
        book.add("ebike", DRAFT, origin="x", actor="li")
    with pytest.raises(WrongUse, match="no policy"):
        book.add("nothing", DRAFT, origin="x", actor="li")
    with pytest.raises(WrongUse, match="empty"):
        book.add("ebike", " ", origin="x", actor="li")
    with pytest.raises(WrongUse, match="before it opens"):
        book.change(one.number, actor="li", closes_on=OPENS - timedelta(days=1))
    longer = book.change(one.number, actor="li", closes_on=CLOSES + timedelta(days=9), text="一、短。", origin="y")
    assert longer.closes_on == CLOSES + timedelta(days=9) and book.labels(longer) == ["一"]
    for name in ("ZQ0002", "", "ZQ", "zq-1", "9" * 30):
        with pytest.raises(WrongUse, match="no consultation"):
            book.get(name)
    assert book.get("zq0001") == book.get("1") == longer


@pytest.mark.parametrize(
    ("today", "published", "state", "days"),
    [
        (date(2026, 3, 31), None, "coming", 60),
        (CLOSES, None, "open", 30),
        (date(2026, 5, 22), None, "waiting", 8),
        (date(2026, 5, 23), None, "soon", 7),
        (date(2026, 5, 30), None, "soon", 0),
        (date(2026, 5, 31), None, "late", -1),
        (date(2026, 9, 9), date(2026, 5, 30), "published", 0),
        (date(2026, 9, 9), date(2026, 6, 2), "published-late", -3),
    ],
)
def test_the_clock_runs_a_month_from_the_closing_day(
    one: Consultation, today: date, published: date | None, state: str, days: int
) -> None:
    from msgspec.structs import replace

    stands = standing(replace(one, published_on=published), today, ConsultationSettings())
    assert (stands.state, stands.days, stands.due_on) == (state, days, date(2026, 5, 30))
    assert stands.pressing == (state in ("soon", "late"))


def test_a_month_without_the_day_ends_on_its_last() -> None:
    assert months_after(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert months_after(date(2026, 12, 31), 2) == date(2027, 2, 28)


def test_the_report_counts_decides_and_quotes_nobody(room: Room, one: Consultation, tmp_path: Path) -> None:
    imported(room, tmp_path)
    book = room.book
    first, second, fine, whole = book.opinions(one)
    book.decide(one.number, [first.number], "adopted", actor="li", wording="建议延长登记期限，来电13900139000")
    book.decide(one.number, [second.number], "partly", actor="li", reason="分两步延长")
    book.decide(one.number, [fine.number], "rejected", actor="li", reason="上位法有规定")
    book.decide(one.number, [whole.number], "noted", actor="li")
    index = EmbeddedIndex(tmp_path / "index.db")
    index.ensure()
    stands = standing(one, date(2026, 5, 8), ConsultationSettings())
    report = adoption(
        index, one, book.opinions(one), book.letters(one), stands, unit="市政府办公室", made_at=room.clock.now()
    )
    assert [paragraph.text for paragraph in report.summary] == [
        "2026年4月1日至2026年4月30日，市公安局就《云岭市电动自行车管理办法（征求意见稿）》公开征求意见。",
        "共收到意见5份，归并为4项：采纳1项，部分采纳1项，未采纳1项，表示支持或没有修改内容的1项。",
    ]
    assert report.complete and report.unit == "市公安局"
    document = DocxDocument(io.BytesIO(render(report, "docx")))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    shown = {
        "html": render(report, "html").decode(),
        "docx": "\n".join([paragraph.text for paragraph in document.paragraphs] + cells),
    }
    for text in shown.values():
        for told in ("建议延长登记期限", "分两步延长", "上位法有规定", "提出反对意见", "第三条", "5月30日"):
            assert told in text
        for hidden in ("王小明", "[姓名]", "13900139000", "太高", "总体很好", "minsheng", "内部资料"):
            assert hidden not in text
    assert render(report, "pdf").startswith(b"%PDF")
    assert max(each.total for each in report.evidence) == 5, "in the house each number opens its list"
    nothing = adoption(index, one, [], 0, stands, unit="x", made_at=room.clock.now())
    assert nothing.summary[1].text == "未收到意见建议。" and "没有要求修改" in render(nothing, "html").decode()
    index.close()
