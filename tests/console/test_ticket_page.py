"""What a ticket's page shows first, and what of it opens."""

from __future__ import annotations

import html
import re

from alerts import timeline
from alerts.responses.tables import response_evaluations
from alerts.tables import tickets
from alerts.tickets import TicketBook
from console.words import browser, channel
from search.index import Filters, Search
from tests.console.test_casework import do
from tests.console.world import ConsoleWorld

ONE = "/tickets/T0001"


def note(world: ConsoleWorld, kind: timeline.Kind, detail: dict[str, object]) -> None:
    number = TicketBook(world.store, world.clock).get("T0001").id
    with world.store.begin() as connection:
        timeline.add(connection, number, kind, world.clock.now(), detail=detail)


def test_what_is_to_be_done_stands_before_what_is_done(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    for title in ("甲", "乙", "丙"):
        assert do(duty, "tasks", title=title).status_code == 303
    assert do(duty, "tasks/1", do="cancel", reason="不需要").status_code == 303
    assert do(duty, "tasks/2", do="done").status_code == 303
    page = duty.get(ONE).text
    assert "待办 1，已办 1" in page
    assert re.findall(r'<li id="task-(\d)"', page) == ["3", "2", "1"]
    assert re.search(r'还有没办完的任务：<a href="#tasks">1</a>', page)
    assert do(duty, "tasks/3", do="done").status_code == 303
    assert "还有没办完的任务" not in duty.get(ONE).text


def test_the_plan_that_was_suggested_is_told_until_somebody_chooses(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    assert "更适合的是" not in duty.get(ONE).text
    note(world, "plan-suggested", {"plan": "graver", "version": 1, "title": "重大舆情应对预案"})
    page = duty.get(ONE).text
    assert "更适合的是：<b>重大舆情应对预案</b>" in page and "graver" not in page
    note(world, "plan-changed", {"plan": "other", "from": "甲", "to": "乙"})
    assert "更适合的是" not in duty.get(ONE).text


def test_channels_are_told_as_people_call_them(world: ConsoleWorld) -> None:
    note(world, "notice-sent", {"reason": "worse", "channel": "terminal"})
    note(world, "notice-sent", {"reason": "worse", "channel": "值班群"})
    page = world.client("duty").get(ONE).text
    assert "　终端" in page and "terminal" not in page and "　值班群" in page
    assert [channel(name) for name in ("terminal", "值班群")] == ["终端", "值班群"]


def test_each_demand_that_was_not_answered_leads_to_its_posts(world: ConsoleWorld) -> None:
    duty, page = world.client("duty"), f"{ONE}/response"
    assert do(duty, "", page, reply="已收到大家的意见，正在研究办理。", replied_at="").status_code == 303
    event = TicketBook(world.store, world.clock).get("T0001").event
    found = world.world.index.search(Search(filters=Filters(events=(event,)), size=3)).hits
    said = [hit.record.document.text[:40] for hit in found]
    with world.store.begin() as connection:
        connection.execute(response_evaluations.update().values(unanswered=said))
    shown = duty.get(page).text
    links = re.findall(r'<a href="(/search\?q=[^"]+)">', shown[shown.index("未回答的诉求") :])
    assert len(links) == len(said) > 1
    for link in links:
        assert re.findall(r"<b>(\d+)</b> 篇", duty.get(html.unescape(link)).text) >= ["1"], link


def test_tickets_are_found_by_number_and_by_words_of_their_titles(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    every = re.findall(r'href="/tickets/(T\d+)">([^<]+)<', duty.get("/tickets?status=all").text)
    number, title = every[0]
    for asked in (number, number.lower(), title[:4], f"{title[:2]} {title[2:4]}"):
        assert number in duty.get("/tickets", params={"status": "all", "q": asked}).text, asked
    assert "没有符合条件的工单" in duty.get("/tickets", params={"status": "all", "q": "%"}).text


def test_browsers_are_told_as_people_know_them() -> None:
    chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0 Safari/537"
    assert browser(chrome) == "Chrome 109，Windows"
    assert browser(f"{chrome} Edg/109.0.1") == "Edge 109，Windows"
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1 Version/17.1 Safari/604.1"
    assert browser(iphone) == "Safari 17，iPhone"
    assert browser("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0") == "Firefox 115，Linux"
    assert browser("curl/8.5") == "curl/8.5"


def test_tickets_that_were_merged_and_split_lead_to_each_other(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    documents = TicketBook(world.store, world.clock).get("T0001").documents[:2]
    made = do(duty, "", f"{ONE}/split", title="补贴发放", reason="另一件事", document=list(documents))
    new = made.headers["location"].removeprefix("/tickets/")
    assert f'分出 <a href="/tickets/{new}">{new}</a>' in duty.get(ONE).text
    assert f'从 <a href="{ONE}">T0001</a> 分出' in duty.get(f"/tickets/{new}").text
    note(world, "merged", {"took": new, "reason": "同一件事"})
    assert f'<a href="/tickets/{new}">{new}</a> 并入本工单' in duty.get(ONE).text
    assert "已并入工单" not in duty.get(ONE).text
    with world.store.begin() as connection:
        connection.execute(tickets.update().where(tickets.c.number == "T0001").values(status="merged"))
    note(world, "merged", {"into": new, "reason": "同一件事"})
    assert f'已并入工单 <a href="/tickets/{new}">{new}</a>' in duty.get(ONE).text
