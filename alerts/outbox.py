"""Delivery of the outbox: each notice at least once, with growing pauses between tries, none after its ticket's end."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import timeline
from alerts.channels import Channel, DeliveryFailed, open_channel
from alerts.duty.book import BookShelf
from alerts.levels import rank
from alerts.notices import NEVER, TERMINAL, Notice, channels_of
from alerts.notify import breaker
from alerts.notify.digest import gather
from alerts.notify.dispatch import Dispatcher
from alerts.notify.fallback import send_instead
from alerts.notify.links import Links
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

_TURN = 5.0
"""Seconds after which a channel looks again what is the gravest: what came meanwhile must not wait for a long row."""

_STUCK = 300.0
"""Seconds after which a channel that has not come back from sending is a trouble of its own."""

_LONGEST_PAUSE = 3600.0
"""Seconds; who asks to wait longer is asked again after so long."""

_GRAVE = rank("orange")
"""From here on another channel is tried before the last try."""

_OPEN_AT_ONCE = 200
"""Channels that are kept open: one that reaches persons is another one for each."""

_Message = list[int]
"""The rows of the outbox that one message carries."""


class Outbox:
    """Decides about new notices and sends what waits. Several processes may do so at once; each notice is claimed
    before it is sent.

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
        self._given: dict[str, Channel] = dict(channels or {})
        self._opened: dict[tuple[str, str], Channel] = {}
        self._budgets = {channel.name: channel.per_minute for channel in settings.notify.channels}
        self._dispatcher = Dispatcher(store, settings, clock)
        self._shelf = BookShelf(store)
        self._links: Links | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._busy: dict[str, tuple[float, Future[int]]] = {}

    def deliver(self) -> int:
        """Send what is due, and wait for the end of it. Returns how many notices got through. To be called from one
        thread at a time, as `begin`."""
        wait([future for _, future in self._busy.values()])
        troubles = self._collect()
        begun = self.begin()
        wait(begun)
        if troubles := [*troubles, *self._collect()]:
            raise troubles[0]
        return sum(future.result() for future in begun)

    def begin(self) -> Sequence[Future[int]]:
        """Decide about new notices and begin to send what is due, each channel in a thread of its own: one that is slow
        holds up no other, and goes on with what it has until the next call finds it free. Raises what an earlier round
        failed at, or that a channel does not come back."""
        self._dispatcher.dispatch()
        troubles = self._collect()
        resting = breaker.resting(self._store, self._clock.now())
        if resting:
            self._leave_resting(resting)
        waiting = self._waiting([*resting, *self._busy])
        begun = []
        for name, messages in waiting.items():
            # As many threads as there are channels: no slow ones can take them all.
            self._pool = self._pool or ThreadPoolExecutor(len(self._budgets) + len(self._given) + 1, "notice")
            future = self._pool.submit(self._deliver_channel, name, messages)
            self._busy[name] = self._clock.monotonic(), future
            begun.append(future)
        if troubles:
            raise troubles[0]
        for name, (since, _) in self._busy.items():
            if self._clock.monotonic() - since > _STUCK:
                raise MinshengError(f"channel {name} has not come back from sending for {_STUCK:g} s", "restart it")
        return begun

    def close(self) -> None:
        """Wait for the channels that are still sending, and let their threads end."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _collect(self) -> list[BaseException]:
        """Take note of the channels that have come back. Returns what they failed at."""
        done = {name: future for name, (_, future) in self._busy.items() if future.done()}
        for name in done:
            del self._busy[name]
        return [error for future in done.values() if (error := future.exception()) is not None]

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
        return {"waiting": row.waiting + self._dispatcher.waiting(), "sent": row.sent, "dead": row.dead}

    def channel(self, name: str, to: str = "") -> Channel:
        """The channel of this name, for a person where it reaches one at a time; opened at its first use."""
        if name in self._given:
            return self._given[name]
        settings = self._settings_of(name)
        key = (name, to if settings.personal else "")
        if key not in self._opened:
            if len(self._opened) >= _OPEN_AT_ONCE:
                self._opened.clear()
            self._opened[key] = open_channel(settings, self._settings.notify.timeout, to=key[1])
        return self._opened[key]

    def _waiting(self, closed: Sequence[str]) -> dict[str, list[_Message]]:
        """Channel → messages that are due, the gravest first, then the oldest, drills last; no more than the channel's
        budget. None of the channels that are closed, because they rest or are busy."""
        now = self._clock.now()
        with self._store.read() as connection:
            drill = sa.func.coalesce(tickets.c.exercise, sa.false())
            due = (
                sa.select(
                    outbox.c.id, outbox.c.channel, outbox.c.address, outbox.c.bundle, outbox.c.urgency,
                    drill.label("drill"),
                )
                .outerjoin(tickets, tickets.c.id == outbox.c.ticket_id)
                .where(*_due(now))
            )  # fmt: skip
            if connection.scalar(due.limit(1)) is None:
                return {}
            spent = _spent(connection, now)
            full = [name for name, count in spent.items() if count >= self._budgets.get(name, count + 1)]
            shut = [*closed, *full]
            rows = connection.execute(
                due.where(outbox.c.channel.not_in(shut))
                .order_by(drill, outbox.c.urgency.desc(), outbox.c.id)
                .limit(500)
            ).all()
        messages: dict[str, dict[tuple[Any, ...], list[Any]]] = {}
        for row in rows:
            same = ("bundle", row.address, row.bundle) if row.bundle else ("row", row.id)
            messages.setdefault(row.channel, {}).setdefault(same, []).append(row)
        return {
            channel: _within(list(found.values()), self._budgets.get(channel), spent.get(channel, 0))
            for channel, found in messages.items()
        }

    def _deliver_channel(self, name: str, messages: list[_Message]) -> int:
        delivered = 0
        began = self._clock.monotonic()
        for ids in messages:
            if self._clock.monotonic() - began > _TURN:
                break
            rows = self._claim(name, ids)
            if rows is None:
                break
            if not rows:
                continue
            try:
                self.channel(name, rows[0]["address"] or "").send(self._message(rows))
            except DeliveryFailed as error:
                self._failed(rows, str(error), permanent=error.permanent, retry_after=error.retry_after)
                if not error.permanent:
                    break  # what stopped this one will stop the next one too; they keep their place in the row
            except MinshengError as error:
                self._failed(rows, error.message, permanent=False, retry_after=None)
                break
            except Exception as error:
                # A channel's own mistake must not stop the others; its text may hold an address: keep its kind.
                log.error("channel_broken", channel=name, kind=type(error).__name__)
                self._failed(rows, f"the channel failed: {type(error).__name__}", permanent=False, retry_after=None)
                break
            else:
                self._sent(rows)
                delivered += len(rows)
        return delivered

    def _message(self, rows: Sequence[sa.RowMapping]) -> Notice:
        notice = gather([msgspec.convert(row["payload"], Notice) for row in rows])
        of_tickets = [row for row in rows if row["ticket_id"] is not None]
        if not self._settings.notify.answer_url or not of_tickets:
            return notice
        self._links = self._links or Links.from_settings(self._settings)
        gravest = max(of_tickets, key=lambda row: row["urgency"])
        return msgspec.structs.replace(notice, link=self._links.make(gravest["id"], self._clock.now()))

    def _claim(self, name: str, ids: Sequence[int]) -> list[sa.RowMapping] | None:
        """Take notices for sending; without those that somebody else has, or that are of no use any more, e.g. after a
        night: their ticket is closed, or acknowledged where they say that nobody has. None where other processes have
        spent the channel's budget meanwhile."""
        now = self._clock.now()
        until = now + timedelta(seconds=_CLAIM + self._settings.notify.timeout)
        budget = self._budgets.get(name)
        with self._store.begin() as connection:
            if budget is not None:
                breaker.hold(self._store, connection, name)
                if _spent(connection, now, name).get(name, 0) + _under_way(connection, now, name) >= budget:
                    return None
            mine: list[sa.RowMapping] = []
            for row_id in sorted(ids):
                claim = outbox.update().where(outbox.c.id == row_id, *_due(now)).values(claimed_until=until)
                if not connection.execute(claim).rowcount:
                    continue
                row = connection.execute(sa.select(outbox).where(outbox.c.id == row_id)).mappings().one()
                if (done := self._done_meanwhile(connection, row)) is not None:
                    why = {"dead_at": now, "next_try_at": NEVER, "last_error": f"ticket {done} before it was sent"}
                    connection.execute(outbox.update().where(outbox.c.id == row_id).values(**why))
                    continue
                mine.append(row)
        return mine

    def _done_meanwhile(self, connection: Connection, row: sa.RowMapping) -> str | None:
        """What was done with the ticket that makes a notice of no use; None where it is still good."""
        query = sa.select(tickets.c.closed_at, tickets.c.acknowledged_at).where(tickets.c.id == row["ticket_id"])
        ticket = connection.execute(query).first() if row["ticket_id"] is not None else None
        if ticket is None:
            return None
        if ticket.closed_at is not None:
            return "closed"
        return "acknowledged" if row["reason"] == "escalated" and ticket.acknowledged_at is not None else None

    def _sent(self, rows: Sequence[sa.RowMapping]) -> None:
        now = self._clock.now()
        message = secrets.token_hex(16)
        with self._store.begin() as connection:
            # Always first the channel, then tickets, then rows: so no two wait for each other.
            breaker.hold(self._store, connection, rows[0]["channel"])
            timeline.lock(connection, *(row["ticket_id"] for row in rows))
            for row in rows:
                done = outbox.update().where(outbox.c.id == row["id"])
                connection.execute(
                    done.values(
                        sent_at=now,
                        message=message,
                        next_try_at=NEVER,
                        attempts=row["attempts"] + 1,
                        claimed_until=None,
                        last_error=None,
                    )
                )
                self._note(connection, row, "notice-sent", now)
            breaker.succeeded(self._store, connection, rows[0]["channel"], now)

    def _failed(self, rows: Sequence[sa.RowMapping], error: str, *, permanent: bool, retry_after: float | None) -> None:
        now = self._clock.now()
        notify = self._settings.notify
        channel = rows[0]["channel"]
        book = self._shelf.current()
        bundle = f"instead:{rows[0]['id']}" if len(rows) > 1 else None
        with self._store.begin() as connection:
            breaker.hold(self._store, connection, channel)
            timeline.lock(connection, *(row["ticket_id"] for row in rows))
            wanted = timedelta(seconds=min(retry_after, _LONGEST_PAUSE)) if retry_after else None
            rest = breaker.failed(
                self._store, connection, channel, error, now, notify, refused=permanent, wanted=wanted
            )
            for row in rows:
                attempts = row["attempts"] + 1
                dead = permanent or attempts >= notify.tries
                pause = max(PAUSES[min(attempts, len(PAUSES)) - 1], min(retry_after or 0.0, _LONGEST_PAUSE))
                values: dict[str, Any] = {"attempts": attempts, "claimed_until": None, "last_error": error}
                values |= (
                    {"dead_at": now, "next_try_at": NEVER} if dead else {"next_try_at": now + timedelta(seconds=pause)}
                )
                connection.execute(outbox.update().where(outbox.c.id == row["id"]).values(**values))
                if dead:
                    self._note(connection, row, "notice-failed", now, error=error, attempts=attempts)
                if dead or (row["urgency"] >= _GRAVE and attempts >= notify.tries_alone):
                    send_instead(self._store, connection, dict(row), error, self._settings, book, now, bundle)
                log.warning("notice_failed", channel=channel, attempts=attempts, given_up=dead, reason=error)
        if rest is not None:
            log.warning("channel_rests", channel=channel, seconds=rest.total_seconds(), reason=error)

    def _leave_resting(self, resting: Sequence[str]) -> None:
        """Orange and red don't wait for a channel that rests."""
        now = self._clock.now()
        query = sa.select(outbox).where(
            *_due(now), outbox.c.channel.in_(resting), outbox.c.urgency >= _GRAVE, ~_has_another()
        )
        with self._store.read() as connection:
            if connection.scalar(query.with_only_columns(outbox.c.id).limit(1)) is None:
                return
        book = self._shelf.current()
        with self._store.begin() as connection:
            for row in connection.execute(query.order_by(outbox.c.id).limit(100)).mappings().all():
                error = "渠道连续失败，暂停使用"
                send_instead(self._store, connection, dict(row), error, self._settings, book, now)

    def _note(self, connection: Connection, row: sa.RowMapping, kind: timeline.Kind, at: datetime, **more: Any) -> None:
        if row["ticket_id"] is None:
            return
        who = {"person": row["payload"].get("person") or row["person"]} if row["person"] else {}
        detail = {"channel": row["channel"], "reason": row["reason"], **who, **more}
        timeline.add(connection, row["ticket_id"], kind, at, detail=detail)

    def _settings_of(self, name: str) -> ChannelSettings:
        if name == TERMINAL:
            return ChannelSettings(name=TERMINAL, url="terminal://")
        for channel in self._settings.notify.channels:
            if channel.name == name:
                return channel
        known = ", ".join(channels_of(self._settings)) or "none"
        raise MinshengError(f"channel {name} is no longer in the settings; there are: {known}")


def _due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        outbox.c.sent_at.is_(None),
        outbox.c.dead_at.is_(None),
        outbox.c.next_try_at <= now,
        sa.or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now),
    )


def _spent(connection: Connection, now: datetime, channel: str | None = None) -> dict[str, int]:
    """Channel → messages of the last minute; of one, or of all that had any."""
    recent = sa.select(outbox.c.channel, sa.func.count(sa.distinct(outbox.c.message))).where(
        outbox.c.sent_at > now - timedelta(minutes=1)
    )
    if channel is not None:
        recent = recent.where(outbox.c.channel == channel)
    rows = connection.execute(recent.group_by(outbox.c.channel))
    return {name: count for name, count in rows}  # noqa: C416 - rows are no pairs to a type checker


def _under_way(connection: Connection, now: datetime, channel: str) -> int:
    """Notices that some process is sending by a channel; at least as many as the messages that carry them."""
    claimed = sa.select(sa.func.count()).where(
        outbox.c.channel == channel,
        outbox.c.next_try_at <= now,
        outbox.c.claimed_until > now,
        outbox.c.sent_at.is_(None),
        outbox.c.dead_at.is_(None),
    )
    return connection.scalar(claimed) or 0


def _has_another() -> sa.ColumnElement[bool]:
    another = outbox.alias("another")
    return sa.exists().where(another.c.instead_of == outbox.c.id)


def _within(messages: list[list[Any]], budget: int | None, spent: int) -> list[_Message]:
    """As many messages as the budget leaves. Where more wait, the lesser ones that go to the same address share the
    last of them: a flood must not keep people from what is in it. What is real and what is a drill share none."""
    left = len(messages) if budget is None else max(budget - spent, 0)
    if len(messages) <= left or not left:
        return [[row.id for row in message] for message in messages[:left]]
    first, rest = messages[: left - 1], messages[left - 1 :]
    shared = [
        row.id
        for message in rest
        for row in message
        if row.urgency < _GRAVE and (row.address, row.drill) == (rest[0][0].address, rest[0][0].drill)
    ]
    last = shared if rest[0][0].urgency < _GRAVE else [row.id for row in rest[0]]
    return [*([row.id for row in message] for message in first), last]
