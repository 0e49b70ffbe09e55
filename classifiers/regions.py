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
    r"(?:(?:外|邻|邻近|隔壁|别的|其他|其它|兄弟|周边|有的|有些)(?:省|市|县|区|地|地方|城市)|外地|别处|国外|人家那边)的?$"
)
_PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|"
    "云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_PROVINCE = re.compile(rf"(?P<region>{_PROVINCES})(?:省|市|自治区)?的?$")
"""Those are written without 省 or 市 as a rule; the list is closed."""

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
    province = _PROVINCE.search(before)
    if province:
        return "other"
    named = region_before(folded, position)
    if named is None:
        return "unknown"
    level, own_level = _level(named), _level(own)
    if level == own_level:
        return "other"
    return "wider" if level < own_level else "unknown"


def _stem(region: str) -> str:
    """云河 of 云河省, where that leaves a name."""
    for level in _LEVELS:
        if region.endswith(level) and len(region) - len(level) >= 2:
            return region.removesuffix(level)
    return region


def _level(region: str) -> int:
    """0 province, 1 city, 2 county."""
    return next(place // 2 for place, level in enumerate(_LEVELS) if region.endswith(level))
