"""Events that turn out to be one: by the machine, across restarts, and what the history says of it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import sqlalchemy as sa

from grouping import tables
from grouping.familiar import Familiar
from grouping.history import MACHINE, History, list_changes, note, note_merges
from grouping.joining import Weights, features, headline, promising
from grouping.listing import get_events, list_events
from grouping.memory import Memory
from grouping.merging import Merge
from grouping.stage import GroupStage
from minsheng.records import Assessed, Document, scores_of
from minsheng.store import Store
from tests.acceptance import written
from tests.grouping.test_grouping_memory import START, assessed, memory
from tests.grouping.test_grouping_stage import HERE, places, settings, store
from tests.stores import made_store

__all__ = ["store"]


def messages(count: int) -> list[Assessed]:
    """Messages about few matters, some of them told in such a way that two tellings meet later."""
    told = written.messages(count)
    return [
        assessed(text, title=title, minutes=60 * number, key=str(number)) for number, (title, text) in enumerate(told)
    ]


def test_messages_about_one_place_and_matter_are_one_event_and_about_another_matter_are_not() -> None:
    groups = memory()
    first = groups.place(
        assessed("桂花苑旁边的沥青拌合站半夜还在生产，轰鸣声和焦油味让人睡不着。", title="桂花苑旁拌合站夜间噪音扰民")
    ).member
    same = groups.place(
        assessed(
            "我家孩子才两岁，拌合站吵得整夜哭闹，粉尘也大，谁来管。", title="投诉桂花苑附近的拌合站", minutes=9_000
        )
    ).member
    other = groups.place(
        assessed("请问小区什么时候开始学位登记？需要准备哪些材料？", title="咨询明德小学招生划片范围", minutes=9_100)
    ).member
    assert same.event == first.event
    assert other.event != first.event


def test_an_old_message_can_be_joined_by_its_headline_and_an_old_post_can_not() -> None:
    title, text = "桂花苑旁拌合站夜间噪音扰民", "沥青拌合站半夜还在生产，轰鸣声和焦油味让人睡不着"
    later = "拌合站又开工了，轰鸣声和焦油味一点没少，沥青车整夜进出"
    for headed, joins in ((True, True), (False, False)):
        groups = Memory(window=START - START.replace(year=2024))
        first = groups.place(assessed(text, title=title if headed else "")).member
        found = groups.place(
            assessed(later, title="桂花苑旁的拌合站又夜间扰民" if headed else "", minutes=90 * 24 * 60)
        ).member
        assert (found.event == first.event) is joins


def test_merged_events_go_on_as_one() -> None:
    groups = memory()
    one = groups.place(assessed("桂花苑旁的拌合站半夜轰鸣", title="桂花苑拌合站扰民")).member
    other = groups.place(assessed("每天凌晨都有刺鼻的味道飘进来", title="夜里的怪味从哪里来", minutes=5)).member
    assert one.event != other.event
    groups.merge(Merge(other.event, one.event, START))
    assert groups.today(other.event) == groups.today(one.event) == one.event
    assert other.event not in groups.events
    assert groups.events[one.event].documents == 2
    reply = groups.place(assessed("同感", key="reply", parent=other.document, minutes=8)).member
    again = groups.place(
        assessed("每天凌晨都有刺鼻的味道飘进来", title="夜里的怪味从哪里来", key="again", minutes=9)
    ).member
    assert reply.event == again.event == one.event
    groups.merge(Merge(other.event, one.event, START))
    assert groups.events[one.event].documents == 4, "the same merge again changes nothing"


def test_a_document_that_fits_two_events_makes_them_one() -> None:
    groups = memory()
    placed = [groups.place(one) for one in messages(240)]
    merges = [merge for one in placed for merge in one.merges]
    assert merges, "the stream is made so that tellings meet"
    for merge in merges:
        assert merge.event not in groups.events
        assert groups.today(merge.event) == groups.today(merge.into)
    living = {groups.today(one.member.event) for one in placed}
    assert living == set(groups.events)
    assert sum(event.documents for event in groups.events.values()) == len(placed)


@pytest.mark.parametrize(("grieved", "events"), [(True, 1), (False, 2)])
def test_grievances_about_one_policy_that_began_in_two_places_become_one_conversation(
    grieved: bool, events: int
) -> None:
    groups = memory()

    def place(text: str, minutes: int) -> str:
        said = assessed(text, minutes=minutes, policy="water")
        angry = scores_of("negative") if grieved else scores_of("neutral")
        return groups.place(msgspec.structs.replace(said, sentiment=angry)).member.event

    first = place("水务集团把我家水费重复扣了两次，到现在也不退", 0)
    rate = ("合租房一户七口人按第三档收，太离谱", "老人不会用手机申报人口，只能多交钱", "客服电话打了一上午没有人接")
    other = [place(text, 3_000 + number) for number, text in enumerate(rate)][-1]
    assert groups.today(first) != groups.today(other), "two days lie between"
    place("我家水费也被水务集团重复扣了两次，找了三回都不退", 3_010)
    place("水费重复扣了两次的钱水务集团什么时候退", 3_020)
    assert len({groups.today(first), groups.today(other)}) == events


def test_one_document_can_merge_an_event_that_it_has_just_merged_others_into(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["桂花苑旁的拌合站半夜轰鸣不停", "青石巷里的路灯坏了半个月", "望江雅居的水又黄又浑不敢喝"]
    batch = [assessed(text, key=f"{name}0", minutes=name) for name, text in enumerate(texts)]
    for name, replies in enumerate((0, 2, 9)):
        parent = batch[name].document.id
        batch += [
            assessed(f"同感{name}", key=f"{name}{number}", minutes=5 + number, parent=parent)
            for number in range(1, 1 + replies)
        ]
    stage = GroupStage(store, settings())
    stage.start()
    events = [place[1] for place in places(stage, batch, 0, 50)[:3]]
    choose = Memory._event_for

    def of_all(memory: Memory, document: Document, *more: Any) -> Any:
        chosen = choose(memory, document, *more)
        return chosen._replace(event=events[0], rivals=tuple(events[1:])) if document.text == "都是一回事" else chosen

    monkeypatch.setattr(Memory, "_event_for", of_all)
    monkeypatch.setattr(Memory, "_fit", lambda *_: 1.0)
    (last,) = places(stage, [assessed("都是一回事", minutes=30)], len(batch), 50)
    assert last[1] == events[2]
    told = {(change.event, change.other) for change in list_changes(store)}
    assert told == {(events[0], events[1]), (events[1], events[2])}, "each merge is in the history"
    assert get_events(store, [events[0]])[events[0]].documents == len(batch) + 1


@pytest.mark.parametrize("bounds", [(200_000, 500_000), (70, 110)])
def test_restarts_at_any_point_change_no_merge(tmp_path: Path, bounds: tuple[int, int]) -> None:
    records = messages(300)
    whole = made_store(f"sqlite:///{tmp_path / 'whole.db'}")
    straight = GroupStage(whole, settings(*bounds))
    straight.start()
    expected = places(straight, records, 0, 50)
    changes = [(one.event, one.other, one.at, one.score, one.document) for one in list_changes(whole, limit=9_999)]
    assert changes

    broken = made_store(f"sqlite:///{tmp_path / 'broken.db'}")
    found: dict[str, tuple[str, str, str]] = {}
    pick, at = random.Random(11), 0
    while at < len(records):
        stage = GroupStage(broken, settings(*bounds))
        assert (stage.start() or {HERE: 0})[HERE] == at
        size = pick.randrange(1, 60)
        for place in places(stage, records[at : at + size], at, pick.randrange(1, 30)):
            found[place[0]] = place
        at += size
        for out in stage.work(records[at : at + 20]).outputs:  # lost, as at a kill
            found[out.document.id] = (out.document.id, out.event.id, out.duplicate.group)  # type: ignore[union-attr]
    assert list(found.values()) == expected
    again = [(one.event, one.other, one.at, one.score, one.document) for one in list_changes(broken, limit=9_999)]
    assert again == changes
    assert list_events(broken, limit=999) == list_events(whole, limit=999)


def test_a_merge_is_told_by_the_record_that_showed_it_and_the_lost_event_is_listed_no_more(store: Store) -> None:
    stage = GroupStage(store, settings())
    stage.start()
    outputs = list(stage.work(messages(240)).outputs)
    assert stage.checkpoint({HERE: 240})
    told = {lost: out.event.id for out in outputs for lost in out.event.merged}  # type: ignore[union-attr]
    changes = list_changes(store, limit=999)
    assert {change.event for change in changes} == set(told)
    assert {change.actor for change in changes} == {MACHINE}
    listed = {event.id for event in list_events(store, limit=999)}
    assert not listed & set(told)
    history = History.read(store)
    whole = get_events(store, list(told))
    assert {name: event.id for name, event in whole.items()} == {name: history.today(name) for name in told}


def test_the_history_knows_what_an_id_means_today(store: Store) -> None:
    with store.begin() as connection:
        note_merges(connection, [Merge("a", "b", START, "d1", 0.6), Merge("b", "c", START, "d2", 0.7)])
    history = History.read(store)
    assert [history.today(name) for name in "abcx"] == ["c", "c", "c", "x"]
    assert set(history.family("a")) == {"a", "b", "c"}
    assert history.family("a")[0] == "c"
    assert history.into() == {"a": "c", "b": "c"}
    with store.begin() as connection:
        note(connection, "parted", "b", "c", at=START, actor="李敏", reason="两件事")
        note(connection, "split", "c", "s1", at=START, actor="李敏", reason="两件事", documents=["d9"])
    with store.read() as connection:
        assert [change.kind for change in history.refresh(connection)] == ["parted", "split"]
        assert history.refresh(connection) == []
    assert [history.today(name) for name in "abc"] == ["b", "b", "c"]
    assert history.moved == {"d9": "s1"}
    assert frozenset("bc") in history.apart


def test_a_merge_by_hand_is_taken_in_at_the_next_checkpoint_and_by_a_restart(store: Store) -> None:
    stage = GroupStage(store, settings())
    stage.start()
    texts = [("桂花苑拌合站扰民", "拌合站半夜轰鸣"), ("夜里的怪味从哪里来", "每天凌晨都有刺鼻的味道飘进来")]
    records = [assessed(text, title=title, minutes=place) for place, (title, text) in enumerate(texts)]
    one, other = (out.event.id for out in stage.work(records).outputs)  # type: ignore[union-attr]
    assert stage.checkpoint({HERE: 2})
    with store.begin() as connection:
        note(connection, "merged", other, one, at=START, actor="李敏", reason="同一件事")
    for _ in range(2):
        late = assessed("同感", key=f"reply-{HERE}", parent=records[1].document.id, minutes=9)
        stage.work([late])
        assert stage.checkpoint({HERE: 3})
        (event,) = stage.work([late]).outputs
        assert event.event.id == one  # type: ignore[union-attr]
        stage = GroupStage(store, settings())
        stage.start()
    (listed,) = list_events(store)
    assert (listed.id, listed.documents) == (one, 3)
    with store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(sa.not_(tables.history.c.applied))) == 0


def test_what_a_person_parted_is_not_merged_again(store: Store) -> None:
    records = messages(240)
    free = GroupStage(store, settings())
    free.start()
    free.work(records)
    assert free.checkpoint({HERE: 240})
    first = list_changes(store, limit=999)[-1]
    with store.begin() as connection:
        note(connection, "parted", first.event, first.other, at=START, actor="李敏", reason="两件事")
    free.state.forget()
    again = GroupStage(store, settings())
    again.start()
    again.work(records)
    assert again.checkpoint({HERE: 240})
    pairs = {frozenset((one.event, one.other)) for one in list_changes(store, limit=999) if one.actor == MACHINE}
    assert frozenset((first.event, first.other)) not in pairs


def test_familiar_ngrams_are_those_of_earlier_texts() -> None:
    familiar = Familiar()
    assert familiar.meet(np.array([3, 5])).tolist() == [False, False]
    assert familiar.meet(np.array([5, 7])).tolist() == [True, False]
    other = Familiar()
    other.unpack(familiar.texts, *familiar.pack())
    assert other.texts == 2
    assert other.meet(np.array([3, 7, 9])).tolist() == [True, True, False]


def test_what_was_familiar_is_forgotten_after_two_generations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grouping.familiar.GENERATION", 3)
    familiar = Familiar()
    familiar.meet(np.array([1]))
    known = [bool(familiar.meet(np.array([1 if number == 3 else 2]))[0]) for number in range(4)]
    assert known[-1], "the generation before still counts"
    for _ in range(6):
        familiar.meet(np.array([2]))
    assert not familiar.meet(np.array([1]))[0]


def test_closeness_names_and_time_raise_and_lower_the_score() -> None:
    weights = Weights(bias=4.0, cosine=1.0, days=-1.0, covered=2.0, both=1.0)
    rows = features(
        np.array([0.3, 0.05, 0.3, 0.3], np.float32),
        np.array([0.0, 0.0, 400.0, 0.0]),
        np.array([0.6, 0.6, 0.6, 0.0], np.float32),
        np.array([0.2, 0.2, 0.2, 0.0], np.float32),
    )
    close, far_words, far_time, no_names = promising(rows, weights).tolist()
    assert close > max(far_words, far_time, no_names)
    swapped = features(*(np.array([value]) for value in (0.3, 5.0, 0.2, 0.6)))
    assert promising(swapped, weights)[0] == pytest.approx(close)


def test_a_headline_is_its_rarest_ngrams() -> None:
    found = headline("关于桂花苑拌合站夜间施工扰民的问题反映以及希望尽快处理的请求")
    assert found.bins.size == 24
    assert found.shares.sum() == pytest.approx(1, abs=1e-3)
    assert headline("").bins.size == 0
