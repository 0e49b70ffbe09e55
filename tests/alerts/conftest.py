"""A small world for the alert tests: a store, one policy, and documents that say what a test needs them to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from alerts.plan_model import Plan
from alerts.plans import PlanBook
from alerts.stage import AlertStage
from alerts.tickets import Ticket, TicketBook
from minsheng.clock import ManualClock
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import (
    Assessed,
    Document,
    Duplicate,
    Engagement,
    EventRef,
    Grouped,
    PolicyLink,
    document_id,
    scores_of,
)
from minsheng.settings import AlertSettings, Settings
from minsheng.store import Store
from tests.stores import made_store

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WATER = Policy(
    id="water-price",
    title="云和市居民阶梯水价调整方案",
    number="云政发〔2026〕3号",
    department="云和市发展和改革委员会",
    topics=("城乡建设",),
    released_on=date(2026, 3, 1),
)


def record(
    key: str,
    at: datetime,
    *,
    event: str = "event-1",
    author: str | None = None,
    kind: str = "post",
    sentiment: str = "negative",
    request: str = "complaint",
    policy: str | None = "water-price",
    source: str = "weibo",
    group: str | None = None,
    text: str = "水费突然涨价，负担太重了",
    title: str = "",
    likes: int = 0,
    fetched: datetime | None = None,
    opinion: int = 1,
) -> Grouped:
    """One grouped document. `key` names it within its source; without `author` it has one of its own."""
    identity = document_id(source, key)
    document = Document(
        id=identity,
        source=source,
        kind=kind,  # type: ignore[arg-type]
        published_at=at,
        fetched_at=fetched or at + timedelta(minutes=1),
        title=title,
        text=text,
        author_key=f"author-{key}" if author is None else author,
        engagement=Engagement(likes=likes),
    )
    assessed = Assessed(
        document=document,
        sentiment=scores_of(sentiment, {"neutral": 0.1} if sentiment != "neutral" else {}),
        emotion=scores_of("angry"),
        topic=scores_of("城乡建设"),
        request=scores_of(request),
        policies=(PolicyLink(policy_id=policy, reason="alias", confidence=0.9, matched="水价"),) if policy else (),
        opinion=opinion,
        assessed_at=at,
    )
    return Grouped(
        assessed=assessed,
        duplicate=Duplicate(group=document_id(source, group) if group else identity),
        event=EventRef(id=event),
    )


def burst(count: int, start: datetime = NOW, minutes: float = 4, **more: Any) -> list[Grouped]:
    """Distinct voices, one every few minutes."""
    prefix = more.pop("prefix", "b")
    return [record(f"{prefix}{number}", start + timedelta(minutes=minutes * number), **more) for number in range(count)]


@cache
def shipped_plans() -> tuple[Plan, ...]:
    """The plans that come with Minsheng, read once: that takes longer than most of what tests do with them."""
    return tuple(PlanBook.from_folder().plans.values())


class World:
    """A store with the stage on it."""

    def __init__(self, store: Store, settings: Settings, clock: ManualClock, plans: PlanBook) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self.plans = plans
        self.register = PolicyRegister(store, clock)
        self.register.import_policies([WATER])
        self.book = TicketBook(store, clock)

    def stage(self, settings: Settings | None = None) -> AlertStage:
        stage = AlertStage(self.store, self.plans, self.register, settings or self.settings, self.clock)
        stage.start()
        return stage

    def take(self, records: Sequence[Grouped], batch: int = 500) -> None:
        stage = self.stage()
        for start in range(0, len(records), batch):
            stage.work(records[start : start + batch])

    def tickets(self) -> Sequence[Ticket]:
        return self.book.whole(self.book.list())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW + timedelta(hours=2))


@pytest.fixture
def make_world(tmp_path: Path, clock: ManualClock) -> Iterator[Callable[..., World]]:
    """Makes worlds, each on an SQLite store of its own, or on the store given, whose tables are made."""
    stores: list[Store] = []

    def make(store: Store | None = None, **alert: Any) -> World:
        if store is None:
            store = made_store(f"sqlite:///{tmp_path / f'store-{len(stores)}.db'}")
            stores.append(store)
        settings = Settings(data_dir=tmp_path, alert=AlertSettings(**alert))
        return World(store, settings, clock, PlanBook(shipped_plans()))

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
