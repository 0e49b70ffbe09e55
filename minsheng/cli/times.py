"""Times as people type them on the command line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from minsheng.clock import CHINA, Clock, SystemClock
from minsheng.errors import WrongUse

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
            f"'{text}' is no time", "write 2026-11-24, 2026-11-24T08:00, or an age such as 90m, 12h, 2d"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


_AHEAD = re.compile(r"\+?\s*(\d+(?:\.\d+)?)\s*(m|h|d|w|分钟|小时|天|周)(?:后)?")


def parse_due(text: str, clock: Clock | None = None) -> datetime:
    """A time to come: a date (its end, China time), a date and time, or a span from now: `90m`, `12h`, `2d`, `3天`.

    Raises
    ------
    WrongUse
        If it is none of these.
    """
    text = text.strip()
    ahead = _AHEAD.fullmatch(text)
    try:
        if ahead:
            return (clock or SystemClock()).now() + timedelta(**{_UNITS[ahead[2]]: float(ahead[1])})
        plain = text.replace("/", "-")
        moment = datetime.fromisoformat(f"{plain}T23:59:59" if re.fullmatch(r"\d{4}-\d\d?-\d\d?", plain) else plain)
    except (ValueError, OverflowError):
        raise WrongUse(
            f"'{text}' is no time to come", "write 2026-11-24, 2026-11-24T18:00, or a span such as 90m, 12h, 2d"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)
