"""Watch topics (关注专题): their owners are told of new matches, several as one notice, not too often.

What is new is remembered in the transaction that puts the notice in: so none is lost, and none told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.duty.book import BookShelf
from alerts.notices import Notice, enqueue_matter
from alerts.notify.tables import notices
from minsheng.clock import CHINA, Clock
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.store import Store
from search.index import Hit, Index
from search.saved import Narrow, SavedSearch, SavedSearches

log = get_logger(__name__)

LISTED = 5
"""Matches that a notice lists; the others are counted."""


class Scopes(Protocol):
    """What owners may see: `console.owners.Owners`."""

    def narrow(self, owner: str) -> Narrow | None:
        """What puts the owner's scope into filters; None: the owner may see nothing."""

    def display(self, owner: str) -> str:
        """What the owner is called."""


def tell_topics(store: Store, settings: Settings, clock: Clock, index: Index, scopes: Scopes) -> int:
    """Tell the owners of watch topics what is new. Returns how many topics had something.

    A topic that was told as often today as `schedule.topic_notices` allows waits until tomorrow; nothing is lost
    meanwhile. An owner is told personally, as the duty book knows the name; `operator`, who is nobody in particular, is
    told as the routes say.
    """
    searches = SavedSearches(store, clock)
    told = 0
    for saved in searches.all():
        if not saved.notify or _told_today(store, clock, saved) >= settings.schedule.topic_notices:
            continue
        narrow = scopes.narrow(saved.owner)
        receivers = _receivers(store, saved.owner, scopes.display(saved.owner))
        if narrow is None or receivers == []:
            why = "may see nothing" if narrow is None else "is nobody in the duty book"
            log.info("topic_not_told", topic=saved.id, reason=f"its owner {why}")
            continue
        now = clock.now()

        def tell(
            connection: Connection,
            hits: Sequence[Hit],
            saved: SavedSearch = saved,
            receivers: Sequence[str] | None = receivers,
            now: datetime = now,
        ) -> None:
            enqueue_matter(store, connection, _matter(saved), now.isoformat(), _notice(saved, hits), receivers, now)

        told += bool(searches.news(saved, index, narrow, tell).hits)
    return told


def _matter(saved: SavedSearch) -> str:
    return f"topic:{saved.id}"


def _told_today(store: Store, clock: Clock, saved: SavedSearch) -> int:
    midnight = clock.now().astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    query = sa.select(sa.func.count()).where(notices.c.matter == _matter(saved), notices.c.created_at >= midnight)
    with store.read() as connection:
        return connection.scalar(query.select_from(notices)) or 0


def _receivers(store: Store, owner: str, display: str) -> list[str] | None:
    """The owner in the duty book; none where there is no such person; None: the routes decide."""
    if owner == "operator":
        return None
    people = BookShelf(store).current().people
    return [f"person:{one.id}" for one in people if one.id == owner or one.name in (owner, display)][:1]


def _notice(saved: SavedSearch, hits: Sequence[Hit]) -> Notice:
    items = []
    for hit in hits[:LISTED]:
        document = hit.record.document
        what = " ".join((document.title or document.text).split())[:60]
        items.append(f"{document.published_at.astimezone(CHINA):%m-%d %H:%M} {document.source} {what}")
    if len(hits) > LISTED:
        items.append(f"……另有 {len(hits) - LISTED} 条")
    return Notice(
        reason="topic",
        level="blue",
        ticket="",
        subject=f"【关注专题】{saved.name}：新增 {len(hits)} 条",
        why=f"检索式：{saved.query or '（全部）'}",
        items=tuple(items),
        command="minsheng searches list",
    )
