"""The administrative divisions of China down to counties, as the Ministry of Civil Affairs lists them."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Literal, NamedTuple

Level = Literal["province", "city", "county"]


class Division(NamedTuple):
    """An administrative division. `above` is the code of the one it belongs to, "" for provinces."""

    code: str
    name: str
    above: str

    @property
    def level(self) -> Level:
        if self.code.endswith("0000"):
            return "province"
        return "city" if self.code.endswith("00") else "county"


_PEOPLES = (
    "(?:(?:壮|回|维吾尔|藏|蒙古|苗|土家|彝|侗|布依|朝鲜|满|瑶|白|哈尼|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌"
    "|布朗|撒拉|毛南|仡佬|锡伯|塔吉克|怒|鄂温克|保安|裕固|独龙|鄂伦春|普米|哈萨克|各|门巴|珞巴)族|蒙古)*"
)
_SUFFIX = re.compile(
    rf"{_PEOPLES}(?:特别行政区|自治区|自治州|自治县|自治旗)$|维吾尔自治区$|壮族自治区$|[省市区县盟州旗]$|地区$|林区$|新区$"
)


@lru_cache(maxsize=1)
def all_divisions() -> dict[str, Division]:
    """Code → division, in the order of the codes."""
    lines = resources.files("classifiers").joinpath("divisions.tsv").read_text(encoding="utf-8").splitlines()
    return {row[0]: Division(*row) for row in (line.split("\t") for line in lines[1:])}


def codes_above(code: str) -> list[str]:
    """The codes of the divisions that one lies in, the nearest first."""
    found = []
    while code := all_divisions()[code].above if code else "":
        found.append(code)
    return found


def path_of(code: str) -> tuple[str, ...]:
    """The names from the province down."""
    return tuple(all_divisions()[one].name for one in (*reversed(codes_above(code)), code))


@lru_cache(maxsize=1)
def by_path() -> dict[str, str]:
    """The names of a path in one word (`湖南省长沙市岳麓区`), as documents carry them → code."""
    return {"".join(path_of(code)): code for code in all_divisions()}


@lru_cache(maxsize=1)
def _below() -> dict[str, tuple[Division, ...]]:
    found: dict[str, list[Division]] = {}
    for division in all_divisions().values():
        found.setdefault(division.above, []).append(division)
    return {code: tuple(within) for code, within in found.items()}


def divisions_in(code: str) -> tuple[Division, ...]:
    """The divisions directly in one, in the order of the codes; "": the provinces."""
    return _below().get(code, ())


def without_suffix(name: str) -> str:
    """湖南 of 湖南省, 恩施 of 恩施土家族苗族自治州; what is left may be a single character."""
    return _SUFFIX.sub("", name)
