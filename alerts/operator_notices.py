"""Operators' tickets to the channels that are to have them: each once, when it opens, however often it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts.channels import Channel, DeliveryFailed
from alerts.notices import Notice
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


class OperatorNotice(Notice, frozen=True, kw_only=True):
    """A notice that leads to the operators' tickets."""

    @property
    def body(self) -> str:
        return f"{self.why}\n查看：minsheng sources show {self.ticket}"


def tell(store: Store, settings: Settings, clock: Clock, channel_of: Callable[[str], Channel]) -> int:
    """Tell every channel with `operators = true` of the open tickets that it does not know of. Returns how many notices
    got through. Several processes may do so at once."""
    wanted = [channel.name for channel in settings.notify.channels if channel.operators]
    if not wanted:
        return 0
    with store.read() as connection:
        waiting = connection.execute(sa.select(table.c.id, table.c.told).where(table.c.closed_at.is_(None))).all()
    told = 0
    for row in waiting:
        for name in wanted:
            if _due(row.told.get(name), clock.now()):
                told += _tell(store, clock, row.id, name, settings.notify.tries, channel_of)
    return told


def _due(entry: dict[str, Any] | None, now: datetime) -> bool:
    """Whether a channel is to be told now."""
    return entry is None or ("next" in entry and datetime.fromisoformat(entry["next"]) <= now)


def _tell(
    store: Store, clock: Clock, ticket_id: int, name: str, tries: int, channel_of: Callable[[str], Channel]
) -> bool:
    now = clock.now()
    with store.begin() as connection:
        ticket = connection.execute(sa.select(table).where(table.c.id == ticket_id).with_for_update()).mappings().one()
        entry = ticket["told"].get(name)
        if ticket["closed_at"] is not None or not _due(entry, now):
            return False
        attempts = (entry or {}).get("tries", 0) + 1
        _note(connection, ticket, name, {"tries": attempts, "next": (now + CLAIM).isoformat()})
    try:
        channel_of(name).send(_notice(ticket))
    except (DeliveryFailed, MinshengError) as error:
        pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
        given_up = attempts >= tries or (isinstance(error, DeliveryFailed) and error.permanent)
        again = {} if given_up else {"next": (clock.now() + pause).isoformat()}
        result = {"tries": attempts, "error": str(error), **again}
        log.warning("operators_not_told", channel=name, source=ticket["subject"], reason=str(error), given_up=given_up)
    else:
        result = {"tries": attempts, "at": clock.now().isoformat()}
    with store.begin() as connection:
        fresh = connection.execute(sa.select(table).where(table.c.id == ticket_id).with_for_update()).mappings().one()
        _note(connection, fresh, name, result)
    return "at" in result


def _note(connection: sa.Connection, ticket: Any, name: str, entry: dict[str, Any]) -> None:
    told = {**ticket["told"], name: entry}
    connection.execute(sa.update(table).where(table.c.id == ticket["id"]).values(told=told))


def _notice(ticket: Any) -> Notice:
    since = ticket["opened_at"].astimezone(CHINA)
    lines = [f"自{since:%m月%d日 %H:%M}", *(line for line in (ticket["detail"], ticket["advice"]) if line)]
    subject = f"【信源】{ticket['title']}"
    return OperatorNotice(
        reason="new", level="operator", ticket=ticket["subject"], subject=subject, why="\n".join(lines)
    )
