"""Times as people type them on the command line."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from minsheng.clock import CHINA, Clock, SystemClock
from minsheng.errors import WrongUse
from minsheng.problems import Problem

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(m|h|d|w|分钟|小时|天|周)(?:前|ago)?")
_UNITS = {"m": "minutes", "分钟": "minutes", "h": "hours", "小时": "hours", "d": "days", "天": "days", "w": "weeks",
          "周": "weeks"}  # fmt: skip


def parse_time(text: str, clock: Clock | None = None) -> datetime:
    """A date, a date and time (China time where no zone is given), or an age: `90m`, `12h`, `2d`, `3天`.

    Raises
    ------
    WrongUse
        If it is none of these.
    """
    text = text.strip()
    ago = _AGO.fullmatch(text)
    if ago:
        try:
            return (clock or SystemClock()).now() - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        except OverflowError:
            raise WrongUse(f"'{text}' is too long ago", "write 2026-11-24, or an age such as 90m, 12h, 2d") from None
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise WrongUse(
            Problem("time-wrong", text=text), "write 2026-11-24, 2026-11-24T08:00, or an age such as 90m, 12h, 2d"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def parse_day(text: str | None) -> date | None:
    """A day; None for None. Raises `WrongUse`."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is no day", "write 2026-11-24") from None


def parse_moment(text: str) -> datetime:
    """A date, or a date and time, past or to come; China time where no zone is given. Raises `WrongUse`."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        raise WrongUse(Problem("time-wrong", text=text), "write 2026-11-24 or 2026-11-24T20:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def parse_span(text: str) -> timedelta:
    """A length of time: `90m`, `2h`, `3d`, `1w`, also 2小时. Raises `WrongUse`."""
    found = _AGO.fullmatch(text.strip())
    if found is None:
        raise WrongUse(f"'{text}' is no length of time", "write 90m, 2h, 3d or 1w")
    try:
        return timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        raise WrongUse(f"'{text}' is too long", "write 90m, 2h, 3d or 1w") from None


def parse_due(text: str, clock: Clock | None = None) -> datetime:
    """By when: a date (its end, China time), a date and time, or a span from now such as `4h`. Raises `WrongUse`."""
    plain = text.strip().removeprefix("+").removesuffix("后").strip()
    if _AGO.fullmatch(plain):
        return (clock or SystemClock()).now() + parse_span(plain)
    if re.fullmatch(r"\d{4}[-/]\d\d?[-/]\d\d?", plain):
        return parse_moment(f"{plain}T23:59:59")
    return parse_moment(plain)
