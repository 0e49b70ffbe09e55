"""Risk levels, as the State Council's rules on public-opinion response name them."""

from __future__ import annotations

from typing import Literal, get_args

Level = Literal["none", "blue", "yellow", "orange", "red"]
LEVELS: tuple[Level, ...] = get_args(Level)

CHINESE: dict[str, str] = {
    "none": "无风险",
    "blue": "Ⅳ级（蓝色）",
    "yellow": "Ⅲ级（黄色）",
    "orange": "Ⅱ级（橙色）",
    "red": "Ⅰ级（红色）",
}
SHORT: dict[str, str] = {
    "none": "无风险",
    "blue": "蓝色预警",
    "yellow": "黄色预警",
    "orange": "橙色预警",
    "red": "红色预警",
}


def rank(level: str) -> int:
    """0 for none to 4 for red, for comparison."""
    return LEVELS.index(level)
