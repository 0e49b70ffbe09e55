"""The board is read and written once for all who see the same, and never holds what is another's or from before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from fastapi.testclient import TestClient

from alerts.tickets import TicketBook
from console.boards import SECONDS
from tests.console.world import ConsoleWorld, send


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("boards"))
    yield made
    made.close()


@pytest.fixture
def reads(world: ConsoleWorld) -> Iterator[list[int]]:
    """Grows by one whenever the tickets of a board are read from the store; no board is kept at its start."""
    counted: list[int] = []
    world.clock.advance(seconds=SECONDS + 1)
    read = TicketBook.pressing

    def counting(*arguments: object, **named: object) -> object:
        counted.append(1)
        return read(*arguments, **named)  # type: ignore[arg-type]

    with patch.object(TicketBook, "pressing", counting):
        yield counted


def board(client: TestClient) -> str:
    answer = client.get("/desk/tickets")
    assert answer.status_code == 200
    return answer.text


def tokens(page: str) -> set[str]:
    return set(re.findall(r'name="form_token" value="([^"]+)"', page))


def test_two_who_see_the_same_share_all_but_the_token_of_their_forms(world: ConsoleWorld, reads: list[int]) -> None:
    first, second = world.client("duty"), world.client("duty")
    pages = [board(first), board(second), board(first)]
    assert len(reads) == 1
    mine, others = tokens(pages[0]), tokens(pages[1])
    assert len(mine) == len(others) == 1 and mine != others and tokens(pages[2]) == mine
    assert pages[0].replace(mine.pop(), "") == pages[1].replace(others.pop(), "")
    # A form of the shared part is good for who was shown it, and changes what everybody is shown next.
    number = re.search(r'action="/tickets/([^/]+)/move"', pages[0])
    version = re.search(r'name="version" value="(\d+)"', pages[0])
    assert number is not None and version is not None
    form = {"form_token": tokens(pages[1]).pop(), "status": "acknowledged", "version": version[1], "back": "/desk"}
    assert second.post(f"/tickets/{number[1]}/move", data=form).status_code == 303
    assert f'action="/tickets/{number[1]}/move"' not in board(first)
    assert len(reads) == 2


def test_scopes_and_languages_are_kept_apart(world: ConsoleWorld, reads: list[int]) -> None:
    whole, housing, schools = (world.client("duty", scope) for scope in ("whole", "housing", "schools"))
    seen = [set(re.findall(r'href="/tickets/(T\d+)"', board(one))) for one in (whole, housing, schools)]
    assert len(reads) == 3
    assert seen[1] and seen[2] and seen[1].isdisjoint(seen[2]) and seen[1] | seen[2] <= seen[0]
    english = world.client("duty")
    send(english, "/desk", "/language", language="en", next="/desk")
    assert "Acknowledge" in board(english) and "签收" not in re.sub(r"title=\S+", "", board(english))
    assert "签收" in board(whole)


def test_a_board_is_written_anew_after_some_seconds_for_its_clocks(world: ConsoleWorld, reads: list[int]) -> None:
    client = world.client("duty")
    before = board(client)
    world.clock.advance(seconds=SECONDS + 3_600)
    assert board(client) != before
    assert len(reads) == 2


def test_the_help_lists_the_key_of_each_room_that_one_may_enter(world: ConsoleWorld) -> None:
    for role in ("duty", "administrator", "auditor", "operator", "leader"):
        page = world.client(role).get("/account").text
        rooms = re.findall(r'<a href="([^"]+)" data-key="(\w)"', page)
        listed = re.findall(r"<dt><kbd>g</kbd> <kbd>(\w)</kbd></dt>", page)
        assert rooms and listed == [key for _, key in rooms] and len(set(listed)) == len(listed)
