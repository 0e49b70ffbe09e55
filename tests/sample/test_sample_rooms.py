"""The rooms of open government in the sample world: not empty at first sight, and the user's once they are changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.statutory.telling import tell_due
from answers.interpreted import figures, interpreted
from console.units import UnitBook
from consultations.book import ConsultationBook
from consultations.deadline import standing
from disclosure.figures import count
from disclosure.register import Register
from disclosure.suggestions import suggestions
from minsheng.clock import CHINA, ManualClock
from minsheng.policies import PolicyRegister
from minsheng.settings import Settings, load_settings
from minsheng.store import Store
from sample.load import Served, load_sample
from sample.rooms import Filled, load_rooms
from tests.stores import lay_store

ANCHOR = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
CLOCK = ManualClock(ANCHOR)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Store]]:
    folder: Path = tmp_path_factory.mktemp("sample")
    lay_store(folder / "store.db")
    settings = load_settings(folder, environ={})
    store = Store.from_settings(settings)
    load_sample(settings, store, Served(anchor=ANCHOR, live=False, base_url="http://127.0.0.1:8642"))
    yield settings, store
    store.close()


def test_a_consultation_is_half_decided_and_near_its_day(filled: tuple[Settings, Store]) -> None:
    settings, store = filled
    book = ConsultationBook(store, CLOCK)
    (one,) = book.all()
    opinions = book.opinions(book.get(one.number))
    assert {each.outcome for each in opinions} == {"adopted", "partly", "rejected", "noted", None}
    assert all(each.wording for each in opinions if each.outcome)
    assert book.letters(one) == 13
    assert standing(one, ANCHOR.astimezone(CHINA).date(), settings.consultation).state == "soon"


def test_applications_show_each_state_and_what_is_often_asked(filled: tuple[Settings, Store]) -> None:
    settings, store = filled
    register = Register(store, CLOCK, settings)
    found = count(register, register.list())
    states = {one.key: one.count for one in found.states}
    assert states["overdue"] and states["pending"] and states["correcting"] and states["answered"]
    assert found.in_time.count and found.out_of_time.count > 1 and found.corrected == 1
    assert [one.applications for one in suggestions(register.list(), settings.disclosure.often)] == [3]
    assert any(one.application.policy == "parking-charges" for one in register.list())


def test_interpretations_and_units_are_there(filled: tuple[Settings, Store]) -> None:
    settings, store = filled
    rows = interpreted(store, CLOCK, None, PolicyRegister(store).all(), settings.interpretation)
    counts = figures(rows, settings.interpretation).counts
    assert sum(bool(row.materials) for row in rows) == 3 and counts["late"] == 1
    tree = UnitBook(store, CLOCK).tree()
    (top,) = tree.below(None)
    assert [unit.name for unit in tree.below(top.id)] == [
        "云江省发展和改革委员会",
        "望津市",
        "岚阳市",
        "溪陵市",
        "禾塘市",
    ]


def test_the_departments_are_told(filled: tuple[Settings, Store]) -> None:
    settings, store = filled
    assert tell_due(store, settings, CLOCK) == 3, "the consultation's, and two with applications"


def test_what_the_user_has_changed_stays(filled: tuple[Settings, Store]) -> None:
    settings, store = filled
    book = ConsultationBook(store, CLOCK)
    book.change("ZQ0001", actor="li", title="另一个标题")
    nothing = Filled(consultations=0, applications=0, interpretations=0, units=0)
    assert load_rooms(settings, store, ANCHOR) == nothing
    assert book.get("ZQ0001").title == "另一个标题"
