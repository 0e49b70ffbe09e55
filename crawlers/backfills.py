"""How far backfills have got, of kinds whose finds stand in the source's own pages: a stopped one goes on from there.

The place is that of the last page whose finds are stored, not of the next one: what came or went at the source
meanwhile moves its pages, and the page is read once more.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from crawlers import tables
from minsheng.clock import CHINA
from minsheng.store import Store, upsert


class Window(NamedTuple):
    """The time that a backfill is for: from `since` up to, not including, `until`."""

    since: datetime
    until: datetime


Place = dict[str, Any]
"""What a kind asks for a page with: number, address, mark; plain JSON."""


def reached(store: Store, source_id: str, window: Window, way: str, place: Place | None, now: datetime) -> None:
    """Keep the place; None: this way has been gone to its end.

    Parameters
    ----------
    way:
        What the pages are of, where a source has several: a query, a timeline.
    """
    key = _hash(window, way)
    table = tables.backfill_positions
    with store.begin() as connection:
        if place is None:
            wanted = sa.delete(table).where(table.c.source_id == source_id, table.c.way_hash == key)
            connection.execute(wanted)
        else:
            row = {"source_id": source_id, "way_hash": key, "place": place, "reached_at": now}
            upsert(store, table, [row], keys=["source_id", "way_hash"], connection=connection)


def place_of(store: Store, source_id: str, window: Window, way: str) -> Place | None:
    """Where an earlier backfill of the same window was stopped; None where it was not."""
    table = tables.backfill_positions
    wanted = sa.select(table.c.place).where(table.c.source_id == source_id, table.c.way_hash == _hash(window, way))
    with store.read() as connection:
        place: Place | None = connection.execute(wanted).scalar_one_or_none()
    return place


def _hash(window: Window, way: str) -> str:
    # By their days: where they were said from the present, as 30d, they are others at the next call.
    since, until = (time.astimezone(CHINA).date() for time in window)
    text = f"{since} {until} {way}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
