"""Notices: what people are to be told, kept in the transaction of what it is about.

Who is told, by what channel and when, is decided afterwards and in one place: `alerts.notify.dispatch`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.levels import SHORT
from alerts.notify.tables import notices
from minsheng.clock import CHINA
from minsheng.exercises import MARK
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore

Reason = Literal[
    "new", "again", "worse", "grown", "due", "overdue", "escalated", "digest", "watch", "gap", "test", "release",
    "report", "topic", "briefing", "briefing-missing", "duty",
]  # fmt: skip
REASONS: dict[Reason, str] = {
    "new": "新发现",
    "again": "再度升温",
    "worse": "等级上升",
    "grown": "声量大增",
    "due": "时限将至",
    "overdue": "已超时限",
    "escalated": "无人签收",
    "digest": "汇总",
    "watch": "值守",
    "gap": "值班空缺",
    "test": "测试",
    "release": "发布提醒",
    "report": "发布首报",
    "topic": "关注专题",
    "briefing": "简报",
    "briefing-missing": "简报未成",
    "duty": "公开时限",
}

TERMINAL = "terminal"


def channel_name(name: str) -> str:
    """What people call a channel: the settings' name, and 终端 for the one that is there without being set."""
    return "终端" if name == TERMINAL else name


NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When a notice that was sent or given up is due again; so the index on `next_try_at` finds only what waits."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice, independent of the channel that carries it.

    Attributes
    ----------
    subject:
        The first line: level, policy, what, how many, ticket number.
    deadline:
        What is due next and when.
    coverage:
        What could not be seen meanwhile; empty where everything could.
    note:
        What else stands in front, e.g. that it comes instead of another channel's.
    items:
        The single notices of a digest, a line each.
    link:
        Where it can be read and acknowledged; empty where no such place is set up.
    command:
        The command that shows more, where it is not about a ticket.
    to, person:
        What the channel knows the person by, and the name; empty where it is for whoever reads the channel.
    """

    reason: Reason
    level: str
    ticket: str
    subject: str
    why: str
    plan: str = ""
    deadline: str = ""
    coverage: str = ""
    note: str = ""
    items: tuple[str, ...] = ()
    link: str = ""
    command: str = ""
    to: str = ""
    person: str = ""

    @property
    def lines(self) -> list[str]:
        """Everything but the first line and the link, the most important first."""
        found = [self.note, self.why, *self.items]
        if self.plan:
            found.append(f"预案：{self.plan}")
        if self.deadline:
            found.append(f"时限：{self.deadline}")
        if self.coverage:
            found.append(f"监看范围：{self.coverage}")
        return [line for line in found if line]

    @property
    def where(self) -> str:
        """What to do to see more: the link, or the command."""
        if self.link:
            return f"查看并签收：{self.link}"
        command = f"minsheng tickets show {self.ticket}" if self.ticket else self.command
        return f"查看：{command}" if command else ""

    @property
    def body(self) -> str:
        """Everything but the first line."""
        return "\n".join(line for line in (*self.lines, self.where) if line)

    @property
    def text(self) -> str:
        """All of it as plain text; the first line says everything that a locked screen should show."""
        return f"{f'{self.subject} {self.link}'.strip()}\n{self.body}"

    def short(self, longest: int) -> str:
        """At most so many characters, for SMS: the subject, cut where it must be, and the whole link."""
        tail = f" {self.link}" if self.link else ""
        room = max(longest - len(tail), 0)
        subject = self.subject if len(self.subject) <= room else self.subject[: max(room - 1, 0)] + "…"
        return subject + tail


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
    receivers: Sequence[str] | None = None,
    why: str | None = None,
) -> int:
    """Note that people are to be told of a ticket.

    The same reason and detail (the level, the kind of deadline) of one ticket is noted once, however often this is
    called. Historical tickets tell nobody.

    Parameters
    ----------
    deadline:
        What is due next, in Chinese, and when.
    receivers:
        Who is told, as the duty book writes it; None: its routes decide.
    why:
        Said in place of the ticket's own reason.

    Returns
    -------
    1, or 0 for a historical ticket.
    """
    if ticket["historical"]:
        return 0
    notice = compose(ticket, reason, deadline)
    if why is not None:
        notice = msgspec.structs.replace(notice, why=why)
    row = {
        "key": f"{ticket['number']}/{reason}/{detail}"[:200],
        "ticket_id": ticket["id"],
        "reason": reason,
        "level": ticket["level"],
        "receivers": list(receivers) if receivers is not None else None,
        "payload": msgspec.to_builtins(notice),
        "created_at": now,
        "look_at": now,
    }
    insert_or_ignore(store, notices, [row], connection=connection)
    return 1


def enqueue_matter(
    store: Store,
    connection: Connection,
    matter: str,
    detail: str,
    notice: Notice,
    receivers: Sequence[str] | None,
    now: datetime,
) -> None:
    """Note that people are to be told of something that is no ticket.

    The same reason and detail of one matter is noted once, however often this is called. Neither inhibited nor
    silenced: those are for tickets.

    Parameters
    ----------
    matter:
        `policy:ID`, whose department and routes count, `department:NAME`, or e.g. `topic:7`.
    receivers:
        Who is told, as the duty book writes it; where they lead nowhere, and where None, its routes decide.
    """
    row = {
        "key": f"{matter}/{notice.reason}/{detail}"[:200],
        "ticket_id": None,
        "matter": matter,
        "reason": notice.reason,
        "level": notice.level,
        "receivers": list(receivers) if receivers is not None else None,
        "payload": msgspec.to_builtins(notice),
        "created_at": now,
        "look_at": now,
    }
    insert_or_ignore(store, notices, [row], connection=connection)


def channels_of(settings: Settings) -> dict[str, frozenset[str]]:
    """Channel name → the levels it is told of."""
    found = {channel.name: frozenset[str](channel.levels) for channel in settings.notify.channels}
    if settings.notify.terminal:
        found[TERMINAL] = frozenset(("blue", "yellow", "orange", "red"))
    return found


def compose(ticket: Mapping[str, Any] | sa.RowMapping, reason: Reason, deadline: tuple[str, datetime] | None) -> Notice:
    """The notice in Chinese. An exercise says so before anything else."""
    count = next((part["value"] for part in ticket["parts"] if part["name"] == "volume"), "")
    drill, title = ("", ticket["title"]) if not ticket["exercise"] else (MARK, ticket["title"].removeprefix(MARK))
    head = f"{drill}【{SHORT[ticket['level']]}·{REASONS[reason]}】{title}（{count}）{ticket['number']}"
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
        note="这是演练：请按实战流程处置，不要对外发布信息。" if drill else "",
    )
