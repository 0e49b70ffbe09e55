"""Setting a label by hand: it is noted, and the document goes through the log again with a higher opinion.

So search, alerts and briefings see it by the way that every document takes. Should the log have been away, or something
have overtaken the label on the way to the index, `send_again` makes up for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from classifiers.corrections import ABOUT, NOT_ABOUT, POLICY, Correction, CorrectionBook, corrected, shows
from classifiers.model import HEADS, LABELS
from classifiers.text_key import document_key
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.records import PERSON, Assessed, Document, document_id
from search.index import Filters, Index, Search
from stream.log import ASSESSED, Log
from stream.messages import record_message

_CHUNK = 500


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a wish.

    Attributes
    ----------
    before:
        The label that held until now; None where there was none.
    correction:
        The new row of the history; None where all was as wished and nothing was done.
    same_text:
        Ids of other documents with the same text, which keep their labels.
    other_labels:
        What persons have set for the same text elsewhere, where it differs.
    """

    document_id: str
    head: str
    before: str | None
    after: str | None
    correction: Correction | None
    same_text: tuple[str, ...] = ()
    other_labels: tuple[Correction, ...] = ()


class SentAgain(msgspec.Struct, frozen=True, kw_only=True):
    """Documents that were sent again, and those with a label whose document the index does not have (any more)."""

    sent: tuple[str, ...]
    missing: tuple[str, ...]


class Relabeller:
    """Sets and takes back labels.

    Parameters
    ----------
    assess:
        Judges and links a document anew, with the labels in the book applied.
    policies:
        Gives the ids of the policies in the register.
    """

    def __init__(
        self,
        book: CorrectionBook,
        index: Index,
        log: Log,
        clock: Clock,
        assess: Callable[[Document], Assessed],
        policies: Callable[[], Collection[str]],
    ) -> None:
        self._book = book
        self._index = index
        self._log = log
        self._clock = clock
        self._assess = assess
        self._policies = policies

    def set(self, document: str, head: str, label: str, *, by: str, reason: str = "") -> Change:
        """Set a label.

        Parameters
        ----------
        document:
            Its id, or SOURCE:KEY with the key that the source has for it (native id or address).
        head:
            One of `HEADS`, or `policy:<id>` with the label `about` or `not-about`.

        Raises
        ------
        WrongUse
            If document, head or label are not known.
        Unavailable
            If store, index or log can't be reached. Where the label is noted already, `send_again` sends it.
        """
        record = self._record(document)
        self._check(record, head, label)
        before = _label(record, head)
        if self._book.labels(record.document.id).get(head) == label:
            return Change(document_id=record.document.id, head=head, before=label, after=label, correction=None)
        same_text = self._same_text(record.document)
        correction = self._book.add(record, head, label, by=by, reason=reason)
        self._send(record, correction.opinion, anew=head.startswith(POLICY))
        return Change(
            document_id=record.document.id,
            head=head,
            before=before,
            after=label,
            correction=correction,
            same_text=same_text,
            other_labels=tuple(one for one in self._book.of_same_text(correction) if one.label != label),
        )

    def unset(self, document: str, head: str, *, by: str, reason: str = "") -> Change:
        """Take a person's label back: the document is assessed anew, and the model's label holds again.

        Raises
        ------
        WrongUse
            If the document is not known, or nobody has set a label of this head for it.
        """
        record = self._record(document)
        before = self._book.labels(record.document.id).get(head)
        if before is None:
            raise WrongUse(
                f"nobody has set {head} of {record.document.id}", f"minsheng labels list {record.document.id}"
            )
        correction = self._book.add(record, head, None, by=by, reason=reason)
        after = self._send(record, correction.opinion, anew=True)
        return Change(
            document_id=record.document.id,
            head=head,
            before=before,
            after=_label(after, head),
            correction=correction,
        )

    def send_again(self) -> SentAgain:
        """Send every document whose record in the index is not as a person's label, or its withdrawal, wants it."""
        overtaken, missing = not_shown(self._book.last(), self._index)
        for record, labels in overtaken:
            opinions = [one.opinion for one in labels if one.revision == record.document.revision]
            anew = any(one.head.startswith(POLICY) for one in labels)  # the links are made, not kept
            self._send(record, max([record.opinion, *opinions]) + 1, anew=anew)
        return SentAgain(sent=tuple(record.document.id for record, _ in overtaken), missing=tuple(missing))

    def _send(self, record: Assessed, opinion: int, *, anew: bool) -> Assessed:
        """Send the document with all labels that hold now.

        `anew`: judged again; otherwise what the models said of the other heads stays as it is.
        """
        document = record.document
        labels = self._book.labels(document.id)
        # A label that was taken back a moment ago may still stand in the record that the index has.
        anew |= any(version == PERSON and head not in labels for head, version in record.models.items())
        judged = self._assess(document) if anew else corrected(record, labels)
        judged = msgspec.structs.replace(judged, opinion=opinion, assessed_at=self._clock.now())
        producer = self._log.producer()
        try:
            producer.send([record_message(ASSESSED, judged)])
        finally:
            producer.close()
        return judged

    def _record(self, document: str) -> Assessed:
        name = id_of(document)
        found = self._index.get([name])
        if name not in found:
            raise WrongUse(
                f"the index has no document {document}",
                "give its id (minsheng search --json), or SOURCE:KEY; what was just crawled takes a moment",
            )
        return found[name].assessed

    def _check(self, record: Assessed, head: str, label: str) -> None:
        if head.startswith(POLICY):
            policy = head.removeprefix(POLICY)
            if policy not in self._policies():
                raise WrongUse(Problem("policy-unknown", policy=policy), "minsheng policies list")
            known: Sequence[str] = (ABOUT, NOT_ABOUT)
        elif head in HEADS:
            judgement = record.judgements.get(head)
            known = LABELS.get(head) or sorted(judgement.scores if judgement else ())
        else:
            raise WrongUse(f"there is no head '{head}'", f"known are: {', '.join(HEADS)}, {POLICY}ID")
        if label not in known:
            raise WrongUse(Problem("label-unknown", head=head, label=label), f"known are: {', '.join(known)}")
        if head == "stance" and all(link.ambiguous for link in record.policies):
            raise WrongUse(
                "a stance is one to a policy, and none is linked to this document",
                f"say first which it is about: --head {POLICY}ID --label {ABOUT}",
            )

    def _same_text(self, document: Document) -> tuple[str, ...]:
        """Documents of its duplicate group that have the same text, as far as a page holds them."""
        group = self._index.get([document.id])[document.id].duplicate.group
        search = Search(filters=Filters(duplicate_groups=(group,)), size=_CHUNK, highlight=False)
        key = document_key(document)
        others = [hit.record.document for hit in self._index.search(search).hits]
        return tuple(one.id for one in others if one.id != document.id and document_key(one) == key)


def id_of(document: str) -> str:
    """The id of a document that is named by it, or by SOURCE:KEY with what its source calls it."""
    source, colon, key = document.partition(":")
    return document_id(source, key) if colon else document


def not_shown(
    corrections: Sequence[Correction], index: Index
) -> tuple[list[tuple[Assessed, list[Correction]]], list[str]]:
    """Which labels the index does not show.

    Parameters
    ----------
    corrections:
        The last of each document and head; one without a label is a label taken back.

    Returns
    -------
    The records that are not as the labels want them, each with all its labels; and the ids of documents that the index
    does not have.
    """
    wanted: dict[str, list[Correction]] = {}
    for one in corrections:
        wanted.setdefault(one.document_id, []).append(one)
    overtaken, missing = [], []
    for start in range(0, len(wanted), _CHUNK):
        ids = list(wanted)[start : start + _CHUNK]
        found = index.get(ids)
        missing += [name for name in ids if name not in found]
        for name, grouped in found.items():
            if not all(shows(grouped.assessed, one.head, one.label) for one in wanted[name]):
                overtaken.append((grouped.assessed, wanted[name]))
    return overtaken, missing


def _label(record: Assessed, head: str) -> str | None:
    if head.startswith(POLICY):
        return ABOUT if any(POLICY + link.policy_id == head for link in record.policies) else NOT_ABOUT
    judgement = record.judgements.get(head)
    return judgement.label if judgement is not None else None
