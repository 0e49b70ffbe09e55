"""The data set that is never committed: where it lies, and a loud word where it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def shared_data_folder() -> Path:
    """`MINSHENG_SHARED_DATA`, or `shared/data` beside the project."""
    chosen = os.environ.get("MINSHENG_SHARED_DATA")
    return Path(chosen).expanduser() if chosen else PROJECT.parent / "shared" / "data"


def shared_data(name: str) -> Path:
    """The file or folder of that name in the shared data.

    Skips the test where it is absent, and the end of the run says so; with `MINSHENG_REQUIRE_SHARED_DATA=1` it fails.
    """
    path = shared_data_folder() / name
    if not path.exists():
        message = f"shared data {name} is not there: set MINSHENG_SHARED_DATA to the folder that holds it"
        if os.environ.get("MINSHENG_REQUIRE_SHARED_DATA") == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return path
