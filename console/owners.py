"""What the owner of a saved search may see, for programs that run it in the owner's absence."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa

from console.scope import ScopedIndex, Views
from console.searching import as_of_today
from console.tables import users
from console.units import UnitBook
from minsheng.clock import Clock
from minsheng.policies import PolicyRegister
from minsheng.store import Store
from search.index import Index
from search.saved import Narrow


class Owners:
    """Owner's name → what puts today's scope, and today's names of events and areas, into filters.

    A user of the console has the scope of the user's unit; one who was disabled, or has no unit, none. A name that is
    no user's was given at the command line, where everything is seen.
    """

    def __init__(self, store: Store, index: Index, clock: Clock) -> None:
        self._store = store
        self._units = UnitBook(store, clock)
        self._views = Views(store, index, clock, PolicyRegister(store, clock).all)

    def narrow(self, owner: str) -> Narrow | None:
        """None: the owner may see nothing."""
        with self._store.read() as connection:
            user = connection.execute(sa.select(users).where(users.c.name == owner.strip().lower())).first()
        today = partial(as_of_today, store=self._store)
        if user is None:
            return today
        if user.disabled_at is not None or user.unit_id is None:
            return None
        view = self._views.of(lambda policies: self._units.tree().grant(user.unit_id, policies))
        scoped = view.index
        return (lambda filters: scoped.narrow(today(filters))) if isinstance(scoped, ScopedIndex) else today

    def display(self, owner: str) -> str:
        """What the owner is called."""
        with self._store.read() as connection:
            return connection.scalar(sa.select(users.c.display).where(users.c.name == owner.strip().lower())) or owner
