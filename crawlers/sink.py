"""From the crawl's event loop to the log: finds of all sources gathered into batches, stored in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from crawlers.intake import Intake, Outcome, PageMark
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.records import Document

log = get_logger(__name__)

MOST = 500
"""Documents in one batch."""


class _Waiting(NamedTuple):
    documents: Sequence[Document]
    marks: Sequence[PageMark]
    done: asyncio.Future[list[Outcome]]


class LogSink:
    """Stores finds through an `Intake`; while the log or the store is away, everybody waits and nothing is lost.

    Parameters
    ----------
    stop:
        When set, waiting ends with the error: what was not stored is found again by the next crawl.
    """

    def __init__(self, intake: Intake, stop: threading.Event) -> None:
        self._intake = intake
        self._stop = stop
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self.problem = ""  # why nothing is stored now; empty while all is well

    @property
    def stopping(self) -> bool:
        """Whether nothing is waited for any more."""
        return self._stop.is_set()

    async def take(self, documents: Sequence[Document], marks: Sequence[PageMark]) -> list[Outcome]:
        """Returns when all is stored. Raises `Unavailable` only when told to stop."""
        if not documents and not marks:
            return []
        waiting = _Waiting(documents, marks, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await waiting.done

    async def _drain(self) -> None:
        while self._queue:
            batch: list[_Waiting] = []
            size = 0
            while self._queue and (not batch or size + len(self._queue[0].documents) <= MOST):
                batch.append(self._queue.popleft())
                size += len(batch[-1].documents)
            try:
                await self._settle(batch)
            except Exception as error:
                if len(batch) == 1 or isinstance(error, Unavailable):
                    _fail(batch, error)
                    continue
                # Something in it can't be stored; nobody else's finds wait in vain for that.
                for waiting in batch:
                    try:
                        await self._settle([waiting])
                    except Exception as own:
                        _fail([waiting], own)

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        outcomes = await self._store(batch)
        reached = 0
        for waiting in batch:
            mine = outcomes[reached : reached + len(waiting.documents)]
            reached += len(waiting.documents)
            if not waiting.done.done():
                waiting.done.set_result(mine)

    async def _store(self, batch: Sequence[_Waiting]) -> list[Outcome]:
        documents = [document for waiting in batch for document in waiting.documents]
        marks = [mark for waiting in batch for mark in waiting.marks]
        pause = 0.5
        while True:
            try:
                outcomes = await asyncio.to_thread(self._intake.take, documents, marks)
            except Unavailable as error:
                if self._stop.is_set():
                    raise
                self.problem = str(error)
                log.warning("waiting", reason=self.problem, seconds=pause)
                await asyncio.to_thread(self._stop.wait, pause)
                pause = min(pause * 2, 30.0)
            else:
                self.problem = ""
                return outcomes


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
