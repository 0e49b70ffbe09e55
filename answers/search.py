"""Search in the Q&A base: by meaning, with the flags of each answer, and an honest no."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from answers.book import AnswerBook, flags_of
from answers.encoding import encoder
from answers.finding import Finder, Match, Sought
from answers.model import Content, Entry, Flag, search_text
from answers.tables import qa_entries
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.problems import Problem
from minsheng.store import Store

LONGEST = 500
"""Characters of a question."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An entry found, as the asker may see it, how sure it is that it answers, and what is to be watched out for."""

    entry: Entry
    content: Content
    confidence: float
    flags: tuple[Flag, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`answered` is false where no entry is a good answer: the hits are at most related, and are to be shown so."""

    question: str
    answered: bool
    hits: tuple[Hit, ...]


class _Published(NamedTuple):
    """What is published at a moment, what finds it, and what is to be looked at in each."""

    entries: dict[str, Entry]
    finder: Finder
    flags: dict[str, list[Flag]]


class AnswerSearch:
    """Searches what is published; keeps the vectors until an entry changes. Safe to use from several threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._book = AnswerBook(store, clock)
        self._register = PolicyRegister(store, clock)
        self._lock = threading.Lock()
        self._state: tuple[object, dict[str, Entry], Finder] | None = None

    def ask(
        self, question: str, *, size: int = 3, policies: Sequence[str] | None = None, public: bool = False
    ) -> Result:
        """The answers to a question in anybody's words.

        Parameters
        ----------
        policies:
            Only about these. None: about all.
        public:
            Leave out what the public may not be shown any more. Otherwise it is found, with its flags.

        Raises
        ------
        WrongUse
            The question is empty or longer than `LONGEST`.
        """
        asked = _checked(question)
        return self._ask(self._published(), asked, size, policies, public)

    def ask_all(self, questions: Iterable[tuple[str, str]]) -> list[Result]:
        """The best answer to each of many questions, each with the policy that it is about; as of one moment.

        Raises `WrongUse` as `ask` does.
        """
        published = self._published()
        return [self._ask(published, _checked(question), 1, (policy,), False) for question, policy in questions]

    def _published(self) -> _Published:
        entries, finder = self._loaded()
        known = {policy.id: policy for policy in self._register.all()}
        today = self._book.today()
        flags = {
            name: flags_of(one.published or one.content, known, today, one.published_at)
            for name, one in entries.items()
        }
        return _Published(entries, finder, flags)

    def _ask(
        self, published: _Published, asked: str, size: int, policies: Sequence[str] | None, public: bool
    ) -> Result:
        among = {
            name
            for name, one in published.entries.items()
            if (policies is None or (one.published or one.content).policy in policies)
            and not (public and any(flag.blocks for flag in published.flags[name]))
        }
        found = published.finder.find(asked, size=size, among=among)
        hits = (self._hit(published.entries[one.id], one, published.flags[one.id]) for one in found.matches)
        return Result(question=asked, answered=found.answered, hits=tuple(hits))

    def warm(self) -> None:
        """Read in the encoder and all answers, which the first question would wait for."""
        self._loaded()[1].find("怎么办理", size=1)

    def finder(self) -> Finder:
        """Over what is published."""
        return self._loaded()[1]

    @staticmethod
    def _hit(entry: Entry, match: Match, flags: list[Flag]) -> Hit:
        return Hit(
            entry=entry,
            content=entry.published or entry.content,
            confidence=match.confidence,
            flags=tuple(flags),
        )

    def _loaded(self) -> tuple[dict[str, Entry], Finder]:
        with self._lock:
            now = self._revision()
            if self._state is None or self._state[0] != now:
                published = [one for one in self._book.all() if one.published is not None]
                texts = [Sought(one.id, search_text(one.published)) for one in published if one.published]
                self._state = (now, {one.id: one for one in published}, Finder(texts, encoder()))
            return self._state[1], self._state[2]

    def _revision(self) -> object:
        query = sa.select(sa.func.count(), sa.func.sum(qa_entries.c.version), sa.func.max(qa_entries.c.changed_at))
        with self._store.read() as connection:
            return tuple(connection.execute(query).one())


def _checked(question: str) -> str:
    """The question in one line. Raises `WrongUse` as `AnswerSearch.ask` does."""
    asked = " ".join(question.split())
    if not asked:
        raise WrongUse(Problem("question-empty"), "ask in your own words, e.g. minsheng qa search 水费多收了怎么退")
    if len(asked) > LONGEST:
        raise WrongUse(Problem("question-long", length=len(asked), most=LONGEST), f"ask in at most {LONGEST}")
    return asked
