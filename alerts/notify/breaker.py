"""Each channel's circuit breaker: after some failures in a row it rests, longer each time; the first message after a
rest decides. The state is a row, so that all processes rest together and the console can show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.notify.tables import channel_states as table
from minsheng.settings import NotifySettings
from minsheng.store import Store, insert_or_ignore, upsert

LONGEST_REST = timedelta(minutes=10)


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel does.

    Attributes
    ----------
    failures, rests:
        In a row.
    rests_until:
        Nothing is sent before; None where it does not rest.
    """

    channel: str
    failures: int = 0
    rests: int = 0
    rests_until: datetime | None = None
    last_ok_at: datetime | None = None
    last_failed_at: datetime | None = None
    last_error: str | None = None


def states(store: Store) -> dict[str, ChannelState]:
    """Every channel that anything was ever sent by."""
    with store.read() as connection:
        return {row["channel"]: ChannelState(**row) for row in connection.execute(sa.select(table)).mappings()}


def resting(store: Store, now: datetime) -> Sequence[str]:
    """The channels that rest now."""
    with store.read() as connection:
        return connection.scalars(sa.select(table.c.channel).where(table.c.rests_until > now)).all()


def hold(store: Store, connection: Connection, channel: str) -> None:
    """Hold a channel's row to the end of the transaction: one process at a time looks at its budget and takes of it."""
    insert_or_ignore(store, table, [{"channel": channel, "failures": 0, "rests": 0}], connection=connection)
    connection.execute(sa.select(table.c.channel).where(table.c.channel == channel).with_for_update())


def succeeded(store: Store, connection: Connection, channel: str, now: datetime) -> None:
    """A message got through: all is forgotten."""
    row = {"channel": channel, "failures": 0, "rests": 0, "rests_until": None, "last_ok_at": now}
    upsert(store, table, [row], keys=["channel"], connection=connection)


def failed(
    store: Store,
    connection: Connection,
    channel: str,
    error: str,
    now: datetime,
    settings: NotifySettings,
    *,
    refused: bool,
    wanted: timedelta | None = None,
) -> timedelta | None:
    """A message did not get through. Returns for how long the channel rests from now on; None where it goes on.

    Parameters
    ----------
    refused:
        The other side answered and did not want this message; that says nothing of the next one.
    wanted:
        How long the other side asks to be left alone: the channel does, so that no other message is thrown away, and
        the grave ones go by another channel meanwhile.
    """
    known = connection.execute(sa.select(table).where(table.c.channel == channel)).mappings().first()
    failures = (known["failures"] if known else 0) + (0 if refused else 1)
    rests = known["rests"] if known else 0
    rest: timedelta | None = None
    if failures >= settings.breaker_failures and not refused:
        rest = min(timedelta(seconds=settings.breaker_seconds) * 2 ** min(rests, 10), LONGEST_REST)
        rests += 1
    if wanted is not None:
        rest = max(rest or timedelta(0), min(wanted, LONGEST_REST))
    row = {
        "channel": channel,
        "failures": failures,
        "rests": rests,
        "rests_until": now + rest if rest else None,
        "last_failed_at": now,
        "last_error": error[:500],
    }
    upsert(store, table, [row], keys=["channel"], connection=connection)
    return rest
