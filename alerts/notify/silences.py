"""Silences: notices on a matter are held back for a while, with a reason; they are made and ended, never removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from alerts.levels import LEVELS
from alerts.notify.tables import notices, silences
from alerts.tables import tickets
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

LONGEST = timedelta(days=30)


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Notices that fit are held until it ends; what is then still true of an open ticket is told.

    Attributes
    ----------
    ticket, policy, department:
        What it is about: number, id, name; empty: any.
    levels:
        Of which levels; none: every level but red.
    """

    id: int
    ticket: str
    policy: str
    department: str
    levels: list[str]
    since: datetime
    until: datetime
    reason: str
    actor: str
    at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.ended_at is None and self.since <= now < self.until

    def fits(self, *, ticket: str, policy: str, department: str, level: str) -> bool:
        """Whether a notice of this kind is meant."""
        if level not in self.levels if self.levels else level == "red":
            return False
        pairs = ((self.ticket, ticket), (self.policy, policy), (self.department, department))
        return all(not wanted or wanted == given for wanted, given in pairs)


class Silences:
    """The silences in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(
        self,
        *,
        until: datetime,
        reason: str,
        actor: str,
        since: datetime | None = None,
        ticket: str = "",
        policy: str = "",
        department: str = "",
        levels: Sequence[str] = (),
    ) -> Silence:
        """Hold notices back. Red is silenced only where `levels` names it.

        Raises
        ------
        WrongUse
            Without reason or subject, for more than 30 days, with an end that is no end, or an unknown ticket.
        """
        now = self._clock.now()
        begin = since or now
        if not reason.strip():
            raise WrongUse(Problem("silence-reason"), "add --reason")
        if not (ticket or policy or department):
            raise WrongUse(Problem("silence-empty"), "give --ticket, --policy or --department")
        if until <= max(begin, now):
            raise WrongUse(Problem("silence-over"), "give a later --until, or --for 2h")
        if until - begin > LONGEST:
            raise WrongUse(Problem("silence-long"), "give an earlier --until, and make another one then")
        for level in levels:
            if level not in LEVELS[1:]:
                raise WrongUse(Problem("level-unknown", level=level), f"use {', '.join(LEVELS[1:])}")
        values = {
            "ticket": ticket.strip().upper(), "policy": policy, "department": department, "levels": list(levels),
            "since": begin, "until": until, "reason": reason.strip(), "actor": actor, "at": now,
        }  # fmt: skip
        with self._store.begin() as connection:
            if ticket:
                known = connection.scalar(sa.select(tickets.c.id).where(tickets.c.number == values["ticket"]))
                if known is None:
                    raise WrongUse(Problem("ticket-unknown", ticket=ticket), "see minsheng tickets list")
            done = connection.execute(silences.insert().values(**values))
            assert done.inserted_primary_key is not None
            return Silence(id=done.inserted_primary_key[0], **values)  # type: ignore[arg-type]

    def end(self, silence_id: int, *, actor: str) -> Silence:
        """End a silence before its time: what it held is looked at again at once. Raises `WrongUse`."""
        now = self._clock.now()
        with self._store.begin() as connection:
            done = connection.execute(
                silences.update()
                .where(silences.c.id == silence_id, silences.c.ended_at.is_(None), silences.c.until > now)
                .values(ended_at=now, ended_by=actor)
            ).rowcount
            if not done:
                raise WrongUse(Problem("silence-unknown", silence=silence_id), "see minsheng silences list")
            held = sa.and_(notices.c.decided_at.is_(None), notices.c.look_at > now)
            connection.execute(notices.update().where(held).values(look_at=now))
            row = connection.execute(sa.select(silences).where(silences.c.id == silence_id)).mappings().one()
            return Silence(**row)

    def list(self, *, ended: bool = False) -> Sequence[Silence]:
        """Silences that are in force or will be, the first to end in front; with `ended` all there ever were."""
        query = sa.select(silences).order_by(silences.c.until, silences.c.id)
        if not ended:
            query = query.where(silences.c.ended_at.is_(None), silences.c.until > self._clock.now())
        with self._store.read() as connection:
            return [Silence(**row) for row in connection.execute(query).mappings()]
