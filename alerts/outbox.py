"""Delivery of the outbox: each notice at least once, with growing pauses between tries, none after its ticket's end."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts import timeline
from alerts.channels import Channel, DeliveryFailed, open_channel
from alerts.notices import NEVER, TERMINAL, Notice, channels_of
from alerts.tables import outbox, tickets
from minsheng.clock import Clock
from minsheng.errors import MinshengError
from minsheng.logs import get_logger
from minsheng.settings import ChannelSettings, Settings
from minsheng.store import Store

log = get_logger(__name__)

PAUSES = (5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Seconds to wait after the first, second, ... failed try; the last one from then on."""

_CLAIM = 60.0
"""Seconds, beside the time a try may take, for which a notice belongs to the process that is sending it."""


class Outbox:
    """Sends what waits in the outbox. Several processes may do so at once; each notice is claimed before it is sent.

    Parameters
    ----------
    channels:
        Name → channel, in place of those that the settings name.
    """

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, channels: Mapping[str, Channel] | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._channels: dict[str, Channel] = dict(channels or {})
        self._budgets = {channel.name: channel.per_minute for channel in settings.notify.channels}

    def deliver(self) -> int:
        """Send what is due, each channel on its own so that a slow one holds up no other. Returns how many got
        through."""
        waiting = self._waiting()
        if not waiting:
            return 0
        with ThreadPoolExecutor(max_workers=min(8, len(waiting)), thread_name_prefix="notice") as pool:
            return sum(pool.map(self._deliver_channel, waiting.keys(), waiting.values()))

    def counts(self) -> dict[str, int]:
        """How many notices wait, were sent, and were given up."""
        with self._store.read() as connection:
            row = connection.execute(
                sa.select(
                    sa.func.count().filter(outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None)).label("waiting"),
                    sa.func.count().filter(outbox.c.sent_at.is_not(None)).label("sent"),
                    sa.func.count().filter(outbox.c.dead_at.is_not(None)).label("dead"),
                ).select_from(outbox)
            ).one()
        return {"waiting": row.waiting, "sent": row.sent, "dead": row.dead}

    def _waiting(self) -> dict[str, list[int]]:
        """Channel → ids of the notices that are due, the oldest first, no more than the channel's budget."""
        now = self._clock.now()
        found: dict[str, list[int]] = {}
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(outbox.c.id, outbox.c.channel)
                .where(
                    outbox.c.sent_at.is_(None),
                    outbox.c.dead_at.is_(None),
                    outbox.c.next_try_at <= now,
                    sa.or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now),
                )
                .order_by(outbox.c.id)
                .limit(500)
            ).all()
            if not rows:
                return found
            recent = connection.execute(
                sa.select(outbox.c.channel, sa.func.count())
                .where(outbox.c.sent_at > now - timedelta(minutes=1))
                .group_by(outbox.c.channel)
            )
            sent = {channel: count for channel, count in recent}  # noqa: C416 - rows are no pairs to a type checker
        for notice_id, channel in rows:
            listed = found.setdefault(channel, [])
            budget = self._budgets.get(channel)
            if budget is None or sent.get(channel, 0) + len(listed) < budget:
                listed.append(notice_id)
        return {channel: ids for channel, ids in found.items() if ids}

    def _deliver_channel(self, name: str, ids: list[int]) -> int:
        delivered = 0
        for notice_id in ids:
            row = self._claim(notice_id)
            if row is None:
                continue
            try:
                self.channel(name).send(msgspec.convert(row["payload"], Notice))
            except DeliveryFailed as error:
                self._failed(row, str(error), permanent=error.permanent, retry_after=error.retry_after)
                if not error.permanent:
                    break  # what stopped this one will stop the next one too; they keep their place in the row
            except MinshengError as error:
                self._failed(row, error.message, permanent=False, retry_after=None)
                break
            except Exception as error:
                # A channel's own mistake must not stop the others; its text may hold an address: keep its kind.
                log.error("channel_broken", channel=name, kind=type(error).__name__)
                self._failed(row, f"the channel failed: {type(error).__name__}", permanent=False, retry_after=None)
                break
            else:
                self._sent(row)
                delivered += 1
        return delivered

    def _claim(self, notice_id: int) -> sa.RowMapping | None:
        """Take a notice for sending; None where somebody else has it or its ticket is closed."""
        now = self._clock.now()
        until = now + timedelta(seconds=_CLAIM + self._settings.notify.timeout)
        mine = sa.and_(
            outbox.c.id == notice_id,
            outbox.c.sent_at.is_(None),
            outbox.c.dead_at.is_(None),
            sa.or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now),
        )
        with self._store.begin() as connection:
            if not connection.execute(outbox.update().where(mine).values(claimed_until=until)).rowcount:
                return None
            row = connection.execute(sa.select(outbox).where(outbox.c.id == notice_id)).mappings().one()
            closed = connection.scalar(sa.select(tickets.c.closed_at).where(tickets.c.id == row["ticket_id"]))
            if closed is not None:
                connection.execute(
                    outbox.update()
                    .where(outbox.c.id == notice_id)
                    .values(dead_at=now, next_try_at=NEVER, last_error="ticket closed before it was sent")
                )
                return None
        return row

    def _sent(self, row: sa.RowMapping) -> None:
        now = self._clock.now()
        with self._store.begin() as connection:
            connection.execute(
                outbox.update()
                .where(outbox.c.id == row["id"])
                .values(
                    sent_at=now, next_try_at=NEVER, attempts=row["attempts"] + 1, claimed_until=None, last_error=None
                )
            )
            detail = {"channel": row["channel"], "reason": row["reason"]}
            timeline.add(connection, row["ticket_id"], "notice-sent", now, detail=detail)

    def _failed(self, row: sa.RowMapping, error: str, *, permanent: bool, retry_after: float | None) -> None:
        now = self._clock.now()
        attempts = row["attempts"] + 1
        dead = permanent or attempts >= self._settings.notify.tries
        pause = max(PAUSES[min(attempts, len(PAUSES)) - 1], retry_after or 0.0)
        values: dict[str, Any] = {"attempts": attempts, "claimed_until": None, "last_error": error}
        values |= {"dead_at": now, "next_try_at": NEVER} if dead else {"next_try_at": now + timedelta(seconds=pause)}
        with self._store.begin() as connection:
            connection.execute(outbox.update().where(outbox.c.id == row["id"]).values(**values))
            if dead:
                detail = {"channel": row["channel"], "reason": row["reason"], "error": error, "attempts": attempts}
                timeline.add(connection, row["ticket_id"], "notice-failed", now, detail=detail)
        log.warning("notice_failed", channel=row["channel"], attempts=attempts, given_up=dead, reason=error)

    def channel(self, name: str) -> Channel:
        """The channel of this name, opened at its first use."""
        if name not in self._channels:
            self._channels[name] = open_channel(self._settings_of(name), self._settings.notify.timeout)
        return self._channels[name]

    def _settings_of(self, name: str) -> ChannelSettings:
        if name == TERMINAL:
            return ChannelSettings(name=TERMINAL, url="terminal://")
        for channel in self._settings.notify.channels:
            if channel.name == name:
                return channel
        known = ", ".join(channels_of(self._settings)) or "none"
        raise MinshengError(f"channel {name} is no longer in the settings; there are: {known}")
