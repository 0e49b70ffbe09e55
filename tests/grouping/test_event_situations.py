"""Short texts that are one matter, and short texts that only look like it."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from grouping.memory import Memory
from grouping.stage import GroupStage
from minsheng.records import Assessed
from tests.grouping.test_grouping_memory import assessed, memory
from tests.grouping.test_grouping_stage import HERE, places, settings
from tests.stores import made_store
from training.event_situations import (
    Situation,
    grouped_alone,
    matters_of,
    placed,
    read_situations,
    score_situations,
)
from training.event_situations import (
    assessed as texts_of,
)

SITUATIONS = read_situations()


def test_the_set_is_large_enough_and_well_formed() -> None:
    assert len(SITUATIONS) >= 120
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS)
    together = sum(one.together for one in SITUATIONS)
    assert 0.45 <= together / len(SITUATIONS) <= 0.55
    for one in SITUATIONS:
        assert len(one.matters) == len(one.texts) in (2, 3, 4)
        assert matters_of(one.matters) == one.matters
    assert min(sum(one.half == half for one in SITUATIONS) for half in ("tune", "report")) >= 60


def test_most_situations_are_grouped_as_a_person_would() -> None:
    tune, report = (score_situations(SITUATIONS, half) for half in ("tune", "report"))
    assert tune["right"] >= FLOORS["tune"][0] and tune["one"] >= FLOORS["tune"][1]
    assert tune["several"] >= FLOORS["tune"][2]
    assert report["right"] >= FLOORS["report"][0] and report["one"] >= FLOORS["report"][1]
    assert report["several"] >= FLOORS["report"][2]


FLOORS = {"tune": (0.86, 0.78, 0.92), "report": (0.74, 0.55, 0.95)}
"""Of all, of those that are one matter, and of those that are several; an event too many costs an officer a glance, one
that mixes two matters a wrong ticket."""


def test_what_came_before_changes_little() -> None:
    """All situations in one memory, their texts mixed: streets and estates of one town, on one day."""
    pick = random.Random(5)
    tagged = [(one, text) for one in SITUATIONS for text in texts_of(one)]
    tagged.sort(key=lambda pair: (pair[1].document.published_at, pick.random()))
    groups = Memory(timedelta(days=400))
    events: dict[str, str] = {text.document.id: groups.place(text).member.event for _, text in tagged}
    right = 0
    for one in SITUATIONS:
        made = matters_of(groups.today(events[text.document.id]) for text in texts_of(one))
        right += made == one.matters
    assert right / len(SITUATIONS) >= MIXED_FLOOR


MIXED_FLOOR = 0.79


@pytest.mark.parametrize("policy", [None, "water"])
def test_a_policy_in_common_outweighs_other_names(policy: str | None) -> None:
    groups = memory()
    first = groups.place(assessed("梧桐苑的水费重复扣了两次", policy=policy)).member
    second = groups.place(assessed("丹枫苑的水费重复扣了两次", minutes=5, policy=policy)).member
    assert (first.event == second.event) is (policy is not None)


def test_an_event_that_speaks_of_another_road_is_not_joined_by_a_text_that_names_none() -> None:
    groups = memory()
    first = groups.place(assessed("文华路路灯全坏了，晚上黑漆漆的")).member
    assert groups.place(assessed("路灯全坏了，晚上黑漆漆的", minutes=3)).member.event == first.event
    other = groups.place(assessed("湖滨路路灯全坏了，晚上黑漆漆的", minutes=6)).member
    assert other.event != first.event


def test_long_messages_whose_headlines_name_other_schools_are_two_matters() -> None:
    rest = (
        "的家长，孩子今年上二年级。学校从这学期开始每天下午多上一节延时课，每个月另收三百块，不交就不让孩子在教室里写作业，"
        "我们几个家长问过老师，老师说是学校统一安排的，问教育局又说没有这样的文件，请查清楚这笔钱到底交给了谁，该退的退。"
    )
    groups = memory()
    first = groups.place(assessed(f"我是育林小学{rest}", title="育林小学延时课乱收费")).member
    second = groups.place(
        assessed(f"本人系青石小学{rest[:60]}请领导过问。", title="青石小学延时课乱收费", minutes=600)
    ).member
    assert second.kind == "first" and second.event != first.event
    third = groups.place(
        assessed(
            f"我家孩子也在二年级，育林小学的延时课到现在还在收三百块，不交不行。{rest[70:]}",
            title="延时课收费什么时候退",
            minutes=1200,
        )
    ).member
    assert third.event == first.event


def test_restarts_change_nothing_among_short_texts(tmp_path: Path) -> None:
    records: list[Assessed] = [text for one in SITUATIONS[::2] for text in texts_of(one)]
    records.sort(key=lambda one: (one.document.published_at, one.document.id))
    straight = GroupStage(made_store(f"sqlite:///{tmp_path / 'whole.db'}"), settings())
    straight.start()
    expected = places(straight, records, 0, 40)
    broken = made_store(f"sqlite:///{tmp_path / 'broken.db'}")
    found = []
    for at in range(0, len(records), 7):
        stage = GroupStage(broken, settings())
        assert (stage.start() or {HERE: 0})[HERE] == at
        found += places(stage, records[at : at + 7], at, 3)
    assert found == expected


def test_a_stream_of_one_form_costs_no_more_than_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    from grouping import letters

    really = letters.same_matter

    def counted(*given: object) -> float:
        nonlocal compared
        compared += 1
        return really(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(letters, "same_matter", counted)
    groups = memory()
    most = 0
    for index in range(300):
        before = compared
        groups.place(assessed(f"第{index}号路口的红绿灯坏了{index * 7919}天没人修", key=str(index), minutes=index))
        most = max(most, compared - before)
    rivals = 16 * 5  # events that one text can show to be one, at most about so many here
    assert most <= letters.MOST * 5 + rivals


def test_one_situation_is_placed_like_any_document() -> None:
    one = Situation(name="x", matters="AB", texts=((0, "", "中山路路灯坏了"), (5, "", "解放路路灯坏了")))
    assert grouped_alone(one) == placed(memory(), texts_of(one)) == "AB"
