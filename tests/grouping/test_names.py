"""Names in short texts, and whether two of them are the same thing."""

from __future__ import annotations

import pytest

from grouping.names import is_one, names_in, told_apart
from grouping.short_texts import CONTRARY, LONGEST, Short, read, same_matter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("文昌巷的自来水黄得像茶一样", {"road": {"文昌"}}),
        ("投诉鹿鸣路88号网吧", {"road": {"鹿鸣"}}),
        ("李家湾村吃水难", {"estate": {"李家"}, "village": {"李家"}}),
        ("21路公交司机骂老人", {"line": {"21"}}),
        ("二号线又坏了", {"line": {"2"}}),
        ("三中食堂又出事", {"school": {"3"}}),
        ("第三中学食堂吃出虫子", {"school": {"3"}}),
        ("十二路公交", {"line": {"12"}}),
        ("云a7k213天天停在消防通道上", {"plate": {"云a7k213"}}),
        ("市三医院停车难", {"hospital": {"3"}}),
        ("余易贷平台拿不回本金", {"platform": {"余易贷"}}),
        ("我们小区门口的路灯坏了", {}),
        ("这条路到底谁来修", {}),
        ("市民希望区政府管一管公路上的车站", {}),
        ("物业公司和学校都不管", {}),
        ("", {}),
        ("\ud800路", {}),
        ("路街巷村镇", {}),
    ],
)
def test_names(text: str, expected: dict[str, set[str]]) -> None:
    assert {kind: set(names) for kind, names in names_in(text).items()} == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("青江师范", "青师", True),
        ("锦澜", "锦兰", True),
        ("魅力", "万科魅力", True),
        ("中山", "解放", False),
        ("12", "2", False),
        ("青江南", "青江西", False),
    ],
)
def test_the_same_name(one: str, other: str, same: bool) -> None:
    assert is_one(one, other) is is_one(other, one) is same


def test_headlines_are_told_apart_by_spots_that_neither_text_has_both_of() -> None:
    one, other = names_in("育林小学乱收费"), names_in("青石小学乱收费")
    assert told_apart(one, other, "孩子在育林小学", "孩子在青石小学")
    assert not told_apart(one, other, "孩子在育林小学青石小学也收", "孩子在青石小学")
    assert not told_apart(one, one, "", "")
    assert not told_apart(one, names_in("文昌巷路灯"), "", "")


def short(text: str, title: str = "") -> Short:
    found = read(title or text, "".join(filter(str.isalnum, title + text)), bool(title))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("阳光里小区今天早上停气了", "阳光里停气了？电话打不通", True),
        ("紫薇路红绿灯坏了三天", "都一个星期了，紫薇路的红绿灯还没修", True),
        ("鲤渔路下穿隧道积水", "鲤鱼路隧道淹了，积水很深", True),
        ("桂花苑电梯三天两头坏", "桂花苑门口水果店占道经营", False),
        ("请问办健康证要带什么材料", "请问办居住证要带什么材料", False),
        ("长沙今晚停电了，热得睡不着", "昆明停电了热得睡不着啊", False),
    ],
)
def test_pairs(one: str, other: str, together: bool) -> None:
    scores = [same_matter(short(one), short(other), 0.45, 0.01), same_matter(short(other), short(one), 0.45, 0.01)]
    assert all((score >= 0.48) is together for score in scores), scores


def test_names_against_each_other_are_contrary_whatever_else_is_said() -> None:
    assert same_matter(short("文华路的路灯坏了"), short("湖滨路的路灯坏了"), 1.0, 0.0) == CONTRARY


def test_what_is_not_read() -> None:
    assert read("长" * 60, "长" * (LONGEST + 1), True) is None
    assert read("#青江地震#床都在晃", "床都在晃", False) is None, "a hashtag says more than the rest"
    assert read("好", "", False) is None
    assert read("", "", False) is None
    assert read("👍👍", "", False) is None
    assert read("停电了", "", False) is not None
