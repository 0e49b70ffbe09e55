"""Checks of the machine and the settings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from minsheng.doctor.finding import Finding, Patient, broken, ok, warning
from minsheng.errors import WrongSettings
from minsheng.settings import Secret

GIGABYTE = 1 << 30
LEAST_FREE = GIGABYTE // 2
LITTLE_FREE = 5 * GIGABYTE
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""No machine that runs this program has a right clock that shows an earlier time."""

APART = timedelta(minutes=1)


def secrets(patient: Patient) -> Iterator[Finding]:
    """Can every secret that the settings name be read?"""
    found = list(_secrets(patient.settings, ""))
    wrong = 0
    for place, secret in found:
        try:
            secret.reveal()
        except WrongSettings as error:
            wrong += 1
            yield broken("settings", f"{place}: {error.message}", error.hint or "check the file's path and rights")
    if not wrong:
        yield ok("settings", f"read, {len(found)} secrets" if found else "read")


def _secrets(value: Any, place: str) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield place, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _secrets(getattr(value, name), f"{place}.{name}" if place else name)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _secrets(item, f"{place}[{number}]")


def data_folder(patient: Patient) -> Iterator[Finding]:
    """Is it writable, and is there room?"""
    folder = patient.settings.data_dir
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        yield broken("data folder", f"{folder} can't be written: {error.strerror}", "check its owner and rights")
        return
    free = shutil.disk_usage(folder).free
    message = f"{folder.resolve()}, {free / GIGABYTE:.1f} GiB free"
    if free < LEAST_FREE:
        yield broken("data folder", message, "make room now, or move the data folder: databases stop on a full disk")
    elif free < LITTLE_FREE:
        yield warning("data folder", message, "make room soon, or lower [stream] retention_days")
    else:
        yield ok("data folder", message)


def clock(patient: Patient) -> Iterator[Finding]:
    """Does the clock show a believable time, the same as the database's, and later than what was done?"""
    from crawlers.tables import crawl_state

    now = patient.clock.now()
    if now < RELEASED:
        yield broken("clock", f"it shows {now:%Y-%m-%d %H:%M} UTC", "set the machine's clock: every time depends on it")
        return
    with patient.store.read() as connection:
        last = connection.scalar(sa.select(sa.func.max(crawl_state.c.last_run_at)))
        server = connection.scalar(sa.select(sa.func.now())) if patient.store.name == "postgresql" else None
    if server is not None and abs(server - now) > APART:
        yield warning("clock", f"PostgreSQL's clock shows {server:%Y-%m-%d %H:%M} UTC, this one {now:%H:%M}", "run NTP")
    elif last is not None and last - now > APART:
        yield warning("clock", f"the last crawl lies in the future: {last:%Y-%m-%d %H:%M} UTC", "run NTP")
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")
