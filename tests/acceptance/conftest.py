"""The road on both sets of parts, set up by environment variables as users do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.servers.variables import server_variables
from minsheng.clock import SystemClock
from minsheng.road import WORKERS, Road
from minsheng.settings import load_settings
from tests import commands

SERVERS = pytest.param(
    "servers", marks=[pytest.mark.kafka, pytest.mark.elasticsearch, pytest.mark.postgresql], id="servers"
)
BOTH = ["embedded", SERVERS]

Variables = Callable[[str], dict[str, str]]


@pytest.fixture
def variables(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> Variables:
    """`variables("embedded")` or `variables("servers")`: what sets a fresh Minsheng up on these parts."""

    def of(parts: str) -> dict[str, str]:
        return variables_of(
            parts, tmp_path / parts, unique, request, lambda: request.getfixturevalue("empty_postgresql_url")
        )

    return of


def variables_of(
    parts: str, folder: Path, name: str, request: pytest.FixtureRequest, database: Callable[[], str]
) -> dict[str, str]:
    """What sets a Minsheng up on these parts, with its data in the folder and everything on the servers so named."""
    found = {"MINSHENG_DATA_DIR": str(folder), "MINSHENG_NOTIFY__TERMINAL": "false"}
    if parts == "servers":
        kafka, elasticsearch = request.getfixturevalue("kafka_server"), request.getfixturevalue("elasticsearch_server")
        found |= server_variables(kafka, elasticsearch, database(), name)
    return found


@contextmanager
def opened(variables: dict[str, str]) -> Iterator[Road]:
    """A road in this process, ready to work."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        road = Road(load_settings(), SystemClock())
        road.prepare()
        try:
            yield road
        finally:
            road.close()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def drain(road: Road) -> dict[str, int]:
    """Let every stage handle everything, one after the other. Stage → records handled."""
    handled = {}
    for name in WORKERS:
        worker = road.worker(name)
        handled[name] = worker.drain()
        worker.close()
    road.index.refresh()
    return handled


def minsheng(variables: dict[str, str], *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, in this process."""
    done = commands.minsheng(*map(str, arguments), environ={**os.environ, **variables})
    if check and done.returncode != 0:
        raise AssertionError(f"minsheng {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")
    return done
