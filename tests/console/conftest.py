from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.world import ConsoleWorld


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
