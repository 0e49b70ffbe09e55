"""Tickets for operators: what is broken at a source, once for as long as it lasts, however often it is tried.

They are of another kind than the duty officers' risk tickets, and in a table of their own: no level, plan or deadline.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from crawlers.tables import operator_tickets as table
from minsheng.logs import get_logger
from minsheng.redaction import redacted_values
from minsheng.store import Store, insert_or_ignore

log = get_logger(__name__)

SOURCE = "source"


class OperatorTicket(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket. `state` is what is wrong now; `opened_at` since when anything was."""

    id: int
    kind: str
    subject: str
    state: str
    title: str
    detail: str
    advice: str
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None


def note(
    store: Store,
    connection: Connection,
    subject: str,
    now: datetime,
    trouble: tuple[str, str, str, str] | None,
    *,
    but: str = "",
) -> None:
    """Open, change or close the ticket of a source.

    Parameters
    ----------
    trouble:
        State, title, detail and advice; None where all is well.
    but:
        A ticket of this state is not closed.
    """
    mine = (table.c.kind == SOURCE) & (table.c.subject == subject) & table.c.closed_at.is_(None)
    before = connection.execute(sa.select(table.c.id, table.c.state).where(mine)).one_or_none()
    if trouble is None:
        if before is not None and before.state != but:
            connection.execute(sa.update(table).where(mine).values(closed_at=now, changed_at=now))
            log.info("operator_ticket_closed", source=subject)
        return
    state, title, detail, advice = trouble
    values = {"state": state, "title": title, "detail": detail, "advice": advice}
    if before is None:
        # Whoever comes second finds the first one's row: the database allows one.
        row = {"kind": SOURCE, "subject": subject, "opened_at": now, "changed_at": now, "told": {}, **values}
        insert_or_ignore(store, table, [row], connection=connection)
        log.warning("operator_ticket_opened", source=subject, state=state, reason=detail)
    elif before.state != state:
        connection.execute(sa.update(table).where(mine).values(changed_at=now, **values))
        log.warning("operator_ticket_changed", source=subject, state=state, reason=detail)


def tickets(store: Store, *, closed: bool = False, limit: int = 200) -> list[OperatorTicket]:
    """The open tickets, newest first; or the closed ones."""
    wanted = sa.select(table).where(table.c.closed_at.is_not(None) if closed else table.c.closed_at.is_(None))
    with store.read() as connection:
        rows: list[Any] = list(connection.execute(wanted.order_by(table.c.id.desc()).limit(limit)).mappings())
    names = [field.name for field in msgspec.structs.fields(OperatorTicket)]
    return [OperatorTicket(**{name: redacted_values(row[name]) for name in names}) for row in rows]
