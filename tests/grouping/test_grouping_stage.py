"""Grouping as a stage: its memory survives a stop at any point, and a second process takes over cleanly."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from grouping import tables
from grouping.history import History
from grouping.stage import GroupStage
from minsheng.records import Assessed
from minsheng.settings import GroupSettings
from minsheng.store import Store
from stream.log import ASSESSED, Partition
from tests.grouping.test_grouping_memory import assessed
from tests.stores import made_store

HERE = Partition(ASSESSED, 0)

PLACES = ["桂花苑", "南湖新城", "青石巷", "望江路", "东风桥", "柳林社区", "新华街", "北辰家园"]
MATTERS = ["拌合站半夜噪音大还有焦油味", "路灯坏了半个月没人修", "水费被重复扣了两次", "小区门口乱停车堵住消防通道",
           "垃圾站臭味熏天", "公交改线以后老人看病不方便"]  # fmt: skip
ENDINGS = ["请尽快处理", "到底谁来管", "希望给个说法", "已经反映三次了", "打热线也没用", "孩子都睡不好"]


def stream(count: int, seed: int = 7) -> list[Assessed]:
    pick = random.Random(seed)
    made = []
    for index in range(count):
        text = f"{pick.choice(PLACES)}{pick.choice(MATTERS)}，{pick.choice(ENDINGS)}，第{pick.randrange(40)}天了"
        policy = pick.choice([None, None, "water", "parking"])
        made.append(assessed(text, minutes=index * 3, key=str(index), policy=policy))
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made_store(f"sqlite:///{tmp_path / 'store.db'}")


def settings(max_texts: int = 200_000, max_documents: int = 500_000) -> GroupSettings:
    return GroupSettings(max_texts=max_texts, max_documents=max_documents)


def places(stage: GroupStage, records: list[Assessed], at: int, size: int) -> list[tuple[str, str, str]]:
    found = []
    for start in range(0, len(records), size):
        batch = records[start : start + size]
        found += [
            (out.document.id, out.event.id, out.duplicate.group)  # type: ignore[union-attr]
            for out in stage.work(batch).outputs
        ]
        assert stage.checkpoint({HERE: at + start + len(batch)})
    return found


@pytest.mark.parametrize("bounds", [(200_000, 500_000), (60, 90)])
def test_restarts_at_any_point_change_nothing(tmp_path: Path, bounds: tuple[int, int]) -> None:
    records = stream(600)
    whole = made_store(f"sqlite:///{tmp_path / 'whole.db'}")
    straight = GroupStage(whole, settings(*bounds))
    assert straight.start() is None
    expected = places(straight, records, 0, 50)

    broken = made_store(f"sqlite:///{tmp_path / 'broken.db'}")
    found: dict[str, tuple[str, str, str]] = {}
    pick, at = random.Random(3), 0
    while at < len(records):
        stage = GroupStage(broken, settings(*bounds))
        assert (stage.start() or {HERE: 0})[HERE] == at
        size = pick.randrange(1, 90)
        for place in places(stage, records[at : at + size], at, pick.randrange(1, 40)):
            found[place[0]] = place
        at += size
        # Work that was done but never saved, as at a kill: the next process does it again in the same way.
        lost = stage.work(records[at : at + 20]).outputs
        for out in lost:
            found[out.document.id] = (out.document.id, out.event.id, out.duplicate.group)  # type: ignore[union-attr]
    assert list(found.values()) == expected


def test_the_whole_log_again_from_nothing_gives_the_same_groups(store: Store) -> None:
    records = stream(200)
    stage = GroupStage(store, settings())
    stage.start()
    first = places(stage, records, 0, 30)
    stage.state.forget()
    assert stage.start() is None
    assert places(stage, records, 0, 7) == first


def test_a_process_that_was_taken_over_saves_nothing(store: Store) -> None:
    records = stream(20)
    old, new = GroupStage(store, settings()), GroupStage(store, settings())
    old.start()
    old.work(records[:10])
    new.start()
    assert places(new, records, 0, 20)
    assert not old.checkpoint({HERE: 10})
    with store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.members)) == 20
        assert connection.scalar(sa.select(tables.positions.c.position)) == 20


def test_events_of_two_and_more_are_listed_in_the_store(store: Store) -> None:
    stage = GroupStage(store, settings())
    stage.start()
    places(stage, stream(300), 0, 64)
    with store.read() as connection:
        listed = connection.execute(sa.select(tables.events)).all()
        history = History()
        history.refresh(connection)
        counted = Counter(map(history.today, connection.scalars(sa.select(tables.members.c.event))))
    assert listed
    assert {row.id: row.documents for row in listed} == {key: count for key, count in counted.items() if count > 1}
    assert all(row.title for row in listed)
