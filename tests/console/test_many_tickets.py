"""More open tickets than a page shows: the counts are of all, and the gravest are not pushed out by newer ones."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import sqlalchemy as sa

from alerts.tables import tickets
from briefings.html import daily_html
from tests.briefings.small_world import DAY, MIDNIGHT
from tests.console.world import HEATING, ConsoleWorld

MANY = 600


def test_counts_and_order_hold_beyond_what_is_shown(world: ConsoleWorld) -> None:
    client = world.client("duty")
    before = counted(client.get("/desk/tickets").text)
    row = {
        "policy_id": HEATING, "level": "blue", "current_level": "blue", "status": "open", "risk_kind": "price",
        "title": "小事", "why": "原因", "score": 0.3, "parts": [], "documents": [], "historical": False,
        "created_at": MIDNIGHT, "version": 1,
    }  # fmt: skip
    with world.store.begin() as connection:
        connection.execute(
            tickets.insert(),
            [
                {
                    **row, "number": f"M{number:04}", "event_id": f"many-{number}",
                    "opened_at": MIDNIGHT + timedelta(minutes=number),
                    "raised_at": MIDNIGHT + timedelta(minutes=number),
                    "level": "red" if number == 0 else "blue",
                }
                for number in range(MANY)
            ],
        )  # fmt: skip
    page = client.get("/desk/tickets").text
    after = counted(page)
    assert after == {**before, "red": before["red"] + 1, "blue": before["blue"] + MANY - 1}
    assert page.count("<article") == 200
    assert "M0000" in page, "the oldest of them, and red"
    assert f"{sum(after.values()) - 200}</a>" in page, "how many are not shown"
    leader = world.client("leader").get("/leader").text
    assert "M0000" in leader
    numbers = [f"M{number:04}" for number in range(MANY)]
    view = world.console.view_of(world.console.users.find("duty-whole"))
    assert view.own_numbers([*numbers, "T9999"]) == set(numbers)
    assert [one.number for one in view.tickets_of(["many-0", "many-7"])] == ["M0007", "M0000"]


def test_the_list_is_turned_page_by_page(world: ConsoleWorld) -> None:
    client, address, seen = world.client("duty"), "/tickets?status=unclosed", list[str]()
    with world.store.begin() as connection:
        first = dict(connection.execute(sa.select(tickets).limit(1)).mappings().one())
        del first["id"]
        connection.execute(
            tickets.insert(),
            [{**first, "number": f"M{one:04}", "event_id": f"m{one}", "status": "open", "closed_at": None,
              "opened_at": MIDNIGHT + timedelta(minutes=one // 3)} for one in range(450)],
        )  # fmt: skip
    pages = 0
    while address:
        page = client.get(address).text
        seen += re.findall(r'<td class="about"><a href="/tickets/(\w+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address, pages = html.unescape(following[1]) if following else "", pages + 1
    assert pages == 3 and len(seen) == len(set(seen)) >= 450
    assert client.get("/tickets?before=M9999").status_code == 400
    others = world.client("duty", "schools")
    assert others.get("/tickets?before=M0001").status_code == 400  # another's, as one that is not there


def counted(page: str) -> dict[str, int]:
    """The board's cards."""
    found = re.findall(r'href="/tickets\?level=(\w+)".*?class="figure">(\d+)<', page, re.S)
    return {level: int(number) for level, number in found}


def test_a_daily_with_many_tickets_stays_small_and_each_number_opens_all_of_its_evidence(world: ConsoleWorld) -> None:
    """A town hall's worst day: 500 tickets with titles of usual length."""
    row = {
        "policy_id": HEATING, "level": "yellow", "current_level": "yellow", "status": "open", "risk_kind": "price",
        "why": "一小时内23位发言者，负面占九成", "score": 0.5, "parts": [], "documents": [], "historical": False,
        "opened_at": MIDNIGHT, "raised_at": MIDNIGHT, "created_at": MIDNIGHT, "version": 1,
    }  # fmt: skip
    with world.store.begin() as connection:
        connection.execute(
            tickets.insert(),
            [
                {**row, "number": f"M{number:04}", "event_id": f"many-{number}",
                 "title": f"第{number}小区居民反映供暖费上涨，物业不开发票，要求公开成本"}
                for number in range(500)
            ],
        )  # fmt: skip
    leader = world.client("leader")
    page = leader.get(f"/briefings/{DAY}").text
    assert len(page.encode()) < 300_000
    links = re.findall(r'<details id="(evidence-\d+)">\s*<summary>([^<]*)：(\d+)</summary>', page)
    assert {f"#{link}" for link, _, _ in links} >= set(re.findall(r'href="(#evidence-\d+)"', page))
    following = [html.unescape(one) for one in re.findall(rf'href="(/briefings/{DAY}/evidence/[^"]*)"', page)]
    whole: dict[str, int] = {}
    for address in following:
        answer = leader.get(address)
        count = re.search(r"<h1>[^<]*：(\d+)</h1>", answer.text)
        assert answer.status_code == 200 and count is not None
        whole[address] = int(count[1])
        assert answer.text.count("<li") >= whole[address]
    many = [address for address, total in whole.items() if total >= 500]
    assert many and all("M0499" in leader.get(address).text for address in many)
    # A number that has got another place meanwhile is found by what it counts.
    title = many[0].partition("?of=")[2]
    assert leader.get(f"/briefings/{DAY}/evidence/999?of={title}").status_code == 200
    assert leader.get(f"/briefings/{DAY}/evidence/999").status_code == 404
    assert world.client("auditor").get(following[0]).status_code == 403
    # A file leads nowhere: what a command gives is left to that.
    view = world.console.view_of(world.console.users.find("leader-whole"))
    alone = daily_html(world.console.briefing(DAY, view))
    assert len(alone.encode()) < 300_000 and "条用上面的命令查看" in alone and "/evidence/" not in alone
