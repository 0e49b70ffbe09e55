"""A ticket's timeline: typed events, only ever added to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.engine import Connection

from alerts.tables import ticket_timeline

Kind = Literal[
    "opened",
    "became-live",
    "level-rose",
    "level-fell",
    "plan-suggested",
    "acknowledged",
    "status-changed",
    "closed",
    "merged",
    "deadline-warning",
    "deadline-missed",
    "notice-sent",
    "notice-failed",
    "escalated",
]

TITLES: dict[str, str] = {
    "opened": "开单",
    "became-live": "历史事件再起",
    "level-rose": "等级上升",
    "level-fell": "风险回落",
    "plan-suggested": "建议改用预案",
    "acknowledged": "已签收",
    "status-changed": "状态变更",
    "closed": "办结",
    "merged": "并案",
    "deadline-warning": "时限预警",
    "deadline-missed": "超时",
    "notice-sent": "通知已送达",
    "notice-failed": "通知发送失败",
    "escalated": "升级通知",
}

SYSTEM = "system"


def add(
    connection: Connection,
    ticket_id: int,
    kind: Kind,
    at: datetime,
    *,
    event_time: datetime | None = None,
    actor: str = SYSTEM,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add one event to a ticket's timeline."""
    connection.execute(
        ticket_timeline.insert().values(
            ticket_id=ticket_id, kind=kind, at=at, event_time=event_time, actor=actor, detail=dict(detail or {})
        )
    )
