"""The words of a daily briefing in ten situations, as files to be read: `golden/`. A change of the text shows here.

Write them anew with `MINSHENG_GOLDEN=write`, and read what has changed before you keep it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts import timeline
from alerts.tables import tickets
from briefings.making import make
from briefings.report import Chart, Paragraph, Posts, Report, Table
from crawlers.tables import crawl_state
from grouping.tables import events, history
from minsheng.policies import PolicyRegister
from tests.briefings.small_world import DAY, MIDNIGHT, POLICIES, World, burst, earlier, record

GOLDEN = Path(__file__).parent / "golden"
Situation = Callable[[World], date | None]


def quiet(world: World) -> None:
    world.index.write(earlier())
    world.index.write([record("calm", MIDNIGHT + timedelta(hours=9), "公园的花开了。", policy="bus")])
    PolicyRegister(world.store, world.clock).import_policies(POLICIES[1:])


def one_red(world: World) -> None:
    world.fill()
    change(world, "T0001", level="red", peak_level="red", current_level="red")


def three_events(world: World) -> None:
    world.fill()
    for name in ("pipe", "bill"):
        world.index.write(
            [
                record(f"{name}-{n}", MIDNIGHT + timedelta(hours=13, minutes=n), f"供暖新规{name}第{n}问",
                       policy="heating", event=name, sentiment="negative", request="complaint")
                for n in range(5)
            ]
        )  # fmt: skip


def nothing(_world: World) -> None:
    """A new installation, before its first source."""


def half_blind(world: World) -> None:
    world.fill()
    with world.store.begin() as connection:
        connection.execute(
            sa.update(crawl_state)
            .where(crawl_state.c.source_id.in_(("forum", "board")))
            .values(last_ok_at=MIDNIGHT - timedelta(hours=30), failures=40, last_error="连接超时")
        )


def first_day(world: World) -> None:
    world.index.write(burst())
    PolicyRegister(world.store, world.clock).import_policies(POLICIES)


def holiday(world: World) -> date:
    world.fill()
    return date(2026, 5, 3)


def level_at_midnight(world: World) -> None:
    world.fill()
    change(world, "T0001", level="red", current_level="red")
    with world.store.begin() as connection:
        timeline.add(
            connection, 1, "level-rose", MIDNIGHT + timedelta(hours=24), detail={"from": "orange", "to": "red"}
        )


def merged(world: World) -> None:
    world.fill()
    with world.store.begin() as connection:
        values = {
            "id": "enrol", "title": "招生方案受到关注", "first_document": "x", "first_at": MIDNIGHT, "documents": 4,
            "last_at": MIDNIGHT + timedelta(hours=20), "aggrieved": 0, "policies": {},
        }  # fmt: skip
        connection.execute(sa.insert(events), values)
        connection.execute(
            sa.insert(history),
            {"kind": "merged", "event": "enrol", "other": "heat", "at": MIDNIGHT, "actor": "wang", "reason": "一回事",
             "documents": [], "applied": True},
        )  # fmt: skip


def withdrawn(world: World) -> None:
    world.fill()
    change(world, "T0001", status="false-alarm", closed_at=MIDNIGHT + timedelta(hours=15))


SITUATIONS: dict[str, Situation] = {
    "quiet-day": quiet,
    "one-red": one_red,
    "three-events-of-one-policy": three_events,
    "no-data": nothing,
    "half-the-sources-blind": half_blind,
    "first-day": first_day,
    "holiday": holiday,
    "level-rose-at-midnight": level_at_midnight,
    "merged-events": merged,
    "withdrawn-ticket": withdrawn,
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_text_is_that_of_the_file(name: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    day = SITUATIONS[name](world) or DAY
    world.index.refresh()
    text = text_of(make(world, "daily", day))
    world.close()
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("MINSHENG_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def text_of(report: Report) -> str:
    """Everything that a reader sees, without charts' pictures."""
    lines = [f"{report.name}　{report.subject}", *(paragraph.text for paragraph in report.summary)]
    for section in report.sections:
        lines += ["", f"【{section.title}】"]
        for block in section.blocks:
            if isinstance(block, Paragraph):
                lines.append(block.text)
            elif isinstance(block, Table):
                lines.append(" | ".join(block.columns))
                lines += [
                    " | ".join(
                        "".join(part if isinstance(part, str) else part.text for part in cell.parts)
                        + (f"（{cell.small}）" if cell.small else "")
                        for cell in row
                    )
                    for row in block.rows
                ]
            elif isinstance(block, Chart):
                lines.append(f"〔图〕{block.title}：" + "、".join(
                    f"{label}{value:g}{block.unit}"
                    for label, value in zip(block.labels, block.values, strict=True)
                    if value
                ))  # fmt: skip
            elif isinstance(block, Posts):
                lines += [f"〔帖〕{post.title}“{post.excerpt}”" for post in block.posts]
    return "\n".join(lines) + "\n"


def change(world: World, number: str, **values: str | datetime) -> None:
    with world.store.begin() as connection:
        connection.execute(sa.update(tickets).where(tickets.c.number == number).values(**values))
