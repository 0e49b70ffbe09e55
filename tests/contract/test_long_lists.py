"""Lists read a page at a time: on either database the pages together are the list, also while rows are added."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from consultations.book import ConsultationBook
from consultations.deadline import standing
from consultations.listing import Asked as AskedState
from consultations.listing import page, place_of
from consultations.model import STATES as CONSULTATION_STATES
from consultations.model import Consultation
from consultations.tables import consultations
from disclosure.model import STATES
from disclosure.register import CHOICES, Asked, Listed, Place, Register, order_of
from disclosure.tables import applications
from minsheng.clock import CHINA, ManualClock
from minsheng.settings import ConsultationSettings, Settings
from minsheng.store import Store
from tests.stores import made_store

NOW = ManualClock(datetime(2026, 5, 31, 9, tzinfo=CHINA))
TODAY = date(2026, 5, 31)
MANY = 400
DEPARTMENTS = ("教育局", "Bureau b", "bureau B", "Äußeres", "市住房和城乡建设局", "", "𠮷县", "a_b", "a-b")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = made_store(url)
    yield opened
    opened.close()


def an_application(chance: random.Random, number: int) -> dict[str, Any]:
    received = TODAY - timedelta(days=chance.randrange(200))

    def later(most: int, share: float) -> date | None:
        return received + timedelta(days=chance.randrange(most)) if chance.random() < share else None

    asked, extended, first = later(10, 0.2), later(20, 0.2), chance.choice("AaÄ第")
    return {
        "department": chance.choice(DEPARTMENTS), "number": f"{first}{number}", "received_on": received,
        "title": "事项", "content": "", "region": "", "policy_named": "", "correction_asked_on": asked,
        "corrected_on": asked + timedelta(days=5) if asked and chance.random() < 0.5 else None,
        "opinion_asked_on": later(15, 0.2), "extended_on": extended, "extension_days": 10 if extended else None,
        "answered_on": later(45, 0.6), "outcome": chance.choice([None, "disclosed", "refused"]),
    }  # fmt: skip


def a_consultation(chance: random.Random, number: int) -> dict[str, Any]:
    closes = TODAY + timedelta(days=chance.randrange(-130, 40))
    return {
        "policy_id": f"p{number}", "title": f"草案{number}", "department": "", "opens_on": closes - timedelta(days=15),
        "closes_on": closes, "text": "第一条", "origin": "", "added_by": "a", "added_at": NOW.now(),
        "published_on": closes + timedelta(days=chance.randrange(60)) if chance.random() < 0.4 else None,
    }  # fmt: skip


def add(store: Store, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    with store.begin() as connection:
        connection.execute(table.insert(), rows)


def in_pages(
    read: Callable[[Any], Any], place: Callable[[Any], Any], between: Callable[[], None] | None = None
) -> list[Any]:
    """Everything, as an API's caller reads it; `between` runs after each page."""
    found: list[Any] = []
    after = None
    for _ in range(2 * MANY):
        rows = read(after)
        found += rows
        if not rows:
            return found
        after = place(rows[-1])
        if between:
            between()
    raise AssertionError("the list has no end")


def test_pages_of_applications_are_the_list(store: Store, tmp_path: Path) -> None:
    chance = random.Random(4)
    add(store, applications, [an_application(chance, number) for number in range(MANY)])
    register = Register(store, NOW, Settings(data_dir=tmp_path))
    seen = set()
    for state in ("", *STATES, *CHOICES):
        for asked in (Asked(state=state), Asked(state=state, outcome="refused"), Asked(state=state, outcome="none")):
            whole = list(register.list(asked))

            def read(after: Place | None, asked: Asked = asked) -> list[Listed]:
                return list(register.page(asked, after=after, limit=37))

            assert in_pages(read, order_of) == whole
            if whole:
                seen.add(state)
    assert seen == {"", *STATES, *CHOICES}
    assert len(register.page(Asked(), limit=2 * MANY)) == MANY


def test_pages_of_consultations_are_the_list(store: Store) -> None:
    chance = random.Random(5)
    add(store, consultations, [a_consultation(chance, number) for number in range(MANY)])
    book, seen = ConsultationBook(store, NOW), set()
    for settings in (ConsultationSettings(), ConsultationSettings(publish_months=3, warn_days=0)):
        states: tuple[AskedState | None, ...] = (None, "pressing", *CONSULTATION_STATES)
        for state in states:
            whole = [
                one
                for one in book.all()
                if state in (None, (stands := standing(one, TODAY, settings)).state)
                or (state == "pressing" and stands.pressing)
            ]

            def read(
                after: Any, state: AskedState | None = state, settings: ConsultationSettings = settings
            ) -> list[Consultation]:
                return page(store, settings, TODAY, state=state, after=after, limit=23)

            assert in_pages(read, place_of) == whole
            if whole:
                seen.add(state)
    assert seen == {None, "pressing", *CONSULTATION_STATES}


@pytest.mark.parametrize("today", [TODAY, date(2026, 3, 1), date(2028, 2, 29), date(2026, 12, 31)])
@pytest.mark.parametrize("months", [1, 6, 12])
def test_consultations_stand_in_the_database_as_the_clock_says(tmp_path: Path, today: date, months: int) -> None:
    """At the ends of months, where a month later is a day that there is not."""
    store, settings = made_store(f"sqlite:///{tmp_path / 's.db'}"), ConsultationSettings(publish_months=months)
    rows = [
        {**a_consultation(random.Random(number), number), "published_on": None, "closes_on": today + timedelta(number),
         "opens_on": today + timedelta(number - 3)}
        for number in range(-400, 20)
    ]  # fmt: skip
    add(store, consultations, rows)
    every = ConsultationBook(store, NOW).all()
    for state in CONSULTATION_STATES:
        meant = [one for one in every if standing(one, today, settings).state == state]
        assert page(store, settings, today, state=state, limit=1_000) == meant
    store.close()


def test_rows_that_come_in_while_a_list_is_read_change_nothing_of_the_others(store: Store, tmp_path: Path) -> None:
    chance = random.Random(6)
    add(store, applications, [an_application(chance, number) for number in range(MANY)])
    add(store, consultations, [a_consultation(chance, number) for number in range(MANY)])
    register, settings = Register(store, NOW, Settings(data_dir=tmp_path)), ConsultationSettings()
    added = iter(range(MANY, 10 * MANY))

    def more_applications() -> None:
        add(store, applications, [an_application(chance, next(added)) for _ in range(3)])

    def more_consultations() -> None:
        add(store, consultations, [a_consultation(chance, next(added)) for _ in range(3)])

    before = list(register.list())
    found = in_pages(lambda after: register.page(Asked(), after=after, limit=20), order_of, more_applications)
    assert len({one.application.id for one in found}) == len(found) > len(before)
    assert [one for one in found if one in before] == before
    was = ConsultationBook(store, NOW).all()
    read = in_pages(
        lambda after: page(store, settings, TODAY, after=after, limit=20), place_of, more_consultations
    )  # fmt: skip
    assert len({one.id for one in read}) == len(read) > len(was)
    assert [one for one in read if one in was] == was
