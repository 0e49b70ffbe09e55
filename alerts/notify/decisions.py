"""The record of decisions: each verdict on a notice once, with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.engine import Connection

from alerts.notify.scene import Verdict
from alerts.notify.tables import notice_decisions
from minsheng.store import Store, insert_or_ignore


def record(
    store: Store,
    connection: Connection,
    notice_id: int,
    ticket_id: int | None,
    verdicts: Iterable[Verdict],
    now: datetime,
) -> None:
    """Keep verdicts. One that is there already (a notice that is held is looked at again and again) stays as it is."""
    rows = [
        {
            "notice_id": notice_id,
            "ticket_id": ticket_id,
            "stage": one.stage,
            "outcome": one.outcome,
            "receiver": one.receiver[:120],
            "cause": one.cause[:120],
            "why": one.why,
            "at": now,
        }
        for one in verdicts
    ]
    insert_or_ignore(store, notice_decisions, rows, connection=connection)
