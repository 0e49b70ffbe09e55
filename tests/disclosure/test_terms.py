"""By when an application is to be answered: the Regulations' Articles 30 and 33, day by day."""

from __future__ import annotations

from datetime import date

import pytest

from disclosure.model import Application
from disclosure.terms import Standing, Terms, clock_words
from minsheng.settings import DisclosureSettings
from minsheng.workdays import WorkCalendar

TERM = DisclosureSettings()


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def standing(today: str = "11-27", received: str = "03-02", **steps: object) -> Standing:
    given = {name: day(value) if isinstance(value, str) and name.endswith("_on") else value for name, value in
             steps.items()}  # fmt: skip
    one = Application(department="", number="1", received_on=day(received), title="一", **given)  # type: ignore[arg-type]
    return Terms(WorkCalendar(), TERM, day(today)).of(one)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("03-02", "03-30"),  # four weeks without a day off
        ("09-21", "10-26"),  # Mid-Autumn and National Day off, 10 October worked to make up for it
        ("09-19", "10-22"),  # a Saturday off; Sunday the 20th is worked, and is the first day
        ("02-14", "03-20"),  # Spring Festival: 15 to 23 February off, 14 and 28 February worked
    ],
)
def test_twenty_working_days_after_receipt(received: str, due: str) -> None:
    assert standing(today=received, received=received).due == day(due)


def test_the_last_day_is_in_time_and_the_next_is_late() -> None:
    assert standing("03-30").state == "pending" and standing("03-30").left == 0
    late = standing("03-31")
    assert (late.state, late.left, late.late) == ("overdue", -1, True)
    assert standing("03-30", answered_on="03-30").late is False
    answered = standing("05-01", answered_on="03-31")
    assert (answered.state, answered.late, answered.left) == ("answered", True, None)


def test_one_extension_adds_its_days_and_comes_in_time_or_not_at_all() -> None:
    full = standing("03-31", extended_on="03-27", extension_days=20)
    assert (full.state, full.due, full.remarks) == ("extended", day("04-28"), ())  # three days of Qingming
    assert standing("03-31", extension_days=5).due == day("04-07")
    tardy = standing("04-10", extended_on="04-01", extension_days=20)
    assert (tardy.state, tardy.due) == ("overdue", day("03-30"))
    assert "延期不算" in tardy.remarks[0]


def test_a_corrected_application_begins_its_term_anew() -> None:
    waiting = standing("04-30", correction_asked_on="03-06")
    assert (waiting.state, waiting.due, waiting.still, waiting.late) == ("correcting", None, "correction", False)
    anew = standing("04-30", correction_asked_on="03-06", corrected_on="04-15")
    assert anew.due == WorkCalendar().add_workdays(day("04-15"), 20) and anew.state == "pending"
    given_up = standing("04-30", correction_asked_on="03-06", answered_on="04-20", outcome="other")
    assert (given_up.state, given_up.late) == ("answered", False)


def test_a_correction_asked_for_late_is_told_and_too_late_does_not_count() -> None:
    tardy = standing("04-01", correction_asked_on="03-20", corrected_on="03-25")
    assert tardy.due == day("04-23") and "晚于收到申请后 7 个工作日" in tardy.remarks[0]
    useless = standing("04-10", correction_asked_on="04-01")
    assert (useless.state, useless.due) == ("overdue", day("03-30"))
    assert "不重新计算" in useless.remarks[0]


def test_the_time_in_which_others_are_asked_is_not_counted() -> None:
    calendar = WorkCalendar()
    asked = standing("03-25", opinion_asked_on="03-09")
    # From the 9th to the 30th there were 15 working days left, and there still are.
    assert (asked.due, asked.left, asked.still, asked.state) == (None, 15, "opinion", "pending")
    back = standing("04-01", opinion_asked_on="03-09", opinion_given_on="03-27")
    assert back.due == calendar.add_workdays(day("03-30"), 14)
    assert standing("05-30", opinion_asked_on="03-09", answered_on="04-03").late is False
    useless = standing("04-10", opinion_asked_on="04-01")
    assert useless.state == "overdue" and "不扣除" in useless.remarks[0]


def test_an_extension_inside_a_stopped_clock_counts() -> None:
    both = standing("04-01", opinion_asked_on="03-09", opinion_given_on="03-27", extended_on="04-10", extension_days=20)
    assert both.due == WorkCalendar().add_workdays(day("03-02"), 20 + 14 + 20)


def test_the_terms_are_settings() -> None:
    short = Terms(WorkCalendar(), DisclosureSettings(answer_days=15), day("03-02"))
    one = Application(department="", number="1", received_on=day("03-02"), title="一")
    assert short.of(one).due == day("03-23")
    ended = Application(department="", number="1", received_on=day("03-02"), title="一", answered_on=day("03-05"))
    assert short.workdays_taken(ended) == 3 and short.workdays_taken(one) is None


def test_a_year_without_announced_holidays_is_told() -> None:
    one = Application(department="", number="1", received_on=date(2040, 3, 1), title="一")
    found = Terms(WorkCalendar(), TERM, date(2040, 3, 2)).of(one)
    assert found.provisional and "暂按周末计" in clock_words(found)


def test_clocks_in_words() -> None:
    words = [
        clock_words(standing("03-26")), clock_words(standing("04-01")), clock_words(standing(answered_on="03-09")),
        clock_words(standing(answered_on="05-09")), clock_words(standing(correction_asked_on="03-06")),
        clock_words(standing("03-25", opinion_asked_on="03-09")),
        clock_words(standing(correction_asked_on="03-06", answered_on="05-06")),
    ]  # fmt: skip
    assert words == [
        "还有 2 个工作日", "超期 2 个工作日", "按期答复", "超期答复", "等待补正，不计时",
        "征求意见，不计时，余 15 个工作日", "未再补正，已办结",
    ]  # fmt: skip
