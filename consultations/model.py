"""What a consultation, a comment on it and an opinion are, and what may become of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from classifiers.model import STANCES
from consultations.placing import How

Outcome = Literal["adopted", "partly", "rejected", "noted"]
OUTCOMES: dict[Outcome, str] = {
    "adopted": "采纳",
    "partly": "部分采纳",
    "rejected": "未采纳",
    "noted": "无修改内容",
}
"""What became of an opinion → the words that people are shown; `noted`: it asks for no change of the draft."""
REASONED: tuple[Outcome, ...] = ("partly", "rejected")
"""Outcomes that need a reason."""

STANCE_WORDS = {"against": "反对", "question": "疑问", "neutral": "建议或中立", "support": "支持"}
"""In the order in which they are listed. A suggestion that neither objects nor agrees is neutral to the stance head."""
assert set(STANCE_WORDS) == set(STANCES)

WHOLE = "草案整体"
"""What stands in lists for opinions on no single clause."""

State = Literal["coming", "open", "waiting", "soon", "late", "published", "published-late"]
STATES: dict[State, str] = {
    "coming": "未开始",
    "open": "征求中",
    "waiting": "待公开采纳情况",
    "soon": "公开期限将到",
    "late": "超期未公开",
    "published": "已按期公开",
    "published-late": "超期公开",
}


ACTION_WORDS = {
    "added": "新建",
    "changed": "修改",
    "imported": "收取意见",
    "corrected": "更正",
    "decided": "决定",
    "published": "公开采纳情况",
    "taken-back": "撤回公开",
}


class Consultation(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that opinions are asked on.

    Attributes
    ----------
    policy_id:
        The draft in the register of policies; whoever may see that policy sees the consultation.
    opens_on, closes_on:
        First and last day.
    text, origin:
        The draft's words, and where they are from.
    published_on, published_url:
        The day on which it was made public what was taken up, and where; None: not yet.
    """

    id: int
    policy_id: str
    title: str
    department: str
    opens_on: date
    closes_on: date
    text: str
    origin: str
    added_by: str
    added_at: datetime
    published_on: date | None = None
    published_url: str | None = None
    published_by: str | None = None

    @property
    def number(self) -> str:
        """Its name in this system: ZQ0001 (征求)."""
        return f"ZQ{self.id:04}"


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said on one clause; a letter on three clauses is three, with one `key`. Nothing tells who it was.

    Attributes
    ----------
    text:
        Masked.
    submitted_at:
        None where its file did not say.
    origin:
        The file's name, or `index`.
    document_id:
        Of the document in the index, where it was taken from there.
    stance_by, how:
        Who said so: empty for the model, `file`, or the editor; by what sign the clause was told.
    unsure:
        Whether the model does not stand by its stance.
    opinion:
        The number of the opinion that it is one of.
    """

    key: str
    part: int
    text: str
    submitted_at: datetime | None
    origin: str
    document_id: str | None
    clause: str
    how: How
    stance: str
    stance_by: str
    unsure: bool
    opinion: int

    @property
    def name(self) -> str:
        """What it is called by on the command line and on pages."""
        return f"{self.key[:12]}-{self.part}"


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """Comments that say the same on one clause, and what became of it.

    Attributes
    ----------
    said:
        The first of its comments, masked: for editors.
    wording:
        What the public reads of it, in an editor's words; empty: only clause, stance and count.
    comments, people:
        Comments, and the letters that they come from.
    version:
        Goes up with every decision.
    """

    number: int
    clause: str
    stance: str
    said: str
    wording: str
    outcome: Outcome | None
    reason: str
    decided_by: str | None
    decided_at: datetime | None
    version: int
    comments: int = 0
    people: int = 0

    @property
    def place(self) -> str:
        return self.clause or WHOLE


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done, in its history."""

    at: datetime
    actor: str
    action: str
    detail: str
