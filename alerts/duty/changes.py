"""What changes from day to day: stand-ins, swaps and absences. Rows are added and withdrawn, never removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.duty.model import DutyBook
from alerts.duty.tables import duty_changes
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

if TYPE_CHECKING:
    from alerts.duty.roster import Watch

_LONGEST = timedelta(days=400)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is not on duty in a span of time; `by` is instead, or the roster's backup where it is None.

    Attributes
    ----------
    roster:
        Its id; empty: every roster.
    """

    id: int
    roster: str
    person: str
    by: str | None
    since: datetime
    until: datetime
    reason: str
    actor: str
    at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None


class DutyChanges:
    """The changes in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def between(self, since: datetime, until: datetime, *, withdrawn: bool = False) -> list[Change]:
        """Changes that touch a span of time, in the order in which they were made."""
        query = sa.select(duty_changes).where(duty_changes.c.until > since, duty_changes.c.since < until)
        if not withdrawn:
            query = query.where(duty_changes.c.withdrawn_at.is_(None))
        with self._store.read() as connection:
            return [Change(**row) for row in connection.execute(query.order_by(duty_changes.c.id)).mappings()]

    def stand_in(
        self,
        book: DutyBook,
        person: str,
        by: str | None,
        since: datetime,
        until: datetime,
        *,
        actor: str,
        reason: str,
        roster: str = "",
    ) -> Change:
        """Somebody else is on duty instead of a person; `by` None: the roster's backup.

        Raises
        ------
        WrongUse
            Unknown people or roster, a span that is none, or no reason.
        """
        _check(book, roster, person, by, since, until, reason)
        with self._store.begin() as connection:
            return self._add(connection, roster, person, by, since, until, actor, reason)

    def swap(
        self,
        book: DutyBook,
        first: str,
        first_at: datetime,
        second: str,
        second_at: datetime,
        *,
        actor: str,
        reason: str,
    ) -> tuple[Change, Change]:
        """Two people take each other's watch: each the one that begins at, goes on at, or begins on the day of the
        time given. Raises `WrongUse` where a person has no such watch."""
        one, other = self._watch_of(book, first, first_at), self._watch_of(book, second, second_at)
        _check(book, one.roster, first, second, one.start, one.end, reason)
        _check(book, other.roster, second, first, other.start, other.end, reason)
        with self._store.begin() as connection:
            return (
                self._add(connection, one.roster, first, second, one.start, one.end, actor, reason),
                self._add(connection, other.roster, second, first, other.start, other.end, actor, reason),
            )

    def withdraw(self, change_id: int, *, actor: str) -> Change:
        """Take a change back. Raises `WrongUse` where there is none or it is taken back already."""
        with self._store.begin() as connection:
            done = connection.execute(
                duty_changes.update()
                .where(duty_changes.c.id == change_id, duty_changes.c.withdrawn_at.is_(None))
                .values(withdrawn_at=self._clock.now(), withdrawn_by=actor)
            ).rowcount
            if not done:
                raise WrongUse(Problem("change-unknown", change=change_id), "see minsheng roster changes")
            row = connection.execute(sa.select(duty_changes).where(duty_changes.c.id == change_id)).mappings().one()
            return Change(**row)

    def _watch_of(self, book: DutyBook, person: str, at: datetime) -> Watch:
        from alerts.duty.roster import watches

        day_end = at + timedelta(days=1)
        changes = self.between(at - timedelta(days=2), day_end + timedelta(days=2))
        found = [
            watch
            for roster in book.rosters
            for watch in watches(book, roster, changes, at, day_end)
            if any(one.person == person for one in watch.watchers)
        ]
        running = [watch for watch in found if watch.start <= at < watch.end and _is_exact(at)]
        beginning = [watch for watch in found if watch.start >= at]
        if not (chosen := running or beginning):
            raise WrongUse(Problem("no-watch", person=person, at=at.astimezone(CHINA)), "see minsheng roster shifts")
        return chosen[0]

    def _add(
        self,
        connection: Connection,
        roster: str,
        person: str,
        by: str | None,
        since: datetime,
        until: datetime,
        actor: str,
        reason: str,
    ) -> Change:
        values: dict[str, Any] = {
            "roster": roster, "person": person, "by": by, "since": since, "until": until, "reason": reason.strip(),
            "actor": actor, "at": self._clock.now(),
        }  # fmt: skip
        done = connection.execute(duty_changes.insert().values(**values))
        assert done.inserted_primary_key is not None
        return Change(id=done.inserted_primary_key[0], **values)


def _is_exact(at: datetime) -> bool:
    """A day alone is typed as its midnight."""
    local = at.astimezone(CHINA)
    return bool(local.hour or local.minute)


def _check(
    book: DutyBook, roster: str, person: str, by: str | None, since: datetime, until: datetime, reason: str
) -> None:
    known: Sequence[str] = [one.id for one in book.people]
    for one in (person, by):
        if one is not None and one not in known:
            raise WrongUse(Problem("person-unknown", person=one), f"there are: {', '.join(known) or 'none'}")
    if by == person:
        raise WrongUse(Problem("stands-in-for-self"), "name somebody else with --by")
    if roster and book.roster(roster) is None:
        names = ", ".join(one.id for one in book.rosters) or "none"
        raise WrongUse(Problem("roster-unknown", roster=roster), f"there are: {names}")
    if until <= since:
        raise WrongUse(Problem("end-before-begin"), "give --since and --until")
    if until - since > _LONGEST:
        raise WrongUse(Problem("span-long"), "change the duty book itself: minsheng roster import FILE")
    if not reason.strip():
        raise WrongUse(Problem("change-reason"), "add --reason")
