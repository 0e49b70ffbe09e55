"""More open tickets than a page shows: the counts are of all, and the gravest are not pushed out by newer ones."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import sqlalchemy as sa

from alerts.tables import tickets
from tests.briefings.small_world import MIDNIGHT
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
        seen += re.findall(r'<td class="nowrap"><a href="/tickets/(\w+)"', page)
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
