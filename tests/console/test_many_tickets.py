"""More open tickets than a page shows: the counts are of all, and the gravest are not pushed out by newer ones."""

from __future__ import annotations

import re
from datetime import timedelta

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


def counted(page: str) -> dict[str, int]:
    """The board's cards."""
    found = re.findall(r'href="/tickets\?level=(\w+)".*?class="figure">(\d+)<', page, re.S)
    return {level: int(number) for level, number in found}
