"""The policies' own texts: kept from a file, or read from the policy's page in the index."""

from __future__ import annotations

from pathlib import Path

import msgspec
import sqlalchemy as sa

from alerts.responses.evaluation import policy_texts
from answers.clauses import Clause, canonical, clauses_of
from answers.tables import qa_policy_texts as texts
from crawlers.attached import READABLE, file_text, kind_of
from minsheng.clock import Clock
from minsheng.errors import BadInput, WrongUse
from minsheng.policies import Policy
from minsheng.problems import Problem
from minsheng.store import Store, upsert
from search.index import Index

LARGEST = 50_000_000
"""Bytes of a file."""


class PolicyText(msgspec.Struct, frozen=True, kw_only=True):
    """A policy's text, where it is from, and its clauses."""

    policy: str
    origin: str
    text: str
    clauses: tuple[Clause, ...]

    def clause(self, label: str) -> Clause | None:
        """The clause of this number, in any spelling; of a clause that has been cited more exactly (第五条第二款), that
        clause."""
        wanted = canonical(label)
        by_label = {one.label: one for one in self.clauses if one.label}
        if wanted in by_label:
            return by_label[wanted]
        return max(
            (one for name, one in by_label.items() if wanted.startswith(name)),
            key=lambda one: len(one.label),
            default=None,
        )


class PolicyTexts:
    """The texts in the store, with the index behind where no file was given.

    Parameters
    ----------
    index:
        None: only what was given.
    """

    def __init__(self, store: Store, clock: Clock, index: Index | None = None) -> None:
        self._store = store
        self._clock = clock
        self._index = index

    def keep(self, policy: Policy, text: str, *, origin: str, actor: str) -> PolicyText:
        """Keep a policy's text; it takes the place of the one before. Raises `WrongUse` where it is empty."""
        if not text.strip():
            raise WrongUse(
                Problem("text-empty", file=origin), "give the file with the policy's words, not pictures of them"
            )
        row = {"policy_id": policy.id, "origin": origin, "at": self._clock.now(), "actor": actor, "text": text}
        with self._store.begin() as connection:
            upsert(self._store, texts, [row], keys=["policy_id"], connection=connection)
        return PolicyText(policy=policy.id, origin=origin, text=text, clauses=tuple(clauses_of(text)))

    def of(self, policy: Policy) -> PolicyText | None:
        """A policy's text: the one given, or else that of its own page. None where neither is there."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(texts).where(texts.c.policy_id == policy.id)).first()
        if row is not None:
            origin, text = row.origin, row.text
        else:
            pages = policy_texts(self._index, policy) if self._index is not None else []
            if not pages:
                return None
            origin, text = policy.url or "", max(pages, key=len)
        return PolicyText(policy=policy.id, origin=origin, text=text, clauses=tuple(clauses_of(text)))


def read_file(path: Path) -> str:
    """The words of a TXT, DOCX, PDF or OFD file.

    Raises
    ------
    WrongUse
        If it can't be read, or is of another kind.
    """
    kind = kind_of(path.name) or path.suffix.lstrip(".").lower()
    if kind not in READABLE:
        raise WrongUse(Problem("file-kind", file=path.name), f"give one of: {', '.join(READABLE)}")
    try:
        if path.stat().st_size > LARGEST:
            raise WrongUse(Problem("file-large", file=path.name, most=LARGEST))
        return file_text(path.read_bytes(), kind, path.name)
    except OSError as error:
        raise WrongUse(Problem("file-unreadable", file=path, reason=error.strerror)) from error
    except BadInput as error:
        raise WrongUse(error.problem or error.message, error.hint or "save it as DOCX or plain text") from error
