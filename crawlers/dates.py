"""Times as Chinese pages, feeds and services write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from minsheng.clock import CHINA

OLDEST = 2000
"""Nothing on today's web was published before this year; what says so has a broken clock or an empty field."""

_DIGITS = str.maketrans("０１２３４５６７８９：／－．〇○零一二三四五六七八九", "0123456789:/-.000123456789")
_CHINESE_DATE = re.compile(
    r"([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日"
)
_CLOCK = (
    r"(?:\s*(?:星期[一二三四五六日天]|周[一二三四五六日天]|[（(][^）)]{1,6}[）)]))?[\sT,，]*"
    r"(?P<half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚间|[AaPp][Mm])?\s*"
    r"(?P<hour>\d{1,2})\s*(?::|[时時点點])\s*(?P<minute>\d{1,2})?(?:\s*(?::|分)\s*(?P<second>\d{1,2}))?"
    r"(?:\.\d{1,9})?\s*秒?\s*(?P<half2>[AaPp][Mm])?\s*(?P<zone>Z\b|[+-]\d{2}:?\d{2}\b|(?:UTC|GMT)(?:[+-]\d{1,2})?)?"
)
_FULL = re.compile(
    r"(?<!\d)(?P<year>\d{4})\s*(?:年|[-/.])\s*(?P<month>\d{1,2})\s*(?:月|[-/.])\s*(?P<day>\d{1,2})(?!\d)\s*[日号]?"
    rf"(?:(?:-(?=\d{{1,2}}:\d{{2}}))?{_CLOCK})?"
)
_REPUBLIC = re.compile(
    r"(?:(?:中華)?民國\s*|(?<=[期間][:：])\s*)(1[01]\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)\s*日?"
)
_COMPACT = re.compile(
    r"(?<!\d)(?P<year>20\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:[T\s]?(?P<hour>[01]\d|2[0-3]):?(?P<minute>[0-5]\d)(?::?(?P<second>[0-5]\d))?)?(?!\d)"
)
_MONTH_FIRST = re.compile(rf"(?<!\d)(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>20\d{{2}})(?!\d)(?:{_CLOCK})?")
_NO_YEAR = re.compile(
    r"(?<![\d年/.-])(?P<month>\d{1,2})\s*(?:月|[-/])\s*(?P<day>\d{1,2})(?!\d)\s*[日号]?(?![-/.]\d)" rf"(?:{_CLOCK})?"
)
_RELATIVE_DAY = re.compile(rf"(?P<day>今天|今日|昨天|昨日|前天|前日)(?:{_CLOCK})?")
_AGO = re.compile(
    r"(?P<n>\d+|半|几|一)\s*(?:个)?(?P<unit>秒[钟鐘]?|分[钟鐘]?|小[时時]|[钟鐘][头頭]|天|日|周|星期|月|年)(?:之)?前"
)
_DAYS_BACK = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2, "前日": 2}
_UNITS = {
    "秒": timedelta(seconds=1),
    "分": timedelta(minutes=1),
    "小": timedelta(hours=1),
    "钟": timedelta(hours=1),
    "鐘": timedelta(hours=1),
    "天": timedelta(days=1),
    "日": timedelta(days=1),
    "周": timedelta(weeks=1),
    "星": timedelta(weeks=1),
    "月": timedelta(days=30),
    "年": timedelta(days=365),
}


_IN_URL = re.compile(
    r"(?:^|[/_=t-])(?P<year>20\d{2})[-/_]?(?P<month>0[1-9]|1[0-2])[-/_]?(?P<day>0[1-9]|[12]\d|3[01])(?!\d)"
    r"|/(?P<year2>20\d{2})/(?P<month2>\d{1,2})/(?P<day2>\d{1,2})/"
)


def day_in_url(url: str, zone: tzinfo = CHINA) -> datetime | None:
    """The day that an address carries, as many content systems put it there; None where it carries none.

    Examples
    --------
    >>> day_in_url("http://h.example/gov/202611/t20261123_123.html").date()
    datetime.date(2026, 11, 23)
    >>> day_in_url("http://h.example/n1/2026/1123/c1004-4.html").date()
    datetime.date(2026, 11, 23)
    """
    for match in _IN_URL.finditer(urlsplit(url).path):
        try:
            year, month, day = (int(match[part] or match[f"{part}2"]) for part in ("year", "month", "day"))
            return datetime(year, month, day, tzinfo=zone)
        except ValueError:
            continue
    return None


def parse_time(text: str, now: datetime, zone: tzinfo = CHINA) -> datetime | None:
    """Read the first time in `text`.

    Parameters
    ----------
    text:
        ISO 8601, RFC 822, Weibo's `Tue Nov 24 12:30:00 +0800 2026`, `2026年11月24日 12:30`, `2026/11/24`, `11-24`,
        `昨天 12:30`, `5分钟前`, epoch seconds or milliseconds.
    now:
        What relative times count from; a date without a year is taken as its latest day that is not in the future.
    zone:
        Of times that name none.

    Returns
    -------
    An aware time, or None where there is none in it. Whether it is believable is another question: `believable`.
    """
    text = text.strip()
    if not text:
        return None
    if re.fullmatch(r"\d{9,10}|\d{12,13}", text):
        return _epoch(text)
    if re.search(r"[A-Za-z]{3}", text):
        found = _english(text, zone)
        if found is not None:
            return found
    text = western_years(text) if "民國" in text else text
    text = _CHINESE_DATE.sub(_plain_date, text).translate(_DIGITS) if "年" in text else _full_width(text)
    local = now.astimezone(zone)
    readers: tuple[Callable[[str, datetime, tzinfo], datetime | None], ...] = (
        _full, _month_first, _ago, _relative_day, _compact, _no_year, _clock_only,
    )  # fmt: skip
    for reader in readers:
        found = reader(text, local, zone)
        if found is not None:
            return found
    return None


def western_years(text: str) -> str:
    """Dates of the Republic's years as Western ones, where the line says that they are dates.

    Examples
    --------
    >>> western_years("發布日期：115-11-24"), western_years("民國115年11月24日"), western_years("房號：115-11-24")
    ('發布日期：2026-11-24', '2026-11-24', '房號：115-11-24')
    """
    return _REPUBLIC.sub(lambda match: f"{int(match[1]) + 1911}-{match[2]}-{match[3]}", text)


def believable(time: datetime, now: datetime) -> bool:
    """False for times before the year 2000 and for times more than a day ahead."""
    return time.year >= OLDEST and time <= now + timedelta(days=1)


def _full_width(text: str) -> str:
    return text.translate(str.maketrans("０１２３４５６７８９：／－．", "0123456789:/-."))


def _epoch(text: str) -> datetime | None:
    seconds = int(text) / (1000 if len(text) >= 12 else 1)
    return datetime.fromtimestamp(seconds, UTC)


def _english(text: str, zone: tzinfo) -> datetime | None:
    weibo = re.search(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{2}:\d{2}:\d{2}) ([+-]\d{4}) (\d{4})", text)
    if weibo:
        month, day, clock, offset, year = weibo.groups()
        text = f"{day} {month} {year} {clock} {offset}"
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _plain_date(match: re.Match[str]) -> str:
    year, month, day = match.groups()
    try:
        return f"{year.translate(_DIGITS)}年{_number(month)}月{_number(day)}日"
    except ValueError:  # 十十月
        return match[0]


def _number(text: str) -> int:
    """A Chinese number up to 39, such as 二十四."""
    tens, ten, units = text.rpartition("十")
    if not ten:
        return int(text.translate(_DIGITS))
    return (int(tens.translate(_DIGITS)) if tens else 1) * 10 + (int(units.translate(_DIGITS)) if units else 0)


def _full(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    for match in _FULL.finditer(text):
        found = _build(int(match["year"]), match, zone)
        if found is not None:
            return found
    return None


def _month_first(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """`11/26/2026, 11:20:03 AM`, as scripts print times."""
    match = _MONTH_FIRST.search(text)
    return _build(int(match["year"]), match, zone) if match else None


def _compact(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    match = _COMPACT.search(text)
    if match is None:
        return None
    parts = [int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    try:
        return datetime(*parts, tzinfo=zone)  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def _no_year(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    for match in _NO_YEAR.finditer(text):
        for year in (now.year, now.year - 1):
            found = _build(year, match, zone)
            if found is not None and found <= now + timedelta(days=1):
                return found
    return None


def _relative_day(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    match = _RELATIVE_DAY.search(text)
    if match is None:
        return None
    day = now - timedelta(days=_DAYS_BACK[match["day"]])
    clock = _clock_of(match)
    if clock is None:
        return None if match["hour"] else day.replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(hour=clock[0], minute=clock[1], second=clock[2], microsecond=0)


def _ago(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    if text in ("刚刚", "刚才", "现在"):
        return now
    match = _AGO.search(text)
    if match is None:
        return None
    amount = {"半": 0.5, "几": 3.0, "一": 1.0}.get(match["n"])
    try:
        return now - _UNITS[match["unit"][0]] * (float(match["n"]) if amount is None else amount)
    except OverflowError:
        return None


def _clock_only(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """A bare `12:30` means today; one that is still to come, yesterday."""
    match = re.fullmatch(_CLOCK, text)
    clock = _clock_of(match) if match else None
    if clock is None:
        return None
    found = now.replace(hour=clock[0], minute=clock[1], second=clock[2], microsecond=0)
    return found if found <= now + timedelta(minutes=5) else found - timedelta(days=1)


def _clock_of(match: re.Match[str]) -> tuple[int, int, int] | None:
    """Hour, minute and second of a match of `_CLOCK`, None where there is none or it is no time of day."""
    if not match["hour"]:
        return None
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
    half = (match["half"] or match["half2"] or "").lower()
    if (half in ("下午", "傍晚", "晚上", "晚间", "pm") and hour < 12) or (half == "中午" and hour < 6):
        hour += 12
    elif half in ("am", "凌晨") and hour == 12:
        hour = 0
    return (hour, minute, min(second, 59)) if hour < 24 and minute < 60 and second <= 60 else None


def _build(year: int, match: re.Match[str], zone: tzinfo) -> datetime | None:
    clock = _clock_of(match) or (0, 0, 0)
    try:
        return datetime(year, int(match["month"]), int(match["day"]), *clock, tzinfo=_zone_of(match["zone"]) or zone)
    except ValueError:
        return None


def _zone_of(text: str | None) -> tzinfo | None:
    if not text:
        return None
    match = re.fullmatch(r"(?:UTC|GMT|Z)?(?:([+-])(\d{1,2}):?(\d{2})?)?", text)
    if match is None or not match[1]:
        return UTC
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return _fixed(offset if match[1] == "+" else -offset)


def _fixed(offset: timedelta) -> tzinfo:
    from datetime import timezone

    return timezone(offset)
