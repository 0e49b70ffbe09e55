"""The standard's fonts, and which fonts for Chinese this machine has.

GB/T 9704 asks for fonts that are not free. Documents name them, and say beside each what stands in for it.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import msgspec

SONG, HEI, KAI, FANG, FOOT = "方正小标宋简体", "黑体", "楷体", "仿宋", "宋体"

DRAWN = ("Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "PingFang SC")
"""What charts are drawn in, the first one that is there."""
_CHINESE = re.compile(r"CJK|Han Sans|Han Serif|Hei|Song|Sung|Ming|SimSun|Kai")
_SERIF = re.compile(r"Serif CJK|Han Serif|Song|Sung|Ming|SimSun|Kai")
"""Song, Ming, Kai and Fangsong faces, by what fonts call themselves in Latin letters."""


class Instead(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in for a font. `family`, `panose`: its class, by which programs without either choose another."""

    name: str
    family: str
    panose: str


_SERIFED = Instead(name="Noto Serif CJK SC", family="roman", panose="02020603050405020304")
_PLAIN = Instead(name="Noto Sans CJK SC", family="swiss", panose="020B0604020202020204")
INSTEAD = {SONG: _SERIFED, HEI: _PLAIN, KAI: _SERIFED, FANG: _SERIFED, FOOT: _SERIFED}


@functools.cache
def installed_fonts() -> tuple[str, ...]:
    """Those of `DRAWN`, and other fonts for Chinese, that this machine has."""
    from matplotlib import font_manager

    there = _names(font_manager.fontManager)
    if not any(map(_CHINESE.search, there)):
        there = _names(_looked_anew())
    found = [name for name in DRAWN if name in there]
    # The first face of Noto's collections may bear the Japanese name; its simplified Chinese shapes are near enough.
    found += sorted(name for name in there if _CHINESE.search(name) and name not in found)
    return tuple(found)


def serif_fonts() -> tuple[str, ...]:
    """Those of `installed_fonts` that text can be set in as the standard asks: no sans face."""
    found = [name for name in installed_fonts() if _SERIF.search(name)]
    return tuple(sorted(found, key=lambda name: name not in {one.name for one in INSTEAD.values()}))


def _names(manager: Any) -> set[str]:
    return {font.name for font in manager.ttflist}


def _looked_anew() -> Any:
    """matplotlib keeps a list of the fonts that were there at its first use, and never looks again by itself."""
    import matplotlib as mpl
    from matplotlib import font_manager

    fresh = font_manager.FontManager()
    font_manager.fontManager.ttflist = fresh.ttflist
    font_manager.json_dump(fresh, Path(mpl.get_cachedir(), f"fontlist-v{font_manager.FontManager.__version__}.json"))
    return fresh
