"""What the rooms of open government hold in the sample: a consultation with letters and decisions, applications for
information, interpretations, and the units of the province. Each is put in where there is none of its kind yet."""

from __future__ import annotations

import hashlib
import json
import tempfile
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec

from console.units import UnitBook
from consultations.book import ConsultationBook
from consultations.comments import Given
from disclosure.importing import import_file
from disclosure.register import Register
from minsheng.clock import CHINA, ManualClock
from minsheng.policies import PolicyRegister
from minsheng.policies.interpretations import Interpretations
from minsheng.settings import Settings
from minsheng.store import Store
from sample.content import WORLD, load_world
from sample.timeline import moved_day

ACTOR = "sample"
FILE = "依申请公开台账.jsonl"
"""What the history of the applications calls the file that they came from."""

_FIELDS = {
    "received": "received_on", "answered": "answered_on", "extended_on": "extended_on",
    "correction_asked": "correction_asked_on",
}  # fmt: skip


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each were put in now."""

    consultations: int
    applications: int
    interpretations: int
    units: int


def load_rooms(settings: Settings, store: Store, anchor: datetime) -> Filled:
    """Fill the rooms that are empty; what the user has, or changed, stays. The policies must be in the register."""
    table = tomllib.loads((WORLD / "rooms.toml").read_text(encoding="utf-8"))
    world, today = load_world(), anchor.astimezone(CHINA).date()
    table = _moved(table, lambda day: moved_day(day, world, today))
    return Filled(
        consultations=_consultation(store, table["consultation"], anchor),
        applications=_applications(settings, store, table["applications"], anchor),
        interpretations=_interpretations(store, table["interpretations"], anchor),
        units=_units(store, table["units"], anchor),
    )


def _moved(value: Any, move: Any) -> Any:
    if isinstance(value, date):
        return move(value)
    if isinstance(value, dict):
        return {name: _moved(one, move) for name, one in value.items()}
    return [_moved(one, move) for one in value] if isinstance(value, list) else value


def _consultation(store: Store, given: Mapping[str, Any], anchor: datetime) -> int:
    """The letters come in while it is open, and are decided on after it."""
    if ConsultationBook(store, ManualClock(anchor)).all() or PolicyRegister(store).get(given["policy"]) is None:
        return 0

    def book_on(day: date) -> ConsultationBook:
        return ConsultationBook(store, ManualClock(datetime.combine(day, time(10), CHINA)))

    one = book_on(given["opens"]).add(
        given["policy"], given["text"].strip(), origin="征求意见稿.docx", actor=ACTOR, title=given["title"],
        opens_on=given["opens"], closes_on=given["closes"],
    )  # fmt: skip
    letters = [
        Given(
            key=hashlib.sha256(row["text"].encode()).hexdigest(), text=row["text"], origin="意见汇总.xlsx",
            submitted_at=datetime.combine(row["on"], time(9), CHINA), stance=row["stance"], stance_by="file",
        )
        for row in given["letters"]
    ]  # fmt: skip
    after = given["closes"] + timedelta(days=1)
    book_on(after).take(one.number, letters, _never, actor=ACTOR, note="意见汇总.xlsx")
    deciding = book_on(after + timedelta(days=12))
    for row in given["decisions"]:
        same = [
            each
            for each in deciding.opinions(one)
            if (each.clause, each.stance) == (row["clause"], row["stance"]) and row["contains"] in each.said
        ]
        for other in same[1:]:  # what says the same in other words, put together as an editor does
            for comment in deciding.comments(one, opinion=other.number):
                deciding.correct(one.number, comment.name, actor=ACTOR, opinion=same[0].number)
        deciding.decide(
            one.number, [same[0].number], row["outcome"], actor=ACTOR, reason=row["reason"], wording=row["wording"]
        )
    return 1


def _never(texts: Any) -> Any:
    raise AssertionError("every letter of the sample says its stance")


def _applications(settings: Settings, store: Store, rows: list[dict[str, Any]], anchor: datetime) -> int:
    """Through the same door as an office's own register."""
    clock = ManualClock(anchor)
    if Register(store, clock, settings).list():
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        lines = (
            json.dumps({_FIELDS.get(name, name): str(value) for name, value in row.items()}, ensure_ascii=False)
            for row in rows
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        report = import_file(path, store, clock, settings, actor=ACTOR)
    assert not report.refused, report.refused
    return report.added


def _interpretations(store: Store, rows: list[dict[str, Any]], anchor: datetime) -> int:
    book = Interpretations(store, ManualClock(anchor))
    policies = {one.id for one in PolicyRegister(store).all()}
    if book.of():
        return 0
    found = [row for row in rows if row["policy"] in policies]
    for row in found:
        book.add(
            row["policy"], row["form"], row["title"], row["on"], actor=ACTOR, responsible=row.get("responsible", "")
        )
    return len(found)


def _units(store: Store, rows: list[dict[str, Any]], anchor: datetime) -> int:
    book = UnitBook(store, ManualClock(anchor))
    if book.tree().by_id:
        return 0
    known: dict[str, int] = {}
    for row in rows:
        unit = book.add(
            row["name"], row["kind"], parent=known[row["parent"]] if "parent" in row else None,
            whole=row.get("whole", False), departments=row.get("departments", ()), topics=row.get("topics", ()),
            regions=row.get("regions", ()),
        )  # fmt: skip
        known[unit.name] = unit.id
    return len(rows)
