"""Subscriptions at hubs: what is wanted, what was asked for, what the hub has confirmed, and until when.

A row lives until its hub has confirmed that it ended. It is known by its token, the last part of the address that the
hub was given: nobody else knows that, and its secret signs what the hub posts. Both stand in the store as they are:
whoever learns them can have a feed asked a little earlier, and nothing more.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

import sqlalchemy as sa

from crawlers import tables
from crawlers.sources import Source
from crawlers.websub.discovery import Offer
from minsheng.logs import get_logger
from minsheng.redaction import redacted
from minsheng.store import Store

log = get_logger(__name__)

PATH = "/v1/websub/"
"""Where hubs call; the token follows."""
LEASE, LONGEST_LEASE = timedelta(days=10), timedelta(days=30)
"""What hubs are asked for, and the longest that is believed."""
RENEWED = 0.75
"""Share of a lease after which it is asked for again."""
LEAST_RENEWAL = timedelta(minutes=10)
PATIENCE, LONGEST_PATIENCE = timedelta(minutes=10), timedelta(days=1)
"""A hub that has not confirmed is asked again after the first, then after twice as long each time, up to the second."""
DENIED_FOR = timedelta(days=1)
ENDING_TRIES = 5
"""So often a hub is asked to end a subscription; after that it runs out by itself."""
AT_A_TIME = 20
SLOWER, SLOWEST = 4, timedelta(hours=2)
"""A source whose hub tells of news is asked so many times more seldom, but no more seldom than that."""
MISSES = 3
"""So many runs in a row that found news of which the hub had not told, and it isn't relied upon."""
LEAST_PAUSE = timedelta(seconds=30)
"""Between two runs of a source, however often its hub pushes."""

PushState = Literal["", "new", "asked", "active", "lapsed", "silent", "refused", "denied"]
WORDS: dict[PushState, str] = {
    "": "",
    "new": "待订阅",
    "asked": "已申请，待推送方回访确认",
    "active": "已订阅",
    "lapsed": "订阅已到期，续订未成",
    "silent": "已订阅，但多次漏报：按原节奏采集",
    "refused": "订阅未成",
    "denied": "推送方拒绝订阅",
}
assert set(WORDS) == set(get_args(PushState))


class Ask(NamedTuple):
    """What a hub is to be asked."""

    token: str
    hub: str
    mode: Literal["subscribe", "unsubscribe"]
    topic: str
    callback: str
    secret: str
    own_network: bool


class Pushed(NamedTuple):
    """How a source's subscription does.

    Attributes
    ----------
    relied_on:
        The hub tells of news, so that the source may be asked more seldom.
    """

    state: PushState
    hub: str
    lease_until: datetime | None
    pushed_at: datetime | None
    error: str

    @property
    def relied_on(self) -> bool:
        return self.state == "active"


def note_offer(store: Store, source: Source, offer: Offer | None, public_url: str, now: datetime) -> None:
    """Note what a feed offers, now that it was read: subscribe to a hub that is new, and end what is not offered.

    Parameters
    ----------
    public_url:
        Where hubs reach the receiving endpoint; empty: nothing is subscribed to.
    """
    wanted = offer if public_url else None
    table = tables.websub_subscriptions
    mine = sa.and_(table.c.source_id == source.id, table.c.wanted.is_(sa.true()))
    with store.read() as connection:
        known: Any = connection.execute(sa.select(table).where(mine)).one_or_none()
    if known is None and wanted is None:
        return
    if known is not None and wanted is not None and _same(known, wanted, public_url):
        return
    with store.begin() as connection:
        if known is not None:
            _end(connection, table.c.token == known.token, now)
        if wanted is not None:
            token = secrets.token_urlsafe(32)
            connection.execute(
                sa.insert(table).values(
                    token=token,
                    source_id=source.id,
                    hub=wanted.hub,
                    topic=wanted.topic,
                    own_network=wanted.own_network,
                    callback=f"{public_url.rstrip('/')}{PATH}{token}",
                    secret=secrets.token_urlsafe(32),
                    wanted=True,
                    state="new",
                    next_at=now,
                    tries=0,
                    pushes=0,
                    missed=0,
                    error="",
                )
            )
            log.info("hub_offered", source=source.id, hub=redacted(wanted.hub))


def _same(known: Any, offer: Offer, public_url: str) -> bool:
    return (known.hub, known.topic) == (offer.hub, offer.topic) and _reaches(known.callback, public_url)


def _reaches(callback: str, public_url: str) -> bool:
    return bool(public_url) and callback.startswith(f"{public_url.rstrip('/')}{PATH}")


def end_unwanted(store: Store, public_url: str, now: datetime) -> None:
    """End the subscriptions of sources that were removed or switched off, or that take no pushes any more."""
    table, sources = tables.websub_subscriptions, tables.sources
    joined = sa.outerjoin(table, sources, table.c.source_id == sources.c.id)
    wanted = (
        sa.select(table.c.token, table.c.callback, sources.c.enabled, sources.c.options)
        .select_from(joined)
        .where(table.c.wanted.is_(sa.true()))
    )
    with store.read() as connection:
        rows = connection.execute(wanted).all()
    ended = [
        row.token
        for row in rows
        if not row.enabled or not row.options.get("push", True) or not _reaches(row.callback, public_url)
    ]
    if ended:
        with store.begin() as connection:
            _end(connection, table.c.token.in_(ended), now)


def _end(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    table = tables.websub_subscriptions
    # What no hub was ever asked for needs no ending.
    connection.execute(sa.delete(table).where(which, table.c.asked_at.is_(None)))
    connection.execute(sa.update(table).where(which).values(wanted=False, next_at=now, tries=0))


def due(store: Store, now: datetime) -> list[Ask]:
    """What hubs are to be asked now. Nobody else is given the same until it had time to be answered."""
    table = tables.websub_subscriptions
    chosen = sa.select(table).where(table.c.next_at <= now).order_by(table.c.next_at).limit(AT_A_TIME)
    with store.read() as connection:
        if connection.execute(chosen.with_only_columns(table.c.token).limit(1)).first() is None:
            return []
    asks: list[Ask] = []
    with store.begin() as connection:
        for row in connection.execute(chosen.with_for_update(skip_locked=True)).all():
            this = table.c.token == row.token
            over = row.lease_until is not None and row.lease_until <= now
            if not row.wanted and (row.tries >= ENDING_TRIES or over):
                connection.execute(sa.delete(table).where(this))
                continue
            # One that holds goes on holding while it is renewed; nothing of it is lost where the hub is away.
            state = "active" if row.state == "active" and not over else "asked"
            later = now + min(PATIENCE * 2 ** min(row.tries, 10), LONGEST_PATIENCE)
            values = {"state": state, "asked_at": now, "next_at": later, "tries": row.tries + 1}
            if row.state == "asked":
                values["error"] = "the hub has not called back: is minsheng receive running, and to be reached there?"
            connection.execute(sa.update(table).where(this).values(**values))
            mode: Literal["subscribe", "unsubscribe"] = "subscribe" if row.wanted else "unsubscribe"
            asks.append(Ask(row.token, row.hub, mode, row.topic, row.callback, row.secret, row.own_network))
    return asks


def not_asked(store: Store, token: str, error: str) -> None:
    """Keep why a hub could not be asked, or did not take it; it is asked again in its turn."""
    table = tables.websub_subscriptions
    this = table.c.token == token
    values = {"error": redacted(error).replace("\x00", "")[:500]}
    with store.begin() as connection:
        connection.execute(sa.update(table).where(this).values(**values))
        connection.execute(sa.update(table).where(this, table.c.state == "asked").values(state="refused"))
    log.warning("hub_refused", reason=values["error"])


def confirmed(connection: sa.Connection, token: str, lease: timedelta, now: datetime) -> None:
    """The hub has confirmed a subscription for so long."""
    table = tables.websub_subscriptions
    lease = min(lease, LONGEST_LEASE)
    values = {
        "state": "active",
        "confirmed_at": now,
        "lease_until": now + lease,
        "next_at": now + max(lease * RENEWED, LEAST_RENEWAL),
        "tries": 0,
        "error": "",
    }
    connection.execute(sa.update(table).where(table.c.token == token).values(**values))


def denied(connection: sa.Connection, token: str, reason: str, now: datetime) -> None:
    """The hub does not want to tell of this feed, or not any more."""
    table = tables.websub_subscriptions
    this = table.c.token == token
    values = {"state": "denied", "lease_until": None, "error": reason[:500], "next_at": now + DENIED_FOR, "tries": 0}
    connection.execute(sa.delete(table).where(this, table.c.wanted.is_(sa.false())))
    connection.execute(sa.update(table).where(this).values(**values))


def pushed(connection: sa.Connection, token: str, source_id: str, now: datetime) -> None:
    """The hub tells of news: its source is due. Not before its pause is over where it fails, and not on and on."""
    table, state = tables.websub_subscriptions, tables.crawl_state
    values: Mapping[str, Any] = {"pushed_at": now, "pushes": table.c.pushes + 1, "missed": 0}
    connection.execute(sa.update(table).where(table.c.token == token).values(**values))
    row = connection.execute(sa.select(state).where(state.c.source_id == source_id)).one_or_none()
    if row is None or row.failures:
        return
    at = max(now, row.last_run_at + LEAST_PAUSE) if row.last_run_at is not None else now
    later = sa.and_(state.c.source_id == source_id, state.c.next_run_at > at)
    connection.execute(sa.update(state).where(later).values(next_run_at=at))


def of_sources(
    connection: sa.Connection, now: datetime, source_ids: Collection[str] | None = None
) -> dict[str, Pushed]:
    """Source → how its subscription does; only of these sources, where some are given."""
    table = tables.websub_subscriptions
    wanted = sa.select(table).where(table.c.wanted.is_(sa.true()))
    if source_ids is not None:
        wanted = wanted.where(table.c.source_id.in_(list(source_ids)))
    return {
        row.source_id: Pushed(_state(row, now), redacted(row.hub), row.lease_until, row.pushed_at, row.error)
        for row in connection.execute(wanted)
    }


def _state(row: Any, now: datetime) -> PushState:
    if row.state != "active":
        state: PushState = row.state
        return state
    if row.lease_until is None or row.lease_until <= now:
        return "lapsed"
    return "silent" if row.missed >= MISSES else "active"


def missed(connection: sa.Connection, source_id: str, last_run_at: datetime | None) -> None:
    """A run found news: count it against a hub that has not told of any since the run before."""
    table = tables.websub_subscriptions
    if last_run_at is None:
        return
    silent = sa.and_(
        table.c.source_id == source_id,
        table.c.wanted.is_(sa.true()),
        table.c.state == "active",
        # What came before it was confirmed, nobody could tell.
        table.c.confirmed_at < last_run_at,
        sa.or_(table.c.pushed_at.is_(None), table.c.pushed_at < last_run_at),
    )
    connection.execute(sa.update(table).where(silent).values(missed=table.c.missed + 1))


def slower(every: timedelta) -> timedelta:
    """How often a source is asked whose hub tells of news: 15 minutes → an hour."""
    return max(every, min(every * SLOWER, SLOWEST))
