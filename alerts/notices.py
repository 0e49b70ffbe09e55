"""Notices: what the duty officer is told, put into the outbox in the transaction of what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.levels import SHORT
from alerts.tables import outbox
from minsheng.clock import CHINA
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore

Reason = Literal["new", "worse", "due", "overdue"]
REASONS: dict[Reason, str] = {
    "new": "新发现",
    "worse": "等级上升",
    "due": "时限将至",
    "overdue": "已超时限",
}

TERMINAL = "terminal"

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When a notice that was sent or given up is due again; so the index on `next_try_at` finds only what waits."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice, independent of the channel that carries it.

    `subject` is the first line: level, policy, what, how many, ticket number.
    """

    reason: Reason
    level: str
    ticket: str
    subject: str
    why: str
    plan: str = ""
    deadline: str = ""

    @property
    def body(self) -> str:
        """Everything but the first line."""
        lines = [self.why]
        if self.plan:
            lines.append(f"预案：{self.plan}")
        if self.deadline:
            lines.append(f"时限：{self.deadline}")
        lines.append(f"查看：minsheng tickets show {self.ticket}")
        return "\n".join(lines)

    @property
    def text(self) -> str:
        return f"{self.subject}\n{self.body}"


def enqueue(
    store: Store,
    connection: Connection,
    ticket: Mapping[str, Any] | sa.RowMapping,
    reason: Reason,
    detail: str,
    settings: Settings,
    now: datetime,
    *,
    deadline: tuple[str, datetime] | None = None,
) -> int:
    """Put a notice on a ticket into the outbox, once for each channel that takes its level.

    The same reason and detail (the level, the kind of deadline) of one ticket is put in once, however often this is
    called. Historical tickets send nothing.

    Parameters
    ----------
    deadline:
        What is due next, in Chinese, and when.

    Returns
    -------
    How many channels it goes to.
    """
    if ticket["historical"]:
        return 0
    channels = [name for name, levels in channels_of(settings).items() if ticket["level"] in levels]
    payload = msgspec.to_builtins(compose(ticket, reason, deadline))
    rows = [
        {
            "key": f"{ticket['number']}/{reason}/{detail}/{channel}"[:200],
            "ticket_id": ticket["id"],
            "reason": reason,
            "channel": channel,
            "payload": payload,
            "created_at": now,
            "attempts": 0,
            "next_try_at": now,
        }
        for channel in channels
    ]
    insert_or_ignore(store, outbox, rows, connection=connection)
    return len(rows)


def channels_of(settings: Settings) -> dict[str, frozenset[str]]:
    """Channel name → the levels it is told of."""
    found = {channel.name: frozenset[str](channel.levels) for channel in settings.notify.channels}
    if settings.notify.terminal:
        found[TERMINAL] = frozenset(("blue", "yellow", "orange", "red"))
    return found


def compose(ticket: Mapping[str, Any] | sa.RowMapping, reason: Reason, deadline: tuple[str, datetime] | None) -> Notice:
    """The notice in Chinese."""
    count = next((part["value"] for part in ticket["parts"] if part["name"] == "volume"), "")
    head = f"【{SHORT[ticket['level']]}·{REASONS[reason]}】{ticket['title']}（{count}）{ticket['number']}"
    due = ""
    if deadline is not None:
        title, at = deadline
        due = f"{at.astimezone(CHINA):%m月%d日 %H:%M} 前{title}"
        if reason == "overdue":
            due = f"应于{due}，已超时"
    plan = ticket["plan"]
    return Notice(
        reason=reason,
        level=ticket["level"],
        ticket=ticket["number"],
        subject=head,
        why=ticket["why"],
        plan=plan["title"] if plan else "",
        deadline=due,
    )
