"""Operators' tickets to the channels that are to have them: each once, when it opens, however often it is looked at.

What a channel does not know of yet is one message: where the network is away, every source fails at once, and a robot
that is sent a message for each is muted for the alerts as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts.channels import Channel, DeliveryFailed
from alerts.notices import Notice
from crawlers.states import said
from crawlers.tables import operator_tickets as table
from minsheng.clock import CHINA, Clock
from minsheng.errors import MinshengError
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.store import Store

log = get_logger(__name__)

CLAIM = timedelta(minutes=2)
"""For so long a ticket belongs to the process that is telling a channel of it; then another may try."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
LISTED = 20
"""Sources that one message lists; the others are counted."""


class OperatorNotice(Notice, frozen=True, kw_only=True):
    """A notice that leads to the operators' tickets."""

    @property
    def body(self) -> str:
        command = f"show {self.ticket}" if self.ticket else "tickets"
        return "\n".join((self.why, *self.items, f"查看：minsheng sources {command}"))


def tell(store: Store, settings: Settings, clock: Clock, channel_of: Callable[[str], Channel]) -> int:
    """Tell every channel with `operators = true` of the open tickets that it does not know of. Returns how many notices
    got through. Several processes may do so at once."""
    wanted = [channel.name for channel in settings.notify.channels if channel.operators]
    if not wanted:
        return 0
    with store.read() as connection:
        waiting = connection.execute(sa.select(table.c.id, table.c.told).where(table.c.closed_at.is_(None))).all()
    told = 0
    for name in wanted:
        due = [row.id for row in waiting if _due(row.told.get(name), clock.now())]
        if due:
            told += _tell(store, clock, due, name, settings.notify.tries, channel_of)
    return told


def _due(entry: dict[str, Any] | None, now: datetime) -> bool:
    """Whether a channel is to be told now."""
    return entry is None or ("next" in entry and datetime.fromisoformat(entry["next"]) <= now)


def _tell(
    store: Store, clock: Clock, ids: Sequence[int], name: str, tries: int, channel_of: Callable[[str], Channel]
) -> int:
    claimed = _claim(store, clock, ids, name)
    if not claimed:
        return 0
    error: DeliveryFailed | MinshengError | None = None
    try:
        channel_of(name).send(_notice([ticket for ticket, _ in claimed]))
    except (DeliveryFailed, MinshengError) as failed:
        error = failed
    refused = isinstance(error, DeliveryFailed) and error.permanent
    now = clock.now()
    with store.begin() as connection:
        for ticket, attempts in claimed:
            result: dict[str, Any] = {"tries": attempts}
            if error is None:
                result["at"] = now.isoformat()
            else:
                result["error"] = str(error)
                if attempts < tries and not refused:
                    pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
                    result["next"] = (now + pause).isoformat()
            _note(connection, _held(connection, ticket["id"]), name, result)
    if error is not None:
        sources = [ticket["subject"] for ticket, _ in claimed]
        log.warning("operators_not_told", channel=name, sources=sources, reason=str(error), refused=refused)
        return 0
    return len(claimed)


def _claim(store: Store, clock: Clock, ids: Sequence[int], name: str) -> list[tuple[sa.RowMapping, int]]:
    """The tickets that this process tells a channel of, each with the number of its tries."""
    now = clock.now()
    claimed = []
    with store.begin() as connection:
        for ticket_id in sorted(ids):
            ticket = _held(connection, ticket_id)
            entry = ticket["told"].get(name)
            if ticket["closed_at"] is not None or not _due(entry, now):
                continue
            attempts = (entry or {}).get("tries", 0) + 1
            _note(connection, ticket, name, {"tries": attempts, "next": (now + CLAIM).isoformat()})
            claimed.append((ticket, attempts))
    return claimed


def _held(connection: sa.Connection, ticket_id: int) -> sa.RowMapping:
    return connection.execute(sa.select(table).where(table.c.id == ticket_id).with_for_update()).mappings().one()


def _note(connection: sa.Connection, ticket: sa.RowMapping, name: str, entry: dict[str, Any]) -> None:
    told = {**ticket["told"], name: entry}
    connection.execute(sa.update(table).where(table.c.id == ticket["id"]).values(told=told))


def _notice(tickets: Sequence[sa.RowMapping]) -> Notice:
    if len(tickets) > 1:
        titles = tuple(f"{number}. {ticket['title']}" for number, ticket in enumerate(tickets[:LISTED], 1))
        more = (f"……另有 {len(tickets) - LISTED} 个",) if len(tickets) > LISTED else ()
        subject = f"【信源】{len(tickets)} 个信源同时出现问题，其一：{tickets[0]['title']}"
        why = "多个信源同时失败时，请先检查本机网络、域名解析和代理。"
        return OperatorNotice(
            reason="new", level="operator", ticket="", subject=subject, why=why, items=(*titles, *more)
        )
    (ticket,) = tickets
    since = ticket["opened_at"].astimezone(CHINA)
    lines = [f"自{since:%m月%d日 %H:%M}", *(line for line in (said(ticket["detail"]), ticket["advice"]) if line)]
    subject = f"【信源】{ticket['title']}"
    return OperatorNotice(
        reason="new", level="operator", ticket=ticket["subject"], subject=subject, why="\n".join(lines)
    )
