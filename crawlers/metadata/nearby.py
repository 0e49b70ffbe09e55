"""The lines around a headline that may say time, medium and author."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from crawlers import phrases
from crawlers.dates import western_years
from crawlers.metadata.title_parts import plain
from crawlers.outline import Line, Outline
from crawlers.time_marks import CHANGED, DATE, LABEL

NEAR = 16
"""Lines after the headline in which its time and its medium are looked for."""
_DAY_APART = re.compile(
    r"(?:(?P<day>[0-3]?\d)日?\s+(?P<year>20\d{2})\s?[-/.年]\s?(?P<month>[01]?\d)月?"
    r"|(?P<year2>20\d{2})\s?[-/.年]\s?(?P<month2>[01]?\d)月?\s+(?P<day2>[0-3]?\d)日?"
    r"|(?P<year3>20\d{2})年?\s+(?P<month3>[01]?\d)\s?[-/.月]\s?(?P<day3>[0-3]?\d)日?)"
    r"(?:\s+(?P<clock>[0-2]?\d:[0-5]\d(?::[0-5]\d)?))?"
)
"""A day in large letters over its month, `21` and `2026/11`, as sites of companies show it; or under its year, with its
clock: `2026`, `11/24`, `11:30:22`."""
_OFFICE = re.compile(r"^(信息来源|发布(?:机构|单位|部门))\s*[:：]?\s*(?=[\u4e00-\u9fff])")
_LABEL_ALONE = re.compile(r"[\u4e00-\u9fff]{0,4}(?:[时日時]\s?[间期間])\s*[:：]?")


class Near(msgspec.Struct):
    """What the lines around the headline say, without the headline itself.

    Attributes
    ----------
    over:
        Over the text: under the headline, then those before it.
    within:
        In the text and behind it.
    """

    over: list[str]
    within: list[str]

    def all(self) -> list[str]:
        return [*self.over, *self.within]


def dating_lines(page: Outline, near: Near, headline: int | None, begin: int) -> Near:
    """Those of the lines around the headline that say when the page was published: all of them, unless only the last
    change is said over the text. What is below it then says the time of something else: comments."""
    if headline is None:
        return near
    first = next((place for place in range(headline + 1, begin) if page.lines[place].prose), begin)
    above = [line.text for line in page.lines[headline + 1 : first]]
    if not any(map(CHANGED.search, above)):
        return near
    return Near([text for text in near.over if text in above], [text for text in near.within if text in above])


def lines_near(page: Outline, title: str, headline: int | None, begin: int) -> Near:
    """The lines around the headline in which time and medium are looked for.

    Parameters
    ----------
    title, headline:
        Its words, and its place; None where it is not on the page.
    begin:
        Where the running text begins.
    """
    lines = page.lines
    wanted = plain(title)
    if headline is None:
        around = range(max(begin - NEAR, 0), min(begin + 3, len(lines)))
        over, within = [place for place in around if place < begin], [place for place in around if place >= begin]
    else:
        places = list(range(headline, min(headline + NEAR, len(lines))))
        # A headline may stand twice: as the page's name first, then over the text with its time.
        for place in range(headline + 1, min(begin + 1, len(lines))):
            # Decrees begin with their own title, too: 《办法》已经通过，现予公布。
            if wanted and not lines[place].prose and plain(lines[place].text).startswith(wanted):
                places = list(range(place, min(place + NEAR, len(lines))))
        before = [place for place in range(max(headline - 4, 0), headline) if place not in places]
        over = [*(place for place in places if place < begin), *before]
        # What stands in the text, such as the day of signing, says less than what stands over the headline.
        within = [place for place in places if place >= begin]
    told = _informing(lines, over, title)
    if headline is not None and not any(map(DATE.search, told)):
        # Tables of particulars over a headline are long: their labels speak for them.
        farther = range(max(headline - NEAR, 0), max(headline - 4, 0))
        told += [text for text in _informing(lines, farther, title) if LABEL.search(text) and DATE.search(text)]
    return Near(told, _informing(lines, within, title))


def _informing(lines: Sequence[Line], places: Sequence[int], title: str) -> list[str]:
    """What lines say that may inform, without the headline; a label on a line of its own stands with what follows."""
    found = []
    for place in places:
        if not _may_inform(lines[place]):
            continue
        text = western_years(lines[place].text)
        before = lines[place - 1].text if place else ""
        text = _day_apart(before, text, lines[place + 1].text if place + 1 < len(lines) else "")
        if text[:2] in ("信息", "发布"):
            text = _OFFICE.sub(r"\1：", text)
        if len(before) <= 6 and _OFFICE.match(f"{before}局"):
            text = f"{before.rstrip(' :：')}：{text}"
        if len(before) <= 8 and _LABEL_ALONE.fullmatch(before) and DATE.match(text):
            text = f"{before.rstrip(' :：')}：{text}"
        found.append(text.replace(title, " ") if title else text)
    return found


def _day_apart(before: str, text: str, behind: str) -> str:
    """A line with its day in one piece, where day and month stand apart: on it, or on it and the line before; with the
    clock that is the line behind it."""
    if not text[:1].isdigit():
        return text
    if len(text) > 24:
        match = _DAY_APART.match(text) if text[:2] == "20" else None
        return text if match is None or not match["clock"] else f"{_day_apart('', match[0], '')}{text[match.end() :]}"
    match = _DAY_APART.fullmatch(text) or (_DAY_APART.fullmatch(f"{before} {text}") if len(before) <= 7 else None)
    if match is None:
        return text
    day = "-".join(match[part] or match[f"{part}2"] or match[f"{part}3"] for part in ("year", "month", "day"))
    clock = match["clock"] or (behind if phrases.CLOCK.match(behind) else None)
    return f"{day} {clock}" if clock else day


def _may_inform(line: Line) -> bool:
    """Whether a line may say time and medium: it is short, no running text that only mentions a date, and no link to
    another article with its date."""
    if line.linked > 10 and line.linked * 2 > len(line.text):
        return False
    return len(line.text) <= 200 and (not line.prose or bool(phrases.INFORMATION.search(line.text)))
