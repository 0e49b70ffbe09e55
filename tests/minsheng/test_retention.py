"""What is older than the settings say goes; tickets stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa

from alerts.tables import observations, tickets
from minsheng.clock import ManualClock
from minsheng.records import Document, document_id
from minsheng.retention import apply_retention
from minsheng.road import WORKERS, Road
from minsheng.settings import Settings, StreamSettings
from search.index import Filters
from stream.worker import DocumentSink

START = datetime(2026, 1, 10, 8, tzinfo=UTC)


def document(number: int, at: datetime) -> Document:
    text = f"青石巷的路灯坏了没人修，晚上老人出门摔跤，反映{number}次了"
    return Document(
        id=document_id("board", str(number)), source="board", kind="message", native_id=str(number), text=text,
        author_key=f"author{number}", published_at=at, fetched_at=at,
    )  # fmt: skip


def test_old_things_go_and_tickets_stay(tmp_path: Path) -> None:
    clock = ManualClock(START)
    road = Road(msgspec.structs.replace(Settings(), data_dir=tmp_path), clock)
    road.prepare()
    with DocumentSink(road.log) as sink:
        sink.put(document(number, START - timedelta(hours=10 - number)) for number in range(8))
    for name in WORKERS:
        worker = road.worker(name)
        worker.drain()
        worker.close()
    with road.store.read() as connection:
        opened = connection.scalar(sa.select(sa.func.count()).select_from(tickets))
    assert opened == 1
    assert apply_retention(road).documents == 0

    clock.advance(days=1_200)
    removed = apply_retention(road)
    assert removed.documents == 8
    assert removed.observations == 8
    assert road.index.count(Filters()) == 0
    with road.store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tickets)) == opened
        assert connection.scalar(sa.select(sa.func.count()).select_from(observations)) == 0
    road.close()


def test_the_log_keeps_what_is_young_enough(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(Settings(), data_dir=tmp_path, stream=StreamSettings(retention_days=3))
    clock = ManualClock(datetime.now(UTC))
    road = Road(settings, clock)
    road.prepare()
    with DocumentSink(road.log) as sink:
        sink.put([document(1, START)])
    clock.advance(days=2)
    assert apply_retention(road).messages == 0
    clock.advance(days=2)
    assert apply_retention(road).messages == 1
    road.close()
