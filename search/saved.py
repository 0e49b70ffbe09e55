"""Saved searches and watch topics: a query, filters and words that must not stand there, run again for what is new.

New is what was fetched since the search was saved and was not given before. Documents may reach the index long after
they were fetched, in any order; so each run looks back over `LOOK_BACK` before the last one, and the store remembers
what was given in that time. A person's scope is not saved: the caller puts today's into the filters at every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from crawlers.source_history import source_names
from minsheng.clock import Clock, SystemClock
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.problems import Problem
from minsheng.store import Store, upsert
from search.index import MAX_SIZE, Filters, Hit, Index, Search
from search.query import And, Node, Not, Term, joined, named, parse
from search.tables import saved_search_hits, saved_searches
from search.understanding import Vocabulary, understood

LOOK_BACK = timedelta(days=2)
"""How late a document may come to the index and still be given as new."""

MOST_NEW = 5_000
"""New hits that one run gives at most; the rest comes with the next."""

Narrow = Callable[[Filters], Filters]
"""Puts the scope of somebody into filters."""

_decoder = msgspec.json.Decoder(Filters)


class SavedSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A search that somebody keeps. With `notify` it is a watch topic (关注专题)."""

    id: int
    owner: str
    name: str
    query: str
    filters: Filters = Filters()
    exclude: tuple[str, ...] = ()
    notify: bool = False
    created_at: datetime
    ran_at: datetime | None = None

    def node(self) -> Node | None:
        """The query without documents that hold a word of `exclude`."""
        typed = parse(self.query)
        without = [Not(Term(word, exact=True)) for word in self.exclude]
        return joined(And, [*([typed] if typed is not None else []), *without])


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What is new, newest first; `more`: that was not all, run it again for the rest."""

    hits: tuple[Hit, ...]
    more: bool


class SavedSearches:
    """The saved searches in the store. Safe to use from several threads and processes."""

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()

    def save(
        self,
        owner: str,
        name: str,
        query: str,
        filters: Filters | None = None,
        exclude: Sequence[str] = (),
        *,
        notify: bool = False,
    ) -> SavedSearch:
        """Keep a search; one of the same owner and name is changed, and stays new from where it was.

        Raises
        ------
        WrongUse
            If the name is empty or too long, or the query can't be read.
        """
        name = name.strip()
        if not 0 < len(name) <= 200:
            raise WrongUse(Problem("search-unnamed"), "give it one")
        parse(query)
        words = [word.strip() for word in exclude if word.strip()]
        row = {
            "owner": owner,
            "name": name,
            "query": query,
            "filters": msgspec.json.encode(filters or Filters()).decode(),
            "exclude": msgspec.json.encode(words).decode(),
            "notify": notify,
        }
        with self._store.begin() as connection:
            same = (saved_searches.c.owner == owner) & (saved_searches.c.name == name)
            if connection.execute(sa.update(saved_searches).where(same).values(row)).rowcount == 0:
                connection.execute(sa.insert(saved_searches).values(row | {"created_at": self._clock.now()}))
            return _saved(connection.execute(sa.select(saved_searches).where(same)).one())

    def all(self, owner: str | None = None) -> list[SavedSearch]:
        """Those of one owner, or of all, by name."""
        chosen = sa.select(saved_searches).order_by(saved_searches.c.name, saved_searches.c.id)
        if owner is not None:
            chosen = chosen.where(saved_searches.c.owner == owner)
        with self._store.read() as connection:
            return [_saved(row) for row in connection.execute(chosen)]

    def get(self, number: int, owner: str | None = None) -> SavedSearch:
        """Raises `WrongUse` where there is none of this number, or it is another's."""
        chosen = sa.select(saved_searches).where(saved_searches.c.id == number)
        if owner is not None:
            chosen = chosen.where(saved_searches.c.owner == owner)
        with self._store.read() as connection:
            row = connection.execute(chosen).one_or_none()
        if row is None:
            raise WrongUse(Problem("search-unknown", number=number), "minsheng searches list shows those there are")
        return _saved(row)

    def remove(self, number: int, owner: str | None = None) -> None:
        """Raises `WrongUse` as `get` does."""
        self.get(number, owner)
        with self._store.begin() as connection:
            connection.execute(sa.delete(saved_search_hits).where(saved_search_hits.c.search_id == number))
            connection.execute(sa.delete(saved_searches).where(saved_searches.c.id == number))

    def news(
        self,
        saved: SavedSearch,
        index: Index,
        narrow: Narrow = lambda found: found,
        tell: Callable[[Connection, Sequence[Hit]], None] | None = None,
    ) -> News:
        """What is new since this was asked last, and remember that it was given.

        Parameters
        ----------
        narrow:
            Puts the scope of the person who asks into the filters.
        tell:
            Called with what is new, if anything is, in the transaction that remembers that it was given.
        """
        now = self._clock.now()
        since = saved.created_at if saved.ran_at is None else max(saved.created_at, saved.ran_at - LOOK_BACK)
        filters = narrow(msgspec.structs.replace(saved.filters, fetched_since=since))
        given = self._given(saved.id)
        query = saved.node()
        if query is not None:
            with self._store.read() as connection:
                query = named(query, source_names(connection))
        if query is not None:
            policies = PolicyRegister(self._store, self._clock).all()
            known = [one for one in policies if filters.policies is None or one.id in filters.policies]
            query = understood(query, Vocabulary.of(known))
        new: list[Hit] = []
        cursor = None
        more = False
        while True:
            page = index.search(Search(query=query, filters=filters, size=MAX_SIZE, after=cursor))
            new += [hit for hit in page.hits if hit.record.document.id not in given]
            cursor = page.cursor
            more = len(new) > MOST_NEW or (len(new) == MOST_NEW and cursor is not None)
            if cursor is None or more:
                break
        new = self._remember(saved, new[:MOST_NEW], now, tell, unfinished=more)
        return News(hits=tuple(new), more=more)

    def _given(self, number: int) -> set[str]:
        hits = saved_search_hits.c
        with self._store.read() as connection:
            return set(connection.scalars(sa.select(hits.document_id).where(hits.search_id == number)))

    def _remember(
        self,
        saved: SavedSearch,
        found: Sequence[Hit],
        now: datetime,
        tell: Callable[[Connection, Sequence[Hit]], None] | None,
        *,
        unfinished: bool,
    ) -> list[Hit]:
        """Remember what is given. Returns it: without what somebody else, who asked at the same moment, was given."""
        hits = saved_search_hits.c
        with self._store.begin() as connection:
            held = sa.select(saved_searches.c.id).where(saved_searches.c.id == saved.id).with_for_update()
            if connection.execute(held).first() is None:
                return []  # removed meanwhile
            given = set(connection.scalars(sa.select(hits.document_id).where(hits.search_id == saved.id)))
            new = [hit for hit in found if hit.record.document.id not in given]
            rows = [{"search_id": saved.id, "document_id": hit.record.document.id, "at": now} for hit in new]
            if tell is not None and new:
                tell(connection, new)
            if rows:
                keys = ["search_id", "document_id"]
                upsert(self._store, saved_search_hits, rows, keys=keys, connection=connection)
            if unfinished:  # the next run must look back as far as this one
                return new
            # What a later run may meet again was fetched after the time that it looks back to, and given after that.
            old = (saved_search_hits.c.search_id == saved.id) & (saved_search_hits.c.at < now - LOOK_BACK)
            connection.execute(sa.delete(saved_search_hits).where(old))
            this = saved_searches.c.id == saved.id
            connection.execute(sa.update(saved_searches).where(this).values(ran_at=now))
        return new


def _saved(row: sa.Row[tuple[object, ...]]) -> SavedSearch:
    return SavedSearch(
        id=row.id,
        owner=row.owner,
        name=row.name,
        query=row.query,
        filters=_decoder.decode(row.filters),
        exclude=tuple(msgspec.json.decode(row.exclude)),
        notify=row.notify,
        created_at=row.created_at,
        ran_at=row.ran_at,
    )
