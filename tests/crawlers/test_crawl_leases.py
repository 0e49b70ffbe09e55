"""Crawlers share what is due evenly, and none waits for one that does not come; on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.leases import PATIENCE, Leases
from crawlers.sources import Source, save
from minsheng.clock import ManualClock
from minsheng.store import Store
from tests.stores import made_store

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    opened = made_store(url if request.param == "sqlite" else request.getfixturevalue("postgresql_url"))
    yield opened
    opened.close()


def crawlers(store: Store, clock: ManualClock, count: int, sources: int) -> list[Leases]:
    """So many crawlers that know of each other, and so many sources that are due now."""
    with store.begin() as connection:
        save(
            store,
            [(Source(id=f"s{n:02}", kind="feed", url="http://h.example/"), None) for n in range(sources)],
            connection,
        )
    found = [Leases(store, clock) for _ in range(count)]
    found[0].make_rows([f"s{n:02}" for n in range(sources)])
    with store.begin() as connection:
        connection.execute(sa.update(tables.crawl_state).values(next_run_at=clock.now()))
    for _ in range(2):
        for one in found:
            one.beat()
    return found


def test_the_first_that_looks_takes_its_share_and_leaves_the_others_theirs(store: Store) -> None:
    first, second, third = crawlers(store, ManualClock(NOW), 3, 30)
    taken = first.claim(16).sources
    # However often it looks again.
    taken += first.claim(16).sources + first.claim(16).sources
    assert len(taken) == 10
    assert len(second.claim(16).sources) == len(third.claim(16).sources) == 10


def test_what_nobody_fetches_is_anybodys_after_a_while(store: Store) -> None:
    clock = ManualClock(NOW)
    first, _ = crawlers(store, clock, 2, 10)
    assert len(first.claim(64).sources) == 5
    assert first.claim(64).sources == []
    clock.advance(seconds=PATIENCE.total_seconds())
    assert len(first.claim(64).sources) == 5


def test_one_alone_takes_all_and_an_odd_one_is_rounded_up(store: Store) -> None:
    clock = ManualClock(NOW)
    (alone,) = crawlers(store, clock, 1, 7)
    assert len(alone.claim(64).sources) == 7
    alone.leave()
    clock.advance(hours=1)
    pair = crawlers(store, clock, 2, 7)[:2]
    assert [len(one.claim(64).sources) for one in pair] == [4, 3]


def test_one_that_has_ended_has_no_share(store: Store) -> None:
    first, second = crawlers(store, ManualClock(NOW), 2, 10)
    second.leave()
    first.beat()
    assert len(first.claim(64).sources) == 10
