"""A ticket worked from its page to the end: every form, what others do meanwhile, and what is sent twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response

from alerts.casework import actions
from alerts.casework.assignments import assignments_of
from alerts.casework.attachments import attachments_of
from alerts.casework.links import links_of, related_to
from alerts.casework.research import SECTIONS, sheets_of
from alerts.casework.tasks import tasks_of
from alerts.evidence import policy_key
from alerts.levels import Level
from alerts.responses.evaluation import ResponseBook
from alerts.responses.sheet import ITEMS
from alerts.tables import tickets
from alerts.tickets import Deadline, Ticket, TicketBook
from tests.console.world import ConsoleWorld, form_token, send

ONE = "/tickets/T0001"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("casework"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def duty(worked: ConsoleWorld) -> TestClient:
    return worked.client("duty")


def ticket(world: ConsoleWorld, number: str = "T0001") -> Ticket:
    return TicketBook(world.store, world.clock).get(number)


def do(client: TestClient, action: str, page: str = ONE, /, **fields: str | list[str]) -> Response:
    """Send a form as the page of this moment has it."""
    shown = client.get(page)
    seen = re.search(r'name="version" value="(\d+)"', shown.text)
    form = {"form_token": form_token(shown), "version": seen[1] if seen else "", **fields}
    answer: Response = client.post(f"{page}/{action}" if action else page, data=form)
    return answer


def kinds(world: ConsoleWorld, number: str = "T0001") -> list[str]:
    return [one.kind for one in TicketBook(world.store, world.clock).timeline(ticket(world, number).id)]


def test_tasks_are_added_owned_changed_done_and_cancelled(worked: ConsoleWorld, duty: TestClient) -> None:
    due = "2026-05-10T18:00"
    assert do(duty, "tasks", title="核对收费标准", owner="住建局", due=due).status_code == 303
    assert do(duty, "tasks", title="约谈供热企业").status_code == 303
    assert do(duty, "tasks/2", do="own").status_code == 303
    assert do(duty, "tasks/2", do="change", owner="李四", due="").status_code == 303
    assert do(duty, "tasks/1", do="done", note="标准无误").status_code == 303
    refused = do(duty, "tasks/2", do="cancel")
    assert refused.status_code == 400 and "取消任务要写明理由" in refused.text
    assert do(duty, "tasks/2", do="cancel", reason="已由街道约谈").status_code == 303
    first, second = tasks_of(worked.store, "T0001")
    assert (first.owner, first.note, first.done_by, first.due_at is not None) == (
        "住建局",
        "标准无误",
        "duty-whole",
        True,
    )
    assert (second.owner, second.waiting) == ("李四", False)
    past = do(duty, "tasks", title="昨天就该办", due="2026-05-01T10:00")
    assert past.status_code == 400 and "时限已经过去" in past.text and "昨天就该办" in past.text


def test_what_is_sent_twice_is_done_once(worked: ConsoleWorld, duty: TestClient) -> None:
    page = duty.get(ONE)
    version = ticket(worked).version
    before = kinds(worked).count("comment")
    form = {"form_token": form_token(page), "version": str(version), "text": "已电话联系当事人"}
    assert [duty.post(f"{ONE}/comment", data=form).status_code for _ in range(3)] == [303, 303, 303]
    assert kinds(worked).count("comment") == before + 1
    form |= {"title": "只添一次", "owner": ""}
    assert [duty.post(f"{ONE}/tasks", data=form).status_code for _ in range(2)] == [303, 303]
    assert [one.title for one in tasks_of(worked.store, "T0001")].count("只添一次") == 1


def test_what_others_did_meanwhile_is_told_and_nothing_typed_is_lost(worked: ConsoleWorld, duty: TestClient) -> None:
    other = worked.client("editor", "housing")
    form = {"form_token": form_token(duty.get(ONE)), "version": str(ticket(worked).version)}
    assert do(other, "comment", text="部门已到现场").status_code == 303
    # What overwrites nothing is done all the same ...
    assert duty.post(f"{ONE}/comment", data={**form, "text": "另一句批注"}).status_code == 303
    # ... and what does is not.
    refused = duty.post(f"{ONE}/level", data={**form, "level": "red", "reason": "现场聚集，请提级"})
    assert refused.status_code == 409
    assert "在此期间" in refused.text and "editor-housing" in refused.text and "批注" in refused.text
    assert 'value="现场聚集，请提级"' in refused.text
    assert ticket(worked).level == "orange"
    assert do(duty, "level", level="red", reason="现场聚集，请提级").status_code == 303
    assert ticket(worked).level == "red"


def test_clocks_stand_still_with_a_reason_and_go_on(worked: ConsoleWorld, duty: TestClient) -> None:
    assert "暂停计时要写明理由" in do(duty, "pause").text
    assert do(duty, "pause", reason="等待上级批复").status_code == 303
    assert ticket(worked).paused_at is not None and "计时已暂停" in duty.get(ONE).text
    assert do(duty, "resume").status_code == 303
    assert ticket(worked).paused_at is None


def test_a_task_is_passed_down_reported_returned_and_accepted(worked: ConsoleWorld, duty: TestClient) -> None:
    department = worked.client("editor", "housing")
    assert do(duty, "assignments", unit="住建局", demand="三日内逐户核对", due="2026-05-12T18:00").status_code == 303
    early = do(duty, "assignments/1", do="accept")
    assert early.status_code == 400 and "住建局还没有反馈" in early.text
    assert do(department, "assignments/1", do="report", report="已核对一半").status_code == 303
    assert "退回要写明还缺什么" in do(duty, "assignments/1", do="return").text
    assert do(duty, "assignments/1", do="return", reason="还缺另一半").status_code == 303
    assert do(department, "assignments/1", do="report", report="全部核对").status_code == 303
    assert do(duty, "assignments/1", do="accept").status_code == 303
    (found,) = assignments_of(worked.store, "T0001")
    assert (found.state, found.report) == ("accepted", "全部核对")


def test_files_links_and_related_tickets(worked: ConsoleWorld, duty: TestClient) -> None:
    token = form_token(duty.get(ONE))
    evil = "../../<script>情况.html"
    file = (evil, b"<script>alert(1)</script>", "text/html")
    sent = duty.post(f"{ONE}/attachments", data={"form_token": token}, files={"file": file})
    assert sent.status_code == 303
    (kept,) = attachments_of(worked.store, "T0001")
    got = duty.get(f"{ONE}/attachments/{kept.hash}")
    assert got.content == b"<script>alert(1)</script>"
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment")
    assert worked.client("duty", "schools").get(f"{ONE}/attachments/{kept.hash}").status_code in (400, 404)
    assert duty.get(f"/tickets/T0003/attachments/{kept.hash}").status_code == 404
    missing = duty.post(f"{ONE}/attachments", data={"form_token": token})
    assert missing.status_code == 400 and "请选择文件" in missing.text
    big = duty.post(f"{ONE}/attachments", content=b"", headers={"content-length": str(1 << 40)})
    assert big.status_code == 413
    assert do(duty, f"attachments/{kept.hash}/remove", reason="传错了").status_code == 303
    assert attachments_of(worked.store, "T0001") == []

    document = ticket(worked).documents[0]
    for target in ("https://example.org/notice", "云岭发〔2026〕8号", f"http://testserver/documents/{document}"):
        assert do(duty, "links", do="add", target=target, note="依据").status_code == 303
    assert [one.kind for one in links_of(worked.store, "T0001")] == ["page", "policy", "document"]
    assert "请填网页地址" in do(duty, "links", do="add", target="没有这样的东西").text
    assert do(duty, "links", do="remove", target="heating").status_code == 303
    assert do(duty, "related", other="t0003", reason="同一小区").status_code == 303
    assert [one.ticket for one in related_to(worked.store, "T0001")] == ["T0003"]


def test_what_lies_outside_of_ones_scope_can_not_be_linked_or_seen(worked: ConsoleWorld) -> None:
    schools = worked.client("editor", "schools")
    five = "/tickets/T0005"
    document = ticket(worked).documents[0]
    assert "没有这条信息" in do(schools, "links", five, do="add", target=document).text
    assert "请填网页地址" in do(schools, "links", five, do="add", target="heating").text
    hidden, missing = do(schools, "related", five, other="T0001"), do(schools, "related", five, other="T0999")
    assert (hidden.status_code, missing.status_code) == (400, 400)
    assert hidden.text.replace("T0001", "") == missing.text.replace("T0999", "")


def test_the_research_sheet_is_written_in_versions_and_signed(worked: ConsoleWorld, duty: TestClient) -> None:
    page = f"{ONE}/sheet"
    assert "14" in duty.get(page).text or "待核实" in duty.get(page).text
    fields = {name: f"{title}写明" for name, title in SECTIONS.items() if name != "recommended_level"}
    half = send(duty, page, page, based_on="0", facts="已核实", sign="1")
    assert half.status_code == 409 and "还有未填的项目" in half.text and "已核实" in half.text
    newest = sheets_of(worked.store, "T0001")[-1].version
    late = send(worked.client("editor", "housing"), page, page, based_on="0", facts="部门写的一段")
    assert late.status_code == 409 and "已保存了新的一版" in late.text and "部门写的一段" in late.text
    signed = send(duty, page, page, based_on=str(newest), recommended_level="orange", sign="1", **fields)
    assert signed.status_code == 303
    sheets = sheets_of(worked.store, "T0001")
    assert sheets[-1].signed_by == "duty-whole" and sheets[-1].intact
    again = send(duty, page, page, based_on=str(newest), recommended_level="orange", sign="1", **fields)
    assert again.status_code == 303 and len(sheets_of(worked.store, "T0001")) == len(sheets)


def test_a_response_is_recorded_evaluated_and_scored(worked: ConsoleWorld, duty: TestClient) -> None:
    page = f"{ONE}/response"
    short = do(duty, "", page, reply="收到")
    assert short.status_code == 400 and "至少 10 字" in short.text
    reply = "网友您好：经核实，供暖新规自5月6日起执行，低保户每户补贴300元，5月20日前发放到户。咨询电话0000-1234567。"
    told = do(duty, "", page, reply=reply, channel="政务微博", page="https://example.org/reply", replied_at="")
    assert told.status_code == 303
    shown = duty.get(page).text
    assert "答其所问" in shown and "主管评分" in shown and reply in shown
    assert ticket(worked).status == "responded"
    assert any(one.note == "回应发布：政务微博" for one in links_of(worked.store, "T0001"))
    leader = worked.client("leader")
    items = dict.fromkeys(ITEMS, "4")
    assert "五项都要打分" in send(leader, page, f"{page}/score", timely="4").text
    assert send(leader, page, f"{page}/score", **items, note="回应较好").status_code == 303
    kept = ResponseBook(worked.store, worked.clock).latest("T0001")
    assert kept is not None and kept.sheet_by == "leader-whole"
    assert send(duty, page, f"{page}/score", **items).status_code == 403
    assert do(duty, "refresh", page).status_code == 303


def clocks_of(world: ConsoleWorld, number: str) -> dict[str, Deadline]:
    found = ticket(world, number)
    return {one.kind: one for one in found.deadlines if one.round == found.round and not one.replaced}


def made_grave(world: ConsoleWorld, number: str) -> None:
    """Orange or red, with clocks that run: one that has ended is opened again first."""
    if ticket(world, number).closed_at is not None:
        actions.reopen(world.store, world.clock, world.settings, number, actor="lin", reason="又有新帖")
    level: Level = "orange" if ticket(world, number).level == "red" else "red"
    actions.set_level(world.store, world.clock, world.settings, number, level, actor="lin", reason="复核")


def test_the_press_conference_is_met_or_waived_by_itself(worked: ConsoleWorld, duty: TestClient) -> None:
    two = "/tickets/T0002"
    made_grave(worked, "T0002")
    shown = duty.get(two).text
    assert "办理完成或不再需要" in shown and "标记“已回应”不代表这一项已经完成" in shown
    refused = do(duty, "clock", two, kind="conference", done="no", reason="")
    assert refused.status_code == 400 and "要写明理由" in refused.text
    ahead = do(duty, "clock", two, kind="conference", done="yes", at="2099-01-01T08:00", reason="发布厅")
    assert ahead.status_code == 400 and "完成时间应在" in ahead.text and "发布厅" in ahead.text
    assert do(duty, "clock", two, kind="conference", done="no", reason="以书面通报代替").status_code == 303
    waived = clocks_of(worked, "T0002")["conference"]
    assert (waived.waiting, waived.met_at) == (False, None)
    assert "未办，已终止" in duty.get(two).text
    assert do(duty, "clock", two, kind="information", done="yes", reason="望津发布").status_code == 303
    assert clocks_of(worked, "T0002")["information"].met_at is not None
    assert "时限事项办理完成" in duty.get(two).text
    assert do(duty, "clock", two, kind="information", done="yes").status_code == 400


def test_a_response_given_at_a_press_conference_meets_its_clock(worked: ConsoleWorld, duty: TestClient) -> None:
    reply = "各位记者：经核实，供暖新规自5月6日起执行，低保户每户补贴300元，5月20日前发放到户。"
    made_grave(worked, "T0004")
    early = do(duty, "", "/tickets/T0004/response", reply=reply, channel="新闻发布会", replied_at="2020-01-01T08:00")
    assert early.status_code == 400 and "完成时间应在" in early.text
    assert ResponseBook(worked.store, worked.clock).latest("T0004") is None, "nothing was kept"
    for number, channel, met in (("T0004", "政府门户网站", False), ("T0005", "新闻发布会", True)):
        made_grave(worked, number)
        assert do(duty, "", f"/tickets/{number}/response", reply=reply, channel=channel).status_code == 303
        clocks = clocks_of(worked, number)
        assert clocks["information"].met_at is not None
        assert (clocks["conference"].met_at is not None, clocks["conference"].waiting) == (met, not met)


def test_transfer_false_alarm_and_opening_again(worked: ConsoleWorld, duty: TestClient) -> None:
    three = "/tickets/T0003"
    assert do(duty, "transfer", three, unit="教育局", reason="职责所在").status_code == 303
    assert ticket(worked, "T0003").unit == "教育局"
    assert "请写明理由" in do(duty, "move", three, status="false-alarm").text
    assert do(duty, "move", three, status="false-alarm", reason="系广告").status_code == 303
    assert do(duty, "move", three, status="open", reason="又有新帖").status_code == 303
    assert (ticket(worked, "T0003").status, ticket(worked, "T0003").round) == ("open", 2)
    assert do(duty, "move", three, status="nonsense").status_code == 400


def test_some_posts_become_a_ticket_of_their_own_and_two_tickets_one(worked: ConsoleWorld, duty: TestClient) -> None:
    first = ticket(worked)
    split = f"{ONE}/split"
    nothing = do(duty, "", split, title="补贴发放", reason="另一件事")
    assert nothing.status_code == 400 and "请勾选" in nothing.text and "补贴发放" in nothing.text
    with worked.store.begin() as connection:  # a ticket that was responded to can be split as well
        connection.execute(sa.update(tickets).where(tickets.c.number == "T0001").values(status="judging"))
    made = do(duty, "", split, title="补贴发放", reason="另一件事", document=first.documents[:2])
    assert made.status_code == 303
    new = made.headers["location"].rsplit("/", 1)[1]
    assert ticket(worked, new).title == "补贴发放"
    assert "请写明理由" in do(duty, "merge", other=new).text


def test_another_plan_is_taken_from_the_page(worked: ConsoleWorld, duty: TestClient) -> None:
    three = "/tickets/T0003"
    page = duty.get(three).text
    assert "更换预案，或按最新情况更新文稿" in page
    best = re.findall(r'<option value="([a-z-]+)"', page[page.index('name="plan"') :])[0]
    refused = do(duty, "plan", three, plan="nonsense", reason="想换")
    assert refused.status_code == 400 and "没有适用于工单 T0003 的预案" in refused.text and "想换" in refused.text
    assert do(duty, "plan", three, plan=best, reason="等级上升").status_code == 303
    taken = ticket(worked, "T0003").plan
    assert taken is not None and taken["id"] == best and kinds(worked, "T0003")[-1] == "plan-changed"
    assert "文稿中的数字和时限填写于" in duty.get(three).text
    assert [one.waiting for one in tasks_of(worked.store, "T0003")]


def test_a_ticket_for_a_whole_policy_leads_to_all_that_is_said_and_takes_tickets_in(
    worked: ConsoleWorld, duty: TestClient
) -> None:
    with worked.store.begin() as connection:
        change = sa.update(tickets).where(tickets.c.number == "T0003")
        whole = {"event_id": policy_key("heating"), "policy_id": "heating", "documents": ticket(worked).documents}
        connection.execute(change.values(status="judging", closed_at=None, **whole))
        connection.execute(sa.update(tickets).where(tickets.c.number == "T0001").values(policy_id="heating"))
    three = "/tickets/T0003"
    page = duty.get(three).text
    assert "多个事件：该政策的全部信息" in page and f"{three}/split" not in page
    found = re.search(r'href="(/search\?policy=heating&amp;since=[\d-]+)"', page)
    assert found is not None and "供暖新规" in duty.get(found[1].replace("&amp;", "&")).text
    refused = do(duty, "", f"{three}/split", title="补贴发放", reason="另一件事", document=["x"])
    assert refused.status_code == 400 and "不能分案" in refused.text
    with worked.store.begin() as connection:
        connection.execute(sa.update(tickets).where(tickets.c.number == "T0002").values(policy_id="school"))
    other = do(duty, "merge", three, other="T0002", reason="同一件事")
    assert other.status_code == 400 and "只能与同一政策的工单并案" in other.text
    assert do(duty, "merge", ONE, other="T0003", reason="同一件事").headers["location"] == three
    assert do(duty, "merge", ONE, other="T0003", reason="同一件事").status_code == 303, "pressed twice"
    assert (ticket(worked).status, ticket(worked, "T0003").status) == ("merged", "judging")


def test_a_form_of_an_ended_session_is_shown_again(worked: ConsoleWorld) -> None:
    client = worked.client("duty")
    form = {"form_token": form_token(client.get(ONE)), "text": "写了很久的一段话", "version": "1"}
    worked.console.sessions.end(worked.console.sessions.holding(worked.console.users.find("duty-whole").id)[0].id)
    asked = client.post(f"{ONE}/comment", data=form)
    assert asked.status_code == 401 and "写了很久的一段话" in asked.text
    # Signed in again in another window: the old token no longer fits, and nothing is lost either.
    fresh = worked.client("duty")
    kept = fresh.post(f"{ONE}/comment", data=form, headers={"sec-fetch-site": "same-origin"})
    assert kept.status_code == 409 and "写了很久的一段话" in kept.text
    assert fresh.post(f"{ONE}/comment", data=form).status_code == 403
