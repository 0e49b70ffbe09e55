"""Named things in a text, by kind: roads, estates, schools, lines, plates, villages, companies.

Two short texts that name different things of one kind are about two matters, however alike their other words are: the
lamps of one road and those of another. A name is told by its ending (望江路, 桂花苑) and by letters before it that are
rare together: 这条路 and 我们小区 name nothing. What has no ending that tells, `grouping.short_texts` finds by what
stands in the same place in both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from grouping.vectors import pair_rarities

Names = dict[str, dict[str, str]]
"""Kind → the names of it without their endings → those endings; what is named by a number has that number."""

WIDE = frozenset({"district", "township"})
"""Kinds in which very much happens: that two texts name the same one says little."""

SPOTS = frozenset({"road", "crossing", "estate", "school", "hospital", "village", "community", "line", "market"})
"""Kinds of which a matter has mostly one: that two headlines name different ones says much."""

OWNERS = frozenset({"company", "platform", "plate"})
"""Kinds that do something at a place: two texts that name both the same one and the same place are about one matter."""

_ENDINGS = {
    "road": "大道 路 街 巷 胡同 高速",
    "crossing": "隧道 大桥 桥",
    "estate": "小区 花园 家园 公寓 苑 湾 庭 府 郡 公馆 山庄 佳园",
    "school": "小学 中学 大学 学院 学校 幼儿园",
    "hospital": "医院 卫生院 保健院 诊所",
    "village": "村",
    "township": "镇 乡 街道",
    "community": "社区",
    "district": "县 区 市 州",
    "company": "公司 集团 置业 地产 建筑 厂 电子 物流 财富 金融 健身 影城 酒店 驾校 药房",
    "platform": "平台",
    "market": "市场 超市 商场",
    "square": "广场",
    "park": "公园",
    "station": "站",
}
_KIND = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}
_PART_OF_A_WORD = {
    "路": "(?<![公马道铁网])路(?![灯面边口人况程过费线由])", "街": "街(?![上边坊])", "区": "区(?![别域分间])",
    "市": "市(?![民政委区长值])", "站": "(?<![基合油气电圾务检报])站(?![在着起])", "厂": "厂(?![家商])",
    "村": "村(?![民里委支])", "州": "州(?!际)",
}  # fmt: skip
"""Endings that may as well begin another word (路灯, 市民), as patterns."""
_ENDING = re.compile("|".join(_PART_OF_A_WORD.get(ending, ending) for ending in sorted(_KIND, key=len, reverse=True)))

LONGEST = 4
"""Letters of a name that count, the last ones before its ending: 万科魅力之城 and 魅力之城 are one."""

RARE = 5.0
"""Rarity from which two letters that follow one another are a name rather than words."""

_BEFORE = re.compile(r".*(?:小区|希望|[在到的了和与从往去给对向于是被把离靠临及请问诉报映议询县区镇乡市省第]|[^\w])")
"""What can't stand within a name; the name begins after it."""

_DIGITS = {letter: str(place) for place, letter in enumerate("零一二三四五六七八九")}
_ORDER = r"(\d{1,3}|[一二三四五六七八九十]{1,3})"
_NUMBERED = (
    ("line", re.compile(_ORDER + r"(?:号线|路(?=公交|[车的又等司能总延站改])|路$)|(?<=[等坐乘])" + _ORDER + "路")),
    ("school", re.compile(rf"(?<![初高])第?{_ORDER}[小中](?=学|[^\u4e00-\u9fff]|$|[食操门校老学宿要的])")),
    ("hospital", re.compile(rf"[市县省第]{_ORDER}(?:人民)?医?院")),
    ("plate", re.compile(r"([\u4e00-\u9fff][a-z](?=[a-z]{0,2}\d)[a-z0-9]{5,6})(?![a-z0-9])")),
)
"""What is named by a number or a key."""

_AROUND = {"line": "公交车号线路", "school": "中小学", "hospital": "医院"}
"""Letters that go with what is named by a number."""


def names_in(folded: str, rare: Sequence[float] | None = None) -> Names:
    """The names in a folded text; `rare` are its `pair_rarities`, where they are at hand."""
    found: Names = {}
    for kind, pattern in _NUMBERED:
        for match in pattern.finditer(folded):
            number = next(filter(None, match.groups()))
            found.setdefault(kind, {})[_arabic(number)] = f"{match.group()}{_AROUND.get(kind, '')}"
    rare = pair_rarities(folded) if rare is None else rare
    end, before = 0, ("", "")
    for match in _ENDING.finditer(folded):
        start, kind = match.start(), _KIND[match.group()]
        if start == end and before[1] and kind != before[0]:
            before = kind, before[1]  # 李家湾村, 和平街小学: the name goes on, or is that of both
        else:
            cut = _BEFORE.match(folded, max(end, start - LONGEST), start)
            low = cut.end() if cut else max(end, start - LONGEST)
            named = start - low >= 2 and max(rare[low : start - 1]) >= RARE
            before = (kind, folded[low:start]) if named else ("", "")
        if before[1]:
            found.setdefault(kind, {})[before[1]] = match.group()
        end = match.end()
    return {kind: names for kind, names in found.items() if names}


def is_one(one: str, other: str) -> bool:
    """Whether two names of a kind may be the same thing: equal, one in short (青师大), a slip, or what sounds alike."""
    if one == other:
        return True
    if one.isascii() or other.isascii():
        return False  # numbers and keys
    short, long = sorted((one, other), key=len)
    letters = iter(long)
    if len(short) >= 2 and all(letter in letters for letter in short):
        return True
    return len(one) == len(other) and (sorted(one) == sorted(other) or _sound(one) == _sound(other))


def told_apart(one: Names, other: Names, body: str, other_body: str) -> bool:
    """Whether two headlines name different spots of a kind, and neither text anywhere that of the other; the bodies are
    given as their letters."""
    apart = 0
    for kind in SPOTS & one.keys() & other.keys():
        mine, theirs = one[kind], other[kind]
        met = any(is_one(name, there) for name in mine for there in theirs)
        met = met or any(name in other_body for name in mine) or any(name in body for name in theirs)
        apart += -1 if met else 1
    return apart > 0


@lru_cache(maxsize=4_096)
def _sound(name: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin  # here, as its tables take a moment

    return tuple(lazy_pinyin(name))


def _arabic(number: str) -> str:
    """三 as 3, 十二 as 12."""
    if not set(number) <= {*_DIGITS, "十"}:
        return number
    if "十" not in number:
        return "".join(_DIGITS[letter] for letter in number)
    tens, _, ones = number.partition("十")
    return _DIGITS.get(tens, "1") + _DIGITS.get(ones, "0")
