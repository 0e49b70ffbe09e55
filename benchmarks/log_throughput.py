"""Messages a second into and out of the log, beside the bare library under each of its two implementations.

    python -m benchmarks.log_throughput [--messages 20000] [--batch 500] [--logs embedded kafka]

Each row is one implementation doing the same: store all messages durably, a batch at a time; then read all and note
after each batch how far it came. The peers do it with the bare library: an INSERT into one table of a WAL database with
full synchronisation (as in the log, not for the place it has read to), and kafka-python with gzip, the only compression
that it brings along, acknowledged by all replicas.
`MINSHENG_TEST_SERVERS` names running servers; otherwise a Kafka is started for the run.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from deploy.servers import KINDS, cache_folder
from deploy.servers.running import read_running
from minsheng.records import Document, document_id
from stream.embedded import EmbeddedLog
from stream.log import DOCUMENTS, Log, Message, Partition
from stream.messages import document_message

PARTITIONS = 4
_WORDS = "公交线路调整等车时间老人孩子上学看病排队社保缴费窗口停车收费噪声施工物业停水停电希望处理答复"


def messages(count: int) -> list[Message]:
    """Posts of some 200 characters; no two alike, so that they compress as real ones do, about three to one."""
    draw = random.Random(7)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        document_message(
            Document(
                id=document_id("bbs", str(number)), source=f"bbs{number % 50}", kind="post",
                native_id=str(number), url=f"https://bbs.example/thread/{number}", published_at=at, fetched_at=at,
                text="".join(
                    draw.choice(_WORDS) + chr(0x4E00 + int(draw.paretovariate(0.7)) % 3000) for _ in range(70)
                ),
            )
        )
        for number in range(count)
    ]  # fmt: skip


def log_rates(log: Log, sent: Sequence[Message], batch: int) -> tuple[float, float]:
    log.ensure_topics({DOCUMENTS: PARTITIONS})
    producer = log.producer()
    producer.send(sent[:1])
    began = time.perf_counter()
    for start in range(0, len(sent), batch):
        producer.send(sent[start : start + batch])
    into = len(sent) / (time.perf_counter() - began)
    consumer = log.consumer([DOCUMENTS], "bench")
    count = len(consumer.poll(batch, 30))
    began, first = time.perf_counter(), count
    while count <= len(sent):
        received = consumer.poll(batch, 30)
        count += len(received)
        consumer.commit({Partition(m.topic, m.partition): m.offset + 1 for m in received})
    return into, (count - first) / (time.perf_counter() - began)


def sqlite_rates(path: Path, sent: Sequence[Message], batch: int) -> tuple[float, float]:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, key TEXT, value BLOB)")
        database.execute("CREATE TABLE place (id INTEGER)")
        database.execute("INSERT INTO place VALUES (0)")
        began = time.perf_counter()
        for start in range(0, len(sent), batch):
            database.execute("BEGIN")
            database.executemany(
                "INSERT INTO messages (key, value) VALUES (?, ?)",
                [(message.key, message.value) for message in sent[start : start + batch]],
            )
            database.execute("COMMIT")
        into = len(sent) / (time.perf_counter() - began)
        database.execute("PRAGMA synchronous=NORMAL")
        began, place = time.perf_counter(), 0
        while rows := database.execute("SELECT * FROM messages WHERE id > ? LIMIT ?", (place, batch)).fetchall():
            place = rows[-1][0]
            database.execute("UPDATE place SET id = ?", (place,))
        return into, len(sent) / (time.perf_counter() - began)


def kafka_python_rates(server: str, topic: str, sent: Sequence[Message], batch: int) -> tuple[float, float]:
    from kafka import KafkaConsumer, KafkaProducer

    producer = KafkaProducer(bootstrap_servers=server, acks="all", compression_type="gzip")
    producer.send(topic, b"x", key=b"x").get(timeout=30)
    began = time.perf_counter()
    for start in range(0, len(sent), batch):
        futures = [producer.send(topic, m.value, key=m.key.encode()) for m in sent[start : start + batch]]
        for future in futures:
            future.get(timeout=30)
    into = len(sent) / (time.perf_counter() - began)
    producer.close()
    consumer = KafkaConsumer(
        topic, bootstrap_servers=server, group_id=topic, auto_offset_reset="earliest", enable_auto_commit=False
    )
    count = 0
    while not count:
        count = sum(map(len, consumer.poll(1000, batch).values()))
    began, first = time.perf_counter(), count
    while count <= len(sent):
        count += sum(map(len, consumer.poll(1000, batch).values()))
        consumer.commit()
    out = (count - first) / (time.perf_counter() - began)
    consumer.close(autocommit=False)
    return into, out


@contextmanager
def kafka() -> Iterator[str]:
    shared = os.environ.get("MINSHENG_TEST_SERVERS")
    if shared:
        yield read_running(Path(shared))["kafka"].address
        return
    server = KINDS["kafka"](cache_folder())
    server.start()
    try:
        yield server.address
    finally:
        server.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--logs", nargs="+", choices=["embedded", "kafka"], default=["embedded", "kafka"])
    chosen = parser.parse_args()
    sent = messages(chosen.messages)
    size = sum(len(message.value) for message in sent) / len(sent)
    print(f"{len(sent)} messages of {size:.0f} bytes, {chosen.batch} a batch, {os.cpu_count()} processors")
    print(f"{'':24}{'in, messages/s':>16}{'out, messages/s':>18}")

    def row(name: str, measure: Callable[[], tuple[float, float]]) -> None:
        into, out = measure()
        print(f"{name:24}{into:16,.0f}{out:18,.0f}", flush=True)

    if "embedded" in chosen.logs:
        with tempfile.TemporaryDirectory() as folder:
            with closing(EmbeddedLog(Path(folder) / "log.db")) as log:
                row("embedded log", lambda: log_rates(log, sent, chosen.batch))
            row("bare SQLite", lambda: sqlite_rates(Path(folder) / "bare.db", sent, chosen.batch))
    if "kafka" in chosen.logs:
        from kafka import KafkaAdminClient

        from stream.kafka import KafkaLog

        with kafka() as server:
            name = f"bench{uuid4().hex[:8]}."
            with closing(KafkaLog(server, prefix=name)) as log:
                row("log on Kafka", lambda: log_rates(log, sent, chosen.batch))
            admin = KafkaAdminClient(bootstrap_servers=server)
            admin.create_topics({f"{name}bare": {"num_partitions": PARTITIONS}})
            admin.wait_for_topics([f"{name}bare"])
            row("bare kafka-python", lambda: kafka_python_rates(server, f"{name}bare", sent, chosen.batch))
            admin.delete_topics([f"{name}bare", f"{name}{DOCUMENTS}"])
            admin.close()


if __name__ == "__main__":
    main()
