"""A ticket's timeline: typed lines, only ever added to, each bound to the one before by its hash.

A line's hash covers its content and the hash of the line before; the ticket's row holds the number of lines and the
last hash. So a line that was changed, taken out, put in between or cut off at the end shows. Who can write to the
database could make a whole chain anew: against that, what `minsheng tickets verify --json` found is kept elsewhere and
compared later (`--against`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import ticket_timeline, tickets
from minsheng.store import Store

Kind = Literal[
    "opened",
    "became-live",
    "reopened",
    "flared",
    "level-rose",
    "grew",
    "level-fell",
    "level-set",
    "plan-suggested",
    "acknowledged",
    "status-changed",
    "closed",
    "false-alarm",
    "merged",
    "split",
    "transferred",
    "passed-down",
    "reported-back",
    "report-settled",
    "assignment-overdue",
    "comment",
    "attached",
    "attachment-removed",
    "linked",
    "unlinked",
    "related",
    "task-added",
    "task-done",
    "task-changed",
    "task-overdue",
    "sheet-written",
    "sheet-signed",
    "plan-changed",
    "paused",
    "resumed",
    "deadline-warning",
    "deadline-missed",
    "clock-met",
    "clock-waived",
    "notice-sent",
    "notice-failed",
    "escalated",
]

TITLES: dict[str, str] = {
    "opened": "开单",
    "became-live": "历史事件再起",
    "reopened": "重新开单",
    "flared": "再度升温",
    "level-rose": "等级上升",
    "grew": "声量大增",
    "level-fell": "风险回落",
    "level-set": "人工定级",
    "plan-suggested": "建议改用预案",
    "acknowledged": "已签收",
    "status-changed": "状态变更",
    "closed": "办结",
    "false-alarm": "认定误报",
    "merged": "并案",
    "split": "分案",
    "transferred": "转办",
    "passed-down": "下达督办",
    "reported-back": "反馈办理情况",
    "report-settled": "审核反馈",
    "assignment-overdue": "督办超时",
    "comment": "批注",
    "attached": "添加附件",
    "attachment-removed": "移除附件",
    "linked": "关联材料",
    "unlinked": "取消关联",
    "related": "关联工单",
    "task-added": "新增任务",
    "task-done": "任务完成",
    "task-changed": "任务变更",
    "task-overdue": "任务超时",
    "sheet-written": "起草研判单",
    "sheet-signed": "签发研判单",
    "plan-changed": "更换预案",
    "paused": "计时暂停",
    "resumed": "计时恢复",
    "deadline-warning": "时限预警",
    "deadline-missed": "超时",
    "clock-met": "时限事项办理完成",
    "clock-waived": "时限事项不再需要",
    "notice-sent": "通知已送达",
    "notice-failed": "通知发送失败",
    "escalated": "升级通知",
}

SYSTEM = "system"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a line's hash covers, beside the hash before."""

    number: int
    kind: str
    at: datetime
    event_time: datetime | None
    actor: str
    detail: dict[str, Any]

    def hash_after(self, previous: str) -> str:
        """64 hexadecimal digits."""
        times = [
            None if moment is None else moment.astimezone(UTC).isoformat() for moment in (self.at, self.event_time)
        ]
        content = [previous, self.number, self.kind, *times, self.actor, self.detail]
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket's timeline as it was found: its length, last hash, and what does not fit (empty: nothing)."""

    ticket: str
    length: int
    hash: str
    problems: list[str]


def lock(connection: Connection, *ticket_ids: int | None) -> None:
    """Hold tickets' rows until the transaction ends; None is no ticket.

    Whoever changes rows that belong to a ticket (timers, notices, tasks) and adds to its timeline takes this first:
    all in the same order, nobody waits in a circle. On SQLite a transaction that writes is alone anyway.
    """
    wanted = sorted({ticket_id for ticket_id in ticket_ids if ticket_id is not None})
    if wanted:
        held = sa.select(tickets.c.id).where(tickets.c.id.in_(wanted)).order_by(tickets.c.id)
        connection.execute(held.with_for_update(key_share=True))


def add(
    connection: Connection,
    ticket_id: int,
    kind: Kind,
    at: datetime,
    *,
    event_time: datetime | None = None,
    actor: str = SYSTEM,
    detail: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> None:
    """Add one line to a ticket's timeline.

    Parameters
    ----------
    version:
        The ticket's version that comes with it; default: the one it has.
    """
    head = connection.execute(
        sa.select(tickets.c.number, tickets.c.version, tickets.c.timeline_length, tickets.c.timeline_hash)
        .where(tickets.c.id == ticket_id)
        .with_for_update(key_share=True)
    ).one()
    line = Line(
        number=head.timeline_length + 1,
        kind=kind,
        at=at,
        event_time=event_time,
        actor=actor,
        detail=msgspec.to_builtins(dict(detail or {})),
    )
    sealed = line.hash_after(head.timeline_hash or first_hash(head.number))
    connection.execute(
        ticket_timeline.insert().values(
            ticket_id=ticket_id,
            version=head.version if version is None else version,
            hash=sealed,
            **msgspec.structs.asdict(line),
        )
    )
    connection.execute(
        tickets.update().where(tickets.c.id == ticket_id).values(timeline_length=line.number, timeline_hash=sealed)
    )


def first_hash(ticket: str) -> str:
    """What stands before a ticket's first line: so lines can't be moved from one ticket to another."""
    return hashlib.sha256(f"minsheng ticket {ticket}".encode()).hexdigest()


def verify(store: Store, ticket: str | None = None) -> list[Chain]:
    """Go through the timelines of one ticket, or of all, and say what does not fit."""
    query = sa.select(tickets.c.id, tickets.c.number, tickets.c.timeline_length, tickets.c.timeline_hash)
    if ticket is not None:
        query = query.where(tickets.c.number == ticket)
    with store.read() as connection:
        return [
            _verified(head, _lines(connection, head.id)) for head in connection.execute(query.order_by(tickets.c.id))
        ]


def differences(now: Iterable[Chain], before: Iterable[Chain], store: Store) -> list[str]:
    """Where the timelines no longer hold what an earlier `verify` saw of them."""
    current = {chain.ticket: chain for chain in now}
    found = []
    for old in before:
        chain = current.get(old.ticket)
        if chain is None or chain.length < old.length:
            found.append(f"{old.ticket}: had {old.length} lines, now {chain.length if chain else 'the ticket is gone'}")
            continue
        with store.read() as connection:
            kept = connection.scalar(
                sa.select(ticket_timeline.c.hash)
                .join(tickets, tickets.c.id == ticket_timeline.c.ticket_id)
                .where(tickets.c.number == old.ticket, ticket_timeline.c.number == old.length)
            )
        if old.length and kept != old.hash:
            found.append(f"{old.ticket}: the first {old.length} lines are not those of before")
    return found


def _lines(connection: Connection, ticket_id: int) -> Iterator[tuple[Line, str]]:
    query = sa.select(ticket_timeline).where(ticket_timeline.c.ticket_id == ticket_id)
    for row in connection.execute(query.order_by(ticket_timeline.c.number)).mappings():
        yield Line(**{name: row[name] for name in Line.__struct_fields__}), row["hash"]


def _verified(head: Any, lines: Iterable[tuple[Line, str]]) -> Chain:
    problems = []
    previous, length = first_hash(head.number), 0
    for line, kept in lines:
        if line.number != length + 1:
            problems.append(f"line {length + 1} is missing")
        elif line.hash_after(previous) != kept:
            problems.append(f"line {line.number} ({TITLES.get(line.kind, line.kind)}) was changed")
        previous, length = kept, line.number
    if length != head.timeline_length or (length and previous != head.timeline_hash):
        problems.append(f"the ticket counts {head.timeline_length} lines and its last hash, found are {length}")
    return Chain(ticket=head.number, length=length, hash=previous if length else "", problems=problems)
