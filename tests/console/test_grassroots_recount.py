"""The grassroots view over hundreds of units drawn by chance: what it counts in memory is what it lists by the store's
queries, and what SQL counts that knows of neither."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
import msgspec
import pytest

from alerts.casework.tables import assignments
from alerts.responses.tables import response_evaluations
from alerts.responses.worked import FIGURES
from alerts.tables import tickets, timers
from console.grassroots import CONSULTATIONS, TASKS, Grassroots, Row, Span
from console.units import Unit
from consultations.tables import consultations
from disclosure.register import IN_TIME, LATE, Asked, Register
from disclosure.tables import applications
from minsheng.clock import CHINA
from minsheng.policies import Policy, PolicyRegister
from minsheng.policies.tables import policies
from tests.briefings.busy_world import GRADES
from tests.briefings.small_world import record
from tests.console.world import ConsoleWorld

COUNTIES, BUREAUS, OFFICES = 130, 90, 25
SPAN = Span(since=date(2026, 4, 10), until=date(2026, 5, 9))
POLICIES = tuple(f"p{number}" for number in range(30))
GONE = "p29"
"""Was deleted from the register."""
TOPICS = ("道路", "教育", "供水")


class ManyUnits(ConsoleWorld):
    """A city with offices, and counties of which many have a bureau below them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        chance = random.Random(9)
        register = PolicyRegister(self.store, self.clock)
        self.topics = {name: chance.choice([*TOPICS, ""]) for name in POLICIES}
        self.owners = {name: chance.choice([f"局{number}" for number in range(OFFICES)]) for name in POLICIES}
        register.import_policies(
            [
                Policy(id=name, title=f"办法{name}", department=self.owners[name],
                       topics=(self.topics[name],) if self.topics[name] else ())
                for name in POLICIES
            ]
        )  # fmt: skip
        self.made: list[Unit] = []
        units = self.console.units
        for number in range(OFFICES):
            some = tuple(chance.sample(POLICIES, chance.randrange(3)))
            self.made.append(
                units.add(f"办公室{number}", "department", parent=self.whole.id, departments=[f"局{number}"],
                          policies=some, topics=[chance.choice(TOPICS)] if number % 5 == 0 else [])
            )  # fmt: skip
        self.made.append(units.add("督查室", "department", parent=self.whole.id, whole=True))
        for number in range(COUNTIES):
            county = units.add(
                f"县{number}", "county", parent=self.whole.id, whole=number % 3 > 0, regions=[f"云岭省县{number}甲"],
                policies=tuple(chance.sample(POLICIES, 3)),
            )  # fmt: skip
            self.made.append(county)
            if number < BUREAUS:
                some = tuple(chance.sample(POLICIES, 2))
                units.add(f"县{number}局", "department", parent=county.id, departments=[f"县{number}处"], policies=some)
        with self.store.begin() as connection:
            connection.execute(policies.delete().where(policies.c.id == GONE))
        names = [f"办公室{number}" for number in range(OFFICES)] + [f"局{number}" for number in range(OFFICES)]
        names += [f"县{number}{end}" for number in range(COUNTIES) for end in ("", "局", "处")] + ["", "外单位"] * 60
        regions = [f"云岭省县{number}甲{end}" for number in range(COUNTIES) for end in ("", "乡")]
        self._documents(chance, regions)
        with self.store.begin() as connection:
            for number in range(100, 800):
                self._case(connection, chance, number, chance.choice(names), chance.choice(names))
            for number in range(600):
                received = SPAN.since + timedelta(days=chance.randrange(-20, 40))
                answered = received + timedelta(days=chance.randrange(1, 60))
                row = {
                    "department": chance.choice(names), "number": f"N{number}", "received_on": received,
                    "title": "事项", "content": "", "region": chance.choice([*regions, ""]), "policy_named": "",
                    "policy_id": chance.choice([*POLICIES, None]),
                    "answered_on": answered if answered <= SPAN.until and chance.random() < 0.7 else None,
                }  # fmt: skip
                connection.execute(applications.insert().values(**row))
            for number in range(300):
                closes = date(2026, chance.choice((3, 4)), chance.randrange(1, 29))
                row = {
                    "policy_id": chance.choice(POLICIES), "title": "草案", "department": chance.choice(names),
                    "opens_on": date(2025, 1, 1) + timedelta(days=number), "closes_on": closes, "text": "",
                    "origin": "", "added_by": "a", "added_at": self.clock.now(),
                    "published_on": closes + timedelta(days=chance.randrange(50)) if chance.random() < 0.5 else None,
                }  # fmt: skip
                connection.execute(consultations.insert().values(**row))

    def _documents(self, chance: random.Random, regions: list[str]) -> None:
        self.spoken: list[tuple[str, str, str]] = []
        posts = []
        for number in range(2_500):
            event, region, policy = f"case{chance.randrange(100, 800)}", chance.choice(regions), chance.choice(POLICIES)
            at = self.clock.now() - timedelta(days=1)
            made = record(f"many-{number}", at, "路灯坏了。", event=event, policy=policy)
            document = msgspec.structs.replace(made.assessed.document, region=region)
            posts.append(
                msgspec.structs.replace(made, assessed=msgspec.structs.replace(made.assessed, document=document))
            )
            self.spoken.append((event, region, policy))
        self.world.index.write(posts)
        self.world.index.refresh()

    def _case(self, connection: Any, chance: random.Random, number: int, unit: str, other: str) -> None:
        created = datetime(2026, 4, 1, tzinfo=CHINA) + timedelta(hours=chance.randrange(38 * 24))

        def later(share: float) -> datetime | None:
            at = created + timedelta(hours=chance.randrange(1, 200))
            return at if chance.random() < share and at < self.clock.now() else None

        responded, closed = later(0.5), later(0.4)
        row = {
            "id": number, "number": f"C{number}", "event_id": f"case{number}",
            "policy_id": chance.choice([*POLICIES, None]),
            "level": "blue", "current_level": "blue", "status": "closed" if closed else "open", "risk_kind": "price",
            "title": "事", "why": "", "score": 0.3, "parts": [], "documents": [], "version": 1, "unit": unit,
            "historical": chance.random() < 0.05, "exercise": chance.random() < 0.05, "opened_at": created,
            "raised_at": created, "created_at": created, "responded_at": responded, "closed_at": closed,
        }  # fmt: skip
        connection.execute(tickets.insert().values(**row))
        for kind in ("response", "conference", "response-warning"):
            met = responded if chance.random() < 0.8 else None
            timer = {
                "ticket_id": number, "met_at": met, "kind": kind,
                "due_at": created + timedelta(hours=chance.choice((5, 24, 90))),
                "replaced": chance.random() < 0.1, "cancelled_at": met or (closed if chance.random() < 0.8 else None),
            }  # fmt: skip
            connection.execute(timers.insert().values(**timer))
        for _ in range(chance.randrange(3) if responded else 0):
            grade = chance.choice(list(GRADES))
            kept = {
                "ticket_id": number, "at": created, "actor": "a", "reply": "", "replied_at": created, "parts": [],
                "score": GRADES[grade], "grade": grade, "unanswered": [], "method": 1,
            }  # fmt: skip
            connection.execute(response_evaluations.insert().values(**kept))
        for place in range(chance.randrange(3)):
            state = chance.choice(("passed", "reported", "accepted", "returned", "withdrawn"))
            task = {
                "ticket_id": number, "number": place, "unit": chance.choice((unit, other)), "demand": "核实",
                "state": state, "report": "", "passed_at": created, "passed_by": "a",
                "due_at": created + timedelta(hours=40) if chance.random() < 0.8 else None,
                "reported_at": None if state == "passed" else created + timedelta(hours=chance.randrange(80)),
            }  # fmt: skip
            connection.execute(assignments.insert().values(**task))


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManyUnits]:
    made = ManyUnits(tmp_path_factory.mktemp("many"))
    yield made
    made.close()


def ground_of(world: ManyUnits) -> Grassroots:
    console = world.console
    view = console.view_of(console.users.find(world.add_user("duty")))
    return Grassroots(
        console.store, console.clock, console.settings, console.views, view, console.units.tree(), world.whole.id
    )


def listed(ground: Grassroots, register: Register, unit: Unit) -> dict[str, dict[str, int]]:
    """The lengths of the lists behind a unit's figures, as the store's queries give them."""
    share = ground.share(unit)
    rows = ground.tickets(unit, SPAN, "opened")
    tasks = ground.tasks(unit, SPAN, "passed")
    published = [stands for _, stands in ground.consultations(share, SPAN)]

    def applied(state: str) -> int:
        return len(register.list(Asked(since=SPAN.since, until=SPAN.until, state=state), share.applications))

    return {
        "tickets": {key: sum(map(counts, rows)) for key, (_, counts) in FIGURES.items()},
        "tasks": {key: len(ground.tasks(unit, SPAN, key)) for key in TASKS} | {"passed": len(tasks)},
        "applications": {"received": applied(""), "in-time": applied(IN_TIME), "late": applied(LATE)},
        "consultations": {key: sum(map(counts, published)) for key, (_, counts) in CONSULTATIONS.items()},
    }


def figures(row: Row) -> dict[str, dict[str, int]]:
    return {
        "tickets": row.tickets, "tasks": row.tasks, "applications": row.applications,
        "consultations": row.consultations,
    }  # fmt: skip


def test_what_is_counted_is_what_is_listed(country: ManyUnits) -> None:
    ground, console = ground_of(country), country.console
    register = Register(console.store, console.clock, console.settings)
    tree = console.units.tree()
    for top in (country.whole, country.made[OFFICES + 1], country.made[OFFICES + 2]):
        table = ground.table(top, SPAN)
        for row in (*table.rows, *([table.whole] if top is not country.whole else [])):
            assert row.id is not None
            assert figures(row) == listed(ground, register, tree.by_id[row.id]), row.unit
    assert len(ground.table(country.whole, SPAN).rows) > COUNTIES + OFFICES


OWN = """
    CREATE TEMP VIEW mine AS SELECT u.id AS unit, {key} AS id FROM u CROSS JOIN {table} AS x WHERE
    EXISTS (SELECT 1 FROM called WHERE called.unit = u.id AND called.name = x.{name}) OR (
        ({about}) AND
        (u.place OR NOT EXISTS (SELECT 1 FROM beside WHERE beside.unit = u.id AND beside.name = x.{name})))
"""
POLICY = "(u.whole OR EXISTS (SELECT 1 FROM owns WHERE owns.unit = u.id AND owns.policy = x.policy_id))"


def test_what_is_counted_is_what_sql_counts(country: ManyUnits) -> None:
    rows = country.world.store.url.database
    assert rows is not None
    base = sqlite3.connect(":memory:")
    base.execute("ATTACH ? AS store", (rows,))
    lay_units(base, country)
    now = country.clock.now().timestamp()
    since, until = (one.timestamp() for one in SPAN.moments)
    second = "CAST(strftime('%s', {}) AS REAL)"
    base.execute(
        f"""CREATE TEMP TABLE t AS SELECT id, unit, policy_id, event_id, {second.format("responded_at")} AS responded,
        closed_at IS NULL AS open FROM store.tickets WHERE NOT exercise AND NOT historical
        AND {second.format("created_at")} >= ? AND {second.format("created_at")} < ?""",
        (since, until),
    )
    base.execute(
        f"""CREATE TEMP TABLE clock AS SELECT ticket_id, CASE WHEN met IS NOT NULL THEN met <= due
        WHEN ended IS NOT NULL AND ended <= due THEN NULL WHEN due <= {now} THEN 0 END AS well FROM
        (SELECT ticket_id, {second.format("due_at")} AS due, {second.format("cancelled_at")} AS ended,
         {second.format("met_at")} AS met
         FROM store.timers JOIN t ON t.id = ticket_id WHERE kind NOT LIKE '%-warning' AND NOT replaced)"""
    )
    # What a unit sees of an event is what is said in its regions on its policies.
    said = f"""(NOT u.here OR EXISTS (SELECT 1 FROM spoken JOIN start ON start.unit = u.id WHERE
        spoken.event = x.event_id AND spoken.region LIKE start.name || '%' AND {POLICY.replace("x.", "spoken.")}))"""
    late = "EXISTS (SELECT 1 FROM clock WHERE ticket_id = t.id AND well = 0)"
    newest = """(SELECT grade FROM store.response_evaluations WHERE ticket_id = t.id ORDER BY id DESC LIMIT 1)"""
    found: dict[str, dict[tuple[int, str], int]] = {}
    found["tickets"] = counted(
        base, "t", "unit", f"{POLICY} AND {said}",
        {"opened": "1", "open": "open", "responded": "responded IS NOT NULL", "late": late,
         "on-time": f"NOT {late} AND EXISTS (SELECT 1 FROM clock WHERE ticket_id = t.id AND well = 1)",
         "evaluated": f"{newest} IS NOT NULL", "well": f"{newest} IN ('good', 'fair')"},
    )  # fmt: skip
    base.execute(
        f"""CREATE TEMP TABLE task AS SELECT a.id, a.unit, {second.format("due_at")} AS due,
        CASE WHEN state IN ('reported', 'accepted') THEN {second.format("reported_at")} END AS back
        FROM store.ticket_assignments AS a JOIN store.tickets ON tickets.id = ticket_id
        WHERE state <> 'withdrawn' AND NOT exercise
        AND {second.format("passed_at")} >= ? AND {second.format("passed_at")} < ?""",
        (since, until),
    )
    over = f"(due IS NOT NULL AND coalesce(back, {now}) > due)"
    found["tasks"] = counted(
        base, "task", "unit", "0",
        {"passed": "1", "in-time": f"back IS NOT NULL AND NOT {over}", "late": over,
         "waiting": f"back IS NULL AND NOT {over}"},
    )  # fmt: skip
    base.execute("CREATE TEMP TABLE workday (day)")
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(365))
    base.executemany(
        "INSERT INTO workday VALUES (?)", [(str(one),) for one in days if chinese_calendar.is_workday(one)]
    )
    base.execute(
        """CREATE TEMP TABLE application AS SELECT id, department, region, policy_id, answered_on, (SELECT day FROM
        workday WHERE day > received_on ORDER BY day LIMIT 1 OFFSET 19) AS due FROM store.disclosure_applications
        WHERE received_on >= ? AND received_on <= ?""",
        (str(SPAN.since), str(SPAN.until)),
    )
    theirs = f"""({POLICY} OR EXISTS (SELECT 1 FROM called WHERE called.unit = u.id AND called.name = x.department))
        AND (NOT u.here OR EXISTS (SELECT 1 FROM start WHERE start.unit = u.id AND x.region LIKE start.name || '%'))"""
    today = str(country.clock.now().astimezone(CHINA).date())
    found["applications"] = counted(
        base, "application", "department", theirs,
        {"received": "1", "in-time": "answered_on <= due", "late": f"coalesce(answered_on, '{today}') > due"},
    )  # fmt: skip
    base.execute(
        """CREATE TEMP TABLE draft AS SELECT id, department, policy_id, published_on,
        date(closes_on, '+1 month') AS due FROM store.consultations
        WHERE date(closes_on, '+1 month') >= ? AND date(closes_on, '+1 month') <= ?""",
        (str(SPAN.since), str(SPAN.until)),
    )
    found["consultations"] = counted(
        base, "draft", "department", f"NOT u.here AND {POLICY}",
        {"due": "1", "late": f"coalesce(published_on, '{today}') > due"},
    )  # fmt: skip
    table = ground_of(country).table(country.whole, SPAN)
    for row in table.rows:
        for group, shown in figures(row).items():
            assert shown == {key: found[group].get((row.id or 0, key), 0) for key in shown}, (row.unit, group)
    for group, least in {"tickets": 300, "tasks": 150, "applications": 150, "consultations": 80}.items():
        first = next(iter(figures(table.whole)[group].values()))
        assert sum(next(iter(figures(row)[group].values())) for row in table.rows) >= min(first, least) > 20
    base.close()


def counted(
    base: sqlite3.Connection, table: str, name: str, about: str, figures: dict[str, str]
) -> dict[tuple[int, str], int]:
    """Unit and figure → how many rows of a table are the unit's and fulfil the figure's condition."""
    base.execute("DROP VIEW IF EXISTS mine")
    base.execute(OWN.format(key="x.id", table=table, name=name, about=about))
    found = {}
    for key, condition in figures.items():
        query = f"""SELECT mine.unit, count(*) FROM mine JOIN {table} ON {table}.id = mine.id
            WHERE {condition} GROUP BY mine.unit"""
        found |= {(unit, key): number for unit, number in base.execute(query)}
    return found


def lay_units(base: sqlite3.Connection, country: ManyUnits) -> None:
    """The units of the city as rows, as this test has made them: what they are called, what stands beside them, what
    policies they own, and where they are."""
    base.execute("CREATE TEMP TABLE u (id, place, here, whole)")
    for kind in ("called", "beside", "start"):
        base.execute(f"CREATE TEMP TABLE {kind} (unit, name)")
    base.execute("CREATE TEMP TABLE owns (unit, policy)")
    base.execute("CREATE TEMP TABLE spoken (event, region, policy_id)")
    base.executemany("INSERT INTO spoken VALUES (?, ?, ?)", country.spoken)
    units = country.console.units.tree().below(country.whole.id)
    called: dict[int, set[str]] = {}
    for unit in units:
        family = [unit, *country.console.units.tree().below(unit.id)]
        called[unit.id] = {one.name for one in family} | {name for one in family for name in one.departments}
        owned = {name for one in family for name in one.policies}
        for name in POLICIES:
            known = name != GONE
            by_department = country.owners[name] in {one for each in family for one in each.departments}
            by_topic = country.topics[name] in {one for each in family for one in each.topics}
            if known and (by_department or by_topic):
                owned.add(name)
        if unit.name == "住建局":
            owned |= {"heating", "evil"}  # by their department
        base.execute(
            "INSERT INTO u VALUES (?, ?, ?, ?)", (unit.id, bool(unit.regions), bool(unit.regions), bool(unit.whole))
        )
        base.executemany("INSERT INTO owns VALUES (?, ?)", [(unit.id, one) for one in owned])
        base.executemany("INSERT INTO start VALUES (?, ?)", [(unit.id, one) for one in unit.regions])
    for unit in units:
        others = set().union(*(called[one] for one in called if one != unit.id)) - called[unit.id]
        base.executemany("INSERT INTO called VALUES (?, ?)", [(unit.id, one) for one in called[unit.id]])
        base.executemany("INSERT INTO beside VALUES (?, ?)", [(unit.id, one) for one in others])
    for kind in ("called", "beside", "start"):
        base.execute(f"CREATE INDEX temp.{kind}_unit ON {kind} (unit, name)")
    base.execute("CREATE INDEX temp.owns_unit ON owns (unit, policy)")
    base.execute("CREATE INDEX temp.spoken_event ON spoken (event)")
