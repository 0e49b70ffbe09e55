"""The words that readers of briefings see for labels and times."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from minsheng.clock import CHINA

Level = Literal["red", "orange", "yellow", "blue"]
LEVELS: dict[Level, str] = {
    "red": "Ⅰ级（特别重大）",
    "orange": "Ⅱ级（重大）",
    "yellow": "Ⅲ级（较大）",
    "blue": "Ⅳ级（一般）",
}
"""Levels from the gravest."""

SENTIMENTS = {"negative": "负面", "neutral": "中性", "positive": "正面"}
REQUESTS = {
    "complaint": "投诉",
    "report": "举报",
    "help": "求助",
    "inquiry": "咨询",
    "suggestion": "建议",
    "praise": "表扬",
    "none": "无明确诉求",
}
KINDS = {"news": "新闻", "post": "帖文", "message": "留言", "reply": "回复", "hot-search": "热搜"}
_WEEKDAYS = "一二三四五六日"


def day_words(day: date) -> str:
    """2026年5月1日（星期五）"""
    return f"{day.year}年{day.month}月{day.day}日（星期{_WEEKDAYS[day.weekday()]}）"


def time_words(moment: datetime) -> str:
    """5月1日 08:30, China time."""
    local = moment.astimezone(CHINA)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def duration_words(seconds: float) -> str:
    """A length of time in its two largest units: 2小时5分, 3天4小时, 不足1分钟."""
    minutes = int(abs(seconds) // 60)
    if minutes == 0:
        return "不足1分钟"
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "天"), (hours, "小时"), (minutes, "分")]
    while parts[0][0] == 0:
        parts.pop(0)
    return "".join(f"{number}{unit}" for number, unit in parts[:2] if number)


def share_words(part: int, whole: int) -> str:
    """21.3%; a dash where there is nothing to share."""
    return f"{100 * part / whole:.1f}%" if whole else "—"
