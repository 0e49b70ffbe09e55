"""Named places in a text, by kind: roads, estates, schools, hospitals, villages, towns.

A name is told by its ending (望江路, 桂花苑) and by letters before it that are rare together: 这条路 and 我们小区 name
nothing. Lines, prices and counts are no names of places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Names = dict[str, frozenset[str]]
"""Kind → the names of it without their endings; what is named by a number has that number."""

WIDE = frozenset({"district", "township"})
"""Kinds in which very much happens: that two texts name the same one says little."""

MANY = 3
"""Names of a kind from which a matter is that of no single place."""

LONGEST = 4
"""Letters of a name that count, the last ones before its ending: 万科魅力之城 and 魅力之城 are one."""

RARE = 5.0
"""Rarity from which two letters that follow one another are a name rather than words."""

_ENDINGS = {
    "road": "隧道 大桥 桥 大道 路 街 巷 胡同 高速",
    "estate": "小区 花园 家园 公寓 苑 湾 庭 府 郡 公馆 山庄 佳园",
    "school": "小学 中学 大学 学院 学校 幼儿园",
    "hospital": "医院 卫生院 保健院",
    "village": "村",
    "township": "镇 乡 街道",
    "community": "社区",
    "district": "县 区 市 州",
    "market": "菜市场 农贸市场 市场 超市 商场",
    "square": "广场",
    "park": "公园",
    "station": "站",
}
_KIND = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
_PART_OF_A_WORD = {
    "路": "(?<![公马道铁网跑堵上让出修走])路(?![灯面边口人况程过费线由])", "街": "街(?![上边坊])",
    "区": "(?<![小社校地城片景园新老厂库街])区(?![别域分间])", "市": "市(?![民政委区长值])",
    "站": "(?<![基合油气电圾务检报])站(?![在着起])", "村": "村(?![民里委支])", "州": "州(?!际)",
}  # fmt: skip
"""Endings that may as well begin another word (路灯, 市民), as patterns."""
_ENDING = re.compile("|".join(_PART_OF_A_WORD.get(ending, ending) for ending in sorted(_KIND, key=len, reverse=True)))

_BEFORE = re.compile(
    r".*(?:小区|希望|[在到的了和与从往去给对向于是被把离靠临及请问诉报映议询县区镇乡市省第期这那哪我你他们个条有没不要让还就都很也又"
    r"么呢吗一]|[^\u4e00-\u9fff])"
)
"""What can't stand within a name; the name begins after it."""

_DIGITS = {letter: str(place) for place, letter in enumerate("零一二三四五六七八九")}
_ORDER = r"(\d{1,3}|[一二三四五六七八九十]{1,3})"
_NUMBERED = (
    ("school", re.compile(rf"(?<![初高])第?{_ORDER}[小中](?=学|[^\u4e00-\u9fff]|$|[食操门校老学宿要的])")),
    ("hospital", re.compile(rf"[市县省第]{_ORDER}(?:人民)?医?院")),
)


def may_name(folded: str) -> bool:
    """Whether there is an ending in a folded text; without one it names nothing."""
    return _ENDING.search(folded) is not None or any(pattern.search(folded) for _, pattern in _NUMBERED)


class Name(NamedTuple):
    """A name in a text: it starts at `start`, and its ending ends at `end`."""

    kind: str
    start: int
    end: int
    name: str


def find_names(folded: str, rare: Sequence[float]) -> list[Name]:
    """The names in a folded text, whose `pair_rarities` are `rare`."""
    found = [
        Name(kind, match.start(), match.end(), _arabic(match.group(1)))
        for kind, pattern in _NUMBERED
        for match in pattern.finditer(folded)
    ]
    end, before = 0, None
    for match in _ENDING.finditer(folded):
        start, kind = match.start(), _KIND[match.group()]
        if start == end and before is not None and kind != before.kind:
            before = before._replace(kind=kind, end=match.end())  # 李家湾村, 和平街小学: that of both
        else:
            low = max(end if before is not None else 0, start - LONGEST)
            cut = _BEFORE.match(folded, low, start)
            low = cut.end() if cut else low
            named = start - low >= 2 and max(rare[low : start - 1]) >= RARE
            before = Name(kind, low, match.end(), folded[low:start]) if named else None
        if before is not None:
            found.append(before)
        end = match.end()
    return found


def by_kind(found: Iterable[Name]) -> Names:
    """The names of each kind."""
    names: dict[str, set[str]] = {}
    for one in found:
        names.setdefault(one.kind, set()).add(one.name)
    return {kind: frozenset(named) for kind, named in names.items()}


def united(texts: Iterable[Names]) -> Names:
    """All names of several texts."""
    found: dict[str, frozenset[str]] = {}
    for names in texts:
        for kind, named in names.items():
            found[kind] = found.get(kind, frozenset()) | named
    return found


def told_apart(one: Names, other: Names) -> bool:
    """Whether two matters are those of different places: of more kinds they name different ones alone than the
    same one. What names many of a kind is told apart by none of them."""
    apart = 0
    for kind in one.keys() & other.keys():
        if _meet(one[kind], other[kind]):
            apart -= kind not in WIDE
        elif max(len(one[kind]), len(other[kind])) < MANY:
            apart += 1
    return apart > 0


def in_one_place(one: Names, other: Names) -> bool:
    """Whether both name the same place, narrower than a town."""
    return any(_meet(one[kind], other[kind]) for kind in one.keys() & other.keys() - WIDE)


def _meet(one: frozenset[str], other: frozenset[str]) -> bool:
    return any(is_one(name, there) for name in one for there in other)


def is_one(one: str, other: str) -> bool:
    """Whether two names of a kind may be the same place: equal, one in short (青师大) or with what stands before it, or
    letters of it in another order."""
    if one == other:
        return True
    if one.isascii() or other.isascii():
        return False  # numbers
    short, long = sorted((one, other), key=len)
    if len(short) >= 2 and short[-2:] == long[-2:]:
        return True
    letters = iter(long)
    return len(short) >= 2 and (all(letter in letters for letter in short) or sorted(short) == sorted(long))


def _arabic(number: str) -> str:
    """三 as 3, 十二 as 12."""
    if not set(number) <= {*_DIGITS, "十"}:
        return number
    if "十" not in number:
        return "".join(_DIGITS[letter] for letter in number)
    tens, _, ones = number.partition("十")
    return _DIGITS.get(tens, "1") + _DIGITS.get(ones, "0")
