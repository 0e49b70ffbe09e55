"""Documents onto the log, once in effect: new, changed and unchanged ones told apart, and remembered when stored.

What is remembered is written only after the log has confirmed. A crash between the two sends a document again, with the
same id and revision; it never loses one. Where the source gives a document no time, the one that it is given here is
written first: sent again, it would have another, and stand in another month.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from crawlers import tables
from minsheng.clock import Clock
from minsheng.records import Document, encode
from minsheng.store import Store, upsert
from stream.log import DOCUMENTS, Message, Producer

REACH_FACTOR, REACH_STEP = 2, 10
"""Counts alone make a new revision when they at least doubled and grew by ten: reach matters, noise does not."""

TO_BE_SENT = 0
"""In place of a revision: whether it has reached the log is not known."""
MOST_REACH = 2**31 - 1
"""What the store's column holds."""
AT_A_TIME = 1000
"""Documents looked up in one query: a statement takes only so many values."""

Outcome = Literal["new", "changed", "reach", "unchanged"]


class PageMark(NamedTuple):
    """What is remembered of a fetched page; `fetched_at` is set when it is written."""

    source_id: str
    url: str
    etag: str | None = None
    last_modified: str | None = None
    hint: str | None = None
    settled: bool = True
    fetched_at: datetime | None = None


class Known(NamedTuple):
    """What the store remembers of a document."""

    content_hash: str
    revision: int
    reach: int
    published_at: datetime


class Intake:
    """Stores documents on the log and remembers them. Blocking; use it from one thread at a time."""

    def __init__(self, store: Store, producer: Producer, clock: Clock) -> None:
        self.store = store
        self.producer = producer
        self.clock = clock

    def take(self, documents: Sequence[Document], marks: Sequence[PageMark] = ()) -> list[Outcome]:
        """Send what is new or changed, then remember it and the pages it came from.

        Returns
        -------
        What came of each document, in their order.

        Raises
        ------
        Unavailable
            If the log or the store can't be reached; nothing is remembered then: call again with the same.
        """
        known = self._known([document.id for document in documents])
        outcomes: list[Outcome] = []
        sent: list[Document] = []
        for document in documents:
            outcome, revised = revise(document, known.get(document.id))
            outcomes.append(outcome)
            if revised is not None:
                sent.append(revised)
                known[document.id] = _known_of(revised)
        if undated := [one for one in sent if one.published_estimated and one.revision == 1]:
            self._remember(undated, [], revision=TO_BE_SENT)
        if sent:
            self.producer.send(
                [Message(DOCUMENTS, document.id, encode(document), document.source) for document in sent]
            )
        if sent or marks:
            self._remember(sent, marks)
        return outcomes

    def _known(self, ids: Sequence[str]) -> dict[str, Known]:
        if not ids:
            return {}
        table = tables.crawl_documents
        known: dict[str, Known] = {}
        with self.store.read() as connection:
            for start in range(0, len(ids), AT_A_TIME):
                wanted = sa.select(table).where(table.c.id.in_(list(ids[start : start + AT_A_TIME])))
                for row in connection.execute(wanted):
                    known[row.id] = Known(row.content_hash, row.revision, row.reach, row.published_at)
        return known

    def _remember(
        self, documents: Iterable[Document], marks: Iterable[PageMark], *, revision: int | None = None
    ) -> None:
        now = self.clock.now()
        last = {document.id: document for document in documents}
        rows = [
            {"id": document.id, "source_id": document.source, "stored_at": now, **_known_of(document)._asdict()}
            for document in last.values()
        ]
        if revision is not None:
            rows = [{**row, "revision": revision} for row in rows]
        pages = {
            (mark.source_id, url_hash(mark.url)): {**mark._asdict(), "url_hash": url_hash(mark.url), "fetched_at": now}
            for mark in marks
        }
        with self.store.begin() as connection:
            upsert(self.store, tables.crawl_documents, rows, keys=["id"], connection=connection)
            upsert(
                self.store,
                tables.crawl_pages,
                list(pages.values()),
                keys=["source_id", "url_hash"],
                connection=connection,
            )


def revise(document: Document, known: Known | None) -> tuple[Outcome, Document | None]:
    """Decide whether a fetched document is news, and give it its revision.

    A later revision keeps the first one's time: indices and windows are chosen by it.
    """
    if known is None:
        return "new", document
    if known.revision == TO_BE_SENT:
        # Where it was sent and has changed since, it must not come under the same revision.
        revision = 1 if content_hash(document) == known.content_hash else 2
        return "new", msgspec.structs.replace(document, revision=revision, published_at=known.published_at)
    reach = _reach(document)
    if content_hash(document) != known.content_hash:
        outcome: Outcome = "changed"
    elif reach >= known.reach * REACH_FACTOR and reach >= known.reach + REACH_STEP:
        outcome = "reach"
    else:
        return "unchanged", None
    return outcome, msgspec.structs.replace(document, revision=known.revision + 1, published_at=known.published_at)


def content_hash(document: Document) -> str:
    """What makes a document's content: its words, files, particulars and parent; not its counts and times."""
    official = msgspec.json.encode(document.official).decode() if document.official else ""
    parts = (document.title, document.text, document.parent_id or "", *(file.url for file in document.attachments))
    parts = (*parts, official) if official else parts
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def url_hash(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _known_of(document: Document) -> Known:
    return Known(content_hash(document), document.revision, _reach(document), document.published_at)


def _reach(document: Document) -> int:
    return min(document.engagement.total(), MOST_REACH)
