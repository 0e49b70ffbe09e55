"""How times look in the lines of a page: what is searched for to tell a line with a time from one without.

What the time is, is read by `crawlers.dates`.
"""

from __future__ import annotations

import re

DATED = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|(?<!\d)\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:\d{2}|\d+\s*(?:秒|分钟"
    r"|分鐘|小时"
    r"|小時|天|个月|周|年)前|(?:今天|昨天|前天)\s*\d{1,2}:\d{2}"
)
