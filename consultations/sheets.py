"""A consultation as rows for a spreadsheet: its opinions, or its comments under them."""

from __future__ import annotations

from collections.abc import Sequence

from consultations.model import OUTCOMES, STANCE_WORDS, WHOLE, Comment, Opinion
from consultations.placing import HOW_WORDS
from minsheng.clock import CHINA

OPINIONS: tuple[str, ...] = (
    "意见",
    "条款",
    "立场",
    "来信份数",
    "对外表述",
    "采纳情况",
    "理由",
    "代表性来信",
    "决定人",
    "决定时间",
)
COMMENTS: tuple[str, ...] = ("编号", "意见", "条款", "条款依据", "立场", "内容", "时间", "来源", "采纳情况")


def opinion_rows(opinions: Sequence[Opinion]) -> list[list[str]]:
    return [
        [
            str(one.number), one.place, STANCE_WORDS[one.stance], str(one.people), one.wording,
            OUTCOMES[one.outcome] if one.outcome else "未决定", one.reason, one.said, one.decided_by or "",
            f"{one.decided_at.astimezone(CHINA):%Y-%m-%d %H:%M}" if one.decided_at else "",
        ]
        for one in opinions
    ]  # fmt: skip


def comment_rows(comments: Sequence[Comment], opinions: Sequence[Opinion]) -> list[list[str]]:
    outcomes = {one.number: OUTCOMES[one.outcome] if one.outcome else "未决定" for one in opinions}
    return [
        [
            one.name, str(one.opinion), one.clause or WHOLE, HOW_WORDS[one.how], STANCE_WORDS[one.stance], one.text,
            f"{one.submitted_at.astimezone(CHINA):%Y-%m-%d %H:%M}" if one.submitted_at else "", one.origin,
            outcomes.get(one.opinion, ""),
        ]
        for one in comments
    ]  # fmt: skip
