"""Labels that persons have set: kept with who and when, and put in place of the models' whenever a document is judged.

History is never changed: a new label, and also taking one back, is a new row, and of a document and head the last row
counts. A head is one of `HEADS`, or `policy:<id>` for whether the document is about that policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from classifiers.model import HEADS, LABELS
from classifiers.tables import label_corrections as table
from classifiers.text_key import document_key
from minsheng.clock import Clock
from minsheng.records import PERSON, Assessed, Judgement, PolicyLink
from minsheng.store import Store

Labels = Mapping[str, str]
"""Head → the label that a person set."""

POLICY = "policy:"
ABOUT, NOT_ABOUT = "about", "not-about"
"""The labels of a head `policy:<id>`."""

_LOCK = 0x6C61626C
"""The advisory lock that lets one process at a time add rows on PostgreSQL, so that ids become visible in order."""


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the history. `label` is None where a person's label was taken back.

    Attributes
    ----------
    text_key:
        Of the text that was looked at, in hexadecimal digits.
    model_label, model_score, model_version:
        What the model had said, and which one; None where it had given no label.
    revision, opinion:
        Of the record by which the label went through the log.
    """

    id: int
    document_id: str
    head: str
    label: str | None
    text_key: str
    model_label: str | None
    model_score: float | None
    model_version: str | None
    set_by: str
    reason: str
    set_at: datetime
    revision: int
    opinion: int


class CorrectionBook:
    """The history in the store. Safe to use from several threads and processes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(self, record: Assessed, head: str, label: str | None, *, by: str, reason: str = "") -> Correction:
        """Note that a person set this label for the document, or took it back (None).

        Parameters
        ----------
        record:
            The document as the index has it now.
        """
        document = record.document
        with self._store.begin() as connection:
            if self._store.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            rows = _read(connection, sa.select(table).where(table.c.document_id == document.id).order_by(table.c.id))
            of_head = [row for row in rows if row.head == head]
            if of_head and (of_head[-1].label is not None or record.models.get(head) == PERSON):
                # What stands in the record is a person's label: the model's is the one noted before.
                said = (of_head[-1].model_label, of_head[-1].model_score, of_head[-1].model_version)
            else:
                said = _said(record, head)
            # Higher than any that is under way to the index: two corrections in one minute must not meet there.
            opinions = [row.opinion for row in rows if row.revision == document.revision]
            values: dict[str, Any] = {
                "document_id": document.id,
                "head": head,
                "label": label,
                "text_key": document_key(document),
                "model_label": said[0],
                "model_score": said[1],
                "model_version": said[2],
                "set_by": by,
                "reason": reason,
                "set_at": self._clock.now(),
                "revision": document.revision,
                "opinion": max([record.opinion, *opinions]) + 1,
            }
            inserted = connection.execute(table.insert().values(**values)).inserted_primary_key
            assert inserted is not None
            return Correction(id=inserted[0], **values)

    def history(self, document_id: str | None = None, *, after: int = 0) -> list[Correction]:
        """The rows of a document, or of all, oldest first; only those with an id above `after`."""
        query = sa.select(table).where(table.c.id > after).order_by(table.c.id)
        if document_id is not None:
            query = query.where(table.c.document_id == document_id)
        with self._store.read() as connection:
            return _read(connection, query)

    def current(
        self, *, document_id: str | None = None, head: str | None = None, since: datetime | None = None
    ) -> list[Correction]:
        """The labels that hold now, oldest first; `since`: only those set at or after this moment."""
        return [row for row in self.last(document_id=document_id, head=head, since=since) if row.label is not None]

    def last(
        self, *, document_id: str | None = None, head: str | None = None, since: datetime | None = None
    ) -> list[Correction]:
        """Of each document and head the last row, whether it sets a label or takes one back; oldest first."""
        last = sa.select(sa.func.max(table.c.id)).group_by(table.c.document_id, table.c.head)
        if document_id is not None:
            last = last.where(table.c.document_id == document_id)
        query = sa.select(table).where(table.c.id.in_(last)).order_by(table.c.id)
        if head is not None:
            query = query.where(table.c.head == head)
        if since is not None:
            query = query.where(table.c.set_at >= since)
        with self._store.read() as connection:
            return _read(connection, query)

    def labels(self, document_id: str) -> dict[str, str]:
        """The labels that hold now for a document."""
        return {one.head: one.label for one in self.current(document_id=document_id) if one.label is not None}

    def of_same_text(self, correction: Correction) -> list[Correction]:
        """The labels of the same head that hold now for the same text in other documents."""
        same = [one for one in self.current(head=correction.head) if one.text_key == correction.text_key]
        return [one for one in same if one.document_id != correction.document_id]


class CurrentLabels:
    """All labels that hold now, in memory, kept up to date by reading what was added: one small query a call."""

    def __init__(self, book: CorrectionBook) -> None:
        self._book = book
        self._last = 0
        self._labels: dict[str, dict[str, str]] = {}

    def refresh(self) -> None:
        """Read what was added since the last time. Raises `Unavailable`; what is known stays."""
        for row in self._book.history(after=self._last):
            of_document = self._labels.setdefault(row.document_id, {})
            if row.label is None:
                of_document.pop(row.head, None)
            else:
                of_document[row.head] = row.label
            self._last = row.id

    def of(self, document_id: str) -> Labels:
        return self._labels.get(document_id, {})


def corrected(record: Assessed, labels: Labels) -> Assessed:
    """The record with the persons' labels in the place of its own: score 1, and `PERSON` in `models`, there also for
    each policy that a person has linked or taken away.

    Labels of policies are applied first: a stance holds only beside a policy that is linked without doubt.
    Advertising has none but one that a person gives it.
    """
    if not labels:
        return record
    changes: dict[str, Any] = {"policies": corrected_links(record.policies, labels)}
    models = {**record.models, **{head: PERSON for head in labels if head.startswith(POLICY)}}
    linked = any(not link.ambiguous for link in changes["policies"])
    for head in HEADS:
        if head in labels and (linked or head != "stance"):
            changes[head] = _certain(record, head, labels[head])
            models[head] = PERSON
    opinion = msgspec.structs.replace(record, models=models, **changes)
    if not linked or (opinion.advertises and "stance" not in labels):
        return without_stance(opinion)
    return opinion


def without_stance(record: Assessed) -> Assessed:
    """The record of what takes no side."""
    models = {head: version for head, version in record.models.items() if head != "stance"}
    return msgspec.structs.replace(record, stance=None, models=models)


def corrected_links(links: Sequence[PolicyLink], labels: Labels) -> tuple[PolicyLink, ...]:
    """The links without those to policies that a person says the document is not about, and with those it is about."""
    kept = [link for link in links if POLICY + link.policy_id not in labels]
    about = sorted(head for head, label in labels.items() if head.startswith(POLICY) and label == ABOUT)
    set_by_person = [PolicyLink(policy_id=head.removeprefix(POLICY), reason=PERSON, confidence=1.0) for head in about]
    return (*kept, *set_by_person)


def shows(record: Assessed, head: str, label: str | None) -> bool:
    """Whether the record is as the person's label wants it; None: as it is when no person's label holds."""
    by_person = record.models.get(head) == PERSON
    if label is None:
        return not by_person
    if head.startswith(POLICY):
        return by_person and (label == ABOUT) == any(POLICY + link.policy_id == head for link in record.policies)
    if head == "stance" and all(link.ambiguous for link in record.policies):
        return True  # a stance without a linked policy has no place to be
    judgement = record.judgements.get(head)
    return by_person and judgement is not None and judgement.label == label


def _certain(record: Assessed, head: str, label: str) -> Judgement:
    before = record.judgements.get(head)
    others = before.scores if before is not None else LABELS[head]
    return Judgement(label=label, scores={**dict.fromkeys(others, 0.0), label: 1.0})


def _said(record: Assessed, head: str) -> tuple[str | None, float | None, str | None]:
    """What the model says in a record: label, score and version."""
    if head.startswith(POLICY):
        links = [link for link in record.policies if POLICY + link.policy_id == head]
        return (
            ABOUT if links else NOT_ABOUT,
            links[0].confidence if links else None,
            record.models.get("policies"),
        )
    judgement = record.judgements.get(head)
    if judgement is None:
        return None, None, None
    return judgement.label, judgement.scores.get(judgement.label), record.models.get(head)


def _read(connection: Connection, query: sa.Select[Any]) -> list[Correction]:
    return [Correction(**row) for row in connection.execute(query).mappings()]
