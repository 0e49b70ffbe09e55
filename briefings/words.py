"""The words that readers of briefings see for labels and times."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal

from alerts.responses.aftermath import wilson
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
LEVEL_NAMES: dict[Level, str] = {"red": "Ⅰ级", "orange": "Ⅱ级", "yellow": "Ⅲ级", "blue": "Ⅳ级"}
_WEEKDAYS = "一二三四五六日"


def day_words(day: date) -> str:
    """2026年5月1日（星期五）"""
    return f"{day.year}年{day.month}月{day.day}日（星期{_WEEKDAYS[day.weekday()]}）"


def time_words(moment: datetime) -> str:
    """5月1日 08:30, China time."""
    local = moment.astimezone(CHINA)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def stretch_words(since: datetime, until: datetime) -> str:
    """A stretch of time by its days where it begins with one: 2026年5月5日至8日, 2026年5月5日至8日（截至12:30）."""
    begin, end = since.astimezone(CHINA), until.astimezone(CHINA)
    midnight = begin.time() == end.time() == time()
    last = end - timedelta(days=1) if midnight else end
    year = "" if begin.year == last.year else f"{last.year}年"
    if begin.time() != time():
        return f"{begin.year}年{time_words(begin)}至{year}{time_words(end)}"
    month = "" if (begin.year, begin.month) == (last.year, last.month) else f"{last.month}月"
    days = f"{begin.year}年{begin.month}月{begin.day}日"
    if begin.date() != last.date():
        days += f"至{year}{month}{last.day}日"
    return days if midnight else f"{days}（截至{end:%H:%M}）"


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


def interval_words(part: int, whole: int) -> str:
    """The 95 % interval of a share (Wilson): 18.1%—24.8%. Empty where there is nothing to share."""
    if not whole:
        return ""
    low, high = interval(part, whole)
    return f"{100 * low:.1f}%—{100 * high:.1f}%"


def interval(part: int, whole: int) -> tuple[float, float]:
    """Between which shares, 0 to 1, the true one lies in 95 of 100 cases, by Wilson's method."""
    found = wilson(part, whole, 1.96)
    return found.low, found.high


def number_words(number: int) -> str:
    """一, 十二, 二十, 一百零三: for headings, up to 999.

    Examples
    --------
    >>> [number_words(one) for one in (3, 10, 12, 20, 103, 110)]
    ['三', '十', '十二', '二十', '一百零三', '一百一十']
    """
    digits = "零一二三四五六七八九"
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    found = f"{digits[hundreds]}百" if hundreds else ""
    if tens:
        found += "十" if tens == 1 and not hundreds else f"{digits[tens]}十"
    elif hundreds and ones:
        found += "零"
    return found + (digits[ones] if ones or not number else "")


def share_words(part: int, whole: int) -> str:
    """21.3%; a dash where there is nothing to share."""
    return f"{100 * part / whole:.1f}%" if whole else "—"
