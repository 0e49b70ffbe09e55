"""The response statement: counted again by hand, silent about people, and kept like any other."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from docx import Document as DocxDocument

from alerts.evidence import policy_key
from alerts.responses.tables import response_evaluations
from alerts.tables import tickets, timers
from briefings import orders
from briefings.docx import docx_of
from briefings.kept import form
from briefings.making import render
from briefings.report import Report, Table
from briefings.shelf import BriefingShelf
from briefings.statement import ASKS
from minsheng.errors import WrongUse
from tests.briefings.small_world import MIDNIGHT, World, burst, record

SINCE, UNTIL = MIDNIGHT - timedelta(days=3), MIDNIGHT + timedelta(days=1)
REPLY = "您好，经查，补贴按每户每年600元发放，咨询电话13800138000，感谢您的监督。"
SECRET = "我是张某，住在云岭市和平路8号3栋2单元501室"


def answer(world: World, number: str, at: float, grade: str, unanswered: list[str]) -> None:
    """Say that a ticket was answered so many hours after midnight, and how well."""
    when = MIDNIGHT + timedelta(hours=at)
    with world.store.begin() as connection:
        connection.execute(sa.update(tickets).where(tickets.c.number == number).values(responded_at=when))
        ticket = connection.scalar(sa.select(tickets.c.id).where(tickets.c.number == number))
        connection.execute(
            sa.update(timers)
            .where(timers.c.ticket_id == ticket, timers.c.cancelled_at.is_(None))
            .values(cancelled_at=when)
        )
        values = {
            "ticket_id": ticket, "at": when, "actor": "li", "reply": REPLY, "replied_at": when,
            "score": {"fair": 0.7, "poor": 0.2}[grade],
            "grade": grade, "parts": [], "unanswered": unanswered, "method": 1,
        }  # fmt: skip
        connection.execute(sa.insert(response_evaluations), values)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("statement"))
    made.fill()
    here = record("letter", MIDNIGHT + timedelta(hours=7), SECRET, request="complaint", kind="message", event="event-3")
    document = msgspec.structs.replace(here.assessed.document, region="东湖区")
    made.index.write(
        [msgspec.structs.replace(here, assessed=msgspec.structs.replace(here.assessed, document=document))]
    )
    made.index.refresh()
    with made.store.begin() as connection:
        change = sa.update(tickets)
        connection.execute(
            change.where(tickets.c.number == "T0001").values(title="取暖费上涨，来电13912345678", unit="市住建局")
        )
        connection.execute(change.where(tickets.c.number == "T0003").values(title=SECRET))
    answer(made, "T0001", 20, "fair", ["有没有补贴"])
    answer(made, "T0003", 6, "poor", [])
    yield made
    made.close()


@pytest.fixture(scope="module")
def report(world: World) -> Report:
    return orders.statement(world, since=SINCE, until=UNTIL).report


def rows(report: Report, first: str) -> list[list[str]]:
    """The table whose first column is called so."""
    tables = [block for block in report.blocks() if isinstance(block, Table) and block.columns[0] == first]
    return [
        ["".join(part if isinstance(part, str) else part.text for part in cell.parts) for cell in row]
        for table in tables
        for row in table.rows
    ]


def test_it_says_what_was_asked_and_answered_in_time_and_well(report: Report) -> None:
    asking = sum(one.assessed.request.label in ASKS for one in burst()) + 1
    assert [one.text for one in report.summary] == [
        f"本时段共收到群众诉求{asking}条。",
        "已回应关切事项2件，尚未回应1件，其中超过时限0件。",
        "已回应事项中有时限的2件，按时回应1件，占50.0%；经评估2件，评为好或较好的1件，占50.0%。",
    ]
    assert rows(report, "反映集中的事项") == [["取暖费上涨，来电[电话]", "14", "已回应"]]
    matter = "与《云岭市居民供暖价格调整办法》有关的个别事项"
    assert rows(report, "事项") == [
        ["取暖费上涨，来电[电话]", "5月8日 20:00", "9小时30分", "按时", "较好"],
        [matter, "5月8日 06:00", "2天8小时", "超时", "差"],
        [matter, "5月8日 11:00", "—", "办理中"],
    ]
    assert ["较好", "1", "50.0%"] in rows(report, "评估等次")
    assert "1件仍有诉求没有答到" in "".join(one.text for one in report.paragraphs().values())


def test_every_form_is_silent_about_people_and_the_house(world: World, report: Report) -> None:
    kept = orders.keep(world, orders.statement(world, since=SINCE, until=UNTIL), actor="wang")
    shelf = BriefingShelf(world.store, world.settings, world.clock)
    assert kept.number == "HY-20260509" and kept.head.mark == ""
    look = shelf.look(kept)
    document = DocxDocument(io.BytesIO(form(kept, look, "docx")))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    shown = {
        "docx": "\n".join([paragraph.text for paragraph in document.paragraphs] + cells),
        "html": form(kept, look, "html", "/briefings/kept/x/evidence/").decode(),
        "json": form(kept, look, "json").decode(),
        "page": render(report, "html").decode(),
        "plain": render(report, "json").decode(),
    }
    for text in shown.values():
        assert "取暖费上涨" in text and "补贴按每户每年600元发放" in text
        for hidden in (
            "13912345678",
            "13800138000",
            "张某",
            "501",
            "T0001",
            "我家取暖费",
            "内部资料",
            "minsheng tickets",
        ):
            assert hidden not in text
    assert "href=" not in shown["html"] and render(report, "pdf").startswith(b"%PDF") and docx_of(report)
    # In the house every number opens what it counted.
    _, evidence = shelf.resolve(f"{kept.number}-1")
    assert evidence.total == 15 and len(evidence.ids) == 15


def test_a_matter_that_is_all_that_is_said_of_a_policy_is_counted_by_the_policy(tmp_path: Path) -> None:
    """Not by an event, of which it has none."""
    world = World(tmp_path)
    world.fill()
    here = record("far", MIDNIGHT + timedelta(hours=7), "供暖新规", request="complaint", policy="heating", event="far")
    document = msgspec.structs.replace(here.assessed.document, region="东湖区")
    world.index.write(
        [msgspec.structs.replace(here, assessed=msgspec.structs.replace(here.assessed, document=document))]
    )
    world.index.refresh()
    with world.store.begin() as connection:
        whole = {"event_id": policy_key("heating"), "policy_id": "heating", "title": "取暖费上涨"}
        connection.execute(sa.update(tickets).where(tickets.c.number == "T0001").values(**whole))
    answer(world, "T0001", 20, "fair", [])
    asking = sum(one.assessed.request.label in ASKS for one in burst()) + 1
    report = orders.statement(world, since=SINCE, until=UNTIL).report
    assert rows(report, "反映集中的事项")[0] == ["取暖费上涨", str(asking), "已回应"]
    assert not any("不逐一列出" in one.text for one in report.paragraphs().values())
    there = orders.statement(world, since=SINCE, until=UNTIL, region="东湖区").report
    assert "已回应关切事项1件" in there.summary[1].text
    world.close()


def test_a_region_has_its_own(world: World) -> None:
    report = orders.statement(world, since=SINCE, until=UNTIL, region="东湖区").report
    assert report.subject.startswith("东湖区") and report.summary[0].text == "本时段共收到东湖区的群众诉求1条。"
    assert "已回应关切事项1件，尚未回应0件" in report.summary[1].text
    with pytest.raises(WrongUse, match="西湖区"):
        orders.statement(world, region="西湖区")
    with pytest.raises(WrongUse, match="empty"):
        orders.statement(world, since=UNTIL, until=SINCE)


def test_a_time_in_which_nobody_asked_is_a_clean_page(world: World) -> None:
    begin = MIDNIGHT - timedelta(days=300)
    report = orders.statement(world, since=begin, until=begin + timedelta(days=1)).report
    assert (
        report.summary[0].text == "本时段未收到群众诉求。" and "没有尚未回应的事项" in render(report, "html").decode()
    )
