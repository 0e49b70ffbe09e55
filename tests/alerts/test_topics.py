"""Watch topics: owners are told of new matches, once, not too often, and of nothing that they may not see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts.notify.topics import tell_topics
from console.accounts import UserBook
from console.keys import Keys
from console.owners import Owners
from console.tables import users
from console.units import UnitBook
from minsheng.parts import open_index
from minsheng.records import Grouped
from minsheng.settings import ScheduleSettings, Settings
from search.index import Index
from search.saved import SavedSearches
from tests.alerts.conftest import World, record
from tests.alerts.duty_world import Duty


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    found = open_index(Settings(data_dir=tmp_path))
    found.ensure()
    yield found
    found.close()


class Topics:
    def __init__(self, world: World, index: Index) -> None:
        self.world, self.index = world, index
        self.duty = Duty(world)
        self.searches = SavedSearches(world.store, world.clock)
        self.count = 0

    def posts(self, number: int, policy: str | None = "water-price") -> list[Grouped]:
        at = self.world.clock.now()
        found = [record(f"p{self.count + n}", at, fetched=at, policy=policy, text="又停水了") for n in range(number)]
        self.count += number
        self.index.write(found)
        return found

    def look(self, **schedule: int) -> list[str]:
        """Look a quarter of an hour later; returns whom of what."""
        world = self.world
        world.clock.advance(minutes=15)
        settings = msgspec.structs.replace(world.settings, schedule=ScheduleSettings(**schedule))
        owners = Owners(world.store, self.index, world.clock)
        tell_topics(world.store, settings, world.clock, self.index, owners)
        before = {name: len(channel.sent) for name, channel in self.duty.channels.items()}
        self.duty.deliver()
        self.told = [one for name, kept in self.duty.channels.items() for one in kept.sent[before[name] :]]
        return [f"{one.to}: {one.subject}" for one in self.told]


@pytest.fixture
def topics(world: World, index: Index) -> Topics:
    return Topics(world, index)


def test_the_owner_is_told_once_of_all_that_is_new(topics: Topics) -> None:
    topics.searches.save("li", "停水", "停水", notify=True)
    topics.searches.save("li", "不通知", "停水")
    topics.posts(7)
    assert topics.look() == ["li@example.test: 【关注专题】停水：新增 7 条"]
    assert len(topics.told[0].items) == 6 and topics.told[0].items[-1] == "……另有 2 条"
    assert topics.look() == []
    topics.posts(1)
    assert topics.look() == ["li@example.test: 【关注专题】停水：新增 1 条"]


def test_not_more_often_a_day_than_allowed_and_nothing_is_lost(topics: Topics) -> None:
    topics.searches.save("li", "停水", "停水", notify=True)
    for expected in (1, 1, 0, 0):
        topics.posts(2)
        assert len(topics.look(topic_notices=2)) == expected
    topics.world.clock.advance(hours=20)
    assert topics.look(topic_notices=2) == ["li@example.test: 【关注专题】停水：新增 4 条"]


def test_a_user_is_told_of_the_unit_s_documents_alone(topics: Topics, world: World) -> None:
    unit = UnitBook(world.store, world.clock).add("发改委", "department", parent=None, policies=["water-price"])
    book = UserBook(world.store, Keys.from_settings(world.settings), world.clock)
    user = book.add("lina", "李娜", ["editor"], unit.id)
    topics.searches.save("lina", "停水", "停水", notify=True)
    topics.posts(2)
    topics.posts(5, policy=None)
    assert topics.look() == ["li@example.test: 【关注专题】停水：新增 2 条"]
    with world.store.begin() as connection:
        connection.execute(users.update().where(users.c.id == user.id).values(disabled_at=world.clock.now()))
    topics.posts(2)
    assert topics.look() == [], "who was disabled is told nothing"


def test_nobody_is_told_in_the_owner_s_place(topics: Topics) -> None:
    topics.searches.save("nobody", "停水", "停水", notify=True)
    topics.posts(2)
    assert topics.look() == []
    topics.searches.save("operator", "停水", "停水", notify=True)
    topics.world.clock.advance(minutes=1)
    topics.posts(1)
    assert topics.look(), "the operator's go where the routes say"


def test_one_that_dies_before_it_was_told_is_told_by_the_next(topics: Topics, world: World) -> None:
    saved = topics.searches.save("li", "停水", "停水", notify=True)
    topics.posts(3)

    def die(connection: sa.Connection, hits: object) -> None:
        raise KeyboardInterrupt

    world.clock.advance(minutes=1)
    with pytest.raises(KeyboardInterrupt):
        topics.searches.news(saved, topics.index, tell=die)
    assert topics.look() == ["li@example.test: 【关注专题】停水：新增 3 条"]
    assert timedelta(0) <= world.clock.now() - saved.created_at
