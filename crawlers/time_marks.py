"""How times look in the lines of a page: what is searched for to tell a line with a time from one without.

What the time is, is read by `crawlers.dates`.
"""

from __future__ import annotations

import re

ANY_TIME = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|(?<!\d)\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:\d{2}|\d+\s*(?:秒|分钟"
    r"|分鐘|小时"
    r"|小時|天|个月|周|年)前|(?:今天|昨天|前天)\s*\d{1,2}:\d{2}"
)
"""A time as it stands beside comments, posts and texts, with a year or without: months ago as well, which say too
little to be read (`FRESH`), but no day in Chinese numerals (`DATE`), which is more often the text's."""
DATE = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|[〇○零一二三四五六七八九]{4}年|\d{1,2}/\d{1,2}/\d{4}"
    r"|^\d{9,10}$|^\d{13}$"
)
"""A day with its year; or, as all there is, the seconds since 1970."""
FRESH = re.compile(
    r"(?<![\d./年-])(?:刚刚|\d+\s*(?:秒|分钟|分鐘|小时|小時|天)前|(?:今天|昨天|前天)(?:\s*\d{1,2}:\d{2})"
    r"|\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:\d{2})"
)
"""A time without a year: how long ago, a clock yesterday, a day with a clock."""
LABEL = re.compile(
    r"(?:发布|發布|發佈|发表|發表|发稿|公开|刊登|留言|来信|写信|提问|咨询|投诉|答复|回复|信息|生成|上传)[时日時][间期間]\s*[:：]"
    r"|(?:发布|发表|发稿|公开|刊登)[时日時][间期間]\s*(?=\d{4})"
    r"|(?<![\u4e00-\u9fff])[时日時][间期間]\s*[:：]|发[布表]于\s*[:：]?\s*(?=[\d今昨前刚])"
    r"|提交于|發表於|pubtime",
    re.IGNORECASE,
)
"""What a page calls the time at which something was published or written."""
CHANGED = re.compile(
    r"(?<=更新)(?:[时日][间期]\s*[:：]?|[:：])\s*\d{4}.{0,40}"
    r"|(?<=更新于|修改于|编辑于)\s*(?:\d{4}|\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:).{0,30}"
)
"""When a page was changed last, from behind the word that says so."""
