"""Weak evidence: a document that names a policy's department and words of its title, but not the policy.

Worth a look, no more: such links stay below 0.5 unless everything agrees, and are given only to documents that name no
policy themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import ahocorasick

from classifiers.folding import fold
from classifiers.linking_field import Field
from classifiers.linking_titles import Title
from classifiers.regions import region_of, whose
from minsheng.policies import Policy

SOME = 0.3
"""Confidence where two words of the title stand with the department."""

ALL = 0.4
"""Where all of them do."""

AGREED = 0.55
"""Where, besides, they stand close together and the text speaks of a policy; for titles of three words or more."""

CLOSE = 24
"""Characters within which all words of a title stand close together."""

MOST_SHARED = 2
"""Evidence for more policies than this says nothing."""

_ABBREVIATIONS = {
    "发展和改革": ("发改",),
    "住房和城乡建设": ("住建",),
    "人力资源和社会保障": ("人社",),
    "卫生健康": ("卫健",),
    "市场监督管理": ("市监", "市场监管"),
    "医疗保障": ("医保",),
    "生态环境": ("环保",),
    "自然资源和规划": ("自规",),
    "城市管理": ("城管",),
    "交通运输": ("交通",),
    "应急管理": ("应急",),
    "文化和旅游": ("文旅",),
}
"""The usual short names of the departments that every government has."""

_BODY = re.compile(r"(?:委员会|厅|局|办公室|中心)$")
_SHORT_BODY = {"委员会": "委"}
_CUE = re.compile(r"新政|新规|政策|文件|办法|规定|通知|方案|细则|条例|措施|意见|征求意见")


class WeakLink(NamedTuple):
    """Evidence for the policy at `place`; `start` to `end` is where the department stands in the folded passage."""

    place: int
    confidence: float
    field: Field
    start: int
    end: int


class WeakEvidence:
    """The departments of a register and the words of their policies."""

    def __init__(self, policies: Sequence[Policy], titles: Sequence[Title]) -> None:
        self._titles = titles
        self._watched = [tuple(map(fold, policy.watch_words)) for policy in policies]
        # Department name → region of the policies → their places: one look at the region serves all of them.
        departments: dict[str, dict[str | None, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, policy in enumerate(policies):
            if policy.department and titles[place].words:
                for name in names_of(policy.department):
                    departments[name][titles[place].region].append(place)
        self._automaton = ahocorasick.Automaton()
        for name, places in departments.items():
            self._automaton.add_word(name, (len(name), dict(places)))
        self._automaton.make_automaton()

    def find(self, fields: Sequence[Field]) -> list[WeakLink]:
        """The policies that a document may be about, given its passages; empty where that says nothing."""
        if not len(self._automaton):
            return []
        named: dict[int, tuple[Field, int, int]] = {}
        for field in fields:
            for last, (length, regions) in self._automaton.iter(field.folded) if field.folded else ():
                start = last + 1 - length
                for region, places in regions.items():
                    if whose(field.folded, start, region) != "other":
                        for place in places:
                            named.setdefault(place, (field, start, last + 1))
        if not named:
            return []
        # The department's own name counts for nothing.
        departments = {(id(field), start): field.folded[start:end] for field, start, end in named.values()}
        texts = [field.folded for field in fields]
        for name in departments.values():
            texts = [text.replace(name, " ") for text in texts]
        there = _Words(texts)
        found = [
            WeakLink(place, confidence, *where)
            for place, where in named.items()
            if (confidence := self._weigh(place, texts, there))
        ]
        best = max((link.confidence for link in found), default=0.0)
        found = [link for link in found if link.confidence == best]
        return found if len(found) <= MOST_SHARED and (best < 0.5 or len(found) == 1) else []

    def _weigh(self, place: int, texts: Sequence[str], there: _Words) -> float:
        """How much the title's words in the document weigh."""
        words = self._titles[place].words
        count = sum(there[word] for word in words)
        if count == 0 or count + sum(there[word] for word in self._watched[place]) < 2:
            return 0.0
        if count < len(words):
            return SOME
        if len(words) >= 3 and any(_close(words, text) and _CUE.search(text) for text in texts):
            return AGREED
        return ALL


class _Words(dict[str, bool]):
    """Word → whether it stands in a document; worked out at first use."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __missing__(self, word: str) -> bool:
        self[word] = found = any(word in text for text in self._texts)
        return found


def names_of(department: str) -> set[str]:
    """The ways to name a department without its region.

    Examples
    --------
    >>> sorted(names_of("青江市发展和改革委员会"))
    ['发展和改革委', '发展和改革委员会', '发改委']
    """
    folded = fold(department).removeprefix("中共")
    region = region_of(Policy(id="-", title="-", department=folded))
    name = folded.removeprefix(region) if region else folded
    body = _BODY.search(name)
    names = {name}
    if body:
        stem, short = name[: body.start()], _SHORT_BODY.get(body[0], body[0])
        names |= {stem + short, *(one + short for one in _ABBREVIATIONS.get(stem, ()))}
    return {one for one in names if len(one) >= 3 and one not in ("委办公室", "办公室", "人民政府", "人民政府办公室")}


def _close(words: Sequence[str], text: str) -> bool:
    first = [text.find(word) for word in words]
    return min(first) >= 0 and max(first) - min(first) <= CLOSE
