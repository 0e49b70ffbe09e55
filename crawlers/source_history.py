"""Who stopped a source, let it go on or took it away, when and why: for those who find it silent or gone."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from crawlers.sources import Source, shown
from crawlers.tables import source_changes as table
from crawlers.tables import sources
from minsheng.redaction import redacted
from minsheng.store import Store

Action = Literal["paused", "resumed", "removed"]
WORDS: dict[Action, str] = {"paused": "停用", "resumed": "启用", "removed": "移除"}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change: of which source, what was done, by whom and why. `name`, `kind`, `url`: as they were then."""

    source: str
    name: str
    kind: str
    url: str
    action: Action
    actor: str
    reason: str
    at: datetime


def note(connection: sa.Connection, source: Source, action: Action, actor: str, reason: str, now: datetime) -> None:
    """Write down a change. What is secret in the source is not kept."""
    seen = shown(source)
    connection.execute(
        table.insert().values(
            source_id=seen.id, name=seen.name, kind=seen.kind, url=seen.url, action=action, actor=actor[:60],
            reason=redacted(reason), at=now,
        )
    )  # fmt: skip


def history(store: Store, source_id: str, limit: int = 20) -> list[Change]:
    """What was done to a source, the newest first."""
    return _changes(store, sa.select(table).where(table.c.source_id == source_id).limit(limit))


def removed(store: Store, limit: int = 100) -> list[Change]:
    """The sources that were taken away and are not back, the newest first."""
    back = sa.exists().where(sources.c.id == table.c.source_id)
    return _changes(store, sa.select(table).where(table.c.action == "removed", ~back).limit(limit))


def source_names(connection: sa.Connection) -> dict[str, str]:
    """Source id → what people call it, also of those whose documents are all that is left of them."""
    gone = sa.select(table.c.source_id, table.c.name).where(table.c.action == "removed").order_by(table.c.id)
    kept = sa.select(sources.c.id, sources.c.name)
    found = [*connection.execute(gone), *connection.execute(kept)]
    return {source_id: name or source_id for source_id, name in found}


def _changes(store: Store, wanted: sa.Select[tuple[object, ...]]) -> list[Change]:
    with store.read() as connection:
        rows = connection.execute(wanted.order_by(table.c.id.desc())).mappings().all()
    return [
        Change(source=row["source_id"], **{name: row[name] for name in Change.__struct_fields__ if name != "source"})
        for row in rows
    ]
