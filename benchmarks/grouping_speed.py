"""Documents a second of grouping, and its memory, as more and more is remembered.

    python -m benchmarks.grouping_speed [--documents 10000 100000 1000000] [--copies]

All of them are kept, so that the last line says what a memory of that size costs; the shared data holds some 190,000
posts, so beyond 250,000 documents more and more of them are copies. Near duplicates alone are timed on the last
documents against datasketch's MinHash LSH (threshold 0.6, 128 hashes, character trigrams), if that is installed; it
compares sketches only, where ours compares the texts of its candidates.

`--copies` measures near duplicates alone instead, over all lines of the shared data, nearly a million different ones,
nothing forgotten.
"""

from __future__ import annotations

import argparse
import gzip
import random
import resource
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import IO

from benchmarks.mixed import data_folder, mixed_stream
from grouping.duplicates import Copies, body_of
from grouping.memory import Memory
from minsheng.records import Assessed, Document, Judgement
from minsheng.settings import GroupSettings

WINDOW = 5_000
"""Documents at the end of each run that the speed is taken from."""


def assessed(documents: Iterator[Document]) -> Iterator[Assessed]:
    neutral = Judgement(label="neutral", scores={"neutral": 1.0})
    for document in documents:
        yield Assessed(
            document=document, sentiment=neutral, emotion=neutral, topic=neutral, request=neutral,
            assessed_at=document.fetched_at,
        )  # fmt: skip


def peer(documents: list[Document]) -> float | None:
    """Documents a second of MinHash LSH over the same texts; None where datasketch is not installed."""
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        return None
    index = MinHashLSH(threshold=0.6, num_perm=128)
    began = time.perf_counter()
    for document in documents:
        text = document.text
        sketch = MinHash(num_perm=128)
        sketch.update_batch([text[place : place + 3].encode() for place in range(max(1, len(text) - 2))])
        if not index.query(sketch):
            index.insert(document.id, sketch)
    return len(documents) / (time.perf_counter() - began)


def copies_alone(documents: list[Document]) -> float:
    """Documents a second of our near duplicates alone over the same texts."""
    index = Copies(len(documents))
    began = time.perf_counter()
    for document in documents:
        body = body_of(document.title, document.text)
        if not index.find(body):
            index.add(body)
    return len(documents) / (time.perf_counter() - began)


def copies_growing(marks: list[int]) -> None:
    """Near duplicates alone, as more and more texts are remembered."""
    index = Copies(max(marks))
    began = time.perf_counter()
    print(f"{'texts':>10} {'texts/s':>12} {'copies':>8} {'MB':>6}")
    copies = 0
    for placed, line in enumerate(every_line(), 1):
        if placed - 1 in [mark - WINDOW for mark in marks]:
            began = time.perf_counter()
        body = body_of("", line)
        if index.find(body):
            copies += 1
        else:
            index.add(body)
        if placed in marks:
            speed = WINDOW / (time.perf_counter() - began)
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{placed:>10} {speed:>12,.0f} {copies:>8} {used:>6.0f}", flush=True)


def every_line() -> Iterator[str]:
    """The different lines of ten characters or more of the shared data's unlabelled texts, the same mix all along."""
    folder = data_folder()
    with ExitStack() as opened:
        paths = sorted(folder.glob("text_*.txt.gz"))
        yield from _mixed([opened.enter_context(gzip.open(path, "rt", encoding="utf-8")) for path in paths])


def _mixed(files: list[IO[str]]) -> Iterator[str]:
    sizes = [sum(1 for _ in file) for file in files]
    seen: set[int] = set()
    pick = random.Random(3)
    for file in files:
        file.seek(0)
    while any(sizes):
        (place,) = pick.choices(range(len(files)), sizes)
        sizes[place] -= 1
        line = next(files[place]).strip()
        if len(line) > 10 and hash(line) not in seen:
            seen.add(hash(line))
            yield line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--copies", action="store_true", help="near duplicates alone")
    chosen = parser.parse_args()
    if chosen.copies:
        copies_growing(chosen.documents)
        return
    settings = GroupSettings()
    most = max(chosen.documents)
    memory = Memory(timedelta(days=settings.window_days), max_texts=most, max_documents=most)
    last: deque[Document] = deque(maxlen=WINDOW)
    began = time.perf_counter()
    wanted = sorted(chosen.documents)
    print(f"{'documents':>10} {'documents/s':>12} {'texts':>8} {'events':>8} {'MB':>6}")
    for placed, one in enumerate(assessed(mixed_stream(wanted[-1], datetime.now(UTC))), 1):
        if placed - 1 in [mark - WINDOW for mark in wanted]:
            began = time.perf_counter()
        memory.place(one)
        last.append(one.document)
        if placed in wanted:
            speed = WINDOW / (time.perf_counter() - began)
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{placed:>10} {speed:>12,.0f} {memory.texts:>8} {len(memory.events):>8} {used:>6.0f}", flush=True)
    print(f"near duplicates alone on the last {WINDOW}: {copies_alone(list(last)):,.0f}/s")
    found = peer(list(last))
    print(f"MinHash LSH on the same: {found:,.0f}/s" if found else "datasketch is not installed: no peer")


if __name__ == "__main__":
    main()
