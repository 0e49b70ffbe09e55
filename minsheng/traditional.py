"""Traditional characters and the simplified ones that they count as, each for one, by OpenCC's table."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def simplified_forms() -> dict[str, str]:
    """Traditional character → the simplified one."""
    lines = resources.files("minsheng").joinpath("traditional.txt").read_text(encoding="utf-8").splitlines()
    return {pair[0]: pair[1] for pair in lines[1:]}


@lru_cache(maxsize=1)
def simplifying() -> dict[int, str]:
    """The same for `str.translate`."""
    return {ord(old): new for old, new in simplified_forms().items()}


@lru_cache(maxsize=1)
def _traditional() -> frozenset[str]:
    return frozenset(simplified_forms())


def simplified(text: str) -> str:
    """The text with simplified for traditional characters; all positions stay.

    Examples
    --------
    >>> simplified("盤龍區住建局")
    '盘龙区住建局'
    """
    return text if _traditional().isdisjoint(text) else text.translate(simplifying())
