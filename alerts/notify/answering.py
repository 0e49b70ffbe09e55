"""What a link in a notice shows and does: the notice is read, and its ticket acknowledged. The console uses it as well
as the small endpoint of `answer_server`."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.notices import Notice
from alerts.notify.links import Links
from alerts.tables import outbox, ticket_timeline, tickets
from alerts.tickets import TicketBook
from minsheng.clock import Clock
from minsheng.errors import BadInput, WrongUse
from minsheng.store import Store

OUTDATED = "此通知发出之后，工单重新开立或已转办"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page behind a link shows.

    Attributes
    ----------
    person:
        Who it was sent to; empty where it went to a channel that many read.
    acknowledged_at:
        When the ticket was acknowledged, by whomever.
    outdated:
        The ticket was reopened or handed over after the message was made: somebody else may be asked now, by a message
        of their own.
    """

    notice: Notice
    ticket: str
    title: str
    channel: str
    person: str
    acknowledged_at: datetime | None
    closed_at: datetime | None
    outdated: bool = False


class Answers:
    """Reads links and acts on them."""

    def __init__(self, store: Store, clock: Clock, links: Links) -> None:
        self._store = store
        self._clock = clock
        self._links = links

    def show(self, token: str) -> Shown:
        """What a link is about; the message counts as read from now on. Raises `BadInput` where it is of no use."""
        row_id = self._links.read(token, self._clock.now())
        with self._store.begin() as connection:
            first = sa.and_(outbox.c.id == row_id, outbox.c.read_at.is_(None))
            connection.execute(outbox.update().where(first).values(read_at=self._clock.now()))
            return _shown(self._row(connection, row_id))

    def acknowledge(self, token: str, name: str = "") -> Shown:
        """Acknowledge the ticket that a link is about; harmless where it is done already.

        Parameters
        ----------
        name:
            Who does it, where the link went to a channel that many read.

        Raises
        ------
        BadInput
            Where the link is of no use, the ticket is closed, or was reopened or handed over since.
        """
        row_id = self._links.read(token, self._clock.now())
        with self._store.read() as connection:
            row = self._row(connection, row_id)
        shown = _shown(row)
        if shown.closed_at is not None:
            raise BadInput(f"工单 {shown.ticket} 已办结，无需签收")
        if shown.outdated and shown.acknowledged_at is None:
            raise BadInput(OUTDATED, f"请从新的通知中打开，或运行 minsheng tickets acknowledge {shown.ticket}")
        if shown.acknowledged_at is None:
            typed = " ".join(name.split())[:20]
            actor = row["person"] or (f"{typed}（经 {shown.channel}）" if typed else f"渠道 {shown.channel} 的链接")
            with suppress(WrongUse):  # somebody else was quicker, or works it already: what is shown now says so
                TicketBook(self._store, self._clock).move(shown.ticket, "acknowledged", actor=actor)
        with self._store.begin() as connection:
            first = sa.and_(outbox.c.id == row_id, outbox.c.acknowledged_at.is_(None))
            connection.execute(outbox.update().where(first).values(acknowledged_at=self._clock.now()))
            return _shown(self._row(connection, row_id))

    def _row(self, connection: sa.Connection, row_id: int) -> sa.RowMapping:
        query = (
            sa.select(
                outbox.c.payload,
                outbox.c.channel,
                outbox.c.person,
                _anew().label("outdated"),
                tickets.c.number,
                tickets.c.title,
                tickets.c.acknowledged_at,
                tickets.c.closed_at,
            )
            .join(tickets, tickets.c.id == outbox.c.ticket_id)
            .where(outbox.c.id == row_id)
        )
        row = connection.execute(query).mappings().first()
        if row is None:
            raise BadInput("链接对应的通知已不存在", "请运行 minsheng tickets list 查看工单")
        return row


def _shown(row: Any) -> Shown:
    return Shown(
        notice=msgspec.convert(row["payload"], Notice),
        ticket=row["number"],
        title=row["title"],
        channel=row["channel"],
        person=row["payload"].get("person") or "",
        acknowledged_at=row["acknowledged_at"],
        closed_at=row["closed_at"],
        outdated=row["outdated"],
    )


def _anew() -> sa.ColumnElement[bool]:
    """Whether the ticket of an outbox row was reopened, or handed over, after the row was made."""
    return sa.exists().where(
        ticket_timeline.c.ticket_id == outbox.c.ticket_id,
        ticket_timeline.c.kind.in_(("reopened", "flared", "transferred")),
        ticket_timeline.c.at > outbox.c.created_at,
    )
