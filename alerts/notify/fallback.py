"""What does not get through by one channel goes by another one: the person's next address, the channel's own fallback,
or any channel that takes the level and does not have the notice yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.duty.model import DutyBook
from alerts.notify.decisions import record
from alerts.notify.scene import Scene, Verdict
from alerts.tables import outbox
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore

_Address = tuple[str, str | None]


def send_instead(
    store: Store,
    connection: Connection,
    row: Mapping[str, Any],
    error: str,
    settings: Settings,
    book: DutyBook,
    now: datetime,
    bundle: str | None = None,
) -> str | None:
    """Put a message into the outbox that takes another one's place. Returns its channel; None where there is none, or
    one was put in already."""
    if connection.scalar(sa.select(outbox.c.id).where(outbox.c.instead_of == row["id"])) is not None:
        return None
    taken = _taken(connection, row)
    chosen = next((one for one in _candidates(row, settings, book, now) if one not in taken), None)
    receiver = f"person:{row['person']}" if row["person"] else f"channel:{row['channel']}"
    if chosen is None:
        why = f"渠道 {row['channel']} 未送达（{error}），没有其他渠道可换"
        _note(store, connection, row, Verdict(stage="outbox", outcome="skipped", why=why, receiver=receiver), now)
        return None
    channel, address = chosen
    note = f"原定渠道 {row['channel']} 未送达（{error[:80]}），改由本渠道通知"
    values = {
        "key": f"{row['key']}!{channel}" + (f"/{address}" if address else ""),
        "ticket_id": row["ticket_id"],
        "notice_id": row["notice_id"],
        "reason": row["reason"],
        "channel": channel,
        "person": row["person"],
        "address": address,
        "urgency": row["urgency"],
        "bundle": bundle,
        "instead_of": row["id"],
        "payload": {**row["payload"], "note": note, "to": address or ""},
        "created_at": now,
        "attempts": 0,
        "next_try_at": now,
    }
    values["key"] = values["key"][-250:]
    insert_or_ignore(store, outbox, [values], connection=connection)
    verdict = Verdict(
        stage="outbox", outcome="instead", why=f"{note}（{channel}）", receiver=receiver, cause=f"{row['id']}/{channel}"
    )
    _note(store, connection, row, verdict, now)
    return channel


def _note(store: Store, connection: Connection, row: Mapping[str, Any], verdict: Verdict, now: datetime) -> None:
    if row["notice_id"] is not None:
        record(store, connection, row["notice_id"], row["ticket_id"], [verdict], now)


def _taken(connection: Connection, row: Mapping[str, Any]) -> set[_Address]:
    """The addresses that have the notice, or are to get it."""
    same = outbox.c.id == row["id"]
    if row["notice_id"] is not None:
        same = outbox.c.notice_id == row["notice_id"]
    found = connection.execute(sa.select(outbox.c.channel, outbox.c.address).where(same)).all()
    return {(one.channel, one.address) for one in found}


def _candidates(row: Mapping[str, Any], settings: Settings, book: DutyBook, now: datetime) -> Iterator[_Address]:
    scene = Scene(now=now, settings=settings, book=book)
    level = row["payload"].get("level", "")
    person = book.person(row["person"]) if row["person"] else None
    if person is not None:
        for address in person.addresses:
            if scene.channel(address.channel) is not None:
                yield address.channel, address.to
    own = scene.channel(row["channel"])
    named = [scene.channel(name) for name in (own.fallback if own else ())]
    # The terminal comes last: somebody may be looking.
    for channel in [*named, *(one for one in scene.shared_channels if level in one.levels)]:
        if channel is not None and not channel.personal:
            yield channel.name, None
