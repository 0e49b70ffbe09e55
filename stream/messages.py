"""From records to messages: which key each kind of record has on the log."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import Self

from minsheng.records import Assessed, Document, Grouped, encode
from stream.log import DOCUMENTS, Log, Message


def document_message(document: Document) -> Message:
    """A document for the first topic: all of one source go to one partition, so that their order survives."""
    return Message(DOCUMENTS, document.id, encode(document), partition_key=document.source)


def record_message(topic: str, record: Document | Assessed | Grouped) -> Message:
    """A record for any topic; its key is the document's id."""
    if isinstance(record, Document):
        return Message(topic, record.id, encode(record), partition_key=record.source)
    document = record.document
    return Message(topic, document.id, encode(record), partition_key=document.source)


class DocumentSink:
    """Where crawlers and imports put their documents.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from stream.embedded import EmbeddedLog
    >>> log = EmbeddedLog(Path(tempfile.mkdtemp()) / "log.db")
    >>> log.ensure_topics({"documents": 1})
    >>> with DocumentSink(log) as sink:
    ...     sink.put([])
    0
    """

    def __init__(self, log: Log, *, batch: int = 500) -> None:
        self._producer = log.producer()
        self._batch = batch

    def put(self, documents: Iterable[Document]) -> int:
        """Send the documents and return how many, when all are stored durably.

        Raises
        ------
        Unavailable
            If the log can't be reached: put all of them again later. What was stored already has no effect twice.
        """
        count = 0
        remaining = iter(documents)
        while chunk := [document_message(document) for document in islice(remaining, self._batch)]:
            self._producer.send(chunk)
            count += len(chunk)
        return count

    def close(self) -> None:
        self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
