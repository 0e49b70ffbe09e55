"""What is shown of channels and messages, to people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.channels import open_channel
from alerts.notify import breaker
from alerts.notify.delivery_words import in_chinese
from alerts.tables import outbox, tickets
from minsheng.clock import CHINA, Clock
from minsheng.errors import MinshengError
from minsheng.settings import ChannelSettings, Settings
from minsheng.store import Store


class ChannelLine(msgspec.Struct, frozen=True, kw_only=True):
    """A channel: its kind (the class that carries it), and how it does. Its address is never shown.

    Attributes
    ----------
    waiting:
        Messages that are due.
    state_words:
        In Chinese: well, resting until, or what is wrong with its settings.
    """

    name: str
    kind: str
    personal: bool
    levels: tuple[str, ...]
    per_minute: int
    waiting: int
    failures: int
    rests_until: datetime | None
    last_ok_at: datetime | None
    last_failed_at: datetime | None
    last_error: str | None
    state_words: str


class MessageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the outbox; `state` says in Chinese how it stands."""

    id: int
    ticket: str | None
    reason: str
    subject: str
    channel: str
    person: str | None
    name: str
    created_at: datetime
    next_try_at: datetime
    attempts: int
    sent_at: datetime | None
    read_at: datetime | None
    acknowledged_at: datetime | None
    dead_at: datetime | None
    last_error: str | None
    state: str


def channels(store: Store, settings: Settings, clock: Clock) -> list[ChannelLine]:
    """The channels of the settings, the terminal last."""
    now = clock.now()
    known = breaker.states(store)
    due = sa.select(outbox.c.channel, sa.func.count()).where(
        outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None), outbox.c.next_try_at <= now
    )
    with store.read() as connection:
        waiting = {name: count for name, count in connection.execute(due.group_by(outbox.c.channel))}  # noqa: C416
    every = list(settings.notify.channels)
    if settings.notify.terminal:
        every.append(ChannelSettings(name="terminal", url="terminal://"))
    found = []
    for channel in every:
        state = known.get(channel.name) or breaker.ChannelState(channel=channel.name)
        kind, wrong = _kind(channel, settings)
        found.append(
            ChannelLine(
                name=channel.name,
                kind=kind,
                personal=channel.personal,
                levels=channel.levels,
                per_minute=channel.per_minute,
                waiting=waiting.get(channel.name, 0),
                failures=state.failures,
                rests_until=state.rests_until if state.rests_until and state.rests_until > now else None,
                last_ok_at=state.last_ok_at,
                last_failed_at=state.last_failed_at,
                last_error=state.last_error,
                state_words=wrong or _words(state, now),
            )
        )
    return found


def messages(store: Store, *, ticket: str = "", waiting: bool = False, limit: int = 50) -> list[MessageLine]:
    """Messages, newest first; of one ticket, or only those that have not got through and may still."""
    query: sa.Select[Any] = (
        sa.select(outbox, tickets.c.number)
        .outerjoin(tickets, tickets.c.id == outbox.c.ticket_id)
        .order_by(outbox.c.id.desc())
        .limit(limit)
    )
    if ticket:
        query = query.where(tickets.c.number == ticket.strip().upper())
    if waiting:
        query = query.where(outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None))
    with store.read() as connection:
        rows: Sequence[sa.RowMapping] = connection.execute(query).mappings().all()
    return [
        MessageLine(
            **{name: row[name] for name in MessageLine.__struct_fields__ if name in row},
            ticket=row["number"],
            subject=row["payload"].get("subject", ""),
            name=row["payload"].get("person") or row["person"] or "",
            state=_state(row),
        )
        for row in rows
    ]


def _kind(channel: ChannelSettings, settings: Settings) -> tuple[str, str]:
    """The channel's class, and what is wrong with its settings."""
    try:
        return type(open_channel(channel, settings.notify.timeout, to="0")).__name__, ""
    except MinshengError as error:
        return "—", f"设置有误：{error.message}"


def _words(state: breaker.ChannelState, now: datetime) -> str:
    if state.rests_until is not None and state.rests_until > now:
        until = state.rests_until.astimezone(CHINA)
        return f"连续失败 {state.failures} 次，暂停至 {until:%H:%M:%S}：{in_chinese(state.last_error or '')}"
    if state.last_failed_at and (state.last_ok_at is None or state.last_failed_at > state.last_ok_at):
        return f"上次失败：{in_chinese(state.last_error or '')}"
    return "正常" if state.last_ok_at else "尚未使用"


def _state(row: sa.RowMapping) -> str:
    def at(moment: datetime) -> str:
        return f"{moment.astimezone(CHINA):%m-%d %H:%M}"

    if row["acknowledged_at"] is not None:
        return f"{at(row['acknowledged_at'])} 经链接签收"
    if row["read_at"] is not None:
        return f"{at(row['read_at'])} 链接被打开"
    if row["sent_at"] is not None:
        return f"{at(row['sent_at'])} 送达"
    if row["dead_at"] is not None:
        return f"未送达：{in_chinese(row['last_error'] or '')}"
    error = f"（上次失败：{in_chinese(row['last_error'])}）" if row["last_error"] else ""
    return f"待发，{at(row['next_try_at'])} 起{error}"
