"""The duty book in the store: every revision is kept, with who gave it and when; the newest is in force."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime

import msgspec
import sqlalchemy as sa

from alerts.duty.file import parse_book
from alerts.duty.model import EMPTY, DutyBook
from alerts.duty.tables import duty_books
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.logs import get_logger
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store

log = get_logger(__name__)


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of the book."""

    revision: int
    actor: str
    at: datetime


class BookShelf:
    """The books of one store. Safe to use from several threads and processes; a book is parsed once a revision."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._held: tuple[int, DutyBook] = (0, EMPTY)

    def current(self, at: datetime | None = None) -> DutyBook:
        """The book in force, or the one that was in force at a time; `EMPTY` where there was none.

        Before the first book came, the first one answers.
        """
        with self._store.read() as connection:
            newest = connection.scalar(sa.select(sa.func.max(duty_books.c.revision))) or 0
            if at is not None and newest:
                then = sa.select(sa.func.max(duty_books.c.revision)).where(duty_books.c.at <= at)
                newest = connection.scalar(then) or connection.scalar(sa.select(sa.func.min(duty_books.c.revision)))
            with self._lock:
                if self._held[0] == newest:
                    return self._held[1]
            text = connection.scalar(sa.select(duty_books.c.text).where(duty_books.c.revision == newest))
        try:
            # Channels are not looked at: one that left the settings must not take the rest of the book with it.
            book = parse_book(text) if text is not None else EMPTY
        except WrongUse as error:
            # It was right when it was imported, by an older program. Nobody is to miss a notice for that: until it is
            # put right, everybody is told, and doctor says why.
            log.error("duty_book_unreadable", revision=newest, reason=str(error))
            book = EMPTY
        with self._lock:
            self._held = (newest, book)
        return book

    def text(self, revision: int | None = None) -> str:
        """The text of a revision, by default of the newest; empty where there is no book. Raises `WrongUse`."""
        query = sa.select(duty_books.c.text).order_by(duty_books.c.revision.desc()).limit(1)
        if revision is not None:
            query = query.where(duty_books.c.revision == revision)
        with self._store.read() as connection:
            found: str | None = connection.scalar(query)
        if found is None and revision is not None:
            raise WrongUse(Problem("revision-unknown", revision=revision), "see minsheng roster revisions")
        return found or ""

    def revisions(self) -> list[Revision]:
        """All revisions, the newest first."""
        query = sa.select(duty_books.c.revision, duty_books.c.actor, duty_books.c.at)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(duty_books.c.revision.desc())).all()
        return [Revision(revision=row.revision, actor=row.actor, at=row.at) for row in rows]

    def put(self, text: str, settings: Settings, clock: Clock, actor: str) -> Revision:
        """Put a book into force, or raise `WrongUse` with all that is wrong with it; then the old one stays.

        A text that is in force already makes no new revision.
        """
        parse_book(text, channels_of(settings))
        now = clock.now()
        with self._store.begin() as connection:
            newest = connection.execute(sa.select(duty_books).order_by(duty_books.c.revision.desc()).limit(1)).first()
            if newest is not None and newest.text == text:
                return Revision(revision=newest.revision, actor=newest.actor, at=newest.at)
            done = connection.execute(duty_books.insert().values(text=text, actor=actor, at=now))
            assert done.inserted_primary_key is not None
            return Revision(revision=done.inserted_primary_key[0], actor=actor, at=now)


def channels_of(settings: Settings) -> Mapping[str, bool]:
    """The channels of the settings: name → whether it reaches one person at a time."""
    found = {channel.name: channel.personal for channel in settings.notify.channels}
    if settings.notify.terminal:
        found["terminal"] = False
    return found
