"""When a page was published: the first time that is believed, of all that it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from crawlers import phrases
from crawlers.dates import believable, day_in_url, parse_time
from crawlers.metadata.declared import Declared
from crawlers.metadata.nearby import Near
from crawlers.outline import Outline
from crawlers.time_marks import CHANGED, DATE, FRESH, LABEL

_CLOCK = re.compile(r"\d{1,2}\s*[:：时点時點]\s*\d{1,2}")
_PERIOD = re.compile(r"\d{1,2}日?\s*(?:\d{1,2}[:：时]\d{0,2}分?)?\s*(?:至|到|—|–|~|起)")
"""From when on something is held, or open."""
_ANSWERED = re.compile(r"(?:答复|回复|办理|办结)[时日時][间期間]")
_SHORT_DAY = re.compile(
    r"(?:(?:编辑|发布|发表|更新|修改)于\s*)?(?P<day>(?:0[1-9]|1[0-2])-(?:[0-2]\d|3[01]))(?:\s+[\u4e00-\u9fff]{2,6})?"
)
"""A day without a year, alone or with where its author is: `编辑于 11-24 云江`."""
_DAY_ALONE = re.compile(r"(?:0[1-9]|1[0-2])[-/](?:0[1-9]|[12]\d|3[01])|\d{1,2}月\d{1,2}日")
"""A day without a year that is all an element says."""
_OTHER_TIMES = re.compile(
    # A name may stand behind the colon: 编辑：欧阳某 2026-11-24.
    r"(?:修改|更新|编辑|截止|截至|打印|成文|成稿|生效|实施|制作|生成|最后|注册|今天是|访问|当前|活动"
    r"|施行)[^\s:：]{0,4}[时日時]?[间期間]?\s*[:：]?\s*于?\s*(?=\d{4})|最后由.{1,30}?于\s*(?=\d{4})"
    r"|(?:修改|更新|编辑)于\s*(?=\d{1,2}[-月]\d{1,2}日?\s+\d{1,2}:)"
)


def published(
    declared: Declared, page: Outline, dating: Near, headline: int | None, begin: int, url: str, now: datetime
) -> tuple[datetime | None, str | None]:
    """The time, and what the page says of it where that can't be read.

    Parameters
    ----------
    dating:
        The lines around the headline that may say it.
    headline, begin:
        The place of the headline, and where the running text begins.
    """
    lines = page.texts()
    near = dating.all()
    said = declared.times()
    labelled, seen, fresh, signed = _times_near(dating)
    far = [line for line in lines if len(line) <= 120 and LABEL.search(line) and DATE.search(line)]
    far = [line for line in far if line in dating.over or not _PERIOD.search(line)][:2]
    candidates = [text for text in (*said, *labelled, *seen, *fresh) if _date_of(text, now)]
    if not candidates or not _CLOCK.search(candidates[0]):
        # Scripts are long, and seldom the only place; but what they call the time of publishing says more than a day
        # of signing.
        candidates += [text for text in declared.scripted_times() if _date_of(text, now)]
    if not candidates and (over := _day_over(page, headline, begin, now)) is not None:
        # One behind it may be that of signing, or a comment's.
        candidates.append(f"{over:%Y-%m-%d}")
    if not candidates and not any(map(CHANGED.search, near)) and (day := _date_in(url, now)):
        # A text is signed before it is published.
        candidates.append(f"{day:%Y-%m-%d}")
    candidates += [text for text in (*signed, *far) if _date_of(text, now)]
    if candidates:
        return _exact(candidates, now), None
    changed = [match[0] for line in near if (match := CHANGED.search(line))]
    if found := next((time for text in changed if (time := parse_time(text, now)) and believable(time, now)), None):
        return found, None
    if found := _date_in(url, now):
        return found, None
    days = (match["day"] for line in lines if len(line) <= 20 and (match := _SHORT_DAY.fullmatch(line)))
    if found := next((time for day in days if (time := parse_time(day, now)) and believable(time, now)), None):
        return found, None
    short = next((line for line in lines if len(line) <= 60 and DATE.search(line) and _date_of(line, now)), None)
    for text in (short, *declared.vague_times()):
        if text and (found := _date_of(text, now)):
            return found, None
    raw = next(iter((*said, *seen, *signed)), None)
    return None, raw[:100] if raw else None


def _times_near(dating: Near) -> tuple[list[str], list[str], list[str], list[str]]:
    """The lines near the headline that say a time: those with a label, those over the text without one, those without
    a year, and those in the text, which say when it was signed or held."""
    near = dating.all()
    labelled = [line for line in near if LABEL.search(line) and DATE.search(line)]
    # A message is as old as itself, not as its answer.
    labelled.sort(key=lambda line: _ANSWERED.search(line) is not None)
    seen, signed = (
        [line for line in part if DATE.search(line) and line not in labelled and len(line) <= 120]
        for part in (dating.over, dating.within)
    )
    # A day with a clock is the page's; a speech was held on the day in brackets under its title.
    seen.sort(key=lambda line: _CLOCK.search(line) is None)
    held = [line for line in seen if phrases.BRACKETED_DAY.fullmatch(line)]
    seen, signed = [line for line in seen if line not in held], [*held, *signed]
    # What a text calls a time is that of its matter where one stands over it, and always where it goes from one day to
    # another: 时间：11月27日至12月3日.
    in_text = [line for line in labelled if line not in dating.over]
    labelled = [line for line in labelled if line not in in_text]
    seen += [line for line in in_text if not _PERIOD.search(line)]
    fresh = [line for line in near if FRESH.search(line) and len(line) <= 60 and not DATE.search(line)]
    if fresh and fresh[0] in dating.over and not any(map(_CLOCK.search, seen)):
        # A day in a text's first lines says less than a time before it, if that has no year.
        behind = set(near[near.index(fresh[0]) :])
        seen, signed = [line for line in seen if line not in behind], [*(one for one in seen if one in behind), *signed]
    return labelled, seen, fresh, signed


def _day_over(page: Outline, headline: int | None, begin: int, now: datetime) -> datetime | None:
    """The day without a year that an element of its own names between headline and text."""
    for element, span in page.spans.items():
        if span.start >= begin:
            break
        if headline is not None and span.start > headline and not len(element):
            match = _DAY_ALONE.fullmatch((element.text or "").strip())
            if match and (day := parse_time(match[0], now)) and _is_recent(day, now):
                return day
    return None


def _is_recent(day: datetime, now: datetime) -> bool:
    """Whether a day without a year may be past: what seems to be most of a year ago is yet to come, as lectures are."""
    return now - day < timedelta(days=300)


def _exact(candidates: Sequence[str], now: datetime) -> datetime:
    """The first time; where that is a day only, made exact by a clock on the same day elsewhere."""
    first = _date_of(candidates[0], now)
    assert first is not None
    if _CLOCK.search(candidates[0]) or candidates[0].isdigit():
        return first
    for text in candidates[1:]:
        found = _date_of(text, now)
        if found and found.astimezone(first.tzinfo).date() == first.date() and (found.hour, found.minute) != (0, 0):
            return found
    return first


def _date_of(text: str, now: datetime) -> datetime | None:
    """The first time in a line that is not when it was changed, or ends."""
    text = _OTHER_TIMES.sub("\x00", text) if _OTHER_TIMES.search(text) else text
    if "\x00" in text:
        # What follows the label is that other time: up to the next label or field.
        text = re.sub(r"\x00[\d\-/.年月日\s:：时分]*", " ", text)
    labelled = LABEL.search(text)
    if (labelled and (match := DATE.search(text, labelled.end())) and match.start() - labelled.end() < 12) or (
        match := DATE.search(text)
    ):
        text = text[match.start() :]
    elif match := FRESH.search(text):
        text = text[match.start() :].strip(" ：:|·")
        found = parse_time(text, now)
        return found if found and believable(found, now) and _is_recent(found, now) else None
    else:
        return None
    found = parse_time(text, now)
    return found if found and believable(found, now) else None


def _date_in(url: str, now: datetime) -> datetime | None:
    day = day_in_url(url)
    return day if day and believable(day, now) else None
