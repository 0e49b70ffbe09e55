"""A worker as a process of its own, for tests that kill it: `python worker_process.py KIND PLACE PREFIX STAGE FOLDER`.

Its stages leave their effects in a SQLite file, as real ones leave them in index and store.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from minsheng.clock import SystemClock
from minsheng.records import Assessed, Document, scores_of
from stream.log import ASSESSED, DOCUMENTS, Log, Partition
from stream.stage import Result
from stream.worker import Worker

BATCH_SECONDS = 0.02


def open_log(kind: str, place: str, prefix: str) -> Log:
    if kind == "embedded":
        from stream.embedded import EmbeddedLog

        return EmbeddedLog(Path(place), lease_seconds=2)
    from stream.kafka import KafkaLog

    return KafkaLog(place, prefix=prefix)


def open_effects(folder: Path) -> sqlite3.Connection:
    effects = sqlite3.connect(folder / "effects.db", timeout=30, isolation_level=None)
    effects.execute("PRAGMA journal_mode=WAL")
    effects.execute("CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, times INTEGER)")
    effects.execute("CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT)")
    return effects


class WritingStage:
    """documents → assessed, and a row for each document."""

    name = "assess"
    input = DOCUMENTS
    output = ASSESSED
    record = Document

    def __init__(self, folder: Path) -> None:
        self.effects = open_effects(folder)

    def start(self) -> Mapping[Partition, int] | None:
        return None

    def work(self, batch: Sequence[Document]) -> Result:
        for document in batch:
            self.effects.execute(
                "INSERT INTO documents VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1", (document.id,)
            )
            time.sleep(BATCH_SECONDS / len(batch))
        label = scores_of("neutral")
        now = SystemClock().now()
        return Result(
            outputs=[
                Assessed(document=d, sentiment=label, emotion=label, topic=label, request=label, assessed_at=now)
                for d in batch
            ]
        )

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        return True

    def close(self) -> None:
        self.effects.close()


class CountingStage:
    """A stage with state: counts each document, and saves the counts with their positions at every fifth batch."""

    name = "count"
    input = ASSESSED
    output = None
    record = Assessed

    def __init__(self, folder: Path) -> None:
        self.effects = open_effects(folder)
        self.counts: dict[str, int] = {}
        self.batches = 0

    def start(self) -> Mapping[Partition, int] | None:
        row = self.effects.execute("SELECT value FROM state WHERE name = 'count'").fetchone()
        if row is None:
            self.counts = {}
            return None
        saved = json.loads(row[0])
        self.counts = saved["counts"]
        return {Partition(topic, number): offset for topic, number, offset in saved["positions"]}

    def work(self, batch: Sequence[Assessed]) -> Result:
        for assessed in batch:
            self.counts[assessed.document.id] = self.counts.get(assessed.document.id, 0) + 1
        time.sleep(BATCH_SECONDS)
        return Result()

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        self.batches += 1
        if self.batches % 5 and not final:
            return False
        saved = {"counts": self.counts, "positions": [[*partition, offset] for partition, offset in positions.items()]}
        self.effects.execute("INSERT OR REPLACE INTO state VALUES ('count', ?)", (json.dumps(saved),))
        return True

    def close(self) -> None:
        self.effects.close()


def main() -> None:
    kind, place, prefix, name, folder = sys.argv[1:]
    log = open_log(kind, place, prefix)
    stage = WritingStage(Path(folder)) if name == "assess" else CountingStage(Path(folder))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Worker(stage, log, clock=SystemClock(), batch=20, poll_seconds=0.2).run(stop)  # type: ignore[arg-type,type-var]
    log.close()


if __name__ == "__main__":
    main()
