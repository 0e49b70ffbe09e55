"""Small real stages and documents for the tests of the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from minsheng.records import Assessed, Document, document_id, scores_of
from stream.log import ASSESSED, DOCUMENTS, Partition
from stream.stage import Rejected, Result

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def make_document(number: int, source: str = "bbs", text: str = "公交线路调整后等车时间太长了") -> Document:
    return Document(
        id=document_id(source, str(number)),
        source=source,
        kind="post",
        native_id=str(number),
        title=f"第{number}条",
        text=text,
        published_at=AT,
        fetched_at=AT,
    )


def assessed(document: Document) -> Assessed:
    return Assessed(
        document=document,
        sentiment=scores_of("negative"),
        emotion=scores_of("anger"),
        topic=scores_of("transport"),
        request=scores_of("complaint"),
        assessed_at=AT,
    )


class AssessStage:
    """documents → assessed; `before` may fail, or wait, for the batch at hand."""

    name = "assess"
    input = DOCUMENTS
    output = ASSESSED
    record = Document

    def __init__(self, before: Callable[[Sequence[Document]], None] | None = None) -> None:
        self.before = before
        self.batches: list[list[str]] = []
        self.starts = 0
        self.closed = False

    def start(self) -> Mapping[Partition, int] | None:
        self.starts += 1
        return None

    def work(self, batch: Sequence[Document]) -> Result:
        if self.before is not None:
            self.before(batch)
        self.batches.append([str(document.native_id) for document in batch])
        rejected = [Rejected(place, "空文") for place, document in enumerate(batch) if not document.text]
        return Result(outputs=[assessed(document) for document in batch if document.text], rejected=rejected)

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


class CountingStage:
    """A stage with state of its own: counts documents, and saves the counts with their positions now and then."""

    name = "count"
    input = DOCUMENTS
    output = None
    record = Document

    def __init__(self, saved: dict[str, object], every: int = 3) -> None:
        self.saved = saved
        self.every = every
        self.counts: dict[str, int] = {}
        self._asked = 0

    def start(self) -> Mapping[Partition, int] | None:
        self.counts = dict(self.saved.get("counts", {}))  # type: ignore[call-overload]
        return self.saved.get("positions")  # type: ignore[return-value]

    def work(self, batch: Sequence[Document]) -> Result:
        for document in batch:
            self.counts[document.id] = self.counts.get(document.id, 0) + 1
        return Result()

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        self._asked += 1
        if not final and self._asked % self.every:
            return False
        self.saved.update(counts=dict(self.counts), positions=dict(positions))
        return True

    def close(self) -> None:
        pass
