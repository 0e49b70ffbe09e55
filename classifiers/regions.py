"""Whose region a policy is of, and whose matter a text speaks of, as far as the words before a name say."""

from __future__ import annotations

import re
from typing import Literal

from classifiers.folding import fold
from minsheng.policies import Policy

_NAME = r"(?P<region>[\u4e00-\u9fff]{2,5}?(?:省|市|自治区|自治州|县))"
_BEGINS = re.compile(rf"(?:关于|中共)?{_NAME}")
_ENDS = re.compile(rf"{_NAME}的?$")
_DEICTIC = re.compile(
    r"(?:[我本全该各贵咱在省市](?:省|市|县|自治区|自治州)|[城超上楼股都门]市|[直下管]辖[市县]|市县|省市|区县)的?$"
)
_ELSEWHERE = re.compile(
    r"(?:(?:外|邻|邻近|隔壁|别的|其他|其它|兄弟|周边|有的|有些)(?:省|市|县|区|地|地方|城市)|外地|别处|国外|人家那边|"
    r"(?:隔壁|邻近)[\u4e00-\u9fff]{2,4})的?$"
)
_CITIES = {
    **{"河北": "石家庄", "山西": "太原", "内蒙古": "呼和浩特", "辽宁": "沈阳|大连", "吉林": "长春", "黑龙江": "哈尔滨"},
    **{"江苏": "南京|苏州", "浙江": "杭州|宁波", "安徽": "合肥", "福建": "福州|厦门", "江西": "南昌"},
    **{"山东": "济南|青岛", "河南": "郑州", "湖北": "武汉", "湖南": "长沙", "广东": "广州|深圳", "广西": "南宁"},
    **{"海南": "海口", "四川": "成都", "贵州": "贵阳", "云南": "昆明", "西藏": "拉萨", "陕西": "西安", "甘肃": "兰州"},
    **{"青海": "西宁", "宁夏": "银川", "新疆": "乌鲁木齐", "北京": "", "天津": "", "上海": "", "重庆": ""},
    **{"台湾": "", "香港": "", "澳门": ""},
}
"""Provinces with their capitals and cities under separate planning: those are written without 省 or 市 as a rule."""

_PROVINCE_OF = {city: province for province, cities in _CITIES.items() for city in cities.split("|") if city}
_PROVINCE_OF.update((province, province) for province in _CITIES)
_KNOWN = re.compile("|".join(sorted(_PROVINCE_OF, key=len, reverse=True)))
_KNOWN_BEFORE = re.compile(rf"(?P<region>{_KNOWN.pattern})(?:省|市|自治区)?的?$")
_CLAUSE_BEGINS = re.compile(r"(?:^|[,、:])(?P<region>[\u4e00-\u9fff]{2,3}(?:省|市))(?![民场区政长委里面价钱心事])")
_SENTENCE_ENDS = "。!?！？;；\n"

SENTENCE = 60
"""Characters that a sentence is followed back at most."""

_LEVELS = ("省", "自治区", "市", "自治州", "县")
Whose = Literal["own", "other", "wider", "unknown"]


def is_deictic(words: str) -> bool:
    """True where the words end with 我省, 全市 and the like, or with a word like 超市 that names no region."""
    return _DEICTIC.search(words) is not None


def region_of(policy: Policy) -> str | None:
    """The region that a policy is of, from its title or its department."""
    for words in (policy.title, policy.department or ""):
        found = _BEGINS.match(fold(words))
        if found and not is_deictic(found["region"]):
            return found["region"]
    return None


def region_before(folded: str, position: int) -> str | None:
    """What may be a region's name (with words before it) just before `position`: …按照青江市 before 住房保障办法."""
    before = folded[max(0, position - 9) : position]
    found = _ENDS.search(before)
    return found["region"] if found and not is_deictic(before) else None


def whose(folded: str, position: int, own: str | None) -> Whose:
    """Of whom the text speaks just before a short name at `position`, seen from the region of the name's policy.

    Returns
    -------
    `own`: the policy's region is named. `other`: another one of its level, or somewhere else (隔壁省, 外地). `wider`: a
    province, where the policy is a city's. `unknown`: nothing is said, or a smaller place, which may lie in the region.
    """
    before = folded[max(0, position - 9) : position]
    if _ELSEWHERE.search(before):
        return "other" if own else "unknown"
    if own is None:
        return "unknown"
    stem = _stem(own)
    if before.removesuffix("的").endswith((own, stem)):
        return "own"
    known = _KNOWN_BEFORE.search(before)
    if known and not own.startswith(_PROVINCE_OF[known["region"]]):
        return "other"
    named = region_before(folded, position)
    if named is None:
        return "unknown"
    level, own_level = _level(named), _level(own)
    if level == own_level:
        return "other"
    return "wider" if level < own_level else "unknown"


def elsewhere_named(folded: str, position: int, own: str | None) -> bool:
    """Whether the sentence that leads to `position` speaks of a place outside `own`, and does not name `own`: it holds
    a known province or capital, or it or its last clauses begin with another region of the same level (南浦市也…)."""
    if own is None:
        return False
    before = folded[max(0, position - SENTENCE) : position]
    said = before[max(before.rfind(end) for end in _SENTENCE_ENDS) + 1 :]
    if _stem(own) in said:
        return False
    if any(not own.startswith(_PROVINCE_OF[found[0]]) for found in _KNOWN.finditer(said)):
        return True
    return any(
        not is_deictic(found["region"]) and _level(found["region"]) == _level(own)
        for found in _CLAUSE_BEGINS.finditer(said)
    )


def _stem(region: str) -> str:
    """云河 of 云河省, where that leaves a name."""
    for level in _LEVELS:
        if region.endswith(level) and len(region) - len(level) >= 2:
            return region.removesuffix(level)
    return region


def _level(region: str) -> int:
    """0 province, 1 city, 2 county."""
    return next(place // 2 for place, level in enumerate(_LEVELS) if region.endswith(level))
