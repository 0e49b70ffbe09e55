"""文号 in folded text, in every spelling: brackets or none, 年, 第, leading zeros, 号 left out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from classifiers.folding import fold
from classifiers.regions import is_deictic
from minsheng.policies import standard_number

_SHAPE = re.compile(
    r"(?P<open>[\[(]?)(?P<year>(?:19|20)\d{2})年?(?P<close>[\])]?)-?第?0*(?P<serial>\d{1,5})(?P<end>号?)"
)
_ISSUER_BEGINS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼国省市县区州党府中"
"""A 文号 whose issuer is preceded by one of these belongs to a longer issuer: 川府发 is not 府发."""


class FoundNumber(NamedTuple):
    """A range of the folded text, and the policy (by its place in the register) whose 文号 stands there."""

    start: int
    end: int
    place: int


class NumberIndex:
    """The 文号 of a register.

    Examples
    --------
    >>> index = NumberIndex()
    >>> index.add("川办发〔2023〕12号", 0)
    True
    >>> list(index.find(fold("见川办发（2023）第012号。")))
    [FoundNumber(start=1, end=13, place=0)]
    """

    def __init__(self) -> None:
        self._issuers: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)

    def add(self, number: str, place: int) -> bool:
        """Add a policy's 文号. False where it has no year and serial, as 省人民政府令第12号: it is no use here."""
        standard = standard_number(number)
        if standard is None:
            return False
        issuer, rest = fold(standard).split("[", 1)
        year, serial = rest.rstrip("号").split("]")
        self._issuers[int(year), int(serial)].append((issuer, place))
        return True

    def find(self, folded: str) -> Iterator[FoundNumber]:
        """Every 文号 of the register in the text."""
        for found in _SHAPE.finditer(folded):
            if bool(found["open"]) != bool(found["close"]) or not (found["end"] or found["open"]):
                continue
            for issuer, place in self._issuers.get((int(found["year"]), int(found["serial"])), ()):
                start = found.start() - len(issuer)
                if start >= 0 and folded.startswith(issuer, start) and not _belongs_to_longer(folded, start):
                    yield FoundNumber(start, found.end(), place)


def _belongs_to_longer(folded: str, start: int) -> bool:
    before = folded[max(0, start - 2) : start]
    return bool(before) and before[-1] in _ISSUER_BEGINS and not is_deictic(before)
