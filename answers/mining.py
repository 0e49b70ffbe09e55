"""What people ask about policies: questions of posts and messages in the index, one candidate a matter.

Incremental: a document is read once, new questions join the candidates that are there, and candidates keep their ids.
Kept are the pseudonym of who asked, to count people and not posts, and the question itself, masked; both are forgotten
when the index forgets the documents.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from answers.asking import question_of
from answers.encoding import Encoded, TextEncoder, encoder
from answers.finding import Finder, Sought
from answers.search import AnswerSearch, Result
from answers.tables import qa_askings as askings
from answers.tables import qa_candidates as candidates
from answers.texts import PolicyTexts
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.problems import Problem
from minsheng.records import AMBIGUOUS, Grouped
from minsheng.store import Store, insert_or_ignore
from search.index import Filters, Index, Search

KINDS = ("post", "message", "reply")
OVERLAP = timedelta(days=3)
"""How far before the newest question that is known the index is read again, for what was found late."""
JOIN = 0.42
"""From this cosine on two questions about the same clause ask the same, by pairs of questions that we wrote."""
JOIN_WITHOUT = 0.6
"""The same where the policy's clauses are not known: only what is said in about the same words."""
WORDINGS = 3


class Mined(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found."""

    documents: int
    questions: int
    candidates: int
    forgotten: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A question that people ask about a policy.

    Attributes
    ----------
    clause:
        The clause that comes nearest; empty where the policy's text is not known.
    people, askings:
        Distinct authors, and posts and messages.
    sources, regions:
        Where, with how many posts each, most first.
    since, latest:
        When it was asked first and last.
    wordings:
        Typical ones, masked.
    answered_by:
        The published entry that answers it; None where none does.
    """

    id: str
    policy: str
    clause: str
    question: str
    people: int
    askings: int
    sources: tuple[tuple[str, int], ...]
    regions: tuple[tuple[str, int], ...]
    since: datetime
    latest: datetime
    wordings: tuple[str, ...]
    answered_by: str | None = None
    confidence: float = 0.0


class _Asking(msgspec.Struct, frozen=True, kw_only=True):
    document: str
    policy: str
    published_at: datetime
    author: str
    source: str
    region: str
    question: str


class QuestionMine:
    """Reads questions from the index into the store.

    Parameters
    ----------
    keep_days:
        How long a question is kept after it was published: as long as the index keeps documents.
    """

    def __init__(self, store: Store, clock: Clock, index: Index, *, keep_days: float = 365.0) -> None:
        self._store = store
        self._clock = clock
        self._index = index
        self._keep = timedelta(days=keep_days)
        self._encoder: TextEncoder = encoder()

    def run(self, *, since: datetime | None = None) -> Mined:
        """Read what is new.

        Parameters
        ----------
        since:
            From when on. None: from a little before the newest question that is known, or all there is.
        """
        with self._store.read() as connection:
            newest = connection.scalar(sa.select(sa.func.max(askings.c.published_at)))
            known = {tuple(row) for row in connection.execute(sa.select(askings.c.document_id, askings.c.policy_id))}
        start = since or (newest - OVERLAP if newest else None)
        read, found = 0, list[_Asking]()
        seen: set[str] = set()
        for record in self._records(start):
            if record.document.id in seen:
                continue
            seen.add(record.document.id)
            read += 1
            found.extend(one for one in _askings(record) if (one.document, one.policy) not in known)
        found.sort(key=lambda one: (one.published_at, one.document, one.policy))
        made = self._place(found)
        return Mined(documents=read, questions=len(found), candidates=made, forgotten=self._forget())

    def _records(self, since: datetime | None) -> Iterator[Grouped]:
        for chosen in (Filters(requests=("inquiry",)), Filters(stances=("question",))):
            filters = msgspec.structs.replace(chosen, since=since, kinds=KINDS)
            after: str | None = None
            while True:
                page = self._index.search(Search(filters=filters, size=500, after=after, highlight=False))
                yield from (hit.record for hit in page.hits)
                after = page.cursor
                if after is None:
                    break

    def _place(self, found: Sequence[_Asking]) -> int:
        by_policy: dict[str, list[_Asking]] = defaultdict(list)
        for one in found:
            by_policy[one.policy].append(one)
        return sum(self._place_policy(policy, own) for policy, own in sorted(by_policy.items()))

    def _place_policy(self, policy: str, found: Sequence[_Asking]) -> int:
        encoded = self._encoder.encode([one.question for one in found])
        with self._store.begin() as connection:
            # Two that mine at once would make the same candidate twice: the second one waits here and sees the first's.
            query = sa.select(candidates).where(candidates.c.policy_id == policy).order_by(candidates.c.id)
            rows = connection.execute(query.with_for_update()).all()
            clauses = self._clauses(policy)
            known = _Known()
            for row, vectors in zip(rows, self._encoder.encode([row.question for row in rows]), strict=True):
                clause = row.clause or _clause(clauses, row.question)
                if clause != row.clause:  # the policy's text came after the question
                    connection.execute(candidates.update().where(candidates.c.id == row.id).values(clause=clause))
                known.add(row.id, clause, vectors)
            kept, made = [], []
            for one, vectors in zip(found, encoded, strict=True):
                clause = _clause(clauses, one.question)
                name = known.nearest(clause, vectors)
                if name is None:
                    name = "qc-" + hashlib.sha256(f"{one.document}\n{policy}".encode()).hexdigest()[:12]
                    known.add(name, clause, vectors)
                    made.append(
                        {
                            "id": name,
                            "policy_id": policy,
                            "clause": clause,
                            "question": one.question,
                            "dismissed": False,
                        }
                    )
                kept.append(
                    {
                        "document_id": one.document,
                        "policy_id": policy,
                        "candidate_id": name,
                        "published_at": one.published_at,
                        "author": one.author,
                        "source": one.source,
                        "region": one.region,
                        "question": one.question,
                    }
                )
            insert_or_ignore(self._store, candidates, made, connection=connection)
            insert_or_ignore(self._store, askings, kept, connection=connection)
        return len(made)

    def _clauses(self, policy: str) -> Finder | None:
        register = PolicyRegister(self._store)
        one = register.get(policy)
        text = PolicyTexts(self._store, self._clock, self._index).of(one) if one else None
        if text is None:
            return None
        return Finder([Sought(clause.label, clause.text) for clause in text.clauses if clause.label], self._encoder)

    def _forget(self) -> int:
        before = self._clock.now() - self._keep
        with self._store.begin() as connection:
            gone = connection.execute(askings.delete().where(askings.c.published_at < before)).rowcount
            if gone:
                left = sa.select(askings.c.candidate_id)
                connection.execute(candidates.delete().where(candidates.c.id.not_in(left)))
        return int(gone)


class Candidates:
    """The questions in the store.

    Parameters
    ----------
    search:
        The search that says which are answered, where one is at hand: a new one reads all answers anew.
    """

    def __init__(self, store: Store, clock: Clock, search: AnswerSearch | None = None) -> None:
        self._store = store
        self._clock = clock
        self._search = search or AnswerSearch(store, clock)

    def all(
        self, *, policy: str | None = None, unanswered: bool = False, dismissed: bool = False, limit: int | None = None
    ) -> list[Candidate]:
        """What is asked, by most people first.

        Parameters
        ----------
        unanswered:
            Only what no published entry answers.
        dismissed:
            Also what a person has put aside.
        """
        conditions: list[sa.ColumnElement[bool]] = [sa.true()]
        if policy is not None:
            conditions.append(candidates.c.policy_id == policy)
        if not dismissed:
            conditions.append(candidates.c.dismissed.is_(sa.false()))
        found = self._read(conditions)
        if unanswered:
            found = [one for one in found if one.answered_by is None]
        found.sort(key=lambda one: (-one.people, -one.askings, one.since, one.id))
        return found if limit is None else found[:limit]

    def _read(self, conditions: Sequence[sa.ColumnElement[bool]]) -> list[Candidate]:
        with self._store.read() as connection:
            rows = connection.execute(sa.select(candidates).where(*conditions)).all()
            asked = connection.execute(
                sa.select(askings)
                .join(candidates, candidates.c.id == askings.c.candidate_id)
                .where(*conditions)
                .order_by(askings.c.published_at, askings.c.document_id)
            ).all()
        of: dict[str, list[sa.Row[tuple[object, ...]]]] = defaultdict(list)
        for row in asked:
            of[row.candidate_id].append(row)
        rows = [row for row in rows if of[row.id]]
        answers = self._search.ask_all((row.question, row.policy_id) for row in rows)
        return [_candidate(row, of[row.id], answer) for row, answer in zip(rows, answers, strict=True)]

    def dismiss(self, candidate: str, *, dismissed: bool = True) -> None:
        """Put a question aside that needs no answer, or take it back. Raises `WrongUse` where there is none such."""
        with self._store.begin() as connection:
            done = connection.execute(
                candidates.update().where(candidates.c.id == candidate).values(dismissed=dismissed)
            )
            if done.rowcount == 0:
                raise WrongUse(Problem("question-unknown", question=candidate), "minsheng qa candidates shows them")

    def get(self, candidate: str) -> Candidate:
        """One question. Raises `WrongUse` where there is none."""
        for one in self._read([candidates.c.id == candidate]):
            return one
        raise WrongUse(Problem("question-unknown", question=candidate), "minsheng qa candidates shows them")


def _candidate(
    row: sa.Row[tuple[object, ...]], asked: Sequence[sa.Row[tuple[object, ...]]], answer: Result
) -> Candidate:
    hit = answer.hits[0] if answer.hits else None
    return Candidate(
        id=row.id,
        policy=row.policy_id,
        clause=row.clause,
        question=row.question,
        people=len({one.author for one in asked}),
        askings=len(asked),
        sources=tuple(Counter(one.source for one in asked).most_common()),
        regions=tuple(Counter(one.region for one in asked if one.region).most_common()),
        since=asked[0].published_at,
        latest=asked[-1].published_at,
        wordings=_typical([one.question for one in asked]),
        answered_by=hit.entry.id if hit is not None and answer.answered else None,
        confidence=hit.confidence if hit is not None else 0.0,
    )


def _askings(record: Grouped) -> Iterator[_Asking]:
    document = record.document
    question = question_of(document.title, document.text)
    if question is None:
        return
    for policy in record.assessed.filed_under:
        links = [link for link in record.assessed.policies if link.policy_id == policy]
        if max(link.confidence for link in links) < AMBIGUOUS:
            continue
        yield _Asking(
            document=document.id,
            policy=policy,
            published_at=document.published_at,
            author=document.author_key or document.id,
            source=document.source,
            region=record.assessed.region or "",
            question=question,
        )


class _Known:
    """The candidates of one policy, by clause."""

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[str, Encoded]]] = defaultdict(list)

    def add(self, name: str, clause: str, vectors: Encoded) -> None:
        self._of[clause].append((name, vectors))

    def nearest(self, clause: str, vectors: Encoded) -> str | None:
        """The one that asks the same."""
        near = ((float(vectors.whole @ other.whole), name) for name, other in self._of[clause])
        cosine, name = max(near, default=(0.0, ""))
        return name if cosine >= (JOIN if clause else JOIN_WITHOUT) else None


def _clause(clauses: Finder | None, question: str) -> str:
    """The clause that comes nearest; empty where none is known."""
    found = clauses.find(question, size=1).matches if clauses is not None else ()
    return found[0].id if found else ""


def _typical(wordings: Sequence[str]) -> tuple[str, ...]:
    """The most frequent, and of those the first; each once."""
    return tuple(text for text, _ in Counter(wordings).most_common(WORDINGS))
