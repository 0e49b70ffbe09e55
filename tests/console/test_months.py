"""月度回应情况: each number is that of the tickets behind it, within what one may see, and as the command tells it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from msgspec.structs import asdict
from openpyxl import load_workbook

from alerts.responses.monthly import FIGURES, NOBODY, month_by_unit
from alerts.responses.tables import response_evaluations, response_sheets
from alerts.tables import tickets, timers
from console.months import HEADINGS
from tests.briefings.small_world import MIDNIGHT
from tests.console.world import EVIL, ConsoleWorld

MONTH = "2026-05"
LINK = re.compile(r'href="(/responses/month/tickets[^"]*)">([^<]*)</a>')


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    """T0001 (which has a clock already) answered well in time, T0002 answered too late and asked again, T0003 a unit's
    whose name is markup, T0005 the schools'."""
    made = ConsoleWorld(tmp_path_factory.mktemp("month"))
    at = MIDNIGHT + timedelta(hours=12)
    with made.store.begin() as connection:

        def change(number: str, **values: object) -> None:
            connection.execute(tickets.update().where(tickets.c.number == number).values(**values))

        change("T0001", unit="住建局", responded_at=at)
        change("T0002", unit="住建局", responded_at=at)
        change("T0003", unit=f"=局&{EVIL}", status="false-alarm")
        change("T0004", unit="")
        change("T0005", unit="教育局")
        for ticket, hours in ((1, 24), (2, 2)):
            row = {"ticket_id": ticket, "kind": "k", "due_at": MIDNIGHT + timedelta(hours=hours)}
            connection.execute(timers.insert().values(**row))
        connection.execute(timers.update().where(timers.c.ticket_id.in_([1, 2])).values(met_at=at))
        for ticket, score, grade, people in ((1, 0.9, "good", 0), (2, 0.3, "poor", 3)):
            part = {"name": "repeats", "title": "", "score": score, "value": "", "detail": {"people": people}}
            row = {
                "ticket_id": ticket, "at": at, "actor": "a", "reply": "r", "replied_at": at, "score": score,
                "grade": grade, "parts": [part], "unanswered": [], "method": 1,
            }  # fmt: skip
            connection.execute(response_evaluations.insert().values(**row))
        items = dict.fromkeys(("timely", "relevant", "settled", "plain", "effect"), 4)
        row = {"ticket_id": 1, "at": at, "actor": "l", "items": items, "note": ""}
        connection.execute(response_sheets.insert().values(**row))
    yield made
    made.close()


def test_each_number_opens_the_tickets_that_it_counts(month: ConsoleWorld) -> None:
    duty = month.client("duty")
    page = duty.get(f"/responses/month?month={MONTH}").text
    links = [(unescape(address), text) for address, text in LINK.findall(page)]
    counts = [(address, text) for address, text in links if text.isdecimal() and "figure=to_" not in address]
    assert len(counts) >= 12
    for address, text in counts:
        assert duty.get(address).text.count("data-row") == int(text), address
    for address, _ in links:
        assert duty.get(address).text.count("data-row") > 0, f"{address}: a figure of nothing"
    assert len({re.search(r"figure=(\w+)", address)[1] for address, _ in links}) >= 9  # type: ignore[index]


def test_it_is_as_the_command_tells_it(month: ConsoleWorld) -> None:
    rows = {row.unit: row for row in month_by_unit(month.store, month.clock, MONTH)}
    assert (rows["住建局"].responded, rows["住建局"].well, rows["住建局"].repeated) == (2, 1, 1)
    assert (rows["住建局"].kept, rows["住建局"].late, rows["住建局"].overdue) == (2, 1, 1)
    assert NOBODY in rows
    found = month.client("duty").get(f"/api/v1/statistics/responses?month={MONTH}").json()
    assert found["month"] == MONTH
    assert {one["unit"]: one for one in found["units"]} == {
        name: json.loads(json.dumps(asdict(row))) for name, row in rows.items()
    }
    assert found["whole"]["tickets"] == sum(row.tickets for row in rows.values())


def test_a_unit_sees_its_own_alone(month: ConsoleWorld) -> None:
    schools = month.client("leader", "schools")
    page = schools.get(f"/responses/month?month={MONTH}").text
    assert "教育局" in page and "住建局" not in page
    assert page.count("data-row") == 1
    hidden, missing = (
        schools.get(f"/responses/month/tickets?month={MONTH}&figure=tickets&unit={unit}").text
        for unit in ("住建局", "没有局")
    )
    assert hidden.replace("住建局", "没有局") == missing
    assert "T0005" in schools.get(f"/responses/month/tickets?month={MONTH}&figure=tickets").text
    assert "data-row" not in month.client("duty", "none").get(f"/responses/month?month={MONTH}").text
    found = month.client("reader", "schools").get(f"/api/v1/statistics/responses?month={MONTH}").json()
    assert [one["unit"] for one in found["units"]] == ["教育局"]


def test_who_may_not_read_tickets_or_export_does_not(month: ConsoleWorld) -> None:
    assert month.client("operator").get("/responses/month").status_code == 403
    assert month.client("operator").get("/api/v1/statistics/responses").status_code == 403
    leader = month.client("leader")
    assert "/responses/month/export" not in leader.get(f"/responses/month?month={MONTH}").text
    assert leader.get(f"/responses/month/export?month={MONTH}").status_code == 403
    assert 'href="/responses/month"' in leader.get("/leader").text
    assert 'href="/responses/month"' in month.client("reader").get("/tickets").text


def test_an_export_holds_the_table_and_no_formula_and_is_audited(month: ConsoleWorld) -> None:
    duty = month.client("duty")
    answer = duty.get(f"/responses/month/export?month={MONTH}&format=csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == HEADINGS
    assert rows[-1][0] == "合计"
    units = {row[0]: row for row in rows[1:]}
    assert units["住建局"][1:5] == ["2", "0", "67%", "1"]
    assert any(name.startswith("'=局") for name in units)
    book = load_workbook(io.BytesIO(duty.get(f"/responses/month/export?month={MONTH}").content))
    assert [list(map(str, row)) for row in book.active.values][-1] == rows[-1]
    line = month.console.audit.list(action="exported", limit=1)[0]
    assert line.subject == "responses-month" and MONTH in line.detail
    assert duty.get(f"/responses/month/export?month={MONTH}&format=exe").status_code == 404


@pytest.mark.parametrize("wrong", ["2026", "2026-13", "9999-12", "0001-01", "三月", "<b>"])
def test_what_is_no_month_is_told(month: ConsoleWorld, wrong: str) -> None:
    duty = month.client("duty")
    for path in ("/responses/month?", "/responses/month/tickets?figure=tickets&", "/responses/month/export?"):
        answer = duty.get(f"{path}month={wrong}")
        assert answer.status_code == 400 and "不是月份" in answer.text and "<b>”" not in answer.text, path
    assert duty.get(f"/api/v1/statistics/responses?month={wrong}").status_code == 422


def test_a_figure_that_there_is_not_is_not_found(month: ConsoleWorld) -> None:
    duty = month.client("duty")
    assert duty.get("/responses/month/tickets?figure=nothing").status_code == 404
    assert duty.get("/responses/month/tickets?figure=tickets&page=0").status_code == 404
    assert set(FIGURES) >= {"tickets", "on_time", "overdue", "to_close"}


def test_other_months_are_a_step_away_and_none_lies_ahead(month: ConsoleWorld) -> None:
    duty = month.client("duty")
    assert f'value="{MONTH}"' in duty.get("/responses/month").text
    now = duty.get(f"/responses/month?month={MONTH}").text
    assert "month=2026-04" in now and "month=2026-06" not in now
    before = duty.get("/responses/month?month=2025-12").text
    assert "month=2025-11" in before and "month=2026-01" in before and "这个月没有工单" in before


def test_a_long_list_is_turned_page_by_page(month: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.routes.months.LISTED", 2)
    duty = month.client("duty")
    address, seen = f"/responses/month/tickets?month={MONTH}&figure=tickets", []
    while address:
        page = duty.get(address).text
        seen += re.findall(r'href="/tickets/(T\d+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(older[1]) if older else ""
    total = sum(row.tickets for row in month_by_unit(month.store, month.clock, MONTH))
    assert len(seen) == len(set(seen)) == total > 4
