"""Days in forms and addresses: one reading for all rooms."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from console.days import begin_of, china_day
from minsheng.errors import WrongUse
from tests.console.world import ConsoleWorld


def test_a_day_and_the_moment_it_begins_in_china() -> None:
    assert china_day("2026-05-01") == date(2026, 5, 1)
    assert begin_of("2026-05-01") == datetime(2026, 4, 30, 16, tzinfo=UTC)
    assert china_day("") is None and begin_of("") is None


@pytest.mark.parametrize("text", ["5月1日", "2026-02-30", "0001-01-01", "9999-12-31", "2026-05-01T08:00", "\0"])
def test_what_is_no_day_is_told(text: str) -> None:
    with pytest.raises(WrongUse) as caught:
        begin_of(text)
    assert caught.value.problem is not None and caught.value.problem.code == "day-wrong"


@pytest.mark.parametrize(
    "page",
    ["/consultations?from={}", "/interpretations?since={}", "/grassroots?until={}", "/disclosure?to={}",
     "/search?since={}", "/search/compare?first_since={}"],
)  # fmt: skip
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "x"])
def test_a_day_at_the_end_of_all_time_breaks_no_page(world: ConsoleWorld, page: str, day: str) -> None:
    answer = world.client("duty").get(page.format(day))
    assert answer.status_code == 400


def test_there_is_no_briefing_of_the_first_days_of_all(world: ConsoleWorld) -> None:
    leader = world.client("leader")
    for page in ("/briefings/0001-01-01", "/briefings/0001-01-01/evidence/1", "/briefings/9999-12-31"):
        assert leader.get(page).status_code == 404
