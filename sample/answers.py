"""The sample's questions and answers, signed: to try `minsheng qa` on."""

from __future__ import annotations

import tomllib
from datetime import datetime, time, timedelta

from answers.book import AnswerBook
from answers.model import Content
from minsheng.clock import CHINA, ManualClock
from minsheng.policies import PolicyRegister
from minsheng.store import Store
from sample.content import WORLD

ACTOR = "sample"
AGO = timedelta(days=2)
"""How long before the anchor they were signed."""


def load_answers(store: Store, anchor: datetime) -> int:
    """Put those into the Q&A base that are not there, of policies that are; what the user changed stays. Returns how
    many were added."""
    policies = {policy.id: policy for policy in PolicyRegister(store).all()}
    known = {entry.id for entry in AnswerBook(store, ManualClock(anchor)).all()}
    added = 0
    for name, content in sample_contents().items():
        policy = policies.get(content.policy)
        if name in known or policy is None:
            continue
        at = anchor - AGO
        if policy.repealed_on is not None:
            # Signed while the policy held; so one entry shows what becomes of it after a repeal.
            at = min(at, datetime.combine(policy.repealed_on, time(9), CHINA) - timedelta(days=30))
        book = AnswerBook(store, ManualClock(at))
        book.create(content, actor=ACTOR, entry=name)
        book.review(name, actor=ACTOR)
        book.sign(name, actor=ACTOR)
        added += 1
    return added


def sample_contents() -> dict[str, Content]:
    """Id → content, as written."""
    table = tomllib.loads((WORLD / "answers.toml").read_text(encoding="utf-8"))
    return {
        row["id"]: Content(
            policy=row["policy"],
            clauses=tuple(row.get("clauses", ())),
            title=row["title"],
            question=row["question"],
            answer=row["answer"],
            keywords=tuple(row["keywords"]),
        )
        for row in table["answers"]
    }
