"""Merging, parting and splitting events on the whole road: search, alerts, listing and the command line follow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from alerts.tables import observations
from grouping.by_hand import EventDesk
from grouping.detail import event_detail, key_sentence, sentences
from grouping.history import History, list_changes
from grouping.listing import get_events
from minsheng.errors import WrongUse
from minsheng.records import Document, document_id
from minsheng.road import WORKERS, Road
from search.index import Filters
from stream.messages import DocumentSink
from stream.worker import Worker
from tests.acceptance.conftest import BOTH, Variables, minsheng, opened, variables

__all__ = ["variables"]

AT = datetime.now(UTC) - timedelta(hours=3)
PLANT = [
    ("桂花苑旁拌合站夜间噪音扰民", "桂花苑旁边的沥青拌合站半夜还在生产，轰鸣声很大。孩子整夜睡不着觉。"),
    ("投诉桂花苑旁边的拌合站噪音", "桂花苑旁的拌合站半夜轰鸣，粉尘也大。请尽快停产整改。"),
    ("桂花苑拌合站又在半夜生产", "沥青拌合站的焦油味飘进桂花苑，半夜轰鸣，没法开窗。"),
]
SMELL = [("夜里的怪味从哪里来", "每天凌晨窗外都有刺鼻的气味。老人咳嗽了一个星期。")]


class Town:
    """A road with two matters on it, and a person's desk."""

    def __init__(self, road: Road, variables: dict[str, str]) -> None:
        self.road = road
        self.variables = variables
        self.workers = [Worker(road.stage(stage), road.log, clock=road.clock, poll_seconds=0.05) for stage in WORKERS]
        self.desk = EventDesk(road.store, road.index, road.log, road.clock)
        self.crawl(*(self.document(number, *told) for number, told in enumerate(PLANT + SMELL)))

    @staticmethod
    def document(number: int, title: str, text: str, parent: int | None = None) -> Document:
        at = AT + timedelta(minutes=number)
        return Document(
            id=name(number), source="board", native_id=str(number), kind="message", title=title, text=text,
            published_at=at, fetched_at=at, author_key=f"key-{number % 3}", region="430102" if number else None,
            parent_id=None if parent is None else name(parent),
        )  # fmt: skip

    def crawl(self, *documents: Document) -> None:
        with DocumentSink(self.road.log) as sink:
            sink.put(documents)
        self.drain()

    def drain(self) -> None:
        for worker in self.workers:
            worker.drain()
        self.road.index.refresh()

    def event_of(self, number: int) -> str:
        return self.road.index.get([name(number)])[name(number)].event.id

    def observed(self, event: str) -> set[str]:
        with self.road.store.read() as connection:
            which = sa.select(observations.c.document_id).where(observations.c.event_id == event)
            return set(connection.scalars(which))


def name(number: int) -> str:
    return document_id("board", str(number))


@pytest.fixture
def town(request: pytest.FixtureRequest, variables: Variables) -> Iterator[Town]:
    chosen = variables(getattr(request, "param", "embedded"))
    with opened(chosen) as road:
        town = Town(road, chosen)
        yield town
        for worker in town.workers:
            worker.close()


on_both = pytest.mark.parametrize("town", BOTH, indirect=True)


@on_both
def test_events_merged_by_hand_are_one_at_once_and_for_good(town: Town) -> None:
    plant, smell = town.event_of(0), town.event_of(3)
    assert plant != smell
    assert town.desk.merge(smell, plant, by="李敏", reason="怪味也是拌合站的") == (plant, smell)
    listed = get_events(town.road.store, [plant, smell])
    assert listed[plant] == listed[smell]
    assert listed[smell].id == plant
    for shown in (plant, smell):
        detail = event_detail(town.road.store, town.road.index, shown)
        assert detail is not None
        assert (detail.id, detail.documents, set(detail.ids)) == (plant, 4, {plant, smell})
    assert town.observed(plant) == {name(number) for number in range(4)}
    assert town.event_of(3) == smell, "documents keep the event they were put into"
    town.crawl(town.document(4, "回复", "我家也闻到了", parent=3))
    town.crawl(town.document(5, "回复", "我家也听到了", parent=0))
    assert town.event_of(4) == town.event_of(5) == plant
    assert get_events(town.road.store, [smell])[smell].documents == 6
    with pytest.raises(WrongUse, match="one event already"):
        town.desk.merge(smell, plant, by="李敏", reason="")


@on_both
def test_a_merge_taken_back_gives_both_events_again(town: Town) -> None:
    plant, smell = town.event_of(0), town.event_of(3)
    town.desk.merge(plant, smell, by="李敏", reason="一件事")
    assert town.desk.part(smell, by="王强", reason="不是一件事") == plant
    history = History.read(town.road.store)
    assert (history.today(smell), history.today(plant)) == (smell, plant)
    assert town.observed(smell) == {name(3)}
    town.crawl(town.document(4, "回复", "我家也闻到了", parent=3))
    assert town.event_of(4) == smell
    assert get_events(town.road.store, [plant])[plant].documents == 3
    assert get_events(town.road.store, [smell])[smell].documents == 2
    told = [(change.kind, change.actor, change.reason) for change in list_changes(town.road.store)]
    assert told == [("parted", "王强", "不是一件事"), ("merged", "李敏", "一件事")]
    with pytest.raises(WrongUse, match="not part of another"):
        town.desk.part(smell, by="王强", reason="")


@on_both
def test_documents_split_off_are_an_event_of_their_own_everywhere(town: Town) -> None:
    plant = town.event_of(0)
    copy = town.document(6, *PLANT[2])
    town.crawl(copy)
    assert town.event_of(6) == plant
    new, moved = town.desk.split(plant, [name(2)], by="李敏", reason="另一个拌合站")
    assert set(moved) == {name(2), name(6)}, "copies go with it"
    town.drain()
    assert town.event_of(2) == town.event_of(6) == new
    assert town.road.index.count(Filters(events=(plant,))) == 2
    assert town.observed(new) == {name(2), name(6)}
    town.crawl(town.document(7, "回复", "我家也闻到了", parent=2))
    assert town.event_of(7) == new
    assert {key: event.documents for key, event in get_events(town.road.store, [plant, new]).items()} == {
        plant: 2,
        new: 3,
    }
    with pytest.raises(WrongUse, match="no document of"):
        town.desk.split(plant, [name(3)], by="李敏", reason="")
    with pytest.raises(WrongUse, match="all documents"):
        town.desk.split(plant, [name(0), name(1)], by="李敏", reason="")


def test_the_commands_say_what_they_did(town: Town) -> None:
    plant, smell = town.event_of(0), town.event_of(3)
    merged = minsheng(town.variables, "events", "merge", plant, smell, "--reason", "一件事", "--by", "李敏", "--json")
    assert json.loads(merged.stdout) == {"event": plant, "merged": smell}
    shown = json.loads(minsheng(town.variables, "events", "show", smell, "--members", "--json").stdout)
    assert (shown["id"], shown["documents"], shown["authors"], len(shown["members"])) == (plant, 4, 3, 4)
    assert shown["step"] == "hour"
    assert sum(step["count"] for step in shown["timeline"]) == 4
    assert {bucket["value"] for bucket in shown["kinds"]} == {"message"}
    assert [bucket["value"] for bucket in shown["regions"]] == ["430102"]
    assert "key-" not in json.dumps(shown), "authors are counted, never named"
    found = json.loads(minsheng(town.variables, "search", "--event", smell, "--json").stdout)
    assert found["total"] == 4
    parted = minsheng(town.variables, "events", "part", smell, "--reason", "两件事", "--by", "李敏")
    assert plant in parted.stdout
    split = minsheng(town.variables, "events", "split", plant, name(2), "--reason", "另一处", "--by", "李敏", "--json")
    assert json.loads(split.stdout)["documents"] == [name(2)]
    history = json.loads(minsheng(town.variables, "events", "history", plant, "--json").stdout)
    assert [line["kind"] for line in history] == ["split", "parted", "merged"]
    assert {line["actor"] for line in history} == {"李敏"}


def test_a_key_sentence_is_one_of_the_texts_and_says_what_they_share(town: Town) -> None:
    records = list(town.road.index.get([name(number) for number in range(3)]).values())
    found = key_sentence(records)
    assert "拌合站" in found
    assert any(found in record.document.text for record in records)
    assert key_sentence([]) == ""
    assert sentences("短。这一句有十个字左右长。" + "长" * 90) == ["这一句有十个字左右长。"]
