"""By when an application is to be answered, and where it stands today.

Regulations on Open Government Information (State Council Order No. 711): 20 working days from receipt, one extension of
up to 20 working days; the time in which third parties or other offices are asked is not counted (Article 33). Where the
applicant is asked to make the application clearer, the term begins anew on the day that this comes in (Article 30).
A step that is taken when the term is over already moves it no more, and the remark says so.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Literal

import msgspec

from disclosure.model import Application, State
from minsheng.duedays import words_of
from minsheng.settings import DisclosureSettings
from minsheng.workdays import WorkCalendar

Still = Literal["correction", "opinion"]
STILL: dict[Still, str] = {"correction": "等待补正，不计时", "opinion": "征求意见，不计时"}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where an application stands.

    Attributes
    ----------
    due:
        The last day for the answer; None while the clock stands still, and where the applicant never made it clearer.
    left:
        Working days until `due`, below 0 when it is over; while third parties are asked, what is left after that. None
        where it is answered, or waits for the applicant.
    late:
        It was answered late, or is not answered and late.
    provisional:
        `due` lies in, or was counted over, a year whose days off are not announced yet.
    """

    state: State
    due: date | None = None
    left: int | None = None
    still: Still | None = None
    late: bool = False
    provisional: bool = False
    remarks: tuple[str, ...] = ()


def clock_words(standing: Standing) -> str:
    """A clock in a few words: 还有 3 个工作日, 超期 2 个工作日, 按期答复."""
    if standing.state == "answered":
        return "超期答复" if standing.late else "按期答复" if standing.due else "未再补正，已办结"
    if standing.still:
        left = "" if standing.left is None else f"，余 {standing.left} 个工作日"
        return STILL[standing.still] + left
    assert standing.left is not None
    words = words_of(standing.left, "个工作日")
    return f"{words}（该年放假安排未公布，暂按周末计）" if standing.provisional else words


class Terms:
    """Works out where applications stand on a day.

    Parameters
    ----------
    today:
        China's.
    """

    def __init__(self, calendar: WorkCalendar, settings: DisclosureSettings, today: date) -> None:
        self._calendar = calendar
        self._settings = settings
        self._today = today
        # Many applications share their days; counting over a calendar is what takes the time here.
        self._after = cache(calendar.add_workdays)
        self._between = cache(calendar.workdays_between)
        self._unannounced = cache(calendar.unannounced)

    def of(self, one: Application) -> Standing:
        """Where it stands."""
        remarks: list[str] = []
        start = self._start(one, remarks)
        if start is None:
            state: State = "answered" if one.answered_on else "correcting"
            return Standing(state=state, still=None if one.answered_on else "correction", remarks=tuple(remarks))
        days, still = self._days(one, start, remarks)
        due = self._after(start, days)
        provisional = bool(self._unannounced(start, due))
        told = tuple(remarks)
        if one.answered_on is not None:
            late = one.answered_on > due
            return Standing(state="answered", due=due, late=late, provisional=provisional, remarks=told)
        extended = one.extension_days is not None
        if still:
            assert one.opinion_asked_on is not None
            left = self._between(max(one.opinion_asked_on, start), due)
            return Standing(
                state="extended" if extended else "pending", left=left, still="opinion", provisional=provisional,
                remarks=told,
            )  # fmt: skip
        if self._today > due:
            left = -self._between(due, self._today)
            return Standing(state="overdue", due=due, left=left, late=True, provisional=provisional, remarks=told)
        left = self._between(self._today, due)
        state = "extended" if extended else "pending"
        return Standing(state=state, due=due, left=left, provisional=provisional, remarks=told)

    def workdays_taken(self, one: Application) -> int | None:
        """Working days from the day the term began to the answer; None where it is not answered."""
        start = self._start(one, [])
        if one.answered_on is None or start is None:
            return None
        return self._between(start, one.answered_on)

    def _start(self, one: Application, remarks: list[str]) -> date | None:
        """The day from which the term is counted; None where the application waits, or waited in vain, for its
        applicant."""
        asked = one.correction_asked_on
        if asked is None:
            return one.received_on
        if asked > self._after(one.received_on, self._settings.answer_days):
            remarks.append("要求补正时答复期限已过，期限不重新计算")
            return one.received_on
        if asked > self._after(one.received_on, self._settings.correction_days):
            remarks.append(f"要求补正晚于收到申请后 {self._settings.correction_days} 个工作日")
        return one.corrected_on

    def _days(self, one: Application, start: date, remarks: list[str]) -> tuple[int, bool]:
        """Working days that the term has, and whether its clock stands still now."""
        days, still = self._settings.answer_days, False
        for when, step in sorted(_steps(one, start)):
            if when > self._after(start, days):
                remarks.append(
                    "征求意见时答复期限已过，不扣除" if step == "opinion" else "延期时答复期限已过，延期不算"
                )
            elif step == "extension":
                days += one.extension_days or 0
            elif (until := one.opinion_given_on or one.answered_on) is not None:
                days += self._between(max(when, start), until)
            else:
                still = True
        return days, still


def _steps(one: Application, start: date) -> list[tuple[date, str]]:
    found = []
    if one.extension_days is not None:
        # Where the day is not told it was done in time: there is nothing that says otherwise.
        found.append((one.extended_on or start, "extension"))
    if one.opinion_asked_on is not None:
        found.append((one.opinion_asked_on, "opinion"))
    return found
