"""A ticket to work on, on each store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minsheng.store import Store
from tests.alerts.conftest import World, burst
from tests.stores import made_store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'either.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql_url")
    )
    opened = made_store(url)
    yield opened
    opened.close()


@pytest.fixture
def either(make_world: Callable[..., World], either_store: Store) -> World:
    """A world with one yellow ticket, T20260310-001, on SQLite and on PostgreSQL."""
    world = make_world(either_store)
    world.take(burst(30, minutes=1))
    return world


@pytest.fixture
def desk(world: World) -> World:
    """The same on SQLite alone."""
    world.take(burst(30, minutes=1))
    return world
