"""Administrative divisions and units named in a text: which province, city or county, and which office.

A name counts where it can't be anything else: 岳麓区 is one, 朝阳区 is several, 和平 is mostly a word. What is several
is told by the division named before it, elsewhere in the text, or by the region that the document is known to be of;
otherwise nothing is said. Names that are words too (安康, 白银, 城区) count with their parent before them or their
suffix.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import ahocorasick
import numpy as np
import numpy.typing as npt

from classifiers.divisions import Division, Level, all_divisions, codes_above, path_of, without_suffix
from minsheng.code_points import code_points
from minsheng.traditional import simplified

Field = Literal["title", "text"]

READ = 5_000
"""Characters read of a text."""


class Place(NamedTuple):
    """A division named in a text.

    `path` has all names from the province down; `span` is the start and end in characters of the name in `field`.
    `field` and `span` are None where it is the document's own region. `confidence` is 0 to 1.
    """

    code: str
    name: str
    path: tuple[str, ...]
    level: Level
    confidence: float
    field: Field | None = None
    span: tuple[int, int] | None = None


class Unit(NamedTuple):
    """An office named in a text, as it is written there, in simplified characters."""

    name: str
    field: Field
    span: tuple[int, int]


WORDS = frozenset(
    {
        "来宾", "白银", "日照", "安康", "大同", "大理", "普洱", "黄山", "中山", "吴忠", "东方", "海东", "海北",
        "海西", "黄南", "白山", "白城", "红河", "兴安", "三明", "和田", "哈密", "通化", "长治", "保定", "金华",
        "朝阳", "延安", "遵义", "安顺", "平安", "和平", "永安", "公安", "建设", "新民", "北安", "五常", "中卫",
        "高平", "永康", "乐平", "丰城", "文山", "昌都", "合作",
    }
)  # fmt: skip
"""Short names that are words, people's or streets' names as often as places."""

GENERIC = frozenset(
    {
        "城区", "郊区", "矿区", "新城区", "老城区", "市中区", "市南区", "市北区", "城中区", "城东区", "城西区",
        "城北区", "城关区", "河东区", "河西区", "东区", "西区", "南山区", "江北区", "江南区", "西湖区", "东湖区",
        "开发区", "桥东区", "桥西区", "和县",
    }
)  # fmt: skip
"""Whole names that any town uses for a part of itself: they count with their parent before them."""

_NO_PLACE_AFTER = re.compile(
    r"[东南西北中]?(?:[一二三四五六七八九十]?路(?![灯面边况政])|大道|街(?!道)|巷|小面|火锅|拉面|小吃|烤鸭|话[^题费]|菜|时间|瓜|石|茶|(?<=沙)发(?![生展布现出放来行电通文往]))"
    r"|(?<=安)[置全排装检保]|(?<=区)[域间别块分]|(?<=旗)[下帜袍手]"
)
_NO_PLACE_BEFORE = {"海城市": "沿", "厦门": "大", "乐山": "歌峨", "西安": "江广"}
"""Letters before which the name is part of another word: 沿海城市, 大厦门口."""

_AT = re.compile(r"(?:在|到|去|来自|位于|前往|赴|从|回)$")


def places_in(title: str, text: str, *, region: str | None = None) -> list[Place]:
    """The divisions named, in the order they are first named; what another one named lies in is left out.

    Parameters
    ----------
    region:
        The document's own region, as its source gives it. It tells apart divisions of one name, and is what is said
        where the words name nothing.
    """
    own = _of_region(region)
    named = [
        _Named(field, found)
        for field, words in _read(title, text)
        for found in _names(words)
    ]  # fmt: skip
    sure = {one.code for name in named if (one := _certain(name)) is not None}
    context = sure | {above for code in sure for above in codes_above(code)}
    places: dict[str, Place] = {}
    before: _Named | None = None
    before_code = ""
    for name in named:
        touching = before is not None and before.field == name.field and before.end == name.start
        code, confidence = _told(name, before_code if touching else "", context, own.code if own else "")
        if code and (code not in places or places[code].confidence < confidence):
            division = all_divisions()[code]
            places.setdefault(
                code,
                Place(
                    code, division.name, path_of(code), division.level, confidence, name.field, (name.start, name.end)
                ),
            )  # fmt: skip
        before, before_code = name, code
    inner = {above for code in places for above in codes_above(code)}
    found = [place for code, place in places.items() if code not in inner]
    if not found and own is not None:
        return [Place(own.code, own.name, path_of(own.code), own.level, 0.5)]
    return found


def units_in(title: str, text: str) -> list[Unit]:
    """The offices named, each once, as first written."""
    found: dict[str, Unit] = {}
    for field, words in _read(title, text):
        for start, kind_start, end in _offices(words):
            kind = words[kind_start:end]
            cut = max((mark.end() for mark in _BEFORE_UNIT.finditer(words, start, kind_start)), default=start)
            if kind[0] in "省市区县" and not words[cut:kind_start].endswith(_short_names()):
                cut = kind_start  # what stands before 市政府 is a town's name or none of it
            name = words[cut:end]
            if len(name) > len(kind) or kind.startswith(tuple("省市区县镇乡")):
                found.setdefault(name, Unit(name, field, (cut, end)))
    return list(found.values())


@lru_cache(maxsize=2)  # for both of the above
def _read(title: str, text: str) -> tuple[tuple[Field, str], tuple[Field, str]]:
    """What is read of a document, simplified."""
    return ("title", simplified(title)), ("text", simplified(text[:READ]))


_FUNCTIONS = (
    "住房和城乡建设|住房保障|住建|城市管理和综合执法|城市管理综合执法|城市管理|城管执法|城管|综合执法|教育体育|教育|教体|公安交通管理|公安|交警"
    "|民政|人力资源和社会保障|人力资源社会保障|人社|社会保险|社保|卫生健康|卫健|生态环境|环境保护|环保|自然资源和规划|自然资源|国土资源|国土|规划"
    "|市场监督管理|市场监管|工商行政管理|工商|食品药品监督管理|食药监|税务|财政|发展和改革|发展改革|发改|交通运输|交通|水务|水利|农业农村|农业"
    "|应急管理|审计|医疗保障|医保|信访|司法|文化和旅游|文旅|退役军人事务|统计|园林|林业|气象|房产管理|房管|住房公积金管理|公积金管理|公积金"
    "|消防救援|消防|供电|数据|行政审批服务|政务服务|商务|科技|工业和信息化|工信|劳动监察|不动产登记|疾病预防控制|疾控|体育|民族宗教事务|邮政管理"
)
_BODIES = "委员会|管理局|执法局|分局|总局|局|委|厅|办公室|办|执法大队|大队|支队|总队|中队|服务中心|中心|所"
_OTHERS = "派出所|街道办事处|街道办|居民委员会|居委会|村民委员会|村委会|管理委员会|管委会|人民政府|人民法院|人民检察院"
_KIND = rf"(?:{_FUNCTIONS})(?:{_BODIES})|{_OTHERS}|[省市区县镇乡]政府|[省市区县]委(?=书记|[^员托屈])"
_KINDS = re.compile(_KIND)
_PLAIN_BEFORE = re.compile(r"[\u4e00-\u9fff]{0,8}\Z")
"""Of what stands before a kind, all that may be its name."""
_BEFORE_UNIT = re.compile(
    r"到了|打给|打了|找了|希望|投诉|举报|看看|关于|呼吁|昨天|今天|反映|当着|然后|而且|齐聚|取得|之前|多次|[过向到找给由被和在请是的去让与对及但又还经从往该个各问说往来就都也叫要]|相关|当地|负责|属地|所在|[本我你贵](?=[省市区县镇乡街])|[我你他]们"
)


class _Found(NamedTuple):
    start: int
    end: int
    codes: tuple[str, ...]
    whole: bool
    """Whether it stands there with its suffix."""
    word: str
    after: str
    at: bool
    """Whether it stands after 在, 到 and the like."""


class _Named:
    __slots__ = ("at", "codes", "end", "field", "start", "whole", "word")

    def __init__(self, field: str, found: _Found) -> None:
        self.field: Field = field  # type: ignore[assignment]
        self.start, self.end, self.codes, self.whole, self.word, _, self.at = found


def _names(words: str) -> list[_Found]:
    """What may be names, none overlapping another: the longer first, of equals the earlier."""
    found = []
    for start, word, whole, codes in _name_table().find(words):
        stop = start + len(word)
        if _NO_PLACE_AFTER.match(words, stop) or words[max(0, start - 1) : start] in (*_NO_PLACE_BEFORE.get(word, ""),):
            continue
        at = _AT.search(words, max(0, start - 3), start) is not None
        found.append(_Found(start, stop, codes, whole, word, words[stop : stop + 1], at))
    taken: list[_Found] = []
    for one in sorted(found, key=lambda one: (-(one.end - one.start), one.start)):
        if one.whole and one.word.endswith("市") and one.after in ("场", "值"):
            continue  # 北京市场: the shorter name stays
        if all(one.end <= other.start or one.start >= other.end for other in taken):
            taken.append(one)
    return sorted(taken)


def _certain(name: _Named) -> Division | None:
    """The division that the name is whatever stands around it."""
    divisions = [all_divisions()[code] for code in name.codes]
    if name.whole:
        return divisions[0] if len(divisions) == 1 and name.word not in GENERIC else None
    if name.word in WORDS:
        return None
    high = [division for division in divisions if division.level != "county"]
    if high:
        # 吉林, 海南: the province, as long as nothing says the city.
        return min(high, key=lambda division: (division.level != "province", division.code))
    cities = [division for division in divisions if division.name.endswith("市")]
    return cities[0] if len(divisions) == 1 and cities and name.at else None


def _told(name: _Named, before: str, context: set[str], own: str) -> tuple[str, float]:
    """The code of the division, and how sure it is; "" where it can't be told."""
    if before:
        within = [code for code in name.codes if before in codes_above(code)]
        # 甘肃白银: the city, not the district of the same name in it.
        within = [code for code in within if not set(codes_above(code)) & set(within)]
        if len(within) == 1:
            return within[0], 0.97
    certain = _certain(name)
    if certain is not None:
        return certain.code, 0.95 if name.whole else 0.85
    if not name.whole or name.word in GENERIC:
        return "", 0.0
    within = [code for code in name.codes if set(codes_above(code)) & context]
    if len(within) == 1:
        return within[0], 0.85
    for around in (own, *codes_above(own)) if own else ():
        nearest = [code for code in within or name.codes if around in codes_above(code)]
        if nearest:
            return (nearest[0], 0.8) if len(nearest) == 1 else ("", 0.0)
    return "", 0.0


@lru_cache(maxsize=4_096)
def _of_region(region: str | None) -> Division | None:
    """The division that a source's own region names, the deepest."""
    if not region:
        return None
    code = ""
    for found in _names(region):
        told, _ = _told(_Named("text", found), code, {code, *codes_above(code)} if code else set(), "")
        code = told or code
    return all_divisions().get(code)


def _offices(words: str) -> Iterator[tuple[int, int, int]]:
    """The offices, none overlapping the one before: where the name may start, where the kind does, and the end.

    An automaton finds them far sooner than a pattern of two thousand alternatives, which in most posts finds nothing.
    """
    starts = sorted({end + 1 - length for end, length in _kind_words().iter(words)})
    done = 0
    for start in starts:
        kind = _KINDS.match(words, start) if start >= done else None
        if kind is not None:
            before = _PLAIN_BEFORE.search(words, max(done, start - 8), start)
            yield before.start() if before else start, start, kind.end()
            done = kind.end()


@lru_cache(maxsize=1)
def _kind_words() -> Any:
    """Finds the words of `_KIND`; values are their lengths."""
    automaton = ahocorasick.Automaton()
    bodies = [function + body for function in _FUNCTIONS.split("|") for body in _BODIES.split("|")]
    plain = [level + "政府" for level in "省市区县镇乡"] + [level + "委" for level in "省市区县"]
    for kind in (*bodies, *_OTHERS.split("|"), *plain):
        automaton.add_word(kind, len(kind))
    automaton.make_automaton()
    return automaton


@lru_cache(maxsize=1)
def _short_names() -> tuple[str, ...]:
    return tuple({name for division in all_divisions().values() if len(name := without_suffix(division.name)) >= 2})


class _NameTable:
    """Finds every name, by the two letters that it begins with.

    An automaton took seven times as long: it seeks each letter among the 1,500 that a name may begin with, one by one.
    """

    def __init__(self, names: Mapping[str, tuple[bool, tuple[str, ...]]]) -> None:
        self._names = names
        lengths: dict[str, set[int]] = defaultdict(set)
        for name in names:
            lengths[name[:2]].add(len(name))
        self._lengths = {pair: sorted(found) for pair, found in lengths.items()}
        self._begins = np.zeros(1 << 20, np.bool_)
        self._begins[_pairs("".join(lengths))[::2]] = True

    def find(self, words: str) -> Iterator[tuple[int, str, bool, tuple[str, ...]]]:
        """Where each begins, the name, whether it is whole, and the codes it may be."""
        for start in np.flatnonzero(self._begins[_pairs(words)]).tolist():
            for length in self._lengths.get(words[start : start + 2], ()):
                word = words[start : start + length]
                if word in self._names:
                    yield start, word, *self._names[word]


def _pairs(words: str) -> npt.NDArray[np.uint32]:
    """A number for each two letters that follow one another, the same for few others."""
    points = code_points(words)
    return (points[:-1] * np.uint32(0x9E37) ^ points[1:]) & np.uint32((1 << 20) - 1)


@lru_cache(maxsize=1)
def _name_table() -> _NameTable:
    """Every whole and short name."""
    whole: dict[str, list[str]] = defaultdict(list)
    short: dict[str, list[str]] = defaultdict(list)
    for division in all_divisions().values():
        whole[division.name].append(division.code)
        name = without_suffix(division.name)
        if len(name) >= 2 and name != division.name:
            short[name].append(division.code)
            if division.name.endswith(("自治州", "自治县", "自治旗")):
                whole[name + division.name[-1]].append(division.code)  # 恩施州, 前郭县
    return _NameTable(
        {
            name: (is_whole, tuple(sorted(codes)))
            for names, is_whole in ((short, False), (whole, True))
            for name, codes in names.items()
        }
    )
