"""What a text states in figures: amounts, shares, spans, days, and yes or no, in one form whatever the spelling."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Literal

import msgspec

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SIZES = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}
_UNITS = {
    **{
        unit: unit
        for unit in [
            "倍",
            "人",
            "次",
            "户",
            "级",
            "折",
            "公里",
            "小时",
            "分钟",
            "元",
            "年",
            "立方米",
            "平方米",
            "工作日",
            "百分点",
            "%",
        ]
    },
    **dict.fromkeys(("块", "块钱"), "元"),
    **dict.fromkeys(("％",), "%"),
    **dict.fromkeys(("个百分点",), "百分点"),
    **dict.fromkeys(("立方", "方", "吨"), "立方米"),
    **dict.fromkeys(("平米", "㎡"), "平方米"),
    **dict.fromkeys(("个工作日",), "工作日"),
    **dict.fromkeys(("天", "日"), "天"),
    **dict.fromkeys(("个月", "月"), "月"),
    **dict.fromkeys(("周岁", "岁"), "岁"),
    **dict.fromkeys(("时", "点"), "点"),
}
"""What a unit is written as → the unit; a ton of water is a cubic metre."""
_NUMBER = r"(?:\d+(?:,\d{3})*(?:\.\d+)?|[零〇一二两三四五六七八九十百千]+)"
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_FIGURE = re.compile(
    rf"(?P<share>百分之|万分之|千分之|[零一二三四五六七八九十]+分之)?(?P<number>{_NUMBER})(?P<large>[万亿]*)(?P<unit>{_UNIT})?"
)
_DATE = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]")
_YEAR = re.compile(r"(?:19|20)\d{2}年(?!\d)")
_CITED = re.compile(r"[《〈][^》〉]*[》〉]|〔\d{4}〕\d*号?|第[零一二三四五六七八九十百千\d]+[条款项章节级]")
_NO = re.compile(
    r"^(?:不可以|不能|不行|不是|不需要|不用|不必|不合规|不收费?|不要|否|没有|无须|无需|不得|不允许|禁止|不属于|不包括)"
)
_YES = re.compile(r"^(?:可以|能|是的?|需要|要|有的?|合规|允许|必须|应当|属于|包括|支持|会)(?!否|不)")
_FIRST = re.compile(r"[。！？!?；;，,\n]")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """`values`: unit → the values stated in it; `says`: what a yes-or-no answer says, None where it is none."""

    values: dict[str, frozenset[float]]
    says: Literal["yes", "no"] | None


def statement_of(text: str) -> Statement:
    """What a text states. Names of documents, 文号 and numbers of clauses are left out.

    Examples
    --------
    >>> statement_of("可以，自受理之日起五个工作日内退还，百分之六十").values
    {'工作日': frozenset({5.0}), '%': frozenset({60.0})}
    """
    plain = _CITED.sub(" ", text)
    values: dict[str, set[float]] = defaultdict(set)

    def dated(found: re.Match[str]) -> str:
        values["日期"].add(int(found[1] or 0) * 10_000 + int(found[2]) * 100 + int(found[3]))
        return " "

    plain = _YEAR.sub(" ", _DATE.sub(dated, plain))
    for found in _FIGURE.finditer(plain):
        share, unit = found["share"], _UNITS.get(found["unit"] or "")
        if unit is None and share is None:
            continue
        value = number_of(found["number"])
        for sign in found["large"]:
            value *= _LARGE[sign]
        if share:
            whole = {"百分之": 100, "万分之": 10_000, "千分之": 1_000}.get(share) or number_of(share[:-2])
            unit, value = "%", round(value / whole * 100, 6) if whole else value
        if unit is not None:
            values[unit].add(float(value))
    return Statement(values={unit: frozenset(found) for unit, found in values.items()}, says=_says(text))


def number_of(text: str) -> float:
    """A number in digits or in Chinese below ten thousand: 12, 1,200, 二十, 一百零五."""
    if text[0].isdigit():
        return float(text.replace(",", ""))
    total, digit = 0, 0
    for sign in text:
        if sign in _SIZES:
            total += (digit or 1) * _SIZES[sign]
            digit = 0
        else:
            digit = digit * 10 + _DIGITS[sign] if digit and sign not in "零〇" else _DIGITS[sign]
    return float(total + digit)


def _says(text: str) -> Literal["yes", "no"] | None:
    opening = _FIRST.split(re.sub(r"^(?:您好|你好)?[，,！!。\s]*", "", text.strip()), maxsplit=1)[0]
    if _NO.match(opening):
        return "no"
    return "yes" if _YES.match(opening) else None
