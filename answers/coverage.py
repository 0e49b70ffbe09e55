"""What is still unanswered, and which answers helped: by policy and clause, before and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from alerts.responses.aftermath import Interval, ratio
from answers.book import AnswerBook
from answers.clauses import canonical
from answers.mining import Candidates
from answers.model import Entry
from answers.search import AnswerSearch
from answers.tables import qa_askings as askings
from answers.texts import PolicyTexts
from minsheng.clock import Clock
from minsheng.policies import PolicyRegister
from minsheng.store import Store
from search.index import Index

WINDOW = timedelta(days=14)
"""Looked at before and after an answer is published; less where less time has gone by, but not less than `SHORTEST`."""
SHORTEST = timedelta(days=2)


class ClauseCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """A clause (empty: the policy as a whole): how many people ask about it, the published answers, and the questions
    that none of them answers with how many people ask those."""

    policy: str
    clause: str
    people: int
    answers: tuple[str, ...]
    unanswered: tuple[str, ...]
    unanswered_people: int


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """People who asked what an entry answers, in `days` before and after it was published. `change`: after as a
    multiple of before with a 99 % interval; None where too few asked to say. `words` says it in Chinese."""

    entry: str
    days: float
    before: int
    after: int
    change: Interval | None
    words: str


class Coverage:
    """Works on what was mined; `search` as of `Candidates`."""

    def __init__(
        self, store: Store, clock: Clock, index: Index | None = None, search: AnswerSearch | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._book = AnswerBook(store, clock)
        self._candidates = Candidates(store, clock, search)
        self._texts = PolicyTexts(store, clock, index)
        self._register = PolicyRegister(store, clock)

    def clauses(self, policy: str | None = None) -> list[ClauseCoverage]:
        """Clauses that people ask about or that the policy's text has, most unanswered people first."""
        found = self._candidates.all(policy=policy)
        people = self._people()
        answers: dict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in self._book.public():
            assert entry.published is not None
            for label in entry.published.clauses or ("",):
                answers[(entry.published.policy, canonical(label))].append(entry.id)
        asked: dict[tuple[str, str], list[tuple[str, bool]]] = defaultdict(list)
        for one in found:
            asked[(one.policy, one.clause)].append((one.id, one.answered_by is None))
        places = {key for key in (*answers, *asked) if policy in (None, key[0])} | self._labels(policy)
        rows = [
            ClauseCoverage(
                policy=key[0],
                clause=key[1],
                people=_together(people, [name for name, _ in asked[key]]),
                answers=tuple(answers[key]),
                unanswered=tuple(name for name, open_ in asked[key] if open_),
                unanswered_people=_together(people, [name for name, open_ in asked[key] if open_]),
            )
            for key in places
        ]
        return sorted(rows, key=lambda row: (-row.unanswered_people, -row.people, row.policy, row.clause))

    def effects(self, policy: str | None = None) -> list[Effect]:
        """What became of the questions that each published entry answers."""
        of_entry: dict[str, list[str]] = defaultdict(list)
        for one in self._candidates.all(policy=policy, dismissed=True):
            if one.answered_by is not None:
                of_entry[one.answered_by].append(one.id)
        found = []
        for name in sorted(of_entry):
            entry = self._book.get(name)
            first = self._first_signed(entry)
            if first is not None:
                found.append(self._effect(name, of_entry[name], first))
        return found

    def _effect(self, entry: str, candidates: Sequence[str], signed_at: datetime) -> Effect:
        gone = self._clock.now() - signed_at
        if gone < SHORTEST:
            return Effect(entry=entry, days=0.0, before=0, after=0, change=None, words="发布未满 2 天，暂不评价")
        width = min(WINDOW, gone)
        before = self._count(candidates, signed_at - width, signed_at)
        after = self._count(candidates, signed_at, signed_at + width)
        change = ratio(after, before)
        if change is None:
            words = "前后提问都很少，不作比较"
        elif change.low <= 1 <= change.high:
            words = "变化不显著"
        else:
            words = "提问明显减少" if change.high < 1 else "提问明显增加"
        days = width.total_seconds() / 86_400
        return Effect(entry=entry, days=round(days, 1), before=before, after=after, change=change, words=words)

    def _first_signed(self, entry: Entry) -> datetime | None:
        """When it was first published: a later correction does not begin the count anew."""
        return next((step.at for step in self._book.history(entry.id) if step.action == "signed"), None)

    def _count(self, candidates: Sequence[str], after: datetime, until: datetime) -> int:
        query = sa.select(sa.func.count(askings.c.author.distinct())).where(
            askings.c.candidate_id.in_(candidates), askings.c.published_at > after, askings.c.published_at <= until
        )
        with self._store.read() as connection:
            return int(connection.scalar(query) or 0)

    def _people(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        with self._store.read() as connection:
            for row in connection.execute(sa.select(askings.c.candidate_id, askings.c.author)):
                found[row.candidate_id].add(row.author)
        return found

    def _labels(self, policy: str | None) -> set[tuple[str, str]]:
        found = set()
        for one in self._register.all():
            if policy in (None, one.id) and (text := self._texts.of(one)) is not None:
                found |= {(one.id, clause.label) for clause in text.clauses if clause.label}
        return found


def _together(people: dict[str, set[str]], candidates: Sequence[str]) -> int:
    return len(set().union(*(people[name] for name in candidates))) if candidates else 0
