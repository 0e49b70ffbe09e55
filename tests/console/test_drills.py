"""Drills on the console: started with the right, read within the scope, and marked wherever they show."""

from __future__ import annotations

import io

import docx
import sqlalchemy as sa

from alerts.tables import tickets
from minsheng.exercises import MARK
from tests.console.world import HEATING, SCHOOL, ConsoleWorld, send


def start(world: ConsoleWorld, policy: str = HEATING) -> str:
    answer = send(world.client("duty"), "/drills", "/drills", scenario="service-breakdown", policy=policy, sure="1")
    assert answer.status_code == 303
    return str(answer.headers["location"].removeprefix("/drills/"))


def test_a_drill_is_started_from_the_desk_and_its_report_is_read(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    assert 'href="/drills"' in duty.get("/desk").text
    refused = send(duty, "/drills", "/drills", scenario="service-breakdown", policy=HEATING)
    assert refused.status_code == 400 and "请确认" in refused.text
    assert send(duty, "/drills", "/drills", scenario="flood", policy=HEATING, sure="1").status_code == 400
    number = start(world)
    sent = [one for one in world.world.log.read("documents") if b'"source":"exercise"' in one.value]
    assert len(sent) == 18 and "云岭市居民供暖价格调整办法".encode() in sent[0].value
    page = duty.get(f"/drills/{number}").text
    assert "尚未生成工单" in page and "系统指标：3 秒" in page
    assert number in duty.get("/drills").text
    report = duty.get(f"/drills/{number}/report?format=json")
    assert report.json()["number"] == number and number in report.headers["content-disposition"]
    word = docx.Document(io.BytesIO(duty.get(f"/drills/{number}/report?format=docx").content))
    assert any("演练评估报告" in one.text for one in word.paragraphs)
    assert duty.get(f"/drills/{number}/report?format=pdf").status_code == 404
    assert "drill-started" in [one.action for one in world.console.audit.list()]


def test_rights_and_scopes_hold(world: ConsoleWorld) -> None:
    number = start(world, SCHOOL)
    leader = world.client("leader")
    assert leader.get(f"/drills/{number}").status_code == 200
    assert "开始演练" not in leader.get("/drills").text
    assert send(leader, "/account", "/drills", scenario="x", policy=SCHOOL).status_code == 403
    assert world.client("reader").get("/drills").status_code == 403
    housing = world.client("duty", "housing")
    assert housing.get(f"/drills/{number}").status_code == 404
    assert number not in housing.get("/drills").text and number in world.client("duty", "schools").get("/drills").text
    beyond = send(housing, "/drills", "/drills", scenario="service-breakdown", policy=SCHOOL, sure="1")
    assert beyond.status_code == 400


def test_an_exercise_is_marked_and_counts_in_no_figure_of_the_desk(world: ConsoleWorld) -> None:
    duty, leader = world.client("duty"), world.client("leader")
    before = duty.get("/desk").text
    with world.store.begin() as connection:
        row = connection.execute(sa.select(tickets).where(tickets.c.number == "T0001")).mappings().one()
        drill = {**row, "number": "T0099", "event_id": "exercise-D1", "exercise": True, "title": f"{MARK}停热"}
        del drill["id"]
        connection.execute(tickets.insert().values(**drill))
    after = duty.get("/desk").text
    assert f"{MARK}停热" in after and '<span class="tag">演练</span>' in after
    figures = [line for line in before.splitlines() if 'class="figure"' in line]
    assert figures and figures == [line for line in after.splitlines() if 'class="figure"' in line]
    for page in ("/tickets", "/wall", "/tickets/T0099"):
        assert f"{MARK}停热" in duty.get(page).text, page
    assert "停热" not in leader.get("/leader").text
