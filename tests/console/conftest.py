from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from console import accounts
from tests.console.world import ConsoleWorld


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Passwords are dear to check on purpose; tests that try a hundred of them need not wait for that."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr(accounts, "_hasher", cheap)
        patch.setattr(accounts, "_NOBODY", cheap.hash("nobody's"))
        yield


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    """For tests that change nothing of it that others look at."""
    made = ConsoleWorld(tmp_path_factory.mktemp("console"))
    yield made
    made.close()
