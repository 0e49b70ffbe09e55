"""Whose region a title belongs to, as far as the words before it say."""

from __future__ import annotations

import re

from classifiers.folding import fold
from minsheng.policies import Policy

_NAME = r"(?P<region>[\u4e00-\u9fff]{2,5}?(?:省|市|自治区|自治州|县))"
_BEGINS = re.compile(rf"(?:关于)?{_NAME}")
_ENDS = re.compile(rf"{_NAME}$")
_DEICTIC = re.compile(
    r"(?:[我本全该各贵咱在省市](?:省|市|县|自治区|自治州)|[城超上楼股都门]市|[直下管]辖[市县]|市县|省市|区县)$"
)


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
    before = folded[max(0, position - 8) : position]
    found = _ENDS.search(before)
    return found["region"] if found and not is_deictic(before) else None
