"""What officers do inside a ticket: tasks, passed-down tasks, attachments, links, research sheets, splits."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts import timeline
from alerts.casework import assignments, attachments, links, research, tasks
from alerts.casework.reminders import note_overdue
from alerts.casework.splitting import split_off
from alerts.casework.tables import sheets
from alerts.event_merges import move_documents
from alerts.notify.tables import notices
from alerts.transitions import changing
from minsheng.errors import BadInput, WrongUse
from tests.alerts.conftest import WATER, World, burst

T = "T20260310-001"


def kinds(world: World, name: str = T) -> list[str]:
    return [event.kind for event in world.book.timeline(world.book.get(name).id)]


def test_the_plans_steps_are_tasks_and_change_without_touching_the_plan(either: World) -> None:
    plan = either.plans.plans["general-cost"]
    ticket = either.book.get(T)
    found = tasks.tasks_of(either.store, T)
    assert [task.title for task in found] == [step.title for step in plan.steps]
    assert found[0].due_at == ticket.created_at + timedelta(minutes=30) and found[0].origin == "plan"
    assert found[1].owner == WATER.department
    later = either.clock.now() + timedelta(hours=9)
    tasks.change_task(either.store, either.clock, T, 2, actor="李敏", owner="价格科", due_at=later)
    changed = tasks.tasks_of(either.store, T)[1]
    assert (changed.owner, changed.due_at) == ("价格科", later)
    assert either.plans.plans["general-cost"] == plan and either.book.get(T).plan == ticket.plan
    done = tasks.finish_task(either.store, either.clock, T, 1, actor="李敏", note="已归纳为三类")
    assert (done.done_by, done.note) == ("李敏", "已归纳为三类")
    with pytest.raises(WrongUse, match="done already"):
        tasks.finish_task(either.store, either.clock, T, 1, actor="王强")
    with pytest.raises(WrongUse, match="has no task 99"):
        tasks.finish_task(either.store, either.clock, T, 99, actor="王强")
    assert kinds(either)[-2:] == ["task-changed", "task-done"]


def test_an_overdue_task_is_noted_once_and_told_of_grave_tickets_only(desk: World) -> None:
    due = desk.clock.now() + timedelta(hours=1)
    own = tasks.add_task(desk.store, desk.clock, T, "走访小区", actor="李敏", owner="街道办", due_at=due)
    with pytest.raises(WrongUse, match="in the past"):
        tasks.add_task(desk.store, desk.clock, T, "走访", actor="李敏", due_at=desk.clock.now())
    desk.clock.advance(hours=2)
    note_overdue(desk.store, desk.clock, desk.settings)
    assert note_overdue(desk.store, desk.clock, desk.settings) == 0
    late = [event.detail for event in desk.book.timeline(desk.book.get(T).id) if event.kind == "task-overdue"]
    assert {"task": own.number, "title": "走访小区", "owner": "街道办"}.items() <= late[-1].items()
    assert "overdue" not in reasons(desk), "a yellow ticket's tasks are no reason to wake anybody"
    desk.take(burst(200, minutes=0.1, prefix="more"))
    again = desk.clock.now() + timedelta(hours=1)
    tasks.change_task(desk.store, desk.clock, T, own.number, actor="李敏", due_at=again)
    desk.clock.advance(hours=2)
    assert note_overdue(desk.store, desk.clock, desk.settings) >= 1
    assert "overdue" in reasons(desk)


def reasons(world: World) -> list[str]:
    with world.store.read() as connection:
        return list(connection.scalars(sa.select(notices.c.reason).order_by(notices.c.id)))


def test_what_was_not_done_is_asked_for_no_more_when_the_ticket_ends(desk: World) -> None:
    assignments.pass_down(desk.store, desk.clock, T, "县水务局", "核查", actor="李敏")
    desk.book.move(T, "closed", actor="李敏", reason="已办结")
    desk.clock.advance(days=9)
    assert note_overdue(desk.store, desk.clock, desk.settings) == 0
    assert not any(task.waiting for task in tasks.tasks_of(desk.store, T))
    assert [one.state for one in assignments.assignments_of(desk.store, T)] == ["withdrawn"]


def test_a_task_goes_down_and_its_report_comes_back(either: World) -> None:
    store, clock = either.store, either.clock
    due = clock.now() + timedelta(hours=4)
    one = assignments.pass_down(store, clock, T, "云和县发改局", "核实三户账单", actor="李敏", due_at=due)
    with pytest.raises(WrongUse, match="has not reported"):
        assignments.settle(store, clock, T, one.number, actor="李敏", accepted=True)
    clock.advance(hours=5)
    note_overdue(store, clock, either.settings)
    assert "assignment-overdue" in kinds(either)
    assignments.report_back(store, clock, T, one.number, "已核实两户", actor="县局 赵刚")
    with pytest.raises(WrongUse, match="what is missing"):
        assignments.settle(store, clock, T, one.number, actor="李敏", accepted=False)
    more = clock.now() + timedelta(hours=2)
    back = assignments.settle(store, clock, T, one.number, actor="李敏", accepted=False, reason="缺第三户", due_at=more)
    assert (back.state, back.due_at, back.overdue_at) == ("returned", more, None)
    assignments.report_back(store, clock, T, one.number, "三户均已核实，多收的已退", actor="县局 赵刚")
    done = assignments.settle(store, clock, T, one.number, actor="李敏", accepted=True)
    assert (done.state, done.settled_at) == ("accepted", clock.now())
    with pytest.raises(WrongUse, match="审核通过"):
        assignments.report_back(store, clock, T, one.number, "再报", actor="县局 赵刚")
    reports = [e.detail["report"] for e in either.book.timeline(either.book.get(T).id) if e.kind == "reported-back"]
    assert reports == ["已核实两户", "三户均已核实，多收的已退"]
    assert timeline.verify(store)[0].problems == []


def attach(world: World, data: bytes, name: str) -> attachments.Attachment:
    return attachments.attach(world.store, world.clock, world.settings, T, io.BytesIO(data), name, actor="李敏")


def test_attached_files_lie_under_their_hash_and_are_checked(desk: World, tmp_path: Path) -> None:
    kept = attach(desk, b"%PDF-1.7 report", "../../etc/情况说明.pdf")
    assert kept.name == "情况说明.pdf"
    path = attachments.path_of(desk.store, desk.settings, T, "情况说明.pdf")
    assert path == tmp_path / "attachments" / kept.hash[:2] / kept.hash and path.read_bytes() == b"%PDF-1.7 report"
    with pytest.raises(WrongUse, match="attached already"):
        attach(desk, b"%PDF-1.7 report", "再来.pdf")
    path.write_bytes(b"forged")
    with pytest.raises(BadInput, match="not the file that was attached"):
        attachments.path_of(desk.store, desk.settings, T, kept.hash)
    with pytest.raises(WrongUse, match="with a reason"):
        attachments.detach(desk.store, desk.clock, T, kept.name, actor="李敏", reason="")
    attachments.detach(desk.store, desk.clock, T, kept.name, actor="李敏", reason="传错了")
    assert attachments.attachments_of(desk.store, T) == []
    attach(desk, b"%PDF-1.7 report", "情况说明.pdf")
    assert len(attachments.attachments_of(desk.store, T)) == 1
    assert attachments.path_of(desk.store, desk.settings, T, kept.hash[:12]).read_bytes() == b"%PDF-1.7 report"


def test_a_file_that_is_too_large_or_empty_leaves_nothing(desk: World, tmp_path: Path) -> None:
    small = msgspec.structs.replace(desk.settings.alert, attachment_bytes=10)
    desk.settings = msgspec.structs.replace(desk.settings, alert=small)
    for data, said in ((b"12345678901", "larger than 10 bytes"), (b"", "is empty")):
        with pytest.raises(BadInput, match=said):
            attach(desk, data, "a.bin")
    assert [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()] == []
    assert attachments.attachments_of(desk.store, T) == [] and "attached" not in kinds(desk)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("C:\\Users\\x\\报告.docx", "报告.docx"),
        ("a/b/../c.txt", "c.txt"),
        ("..", "未命名"),
        ("报\u202e告\x00.exe\n", "报告.exe"),
        ('a<b>:"|?*.txt', "a_b_.txt"),
        ("CON.txt", "_CON.txt"),
        ("长" * 300 + ".pdf", "长" * 116 + ".pdf"),
        (" . ", "未命名"),
    ],
)
def test_names_are_cleaned(given: str, clean: str) -> None:
    assert attachments.clean_name(given) == clean


def test_links_and_related_tickets(either: World) -> None:
    store, clock = either.store, either.clock
    either.take(burst(30, minutes=1, event="other", prefix="o"))
    other = next(ticket.number for ticket in either.tickets() if ticket.number != T)
    links.link(store, clock, T, "policy", WATER.number or "", actor="李敏", note="调价方案")
    links.link(store, clock, T, "page", "https://www.example.org/a?b=1", actor="李敏")
    found = links.link(store, clock, T, "document", either.book.get(T).documents[0], actor="李敏")
    assert [(one.kind, one.target) for one in found][:2] == [
        ("policy", "water-price"),
        ("page", "https://www.example.org/a?b=1"),
    ]
    for kind, target, said in (
        ("page", "javascript:alert(1)", "no address"),
        ("document", "nope", "no id"),
        ("policy", "没有的政策", "no policy"),
        ("policy", "water-price", "already"),
        ("person", "x", "can't be linked"),
    ):
        with pytest.raises(WrongUse, match=said):
            links.link(store, clock, T, kind, target, actor="李敏")  # type: ignore[arg-type]
    assert len(links.unlink(store, clock, T, "water-price", actor="李敏")) == 2
    assert [one.ticket for one in links.relate(store, clock, other, T, actor="李敏", reason="同一小区")] == [T]
    assert [one.ticket for one in links.related_to(store, T)] == [other]
    assert kinds(either)[-1] == kinds(either, other)[-1] == "related"
    for one, two, said in ((T, other, "already"), (T, T, "same ticket")):
        with pytest.raises(WrongUse, match=said):
            links.relate(store, clock, one, two, actor="李敏")
    assert all(chain.problems == [] for chain in timeline.verify(store))


WHOLE = research.Research(
    facts="3月10日起，居民反映水费上涨。",
    cause="计费周期由单月改为双月，未提前告知。",
    demands=("公布计费办法", "退还多收水费"),
    trend="仍在增长。",
    responsible="云和市发展和改革委员会",
    recommended_level="yellow",
    recommended_response="当日公布计费说明，开通复核。",
)


def test_a_research_sheet_from_draft_to_signature(either: World) -> None:
    store, clock = either.store, either.clock
    draft = research.start_sheet(store, clock, T)
    assert draft.responsible == WATER.department and draft.recommended_level == "yellow" and "待核实" in draft.facts
    first = research.write_sheet(store, clock, T, draft, actor="李敏", based_on=0)
    with pytest.raises(WrongUse, match="群众诉求"):
        research.sign_sheet(store, clock, T, first.version, actor="陈主任")
    with pytest.raises(WrongUse, match="you worked on 0"):
        research.write_sheet(store, clock, T, WHOLE, actor="王强", based_on=0)
    second = research.write_sheet(store, clock, T, WHOLE, actor="王强", based_on=1)
    with pytest.raises(WrongUse, match="newest version"):
        research.sign_sheet(store, clock, T, 1, actor="陈主任")
    signed = research.sign_sheet(store, clock, T, second.version, actor="陈主任")
    assert (signed.signed_by, signed.hash, signed.intact) == ("陈主任", second.hash, True)
    with pytest.raises(WrongUse, match="signed by 陈主任 already"):
        research.sign_sheet(store, clock, T, 2, actor="李敏")
    assert [one.content for one in research.sheets_of(store, T)] == [draft, WHOLE]
    assert kinds(either)[-3:] == ["sheet-written", "sheet-written", "sheet-signed"]
    with store.begin() as connection:
        forged = msgspec.to_builtins(msgspec.structs.replace(WHOLE, cause="别的原因"))
        connection.execute(sheets.update().where(sheets.c.version == 2).values(content=forged))
    assert [one.intact for one in research.sheets_of(store, T)] == [True, False]


def test_a_sheet_that_says_nonsense_is_refused(desk: World) -> None:
    for wrong, said in (
        ({"recommended_level": "purple"}, "no level purple"),
        ({"facts": "长" * 20_001}, "at most 20000"),
        ({"demands": ("公布", " ")}, "a demand says something"),
    ):
        content = msgspec.structs.replace(WHOLE, **wrong)  # type: ignore[arg-type]
        with pytest.raises(WrongUse, match=said):
            research.write_sheet(desk.store, desk.clock, T, content, actor="李敏", based_on=0)


def test_a_split_gives_the_other_matter_a_ticket_without_more_time(either: World) -> None:
    old = either.book.get(T)
    documents = old.documents[:5]
    with changing(either.store, either.clock, T, actor="李敏") as change:
        move_documents(change.connection, documents, "part")
        number = split_off(change, "part", documents, either.settings, title="停水问题", reason="另一件事")
    new = either.book.get(number)
    assert (new.event, new.title, new.level, new.posts) == ("part", "停水问题", old.level, 5)
    assert set(new.documents) >= set(documents)
    assert new.why == f"由 {T} 分出，5 条信息。原工单的研判理由：{old.why}", "its numbers are those of the whole matter"
    due = {clock.kind: clock.due_at for clock in old.deadlines}
    assert {clock.kind: clock.due_at for clock in new.deadlines} == due
    assert [(one.ticket, one.kind) for one in links.related_to(either.store, number)] == [(T, "split")]
    assert kinds(either)[-1] == "split" and kinds(either, number)[0] == "split"
    assert all(chain.problems == [] for chain in timeline.verify(either.store))
