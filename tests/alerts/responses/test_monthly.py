"""The month by unit, from tickets, clocks, evaluations and sheets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import timeline
from alerts.responses.monthly import NOBODY, UnitMonth, bounds, month_by_unit
from alerts.responses.tables import response_evaluations, response_sheets
from alerts.tables import tickets, timers
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from tests.alerts.conftest import World

REACHED = {
    "acknowledged_at": "acknowledged", "judging_at": "judging", "handled_at": "responding",
    "responded_at": "responded", "evaluated_at": "evaluated", "closed_at": "closed",
}  # fmt: skip
KINDS: dict[str, timeline.Kind] = {"acknowledged": "acknowledged", "closed": "closed", "false-alarm": "false-alarm"}
START = datetime(2026, 3, 2, 9, tzinfo=CHINA)


def add(world: World, number: int, *, due: float = 48, **values: Any) -> int:
    """A ticket `number` hours into the month with one clock; times in `values` are hours after its opening: its row
    holds those that it has a column for, its timeline all."""
    created = START + timedelta(hours=number)
    times = {name: created + timedelta(hours=values.pop(name)) for name in list(values) if name.endswith("_at")}
    kept = {name: at for name, at in times.items() if name in tickets.c}
    row = {
        "number": f"T20260302-{number:03d}", "event_id": f"e{number}", "unit": "水务局", "level": "yellow",
        "current_level": "yellow", "peak_level": "yellow", "status": "responded" if "responded_at" in times else "open",
        "risk_kind": "cost", "title": "水费", "why": "", "score": 0.5, "parts": [], "documents": [],
        "historical": False, "opened_at": created, "raised_at": created, "created_at": created, "version": 1,
        **kept, **values,
    }  # fmt: skip
    with world.store.begin() as connection:
        inserted = connection.execute(tickets.insert().values(**row)).inserted_primary_key
        assert inserted is not None
        clock = {
            "ticket_id": inserted[0], "kind": "response", "due_at": created + timedelta(hours=due),
            "met_at": times.get("responded_at"), "cancelled_at": times.get("responded_at"),
        }  # fmt: skip
        connection.execute(timers.insert().values(**clock))
        for column, status in REACHED.items():
            if column in times:
                ended = row["status"] if row["status"] == "false-alarm" and status == "closed" else status
                kind = KINDS.get(ended, "status-changed")
                timeline.add(connection, inserted[0], kind, times[column], detail={"to": ended})
    ticket_id: int = inserted[0]
    return ticket_id


def evaluate(world: World, ticket_id: int, score: float, grade: str, repeats: int = 0) -> None:
    part = {"name": "repeats", "title": "重复反映", "score": 0.5, "value": "", "detail": {"people": repeats}}
    row = {"ticket_id": ticket_id, "at": START, "actor": "lin", "reply": "答复", "replied_at": START, "score": score,
           "grade": grade, "parts": [part], "unanswered": [], "method": 1}  # fmt: skip
    with world.store.begin() as connection:
        connection.execute(response_evaluations.insert().values(**row))


def month(world: World) -> dict[str, UnitMonth]:
    return {row.unit: row for row in month_by_unit(world.store, world.clock, "2026-03")}


def test_each_figure(world: World) -> None:
    world.clock.advance(days=30)
    kept = add(world, 1, acknowledged_at=1, responded_at=20, closed_at=50)
    late = add(world, 2, acknowledged_at=3, responded_at=60)
    add(world, 3)  # never answered, its clock is over
    add(world, 4, closed_at=5, status="false-alarm", acknowledged_at=2)
    with world.store.begin() as connection:
        connection.execute(
            timers.update().where(timers.c.ticket_id == 4).values(cancelled_at=START + timedelta(hours=9))
        )
    add(world, 5, unit="")
    evaluate(world, kept, 0.2, "poor")
    evaluate(world, kept, 0.8, "good", repeats=2)  # the newest counts
    evaluate(world, late, 0.4, "middling")
    row = month(world)["水务局"]
    assert (row.tickets, row.false_alarms, row.kept, row.late, row.responded) == (4, 1, 1, 2, 2)
    assert row.on_time == pytest.approx(1 / 3)
    assert (row.evaluated, row.well, row.score, row.repeated) == (2, 1, 0.6, 1)
    assert (row.to_acknowledge, row.to_respond, row.to_close) == (2.0, 40.0, 27.5)
    assert row.satisfaction is None
    assert month(world)[NOBODY].tickets == 1


def test_the_median_time_to_each_state_is_that_of_its_first_time(world: World) -> None:
    world.clock.advance(days=30)
    add(world, 1, acknowledged_at=1, judging_at=2, handled_at=4, responded_at=20, evaluated_at=30, closed_at=50)
    second = add(world, 2, judging_at=4, responded_at=40)  # a step over: acknowledged all the same
    add(world, 3)
    with world.store.begin() as connection:  # reopened, and acknowledged again days later
        again = START + timedelta(days=9)
        connection.execute(tickets.update().where(tickets.c.id == second).values(acknowledged_at=again, round=2))
        timeline.add(connection, second, "acknowledged", again, detail={"to": "acknowledged"})
        timeline.add(connection, second, "status-changed", again, detail={"to": "judging"})
    row = month(world)["水务局"]
    assert (row.to_acknowledge, row.to_judge, row.to_handle) == (2.5, 3.0, 4.0)
    assert (row.to_respond, row.to_evaluate, row.to_close) == (30.0, 30.0, 50.0)


def test_the_sheet_is_the_satisfaction_and_counts_into_well(world: World) -> None:
    ticket_id = add(world, 1, responded_at=2)
    evaluate(world, ticket_id, 0.5, "middling")
    items = {"timely": 5, "relevant": 5, "settled": 5, "plain": 5, "effect": 5}
    with world.store.begin() as connection:
        connection.execute(
            response_sheets.insert().values(ticket_id=ticket_id, at=START, actor="chief", items=items, note="")
        )
    row = month(world)["水务局"]
    # The part that is kept in this test scores .5; the sheet counts half.
    assert (row.satisfaction, row.score, row.well) == (1.0, 0.75, 1)


def test_running_clocks_exercises_and_other_months_do_not_count(world: World) -> None:
    with world.store.begin() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tickets)) == 0
    add(world, 1, due=24 * 200)
    add(world, 2, exercise=True)
    add(world, 3, historical=True)
    add(world, -24 * 3)
    row = month(world)["水务局"]
    assert (row.tickets, row.kept, row.late, row.on_time) == (1, 0, 0, None)


@pytest.mark.parametrize("wrong", ["2026", "2026-13", "三月", ""])
def test_what_is_no_month_is_told(world: World, wrong: str) -> None:
    with pytest.raises(WrongUse, match="2026-11"):
        month_by_unit(world.store, world.clock, wrong)


def test_months_begin_in_china() -> None:
    since, until = bounds("2026-12")
    assert (since.isoformat(), until.isoformat()) == ("2026-12-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00")
