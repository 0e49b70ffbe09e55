"""The grassroots view: whose a matter is, numbers that are the length of their lists, and nobody's beyond one's own."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from typer.testing import CliRunner

from alerts.casework.tables import assignments
from alerts.responses.tables import response_evaluations, response_sheets
from alerts.tables import tickets, timers
from console.grassroots import GROUPS, HEADINGS
from consultations.tables import consultations
from disclosure.tables import applications
from minsheng.cli.app import app
from tests.briefings.small_world import MIDNIGHT, burst
from tests.console.world import HEATING, SCHOOL, ConsoleWorld

DAYS = ("--since", "2026-05-01", "--until", "2026-05-31")
QUERY = "since=2026-05-01&until=2026-05-31"


class Country(ConsoleWorld):
    """The city with two departments, as ever, and below it 东市 with a bureau of its own."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        units = self.console.units
        self.east = units.add("东市", "county", parent=self.whole.id, whole=True, regions=["云岭省东市"])
        self.bureau = units.add("东市供热所", "department", parent=self.east.id, policies=[HEATING])
        self.units["east"] = self.east.id
        placed = next(one for one in burst() if one.event.id == "heat")
        self.world.index.write(
            [replace(placed, assessed=replace(placed.assessed, places=("云岭省东市南区",), opinion=2))]
        )
        self.world.index.refresh()
        with self.store.begin() as connection:
            # Of heating by its policy, and handed over to the schools.
            connection.execute(tickets.update().where(tickets.c.number == "T0003").values(unit="教育局"))
            at = MIDNIGHT + timedelta(hours=12)
            connection.execute(tickets.update().where(tickets.c.number == "T0001").values(responded_at=at))
            connection.execute(tickets.update().where(tickets.c.number == "T0002").values(responded_at=at))
            for ticket, due in ((2, 10), (2, 20)):
                row = {"ticket_id": ticket, "kind": f"k{due}", "due_at": MIDNIGHT + timedelta(hours=due)}
                connection.execute(timers.insert().values(**row))
            answered = timers.c.ticket_id.in_((1, 2))
            connection.execute(timers.update().where(answered).values(met_at=at, cancelled_at=at))
            parts = [{"name": "answered", "title": "", "score": 0.9, "value": ""}]
            common = {
                "at": at,
                "actor": "a",
                "reply": "r",
                "replied_at": at,
                "parts": parts,
                "unanswered": [],
                "method": 1,
            }
            for ticket, score, grade in ((1, 0.9, "good"), (2, 0.9, "good")):
                row = {"ticket_id": ticket, "score": score, "grade": grade, **common}
                connection.execute(response_evaluations.insert().values(**row))
            # The supervisor thought otherwise of the second one.
            items = dict.fromkeys(("timely", "relevant", "settled", "plain", "effect"), 1)
            row = {"ticket_id": 2, "at": at, "actor": "l", "items": items, "note": ""}
            connection.execute(response_sheets.insert().values(**row))
            for number, (unit, state, due, reported) in enumerate(
                (
                    ("东市", "accepted", 20, 19),
                    ("东市供热所", "reported", 20, 30),
                    ("东市", "returned", 20, 15),
                    ("住建局", "passed", 60, None),
                    ("住建局", "passed", None, None),
                    ("住建局", "withdrawn", 1, None),
                    ("别的单位", "passed", 1, None),
                ),
                1,
            ):
                row = {
                    "ticket_id": 1, "number": number, "unit": unit, "demand": "核实", "state": state, "report": "",
                    "passed_at": MIDNIGHT, "passed_by": "l",
                    "due_at": None if due is None else MIDNIGHT + timedelta(hours=due),
                    "reported_at": None if reported is None else MIDNIGHT + timedelta(hours=reported),
                }  # fmt: skip
                connection.execute(assignments.insert().values(**row))
            for number, (department, policy, region, answered) in enumerate(
                (
                    ("市住房和城乡建设局", HEATING, "云岭省西市", date(2026, 5, 7)),
                    ("", HEATING, "云岭省东市北区", None),
                    ("教育局", HEATING, "", None),
                    ("教育局", SCHOOL, "", None),
                    ("市财政局", None, "", None),
                ),
                1,
            ):
                received = date(2026, 5, 6) if number != 4 else date(2026, 3, 2)
                row = {
                    "department": department, "number": f"A{number}", "received_on": received, "title": "事项",
                    "content": "", "region": region, "policy_id": policy, "policy_named": "", "answered_on": answered,
                }  # fmt: skip
                connection.execute(applications.insert().values(**row))
            for policy, department, closes, published in (
                (HEATING, "", date(2026, 4, 5), None),
                (SCHOOL, "教育局", date(2026, 4, 10), date(2026, 5, 9)),
                (SCHOOL, "东市", date(2026, 4, 6), date(2026, 5, 8)),
                (SCHOOL, "", date(2026, 1, 6), None),
            ):
                row = {
                    "policy_id": policy, "title": "草案", "department": department,
                    "opens_on": closes - timedelta(days=9), "closes_on": closes, "text": "第一条", "origin": "",
                    "added_by": "a", "added_at": MIDNIGHT, "published_on": published,
                }  # fmt: skip
                connection.execute(consultations.insert().values(**row))


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    made = Country(tmp_path_factory.mktemp("country"))
    yield made
    made.close()


def table(world: Country, role: str = "duty", scope: str = "whole", unit: str = "") -> dict[str, Any]:
    found: dict[str, Any] = world.client(role, scope).get(f"/api/v1/grassroots?{QUERY}{unit}").json()
    return found


def test_whose_a_matter_is(country: Country) -> None:
    found = table(country)
    rows = {one["unit"]: one for one in found["rows"]}
    assert list(rows) == ["住建局", "教育局", "东市"]
    # T0001 T0002 T0003 T0004 T0006 are about heating; T0003 is the schools', by name, and T0005 by its policy.
    assert rows["住建局"]["tickets"] == {
        "opened": 4, "open": 1, "on-time": 1, "late": 1, "responded": 2, "evaluated": 2, "well": 1,
    }  # fmt: skip
    assert rows["教育局"]["tickets"] == {
        "opened": 2, "open": 2, "on-time": 0, "late": 1, "responded": 0, "evaluated": 0, "well": 0,
    }  # fmt: skip
    assert rows["东市"]["tickets"]["opened"] == 1, "a document of the heating ticket's event is from there"
    assert found["whole"]["tickets"]["opened"] == 6
    assert rows["东市"]["tasks"] == {"passed": 3, "in-time": 1, "late": 2, "waiting": 0}
    assert rows["住建局"]["tasks"] == {"passed": 2, "in-time": 0, "late": 0, "waiting": 2}
    assert found["whole"]["tasks"] == {"passed": 6, "in-time": 1, "late": 3, "waiting": 2}
    assert rows["住建局"]["applications"] == {"received": 2, "in-time": 1, "late": 0}
    assert rows["教育局"]["applications"] == {"received": 1, "in-time": 0, "late": 0}
    assert rows["东市"]["applications"]["received"] == 1 and found["whole"]["applications"]["received"] == 4
    assert rows["住建局"]["consultations"] == {"due": 1, "late": 1}
    assert rows["教育局"]["consultations"] == {"due": 1, "late": 0}
    assert rows["东市"]["consultations"] == {"due": 1, "late": 1}
    assert found["whole"]["consultations"] == {"due": 3, "late": 2}


@pytest.mark.parametrize(("scope", "unit"), [("whole", ""), ("whole", "east"), ("east", ""), ("housing", "")])
def test_each_number_is_the_length_of_the_list_that_it_opens(country: Country, scope: str, unit: str) -> None:
    client = country.client("duty", scope)
    which = f"&unit={country.units[unit]}" if unit else ""
    page = client.get(f"/grassroots?{QUERY}{which}").text
    cells = re.findall(r'<td class="number[^"]*">(?:<a href="([^"]+)">(\d+)</a>|0)</td>', page)
    shown = table(country, scope=scope, unit=which)
    numbers = [one[group][key] for one in [*shown["rows"], shown["whole"]] for group, (_, names) in GROUPS.items()
               for key in names]  # fmt: skip
    if shown["rows"]:
        assert [int(number or 0) for _, number in cells] == numbers
    opened = 0
    for address, number in cells:
        if address:
            listed = client.get(unescape(address))
            assert listed.status_code == 200
            rows = re.sub(r"常被申请的事项.*?</section>", "", listed.text, flags=re.S).count("<tr data-row>")
            assert rows == int(number), address
            opened += 1
    assert opened >= 20 or scope != "whole" or unit


def test_nobody_sees_a_unit_that_is_not_below(country: Country) -> None:
    schools, east = country.client("duty", "schools"), country.client("duty", "east")
    for path in ("/grassroots?unit={}", "/grassroots/export?unit={}", "/grassroots/tasks?below={}",
                 "/tickets?below={}", "/tickets?figure=late&below={}", "/disclosure?below={}",
                 "/disclosure/export?below={}", "/consultations?below={}", "/api/v1/grassroots?unit={}"):  # fmt: skip
        for client, other in ((schools, country.housing.id), (east, country.whole.id)):
            answers = [client.get(path.format(one)) for one in (other, 99999)]
            assert [one.status_code for one in answers] == [404, 404], path
            texts = [one.text.replace("99999", str(other)) for one in answers]
            assert texts[0] == texts[1], path
            assert "住建局" not in texts[0] and "云岭市" not in texts[0]
    for wrong in ("x", "-1", "9" * 30):
        assert schools.get(f"/grassroots?unit={wrong}").status_code == 404
    assert country.client("duty", "whole").get(f"/tickets?below={country.east.id}").text.count("<tr data-row>") == 1


def test_who_has_no_unit_sees_none(country: Country) -> None:
    page = country.client("duty", "none").get("/grassroots").text
    assert "这个单位下面没有单位" in page and "住建局" not in page
    found = table(country, scope="none")
    assert found["rows"] == [] and set(found["whole"]["tickets"].values()) == {0}


def test_a_unit_counts_within_its_own_view_alone(country: Country) -> None:
    """The bureau below 东市 deals with heating in that place: nothing from elsewhere counts for it."""
    found = table(country, scope="east")
    (bureau,) = found["rows"]
    assert bureau["unit"] == "东市供热所" and bureau["tickets"]["opened"] == 1
    assert found["whole"]["tickets"]["opened"] == 1 and found["whole"]["consultations"]["due"] == 0
    assert bureau["applications"]["received"] == 1
    assert bureau["tasks"] == {"passed": 1, "in-time": 0, "late": 1, "waiting": 0}


def test_it_is_exported_as_it_is_shown(country: Country) -> None:
    client = country.client("duty")
    answer = client.get(f"/grassroots/export?{QUERY}&format=csv")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == list(HEADINGS) and [row[0] for row in rows[1:]][-1] == "云岭市（合计，不重复计）"
    assert dict(zip(rows[0], rows[1], strict=True))["工单和回应·新增"] == "4"
    assert client.get("/grassroots/export").content.startswith(b"PK")
    assert client.get("/grassroots/export?format=pdf").status_code == 404
    assert any(one.action == "exported" and one.subject == "grassroots" for one in country.console.audit.list())


def test_wrong_days_are_told(country: Country) -> None:
    client = country.client("duty")
    assert "晚于" in client.get("/grassroots?since=2026-06-01&until=2026-05-01").text
    assert client.get("/grassroots?since=x").status_code == 400
    for day in ("0001-01-01", "9999-12-31"):
        for name in ("since", "until"):
            assert client.get(f"/api/v1/grassroots?{name}={day}").status_code == 422
    answer = client.get("/api/v1/grassroots?since=2026-06-01&until=2026-05-01")
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"


def test_the_command_shows_the_same(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = country.settings.data_dir / "world"
    monkeypatch.setenv("MINSHENG_STORE__PATH", "minsheng.db")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["--data-dir", str(folder), "grassroots", *DAYS, *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    found = json.loads(run("--json"))
    assert [one["unit"] for one in found["rows"]] == ["住建局", "教育局", "东市"]
    # By the clock of today, when more is late.
    counts = (("tickets", "opened"), ("tasks", "passed"), ("applications", "received"))
    numbers = [[one[group][key] for group, key in counts] for one in found["rows"]]
    assert numbers == [[4, 2, 2], [2, 0, 1], [1, 3, 1]]
    below = run("--unit", "东市")
    assert "东市供热所" in below and "督办" in below
    run("-o", str(folder / "out.xlsx"))
    assert (folder / "out.xlsx").read_bytes().startswith(b"PK")


def test_no_row_of_another_group_is_read(country: Country) -> None:
    """What the whole counts is what the tables hold, by queries of their own."""
    with country.store.read() as connection:
        opened = connection.scalar(sa.select(sa.func.count()).select_from(tickets))
        passed = connection.scalar(
            sa.select(sa.func.count()).select_from(assignments).where(assignments.c.state != "withdrawn")
        )
    whole = table(country)["whole"]
    assert whole["tickets"]["opened"] == opened and whole["tasks"]["passed"] == passed
