"""Kept briefings, consultations and applications by the API: page by page, and each caller's own alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from briefings.making import make_and_keep
from briefings.shelf import BriefingShelf
from consultations.tables import consultations
from disclosure.tables import applications
from search import cursors
from tests.briefings.small_world import DAY
from tests.console.world import HEATING, SCHOOL, ConsoleWorld

API = "/api/v1"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    world = ConsoleWorld(tmp_path_factory.mktemp("rooms"))
    with world.store.begin() as connection:
        for number in range(7):
            closes = DAY - timedelta(days=10 * number)
            row = {
                "policy_id": SCHOOL if number % 3 == 0 else HEATING, "title": f"草案{number}", "department": "",
                "opens_on": closes - timedelta(days=5), "closes_on": closes, "text": "第一条", "origin": "",
                "added_by": "a", "added_at": world.clock.now(), "published_on": DAY if number == 6 else None,
            }  # fmt: skip
            connection.execute(consultations.insert().values(**row))
        for number in range(9):
            row = {
                "department": "教育局" if number % 2 else "市住房和城乡建设局", "number": f"A{number}",
                "received_on": DAY - timedelta(days=12 * number), "title": "事项", "content": "", "region": "",
                "policy_named": "", "answered_on": DAY if number in (3, 8) else None,
            }  # fmt: skip
            connection.execute(applications.insert().values(**row))
    for back in range(3):
        make_and_keep(world.console, "daily", DAY - timedelta(days=back), actor="system")
    yield world
    world.close()


def pages(world: ConsoleWorld, path: str, scope: str = "whole", size: int = 2) -> list[dict[str, Any]]:
    """All entries of a list, read a few at a time."""
    client, found, cursor = world.client("duty", scope), [], ""
    mark = "&" if "?" in path else "?"
    for _ in range(20):
        answer = client.get(f"{API}{path}{mark}size={size}&cursor={cursor}").json()
        assert len(answer["items"]) <= size
        found += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


def test_kept_briefings_are_listed_and_read(filled: ConsoleWorld) -> None:
    found = pages(filled, "/briefings")
    assert [one["number"] for one in found] == ["RB-20260506", "RB-20260507", "RB-20260508"]
    assert pages(filled, "/briefings?kind=weekly") == [] and len(pages(filled, "/briefings?status=draft")) == 3
    client = filled.client("duty")
    one = client.get(f"{API}/briefings/RB-20260508").json()
    texts = {each["id"]: each["text"] for each in one["texts"]}
    kept = BriefingShelf(filled.store, filled.console.settings, filled.clock).get("RB-20260508")
    assert texts == {name: paragraph.text for name, paragraph in kept.current.paragraphs().items()} and texts
    total = next(each for each in one["figures"] if each["code"] == "1")
    assert total["total"] == kept.generated.evidence[0].total and total["command"].startswith("minsheng ")
    assert one["history"][0]["action"] == "made"
    again = client.get(f"{API}/briefings/RB-20260508", headers={"if-none-match": "*"})
    etag = again.headers["etag"]
    assert client.get(f"{API}/briefings/RB-20260508", headers={"if-none-match": etag}).status_code == 304


def test_who_does_not_see_everything_has_no_kept_briefings(filled: ConsoleWorld) -> None:
    assert pages(filled, "/briefings", "schools") == []
    answer = filled.client("duty", "schools").get(f"{API}/briefings/RB-20260508")
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    assert filled.client("reader").get(f"{API}/briefings").status_code == 403


def test_consultations_are_listed_by_their_closing_day(filled: ConsoleWorld) -> None:
    found = pages(filled, "/consultations")
    assert [one["title"] for one in found] == [f"草案{number}" for number in range(7)]
    assert [one["title"] for one in pages(filled, "/consultations", "schools")] == ["草案0", "草案3", "草案6"]
    pressing = pages(filled, "/consultations?state=pressing")
    assert pressing and all(one["state"] in ("soon", "late") for one in pressing)
    one = filled.client("duty", "schools").get(f"{API}/consultations/{found[3]['number']}").json()
    assert one["letters"] == 0 and one["opinions"] == [] and one["due_on"] == found[3]["due_on"]
    assert filled.client("duty", "schools").get(f"{API}/consultations/{found[1]['number']}").status_code == 404


def test_applications_are_listed_by_what_is_due_first(filled: ConsoleWorld) -> None:
    found = pages(filled, "/disclosure")
    page = filled.client("duty").get("/disclosure?state=all").text
    numbers = [one["number"] for one in found]
    assert len(set(numbers)) == 9 and numbers == sorted(numbers, key=lambda one: page.index(f">{one}</a>"))
    assert {one["number"] for one in pages(filled, "/disclosure", "schools")} == {"A1", "A3", "A5", "A7"}
    late = pages(filled, "/disclosure?state=late")
    assert late and all(one["standing"]["late"] for one in late)
    one = filled.client("duty").get(f"{API}/disclosure/{found[0]['id']}").json()
    assert one["number"] == numbers[0] and one["history"] == []
    # The id of the schools' is nothing to the others.
    other = next(each["id"] for each in found if each["number"] == "A1")
    assert filled.client("duty", "housing").get(f"{API}/disclosure/{other}").status_code == 404


def test_figures_of_applications_are_the_lengths_of_their_lists(filled: ConsoleWorld) -> None:
    figures = filled.client("duty").get(f"{API}/disclosure/figures").json()
    assert figures["since"] == "2026-01-01"
    between = f"since={figures['since']}&until={figures['until']}"
    assert figures["received"] == len(pages(filled, f"/disclosure?{between}"))
    for figure in (*figures["states"], figures["in_time"], figures["out_of_time"]):
        assert figure["count"] == len(pages(filled, f"/disclosure?{between}&state={figure['asked']['state']}"))
    whole = date.fromisoformat(figures["until"])
    assert whole >= DAY


@pytest.mark.parametrize("path", ["/briefings", "/consultations", "/disclosure"])
@pytest.mark.parametrize("cursor", ["x", "WzFd", "W10", "WyJ4IiwxXQ"])
def test_a_cursor_of_another_list_is_refused(filled: ConsoleWorld, path: str, cursor: str) -> None:
    if path == "/briefings" and cursor == "WzFd":
        return  # [1]: it is one of this list
    answer = filled.client("duty").get(f"{API}{path}?cursor={cursor}")
    assert answer.status_code == 422 and answer.json()["errors"][0]["where"] == "query.cursor"


@pytest.mark.parametrize(
    "place",
    [
        (2, 739_000, 0, "", ""),
        (0, 0, 0, "", ""),
        (1, 739_000, 0, "", ""),
        (1, -(10**9), 0, "", ""),
        (1, -1, 0, "\0", ""),
    ],
)
def test_a_place_where_nothing_can_stand_is_no_cursor(filled: ConsoleWorld, place: tuple[Any, ...]) -> None:
    answer = filled.client("duty").get(f"{API}/disclosure?cursor={cursors.write(*place)}")
    assert answer.status_code == 422 and answer.json()["errors"][0]["where"] == "query.cursor"


def test_a_number_that_no_page_gives_is_no_cursor(filled: ConsoleWorld) -> None:
    answer = filled.client("duty").get(f"{API}/consultations?cursor={cursors.write('2026-05-08', 10**30)}")
    assert answer.status_code == 422 and answer.json()["errors"][0]["where"] == "query.cursor"
