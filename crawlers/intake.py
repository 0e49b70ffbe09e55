"""Documents onto the log, once: new, changed and unchanged ones told apart, and remembered when stored.

What is about to be sent is written first, and crossed out after the log has confirmed. Whoever finds something that was
not crossed out, after a crash or where the log gave no answer, looks on the log whether it is there: it is sent again
only where it is not. So nothing is lost, and nothing stands on the log twice, but for one case: a message that was
still under way when it was looked for. All that read the log count a document that is there twice once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from crawlers import tables
from minsheng.clock import Clock
from minsheng.records import Document, decode, encode
from minsheng.store import Store, upsert
from stream.log import DOCUMENTS, Message, Producer

REACH_FACTOR, REACH_STEP = 2, 10
"""Counts alone make a new revision when they at least doubled and grew by ten: reach matters, noise does not."""

CLOCKS = timedelta(minutes=10)
"""How far the clocks of crawlers and log may differ: how much earlier than it was sent a document is looked for."""
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
    """What the store remembers of a document.

    Attributes
    ----------
    sending_since:
        Since when it is being sent, where the log has not confirmed that it has this revision; otherwise None.
    """

    content_hash: str
    revision: int
    reach: int
    published_at: datetime
    sending_since: datetime | None = None


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
            If the log or the store can't be reached; no page is remembered then: call again with the same.
        """
        known = self._known([document.id for document in documents])
        arrived = self._look_up(documents, known)
        outcomes: list[Outcome] = []
        sent: list[Document] = []
        for document in documents:
            outcome, revised = revise(document, known.get(document.id))
            outcomes.append(outcome)
            if revised is not None:
                sent.append(revised)
                known[document.id] = _known_of(revised)
        if sent:
            self._announce(sent)
            self.producer.send(
                [Message(DOCUMENTS, document.id, encode(document), document.source) for document in sent]
            )
        settled = {*arrived, *(document.id for document in sent)}
        if settled or marks:
            self._remember(sorted(settled), marks)
        return outcomes

    def _look_up(self, documents: Sequence[Document], known: dict[str, Known]) -> set[str]:
        """Find out what became of those that were being sent, and correct `known`. Returns those that arrived."""
        doubtful: dict[str, tuple[str, Known, datetime]] = {}
        for document in documents:
            before = known.get(document.id)
            if before is not None and before.sending_since is not None:
                doubtful[document.id] = (document.source, before, before.sending_since)
        if not doubtful:
            return set()
        since = min(at for _, _, at in doubtful.values()) - CLOCKS
        keys = {name: source for name, (source, _, _) in doubtful.items()}
        last = dict.fromkeys(doubtful, 0)
        for message in self.producer.find(DOCUMENTS, keys, since_ms=int(since.timestamp() * 1000)):
            name = message.key or ""
            last[name] = max(last[name], decode(Document, message.value).revision)
        arrived = {name for name, (_, before, _) in doubtful.items() if last[name] >= before.revision}
        for name in arrived:
            known[name] = known[name]._replace(sending_since=None)
        for name in doubtful.keys() - arrived:
            if last[name]:  # one of two that were sent together
                known[name] = known[name]._replace(revision=last[name] + 1)
        return arrived

    def _known(self, ids: Sequence[str]) -> dict[str, Known]:
        if not ids:
            return {}
        table = tables.crawl_documents
        known: dict[str, Known] = {}
        with self.store.read() as connection:
            for start in range(0, len(ids), AT_A_TIME):
                wanted = sa.select(table).where(table.c.id.in_(list(ids[start : start + AT_A_TIME])))
                for row in connection.execute(wanted):
                    known[row.id] = Known(
                        row.content_hash, row.revision, row.reach, row.published_at, row.sending_since
                    )
        return known

    def _announce(self, documents: Iterable[Document]) -> None:
        """Write what is about to be sent."""
        now = self.clock.now()
        last = {document.id: document for document in documents}
        rows = [
            {
                "id": document.id,
                "source_id": document.source,
                "stored_at": now,
                **_known_of(document)._replace(sending_since=now)._asdict(),
            }
            for document in last.values()
        ]
        with self.store.begin() as connection:
            upsert(self.store, tables.crawl_documents, rows, keys=["id"], connection=connection)

    def _remember(self, settled: Sequence[str], marks: Iterable[PageMark]) -> None:
        """Write that these documents are on the log, and what is remembered of pages."""
        now = self.clock.now()
        table = tables.crawl_documents
        pages = {
            (mark.source_id, url_hash(mark.url)): {**mark._asdict(), "url_hash": url_hash(mark.url), "fetched_at": now}
            for mark in marks
        }
        with self.store.begin() as connection:
            for start in range(0, len(settled), AT_A_TIME):
                mine = table.c.id.in_(list(settled[start : start + AT_A_TIME]))
                connection.execute(sa.update(table).where(mine).values(sending_since=None))
            upsert(
                self.store,
                tables.crawl_pages,
                list(pages.values()),
                keys=["source_id", "url_hash"],
                connection=connection,
            )


def revise(document: Document, known: Known | None) -> tuple[Outcome, Document | None]:
    """Decide whether a fetched document is news, and give it its revision.

    A later revision keeps the first one's time: indices and windows are chosen by it. So does one that was being sent
    and has not arrived; where the source gives no time, the one that it was given then is the first.
    """
    if known is None:
        return "new", document
    reach = _reach(document)
    revision = known.revision + 1
    outcome: Outcome
    if known.sending_since is not None:
        revision, outcome = known.revision, "new" if known.revision == 1 else "changed"
    elif content_hash(document) != known.content_hash:
        outcome = "changed"
    elif reach >= known.reach * REACH_FACTOR and reach >= known.reach + REACH_STEP:
        outcome = "reach"
    else:
        return "unchanged", None
    return outcome, msgspec.structs.replace(document, revision=revision, published_at=known.published_at)


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
