"""文号 in folded text, in every spelling: brackets or none, 年, 第, leading zeros, 号 left out, Chinese numerals, and
lists that name the issuer once (川办发〔2023〕12、13号)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from classifiers.folding import fold
from classifiers.regions import is_deictic
from classifiers.words import WINDOW, lexicon
from minsheng.policies import standard_number

_DIGITS = {**{digit: value for value, digit in enumerate("零一二三四五六七八九")}, "〇": 0, "○": 0, "两": 2, "o": 0}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_HAN = "零〇○一二两三四五六七八九十百千"

_SERIAL = rf"(?P<serial>\d{{1,5}}(?!\d)|[{_HAN}]{{1,9}}(?![{_HAN}]))"
_NO_MEASURE = r"(?![月日年个条项份天岁元倍次届版期%.])"
"""Without 号, a number followed by one of these counts or dates something."""
_NO_PLACE = r"(?!楼|栋|幢|院|门|馆|线|店|室|厅|库|桌|机|床|铺|仓|窗|车|台|坑|矿|井|球|桥|路|站)"
"""号 followed by one of these numbers a house, a bus line, a window."""
_NO_DAY = r"(?!起|开|截|之?前|之?后|以[前后]|当|上午|下午|中午|早|晚|凌晨|夜|举|来|到|至|召)"
"""号 followed by one of these is a day of the month; asked of the later items of a list only."""

_SHAPE = re.compile(
    r"(?P<open>[\[(]?)(?P<year>(?:19|20)\d{2}|(?<=[\[(])\d{2}|[一二][九〇零○o][〇零○o一二三四五六七八九]{2})"
    rf"年?(?P<close>[\])]?)-?第?(?P<box>[\[(])?0*{_SERIAL}(?(box)[\])])(?:(?P<end>号){_NO_PLACE}|{_NO_MEASURE}(?!号))"
)
_NEXT = re.compile(rf"(?P<mark>[、,;]|和|及|与|以及)第?0*{_SERIAL}(?P<end>号?)")
_LAST = re.compile(rf"号{_NO_PLACE}{_NO_DAY}")
_ELIDED = "、,;和及与以为至到同"
"""What may stand before a 文号 that leaves out the issuer named before it."""
_SENTENCE = re.compile(r"[。!?！？\n]")
_WITHOUT_YEAR = re.compile(rf"第?0*{_SERIAL}号文")
_PART = re.compile(r"-(\d{1,5})(?!\d)")
_ORDER = re.compile(r"^(?P<issuer>.+)(?P<act>令|公告)\(?第?(?P<serial>\d{1,5})号\)?$")
_ORDER_SERIAL = re.compile(rf"(?P<open>\()?第?0*{_SERIAL}号(?(open)\)|{_NO_PLACE})")
_NUMBERED = {act: re.compile(rf"第?0*{_SERIAL}号{act}") for act in ("令", "公告")}
"""省政府第118号令, as people say it."""
_SHORT_ISSUERS = (("人民政府", "政府"), ("人民代表大会常务委员会", "人大常委会"))
"""How the issuers of orders are called in full and in short."""

_ISSUER_BEGINS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼国省市县区州党府中"
"""A 文号 whose issuer is preceded by one of these belongs to a longer issuer: 川府发 is not 府发."""

_COMMON = 9.0
"""Cost (in nats, see `classifiers.words`) up to which a single character before a 文号 is taken for a word: 按, 见, 提;
above are those that names are made of."""

SURE = 0.99
WITHOUT_YEAR = 0.7
"""Confidence of a 文号 whose year is left out (川办发12号文), where no other year of that issuer has the serial."""


class FoundNumber(NamedTuple):
    """A range of the folded text, the policies (by their places in the register) whose 文号 stands there, and how sure
    that is."""

    start: int
    end: int
    places: frozenset[int]
    confidence: float = SURE


class NumberIndex:
    """The 文号 of a register.

    Examples
    --------
    >>> index = NumberIndex()
    >>> index.add("川办发〔2023〕12号", 0), index.add("川办发〔2023〕13号", 1)
    (True, True)
    >>> [(one.start, one.end, *one.places) for one in index.find(fold("见川办发（2023）第012、13号。"))]
    [(1, 12, 0), (13, 16, 1)]
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str, int, int], set[int]] = defaultdict(set)
        self._of_any_year: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._orders: dict[tuple[str, str], dict[int, set[int]]] = {}
        self._lengths: list[int] = []
        self._issuers: set[str] = set()

    def add(self, number: str, place: int) -> bool:
        """Add a policy's 文号, with year and serial, or an order's (省人民政府令第12号). False where it is neither."""
        standard = standard_number(number)
        if standard is None:
            order = _ORDER.match(fold(number))
            if order is None:
                return False
            for issuer in {order["issuer"], *(order["issuer"].replace(*names) for names in _SHORT_ISSUERS)}:
                self._orders.setdefault((issuer, order["act"]), {}).setdefault(int(order["serial"]), set()).add(place)
            return True
        issuer, rest = fold(standard).split("[", 1)
        year, serial = rest.rstrip("号").split("]")
        self._places[issuer, int(year), int(serial)].add(place)
        self._of_any_year[issuer, int(serial)].add(place)
        self._issuers.add(issuer)
        self._lengths = sorted({len(one) for one in self._issuers}, reverse=True)
        return True

    def find(self, folded: str) -> Iterator[FoundNumber]:
        """Every 文号 of the register in the text."""
        if "号" not in folded and "[" not in folded and "(" not in folded:
            return
        yield from self._with_year(folded)
        if "号文" in folded:
            yield from self._without_year(folded)
        yield from self._of_orders(folded)

    def _with_year(self, folded: str) -> Iterator[FoundNumber]:
        last_issuer, last_end = None, 0
        for found in _SHAPE.finditer(folded):
            if bool(found["open"]) != bool(found["close"]) or not (found["end"] or found["open"]):
                continue
            part = None if found["end"] else _PART.match(folded, found.end())
            if part and int(part[1]) <= _value(found["serial"]):
                continue  # 2-1号 is another document than 2号; 2-5号 are several
            start, year = found.start(), _year(found["year"])
            issuer = self._issuer_before(folded, start)
            if issuer is not None:
                start -= len(issuer)
            elif (
                last_issuer is not None
                and found["open"]
                and folded[start - 1] in _ELIDED
                and not _SENTENCE.search(folded, last_end, start)
            ):
                issuer = last_issuer
            if issuer is None:
                continue
            last_issuer, last_end = issuer, found.end()
            yield from self._known(start, found.end(), issuer, year, found["serial"])
            for item_start, item_end, serial in _list_after(folded, found.end(), bool(found["end"])):
                yield from self._known(item_start, item_end, issuer, year, serial)

    def _known(self, start: int, end: int, issuer: str, year: int, serial: str) -> Iterator[FoundNumber]:
        places = self._places.get((issuer, year, _value(serial)))
        if places:
            yield FoundNumber(start, end, frozenset(places))

    def _without_year(self, folded: str) -> Iterator[FoundNumber]:
        for found in _WITHOUT_YEAR.finditer(folded):
            issuer = self._issuer_before(folded, found.start())
            places = self._of_any_year.get((issuer, _value(found["serial"]))) if issuer else None
            if issuer and places:
                yield FoundNumber(found.start() - len(issuer), found.end() - 1, frozenset(places), WITHOUT_YEAR)

    def _of_orders(self, folded: str) -> Iterator[FoundNumber]:
        for (issuer, act), serials in self._orders.items():
            start = folded.find(issuer)
            while start >= 0:
                end = start + len(issuer)
                found = _ORDER_SERIAL.match(folded, end + len(act)) if folded.startswith(act, end) else None
                found = found or _NUMBERED[act].match(folded, end)
                if found and (places := serials.get(_value(found["serial"]))):
                    yield FoundNumber(start, found.end(), frozenset(places))
                start = folded.find(issuer, end)

    def _issuer_before(self, folded: str, position: int) -> str | None:
        """The longest known issuer that ends at `position` and is not part of a longer one's name."""
        for length in self._lengths:
            start = position - length
            if start >= 0 and folded[start:position] in self._issuers:
                return None if _belongs_to_longer(folded, start, position) else folded[start:position]
        return None


def _list_after(folded: str, position: int, closed: bool) -> Iterator[tuple[int, int, str]]:
    """The further serials of a list: start, end and serial of each. `closed`: the one before has its 号.

    12、13号 and 12号、13号 are lists; after a 号, a comma begins something else (12号，16号楼).
    """
    waiting: list[tuple[int, int, str]] = []
    while found := _NEXT.match(folded, position):
        if closed and found["mark"] in ",;":
            break
        start = found.start("serial")
        if found["end"]:
            if _LAST.match(folded, found.end() - 1) is None:
                break
            yield from waiting
            waiting.clear()
            yield start, found.end(), found["serial"]
        else:
            waiting.append((start, found.end(), found["serial"]))
        closed, position = bool(found["end"]), found.end()


def _year(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text) + (2000 if len(text) == 2 else 0)
    return int("".join("9" if one == "九" else str(_DIGITS[one]) for one in text))


def _value(text: str) -> int:
    """A serial's value; 一百一十二, 一一二 and 112 alike."""
    if text.isdecimal():
        return int(text)
    if not any(one in _UNITS for one in text):
        return int("".join(str(_DIGITS[one]) for one in text))
    total = digit = 0
    for one in text:
        if one in _UNITS:
            total += (digit or 1) * _UNITS[one]
            digit = 0
        else:
            digit = _DIGITS[one]
    return total + digit


def _belongs_to_longer(folded: str, start: int, end: int) -> bool:
    """Whether the character before an issuer is part of a longer one's name: 省, a province's short name, one that is
    no word by itself there, or the first of a word that the issuer cuts (四川办发 is not 川办发)."""
    before = folded[max(0, start - WINDOW) : start]
    if not before or not "\u4e00" <= before[-1] <= "\u9fff" or is_deictic(before):
        return False
    if before[-1] in _ISSUER_BEGINS:
        return True
    words = lexicon()
    word = words.split(before)[-1]
    if len(word) == 1 and words.cost(word) > _COMMON:
        return True
    return not words.stands_alone(before + folded[start:end], len(before), len(before) + end - start)
