"""An application as it is kept, and the words for what can become of it."""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

import msgspec

State = Literal["pending", "correcting", "extended", "answered", "overdue"]
STATES: dict[str, str] = {
    "pending": "待办",
    "correcting": "补正中",
    "extended": "已延期",
    "answered": "已答复",
    "overdue": "逾期",
}

Outcome = Literal["disclosed", "partly", "refused", "absent", "other"]
OUTCOMES: dict[str, str] = {
    "disclosed": "予以公开",
    "partly": "部分公开",
    "refused": "不予公开",
    "absent": "不存在",
    "other": "其他",
}

Ruling = Literal["upheld", "corrected", "pending", "other"]
"""What a review or a court made of an answer."""
REVIEWS: dict[str, str] = {"upheld": "维持", "corrected": "纠正", "pending": "尚未审结", "other": "其他结果"}
SUITS: dict[str, str] = {"upheld": "维持", "corrected": "败诉", "pending": "尚未审结", "other": "其他结果"}

RULINGS: tuple[Ruling, ...] = get_args(Ruling)


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """One application for information. Who made it is not known here.

    Attributes
    ----------
    department, number:
        Who answers, and the number it has there: together they name the application. `department` may be empty.
    title, content:
        What was asked for; masked.
    policy:
        Id in the register of what it is about; `policy_named` holds the file's words where the register lacks it.
    correction_asked_on, corrected_on:
        When the applicant was asked to make the application clearer (Article 30), and when that came.
    opinion_asked_on, opinion_given_on:
        When a third party or another office was asked (Articles 32 and 33), and when the last one had answered.
    extension_days:
        Working days by which the term was extended; None: it was not. `extended_on`: when the applicant was told.
    matter:
        Id of the application that this one asks the same as; its own for the first. None: not compared yet.
    """

    id: int = 0
    department: str
    number: str
    received_on: date
    title: str = ""
    content: str = ""
    region: str = ""
    policy: str | None = None
    policy_named: str = ""
    correction_asked_on: date | None = None
    corrected_on: date | None = None
    opinion_asked_on: date | None = None
    opinion_given_on: date | None = None
    extended_on: date | None = None
    extension_days: int | None = None
    answered_on: date | None = None
    outcome: Outcome | None = None
    review: Ruling | None = None
    litigation: Ruling | None = None
    matter: int | None = None

    @property
    def subject(self) -> str:
        """What it is called in lists."""
        return self.title or " ".join(self.content.split())[:60]
