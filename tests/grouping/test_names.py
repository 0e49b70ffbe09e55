"""Names of places in texts, and whether two of them are the same place."""

from __future__ import annotations

import pytest

from grouping.names import by_kind, find_names, in_one_place, may_name, told_apart, united
from grouping.names import is_one as same_name
from grouping.vectors import pair_rarities


def names_in(text: str) -> dict[str, frozenset[str]]:
    return by_kind(find_names(text, pair_rarities(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("文昌巷的自来水黄得像茶一样", {"road": {"文昌"}}),
        ("投诉鹿鸣路88号网吧", {"road": {"鹿鸣"}}),
        ("李家湾村吃水难", {"estate": {"李家"}, "village": {"李家"}}),
        ("北街菜市场污水横流", {"market": {"北街"}}),
        ("三中食堂又出事", {"school": {"3"}}),
        ("第三中学食堂吃出虫子", {"school": {"3"}}),
        ("市三医院停车难", {"hospital": {"3"}}),
        ("我们小区门口的路灯坏了", {}),
        ("这条路到底谁来修，老板跑路了，车把门口堵路", {}),
        ("市民希望区政府管一管公路上的车站", {}),
        ("物业公司和学校都不管", {}),
        ("21路公交司机骂老人，12块钱，二号线又坏了", {}),
        ("", {}),
        ("\ud800路", {}),
    ],
)
def test_names(text: str, expected: dict[str, set[str]]) -> None:
    assert {kind: set(names) for kind, names in names_in(text).items()} == expected
    assert may_name(text) or not expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("青江师范", "青师", True),
        ("魅力", "万科魅力", True),
        ("一条玉佩", "天池玉佩", True),
        ("地绿", "绿地", True),
        ("中山", "解放", False),
        ("12", "2", False),
        ("青江南", "青江西", False),
    ],
)
def test_the_same_name(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same_name(other, one) is same


def test_places_tell_matters_apart_unless_one_is_the_same_or_many_are_named() -> None:
    lamps, others = names_in("文华路的路灯"), names_in("湖滨路的路灯")
    assert told_apart(lamps, others)
    assert not told_apart(lamps, lamps)
    assert not told_apart(lamps, names_in("育林小学的路灯"))
    assert not told_apart(lamps, united(map(names_in, ("湖滨路", "鹿鸣路", "竹林街")))), "a matter of many roads"
    assert not told_apart(names_in("文华路育林小学"), names_in("湖滨路育林小学")), "a school at a corner"
    assert told_apart(names_in("丹溪县文华路"), names_in("丹溪县湖滨路")), "that both are in one county says little"


def test_one_place() -> None:
    assert in_one_place(names_in("投诉文华路烧烤"), names_in("文华路油烟"))
    assert not in_one_place(names_in("丹溪县种粮补贴"), names_in("丹溪县停水"))
