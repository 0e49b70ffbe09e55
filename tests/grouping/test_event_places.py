"""Events and the places that texts name: what is parted by them, what must not be, and what they bring together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from grouping.memory import Memory
from grouping.stage import GroupStage
from tests.grouping.test_grouping_memory import assessed, memory
from tests.grouping.test_grouping_stage import HERE, places, settings
from tests.stores import made_store
from training.event_situations import assessed as texts_of
from training.event_situations import read_situations

_LETTERS = (
    "松柏云台明湖长乐青枫翠竹金鸡白马凤鸣龙泉望岳碧桃芳草梅园桂苑兰亭紫荆丁香玉泉麒麟"
    "东风朝阳和平解放建设人民中山文昌迎宾滨江枣园柳林石桥南湖北辰西岭永安安居泰和鸿运"
)
NAMES = [_LETTERS[at : at + 2] for at in range(0, len(_LETTERS), 2)]


def events_of(texts: Iterable[str], minutes: float, groups: Memory | None = None, title: str = "") -> list[int]:
    """Sizes of the events that these texts make, one text every so many minutes; `title` has a place for the name."""
    groups = groups or memory()
    headed = [title.format(name) for name in NAMES] if title else [""] * len(NAMES)
    placed = [
        groups.place(assessed(text, title=headed[number], minutes=minutes * number, key=str(number))).member.event
        for number, text in enumerate(texts)
    ]
    return sorted(Counter(map(groups.today, placed)).values(), reverse=True)


@pytest.mark.parametrize("minutes", [2, 40, 400])
@pytest.mark.parametrize("kind", ["路", "小区", "小学", "医院", "村"])
def test_an_outcry_over_one_measure_is_one_event_whatever_places_its_posts_name(kind: str, minutes: float) -> None:
    forms = (
        "{}也开始强制收停车费了，说是新规定，一天二十块，谁定的",
        "新规定一出，{}停车都要收费了，一天二十块太离谱",
        "停车费一天二十块？{}门口停一会都要钱，这新规定谁批的",
    )
    assert events_of((forms[number % 3].format(name + kind) for number, name in enumerate(NAMES)), minutes) == [40]


@pytest.mark.parametrize("minutes", [3, 45, 200])
def test_an_outcry_that_speaks_of_no_measure_is_one_event_too(minutes: float) -> None:
    form = "{}小学食堂的饭菜又贵又难吃，孩子天天饿肚子回家，学校不让带饭"
    assert events_of(map(form.format, NAMES), minutes)[0] >= 36


@pytest.mark.parametrize(
    ("form", "title"),
    [
        ("{}路淹了，水都到膝盖了，车全泡在水里", ""),
        ("{}小区停电了，热死了，什么时候来电", ""),
        ("从下午三点就停电了，热死了，{}小区的电话打不通，什么时候来电", "{}小区停电"),
        ("{}街全堵死了，今天限号的车都上路了，交警在哪", ""),
    ],
)
def test_what_happens_in_many_places_within_an_hour_is_one_event(form: str, title: str) -> None:
    assert events_of(map(form.format, NAMES[:30]), 2, title=title) == [30]


@pytest.mark.parametrize("minutes", [20, 400])
def test_a_protest_that_names_many_sites_of_one_company_is_one_event(minutes: float) -> None:
    ends = ("花园", "小区", "家园", "府")
    form = "宏远建设拖欠工资，{}{}项目工地三十多人半年没拿到钱，讨薪没人管"
    assert events_of((form.format(name, ends[at % 4]) for at, name in enumerate(NAMES[:30])), minutes)[0] >= 27


@pytest.mark.parametrize("title", ["", "{}小区路灯坏了"])
def test_complaints_about_the_lamps_of_many_estates_over_ten_days_are_as_many_events(title: str) -> None:
    form = "{}小区的路灯坏了好几天了，晚上黑漆漆的没人管"
    assert events_of(map(form.format, NAMES[:12]), 1_200, title=title) == [1] * 12


@pytest.mark.parametrize(("policy", "same"), [(None, False), ("water", True)])
def test_a_policy_in_common_outweighs_other_places(policy: str | None, same: bool) -> None:
    groups = memory()
    first = groups.place(assessed("梧桐苑的水费重复扣了两次", policy=policy)).member
    second = groups.place(assessed("丹枫苑的水费重复扣了两次", minutes=5, policy=policy)).member
    assert (groups.today(first.event) == groups.today(second.event)) is same


def test_a_text_that_names_no_place_does_not_make_two_places_one_event() -> None:
    groups = memory()
    first = groups.place(assessed("文华路的路灯全坏了，晚上黑漆漆的没人管")).member
    second = groups.place(assessed("湖滨路的路灯全坏了，晚上黑漆漆的没人管", minutes=6)).member
    placed = groups.place(assessed("这里的路灯全坏了，晚上黑漆漆的没人管", minutes=9))
    assert groups.today(first.event) != groups.today(second.event)
    assert not placed.merges
    assert placed.member.event in (first.event, second.event)


def test_two_troubles_of_one_estate_are_two_events_and_one_trouble_told_twice_is_one() -> None:
    groups = memory()
    lift = groups.place(assessed("桂花苑小区电梯三天两头坏，老人被困", title="桂花苑小区电梯故障")).member
    stall = groups.place(assessed("桂花苑小区门口水果店占道经营", title="桂花苑小区门口占道经营", minutes=2_880)).member
    again = groups.place(assessed("桂花苑的电梯又把两个人关在里面，打电话没有用", minutes=3_000)).member
    assert lift.event != stall.event
    assert again.event == lift.event


def test_restarts_change_nothing_among_short_texts(tmp_path: Path) -> None:
    records = [text for one in read_situations()[::2] for text in texts_of(one)]
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
